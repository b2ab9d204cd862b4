"""The generator of days: the same for a seed, all that the trade knows, in an order that can be posted."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from workflow_fsm.simulate.days import CURRENCIES, Message, Simulation
from workflow_fsm.simulate.plots import PLOTS

START = datetime(2026, 1, 1, tzinfo=UTC)


def told(seed: int = 7, *, users: int = 50, days: int = 1, claims: int = 100) -> list[Message]:
    return list(Simulation(seed=seed, start=START, users=users, days=days, claims=claims).messages())


def test_the_same_seed_tells_the_same_and_another_something_else() -> None:
    assert told(7) == told(7)
    assert told(7) != told(8)


def test_every_kind_occurs() -> None:
    kinds = Counter(one.kind for one in told(days=30))
    plots = {plot.__name__ for plot in PLOTS} - {"left_alone"}
    assert kinds.keys() == plots | {
        *("sync", "detection", "match", "told anew", "again", "out of order", "too early")
    }
    assert all(many > 1 for many in kinds.values())


def test_claims_of_all_types_and_currencies_and_matches_of_all_confidences_occur() -> None:
    entries = [claim for one in told(days=10) for claim in one.fields.get("claims", ())]
    assert {entry["currency"] for entry in entries} == set(CURRENCIES)
    assert len({entry["claim_type"] for entry in entries}) == 5
    matches = [match for one in told(days=10) for match in one.fields.get("matches", ())]
    decisions = Counter((one["confidence"] >= 0.85) - (one["confidence"] < 0.5) for one in matches)
    assert set(decisions) == {-1, 0, 1}


@pytest.mark.parametrize("days", [1, 5])
def test_they_come_in_order_and_within_the_days(days: int) -> None:
    at = [one.at for one in told(days=days)]
    assert at == sorted(at)
    assert START - timedelta(hours=1) <= at[0]
    assert at[-1] < START + timedelta(days=days)


def test_ids_are_a_seeds_own_and_what_comes_twice_has_one() -> None:
    messages = told()
    ids = Counter(one.fields["event_id"] for one in messages)
    assert max(ids.values()) == 2
    assert not set(ids) & {one.fields["event_id"] for one in told(8)}
    again = [one for one in messages if one.kind == "again"]
    first = {one.fields["event_id"]: one.fields for one in messages if one.kind != "again"}
    assert all(first.get(one.fields["event_id"], one.fields) == one.fields for one in again)


def test_a_single_day_is_everybodys() -> None:
    users = {one.fields["user_id"] for one in told(users=12, claims=36)}
    assert len(users) == 12
