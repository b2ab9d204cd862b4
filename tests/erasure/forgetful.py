"""A user of whom something of every kind is kept; and what is left of a user in a store."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.stores.contents import TABLES
from tests.stories.acts import detect, match, pay, reject, submit, sync, take_back
from workflow_fsm import Discard, NotAllowed, Transition, Workflow

Stored = Callable[[str], list[dict[str, Any]]]
WHO, MARK = "seller-q4711", "q4711"


def fill(workflow: Workflow, user_id: str = WHO, mark: str = MARK) -> None:
    """Let something of every kind be kept of a user: 25.00 recovered, 8.00 waiting, 3.00 dropped."""
    claim, case = f"claim-{mark}", f"case-{mark}"
    sync(workflow, user_id=user_id)
    detect(workflow, claim, f"{claim}-b", f"{claim}-c", user_id=user_id)
    match(workflow, claim, user_id=user_id, evidence_document_id=f"document-{mark}")
    submit(workflow, claim, user_id=user_id, amazon_case_id=case)
    reject(workflow, claim, user_id=user_id, amazon_case_id=case, rejection_reason=f"lost by {mark}")
    submit(workflow, claim, user_id=user_id, amazon_case_id=f"{case}-again")
    pay(workflow, claim, "30.00", user_id=user_id, reimbursement_id=f"r-{mark}")
    take_back(workflow, claim, "5.00", user_id=user_id)
    pay(workflow, None, "8.00", user_id=user_id, amazon_case_id=f"{case}-unknown")
    pay(workflow, None, "3.00", user_id=user_id, amazon_case_id=f"{case}-lost", event_id=f"lost-{mark}")
    with pytest.raises(NotAllowed):
        submit(workflow, None, user_id=user_id, amazon_case_id=f"{case}-whose")
    workflow.link(user_id=user_id, claim_id=f"{claim}-b", alias=f"alias-{mark}")
    letters = workflow.dead_letters(user_id=user_id, kind="event")
    (lost,) = [one for one in letters if one.event_id == f"lost-{mark}"]
    workflow.drop_dead_letter(lost.id, reason=f"not the money of {mark}", actor="somebody")


def register(workflow: Workflow) -> None:
    """Owe work of several ends: done, dead, waiting for its time."""

    @workflow.on_transition(target="matched")
    def done(transition: Transition) -> None:
        """Do nothing."""

    @workflow.on_transition(target="submitted")
    def dead(transition: Transition) -> None:
        raise Discard(f"this is {transition.user_id}'s")

    @workflow.on_enter("detected", not_before="eligible_from")
    def later(transition: Transition) -> None:
        """Do nothing."""


def left_of(stored: Stored, mark: str = MARK) -> dict[str, list[str]]:
    """Give the rows of a store in which a mark stands, by table."""
    found = {}
    for table in TABLES:
        rows = stored(f"SELECT * FROM {table}")  # noqa: S608  # of ours
        told = (json.dumps(row, sort_keys=True) for row in rows)
        telling = sorted(row for row in told if mark in row)
        if telling:
            found[table] = telling
    return found
