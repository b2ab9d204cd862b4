"""How the story is told: an event after another, to a workflow whose clock and ids repeat.

Whoever tells says what the answer will be, so that a story that comes out otherwise ends there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from flask.testing import FlaskClient

from webapp import create_app
from workflow_fsm import EventIdReused, NotAllowed, Outcome, Record, Settings, Workflow

BEGINNING = datetime(2025, 11, 3, 8, tzinfo=UTC)


class Teller:
    """Tells a workflow on the store at a URL, a minute an event; the ids that it makes begin with `made`."""

    def __init__(self, url: str, *, made: str = "made") -> None:
        self.now = BEGINNING
        numbers = count(1)
        self.workflow = Workflow.open(
            url,
            settings=Settings(),
            clock=lambda: self.now,
            ids=lambda: f"{made}-{next(numbers)}",
            chance=lambda: 1.0,
        )
        self._client: FlaskClient = create_app(self.workflow).test_client()

    def close(self) -> None:
        """Close the store."""
        self.workflow.close()

    def pass_by(self, **units: float) -> None:
        """Let time pass, and nothing else."""
        self.now += timedelta(**units)

    def tell(self, becomes: str, trigger: str, user_id: str, /, **fields: Any) -> str:
        """Fire an event; `becomes` is its status, `refused` or `reused`. Gives its id."""
        self.pass_by(minutes=1)
        [outcome] = self.workflow.fire_many([{"trigger": trigger, "user_id": user_id, **fields}])
        if isinstance(outcome, Outcome):
            _expect(becomes, outcome.status, outcome)
        else:
            assert isinstance(outcome, NotAllowed | EventIdReused), outcome
            _expect(becomes, "refused" if isinstance(outcome, NotAllowed) else "reused", outcome)
        assert outcome.event_id is not None
        return outcome.event_id

    def post(self, code: int, route: str, body: object, **headers: str) -> Any:
        """Post a body to the service (a text as it stands), with headers whose names have `_` for `-`."""
        self.pass_by(minutes=1)
        text = body if isinstance(body, str) else json.dumps(body)
        answer = self._client.post(
            f"/api/v1/workflow/{route}",
            data=text.encode(),
            content_type="application/json",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        _expect(code, answer.status_code, answer.json)
        return answer.json

    def link(self, user_id: str, claim_id: str, alias: str) -> None:
        """Let an alias name a claim."""
        self.pass_by(minutes=1)
        self.workflow.link(user_id=user_id, claim_id=claim_id, alias=alias)

    def letter(self, user_id: str, event_id: str) -> str:
        """Give the id of an event as a dead letter."""
        [found] = [one for one in self._letters(user_id) if one["event_id"] == event_id]
        return str(found["id"])

    def letter_of(self, user_id: str, handler: str, claim_id: str | None) -> str:
        """Give the id of a dead effect."""
        asked = (handler, claim_id)
        [found] = [one for one in self._letters(user_id) if (one["handler"], one["claim_id"]) == asked]
        return str(found["id"])

    def retry(self, becomes: str, letter_id: str, **how: Any) -> None:
        """Retry a dead letter."""
        self.pass_by(minutes=1)
        told: Record | NotAllowed
        try:
            told = self.workflow.retry_dead_letter(letter_id, **how)
        except NotAllowed as refused:
            _expect(becomes, "refused", refused)
        else:
            _expect(becomes, told["status"], told)

    def drop(self, letter_id: str, reason: str) -> None:
        """Drop a dead letter."""
        self.pass_by(minutes=1)
        self.workflow.drop_dead_letter(letter_id, reason=reason)

    def state(self, user_id: str) -> Mapping[str, str]:
        """Give the state of each claim, and of each plain lifecycle under its sync's id."""
        status = self.workflow.status(user_id, limit=1000)
        assert status is not None
        return {one.claim_id or one.sync_id: one.state for one in status.claims}

    def _letters(self, user_id: str) -> list[Record]:
        return list(self.workflow.dead_letters(user_id=user_id, limit=1000))


def _expect(wanted: object, found: object, told: object) -> None:
    if wanted != found:
        raise SystemExit(f"the story goes otherwise: {found!r} instead of {wanted!r}: {told!r}")
