"""The pages of problems: what each means for a sender, with the answer of a real service as its example."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import jwt

from webapp import create_app
from webapp.http.problem_kinds import KINDS
from webapp.http.problems import Problem, explain
from webapp.settings import ServiceSettings
from workflow_fsm.core.errors import (
    FieldError,
    InvalidEvent,
    RowUnreadable,
    StoreRefused,
    StoreUnavailable,
    WorkerStuck,
    WorkflowError,
)
from workflow_fsm.testing import ManualClock, open_workflow


def index() -> str:
    """Write the index of problems."""
    lines = ["# Problems", ""]
    lines += [
        "Every 4xx and 5xx answer is `application/problem+json` (RFC 9457): `type`, `title`, `status`,",
        "`detail`, and members that help. `type` is the address of one of these pages and never changes;",
        "programs should compare its last part, the code.",
        "",
        "| status | code | title |",
        "|---|---|---|",
    ]
    lines += [f"| {kind.status} | [{code}]({code}.md) | {kind.title} |" for code, kind in KINDS.items()]
    return "\n".join([*lines, ""])


def page(code: str) -> str:
    """Write the page that a problem's `type` names."""
    kind = KINDS[code]
    example = json.dumps(_example(code), indent=2, ensure_ascii=False)
    lines = [f"# {code}", "", f"**{kind.status}** · {kind.title}", "", kind.meaning, ""]
    lines += [ADVICE[code], "", "```json", example, "```", "", f"`type`: `{kind.type}`", ""]
    lines += ["[All problems](README.md)", ""]
    return "\n".join(lines)


ADVICE = {
    "malformed-body": "Sending the same bytes again can't help. Mend the sender. How a body is read "
    "stands in [routes](../routes.md#how-a-body-is-read).",
    "invalid-event": "Sending the same content again can't help. The id, if the event has one, is "
    "still free. The fields stand in [fields](../fields.md).",
    "invalid-request": "Mend what `errors` names. Limits and cursors stand in [routes](../routes.md#reads).",
    "unauthorized": "The same id may be sent again, with a credential. What each route takes stands in "
    "[variables](../variables.md#who-may-use-a-route); how to sign, in "
    "[sign webhooks from Node.js](../../how-to/sign-from-nodejs.md).",
    "forbidden": "Ask for another token: what each may do stands in "
    "[call with a JWT](../../how-to/call-with-a-jwt.md).",
    "csrf-refused": "Load the page anew and send it again. What sends with a session, and how, stands in "
    "[security](../../explanation/security.md#sessions).",
    "origin-refused": "Why hosts are asked for, and how to name them, stands in "
    "[security](../../explanation/security.md#open-mode).",
    "unknown-user": "A user is known from their first event on, also from one that only waits.",
    "unknown-claim": "`GET claims?q=` finds claims of all users by how their ids, or aliases, begin.",
    "unknown-event": "Each of an event's ids finds it. Whether its user is known at all, "
    "[status](../routes.md#reads) tells.",
    "not-acceptable": "Which is chosen by what stands in [routes](../routes.md#across-users).",
    "dead-letter-unknown": "Ask for the list again. An id is that of one dead letter, and ends with it; an "
    "event that is refused again keeps its own.",
    "unknown-route": "The routes stand in [routes](../routes.md).",
    "method-not-allowed": "The routes and their methods stand in [routes](../routes.md).",
    "not-allowed": "Don't retry it unchanged: it will be refused until the claim has moved. Why, and "
    "what would lead to where it is allowed: [investigate a claim](../../how-to/investigate-a-claim.md).",
    "alias-taken": "`owner` is the claim that the alias names. `POST claims/unlink` takes it away from that.",
    "merge-refused": "Where two ids are of one claim, and both were filed or paid, the events of one of them "
    "have to be corrected: by reversals, and by payouts that name the other.",
    "unlink-refused": "A merge stays. Money that was booked under a case which never was the claim's is "
    "taken back by a reversal first; what a reversal is stands in [fields](../fields.md).",
    "name-unknown": "A claim's aliases and cases stand in [status](../routes.md#reads). Where a caller takes "
    "away a name that may be gone already, 404 is as good as 200.",
    "no-integrations-service": "What is called, and how, stands in [run the service]"
    "(../../how-to/run-the-service.md#with-the-integrations-service).",
    "too-large": "Nothing was kept.",
    "event-too-large": "Its id is still free. In a batch, the other events are taken: this answer stands in "
    "the place of the one. Claims that are named in parts are all the same: a detection of a known sync adds "
    "those it did not have.",
    "unsupported-media-type": "`POST events` also takes `application/x-ndjson`. Nothing was kept.",
    "event-id-reused": "Don't retry it unchanged. Most often a sender makes ids from too little: the "
    "id must change whenever the content does. The rules stand in "
    "[duplicates](../../explanation/duplicates.md).",
    "upgrade-required": "How a proxy lets WebSockets through stands in "
    "[run the service](../../how-to/run-the-service.md#behind-a-proxy).",
    "too-many-attempts": "A token in `Authorization` is not counted. After ten wrong ones within a minute "
    "the right one has to wait, too.",
    "internal-error": "Retry with the same id, later and with growing pauses.",
    "store-unavailable": "Retry with the same id. The usual causes are another process that holds the "
    "write lock for more than five seconds, a full disk, and a file that became read-only; `detail` says "
    "which. Service goes on once the cause is mended, without a restart. On PostgreSQL, `its fate is "
    "unknown` says that a commit was not answered, or has not reached the standby that it was to wait "
    "for: the repeat tells what became of it.",
    "too-much-at-once": "Bodies up to 32 KiB always have room. Of larger ones 10 MiB are worked on at once, "
    "and a service holds 20 MiB of those that come; what finds no room for 30 seconds is answered this: "
    "[overload](../../explanation/overload.md#large-bodies).",
    "too-many-sockets": "Each open WebSocket has a thread, so there is a bound, `WORKFLOW_MAX_SOCKETS`, "
    "for each process. Read `history` meanwhile: it has all that a socket would tell.",
    "worker-stuck": "Only `health` and `/readyz` answer it; point what restarts the service at one of them. "
    "[Threads that hang](../../how-to/run-a-worker.md#threads-that-hang).",
    "row-unreadable": "What a row of one user holds stops no other user. Restore a backup, or mend the row "
    "that `detail` names, and run `workflow-fsm check` again.",
    "store-refused": "The file is no store, or one of a newer version, or it holds states that the "
    "lifecycle doesn't know.",
}

_PREFIX = "/api/v1/workflow"
_STORY: list[dict[str, object]] = [
    {"trigger": "sync_complete", "user_id": "u1", "sync_id": "s1", "event_id": "e1"},
    {
        "trigger": "detection_complete",
        "user_id": "u1",
        "claims": [{"claim_id": "c1", "aliases": ["d1"]}],
        "event_id": "e2",
    },
    {
        "trigger": "payout_received",
        "user_id": "u1",
        "claim_id": "c1",
        "case_id": "k1",
        "amount": "12.50",
        "event_id": "e3",
    },
]
_JSON = "application/json"


def _posted(route: str, body: bytes, media_type: str = _JSON) -> tuple[str, str, bytes, str]:
    return ("POST", route, body, media_type)


_REQUESTS: Mapping[str, tuple[str, str, bytes, str]] = {
    "malformed-body": _posted("sync/complete", b'{"user_id": "u1", "user_id": "u2"}'),
    "invalid-event": _posted("payout/received", b'{"userId": "u1", "amount": "12.505 USD"}'),
    "invalid-request": ("GET", "status/u1?limit=0", b"", _JSON),
    "unauthorized": ("GET", "status/u1", b"", _JSON),
    "forbidden": ("GET", "status/u2", b"", _JSON),
    "origin-refused": ("GET", "status/u1", b"", _JSON),
    "unknown-user": ("GET", "status/u9", b"", _JSON),
    "unknown-claim": ("GET", "claims/u1/c9", b"", _JSON),
    "unknown-event": ("GET", "events/u1/e9", b"", _JSON),
    "not-acceptable": ("GET", "claims", b"", _JSON),
    "dead-letter-unknown": _posted("deadletters/WyJ1MSIsICJldmVudCIsIDZd/drop", b'{"reason": "a test"}'),
    "unknown-route": _posted("claim/paid", b"{}"),
    "method-not-allowed": ("PUT", "sync/complete", b"{}", _JSON),
    "not-allowed": _posted("claim/rejected", b'{"user_id": "u1", "claim_id": "c1", "event_id": "e4"}'),
    "alias-taken": _posted("claims/link", b'{"user_id": "u1", "claim_id": "c2", "alias": "d1"}'),
    "merge-refused": _posted("claims/link", b'{"user_id": "u1", "claim_id": "c2", "alias": "c1"}'),
    "unlink-refused": _posted(
        "claims/unlink", b'{"user_id": "u1", "claim_id": "c1", "amazon_case_id": "k1"}'
    ),
    "name-unknown": _posted("claims/unlink", b'{"user_id": "u1", "alias": "d9"}'),
    "no-integrations-service": _posted("sync/start", b'{"user_id": "u1"}'),
    "too-large": _posted("events", b"[" + b",".join([b"1"] * 1001) + b"]"),
    "event-too-large": _posted(
        "detection/complete", b'{"user_id": "u1", "claims": [' + b",".join([b"1"] * 50001) + b"]}"
    ),
    "unsupported-media-type": _posted("sync/complete", b"user_id=u1", "application/x-www-form-urlencoded"),
    "upgrade-required": ("GET", "ws/u1", b"", _JSON),
    "event-id-reused": _posted("sync/complete", b'{"user_id": "u1", "event_id": "e1"}'),
}
_SECRET = "an example's, which is long enough for HS256"
_TOKEN = jwt.encode({"user_id": "u1", "exp": 1772366460}, _SECRET, algorithm="HS256")
_HEADERS: Mapping[str, dict[str, str]] = {
    "origin-refused": {"Host": "claims.example"},
    "not-acceptable": {"Accept": "application/xml"},
}
_CLOSED: Mapping[str, dict[str, str]] = {
    "unauthorized": {},
    "forbidden": {"Authorization": f"Bearer {_TOKEN}"},
}
"""What is sent where a service asks for credentials."""
_FAULTS: Mapping[str, WorkflowError | Problem] = {
    "internal-error": InvalidEvent([FieldError(field="", reason="")]),
    "store-unavailable": StoreUnavailable(
        "the store can't be used just now: its disk is full; free some room (database or disk is full)"
    ),
    "row-unreadable": RowUnreadable(
        "JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        table="lifecycles",
        key="7",
        user_id="seller-7",
    ),
    "store-refused": StoreRefused(
        "the store was migrated by a newer version of workflow-fsm (0009_contract_0007_thing); "
        "upgrade workflow-fsm to work on it: this version knows the schema up to 0006_other"
    ),
    "worker-stuck": WorkerStuck(
        "1 of 4 threads that do effects died or hang (in submit), and 16 others were replaced already; "
        "restart the process, and give what its handlers call a timeout"
    ),
    "csrf-refused": Problem(
        "csrf-refused",
        "What a session sends must carry its CSRF token, as the header X-CSRF-Token or the form's field "
        "csrf_token; load the page anew, and send it again.",
    ),
    "too-many-attempts": Problem(
        "too-many-attempts",
        "10 wrong tokens came from this address within 60 seconds; try again in 42 seconds.",
    ),
    "too-much-at-once": Problem(
        "too-much-at-once", "There was no room for a large body for 30 seconds; nothing was kept."
    ),
    "too-many-sockets": Problem(
        "too-many-sockets", "200 sockets are open, as many as WORKFLOW_MAX_SOCKETS allows; try later."
    ),
}


def _example(code: str) -> object:
    """Give the body of a problem as the service answers it."""
    if code == "internal-error":
        kind = KINDS[code]
        return {"type": kind.type, "title": kind.title, "status": kind.status, "detail": kind.meaning}
    if code in _FAULTS:
        return explain(_FAULTS[code]).body
    method, path, body, media_type = _REQUESTS[code]
    with open_workflow(clock=ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))) as workflow:
        workflow.fire_many(_STORY)
        settings = ServiceSettings(jwt_secret=_SECRET if code in _CLOSED else None)
        client = create_app(workflow, settings=settings).test_client()
        headers = {**_CLOSED, **_HEADERS}.get(code)
        answer = client.open(
            f"{_PREFIX}/{path}", method=method, data=body, content_type=media_type, headers=headers
        )
        told = answer.get_json()
        told["detail"] = told["detail"].replace("POST, OPTIONS", "OPTIONS, POST")  # a set's order
    assert str(told["type"]).endswith(f"/{code}"), (code, told)
    return told
