"""One way to speak to the core, the store and HTTP, so that a test can hold them against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from flask.testing import FlaskClient

from tests.machine.plain import Plain
from workflow_fsm import EventIdReused, InvalidEvent, NotAllowed, Outcome, Workflow, WorkflowError

PREFIX = "/api/v1/workflow"
ROUTES = {
    "sync_complete": "sync/complete",
    "detection_complete": "detection/complete",
    "evidence_matching_complete": "evidence-matching/complete",
    "claim_submitted": "claim/submitted",
    "claim_rejected": "claim/rejected",
    "payout_received": "payout/received",
    "payout_reversed": "payout/reversed",
}
CODES = {"applied": 200, "unchanged": 200, "duplicate": 200, "deferred": 202, "refused": 409}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer: its code, its status, the transitions in it, and all that it says, without prose."""

    code: int
    status: str
    transitions: tuple[tuple[Any, ...], ...] = ()
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """Where the lifecycle that a case is about stands."""

    state: str | None
    version: int
    allowed: tuple[str, ...]


class Layer(Protocol):
    """What the cases need of a layer: `bring` leads somebody somewhere, in one go where it can."""

    def bring(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None: ...

    def send(self, trigger: str, fields: Mapping[str, Any]) -> Told: ...

    def stands(self, user_id: str) -> Stands: ...

    def tick(self) -> None: ...


NOTHING = Stands(state=None, version=0, allowed=())


class CoreLayer:
    """`decide` over dicts."""

    def __init__(self, plain: Plain, workflow: Workflow) -> None:
        self._plain = plain
        self._definition = workflow.definition

    def bring(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        for trigger, fields in events:
            self._plain.fire(trigger, **fields)

    def send(self, trigger: str, fields: Mapping[str, Any]) -> Told:
        return told_by(self._plain.fire(trigger, **fields))

    def stands(self, user_id: str) -> Stands:
        shown = [one for one in self._plain.user(user_id).lifecycles.values() if not one.forked]
        if not shown:
            return NOTHING
        (one,) = shown
        return Stands(state=one.state, version=one.version, allowed=self._definition.allowed(one.state))

    def tick(self) -> None:
        self._plain.tick()


class StoreLayer:
    """The `Workflow` on a SQLite file."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow

    def bring(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        self.workflow.fire_many([{"trigger": trigger, **fields} for trigger, fields in events])

    def send(self, trigger: str, fields: Mapping[str, Any]) -> Told:
        result: Outcome | WorkflowError
        try:
            result = self.workflow.fire(trigger, **fields)
        except (NotAllowed, EventIdReused) as error:
            result = error
        return told_by(result)

    def stands(self, user_id: str) -> Stands:
        return stands_in(self.workflow.status(user_id))

    def tick(self) -> None:
        while self.workflow.tick():
            pass


class HttpLayer:
    """The webhooks of the Flask app."""

    def __init__(self, client: FlaskClient, workflow: Workflow) -> None:
        self.client = client
        self._workflow = workflow

    def bring(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        body = [{"trigger": trigger, **fields} for trigger, fields in events]
        self.client.post(f"{PREFIX}/events", json=body)

    def send(self, trigger: str, fields: Mapping[str, Any]) -> Told:
        response = self.client.post(f"{PREFIX}/{ROUTES[trigger]}", json=dict(fields))
        body = response.get_json(force=True)
        code = response.status_code
        if code in (409, 422):
            kept = ("event_id", "user_id", "trigger", "state", "allowed")
            named = {name: body[name] for name in kept if name in body}
            return Told(code=code, status="refused" if code == 409 else "reused", body=named)
        return Told(
            code=code, status=body["status"], transitions=moves_in(body.get("transitions", ())), body=body
        )

    def stands(self, user_id: str) -> Stands:
        response = self.client.get(f"{PREFIX}/status/{quote(user_id, safe='')}")
        return stands_in(response.get_json() if response.status_code == 200 else None)

    def tick(self) -> None:
        while self._workflow.tick():
            pass


def told_by(result: Outcome | WorkflowError) -> Told:
    """Give what the library says in the words that HTTP has for it."""
    match result:
        case Outcome():
            answer = result.as_dict()
            moved = moves_in(answer.get("transitions", ()))
            return Told(code=CODES[result.status], status=result.status, transitions=moved, body=answer)
        case NotAllowed():
            refusal = {
                "event_id": result.event_id,
                "user_id": result.user_id,
                "trigger": result.trigger,
                "state": result.state,
                "allowed": list(result.allowed),
            }
            return Told(code=409, status="refused", body=refusal)
        case EventIdReused():
            body = {"event_id": result.event_id, "user_id": result.user_id, "trigger": result.trigger}
            return Told(code=422, status="reused", body=body)
        case InvalidEvent():
            return Told(code=400, status="invalid", body={})
    raise result


def moves_in(transitions: Any) -> tuple[tuple[Any, ...], ...]:
    """Give transitions as (claim, sync, from, to, version)."""
    return tuple(
        (row["claim_id"], row["sync_id"], row["from"], row["to"], row["version"]) for row in transitions
    )


def stands_in(status: Mapping[str, Any] | None) -> Stands:
    """Find in a status answer the one lifecycle that it shows."""
    if status is None or not status["claims"]:
        return NOTHING
    (one,) = status["claims"]
    return Stands(state=one["state"], version=one["version"], allowed=tuple(one["allowed"]))
