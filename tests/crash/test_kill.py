"""`kill -9` of the real service under load, again and again on one file: "after this answer nothing that the
process or the machine can suffer loses it".

`WORKFLOW_CRASH_KILLS` says how often; every third kill hits a service that is still starting.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import pytest

from tests.forked import Forked
from tests.machine.ledger import Ledger

KILLS = int(os.environ.get("WORKFLOW_CRASH_KILLS", "3"))
SENDERS = 6
PREFIX = "/api/v1/workflow"

Webhook = tuple[str, dict[str, Any]]


@dataclass(slots=True)
class Service:
    """The service on one file: started, killed with its workers, started again."""

    path: Path
    log: Path
    process: Forked | None = None
    port: int = 0

    def begin(self) -> None:
        """Start it, without waiting for it."""
        self.process = Forked(
            *("workflow_fsm", "serve"),
            cwd=self.path.parent,
            stdout=self.log,
            variables={
                "WORKFLOW_DATABASE_URL": f"sqlite:///{self.path}",
                "HOST": "127.0.0.1",
                "PORT": "0",
            },
            leads=True,
        )

    def wait_until_it_serves(self) -> None:
        """Wait for the line that says where it listens."""
        assert self.process is not None
        self.port = self.process.port()

    def kill(self) -> None:
        """Kill it and its workers, at once, as a machine that loses its power would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(path=tmp_path / "claims.db", log=tmp_path / "service.log")
    yield running
    running.kill()


@dataclass(slots=True)
class Sender:
    """Sends the webhooks of one claim after another, in any order, until the service is gone.

    A webhook stays in `owed` until it was acknowledged: then it is sent again, as a sender does.
    """

    name: str
    random: Random
    owed: list[Webhook] = field(default_factory=list)
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    users: int = 0
    wrong: list[Any] = field(default_factory=list)

    def send(self, port: int, *, only_owed: bool = False) -> None:
        """Send on; with `only_owed`, no claim is begun any more."""
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            while self.owed or not only_owed:
                if not self.owed:
                    self.owed = self._claim()
                self._post(connection, *self.owed[0])
                del self.owed[0]
        except (OSError, HTTPException):
            pass  # killed: whether this one was kept, nobody told us
        finally:
            connection.close()

    def _post(self, connection: HTTPConnection, route: str, body: dict[str, Any]) -> None:
        content = json.dumps(body)
        connection.request("POST", f"{PREFIX}/{route}", content, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        told = json.loads(response.read())
        if response.status not in (200, 202) or told["event_id"] != body["event_id"]:
            self.wrong.append((response.status, told))
        self.acknowledged.append((body["user_id"], body["event_id"]))

    def _claim(self) -> list[Webhook]:
        """Make a user whose claim gets its webhooks in a shuffled order, one of them twice."""
        self.users += 1
        user = {"user_id": f"{self.name}-{self.users}"}
        webhooks: list[Webhook] = [
            ("sync/complete", {"sync_id": "s", "event_id": "e1"}),
            ("detection/complete", {"sync_id": "s", "claims": [{"claim_id": "c"}], "event_id": "e2"}),
            ("evidence-matching/complete", {"claim_id": "c", "confidence": 0.9, "event_id": "e3"}),
            ("claim/submitted", {"claim_id": "c", "case_id": "k", "event_id": "e4"}),
            ("payout/received", {"claim_id": "c", "amount": "12.50", "event_id": "e5"}),
            ("payout/received", {"claim_id": "c", "amount": "12.50", "event_id": "e6"}),
        ]
        self.random.shuffle(webhooks)
        webhooks.insert(self.random.randrange(6), webhooks[0])
        return [(route, {**user, **body}) for route, body in webhooks]


def load(service: Service, senders: list[Sender], seconds: float) -> None:
    """Let all send until the service is killed under them."""
    threads = [threading.Thread(target=sender.send, args=(service.port,)) for sender in senders]
    for thread in threads:
        thread.start()
    sleep(seconds)
    service.kill()
    for thread in threads:
        thread.join()


def check(service: Service, senders: list[Sender]) -> Ledger:
    """Hold what the file has against what was acknowledged."""
    ledger = Ledger(service.path)
    kept = Counter((user, row["event_id"]) for user in ledger.users() for row in ledger.rows("events", user))
    for sender in senders:
        assert not sender.wrong
        for pair in sender.acknowledged:
            assert kept[pair] == 1, f"{pair} was acknowledged"
    assert set(kept.values()) <= {1}
    # Beyond what was acknowledged, only what was under way when it was killed: one webhook a sender.
    unacknowledged = set(kept) - {pair for sender in senders for pair in sender.acknowledged}
    assert unacknowledged <= {
        (sender.owed[0][1]["user_id"], sender.owed[0][1]["event_id"]) for sender in senders if sender.owed
    }
    ledger.check()
    return ledger


@pytest.mark.crash
def test_nothing_acknowledged_is_lost_or_doubled_over_kill_9(service: Service) -> None:
    chance = Random(KILLS)
    senders = [Sender(name=f"sender-{number}", random=Random(number)) for number in range(SENDERS)]
    for number in range(KILLS):
        service.begin()
        if number % 3 == 2:
            sleep(chance.uniform(0, 0.15))  # about as long as it starts
            service.kill()
            service.begin()
        service.wait_until_it_serves()
        load(service, senders, chance.uniform(0.2, 0.6))
        if number < 3 or number % 20 == 0:
            check(service, senders)

    service.begin()
    service.wait_until_it_serves()
    for sender in senders:  # "retries of unacknowledged ones settle"
        sender.send(service.port, only_owed=True)
        assert not sender.owed
    ledger = check(service, senders)

    # Every claim that was begun is paid, to the cent.
    assert sum(sender.users for sender in senders) == len(ledger.users()) > 0
    for user in ledger.users():
        (claim,) = [one for one in ledger.rows("lifecycles", user) if one["claim_id"] == "c"]
        assert (claim["state"], claim["paid"]) == ("paid", '{"USD": "25.00"}')
        assert not ledger.rows("waits", user)
        assert len(ledger.rows("events", user)) == 6
        assert set(ledger.standings(user)) <= {"applied", "known"}
