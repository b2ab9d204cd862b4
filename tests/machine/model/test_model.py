"""The model itself: whatever comes, it says something, and its money adds up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.machine.model import cases
from tests.machine.model.kept import is_money, standing_of, tells
from tests.machine.model.user import ModelUser
from tests.machine.stories.tellers import ModelTeller
from tests.machine.table import SIGNS
from tests.machine.webhooks import ALIASES, CASES, CLAIMS, FOLLOWED, LOOSE, laid_over, names

ACTS = st.one_of(
    st.tuples(st.just("link"), st.fixed_dictionaries({"claim_id": names, "alias": st.sampled_from(ALIASES)})),
    st.tuples(
        st.just("link"),
        st.fixed_dictionaries({"claim_id": st.sampled_from(CLAIMS), "alias": st.sampled_from(CLAIMS)}),
    ),
    st.tuples(st.just("unlink"), st.fixed_dictionaries({"alias": names})),
    st.tuples(
        st.just("unlink"),
        st.fixed_dictionaries({"claim_id": names, "amazon_case_id": st.sampled_from(CASES)}),
    ),
    st.tuples(st.just("wait"), st.fixed_dictionaries({"hours": st.sampled_from([1, 30, 192])})),
    st.tuples(st.sampled_from(["retry", "retry", "drop", "restore"]), st.just({})),
)


@given(st.lists(FOLLOWED | LOOSE | ACTS, max_size=60), st.data())
def test_whatever_comes_the_model_s_money_adds_up(
    steps: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    teller = ModelTeller()
    user = teller.user
    for what, fields in steps:
        if what in ("retry", "drop", "restore"):
            dropped = [event for event in user.events if standing_of(event) == "dropped"]
            letters = dropped if what == "restore" else user.dead_letters()
            if not letters:
                continue
            letter = data.draw(st.sampled_from(letters))
            over = laid_over(letter["trigger"], listed="matches" in tells(letter))
            fields = {"event": letter["ids"][0]} | (data.draw(over) if what == "retry" else {})
        teller.tell(what, fields)
        adds_up(user)
        teller.shows()


def adds_up(user: ModelUser) -> None:
    booked: dict[str, Decimal] = {}
    held: dict[str, Decimal] = {}
    for event in user.events:
        assert (event["booked"] is not None) is (is_money(event) and standing_of(event) == "applied")
        if event["booked"] is not None:
            assert event["booked"]["amount"] == SIGNS[event["trigger"]] * tells(event)["amount"]
            booked = cases.added(booked, event["booked"]["currency"], event["booked"]["amount"])
    for one in user.lifecycles.values():
        for currency, amount in one["paid"].items():
            held = cases.added(held, currency, amount)
    assert held == booked
    ids = [name for event in user.events for name in event["ids"]]
    assert len(ids) == len(set(ids))
