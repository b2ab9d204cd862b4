"""All 720 orders of one claim's six webhooks, each also with every event doubled.

They "carry a claim through its life, in any order, and nothing acknowledged is lost". What each order leads
to is computed here by a model of the contract's table; `CLASSES` lists what comes out, and how often. The
core takes each order; doubled, and through a store, `make test` takes some of each class, `make fuzz` all.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.machine.plain import Plain
from workflow_fsm import NotAllowed, Outcome, Settings, Workflow, claim_lifecycle
from workflow_fsm.testing import ManualClock

EVENTS: dict[str, dict[str, Any]] = {
    "sync": {"trigger": "sync_complete", "sync_id": "s"},
    "detection": {"trigger": "detection_complete", "sync_id": "s", "claims": [{"claim_id": "c"}]},
    "matching": {"trigger": "evidence_matching_complete", "claim_id": "c", "confidence": "0.9"},
    "submitted": {"trigger": "claim_submitted", "claim_id": "c", "case_id": "k"},
    "rejected": {"trigger": "claim_rejected", "claim_id": "c", "reason": "no proof"},
    "payout": {"trigger": "payout_received", "claim_id": "c", "amount": "12.50", "currency": "USD"},
}
ORDERS = list(permutations(EVENTS))
IN_A_COMMIT = 480
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
OF_A_CLASS = 8

# The contract's table: for each event the states in which it moves, and where to …
ARROWS = {
    "matching": {"detected": "matched"},
    "submitted": {"detected": "submitted", "matched": "submitted", "rejected": "submitted"},
    "rejected": {"submitted": "rejected"},
    "payout": {"detected": "paid", "matched": "paid", "submitted": "paid", "rejected": "paid"},
}
# … and those in which it is too early, or contradicts what is recorded; else it is known.
TOO_EARLY = {"rejected": ("detected", "matched")}
CONTRADICTS = {"rejected": ("rejected", "paid")}

Class = tuple[str, str, str]
# (the way, what was known, what was refused) -> in how many orders
CLASSES: dict[Class, int] = {
    ("synced detected paid", "matching submitted", "rejected"): 76,
    ("synced detected paid", "matching submitted rejected", ""): 164,
    ("synced detected matched paid", "submitted", "rejected"): 32,
    ("synced detected matched paid", "submitted rejected", ""): 88,
    ("synced detected submitted paid", "matching", "rejected"): 52,
    ("synced detected submitted paid", "matching rejected", ""): 38,
    ("synced detected matched submitted paid", "", "rejected"): 20,
    ("synced detected matched submitted paid", "rejected", ""): 10,
    ("synced detected submitted rejected paid", "matching", ""): 150,
    ("synced detected matched submitted rejected paid", "", ""): 90,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What an order leads to."""

    way: tuple[str, ...]
    standings: dict[str, str]

    @property
    def told(self) -> Class:
        """Give its class: the way, and what was known or refused on it."""
        known, refused = (
            " ".join(name for name in EVENTS if self.standings[name] == which)
            for which in ("known", "refused")
        )
        return " ".join(self.way), known, refused


def model(order: Sequence[str]) -> Ending:
    """Follow the table, without the code."""
    way: list[str] = []
    waiting: list[str] = []
    standings: dict[str, str] = {}

    def judge(name: str, *, fresh: bool) -> bool:
        """Settle one event where it can be, and tell whether that moved the claim."""
        state = way[-1] if way else "none"
        if state in ("none", "synced"):
            step = {"sync": "synced"} if state == "none" else {"detection": "detected"}
        else:
            step = {name: ARROWS.get(name, {})[state]} if state in ARROWS.get(name, {}) else {}
        if name in step:
            way.append(step[name])
            standings[name] = "applied"
        elif state in ("none", "synced") or state in TOO_EARLY.get(name, ()):
            standings[name] = "waiting"
        else:
            refused = fresh and state in CONTRADICTS.get(name, ())
            standings[name] = "refused" if refused else "known"
        return name in step

    for name in order:
        moved = judge(name, fresh=True)
        if standings[name] == "waiting":
            waiting.append(name)
        while moved:  # "judged from the oldest, and from the oldest again after each whose wait ends"
            moved = False
            for early in list(waiting):
                judge(early, fresh=False)
                if standings[early] != "waiting":
                    waiting.remove(early)
                    moved = True
                    break
    return Ending(way=tuple(way), standings=standings)


ENDINGS = {order: model(order) for order in ORDERS}


def some_orders() -> list[tuple[str, ...]]:
    """Give all orders in a long run; else some of each class, from all over it."""
    if LONG:
        return ORDERS
    by_class = defaultdict(list)
    for order, ending in ENDINGS.items():
        by_class[ending.told].append(order)
    return [order for alike in by_class.values() for order in alike[:: max(1, len(alike) // OF_A_CLASS)]]


SOME = some_orders()


def webhooks(user: str, order: Sequence[str], *, times: int) -> list[dict[str, Any]]:
    """Make an order's events, each sent so many times under its one id."""
    return [
        {**EVENTS[name], "user_id": user, "event_id": f"id of {name}"} for name in order for _ in range(times)
    ]


def test_the_model_ends_every_order_in_paid_with_nothing_waiting() -> None:
    for ending in ENDINGS.values():
        assert ending.way[-1] == "paid"
        assert "waiting" not in ending.standings.values()


def test_the_orders_fall_into_these_classes() -> None:
    assert Counter(ending.told for ending in ENDINGS.values()) == CLASSES
    assert sum(CLASSES.values()) == 720
    assert {ENDINGS[order].told for order in SOME} == CLASSES.keys()


@pytest.mark.parametrize("times", [1, 2])
def test_the_core_ends_each_order_as_the_table_implies(times: int) -> None:
    plain = Plain(claim_lifecycle(), ManualClock())
    for order in ORDERS if times == 1 else SOME:
        ending = ENDINGS[order]
        user_id = " ".join(order)
        for event in webhooks(user_id, order, times=times):
            plain.fire(**event)
        user = plain.user(user_id)
        claim = user.claim("c")
        assert claim is not None
        assert ("synced", *(row.to_state for row in user.rows if row.claim_id == "c")) == ending.way
        assert {kept.event_id: kept.standing.value for kept in user.events.values()} == {
            f"id of {name}": standing for name, standing in ending.standings.items()
        }
        assert (claim.state, claim.paid, claim.case_id) == ("paid", {"USD": 1250}, "k")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a store's file holds of one user."""

    way: tuple[str, ...]
    standings: dict[str, str]
    waits: int
    recovered: str
    paid: str


def found_in(path: Path) -> Iterator[tuple[str, Found]]:
    """Read all users out of a store's file, past the code."""
    connection = sqlite3.connect(path)
    ways: dict[str, list[str]] = {}
    for user, to in connection.execute(
        "SELECT user_id, to_state FROM history WHERE claim_id IS NOT NULL OR version = 1 ORDER BY cursor"
    ):
        ways.setdefault(user, []).append(to)
    standings: dict[str, dict[str, str]] = {}
    for user, event_id, standing in connection.execute("SELECT user_id, event_id, standing FROM events"):
        standings.setdefault(user, {})[event_id.removeprefix("id of ")] = standing
    waits = Counter(user for (user,) in connection.execute("SELECT user_id FROM waits"))
    recovered = dict(connection.execute("SELECT user_id, recovered FROM users"))
    paid = dict(connection.execute("SELECT user_id, paid FROM lifecycles WHERE claim_id = 'c'"))
    connection.close()
    for user in ways:
        yield (
            user,
            Found(
                way=tuple(ways[user]),
                standings=standings[user],
                waits=waits[user],
                recovered=recovered[user],
                paid=paid[user],
            ),
        )


@pytest.mark.parametrize("times", [1, 2])
def test_the_store_ends_each_order_as_the_table_implies(tmp_path: Path, times: int) -> None:
    path = tmp_path / "orders.db"
    users = {f"user {number}": order for number, order in enumerate(SOME)}
    with Workflow.open(f"sqlite:///{path}", settings=Settings.from_environment({})) as workflow:
        sent = [
            (order, name, webhook)
            for user, order in users.items()
            for name, webhook in zip(
                [name for name in order for _ in range(times)],
                webhooks(user, order, times=times),
                strict=True,
            )
        ]
        for start in range(0, len(sent), IN_A_COMMIT):
            some = sent[start : start + IN_A_COMMIT]
            answers = workflow.fire_many([webhook for _, _, webhook in some])
            for place, ((order, name, _), answer) in enumerate(zip(some, answers, strict=True)):
                # "A refused … event does not bind its id: sent again … it is judged anew": refused each time.
                if ENDINGS[order].standings[name] == "refused":
                    assert isinstance(answer, NotAllowed)
                else:
                    assert isinstance(answer, Outcome)
                    assert (answer.status == "duplicate") is (place % times == 1)
        shown = {}
        for user, order in users.items():
            told = ENDINGS[order].told
            if told not in shown:
                shown[told] = workflow.status(user)

    for user, found in found_in(path):
        ending = ENDINGS[users.pop(user)]
        assert found == Found(
            way=ending.way,
            standings=ending.standings,
            waits=0,
            recovered='{"USD": 1250}',
            paid='{"USD": 1250}',
        )
    assert not users
    for status in shown.values():
        assert status is not None
        assert (status.state, status.counts, status.deferred) == ("paid", {"paid": 1}, [])
        assert (status.recovered, status.unapplied) == ({"USD": "12.50"}, {})
        (claim,) = status.claims
        assert (claim["amazon_case_id"], claim["paid"]) == ("k", {"USD": "12.50"})
