"""All 720 orders of one claim's six webhooks, also with every event doubled; all 5,040 with a reversal.

They "carry a claim through its life, in any order, and nothing acknowledged is lost": "post them in another
order: the money comes out the same". The submission names claim and case, verdict and money only the case;
the same sync found another claim, which nobody files and nothing may touch. What each order leads to is
computed by a model of the contract's table alone; `CLASSES` lists what comes out, and how often. The core
takes each order; through a store, `make test` takes some of each class, `make fuzz` all.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.machine.model.kept import standing_of
from tests.machine.model.orders import EVENTS, WITH_A_REVERSAL, Class, model
from tests.machine.model.shown import shown
from tests.machine.model.user import ModelUser
from tests.machine.plain import Plain, PlainUser
from workflow_fsm import NotAllowed, Outcome, Settings, Workflow, claim_lifecycle
from workflow_fsm.testing import ManualClock

ORDERS = list(permutations(EVENTS))
IN_A_COMMIT = 480
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
OF_A_CLASS = 8

# (the way, what was known, what was refused) -> in how many orders
CLASSES: dict[Class, int] = {
    ("synced detected paid", "matching submitted", "rejected"): 28,
    ("synced detected paid", "matching submitted rejected", ""): 76,
    ("synced detected matched paid", "submitted", "rejected"): 8,
    ("synced detected matched paid", "submitted rejected", ""): 20,
    ("synced detected rejected paid", "matching submitted", ""): 104,
    ("synced detected submitted paid", "matching", "rejected"): 64,
    ("synced detected submitted paid", "matching rejected", ""): 50,
    ("synced detected matched rejected paid", "submitted", ""): 28,
    ("synced detected matched submitted paid", "", "rejected"): 44,
    ("synced detected matched submitted paid", "rejected", ""): 70,
    ("synced detected submitted rejected paid", "matching", ""): 114,
    ("synced detected matched submitted rejected paid", "", ""): 114,
}


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


def named(user: str, events: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Give a user's events, each under its one id."""
    return {name: {**event, "user_id": user, "event_id": f"id of {name}"} for name, event in events.items()}


def webhooks(user: str, order: Sequence[str], *, times: int) -> list[dict[str, Any]]:
    """Make an order's events, each sent so many times under its one id."""
    events = named(user, EVENTS)
    return [dict(events[name]) for name in order for _ in range(times)]


def test_the_model_ends_every_order_in_paid_with_nothing_waiting() -> None:
    for ending in ENDINGS.values():
        assert ending.way[-1] == "paid"
        assert "waiting" not in ending.standings.values()


def test_the_orders_fall_into_these_classes() -> None:
    assert Counter(ending.told for ending in ENDINGS.values()) == CLASSES
    assert sum(CLASSES.values()) == 720
    assert {ENDINGS[order].told for order in SOME} == CLASSES.keys()


def test_the_model_of_all_rules_ends_each_order_alike() -> None:
    for order, ending in ENDINGS.items():
        user, clock = ModelUser(), ManualClock()
        for event in webhooks("u", order, times=2):
            user.fire(event.pop("trigger"), event, clock())
        claims = shown(user)["claims"]
        assert f"synced {claims['c']['way']}" == " ".join(ending.way)
        assert claims["other"]["way"] == "detected"
        assert (claims["c"]["paid"], claims["c"]["cases"]) == ({"USD": "12.50"}, {"k": "paid"})
        standings = {event["ids"][0].removeprefix("id of "): standing_of(event) for event in user.events}
        assert standings == ending.standings


def told_in_each_order(
    events: Mapping[str, Mapping[str, Any]], *, times: int, first: Sequence[str] = ()
) -> Iterator[tuple[tuple[str, ...], PlainUser]]:
    """Tell the core events in each order that begins so; give the order, and the user whom it ended with.

    How orders begin alike is told once: where they part, each goes on from a copy of the dicts.
    """
    plain = Plain(claim_lifecycle(), ManualClock())
    read = {name: plain.read(**event) for name, event in events.items()}

    def take(name: str, user: PlainUser) -> PlainUser:
        plain.users["u"] = user.copy()
        for _ in range(times):
            plain.take(read[name])
        return plain.users["u"]

    def go_on(order: tuple[str, ...], user: PlainUser) -> Iterator[tuple[tuple[str, ...], PlainUser]]:
        if len(order) == len(events):
            yield order, user
        for name in events:
            if name not in order:
                yield from go_on((*order, name), take(name, user))

    begun = PlainUser()
    for name in first:
        begun = take(name, begun)
    yield from go_on(tuple(first), begun)


@cache
def all_720(times: int) -> tuple[tuple[tuple[str, ...], PlainUser], ...]:
    """Tell the core the six events in each order, each so many times."""
    return tuple(told_in_each_order(named("u", EVENTS), times=times))


def core_ends(orders: Iterable[tuple[tuple[str, ...], PlainUser]], *, paid: str) -> int:
    """Hold what the core makes of orders against the model; give how many there were."""
    number = 0
    for order, user in orders:
        number += 1
        ending = model(order)
        claim, other = user.claim("c"), user.claim("other")
        assert claim is not None
        assert other is not None
        assert ("synced", *(row.to_state for row in user.rows if row.claim_id == "c")) == ending.way
        assert {kept.event_id: kept.standing.value for kept in user.events.values()} == {
            f"id of {name}": standing for name, standing in ending.standings.items()
        }
        assert (claim.state, {code: str(held) for code, held in claim.paid.items()}) == (
            "paid",
            {"USD": paid},
        )
        assert (other.state, other.version, other.paid) == ("detected", 2, {})
    return number


@pytest.mark.parametrize("times", [1, 2])
def test_the_core_ends_each_order_as_the_table_implies(times: int) -> None:
    assert core_ends(all_720(times), paid="12.50") == 720


@pytest.mark.parametrize("first", WITH_A_REVERSAL)
def test_the_core_ends_each_order_with_a_reversal_by_its_case_with_the_same_money(first: str) -> None:
    """All 5,040, by the event that they begin with."""
    orders = told_in_each_order(named("u", WITH_A_REVERSAL), times=1, first=[first])
    assert core_ends(orders, paid="10.00") == 5040 / len(WITH_A_REVERSAL)


@pytest.mark.parametrize("times", [1, 2])
def test_an_order_that_parts_from_others_ends_as_if_it_were_told_alone(times: int) -> None:
    orders = dict(all_720(times))
    assert orders.keys() == set(ORDERS)
    for order in ORDERS[::7]:
        plain = Plain(claim_lifecycle(), ManualClock())
        for event in webhooks("u", order, times=times):
            plain.fire(**event)
        assert orders[order] == plain.user("u")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a store's file holds of one user."""

    way: tuple[str, ...]
    standings: dict[str, str]
    waits: int
    recovered: str
    paid: str
    other: str


def found_in(path: Path) -> Iterator[tuple[str, Found]]:
    """Read all users out of a store's file, past the code."""
    connection = sqlite3.connect(path)
    ways: dict[str, list[str]] = {}
    for user, to in connection.execute(
        "SELECT user_id, to_state FROM history WHERE claim_id = 'c' OR version = 1 ORDER BY cursor"
    ):
        ways.setdefault(user, []).append(to)
    standings: dict[str, dict[str, str]] = {}
    for user, event_id, standing in connection.execute("SELECT user_id, event_id, standing FROM events"):
        standings.setdefault(user, {})[event_id.removeprefix("id of ")] = standing
    waits = Counter(user for (user,) in connection.execute("SELECT user_id FROM waits"))
    recovered = dict(connection.execute("SELECT user_id, recovered FROM users"))
    paid = dict(connection.execute("SELECT user_id, paid FROM lifecycles WHERE claim_id = 'c'"))
    others = dict(
        connection.execute(
            "SELECT user_id, state || version || paid FROM lifecycles WHERE claim_id = 'other'"
        )
    )
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
                other=others[user],
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
                # "A refused … event does not bind its ids: … it is judged anew": refused each time.
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
            recovered='{"USD": "12.50"}',
            paid='{"USD": "12.50"}',
            other="detected2{}",
        )
    assert not users
    for status in shown.values():
        assert status is not None
        assert (status.state, status.deferred) == ("detected", [])
        assert status.counts == {"paid": 1, "detected": 1}
        assert (status.recovered, status.unapplied) == ({"USD": "12.50"}, {})
        claim, other = status.claims
        assert (other["claim_id"], other["state"], other["cases"]) == ("other", "detected", [])
        assert (claim["amazon_case_id"], claim["paid"]) == ("k", {"USD": "12.50"})
