"""`sync/start` over a real service: asked durably, once a user, and only where there is somebody to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.webapp.conftest import Api, Outside
from tests.webapp.services import Service, until

StartService = Callable[..., Service]


@pytest.fixture
def calling(start_service: StartService, outside: Outside) -> Iterator[Api]:
    """A service that calls the one outside."""
    service = start_service(INTEGRATIONS_URL=outside.url, INTEGRATIONS_API_KEY="pa55")
    api = Api(service.url)
    yield api
    api.close()


def test_without_an_integrations_service_it_is_409(api: Api, user: str) -> None:
    answer = api.post("sync/start", {"user_id": user})

    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/no-integrations-service")
    assert "INTEGRATIONS_URL" in answer.json()["detail"]


def test_a_user_id_that_is_none_is_400(calling: Api, outside: Outside) -> None:
    for user_id in (None, "", 1, " u", "u" * 256, ["u"], "u\u0000"):
        answer = calling.post("sync/start", {"user_id": user_id})
        assert answer.status_code == 400
        assert [fault["field"] for fault in answer.json()["errors"]] == ["user_id"]
    assert calling.post("sync/start", {}).status_code == 400
    assert calling.post("sync/start", data=b"{}").status_code == 415
    assert outside.posted == []


def test_it_is_asked_once_while_one_is_pending_and_again_later(
    calling: Api, outside: Outside, user: str
) -> None:
    outside.answer(202, after_seconds=1)
    for _ in range(3):
        answer = calling.post("sync/start", {"user_id": user})
        assert (answer.status_code, answer.json()) == (202, {"status": "requested"})
    [(path, headers, body)] = outside.wait_for(1)
    assert path == "/api/v1/integrations/amazon/sync"
    assert headers["Authorization"] == "Bearer pa55"
    assert body["user_id"] == user
    assert body["callback_url"].endswith("/api/v1/workflow/sync/complete")
    other = f"{user}-other"
    calling.post("sync/start", {"user_id": other})
    assert outside.wait_for(2)[1][2]["user_id"] == other

    outside.answer(202)
    until(lambda: calling.post("sync/start", {"user_id": user}).ok and len(outside.posted) > 2)
    first, _, again = outside.posted[:3]
    assert again[2] == first[2]
    assert again[1]["Idempotency-Key"] != first[1]["Idempotency-Key"]


def test_what_the_service_outside_refuses_is_a_dead_letter(calling: Api, outside: Outside, user: str) -> None:
    outside.answer(403)
    calling.post("sync/start", {"user_id": user})
    outside.wait_for(1)
    until(lambda: calling.get("deadletters", user_id=user).json()["deadletters"])

    [dead_letter] = calling.get("deadletters", user_id=user, kind="effect").json()["deadletters"]
    assert dead_letter["handler"] == "integrations.start_sync"
    assert dead_letter["reason"] == "the integrations service answered 403"
    outside.answer(202)
    assert calling.post(f"deadletters/{dead_letter['id']}/retry").json() == {"status": "owed"}
    assert outside.wait_for(2)[1][1]["Idempotency-Key"] == outside.posted[0][1]["Idempotency-Key"]
