"""Days lived through in one process: the same history for a seed, a sound store, and money that adds up."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from workflow_fsm import Settings, Workflow
from workflow_fsm.simulate.days import START, Simulation
from workflow_fsm.simulate.living import live


def simulation(seed: int = 7) -> Simulation:
    return Simulation(seed=seed, start=START, users=10, days=4, claims=30)


def test_the_same_seed_leaves_the_same_history(tmp_path: Path) -> None:
    first = live(f"sqlite:///{tmp_path / 'first.db'}", simulation())
    second = live("sqlite:///:memory:", simulation())
    assert first == second
    assert first.report.root != live("sqlite:///:memory:", simulation(8)).report.root


def test_the_store_is_sound_and_every_message_became_something(tmp_path: Path) -> None:
    lived = live(f"sqlite:///{tmp_path / 'claims.db'}", simulation())
    assert lived.report.sound
    assert sum(lived.outcomes.values()) == lived.messages
    assert {"applied", "duplicate", "deferred", "unchanged"} <= lived.outcomes.keys()
    assert lived.timers > 0
    assert not lived.outcomes.keys() & {"invalid-event", "event-too-large"}
    with Workflow.open(tmp_path / "claims.db", settings=Settings()) as workflow:
        states = {row.state for row in workflow.claims()}
        assert states >= {"detected", "matched", "submitted", "rejected", "paid", "expired"}


def test_all_money_that_was_told_is_recovered_or_waits() -> None:
    lived = live("sqlite:///:memory:", simulation())
    currencies = {}
    told: dict[str, Decimal] = defaultdict(Decimal)
    counted = set()
    for message in simulation().messages():
        fields = message.fields
        for claim in fields.get("claims", ()):
            currencies[claim["claim_id"]] = claim["currency"]
        sign = {"payout_received": 1, "payout_reversed": -1}.get(message.trigger)
        if sign is None or fields["event_id"] in counted:
            continue
        counted.add(fields["event_id"])
        currency = fields.get("currency") or currencies[fields["claim_id"]]
        told[currency] += sign * Decimal(fields["amount"])
    assert {one.currency: one.payouts for one in lived.report.money} == dict(told)
    assert all(one.adds_up for one in lived.report.money)
