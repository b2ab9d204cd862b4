"""How sockets begin and end: by the client's close, by their token's end, and at the bound of a user."""

from __future__ import annotations

from time import monotonic

import pytest
import requests

from tests.webapp.http import keys
from tests.webapp.http.keys import ALL
from tests.webapp.services import Service, StartService
from tests.webapp.ws.following import Closed, Listener, Refused, when_there_is_room
from webapp.paths import PREFIX
from workflow_fsm.workflow import utc_now


@pytest.fixture(scope="module")
def guarded_service(start_shared: StartService) -> Service:
    return start_shared(**ALL, WORKFLOW_MAX_USER_SOCKETS="2")


def held(*, seconds: float = 60, **claims: object) -> tuple[tuple[str, str], ...]:
    """Give the header of a token that ends in so many seconds."""
    token = keys.token({"exp": utc_now().timestamp() + seconds, **claims})
    return (("Authorization", f"Bearer {token}"),)


def test_a_client_that_closes_gets_its_close_back_each_time(server: Service, user: str) -> None:
    codes = []
    for _ in range(40):
        with Listener(server.port, user) as listener:
            codes.append(listener.say_goodbye().code)

    assert codes == [1000] * 40


def test_the_close_that_comes_back_is_the_clients_own(server: Service, user: str) -> None:
    with Listener(server.port, user) as listener:
        assert listener.say_goodbye(4999).code == 4999


def test_a_socket_ends_with_its_token_and_its_code_says_so(guarded_service: Service, user: str) -> None:
    began = monotonic()
    with (
        Listener(guarded_service.port, user, headers=held(sub=user, seconds=1.5)) as brief,
        Listener(guarded_service.port, user, headers=held(sub=user)) as long,
    ):
        with pytest.raises(Closed) as closed:
            brief.read()
        seconds = monotonic() - began
        assert long.is_silent(0.1)

    assert closed.value.code == 4401
    assert str(closed.value.reason).startswith("the token has expired: connect with a new one and since=")
    assert 0.5 < seconds < 4


def test_a_socket_of_the_operators_token_has_no_end(guarded_service: Service, user: str) -> None:
    headers = (("Authorization", f"Bearer {keys.API_TOKEN}"),)
    with Listener(guarded_service.port, user, headers=headers) as listener:
        assert listener.is_silent(1)


def test_of_one_user_so_many_may_be_open_and_of_another_as_many_again(
    guarded_service: Service, user: str
) -> None:
    port, own, other = guarded_service.port, held(sub=user), held(sub=f"{user}-2")
    first, second = (Listener(port, user, headers=own) for _ in range(2))
    with pytest.raises(Refused) as refused:
        Listener(port, user, headers=own)
    Listener(port, f"{user}-2", headers=other).close()
    first.close()
    third = when_there_is_room(port, user, headers=own)

    assert refused.value.code == 503
    assert "WORKFLOW_MAX_USER_SOCKETS" in refused.value.body["detail"]
    assert int(refused.value.headers["retry-after"]) >= 1
    second.close()
    third.close()


@pytest.mark.parametrize("query", ["", "?since=0", "?token=x"])
def test_without_an_upgrade_it_is_426_with_a_sentence_for_whoever_asks(
    server: Service, guarded_service: Service, query: str
) -> None:
    for service in (server, guarded_service):
        answer = requests.get(f"{service.url}{PREFIX}/ws/u1{query}", timeout=10)

        assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"].endswith("/upgrade-required")
        assert "connect with a WebSocket client" in answer.json()["detail"]
