"""Kinds of problems: each error's code to its HTTP status, its title and its page in the docs.

The table is the whole of it: the docs' pages are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass

DOCS = "https://workflow-fsm.readthedocs.io/reference/problems"
"""Where the pages are; a problem's `type` is this, a slash and its code, and never changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """One row of the table: `meaning` says what happened and what its sender should do."""

    code: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """The page that explains it."""
        return f"{DOCS}/{self.code}"


KINDS = {
    kind.code: kind
    for kind in (
        ProblemKind(
            code="malformed-body",
            status=400,
            title="The body can't be read",
            meaning="It is not strict JSON of the expected shape; `errors` says where. Nothing was kept.",
        ),
        ProblemKind(
            code="invalid-event",
            status=400,
            title="The event is not well formed",
            meaning="`errors` names every wrong field. Nothing was kept; send the event again, corrected.",
        ),
        ProblemKind(
            code="invalid-request",
            status=400,
            title="The request is not well formed",
            meaning="`errors` names what is wrong in the path, the query or the headers.",
        ),
        ProblemKind(
            code="unauthorized",
            status=401,
            title="The credentials are missing or wrong",
            meaning="Nothing was kept. Send a credential that the route takes; `detail` says what was wrong "
            "with the one sent.",
        ),
        ProblemKind(
            code="forbidden",
            status=403,
            title="These credentials may not do this",
            meaning="They are valid, but for another user's data or for another role. Nothing was kept.",
        ),
        ProblemKind(
            code="csrf-refused",
            status=403,
            title="What a session sent does not carry its token",
            meaning="A page of another host can make a browser send this, but can't know the token. Nothing "
            "was kept.",
        ),
        ProblemKind(
            code="origin-refused",
            status=403,
            title="The request is not of a host that is let in",
            meaning="Its `Host` or `Origin` is none of this service's, or a proxy handed it on while no "
            "credentials are configured; `detail` says which. Nothing was kept.",
        ),
        ProblemKind(
            code="unknown-user",
            status=404,
            title="Nothing is known of this user",
            meaning="No event of this user was ever taken; is the id spelled and percent-encoded right?",
        ),
        ProblemKind(
            code="unknown-claim",
            status=404,
            title="The user has no such claim",
            meaning="Nothing of theirs has that id or alias; is it spelled and percent-encoded right?",
        ),
        ProblemKind(
            code="unknown-event",
            status=404,
            title="No such event arrived",
            meaning="No event of this user with that id was ever taken: what was answered 400 wasn't, and "
            "what was sent without an id has the one that its answer named.",
        ),
        ProblemKind(
            code="dead-letter-unknown",
            status=404,
            title="There is no such dead letter",
            meaning="It was settled meanwhile, or there never was one of this id, or to be restored it would "
            "have to be dropped. Take ids from `GET deadletters`.",
        ),
        ProblemKind(
            code="name-unknown",
            status=404,
            title="There is no such name",
            meaning="No claim of this user has the alias, or the claim has no such case. Nothing was "
            "taken away.",
        ),
        ProblemKind(
            code="unknown-route",
            status=404,
            title="There is no such route",
            meaning="The path is none of this service's; an id in a path must be percent-encoded.",
        ),
        ProblemKind(
            code="method-not-allowed",
            status=405,
            title="The route does not take this method",
            meaning="The `Allow` header names the methods that it takes.",
        ),
        ProblemKind(
            code="not-acceptable",
            status=406,
            title="The answer can't be sent as what is accepted",
            meaning="`Accept` takes nothing that this list is sent as: `application/json`, `text/csv` or "
            "`application/x-ndjson`. Without `Accept` it is JSON.",
        ),
        ProblemKind(
            code="not-allowed",
            status=409,
            title="The claim's state refuses the event",
            meaning="It contradicts what is recorded, or could be for several of `candidates`. `allowed` "
            "names the triggers that move the lifecycle on. It is kept as refused; its id may be used again.",
        ),
        ProblemKind(
            code="alias-taken",
            status=409,
            title="The alias names another claim",
            meaning="An alias is of one claim of its user; link one that is free.",
        ),
        ProblemKind(
            code="merge-refused",
            status=409,
            title="The claim can't be merged into another",
            meaning="The alias is the id of a detected claim that has a filing or money of its own, or that "
            "can't be merged for another reason; `detail` says which. Nothing was linked.",
        ),
        ProblemKind(
            code="unlink-refused",
            status=409,
            title="The name can't be taken away",
            meaning="It is a merged claim's own id, or a case under which money was booked. Nothing was "
            "taken away.",
        ),
        ProblemKind(
            code="no-integrations-service",
            status=409,
            title="No integrations service is configured",
            meaning="Nothing was asked for. The operator must start the service with `INTEGRATIONS_URL` set.",
        ),
        ProblemKind(
            code="too-large",
            status=413,
            title="The request is too large",
            meaning="A body holds at most 10 MiB, and a batch 1,000 events; send it in parts.",
        ),
        ProblemKind(
            code="event-too-large",
            status=413,
            title="The event is too large",
            meaning="A list has at most 50,000 entries, and an event is for at most as many claims; `errors` "
            "names the field. Nothing of it was kept. Send it in parts, as events under ids of their own.",
        ),
        ProblemKind(
            code="unsupported-media-type",
            status=415,
            title="The media type is not one that is read",
            meaning="Send JSON in UTF-8 as `Content-Type: application/json`, without a content coding.",
        ),
        ProblemKind(
            code="event-id-reused",
            status=422,
            title="The event id belongs to another event",
            meaning="An event of this user with other content has this id, or two of the ids that were given "
            "belong to two events. It is kept once, as refused; send a new event under a new id.",
        ),
        ProblemKind(
            code="upgrade-required",
            status=426,
            title="The route is a WebSocket",
            meaning="The request asks for none: it has no `Upgrade: websocket`, or a proxy left it out.",
        ),
        ProblemKind(
            code="too-many-attempts",
            status=429,
            title="Too many wrong tokens",
            meaning="Somebody tried to sign in from this address with too many of them. Try again after the "
            "seconds in `Retry-After`.",
        ),
        ProblemKind(
            code="internal-error",
            status=500,
            title="The service failed",
            meaning="It is a fault of the service; its log says more. Send an event again under its id: "
            "where it was kept, the answer is `duplicate`.",
        ),
        ProblemKind(
            code="row-unreadable",
            status=500,
            title="A row of the store can't be read",
            meaning="Something other than the service changed it; other users are not concerned. Nothing of "
            "this request was kept. Its operator must mend what `workflow-fsm check` names.",
        ),
        ProblemKind(
            code="store-unavailable",
            status=503,
            title="The store can't be reached or written just now",
            meaning="Nothing of this request was kept, unless `detail` says that its fate is unknown. Send "
            "it again after the seconds in `Retry-After`.",
        ),
        ProblemKind(
            code="worker-stuck",
            status=503,
            title="The service's worker is stuck",
            meaning="So many of its threads died, or hang in handlers past their `timeout_seconds`, that "
            "effects wait. Only readiness is answered so; events are taken. Whatever supervises the service "
            "should restart it: nothing is lost by that.",
        ),
        ProblemKind(
            code="too-much-at-once",
            status=503,
            title="There is no room for so large a body just now",
            meaning="Nothing of it was kept. Other large bodies are under way, or this one came too slowly "
            "while others waited. Send it again, under its id, after the seconds in `Retry-After`.",
        ),
        ProblemKind(
            code="too-many-sockets",
            status=503,
            title="No further WebSocket can be opened just now",
            meaning="As many are open as `WORKFLOW_MAX_SOCKETS` allows, or of this user as "
            "`WORKFLOW_MAX_USER_SOCKETS` does, or the service is stopping. Connect "
            "again after the seconds in `Retry-After`.",
        ),
        ProblemKind(
            code="store-refused",
            status=503,
            title="The store is none that this version can work on",
            meaning="Nothing of this request was kept. Its operator must mend the store, as `detail` says.",
        ),
    )
}
