"""Two services and two workers on one database, under load: one is killed, the server crashes and comes back.

"After this answer nothing that the process or the machine can suffer loses it", and nothing is done twice.
`WORKFLOW_CRASH_KILLS` says how often. In the long run workers are killed too, and their leases waited out.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any

import pytest

from tests.crash.test_kill import KILLS, PREFIX, Sender
from tests.forked import Forked
from tests.machine.ledger import Ledger
from tests.stores.postgres.server import CannotRun, Server, server
from workflow_fsm import Settings, StoreUnavailable, Workflow

ROUNDS = max(1, KILLS // 10)
LONG = KILLS > 10
SENDERS = 4
HANDLERS = """
from workflow_fsm import Fire


def register(workflow):
    @workflow.on_enter("detected")
    def look(transition):
        if transition.claim_id is not None:
            return Fire("evidence_matching_complete", confidence=0.9)

    @workflow.on_transition(target="paid")
    def thank(transition):
        with open("thanked", "a") as file:
            file.write(f"{transition.key}\\n")
"""


@dataclass(slots=True)
class Process:
    """A service or a worker."""

    command: str
    url: str
    home: Path
    log: Path
    process: Forked | None = None
    port: int = 0

    def begin(self) -> None:
        """Start it, and wait until it says that it is there."""
        self.process = Forked(
            *("workflow_fsm", self.command),
            cwd=self.home,
            stdout=self.log,
            variables={
                "WORKFLOW_DATABASE_URL": self.url,
                "WORKFLOW_HANDLERS": "claims_handlers",
                "WORKFLOW_EFFECT_PAUSE": "100ms",
                "WORKFLOW_EFFECT_TRIES": "50",
                "HOST": "127.0.0.1",
                "PORT": "0",
            },
            leads=True,
        )
        if self.command == "serve":
            self.port = self.process.port()
        else:
            self.process.said("working in ")

    def kill(self) -> None:
        """Kill it with all that it started."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Persistent(Sender):
    """Sends on whatever happens: to the other service, or the same webhook again a little later."""

    services: list[Process] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    turned_away: int = 0

    def send_on(self) -> None:
        """Send until it is told to stop, and nothing is owed any more."""
        while self.owed or not self.stop.is_set():
            self.owed = self.owed or self._claim()
            connection = HTTPConnection("127.0.0.1", self.random.choice(self.services).port, timeout=20)
            try:
                while self.owed:
                    self._post(connection, *self.owed[0])
                    del self.owed[0]
            except (OSError, HTTPException, Unavailable):
                self.turned_away += 1
                sleep(0.05)
            finally:
                connection.close()

    def _post(self, connection: HTTPConnection, route: str, body: dict[str, Any]) -> None:
        content = json.dumps(body)
        connection.request("POST", f"{PREFIX}/{route}", content, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        told = json.loads(response.read())
        if response.status == 503:
            assert int(response.headers["Retry-After"]) >= 1
            raise Unavailable
        if response.status not in (200, 202) or told["event_id"] != body["event_id"]:
            self.wrong.append((response.status, told))
        self.acknowledged.append((body["user_id"], body["event_id"]))


class Unavailable(Exception):
    """The service answered 503."""


@pytest.fixture
def lasting() -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            running = stack.enter_context(server(lasting=True))
        except CannotRun as error:
            pytest.skip(str(error))
        yield running


@pytest.mark.crash
def test_nothing_is_lost_or_done_twice_by_a_cluster_that_loses_its_parts(
    lasting: Server, tmp_path: Path
) -> None:
    url = lasting.url(lasting.make())
    (tmp_path / "claims_handlers.py").write_text(HANDLERS)
    services = [Process("serve", url, tmp_path, tmp_path / f"service-{n}.log") for n in (1, 2)]
    workers = [Process("worker", url, tmp_path, tmp_path / f"worker-{n}.log") for n in (1, 2)]
    chance = Random(KILLS)
    with ExitStack() as stack:
        for process in (*services, *workers):
            stack.callback(process.kill)
        beginning = [threading.Thread(target=process.begin) for process in (*services, *workers)]
        for thread in beginning:
            thread.start()
        for thread in beginning:
            thread.join()
        senders = [
            Persistent(name=f"sender-{n}", random=Random(n), services=services) for n in range(SENDERS)
        ]
        threads = [threading.Thread(target=sender.send_on) for sender in senders]
        for thread in threads:
            thread.start()
        for _ in range(ROUNDS):
            sleep(chance.uniform(0.3, 0.8))
            lost = chance.choice([*services, *workers] if LONG else services)
            lost.kill()
            sleep(chance.uniform(0.1, 0.3))
            lasting.crash()
            sleep(chance.uniform(0.1, 0.5))
            lasting.start()
            lost.begin()
        sleep(0.5)
        for sender in senders:
            sender.stop.set()
        for thread in threads:
            thread.join(timeout=30)
            assert not thread.is_alive()
        if LONG:
            wait_until_all_is_done(url, seconds=90)
        hold(url, senders, tmp_path / "thanked")


def wait_until_all_is_done(url: str, seconds: float) -> None:
    until = monotonic() + seconds
    with Workflow.open(url, settings=Settings()) as workflow:
        while left := owed(workflow):
            assert monotonic() < until, left[:3]
            sleep(0.1)


def owed(workflow: Workflow) -> list[Any]:
    try:
        return workflow.owed()
    except StoreUnavailable:
        return [None]


def hold(url: str, senders: list[Persistent], thanked: Path) -> None:
    """Hold what the database has against what was acknowledged, and what was done."""
    ledger = Ledger(url)
    kept = Counter((user, row["event_id"]) for user in ledger.users() for row in ledger.rows("events", user))
    assert set(kept.values()) == {1}
    for sender in senders:
        assert not sender.wrong
        for pair in sender.acknowledged:
            assert kept[pair] == 1, f"{pair} was acknowledged"
    assert sum(sender.turned_away for sender in senders) > 0
    assert sum(sender.users for sender in senders) == len(ledger.users()) > 0
    ledger.check()
    done = set(thanked.read_text().split())
    for user in ledger.users():
        (claim,) = [one for one in ledger.rows("lifecycles", user) if one["claim_id"] == "c"]
        assert (claim["state"], claim["paid"]) == ("paid", '{"USD": "25.00"}')
        assert not ledger.rows("waits", user)
        fired = [row for row in ledger.rows("events", user) if row["actor"] == "effect:look"]
        assert len(fired) <= 1
        assert len(ledger.rows("events", user)) == 6 + len(fired)
    with Workflow.open(url, settings=Settings()) as workflow:
        report = workflow.check()
        assert report.sound, report.faults
        rows = [row for user in ledger.users() for row in ledger.rows("history", user)]
        paid = sum(row["to_state"] == "paid" for row in rows)
        assert len(done) == paid if LONG else 0 < len(done) <= paid
