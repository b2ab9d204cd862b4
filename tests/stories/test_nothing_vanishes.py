"""Nothing vanishes: every event is kept and counted once, and the money adds up."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import Stored
from tests.stories.acts import detect, find, pay, refusal, reject, status, submit, sync, take_back
from workflow_fsm import Outcome, Settings, Workflow
from workflow_fsm.results import WaitingEvent
from workflow_fsm.testing import ManualClock


def standings(stored: Stored) -> Counter[str]:
    """Count the stored events by what became of them, as an auditor would who has only the store."""
    return Counter(row["standing"] for row in stored("SELECT standing FROM events"))


def kept(stored: Stored, event_id: str) -> str:
    (row,) = stored(f"SELECT body FROM events WHERE event_id = '{event_id}'")  # noqa: S608  # of ours
    return str(row["body"])


def test_every_event_is_counted_by_what_became_of_it(
    workflow: Workflow, stored: Stored, clock: ManualClock
) -> None:
    """ "Every well-formed event is kept, whatever became of it: received = applied + known + waiting +
    refused + dead + dropped" """
    find(workflow, "c1")
    submit(workflow, "c9", event_id="dies")
    clock.advance(days=7)
    workflow.tick()
    submit(workflow, "c1", event_id="k1")
    submit(workflow, "c1", event_id="k2", amazon_case_id="K")
    submit(workflow, "c1", event_id="k2", amazon_case_id="K")
    pay(workflow, "c8", event_id="waits")
    pay(workflow, "c1", event_id="paid")
    refusal(workflow, "claim_rejected", claim_id="c1", event_id="no")
    assert standings(stored) == {"applied": 4, "known": 1, "waiting": 1, "refused": 1, "dead": 1}


def test_a_refused_event_that_comes_again_is_counted_once(workflow: Workflow, stored: Stored) -> None:
    """ "it is judged anew and replaces it" """
    find(workflow, "c1", "c2")
    for _ in range(3):
        refusal(workflow, "claim_submitted", event_id="e")
        refusal(workflow, "claim_submitted", sync_id="s1")
    assert standings(stored) == {"applied": 2, "refused": 2}
    submit(workflow, "c1", event_id="e")
    assert standings(stored) == {"applied": 3, "refused": 1}


@pytest.mark.parametrize(
    ("claims", "standing"),
    [
        (["c1", "c2", "c9", "bad"], "waiting"),
        (["c1", "c2", "bad"], "applied"),
        (["c2", "bad"], "refused"),
        (["c2"], "known"),
        ([], "known"),
    ],
    ids=str,
)
def test_a_list_counts_once_as_the_first_of_what_its_parts_are(
    workflow: Workflow, stored: Stored, claims: list[str], standing: str
) -> None:
    """ "(a list counts once: as the first of waiting, applied, dead, refused, known that any part of it
    is)" """
    find(workflow, "c1", "c2")
    submit(workflow, "c2")
    before = standings(stored)
    entries = [{"claim_id": one, "confidence": 5 if one == "bad" else 0.5} for one in claims]
    workflow.fire("evidence_matching_complete", user_id="u1", matches=entries)
    assert standings(stored) - before == {standing: 1}


def test_a_list_with_a_dead_part_counts_as_dead_before_known(
    workflow: Workflow, stored: Stored, clock: ManualClock
) -> None:
    """ "as the first of waiting, applied, dead, refused, known" """
    find(workflow, "c1", "c2")
    submit(workflow, "c2")
    before = standings(stored)
    for event_id, claims in {"a": ["c1", "c9"], "b": ["c2", "c9"]}.items():
        entries = [{"claim_id": one} for one in claims]
        workflow.fire("evidence_matching_complete", user_id="u1", event_id=event_id, matches=entries)
    clock.advance(days=8)
    workflow.tick()
    assert standings(stored) - before == {"applied": 1, "dead": 1}


def test_what_is_not_well_formed_is_not_kept(workflow: Workflow, stored: Stored) -> None:
    """ "Every well-formed event is kept" """
    sync(workflow)
    workflow.fire_many(
        [
            {"trigger": "payout_received", "user_id": "u1", "amount": "-5"},
            {"trigger": "detection_complete", "user_id": "u1", "claims": [{"claim_id": 5}]},
            {"trigger": "what", "user_id": "u1"},
        ]
    )
    assert standings(stored) == {"applied": 1}


def test_what_no_field_lists_is_kept_with_the_event(workflow: Workflow, stored: Stored) -> None:
    """ "Fields not listed are kept with the event and handed to handlers." """
    sync(workflow, event_id="e", seller={"name": "Zoë", "since": 2019.5})
    assert '"seller":{"name":"Zo\\u00eb","since":2019.5}' in kept(stored, "e")


def test_payouts_less_reversals_are_recovered_or_unapplied_in_every_currency(workflow: Workflow) -> None:
    """ "And for every currency: payouts less reversals = recovered + unapplied + dropped (refused ones, a 422
    or a conflict of ids, left out)." """
    find(workflow, "c1", "c2")
    pay(workflow, "c1", "10.10", event_id="1")
    pay(workflow, "c1", "0.20", event_id="2", currency="USD")
    pay(workflow, "c2", "7", event_id="3", currency="JPY")
    pay(workflow, "c9", "5.555", event_id="4", currency="KWD")
    pay(workflow, None, "1.00", event_id="5", currency="USD")
    take_back(workflow, "c1", "0.30", event_id="6")
    take_back(workflow, "c2", "8", event_id="7", currency="JPY")
    shown = status(workflow)
    assert shown.recovered == {"JPY": "7", "USD": "10.00"}
    assert shown.unapplied == {"JPY": "-8", "KWD": "5.555", "USD": "1.00"}
    assert [one.paid for one in shown.claims] == [{"USD": "10.00"}, {"JPY": "7"}]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_in_whatever_order_adds_up(store_url: str, stored: Stored, seed: int) -> None:
    """ "received = applied + known + waiting + refused + dead + dropped … And for every currency: payouts
    less reversals = recovered + unapplied + dropped." """
    chance = random.Random(seed)
    clock = ManualClock()
    received, total = 0, {"USD": Decimal(0), "JPY": Decimal(0)}
    told: dict[str, dict[str, Any]] = {}
    with Workflow.open(store_url, settings=Settings(), clock=clock) as workflow:
        for number in range(60):
            event = any_event(chance)
            told[f"e{number}"] = event
            (outcome,) = workflow.fire_many([{**event, "user_id": "u1", "event_id": f"e{number}"}])
            assert not isinstance(outcome, Outcome) or outcome.status != "duplicate"
            received += 1
            if "amount" in event:
                sign = 1 if event["trigger"] == "payout_received" else -1
                total[event["currency"]] += sign * Decimal(event["amount"])
            if chance.random() < 0.1:
                clock.advance(days=chance.choice([1, 5, 9]))
                while workflow.tick():
                    pass
            nothing_waits_that_need_not(workflow, told)
        shown = status(workflow)
        assert workflow.check().sound
    assert sum(standings(stored).values()) == received
    for currency, money in total.items():
        kept_money = Decimal(shown.recovered.get(currency, 0)) + Decimal(shown.unapplied.get(currency, 0))
        assert kept_money == money
    paid: Counter[str] = Counter()
    for one in shown.claims:
        paid.update({code: int(Decimal(text) * 100) for code, text in one.paid.items()})
    assert paid == {code: int(Decimal(text) * 100) for code, text in shown.recovered.items()}


def nothing_waits_that_need_not(workflow: Workflow, told: dict[str, dict[str, Any]]) -> None:
    """Hold every waiting event against the table and its names: none is left that could go on."""
    shown = workflow.status("u1", limit=1000)
    assert shown is not None
    claims = [one for one in shown.claims if one.claim_id]
    names = {name: one for one in claims for name in (one.claim_id, *one.aliases)}
    syncs = {one.sync_id for one in shown.syncs}
    for one in shown.deferred:
        event = told[one.event_id]
        case_id = event.get("amazon_case_id")
        having = [each for each in claims if case_id in {case["amazon_case_id"] for case in each.cases}]
        awaited = {
            each["claim_id"]
            for each in told.values()
            if case_id is not None and each.get("amazon_case_id") == case_id
        } - {None, *names}
        if one.trigger == "detection_complete":
            assert not syncs if event["sync_id"] is None else event["sync_id"] not in syncs
        elif one.claim_id in names:
            waits_for(workflow, names[one.claim_id].state, one)
        elif one.claim_id is not None or not claims:
            assert one.waiting_for
        elif case_id is not None and len(having) == 1 and not awaited:
            waits_for(workflow, having[0].state, one)
        elif "amount" in event:
            assert bool(one.waiting_for) == (case_id is not None and not having)  # else a person tells
        else:
            able = workflow.definition.arrow_states(one.trigger, named=False)
            assert len([each for each in shown.claims if each.state in able]) != 1
            assert bool(one.waiting_for) != bool(one.candidates)


def waits_for(workflow: Workflow, state: str, waiting: WaitingEvent) -> None:
    """Hold that a cell lets an event wait, and that the event says what for."""
    cell = workflow.definition.cell(state, waiting.trigger)
    assert cell.rest is not None
    assert cell.rest.value == "wait"
    assert waiting.waiting_for


def any_event(chance: random.Random) -> dict[str, Any]:
    claims = ["c1", "c2", "c3", "x"]
    makes: list[Callable[[], dict[str, Any]]] = [
        lambda: {"trigger": "sync_complete", "sync_id": chance.choice(["s1", "s2", None])},
        lambda: {
            "trigger": "detection_complete",
            "sync_id": chance.choice(["s1", "s2", "s3", None]),
            "claims": [{"claim_id": one} for one in chance.sample(claims, chance.randint(0, 2))]
            or [{"claim_id": "c1", "aliases": ["x"]}],
        },
        lambda: {"trigger": "evidence_matching_complete", "claim_id": chance.choice([*claims, None])},
        lambda: {"trigger": "claim_submitted", "claim_id": chance.choice([*claims, None])},
        lambda: {"trigger": "claim_rejected", "claim_id": chance.choice([*claims, None])},
        *[
            lambda trigger=trigger: {
                "trigger": trigger,
                "claim_id": chance.choice([*claims, None]),
                "amount": chance.choice(["1", "2", "5"]),
                "currency": chance.choice(["USD", "JPY"]),
                "amazon_case_id": chance.choice(["K1", "K2", None, None]),
            }
            for trigger in ("payout_received", "payout_reversed")
        ],
    ]
    return chance.choice(makes)()


def test_a_waiting_list_that_is_freed_leaves_nothing_waiting(workflow: Workflow, stored: Stored) -> None:
    """ "a list counts once" """
    detect(workflow, "c1", "c2", event_id="d")
    reject(workflow, "c1", event_id="r")
    assert standings(stored) == {"waiting": 2}
    sync(workflow)
    assert standings(stored) == {"applied": 2, "waiting": 1}
    submit(workflow, "c1")
    assert standings(stored) == {"applied": 4}
