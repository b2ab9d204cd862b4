"""How often an event, or a reader, goes to the server and back: that is what it costs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.stores.postgres.proxy import Proxy
from tests.stories.acts import detect, find, match, pay, submit, sync
from workflow_fsm import Settings, Workflow

EVENTS: dict[str, tuple[int, Callable[[Workflow], object]]] = {
    "a sync": (2, lambda workflow: sync(workflow, "s2", event_id="e")),
    "a sync without an id": (2, lambda workflow: sync(workflow, "s2")),
    "a sync of a new user": (2, lambda workflow: sync(workflow, user_id="new")),
    "a repeat": (2, lambda workflow: sync(workflow, "s1", event_id="e1")),
    "a match": (2, lambda workflow: match(workflow, "c1", event_id="e")),
    "a filing": (2, lambda workflow: submit(workflow, "c1", case_id="k", event_id="e")),
    "a payout": (2, lambda workflow: pay(workflow, "c1", reimbursement_id="r", event_id="e")),
    "one that waits": (4, lambda workflow: submit(workflow, "c9", event_id="e")),
    "a detection of 200 claims": (
        12,
        lambda workflow: detect(workflow, *[f"d{number}" for number in range(200)], event_id="e"),
    ),
    "a status": (3, lambda workflow: workflow.status("u1")),
    "a history": (2, lambda workflow: workflow.history("u1")),
    "an unknown user's status": (2, lambda workflow: workflow.status("nobody")),
    "a check of one user, in transactions that are short": (11, lambda workflow: workflow.check()),
    "20 events of one user": (
        40,
        lambda workflow: workflow.fire_many(
            [{"trigger": "sync_complete", "user_id": "u1", "sync_id": f"t{number}"} for number in range(20)]
        ),
    ),
    "20 events of 20 users": (
        3,
        lambda workflow: workflow.fire_many(
            [{"trigger": "sync_complete", "user_id": f"v{number}", "sync_id": "t"} for number in range(20)]
        ),
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_goes_to_the_server_and_back_as_often_as_it_has_to(
    behind_proxy: tuple[str, Proxy], name: str
) -> None:
    url, proxy = behind_proxy
    most, fire = EVENTS[name]
    with Workflow.open(url, settings=Settings()) as workflow:
        find(workflow, "c1")
        sync(workflow, "s1", event_id="e1")
        before = proxy.turns
        fire(workflow)
        assert proxy.turns - before <= most


def test_who_waits_is_asked_for_once_more_where_another_process_made_somebody_wait(
    behind_proxy: tuple[str, Proxy],
) -> None:
    """A guess that is wrong costs a way to the server and back, and nothing else."""
    url, proxy = behind_proxy
    with (
        Workflow.open(url, settings=Settings()) as workflow,
        Workflow.open(url, settings=Settings()) as other,
    ):

        def trips(claim: str, filed_by: Workflow, user_id: str) -> int:
            sync(workflow, "s1", user_id=user_id)
            assert submit(filed_by, claim, user_id=user_id).status == "deferred"
            before = proxy.turns
            detect(workflow, claim, user_id=user_id)
            found = proxy.turns - before
            match(workflow, claim, user_id=user_id)
            shown = workflow.claim(user_id, claim)
            assert shown is not None
            assert shown.state == "submitted"
            return found

        known = trips("c1", workflow, "u1")
        assert trips("c1", other, "u2") == known + 1


@pytest.mark.parametrize("dropped", [False, True])
def test_a_page_of_dead_letters_costs_no_more_the_more_there_are_of_a_user(
    behind_proxy: tuple[str, Proxy], *, dropped: bool
) -> None:
    """Money that names nobody lists who could be meant: the same for all of it, and read once."""
    url, proxy = behind_proxy
    turns: list[int] = []
    with Workflow.open(url, settings=Settings()) as workflow:
        find(workflow, "c1", "c2")
        for _ in range(2):
            for number in range(5):
                pay(workflow, None, event_id=f"p{len(turns)}-{number}")
            for letter in workflow.dead_letters() if dropped else ():
                workflow.drop_dead_letter(letter.id, reason="not ours")
            before = proxy.turns
            page = workflow.dead_letters(user_id="u1", dropped=dropped)
            turns.append(proxy.turns - before)
            assert len(page) == 5 * len(turns)
    assert turns[0] == turns[1]
