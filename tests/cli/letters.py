"""Dead letters for the command line: what makes them, and how one is named."""

from __future__ import annotations

from tests.cli.conftest import Run, answer
from workflow_fsm import Discard, Fire, Transition, Workflow
from workflow_fsm import testing as stories


def refuse(workflow: Workflow, claim: str = "c1") -> None:
    """Leave a refused event: a rejection of a claim that is paid."""
    stories.paid(workflow, claim_id=claim)
    events = [{"trigger": "claim_rejected", "user_id": "u1", "claim_id": claim, "event_id": f"no-{claim}"}]
    assert [error.code for error in workflow.fire_many(events)] == ["not-allowed"]  # type: ignore[union-attr]


def money_that_waits(workflow: Workflow) -> None:
    """Leave a payout that could be for either of two claims."""
    stories.detected(workflow, claim_id="c1")
    stories.detected(workflow, claim_id="c2")
    workflow.fire("payout_received", user_id="u1", amount="5.00", event_id="p1")


def kill(workflow: Workflow, *claims: str) -> None:
    """Leave dead effects of a handler `submit`."""

    @workflow.on_enter("matched")
    def submit(transition: Transition) -> Fire | None:
        if transition.event.get("broken", True):
            raise Discard("the marketplace is closed")
        return Fire("claim_submitted")

    for claim in claims:
        stories.matched(workflow, claim_id=claim)
    workflow.run_effects()


def only_id(run: Run) -> str:
    (dead_letter,) = answer(run("deadletters", "--json"))["deadletters"]
    return str(dead_letter["id"])
