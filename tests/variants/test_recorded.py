"""The store records each definition that it was worked under, and `check` holds each row against its own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.conftest import Stored
from tests.stories.acts import claim, detect, find, pay, status, submit, sync
from tests.variants.conftest import Open
from tests.variants.reviewed import REVIEW, reviewed
from workflow_fsm import Settings, StoreRefused, Workflow
from workflow_fsm.definition import (
    CURRENCY,
    PAYOUT,
    WAIT,
    Addressing,
    Cell,
    Definition,
    Field,
    Kind,
    Trigger,
    claim_lifecycle,
    go,
    stay,
)
from workflow_fsm.testing import ManualClock


def noted(*, name: str = "noted claim") -> Definition:
    """A match of a claim that is filed is a transition that stays."""
    return claim_lifecycle().variant(name=name, cells={"submitted": {"evidence_matching_complete": stay()}})


def with_goodwill() -> Definition:
    claims = claim_lifecycle()
    goodwill = Trigger(
        name="goodwill", addressing=Addressing.ONE, fields=(*REVIEW.fields, PAYOUT, CURRENCY), money=1
    )
    cells: dict[str | None, dict[str, Cell]] = {
        None: {"goodwill": WAIT},
        **{state.name: {"goodwill": go("paid")} for state in claims.states},
    }
    cells["synced"] = {"goodwill": WAIT}
    return claims.variant(name="claim with goodwill", triggers=(*claims.triggers, goodwill), cells=cells)


def filed(workflow: Workflow, *claims: str) -> None:
    find(workflow, *claims)
    for name in claims:
        submit(workflow, name, amazon_case_id=f"K-{name}")


def names(stored: Stored) -> list[str]:
    return [row["name"] for row in stored("SELECT name FROM definitions")]


def faults(workflow: Workflow) -> list[tuple[str, str]]:
    return [(one.table, one.reason) for one in workflow.check().faults]


def test_a_cell_that_changes_makes_no_damage_of_old_history(reopen: Open) -> None:
    with reopen(noted()) as workflow:
        filed(workflow, "c1")
        workflow.fire("evidence_matching_complete", user_id="u1", claim_id="c1", confidence=0.9)
        assert workflow.check().sound
        root = workflow.check().root
    with reopen(claim_lifecycle()) as workflow:
        assert faults(workflow) == []
        assert workflow.check().root == root
        pay(workflow, "c1", "5")
        assert faults(workflow) == []


def test_a_row_is_held_against_the_definition_that_it_was_written_under(reopen: Open, stored: Stored) -> None:
    """What is legal under one is damage under another."""
    with reopen(noted()) as workflow:
        filed(workflow, "c1")
        workflow.fire("evidence_matching_complete", user_id="u1", claim_id="c1", confidence=0.9)
    with reopen(claim_lifecycle()) as workflow:
        sync(workflow, "s2")
        assert set(names(stored)) == {"noted claim", "claim"}
        of_claim = "(SELECT id FROM definitions WHERE name = 'claim')"
        stored(f"UPDATE history SET definition = {of_claim} WHERE version = 4")  # noqa: S608  # of ours
        table, reason = faults(workflow)[0]
        arrow = "from 'submitted' by 'evidence_matching_complete' to 'submitted'"
        assert (table, reason) == ("history", f"no arrow of the definition leads {arrow}")


def test_a_state_that_goes_makes_no_damage_once_nobody_stands_in_it(reopen: Open) -> None:
    with reopen(reviewed()) as workflow:
        filed(workflow, "c1")
        workflow.fire("review_started", user_id="u1", claim_id="c1", reviewer="Ada")
        pay(workflow, "c1", "5")
    with reopen(claim_lifecycle()) as workflow:
        assert faults(workflow) == []
        rows = workflow.history("u1", "c1")
        assert rows is not None
        assert [row.to for row in rows][-2:] == ["in_review", "paid"]


def test_a_state_that_goes_while_a_claim_stands_in_it_is_refused_and_told(reopen: Open) -> None:
    """The sentence names the state, a claim that stands in it, and the definition that has it."""
    with reopen(reviewed()) as workflow:
        filed(workflow, "c1")
        workflow.fire("review_started", user_id="u1", claim_id="c1")
    told = (
        "the store holds 'in_review', which the definition 'claim' doesn't know (claim 'c1' of user 'u1'); "
        "open it with the definition 'reviewed claim', by WORKFLOW_DEFINITION or definition=, or with a "
        "variant that has these (a state that is `retired` only lets those in it go on)"
    )
    with pytest.raises(StoreRefused) as caught:
        reopen(claim_lifecycle())
    assert str(caught.value) == told


def test_claims_in_a_retired_state_go_on_and_no_other_enters_it(reopen: Open) -> None:
    with reopen(reviewed()) as workflow:
        filed(workflow, "c1", "c2")
        workflow.fire("review_started", user_id="u1", claim_id="c1")
    with reopen(reviewed(name="review retired", retired=True)) as workflow:
        assert faults(workflow) == []
        assert claim(workflow).state == "in_review"
        pay(workflow, "c1", "5", event_id="p1")
        pay(workflow, "c2", "5", event_id="p2")
        assert status(workflow).counts == {"paid": 2}
    with reopen(claim_lifecycle()) as workflow:
        assert faults(workflow) == []


def test_a_timer_that_a_cell_gains_or_loses_makes_no_damage(reopen: Open, clock: ManualClock) -> None:
    """What was due when a claim was written is right; what is due no more is forgotten as it comes up."""
    late = claim_lifecycle().variant(
        name="late filings", cells={"submitted": {"deadline_passed": go("expired")}}
    )
    with reopen(claim_lifecycle()) as workflow:
        sync(workflow)
        deadline = clock().replace(year=clock().year + 1).isoformat()
        detect(
            workflow,
            {"claim_id": "c1", "deadline_date": deadline},
            {"claim_id": "c2", "deadline_date": deadline},
        )
        submit(workflow, "c1", amazon_case_id="K1")
    with reopen(late) as workflow:
        assert faults(workflow) == []
        submit(workflow, "c2", amazon_case_id="K2")
        assert faults(workflow) == []
    with reopen(claim_lifecycle()) as workflow:
        assert faults(workflow) == []
        clock.advance(days=400)
        assert workflow.tick() == 0
        assert faults(workflow) == []
        assert status(workflow).counts == {"submitted": 2}


def test_money_of_a_trigger_that_goes_still_adds_up(reopen: Open) -> None:
    with reopen(with_goodwill()) as workflow:
        filed(workflow, "c1")
        workflow.fire("goodwill", user_id="u1", claim_id="c1", amount="7.00", currency="USD")
        assert faults(workflow) == []
    with reopen(claim_lifecycle()) as workflow:
        assert faults(workflow) == []
        assert status(workflow).recovered == {"USD": "7.00"}
        pay(workflow, "c1", "3")
        assert faults(workflow) == []


def test_a_field_that_a_trigger_gains_makes_no_damage_of_what_came_without_it(reopen: Open) -> None:
    more = replace(REVIEW, fields=(*REVIEW.fields, Field(name="desk", kind=Kind.TEXT)))
    with reopen(reviewed()) as workflow:
        filed(workflow, "c1")
        workflow.fire("review_started", user_id="u1", claim_id="c1", reviewer="Ada", desk="north")
    with reopen(reviewed(name="review at a desk", review=more)) as workflow:
        assert faults(workflow) == []
    fewer = replace(REVIEW, fields=REVIEW.fields[:3])
    with reopen(reviewed(name="review by nobody", review=fewer)) as workflow:
        assert faults(workflow) == []


def test_looking_records_nothing_and_each_definition_is_recorded_once(reopen: Open, stored: Stored) -> None:
    with reopen(claim_lifecycle()) as workflow:
        sync(workflow)
    for definition in (noted(), reviewed(), claim_lifecycle()):
        with reopen(definition) as workflow:
            status(workflow)
            assert faults(workflow) == []
    assert names(stored) == ["claim"]
    for _ in range(2):
        with reopen(noted()) as workflow:
            sync(workflow, "s2")
            sync(workflow, "s3")
    assert sorted(names(stored)) == ["claim", "noted claim"]


def test_a_definition_that_was_changed_or_is_missing_is_damage(reopen: Open, stored: Stored) -> None:
    with reopen(claim_lifecycle()) as workflow:
        find(workflow, "c1")
        stored("UPDATE definitions SET content = replace(content, 'detected', 'defected')")
        ((table, reason), *rows) = faults(workflow)
        assert (table, reason) == ("definitions", "its content is not what its number was made of")
        assert {table for table, _ in rows} == {"history"}
        stored("DELETE FROM definitions")
        assert {table for table, _ in faults(workflow)} == {"history"}
        assert "which is not recorded" in faults(workflow)[0][1]


def test_rows_that_a_version_wrote_that_records_none_are_what_any_definition_allows(
    reopen: Open, stored: Stored
) -> None:
    with reopen(noted()) as workflow:
        filed(workflow, "c1")
        workflow.fire("evidence_matching_complete", user_id="u1", claim_id="c1", confidence=0.9)
        stored("UPDATE history SET definition = NULL")
    with reopen(claim_lifecycle()) as workflow:
        assert faults(workflow) == []
        stored("DELETE FROM definitions")
        assert faults(workflow)[0][0] == "history"
    with reopen(noted()) as workflow:
        assert faults(workflow) == []


def test_settings_are_no_part_of_a_definition(reopen: Open, stored: Stored, store_url: str) -> None:
    with reopen(claim_lifecycle()) as workflow:
        sync(workflow)
    with Workflow.open(store_url, settings=Settings(auto_submit=Decimal("0.99"))) as workflow:
        sync(workflow, "s2")
    assert names(stored) == ["claim"]


def test_a_store_of_the_version_before_is_migrated_and_is_sound(
    reopen: Open, stored: Stored, store_url: str
) -> None:
    """Its rows tell no definition, and new ones do."""
    with reopen(noted()) as workflow:
        filed(workflow, "c1")
        workflow.fire("evidence_matching_complete", user_id="u1", claim_id="c1", confidence=0.9)
    table = "_sqlite_migrations" if store_url.startswith("sqlite") else "workflow_fsm_migrations"
    stored("DROP TABLE definitions")
    stored("ALTER TABLE history DROP COLUMN definition")
    stored(f"DELETE FROM {table} WHERE name = '0009_expand_definitions'")  # noqa: S608  # of ours
    with reopen(noted()) as workflow:
        assert faults(workflow) == []
        assert names(stored) == []
        pay(workflow, "c1", "5")
        assert faults(workflow) == []
    assert names(stored) == ["noted claim"]
    told = [row["definition"] is None for row in stored("SELECT definition FROM history ORDER BY cursor")]
    assert told == [True] * (len(told) - 1) + [False]
    with reopen(claim_lifecycle().variant(name="other")) as workflow:
        assert faults(workflow) == []
