"""Every route of the service, as it is described: what it takes, and each code that it answers.

A test compares this table with the routes that are served, and its codes with those that can be produced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from webapp.http.request_body import NDJSON_TYPE
from webapp.routes.openapi.of_operators import routes_of_operators
from webapp.routes.openapi.requests import name_of
from webapp.routes.openapi.route import Contents, Route, json_of
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
            200: ("Taken, and on disk; or known; or a duplicate.", json_of("Taken")),
        }
        if waits:
            answers[202] = ("Too early: it is kept, on disk, and waits.", json_of("Deferred"))
        if any(one.kind is Kind.ENTRIES for one in trigger.fields):
            answers[207] = ("Taken in part: what is in `refused` was not.", json_of("InPart"))
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
            body=json_of(name_of(trigger)),
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
        body={
            **json_of("Events"),
            NDJSON_TYPE: {"type": "string", "description": "A line of JSON an event."},
        },
        answers={200: ("Each has its own answer.", json_of("Answers"))},
    )
    yield _told(
        "link",
        "claims/link",
        "Give a claim another name",
        "Later events, and those that wait, may name the claim by it. An alias that is itself a "
        "detected claim's id merges that claim into this one, where it has neither filing nor money.",
        {200: ("Linked, or linked already.", json_of("Linked"))},
        "alias-taken",
        "merge-refused",
    )
    yield _told(
        "unlink",
        "claims/unlink",
        "Take a name, or a case, away from a claim",
        "A case that never was the claim's; a claim that has no filed case left then, but a "
        "rejected one, is rejected.",
        {200: ("Taken away.", json_of("Unlinked"))},
        "name-unknown",
        "unlink-refused",
    )
    yield _told(
        "start_sync",
        "sync/start",
        "Ask the integrations service for a sync",
        "It is asked durably, once this is answered. One is pending a user.",
        {202: ("It will be asked for.", json_of("Requested"))},
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
        answers={200: ("The user's status.", json_of("Status"))},
        problems=("invalid-request", "unknown-user", "unknown-route"),
    )
    yield Route(
        endpoint="history",
        method="GET",
        path=f"{PREFIX}/history/{{user_id}}",
        tag="reads",
        summary="A user's transitions, oldest first",
        parameters=("user_id", "claim_id", "sync_id", "limit", "cursor"),
        answers={200: ("A page of them.", json_of("History"))},
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
    yield from routes_of_operators()


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
        body=json_of(endpoint.title().replace("_", "")),
        answers=answers,
        problems=("invalid-event", *problems),
    )
