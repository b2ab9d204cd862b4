"""Names taken away, and claims merged into others."""

from __future__ import annotations

import pytest

from tests.stories.acts import claim, find, match, pay, states, status, submit, waits
from workflow_fsm import AliasTaken, InvalidEvent, MergeRefused, NameUnknown, UnlinkRefused, Workflow


def test_an_alias_is_taken_away(workflow: Workflow) -> None:
    """ "`POST claims/unlink` takes one away" and "200 `{"status": "unlinked"}`, 404 where it is nobody's" """
    find(workflow, "c1", "c2")
    workflow.link(user_id="u1", claim_id="c1", alias="x")
    assert workflow.unlink(user_id="u1", alias="x") == {"status": "unlinked"}
    assert claim(workflow, "c1").aliases == []
    with pytest.raises(NameUnknown):
        workflow.unlink(user_id="u1", alias="x")
    assert workflow.link(user_id="u1", claim_id="c2", alias="x") == {"status": "linked"}


@pytest.mark.parametrize(
    "given",
    [{}, {"alias": "x", "claim_id": "c1"}, {"claim_id": "c1"}, {"alias": ""}, {"amazon_case_id": "A"}],
)
def test_unlink_takes_an_alias_or_a_claim_with_its_case(workflow: Workflow, given: dict[str, str]) -> None:
    """ "`{user_id, alias}` or `{user_id, claim_id, amazon_case_id}`" """
    with pytest.raises(InvalidEvent):
        workflow.unlink(user_id="u1", **given)


def test_a_case_under_which_money_was_booked_stays(workflow: Workflow) -> None:
    """ "409 for a merged claim's own name, or a case under which money was booked" """
    find(workflow, "c1")
    pay(workflow, "c1", amazon_case_id="A")
    with pytest.raises(UnlinkRefused, match="money was booked"):
        workflow.unlink(user_id="u1", claim_id="c1", amazon_case_id="A")
    with pytest.raises(NameUnknown):
        workflow.unlink(user_id="u1", claim_id="c1", amazon_case_id="B")


def test_what_waits_between_two_claims_is_judged_again_when_a_case_is_taken_from_one(
    workflow: Workflow,
) -> None:
    """ "After every event that moved something, or gave somebody a name, or took one away … the waiting
    events of that user are judged from the oldest" """
    find(workflow, "c1", "c2")
    submit(workflow, "c1", amazon_case_id="A")
    submit(workflow, "c2", amazon_case_id="A")
    pay(workflow, None, amazon_case_id="A", amount="5")
    assert status(workflow).unapplied == {"USD": "5.00"}
    workflow.unlink(user_id="u1", claim_id="c2", amazon_case_id="A")
    assert (claim(workflow, "c1").paid, waits(workflow)) == ({"USD": "5.00"}, [])


def test_linking_the_id_of_a_detected_claim_merges_that_claim(workflow: Workflow) -> None:
    """ "Linking an id that is itself a detected claim's merges that claim …: it takes no further part, is
    shown with `merged_into`, and counts nowhere; its name, aliases and waiting events are the other's." """
    find(
        workflow,
        "c1",
        {"claim_id": "c2", "aliases": ["x"], "amount": "7", "deadline_date": "2027-01-01T00:00:00Z"},
    )
    match(workflow, "c2", "0.9")
    assert workflow.link(user_id="u1", claim_id="c1", alias="c2") == {"status": "linked"}
    (first, second) = status(workflow).claims
    assert (first.claim_id, first.aliases, first.merged_into) == ("c1", ["c2", "x"], None)
    assert (second.claim_id, second.merged_into, second.allowed) == ("c2", "c1", [])
    assert status(workflow).counts == {"detected": 1}
    assert (first.amount, first.decision, first.deadline_date) == (
        "7.00",
        "auto_submit",
        "2027-01-01T00:00:00.000000Z",
    )
    pay(workflow, "c2", amount="5")
    pay(workflow, "x", amount="6")
    assert (claim(workflow, "c1").state, claim(workflow, "c1").paid) == ("paid", {"USD": "11.00"})
    assert workflow.link(user_id="u1", claim_id="c1", alias="c2") == {"status": "linked"}
    with pytest.raises(UnlinkRefused, match="merged"):
        workflow.unlink(user_id="u1", alias="c2")
    assert workflow.check().sound


@pytest.mark.parametrize("with_", ["filing", "money"])
def test_a_claim_with_a_filing_or_money_is_not_merged(workflow: Workflow, with_: str) -> None:
    """ "where it has neither filing nor money (else 409)" """
    find(workflow, "c1", "c2")
    if with_ == "filing":
        submit(workflow, "c2")
    else:
        pay(workflow, "c2")
    before = states(workflow)
    with pytest.raises(MergeRefused, match="c2"):
        workflow.link(user_id="u1", claim_id="c1", alias="c2")
    assert states(workflow) == before


def test_what_waits_under_a_merged_claims_case_finds_the_other(workflow: Workflow) -> None:
    """ "its name, aliases and waiting events are the other's" """
    find(workflow, "c1", "c2")
    workflow.fire(
        "payout_reversed", user_id="u1", claim_id="c2", amazon_case_id="A", amount="2", event_id="r"
    )
    workflow.link(user_id="u1", claim_id="c1", alias="c2")
    pay(workflow, None, amazon_case_id="A", amount="5")
    assert (claim(workflow, "c1").paid, waits(workflow)) == ({"USD": "3.00"}, [])
    assert workflow.check().sound


def test_an_alias_of_another_claim_is_still_taken(workflow: Workflow) -> None:
    """ "409 where the alias is another claim's alias" """
    find(workflow, "c1", {"claim_id": "c2", "aliases": ["x"]})
    with pytest.raises(AliasTaken):
        workflow.link(user_id="u1", claim_id="c1", alias="x")
