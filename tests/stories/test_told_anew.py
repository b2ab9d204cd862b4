"""Told anew: until a claim is filed, its detector may change its mind."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.acts import claim, detect, find, match, moves, pay, states, submit
from workflow_fsm import Workflow


@pytest.mark.parametrize(
    ("field", "first", "second", "shown"),
    [
        ("deadline_date", "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00.000000Z"),
        ("eligible_from", "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00.000000Z"),
        ("amount", "12.50", "13", "13.00"),
        ("currency", "USD", "EUR", "EUR"),
        ("claim_type", "lost", "damaged", "damaged"),
        ("confidence", "0.5", "0.6", 0.6),
        ("evidence", {"files": ["a.pdf"]}, {"files": ["b.pdf"]}, None),
    ],
)
@pytest.mark.parametrize("before", ["detected", "matched"])
def test_a_detection_that_tells_otherwise_replaces_what_is_recorded(
    workflow: Workflow, field: str, first: object, second: object, shown: object, before: str
) -> None:
    """ "a detection of a known claim in `detected` or `matched` that tells a `deadline_date`,
    `eligible_from`, `amount` …, `currency`, `claim_type`, `confidence` or `evidence` other than the recorded
    one, or where none is, *tells anew*: it replaces these" """
    find(workflow, {"claim_id": "c1", field: first})
    if before == "matched":
        match(workflow)
    version = claim(workflow).version
    entered_at = claim(workflow).entered_at
    outcome = detect(workflow, {"claim_id": "c1", field: second}, event_id="anew")
    assert [(one["from"], one["to"]) for one in outcome.transitions] == [(before, before)]
    assert (claim(workflow).version, claim(workflow).entered_at) == (version + 1, entered_at)
    if field != "evidence" and not (field == "confidence" and before == "matched"):
        assert getattr(claim(workflow), field) == shown
    assert detect(workflow, {"claim_id": "c1", field: second}, event_id="again").status == "unchanged"
    assert recorded(workflow, field, told=first) == (second if field == "evidence" else shown)
    assert workflow.check().sound


@pytest.mark.parametrize(
    ("field", "told", "shown"),
    [
        ("deadline_date", "2026-04-01T00:00:00Z", "2026-04-01T00:00:00.000000Z"),
        ("eligible_from", "2026-04-01T00:00:00Z", "2026-04-01T00:00:00.000000Z"),
        ("amount", "12.50", "12.50"),
        ("claim_type", "lost", "lost"),
        ("confidence", "0.5", 0.5),
        ("evidence", ["a.pdf"], ["a.pdf"]),
    ],
)
@pytest.mark.parametrize("before", ["detected", "matched"])
def test_a_detection_that_tells_what_is_recorded_nowhere_tells_anew(
    workflow: Workflow, field: str, told: object, shown: object, before: str
) -> None:
    """ "other than the recorded one, or where none is, *tells anew*" """
    find(workflow, "c1")
    if before == "matched":
        match(workflow)
    outcome = detect(workflow, {"claim_id": "c1", field: told}, event_id="anew")
    assert [(one["from"], one["to"]) for one in outcome.transitions] == [(before, before)]
    assert recorded(workflow, field, told=OTHERS[field]) == shown


OTHERS: dict[str, object] = {
    "deadline_date": "2026-09-01T00:00:00Z",
    "eligible_from": "2026-09-01T00:00:00Z",
    "amount": "99.00",
    "claim_type": "other",
    "confidence": "0.99",
    "evidence": ["other.pdf"],
}


def recorded(workflow: Workflow, field: str, *, told: object) -> object:
    """Give what is recorded, which a match hides or status has no place for: from when the claim is filed,
    whoever tells another is answered with it."""
    submit(workflow)
    [known] = detect(workflow, {"claim_id": "c1", field: told}, event_id="other").unchanged
    [differs] = known.differs
    assert differs.field == field
    return differs.recorded


def test_a_currency_alone_is_that_of_the_recorded_amount(workflow: Workflow) -> None:
    """ "tells … a `currency` … other than the recorded one" """
    find(workflow, {"claim_id": "c1", "amount": "12.50"})
    assert detect(workflow, {"claim_id": "c1", "currency": "EUR"}, event_id="anew").status == "applied"
    assert (claim(workflow).amount, claim(workflow).currency) == ("12.50", "EUR")


def test_a_match_hides_the_confidence_that_a_detector_tells_anew(workflow: Workflow) -> None:
    """ "`confidence` in status is the match's once matched, the detection's before." """
    find(workflow, {"claim_id": "c1", "confidence": "0.5"})
    match(workflow, confidence="0.9")
    assert detect(workflow, {"claim_id": "c1", "confidence": "0.6"}, event_id="anew").status == "applied"
    assert (claim(workflow).confidence, claim(workflow).decision) == (0.9, "auto_submit")


def test_an_amount_alone_is_in_the_recorded_currency(workflow: Workflow) -> None:
    """ "`amount` (in the recorded currency where it tells none)" """
    find(workflow, {"claim_id": "c1", "amount": "12", "currency": "EUR"})
    detect(workflow, {"claim_id": "c1", "amount": "13"}, event_id="anew")
    assert (claim(workflow).amount, claim(workflow).currency) == ("13.00", "EUR")


def test_an_older_detection_replaces_nothing(workflow: Workflow) -> None:
    """ "(not where both tell `occurred_at` and it is older)" """
    find(workflow)
    detect(workflow, {"claim_id": "c1", "amount": "12"}, occurred_at="2026-02-02T00:00:00Z", event_id="d1")
    older = detect(
        workflow, {"claim_id": "c1", "amount": "11"}, occurred_at="2026-02-01T00:00:00Z", event_id="d2"
    )
    assert older.status == "unchanged"
    assert older.unchanged[0].differs == [{"field": "amount", "recorded": "12.00", "told": "11.00"}]
    assert detect(workflow, {"claim_id": "c1", "amount": "10"}, event_id="d3").status == "applied"


def test_a_filed_claim_stays_as_it_was_filed_and_the_answer_says_what_differs(workflow: Workflow) -> None:
    """ "Where a known event tells otherwise than is recorded, its answer says so: `differs` in `unchanged`,
    `[{"field", "recorded", "told"}]`" """
    find(workflow, {"claim_id": "c1", "amount": "12", "claim_type": "lost"})
    submit(workflow)
    outcome = detect(workflow, {"claim_id": "c1", "amount": "13", "claim_type": "lost"}, event_id="d2")
    assert outcome.status == "unchanged"
    assert outcome.unchanged[0].differs == [{"field": "amount", "recorded": "12.00", "told": "13.00"}]
    assert "differs" not in detect(workflow, {"claim_id": "c1", "amount": "12"}, event_id="d3").unchanged[0]


def test_the_timers_move_with_a_deadline_told_anew(workflow: Workflow, clock: Any) -> None:
    """ "and moves the timers … with them" """
    find(workflow, {"claim_id": "c1", "deadline_date": clock.text(days=1)})
    detect(workflow, {"claim_id": "c1", "deadline_date": clock.text(days=3)}, event_id="anew")
    clock.advance(days=2)
    workflow.tick()
    assert states(workflow) == {"c1": "detected"}
    clock.advance(days=2)
    workflow.tick()
    assert states(workflow) == {"c1": "expired"}


@pytest.mark.parametrize(("first", "anew"), [(5, 2), (2, 5)], ids=["earlier", "later"])
def test_what_is_owed_is_due_from_the_instant_told_anew(
    workflow: Workflow, clock: Any, first: int, anew: int
) -> None:
    """ "and moves … the `not_before` of what is owed with them" """
    done = []
    workflow.on_enter("matched", name="file", not_before="eligible_from")(lambda transition: done.append(1))
    find(workflow, {"claim_id": "c1", "eligible_from": clock.text(days=first)})
    match(workflow)
    detect(workflow, {"claim_id": "c1", "eligible_from": clock.text(days=anew)}, event_id="anew")
    clock.advance(days=anew, hours=-1)
    assert workflow.run_effects() == 0
    clock.advance(hours=2)
    assert workflow.run_effects() == 1
    assert done == [1]


def test_an_internal_transition_enters_and_leaves_nothing_and_owes_what_is_owed_by_transitions(
    workflow: Workflow,
) -> None:
    """ "↻ is an arrow to the same state: it adds a row to history and owes `on_transition`, but leaves and
    enters nothing (UML's internal transition): no `on_enter` is owed or made void." """
    entered, moved = [], []
    workflow.on_enter("detected", name="entered")(lambda transition: entered.append(transition.version))
    workflow.on_transition(source="detected", target="detected", name="moved")(
        lambda transition: moved.append(transition.version)
    )
    find(workflow, {"claim_id": "c1", "amount": "12"})
    anew = detect(workflow, {"claim_id": "c1", "amount": "13"}, event_id="anew")
    assert moves(anew) == [("c1", "detected", "detected")]
    assert len(workflow.owed()) == 2
    assert workflow.run_effects() == 2
    assert (entered, moved) == ([2], [3])


@pytest.mark.parametrize("matched", [False, True])
def test_another_deadline_that_is_not_past_revives_an_expired_claim(
    workflow: Workflow, clock: Any, matched: bool
) -> None:
    """ "| expired | → matched or detected if it tells another deadline, not past" and "`expired` goes back to
    `matched` where the claim had a match, else to `detected`" """
    find(workflow, {"claim_id": "c1", "deadline_date": clock.text(days=1)})
    if matched:
        match(workflow)
    clock.advance(days=2)
    workflow.tick()
    assert states(workflow) == {"c1": "expired"}
    past = detect(workflow, {"claim_id": "c1", "deadline_date": clock.text(days=-1)}, event_id="past")
    assert past.status == "unchanged"
    revived = detect(workflow, {"claim_id": "c1", "deadline_date": clock.text(days=9)}, event_id="later")
    assert revived.transitions[0].to == ("matched" if matched else "detected")
    assert claim(workflow).overdue is False
    clock.advance(days=10)
    workflow.tick()
    assert states(workflow) == {"c1": "expired"}


@pytest.mark.parametrize("names", [("c1",), ("c1", "c2")], ids=["one", "two"])
def test_evidence_that_names_nobody_is_no_match_of_what_has_expired(
    workflow: Workflow, clock: Any, names: tuple[str, ...]
) -> None:
    """It is for all that have an arrow: none has, however many there are."""
    find(workflow, *({"claim_id": one, "deadline_date": clock.text(days=1)} for one in names))
    clock.advance(days=2)
    workflow.tick()
    assert match(workflow, None).status == "unchanged"
    detect(workflow, *({"claim_id": one, "deadline_date": clock.text(days=9)} for one in names))
    assert states(workflow) == dict.fromkeys(names, "detected")


def test_a_wrong_deadline_that_voided_a_filing_is_corrected(workflow: Workflow, clock: Any) -> None:
    """ "A wrong deadline could not be corrected, and voided a filing." """
    done = []
    workflow.on_enter("matched", name="file", not_before="eligible_from")(lambda transition: done.append(1))
    entry = {"claim_id": "c1", "deadline_date": clock.text(days=-3)}
    find(workflow, entry)
    match(workflow)
    assert states(workflow) == {"c1": "expired"}
    detect(workflow, {**entry, "deadline_date": clock.text(days=30)}, event_id="right")
    assert states(workflow) == {"c1": "matched"}
    assert workflow.run_effects() == 1
    pay(workflow)
    assert done == [1]
