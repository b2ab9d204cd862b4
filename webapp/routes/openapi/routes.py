"""Every route of the service, as it is described: what it takes, and each code that it answers.

A test compares this table with the routes that are served, and its codes with those that can be produced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from webapp.http.representation import CSV_TYPE
from webapp.http.request_body import FORM_TYPE, NDJSON_TYPE
from webapp.http.response import JSON_TYPE
from webapp.routes.openapi.parts import ref
from webapp.routes.openapi.requests import name_of
from webapp.routes.webhooks import PREFIX, TRIGGERS
from webapp.ws.session import (
    BAD_REQUEST,
    CURSOR_LOST,
    GOING_AWAY,
    INTERNAL_ERROR,
    TOKEN_EXPIRED,
    TOO_BIG,
    TRY_AGAIN_LATER,
    UNANSWERED,
)
from workflow_fsm.core.definition import Addressing, Definition, Rest, Trigger
from workflow_fsm.core.values.fields import Kind
from workflow_fsm.read.across.sheets import COLUMNS, Question

TAGS: Mapping[str, str] = {
    "webhooks": "Events in: from services that tell what happened.",
    "reads": "What came of them.",
    "across users": "What operators ask of all users: who is owed money, what became of an event.",
    "dead letters": "What can't go on by itself, and what a person does with it.",
    "operations": "The service itself.",
}

Contents = Mapping[str, Any]
"""Media types to schemas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. `answers` are its good ones, a description and contents each; `problems` name its errors.

    Those of its body, of the store and of credentials go without saying.
    """

    endpoint: str
    method: str
    path: str
    tag: str
    summary: str
    description: str = ""
    parameters: tuple[str, ...] = ()
    body: Contents | None = None
    body_required: bool = True
    answers: Mapping[int, tuple[str, Contents]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    asks_the_store: bool = True


def routes(definition: Definition) -> list[Route]:
    """Give every route, as it is for a lifecycle."""
    return [*_webhooks(definition), *_others()]


def _webhooks(definition: Definition) -> Iterator[Route]:
    for path, name in TRIGGERS.items():
        trigger = definition.trigger(name)
        if trigger is None:
            continue
        waits = any(cell.rest is Rest.WAIT for (_, one), cell in definition.table.items() if one == name)
        answers: dict[int, tuple[str, Contents]] = {
            200: ("Taken, and on disk; or known; or a duplicate.", _json("Taken")),
        }
        if waits:
            answers[202] = ("Too early: it is kept, on disk, and waits.", _json("Deferred"))
        if any(one.kind is Kind.ENTRIES for one in trigger.fields):
            answers[207] = ("Taken in part: what is in `refused` was not.", _json("InPart"))
        problems = ["invalid-request", "invalid-event", "event-id-reused"]
        if any(one.kind is Kind.ENTRIES for one in trigger.fields):
            problems.append("event-too-large")
        if _refuses(definition, trigger):
            problems.append("not-allowed")
        yield Route(
            endpoint=name,
            method="POST",
            path=f"{PREFIX}/{path}",
            tag="webhooks",
            summary=f"Fire `{name}`",
            description=f"What `{name}` tells is kept, and moves whom it is for, as the cell of their state "
            "says; what comes too early waits.",
            parameters=("webhook_id", "idempotency_key"),
            body=_json(name_of(trigger)),
            answers=answers,
            problems=tuple(problems),
        )


def _refuses(definition: Definition, trigger: Trigger) -> bool:
    """Tell whether an event can be refused: by a cell, or since it could be for several."""
    cells = [cell for (_, name), cell in definition.table.items() if name == trigger.name]
    several = trigger.addressing is Addressing.ONE and not trigger.money
    return several or any(cell.rest is Rest.REFUSED for cell in cells)


def _others() -> Iterator[Route]:
    yield Route(
        endpoint="events",
        method="POST",
        path=f"{PREFIX}/events",
        tag="webhooks",
        summary="Many events at once",
        description="All are in one commit, and one that is bad harms no other. An event without an "
        "`event_id` has one by the request's and its place.",
        parameters=("batch_webhook_id", "batch_idempotency_key"),
        body={**_json("Events"), NDJSON_TYPE: {"type": "string", "description": "A line of JSON an event."}},
        answers={200: ("Each has its own answer.", _json("Answers"))},
    )
    yield _told(
        "link",
        "claims/link",
        "Give a claim another name",
        "Later events, and those that wait, may name the claim by it. An alias that is itself a "
        "detected claim's id merges that claim into this one, where it has neither filing nor money.",
        {200: ("Linked, or linked already.", _json("Linked"))},
        "alias-taken",
        "merge-refused",
    )
    yield _told(
        "unlink",
        "claims/unlink",
        "Take a name, or a case, away from a claim",
        "A case that never was the claim's; a claim that has no filed case left then, but a "
        "rejected one, is rejected.",
        {200: ("Taken away.", _json("Unlinked"))},
        "name-unknown",
        "unlink-refused",
    )
    yield _told(
        "start_sync",
        "sync/start",
        "Ask the integrations service for a sync",
        "It is asked durably, once this is answered. One is pending a user.",
        {202: ("It will be asked for.", _json("Requested"))},
        "no-integrations-service",
    )
    yield Route(
        endpoint="status",
        method="GET",
        path=f"{PREFIX}/status/{{user_id}}",
        tag="reads",
        summary="Where a user stands",
        description="`counts`, `recovered` and `unapplied` cover everything, whatever the query. A "
        "page holds at most `limit` of `claims`, `syncs` and `deferred`; `next_cursor` goes on while any has "
        "more.",
        parameters=("user_id", "claim_id", "sync_id", "limit", "status_cursor"),
        answers={200: ("The user's status.", _json("Status"))},
        problems=("invalid-request", "unknown-user", "unknown-route"),
    )
    yield Route(
        endpoint="history",
        method="GET",
        path=f"{PREFIX}/history/{{user_id}}",
        tag="reads",
        summary="A user's transitions, oldest first",
        parameters=("user_id", "claim_id", "sync_id", "limit", "cursor"),
        answers={200: ("A page of them.", _json("History"))},
        problems=("invalid-request", "unknown-user", "unknown-route"),
    )
    yield Route(
        endpoint="ws",
        method="GET",
        path=f"{PREFIX}/ws/{{user_id}}",
        tag="reads",
        summary="A user's transitions as they happen, on a WebSocket",
        description="A message is a JSON object: `cursor`, `event` (`workflow.transition`), `data` (a row of "
        f"history) and `timestamp`. It is closed with {GOING_AWAY} where the service stops, with "
        f"{TRY_AGAIN_LATER} where the client is too slow or the store can't be read, with {UNANSWERED} where "
        f"a ping is not answered, with {INTERNAL_ERROR} where the service fails: connect again with `since`, "
        f"the last cursor seen. With {CURSOR_LOST} where the store has not got as far as `since`, since it "
        "lost rows: read history anew, and follow from its last row. With "
        f"{TOKEN_EXPIRED} where the token that opened it has ended: connect again with a new one. With "
        f"{BAD_REQUEST} where `since` is no cursor, and with {TOO_BIG} where a client sends too large a "
        "message: neither helps to repeat. Browsers may send a bearer token as the query's `token`.",
        parameters=("user_id", "since"),
        answers={
            101: ("The socket is open.", {}),
            200: ("The same where a proxy speaks HTTP/2 to the client (RFC 8441).", {}),
        },
        problems=("invalid-request", "unknown-route", "upgrade-required", "too-many-sockets"),
    )
    yield from _across_users()
    yield from _dead_letters()
    yield from _operations()
    yield from _signing_in()


def _told(
    endpoint: str,
    path: str,
    summary: str,
    description: str,
    answers: Mapping[int, tuple[str, Contents]],
    *problems: str,
) -> Route:
    """Give a route of services that takes no event, but a body named as the route is."""
    return Route(
        endpoint=endpoint,
        method="POST",
        path=f"{PREFIX}/{path}",
        tag="webhooks",
        summary=summary,
        description=description,
        body=_json(endpoint.title().replace("_", "")),
        answers=answers,
        problems=("invalid-event", *problems),
    )


def _across_users() -> Iterator[Route]:
    lists: Mapping[Question, tuple[str, str, tuple[str, ...]]] = {
        "claims": (
            "Claims of all users",
            "Claims and plain lifecycles, as status has them, each with its user.",
            (
                *("asked_state", "decision", "currency", "amazon_case_id", "reimbursement_id", "q_claims"),
                *("due_before", "overdue", "waiting", "sort"),
            ),
        ),
        "money": (
            "A row for each payout and reversal",
            "As they came in. Payouts less reversals of each standing are what status says of it; refused "
            "ones are left out.",
            ("of_user", "currency", "since_at", "until_at", "money_standing"),
        ),
        "users": ("Users of whom anything is known", "By their ids.", ("q_users",)),
        "effects": (
            "What transitions owe, and what was done of it",
            "By user, in the order in which it was owed; but for what was made void.",
            ("of_handler", "effect_standing", "of_user", "of_claim"),
        ),
    }
    for name, (summary, description, parameters) in lists.items():
        yield Route(
            endpoint=name,
            method="GET",
            path=f"{PREFIX}/{name}",
            tag="across users",
            summary=summary,
            description=f"{description} {_STREAMED}",
            parameters=(*parameters, "limit", "opaque_cursor"),
            answers={200: ("A page of them, or all as a stream.", _sheets(name))},
            problems=("invalid-request", "not-acceptable"),
        )
    for endpoint, second, summary, description, schema in (
        (
            "claim",
            "claim_id",
            "One claim whole",
            "With what each trigger would meet, its waiting events, what is owed for it and its history.",
            "ClaimWhole",
        ),
        (
            "event",
            "event_id",
            "Did an event arrive, what did it say, what became of it",
            "By any of its ids.",
            "EventWhole",
        ),
    ):
        yield Route(
            endpoint=endpoint,
            method="GET",
            path=f"{PREFIX}/{endpoint}s/{{user_id}}/{{{second}}}",
            tag="across users",
            summary=summary,
            description=description,
            parameters=("user_id", f"{second}_in_path"),
            answers={200: (f"The {endpoint}.", _json(schema))},
            problems=("invalid-request", "unknown-user", f"unknown-{endpoint}", "unknown-route"),
        )


_STREAMED = (
    "As CSV and NDJSON, by `Accept`, it is a stream of all behind the cursor; with a `limit` it is one page, "
    'and `Link` with `rel="next"` names the one behind it.'
)


def _sheets(question: Question) -> Contents:
    names = ", ".join(COLUMNS[question])
    return {
        **_json(question.title()),
        CSV_TYPE: {"type": "string", "description": f"A line of names first: {names}."},
        NDJSON_TYPE: {"type": "string", "description": "A line of JSON a row."},
    }


def _dead_letters() -> Iterator[Route]:
    path = f"{PREFIX}/deadletters"
    yield Route(
        endpoint="deadletters",
        method="GET",
        path=path,
        tag="dead letters",
        summary="What can't go on by itself, oldest first",
        parameters=(
            "kind",
            "letters_user",
            "letters_handler",
            "letters_trigger",
            "letters_reason",
            "letters_dropped",
            "limit",
            "letters_cursor",
        ),
        answers={200: ("A page of them.", _json("DeadLetters"))},
        problems=("invalid-request",),
    )
    for act, schema, description in (
        (
            "retry",
            "RetriedAll",
            "Each as by its id with nothing laid over it, in a commit of its own. One whose ids are another "
            "event's (422) is left as it is, and counts as failed.",
        ),
        ("drop", "DroppedAll", "Each as by its id, in a commit of its own."),
    ):
        yield Route(
            endpoint=f"{act}_all",
            method="POST",
            path=f"{path}/{act}",
            tag="dead letters",
            summary=f"{act.title()} all that match, or count them and their money first",
            description=f"{description} With `dry_run` nothing is done.",
            body=_json(f"{act.title()}All"),
            answers={200: ("What matched, and what became of it.", _json(schema))},
            problems=("invalid-event",),
        )
    yield Route(
        endpoint="retry",
        method="POST",
        path=f"{path}/{{id}}/retry",
        tag="dead letters",
        summary="Try one again",
        description="An event is judged anew, and answered as a webhook would be; an effect is owed anew.",
        parameters=("letter_id",),
        body=_json("Retry"),
        body_required=False,
        answers={
            200: (
                "The event's outcome, or how the effect stands.",
                {JSON_TYPE: {"anyOf": [ref("schemas/Taken"), ref("schemas/Revived")]}},
            ),
            202: ("The event waits, again.", _json("Deferred")),
            207: ("The event was taken in part.", _json("InPart")),
        },
        problems=("invalid-event", "dead-letter-unknown", "unknown-route", "not-allowed"),
    )
    yield Route(
        endpoint="drop",
        method="POST",
        path=f"{path}/{{id}}/drop",
        tag="dead letters",
        summary="End one",
        description="Its money counts as dropped, and its ids bind nobody any more, until it is restored.",
        parameters=("letter_id",),
        body=_json("Drop"),
        answers={200: ("It is no dead letter any more.", _json("Dropped"))},
        problems=("invalid-event", "dead-letter-unknown", "unknown-route"),
    )
    yield Route(
        endpoint="restore",
        method="POST",
        path=f"{path}/{{id}}/restore",
        tag="dead letters",
        summary="Bring a dropped one back",
        description="Money that waits is judged again, and may be applied at once.",
        parameters=("letter_id",),
        body=_json("Restore"),
        body_required=False,
        answers={200: ("It is what it was before it was dropped.", _json("Restored"))},
        problems=("invalid-event", "dead-letter-unknown", "unknown-route"),
    )


def _operations() -> Iterator[Route]:
    def shown(
        endpoint: str, path: str, summary: str, content: Contents, *problems: str, store: bool = False
    ) -> Route:
        return Route(
            endpoint=endpoint,
            method="GET",
            path=path,
            tag="operations",
            summary=summary,
            answers={200: ("It is.", content) if endpoint in _HEALTH else ("Here.", content)},
            problems=problems,
            asks_the_store=store,
        )

    yield shown("health", f"{PREFIX}/health", "Is the process up, and its store?", _json("Ready"), store=True)
    yield shown("readyz", "/readyz", "The same", _json("Ready"), store=True)
    yield shown("healthz", "/healthz", "Is the process up?", _json("Live"))
    yield shown(
        "metrics", "/metrics", "Figures for Prometheus", {"text/plain": {"type": "string"}}, "internal-error"
    )
    yield shown("openapi", "/openapi.json", "This description", {JSON_TYPE: {"type": "object"}})
    yield shown("docs", "/docs", "This description, for people", {"text/html": {"type": "string"}})
    yield shown("docs_style", "/docs/style.css", "How that page looks", {"text/css": {"type": "string"}})


def _signing_in() -> Iterator[Route]:
    form = {
        "type": "object",
        "properties": {
            "token": {"type": "string", "format": "password"},
            "next": {"type": "string", "description": "A path of this service, shown thereafter."},
        },
        "required": ["token"],
    }
    yield Route(
        endpoint="login",
        method="GET",
        path="/login",
        tag="operations",
        summary="The page to sign in by",
        answers={
            200: ("A form.", {"text/html": {"type": "string"}}),
            303: ("Nobody is asked who they are.", {}),
        },
        asks_the_store=False,
    )
    yield Route(
        endpoint="sign_in",
        method="POST",
        path="/login",
        tag="operations",
        summary="Begin a session",
        description="The operator's token, for a session of twelve hours in a cookie. What the session posts "
        "carries its CSRF token, which its pages know.",
        body={FORM_TYPE: form},
        answers={
            200: ("Signed in: the cookie is set.", _json("SignedIn")),
            303: ("The same for a browser, which is led to `next`.", {}),
        },
        problems=("unauthorized", "origin-refused", "too-many-attempts"),
        asks_the_store=False,
    )
    yield Route(
        endpoint="logout",
        method="POST",
        path="/logout",
        tag="operations",
        summary="End a session",
        answers={
            200: ("The cookie is deleted.", _json("SignedOut")),
            303: ("The same for a browser, which is led to `/login`.", {}),
        },
        asks_the_store=False,
    )


_HEALTH = ("health", "readyz", "healthz")


def _json(schema: str) -> dict[str, Any]:
    return {JSON_TYPE: ref(f"schemas/{schema}")}
