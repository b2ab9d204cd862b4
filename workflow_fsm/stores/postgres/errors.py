"""PostgreSQL's faults: which to try again, which are a job's own, and what a person can do about each."""

from __future__ import annotations

import psycopg
from psycopg import errors, pq
from psycopg.pq import DiagnosticField

from workflow_fsm.core.errors import StoreRefused, StoreUnavailable, WorkflowError

OF_THE_JOB = (psycopg.IntegrityError, psycopg.DataError)
"""Faults of what a job asked for; others are the store's."""

READ_ONLY = "25006"
_UNSUPPORTED = "0A000"
"""What a standby says of a transaction that is to write; of any other statement, that it is outdated."""
_CANCELLED = "57014"
"""The only one of its class that leaves the connection as it is."""
_AGAIN = ("40001", "40P01")
_CLASSES: dict[str, type[psycopg.Error]] = {"22": psycopg.DataError, "23": psycopg.IntegrityError}
_PREPARED = ("26000", "42P05")
"""A statement that is not prepared, or is already: something between gave the session another server."""
_CHANGED = (_UNSUPPORTED, *_PREPARED)
"""Those, and a statement that was prepared before a migration."""


class Lost(psycopg.OperationalError):
    """The connection ended under a statement."""


class Unconfirmed(psycopg.OperationalError):
    """A commit that the server has done, and warned of: only this server may have it."""


def error_of(result: pq.abc.PGresult, statement: str) -> psycopg.Error:
    """Read the error in a statement's result."""
    state = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode(errors="replace")
    told = result.error_field(DiagnosticField.MESSAGE_PRIMARY) or result.error_message or b"no reason given"
    message = " ".join(told.decode(errors="replace").split())
    if state == _UNSUPPORTED and statement == "begin":
        state = READ_ONLY
    try:
        kind = errors.lookup(state)
    except KeyError:
        kind = _CLASSES.get(state[:2], psycopg.OperationalError)
    return kind(message)


def is_to_be_tried_again(error: psycopg.Error) -> bool:
    """Tell whether the same work may well succeed: it lost its connection, or to another's work, or its
    statements were outdated.
    """
    return isinstance(error, Lost) or error.sqlstate in (*_AGAIN, *_CHANGED)


def is_of_the_server(error: psycopg.Error) -> bool:
    """Tell whether nothing at all can be written to this server, whatever it is."""
    return error.sqlstate == READ_ONLY


def is_outdated(error: psycopg.Error) -> bool:
    """Tell whether a migration made statements outdated that other connections have prepared, too."""
    return error.sqlstate == _UNSUPPORTED


def spoils_connection(error: BaseException) -> bool:
    """Tell whether a connection is better closed: it is gone, outdated, or its server takes no writes."""
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate or ""
    ends = state[:2] in ("08", "57") and state != _CANCELLED
    return isinstance(error, Lost | Unconfirmed) or ends or state in (*_CHANGED, READ_ONLY)


def unavailable(error: BaseException) -> StoreUnavailable:
    """Tell programs to come again, and people what to do."""
    return StoreUnavailable(f"the store can't be used just now: {_why(error)}", retry_after=_wait(error))


def undecided(error: psycopg.Error) -> StoreUnavailable:
    """Tell that nobody knows what became of a commit."""
    if isinstance(error, Unconfirmed):
        what = "the server has committed, and its standby may never hear of it"
    else:
        what = "the connection ended under a commit, which may have been done or not"
    return StoreUnavailable(
        f"{what} ({_told(error)}): its fate is unknown; send it again, by the same id", retry_after=2
    )


def at_opening(error: psycopg.Error) -> WorkflowError:
    """Tell why a store can't be opened: what was configured can't be, or it could, and not just now."""
    state = error.sqlstate or ""
    text = _told(error)
    refused = state[:2] in ("28", "3D", "42") or any(
        sign in text for sign in ("authentication failed", "does not exist", "no password supplied")
    )
    if refused:
        return StoreRefused(f"the store can't be opened: {text}")
    return unavailable(error)


def _why(error: BaseException) -> str:
    if isinstance(error, Unconfirmed):
        return (
            f"a commit waits for a synchronous standby that doesn't answer ({_told(error)}); bring it back, "
            "or take it out of synchronous_standby_names"
        )
    state = getattr(error, "sqlstate", None) or ""
    remedy = _REMEDIES.get(state) or _REMEDIES.get(state[:2])
    told = _told(error)
    return f"{remedy} ({told})" if remedy else told


def _wait(error: BaseException) -> int:
    return 1 if getattr(error, "sqlstate", None) in (*_AGAIN, "55P03") else 2


def _told(error: BaseException) -> str:
    return " ".join(str(error).split())


_REMEDIES = {
    "08": "the connection to the server failed",
    READ_ONLY: "this is a standby, read-only; name the primary, or several hosts with"
    " target_session_attrs=read-write",
    "40": "it lost to other transactions again and again",
    "42501": "the role lacks a privilege on the tables; grant it",
    **dict.fromkeys(
        _PREPARED,
        "a pooler between gives a connection's server to others; set pool_mode = session, or name the server",
    ),
    "42P01": "a table is missing; see that the search path is the one that the store was made under",
    "53100": "the server's disk is full; free some room",
    "53300": "the server has no connection left; raise max_connections, or run fewer processes",
    "55P03": "another transaction holds the user's row",
    _CANCELLED: "a statement was cancelled, by the server's statement_timeout or by somebody; raise that"
    " for the role (ALTER ROLE … SET statement_timeout), or see what holds statements up",
    "57": "the server is stopping or starting",
}
