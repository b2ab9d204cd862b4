"""The routes of operators, as they are described: across users, dead letters, and the service itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from webapp.http.representation import CSV_TYPE
from webapp.http.request_body import FORM_TYPE, NDJSON_TYPE
from webapp.http.response import JSON_TYPE
from webapp.routes.openapi.parts import ref
from webapp.routes.openapi.route import Contents, Route, json_of
from webapp.routes.webhooks import PREFIX
from workflow_fsm.read.across.sheets import COLUMNS, Question


def routes_of_operators() -> Iterator[Route]:
    """Give what only an operator may ask and do, and what anybody may ask of the process."""
    yield from _across_users()
    yield from _dead_letters()
    yield from _operations()
    yield from _signing_in()


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
            answers={200: (f"The {endpoint}.", json_of(schema))},
            problems=("invalid-request", "unknown-user", f"unknown-{endpoint}", "unknown-route"),
        )


_STREAMED = (
    "As CSV and NDJSON, by `Accept`, it is a stream of all behind the cursor; with a `limit` it is one page, "
    'and `Link` with `rel="next"` names the one behind it.'
)


def _sheets(question: Question) -> Contents:
    names = ", ".join(COLUMNS[question])
    return {
        **json_of(question.title()),
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
        answers={200: ("A page of them.", json_of("DeadLetters"))},
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
            body=json_of(f"{act.title()}All"),
            answers={200: ("What matched, and what became of it.", json_of(schema))},
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
        body=json_of("Retry"),
        body_required=False,
        answers={
            200: (
                "The event's outcome, or how the effect stands.",
                {JSON_TYPE: {"anyOf": [ref("schemas/Taken"), ref("schemas/Revived")]}},
            ),
            202: ("The event waits, again.", json_of("Deferred")),
            207: ("The event was taken in part.", json_of("InPart")),
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
        body=json_of("Drop"),
        answers={200: ("It is no dead letter any more.", json_of("Dropped"))},
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
        body=json_of("Restore"),
        body_required=False,
        answers={200: ("It is what it was before it was dropped.", json_of("Restored"))},
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

    yield shown(
        "health", f"{PREFIX}/health", "Is the process up, and its store?", json_of("Ready"), store=True
    )
    yield shown("readyz", "/readyz", "The same", json_of("Ready"), store=True)
    yield shown("healthz", "/healthz", "Is the process up?", json_of("Live"))
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
            200: ("Signed in: the cookie is set.", json_of("SignedIn")),
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
            200: ("The cookie is deleted.", json_of("SignedOut")),
            303: ("The same for a browser, which is led to `/login`.", {}),
        },
        asks_the_store=False,
    )


_HEALTH = ("health", "readyz", "healthz")
