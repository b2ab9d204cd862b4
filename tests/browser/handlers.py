"""A handler that fails once for each claim, so that its effect is a dead letter until somebody retries it."""

from __future__ import annotations

from workflow_fsm import Transition, Workflow


def register(workflow: Workflow) -> None:
    failed: set[str | None] = set()

    @workflow.on_enter("submitted", tries=1)
    def tell_the_marketplace(transition: Transition) -> None:
        if transition.claim_id not in failed:
            failed.add(transition.claim_id)
            raise RuntimeError("the marketplace hung up")
