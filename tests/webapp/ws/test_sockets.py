"""Live: who follows a user on a WebSocket is told every transition once; the slow and the dead are closed."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.docs.generate import REFERENCE
from tests.webapp.conftest import Api
from tests.webapp.services import Service, until
from tests.webapp.ws.following import Closed, Listener, Refused, when_there_is_room
from webapp.routes.webhooks import PREFIX
from workflow_fsm import Settings, Workflow

SOCKETS = 200

FIRE = """
import sys
from workflow_fsm import Settings, Workflow

url, user, many = sys.argv[1:]
with Workflow.open(url, settings=Settings()) as workflow:
    for number in range(int(many)):
        workflow.fire("sync_complete", user_id=user, sync_id=f"s{number}")
        if number % 10 == 0:
            claims = [{"claim_id": f"c{number}-{claim}"} for claim in range(5)]
            workflow.fire("detection_complete", user_id=user, sync_id=f"s{number}", claims=claims)
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('live') / 'workflow.db'}"


@pytest.fixture(scope="module")
def service(start_shared: Callable[..., Service], url: str) -> Service:
    return start_shared(WORKFLOW_DATABASE_URL=url, WORKFLOW_HANDLERS="tests.webapp.server.hurried")


@pytest.fixture(scope="module")
def small(start_shared: Callable[..., Service]) -> Service:
    """A service of two sockets, which it pings all the time."""
    return start_shared(
        WORKFLOW_MAX_SOCKETS="2", WORKFLOW_HANDLERS="tests.webapp.server.hurried", HURRIED_PING_SECONDS="0.25"
    )


@pytest.fixture(scope="module")
def elsewhere(service: Service, url: str) -> Iterator[Workflow]:
    """The service's store, opened in this process, which is another."""
    with Workflow.open(url, settings=Settings()) as workflow:
        yield workflow


@pytest.fixture
def follow(service: Service) -> Iterator[Callable[..., Listener]]:
    opened: list[Listener] = []

    def start(user: str, since: object = None, **how: Any) -> Listener:
        opened.append(Listener(service.port, quote(user, safe=""), since, **how))
        return opened[-1]

    yield start
    for listener in opened:
        listener.close()


@pytest.fixture
def api(service: Service) -> Iterator[Api]:
    client = Api(service.url)
    yield client
    client.close()


Follow = Callable[..., Listener]


def test_a_message_is_a_transition_as_history_tells_it(follow: Follow, api: Api, user: str) -> None:
    api.post("sync/complete", {"user_id": user, "sync_id": "s1", "occurred_at": "2026-03-01T12:00:00Z"})
    [row] = api.get(f"history/{user}").json()["history"]

    assert follow(user, 0).read() == {
        "cursor": row["cursor"],
        "event": "workflow.transition",
        "data": row,
        "timestamp": row["at"],
    }


def test_it_begins_behind_a_cursor_or_from_now_on_and_goes_on_live(
    follow: Follow, api: Api, user: str
) -> None:
    for number in range(3):
        api.post("sync/complete", {"user_id": user, "sync_id": f"s{number}"})
    everything, live = follow(user, 0), follow(user)
    told = everything.read_many(3)
    rest, future = follow(user, told[1]["cursor"]), follow(user, 10**30)
    api.post("sync/complete", {"user_id": user, "sync_id": "s3"})

    assert [one["data"]["sync_id"] for one in told] == ["s0", "s1", "s2"]
    assert [one["data"]["sync_id"] for one in rest.read_many(2)] == ["s2", "s3"]
    assert everything.read()["data"]["sync_id"] == "s3"
    assert live.read()["data"]["sync_id"] == "s3"
    assert all(one.is_silent(0.1) for one in (everything, live, rest, future))


def test_an_unknown_users_socket_is_open_and_silent_until_something_is_known(
    follow: Follow, api: Api, user: str
) -> None:
    listener = follow(user, 0)
    assert listener.is_silent()

    api.post("detection/complete", {"user_id": user, "sync_id": "s1", "claims": [{"claim_id": "c1"}]})
    assert listener.is_silent(0.1)
    api.post("sync/complete", {"user_id": user, "sync_id": "s1"})

    assert [one["data"]["to"] for one in listener.read_many(3)] == ["synced", "detected", "detected"]


@pytest.mark.parametrize("odd", ["a/b?c#d", "//", "..", "%2F", "ü ö", "\U0001f4b8", "'; --"])
def test_a_user_id_is_any_string(follow: Follow, api: Api, user: str, odd: str) -> None:
    listener = follow(user + odd)
    api.post("sync/complete", {"user_id": user + odd})

    assert listener.read()["data"]["to"] == "synced"
    assert api.get(f"history/{quote(user + odd, safe='')}").status_code == 200


def test_nobody_hears_of_another_user(follow: Follow, api: Api, user: str) -> None:
    listener = follow(user)
    api.post("sync/complete", {"user_id": user + "x"})

    assert listener.is_silent(0.7)


def test_what_another_process_commits_is_told_within_a_second(
    follow: Follow, elsewhere: Workflow, user: str
) -> None:
    listener = follow(user)
    began = monotonic()
    elsewhere.fire("sync_complete", user_id=user)

    assert listener.read(5)["data"]["actor"] == "library"
    assert monotonic() - began < 1.5


def test_over_reconnects_none_is_missed_and_none_doubled_while_another_process_fires(
    service: Service, url: str, elsewhere: Workflow, user: str
) -> None:
    chance = random.Random(5)
    many = 30
    firing = subprocess.Popen([sys.executable, "-c", FIRE, url, user, str(many)], env=_environment())
    told: list[list[int]] = [[] for _ in range(4)]
    rows = many + many // 10 * 6
    end = monotonic() + 20
    while min(map(len, told)) < rows:
        assert monotonic() < end
        for cursors in told:
            since = cursors[-1] if cursors else 0
            with Listener(service.port, user, since) as listener:
                try:
                    for _ in range(chance.choice((0, 1, 3, 20, 200))):
                        cursors.append(listener.read(0.1)["cursor"])
                except TimeoutError:
                    pass
    assert firing.wait(timeout=10) == 0

    page = elsewhere.history(user, limit=1000)
    assert page is not None
    expected = [row["cursor"] for row in page]
    assert len(expected) == rows
    assert told == [expected] * 4


def test_a_reader_that_takes_nothing_is_closed_with_1013_and_others_wait_for_none_of_it(
    follow: Follow, elsewhere: Workflow, service: Service, user: str
) -> None:
    slow, quick = follow(user, 0, buffer=4096), follow(user, 0)
    names = [f"{number:05}" + "x" * 240 for number in range(1500)]
    elsewhere.fire_many([{"trigger": "sync_complete", "user_id": user, "sync_id": name} for name in names])
    heard = [one["data"]["sync_id"] for one in quick.read_many(len(names))]
    until(lambda: any(line.get("outcome") == "closed 1013" for line in service.lines()), seconds=15)
    partly, closed = slow.read_to_the_end()

    assert heard == names
    assert closed.code == 1013
    assert [one["data"]["sync_id"] for one in partly] == names[: len(partly)]
    assert 0 < len(partly) < len(names)
    again = follow(user, partly[-1]["cursor"])
    assert [one["data"]["sync_id"] for one in again.read_many(10)] == names[len(partly) : len(partly) + 10]


def test_pings_keep_a_socket_and_find_one_that_is_dead(small: Service, user: str) -> None:
    with Listener(small.port, user) as living, Listener(small.port, user) as dead:
        assert living.is_silent(1)
        assert living.pings >= 3
        with pytest.raises(Closed) as closed:
            dead.read()
        assert closed.value.code == 1008


def test_what_a_client_sends_is_ignored_unless_it_is_far_too_much(
    follow: Follow, api: Api, user: str
) -> None:
    talking, shouting = follow(user), follow(user)
    talking.send("hello")
    shouting.send("x" * 100_000)
    api.post("sync/complete", {"user_id": user})

    assert talking.read()["data"]["to"] == "synced"
    assert shouting.read_to_the_end()[1].code == 1009


def test_the_description_and_the_page_tell_the_codes_that_sockets_are_closed_with(server: Service) -> None:
    codes = {"1001", "1008", "1009", "1011", "1013", "4400", "4401", "4409"}
    described = requests.get(f"{server.url}/openapi.json", timeout=10).json()
    told = described["paths"][f"{PREFIX}/ws/{{user_id}}"]["get"]["description"]
    page = (REFERENCE / "routes.md").read_text(encoding="utf-8")
    _, live = page.split("| closed with |")

    assert set(re.findall(r"\b\d{4}\b", told)) == codes
    assert set(re.findall(r"^\| (\d{4}) \|", live, re.M)) == codes
    assert re.search(r"With 4400 where `since` is no cursor", told)


@pytest.mark.parametrize("since", ["", "abc", "-1", "1.5", "%C2%B2", "1&since=2"])
def test_a_bad_since_is_told_by_the_close(follow: Follow, user: str, since: str) -> None:
    with pytest.raises(Closed) as closed:
        follow(user, since).read()

    assert closed.value.code == 4400
    assert "since" in str(closed.value.reason)


def test_what_is_no_handshake_or_no_user_is_refused_before_the_upgrade(service: Service, user: str) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    route = f"{service.url}{PREFIX}/ws"

    assert requests.get(f"{route}/{user}", headers=upgrade, timeout=10).status_code == 400
    assert requests.post(f"{route}/{user}", headers=upgrade, timeout=10).status_code == 405
    for path, code in (("", 404), ("%ff", 400)):
        with pytest.raises(Refused) as refused:
            Listener(service.port, path)
        assert refused.value.code == code
        assert refused.value.body["status"] == code


def test_a_closed_socket_is_one_line_in_the_log(
    follow: Follow, service: Service, api: Api, user: str
) -> None:
    listener = follow(user, 0)
    api.post("sync/complete", {"user_id": user})
    listener.read()
    listener.close()

    line = service.line_of(f"{PREFIX}/ws/{user}")
    assert (line["code"], line["user_id"], line["outcome"], line["sent"]) == (101, user, "left", 1)


def test_past_the_cap_it_is_503_until_one_leaves(small: Service, user: str) -> None:
    first, second = [when_there_is_room(small.port, user) for _ in range(2)]
    with pytest.raises(Refused) as refused:
        Listener(small.port, user)

    assert refused.value.code == 503
    assert int(refused.value.headers["retry-after"]) >= 1
    assert refused.value.body["type"].endswith("/too-many-sockets")
    first.close()
    for each in (second, when_there_is_room(small.port, user)):
        each.close()


def test_a_stop_closes_every_socket_with_1001_and_ends_within_three_seconds(
    start_service: Callable[..., Service], user: str
) -> None:
    service = start_service()
    api = Api(service.url)
    api.post("sync/complete", {"user_id": user})  # its connection is kept alive
    listeners = [Listener(service.port, f"{user}-{number}") for number in range(SOCKETS)]
    with pytest.raises(Refused) as refused:
        Listener(service.port, user)
    began = monotonic()
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=10) == 0
    seconds = monotonic() - began
    codes = set()
    for listener in listeners:
        with pytest.raises(Closed) as closed:
            listener.read(1)
        codes.add(closed.value.code)
        listener.close()
    api.close()

    assert refused.value.code == 503
    assert codes == {1001}
    assert seconds < 3


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
