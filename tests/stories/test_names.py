"""Names of a claim: aliases in a detection, links, and what waits under a name."""

from __future__ import annotations

import pytest

from tests.stories.acts import claim, detect, find, match, pay, states, status, submit, sync, waits
from workflow_fsm import AliasTaken, InvalidEvent, NotAllowed, Workflow


def test_a_claim_is_found_under_the_aliases_of_its_detection(workflow: Workflow) -> None:
    """ "A claim's entry in a detection may carry `aliases`: further ids under which later events name
    it" """
    find(workflow, {"claim_id": "c1", "aliases": ["case-7", "x"]}, "c2")
    outcome = submit(workflow, "case-7")
    assert outcome.transitions == (
        {"claim_id": "c1", "sync_id": "s1", "from": "detected", "to": "submitted", "version": 3},
    )
    assert claim(workflow).aliases == ["case-7", "x"]
    assert claim(workflow, "x").claim_id == "c1"
    assert workflow.allowed("u1", "x") == workflow.allowed("u1", "c1")
    rows = workflow.history("u1", "x")
    assert rows is not None
    assert len(rows) == 3


def test_a_later_detection_may_bring_aliases_and_name_the_claim_by_one(workflow: Workflow) -> None:
    """ "further ids under which later events name it" """
    find(workflow, {"claim_id": "c1", "aliases": ["x"]})
    outcome = detect(workflow, {"claim_id": "x", "aliases": ["y"]})
    assert outcome.status == "unchanged"
    assert states(workflow) == {"c1": "detected"}
    assert claim(workflow).aliases == ["x", "y"]


def test_a_link_adds_an_alias_and_again_says_the_same(workflow: Workflow) -> None:
    """ "`POST claims/link` adds one" and "200 `{"status": "linked"}`, again the same" """
    find(workflow, "c1")
    assert workflow.link(user_id="u1", claim_id="c1", alias="x") == {"status": "linked"}
    assert workflow.link(user_id="u1", claim_id="c1", alias="x") == {"status": "linked"}
    assert workflow.link(user_id="u1", claim_id="x", alias="y") == {"status": "linked"}
    assert claim(workflow).aliases == ["x", "y"]
    assert submit(workflow, "y").transitions[0].claim_id == "c1"


def test_events_that_wait_under_an_alias_find_the_claim_once_it_is_linked(workflow: Workflow) -> None:
    """ "Waiting events that name an alias find the claim as soon as it is linked." """
    find(workflow, "c1")
    assert submit(workflow, "x").status == "deferred"
    assert pay(workflow, "x", "5").status == "deferred"
    assert status(workflow).unapplied == {"USD": "5.00"}
    workflow.link(user_id="u1", claim_id="c1", alias="x")
    assert states(workflow) == {"c1": "paid"}
    assert waits(workflow) == []
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert [row.to for row in rows] == ["synced", "detected", "submitted", "paid"]


def test_events_that_wait_under_an_alias_find_the_claim_once_a_detection_brings_it(
    workflow: Workflow,
) -> None:
    """ "Waiting events that name an alias find the claim as soon as it is linked." """
    sync(workflow)
    submit(workflow, "x")
    detect(workflow, {"claim_id": "c1", "aliases": ["x"]})
    assert states(workflow) == {"c1": "submitted"}
    pay(workflow, "y", "5")
    detect(workflow, {"claim_id": "c1", "aliases": ["y"]})
    assert states(workflow) == {"c1": "paid"}


def test_a_link_is_kept_for_a_claim_that_is_not_detected_yet(workflow: Workflow) -> None:
    """ "kept for a claim that isn't detected yet" """
    assert workflow.link(user_id="u1", claim_id="c1", alias="x") == {"status": "linked"}
    assert submit(workflow, "x").status == "deferred"
    find(workflow, "c1")
    assert states(workflow) == {"c1": "submitted"}
    assert claim(workflow).aliases == ["x"]


def test_a_claim_detected_under_its_alias_is_the_claim_that_was_linked(workflow: Workflow) -> None:
    """ "(Callers keep different ids for one claim: a detector's, a dispute case's.)" """
    workflow.link(user_id="u1", claim_id="c1", alias="x")
    find(workflow, "x")
    assert states(workflow) == {"c1": "detected"}
    assert submit(workflow, "c1").status == "applied"


def test_an_alias_of_another_claim_is_refused_by_a_link(workflow: Workflow) -> None:
    """ "409 where the alias is another claim's alias" """
    find(workflow, "c1", {"claim_id": "c2", "aliases": ["x"]})
    with pytest.raises(AliasTaken) as caught:
        workflow.link(user_id="u1", claim_id="c1", alias="x")
    error = caught.value
    assert (error.user_id, error.claim_id, error.alias, error.owner) == ("u1", "c1", "x", "c2")
    assert error.code == "alias-taken"
    assert claim(workflow, "c1").aliases == []


@pytest.mark.parametrize("claim_id", ["c1", "y"])
def test_a_link_to_a_detected_claims_own_id_merges_it_with_all_its_names(
    workflow: Workflow, claim_id: str
) -> None:
    """ "Linking an id that is itself a detected claim's merges that claim …: it takes no further part, is
    shown with `merged_into`, and counts nowhere; its name, aliases and waiting events are the other's." """
    find(workflow, {"claim_id": "c1", "aliases": ["y"]}, {"claim_id": "c2", "aliases": ["x"]})
    assert workflow.link(user_id="u1", claim_id=claim_id, alias="c2") == {"status": "linked"}
    assert claim(workflow, "c1").aliases == ["c2", "x", "y"]
    assert [(one.claim_id, one.merged_into) for one in status(workflow).claims] == [
        ("c1", None),
        ("c2", "c1"),
    ]
    assert status(workflow).counts == {"detected": 1}
    assert submit(workflow, "x").transitions[0].claim_id == "c1"
    assert submit(workflow, "c2", amazon_case_id="K", event_id="e").unchanged[0].claim_id == "c1"


def test_an_alias_kept_for_a_claim_that_is_not_detected_is_taken_too(workflow: Workflow) -> None:
    """ "409 where the alias is another claim's" """
    workflow.link(user_id="u1", claim_id="c1", alias="x")
    with pytest.raises(AliasTaken):
        workflow.link(user_id="u1", claim_id="c2", alias="x")
    with pytest.raises(AliasTaken):
        workflow.link(user_id="u1", claim_id="c2", alias="c1")


def test_an_alias_belongs_to_its_user(workflow: Workflow) -> None:
    """ "**Who has a lifecycle.** A user and a claim." """
    workflow.link(user_id="u1", claim_id="c1", alias="x")
    assert workflow.link(user_id="u2", claim_id="c2", alias="x") == {"status": "linked"}


def test_an_entry_whose_alias_is_another_claims_is_refused_alone(workflow: Workflow) -> None:
    """ "A bad *entry of a list* is refused alone and the rest is taken" """
    find(workflow, {"claim_id": "c1", "aliases": ["x"]})
    outcome = detect(workflow, {"claim_id": "c2", "aliases": ["x"]}, "c3")
    assert [one.claim_id for one in outcome.transitions] == ["c3"]
    (refused,) = outcome.refused
    assert refused["index"] == 0
    assert "'x'" in refused.reason
    assert "new event id" in refused.reason
    assert states(workflow) == {"c1": "detected", "c3": "detected"}


def test_a_detection_of_nothing_but_taken_aliases_is_refused(workflow: Workflow) -> None:
    """ "refused, as 409, only where nothing else became of it" """
    find(workflow, {"claim_id": "c1", "aliases": ["x"]})
    with pytest.raises(NotAllowed) as caught:
        detect(workflow, {"claim_id": "c2", "aliases": ["x"]})
    assert [one["index"] for one in caught.value.refused] == [0]
    assert states(workflow) == {"c1": "detected"}


def test_a_match_may_name_claims_by_alias(workflow: Workflow) -> None:
    """ "further ids under which later events name it" """
    find(workflow, {"claim_id": "c1", "aliases": ["x"]}, "c2")
    workflow.fire(
        "evidence_matching_complete",
        user_id="u1",
        matches=[{"claim_id": "x", "confidence": 0.9}, {"claim_id": "c2", "confidence": 0.2}],
    )
    assert [(one.claim_id, one.decision) for one in status(workflow).claims] == [
        ("c1", "auto_submit"),
        ("c2", "review"),
    ]
    assert match(workflow, "x", "0.95").transitions[0].claim_id == "c1"


def test_a_link_that_is_not_well_formed_names_every_wrong_field(workflow: Workflow) -> None:
    """ "`POST claims/link` `{user_id, claim_id, alias}`" with "every wrong field at once" """
    with pytest.raises(InvalidEvent) as caught:
        workflow.link(user_id="u1", claim_id="", alias=" x")
    assert [error.field for error in caught.value.errors] == ["claim_id", "alias"]
