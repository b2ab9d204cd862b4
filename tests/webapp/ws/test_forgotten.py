"""Live, where a user is forgotten: followers are closed, and who comes under that id later is read whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.webapp.conftest import Api
from tests.webapp.services import Service, StartService
from tests.webapp.ws.following import Closed, Listener
from workflow_fsm import Settings, Workflow

LOST = 4409


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'claims.db'}"


@pytest.fixture
def service(start_service: StartService, url: str) -> Service:
    return start_service(WORKFLOW_DATABASE_URL=url)


@pytest.fixture
def api(service: Service) -> Iterator[Api]:
    client = Api(service.url)
    yield client
    client.close()


def sync(api: Api, user: str, number: int) -> None:
    assert api.post("sync/complete", {"user_id": user, "sync_id": f"s{number}"}).status_code == 200


def test_who_follows_is_closed_and_others_are_not(service: Service, api: Api, url: str) -> None:
    sync(api, "u1", 1)
    sync(api, "u2", 1)
    with Listener(service.port, "u1", 0) as forgotten, Listener(service.port, "u2", 0) as other:
        last = forgotten.read()["cursor"]
        other.read()
        with Workflow.open(url, settings=Settings()) as workflow:
            assert workflow.forget("u1", reason="ticket 17") is not None
        with pytest.raises(Closed) as closed:
            forgotten.read(5)
        assert closed.value.code == LOST
        with pytest.raises(Closed) as closed, Listener(service.port, "u1", last) as again:
            again.read(5)
        assert closed.value.code == LOST
        assert api.get("status/u1").status_code == 404
        sync(api, "u2", 2)
        assert other.read()["data"]["sync_id"] == "s2"
        sync(api, "u1", 9)
        for since in (0, last):
            with Listener(service.port, "u1", since) as anew:
                told = anew.read()
                assert (told["data"]["sync_id"], told["data"]["version"]) == ("s9", 1)
                assert told["cursor"] > last
