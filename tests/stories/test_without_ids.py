"""The same event again without any id: told from a new one by its content, and by what moved since."""

from __future__ import annotations

from tests.stories.acts import (
    USER,
    chain,
    claim,
    detect,
    detect_plainly,
    find,
    match,
    moves,
    pay,
    refusal,
    reject,
    status,
    submit,
    sync,
    waits,
)
from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock


def test_without_an_id_equal_content_is_a_duplicate_while_the_first_waits(workflow: Workflow) -> None:
    """ "Without any id, content equal to that of the latest such event of the user is a duplicate while
    that one waits" """
    first = submit(workflow, "c1")
    again = submit(workflow, "c1")
    assert (again.status, again.first_status, again.event_id) == ("duplicate", "deferred", first.event_id)
    assert waits(workflow) == [("claim_submitted", "c1")]


def test_without_an_id_equal_content_is_a_duplicate_while_nothing_moved_since(workflow: Workflow) -> None:
    """ "or while the lifecycles that it was for have made no transition since it was settled; later it is
    a new event (a claim may be submitted, rejected and submitted again with equal bodies)" """
    find(workflow, "c1")
    assert submit(workflow, "c1").status == "applied"
    assert submit(workflow, "c1").status == "duplicate"
    assert reject(workflow, "c1").status == "applied"
    assert reject(workflow, "c1").status == "duplicate"
    assert submit(workflow, "c1").status == "applied"
    assert submit(workflow, "c1").status == "duplicate"
    assert reject(workflow, "c1").status == "applied"
    assert chain(workflow, "c1")[2:] == ["claim_submitted", "claim_rejected"] * 2


def test_without_an_id_another_lifecycles_move_changes_nothing(workflow: Workflow) -> None:
    """ "while the lifecycles that it was for have made no transition since it was settled" """
    find(workflow, "c1", "c2")
    assert submit(workflow, "c1").status == "applied"
    assert pay(workflow, "c2").status == "applied"
    assert submit(workflow, "c1").status == "duplicate"


def test_without_an_id_an_equal_event_is_compared_with_the_latest(workflow: Workflow) -> None:
    """ "content equal to that of the latest such event of the user" """
    find(workflow, "c1")
    assert pay(workflow, "c1", "1.00").status == "applied"
    assert pay(workflow, "c1", "2.00").status == "applied"
    assert pay(workflow, "c1", "1.00").status == "applied"
    assert pay(workflow, "c1", "1.00").status == "duplicate"
    assert claim(workflow).paid == {"USD": "4.00"}


def test_two_equal_instalments_need_an_id_and_the_hint_says_so(workflow: Workflow) -> None:
    """ "Two equal instalments in a row therefore need an id, and the answer's `hint` says so." """
    find(workflow, "c1")
    first = pay(workflow, "c1")
    again = pay(workflow, "c1")
    for outcome in (first, again):
        assert outcome.hint is not None
        assert "event_id" in outcome.hint
    assert again.status == "duplicate"
    assert pay(workflow, "c1", event_id="second").status == "applied"
    assert claim(workflow).paid == {"USD": "20.00"}


def test_money_with_an_id_gets_no_hint_about_ids(workflow: Workflow) -> None:
    """ "Two equal instalments in a row therefore need an id, and the answer's `hint` says so." """
    find(workflow, "c1")
    assert pay(workflow, "c1", event_id="e").hint is None


def test_without_an_id_an_event_equal_to_a_refused_one_is_judged_anew(workflow: Workflow) -> None:
    """ "A refused or dead event … sent again … is judged anew and replaces it." """
    find(workflow, "c1", "c2")
    first = refusal(workflow, "claim_submitted")
    submit(workflow, "c1")
    outcome = submit(workflow, None)
    assert moves(outcome) == [("c2", "detected", "submitted")]
    assert outcome.event_id == first.event_id


def test_a_sync_without_any_id_again_is_a_duplicate_until_it_has_moved(workflow: Workflow) -> None:
    """ "Without any id, content equal … is a duplicate … while the lifecycles that it was for have made no
    transition since" """
    assert sync(workflow, None).status == "applied"
    assert sync(workflow, None).status == "duplicate"
    detect(workflow, "c1", sync_id=None)
    assert moves(sync(workflow, None)) == [("evt_3", None, "synced")]


def test_evidence_for_everybody_reaches_claims_that_are_found_later(workflow: Workflow) -> None:
    """ "later it is a new event": equal evidence is a repeat only while it could be for nobody new."""
    find(workflow, "c1")
    assert match(workflow, None).status == "applied"
    assert match(workflow, None).status == "duplicate"
    detect(workflow, "c2")
    assert moves(match(workflow, None)) == [("c2", "detected", "matched")]


def test_evidence_for_a_sync_is_a_repeat_though_claims_of_another_were_found_since(
    workflow: Workflow,
) -> None:
    find(workflow, "c1")
    assert match(workflow, None, sync_id="s1").status == "applied"
    sync(workflow, "s2")
    detect(workflow, "c2", sync_id="s2")
    assert match(workflow, None, sync_id="s1").status == "duplicate"
    detect(workflow, "c3", sync_id="s1")
    assert moves(match(workflow, None, sync_id="s1")) == [("c3", "detected", "matched")]


def test_a_detection_that_names_no_sync_is_a_repeat_until_there_is_another_to_detect_in(
    workflow: Workflow,
) -> None:
    sync(workflow, "s1")
    assert detect(workflow, "c1", sync_id=None).status == "applied"
    assert detect(workflow, "c1", sync_id=None).status == "duplicate"
    sync(workflow, "s2")
    assert detect(workflow, "c1", sync_id=None).status != "duplicate"
    assert detect(workflow, "c1", sync_id=None).status == "duplicate"


def test_a_detection_that_names_its_sync_is_a_repeat_whatever_was_synced_since(workflow: Workflow) -> None:
    sync(workflow, "s1")
    assert detect(workflow, "c1", sync_id="s1").status == "applied"
    sync(workflow, "s2")
    assert detect(workflow, "c1", sync_id="s1").status == "duplicate"


def test_what_names_a_claim_or_a_case_or_a_list_is_a_repeat_though_another_could_take_it(
    workflow: Workflow,
) -> None:
    find(workflow, "c1")
    matches = [{"claim_id": "c1", "confidence": "0.9"}]
    assert workflow.fire("evidence_matching_complete", user_id=USER, matches=matches).status == "applied"
    assert submit(workflow, "c1", amazon_case_id="k").status == "applied"
    assert reject(workflow, None, amazon_case_id="k").status == "applied"
    detect(workflow, "c2")
    match(workflow, "c2")
    detect(workflow, "c3")
    assert workflow.fire("evidence_matching_complete", user_id=USER, matches=matches).status != "applied"
    assert reject(workflow, None, amazon_case_id="k").status == "duplicate"
    assert submit(workflow, "c2").status == "applied"
    detect(workflow, "c4")
    assert submit(workflow, "c2").status == "duplicate"


def test_without_an_id_an_event_equal_to_a_dead_one_is_judged_anew(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "A refused or dead event … sent again … is judged anew and replaces it." """
    first = submit(workflow, "c1")
    clock.advance(days=7)
    workflow.tick()
    again = submit(workflow, "c1")
    assert (again.status, again.event_id) == ("deferred", first.event_id)
    assert again.expires_at == "2026-03-15T12:00:00.000000Z"
    assert waits(workflow) == [("claim_submitted", "c1")]


def test_without_an_id_a_retry_is_a_duplicate_though_another_sync_was_detected_since(
    workflow: Workflow,
) -> None:
    """ "while the lifecycles that it was for have made no transition since it was settled" """
    sync(workflow, "s1")
    detect_plainly(workflow, "s1")
    assert pay(workflow, None).status == "applied"
    sync(workflow, "s2")
    detect_plainly(workflow, "s2")
    assert pay(workflow, None).status == "duplicate"
    assert (status(workflow).recovered, status(workflow).unapplied) == ({"USD": "10.00"}, {})


def test_without_an_id_money_that_waits_is_repeated_though_another_claim_was_found_since(
    workflow: Workflow,
) -> None:
    """ "a duplicate while that one waits" """
    find(workflow, "c1")
    assert pay(workflow, None).status == "deferred"
    detect(workflow, "c2")
    assert pay(workflow, None).status == "duplicate"
    assert status(workflow).unapplied == {"USD": "10.00"}


def test_without_an_id_what_is_not_listed_makes_no_new_event(workflow: Workflow) -> None:
    """ "Content is the listed fields, read: … what isn't listed left out (a sender's `attempt` or `sent_at`
    changes nothing)." """
    find(workflow, "c1")
    assert pay(workflow, "c1", attempt=1, sent_at="12:00").status == "applied"
    assert pay(workflow, "c1", attempt=2, sent_at="12:01").status == "duplicate"
    assert claim(workflow).paid == {"USD": "10.00"}
