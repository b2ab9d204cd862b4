"""Many events in one commit on PostgreSQL: each takes as much work as it would among few."""

from __future__ import annotations

from tests.bench.beside.stepped import Steps
from workflow_fsm import Settings, Workflow


def test_an_event_takes_no_more_steps_the_more_there_are_beside_it(postgres_url: str) -> None:
    """What is known of one user is looked up, and forgotten, without a look at the others."""
    with Workflow.open(postgres_url, settings=Settings()) as workflow:

        def steps(many: int, run: str) -> float:
            some = [
                {"trigger": "sync_complete", "user_id": f"{run}-{number}", "sync_id": "s"}
                for number in range(many)
            ]
            counted = Steps().of(lambda: workflow.fire_many(some), many)
            return float(sum(counted["steps"].values()))

        steps(10, "warm")
        few = steps(50, "few")
        assert steps(400, "many") < 1.3 * few
