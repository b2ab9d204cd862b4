"""Access log: one JSON line a request, and what the library tells, on stdout. No body, no header, no query.

Each line tells who sent: the address, and the kind and name of the credential, never the credential itself.

A view notes what it learnt of its event (`note`); the line is written when the answer goes out. The lines are
ordinary records of Python's logging: an app that mounts the blueprint decides itself where they go. The
service writes them in blocks.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from random import getrandbits
from time import perf_counter
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote

from flask import Response
from flask.sansio.scaffold import Scaffold

from webapp.http.flask_app import current_request
from webapp.http.log_blocks import Blocks
from webapp.http.response import Answer
from workflow_fsm.core.values.json_writer import json_writer
from workflow_fsm.workflow import utc_now

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger(__name__)

_FACTS = "workflow_fsm.facts"
_SINCE = "workflow_fsm.since"
REQUEST_ID_HEADER = "X-Request-Id"

_REQUEST_ID = "workflow_fsm.request_id"
_IDS = ("event_id", "user_id", "trigger")
_TOLD = (*_IDS, "outcome", "credential", "credential_name")
_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/=@-]{0,127}")
_MAX_CHARACTERS = 255
_write_json = json_writer(default=str)
_root = logging.getLogger()
_ours: list[logging.Handler] = []
_blocks: Blocks | None = None


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON: a request's facts, or a message with its level and logger."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        facts = getattr(record, "request_facts", None)
        if facts is not None:
            return _line(_instant_of(record), facts)
        line: dict[str, Any] = {"at": _shown(_instant_of(record))}
        line.update(level=record.levelname.lower(), logger=record.name, message=record.getMessage())
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _write_json(line)


if TYPE_CHECKING:
    _Stream = logging.StreamHandler[TextIO]
else:  # which is no generic class while it runs
    _Stream = logging.StreamHandler


class LogHandler(_Stream):
    """Writes each record at once, behind the lines that wait to be written in a block."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        if (blocks := _blocks) is None:
            super().emit(record)
        else:
            blocks.add(partial(self.format, record))
            blocks.write()


def configure() -> None:
    """Send this process's log to stdout as JSON lines. For the service; a mounting app does as it likes."""
    handler = LogHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.getLogger().handlers[:] = _ours[:] = [handler]
    for ours in ("webapp", "workflow_fsm"):
        logging.getLogger(ours).setLevel(logging.INFO)
    # No line tells these, and each costs a call or two a record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def begin_blocks() -> None:
    """Write the lines of requests in blocks from now on, in this process; after `configure`."""
    global _blocks
    _blocks = Blocks(sys.stdout)


def end_blocks() -> None:
    """Write what waits, and each line at once from now on."""
    global _blocks
    blocks, _blocks = _blocks, None
    if blocks is not None:
        blocks.write()


def watch(routes: Scaffold) -> None:
    """Write a line for each request to an app, or only for those to a blueprint."""
    routes.before_request(_begin)
    routes.after_request(_write)


def note(**facts: Any) -> None:
    """Keep facts about this request for its line."""
    current_request().environ.setdefault(_FACTS, {}).update(facts)


def note_ids(told: Mapping[str, Any], **facts: Any) -> None:
    """Keep the ids that a body or an answer tells, as far as they can be ids, and facts beside them."""
    note(**{**ids_of(told), **facts})


def ids_of(told: Mapping[str, Any]) -> dict[str, str]:
    """Give the ids that a body or an answer tells, as far as they can be ids."""
    return {name: told[name] for name in _IDS if _is_short(told.get(name))}


def note_credential(kind: str, name: str | None) -> None:
    """Keep by what a sender is known (`secret`, `token`, `session`, `open`), and whose; None: nobody's."""
    note(credential=kind, credential_name=name)


def note_answer(answer: Answer) -> None:
    """Keep what an event was answered."""
    note_ids(answer.body if isinstance(answer.body, Mapping) else {}, outcome=answer.outcome)


def raw_path() -> str:
    """Give the path as it was sent, still percent-encoded, without its query."""
    return _raw_path(current_request().environ)


def write(environ: WSGIEnvironment, code: int, facts: dict[str, Any], seconds: float) -> str:
    """Write the line of a request that was answered after so many seconds; give the request's id."""
    line = {
        "method": environ["REQUEST_METHOD"],
        "path": _raw_path(environ),
        "code": code,
        "remote_addr": environ.get("REMOTE_ADDR"),
        "request_id": _id_of(environ),
        **{name: facts.pop(name, None) for name in _TOLD},
        **facts,
        "milliseconds": round(seconds * 1000, 2),
    }
    if not log.isEnabledFor(logging.INFO):
        return str(line["request_id"])
    if (blocks := _blocks) is not None and _goes_nowhere_else():
        blocks.add(partial(_line, utc_now(), line))
    else:
        told = (line["method"], line["path"], line["code"])
        extra = {"request_facts": line}
        # As `log.info` does it, without the look at the stack for who calls.
        log.handle(log.makeRecord(log.name, logging.INFO, __file__, 0, "%s %s %s", told, None, extra=extra))
    return str(line["request_id"])


def _line(at: datetime, facts: Mapping[str, Any]) -> str:
    return _write_json({"at": _shown(at), **facts})


def _goes_nowhere_else() -> bool:
    """Tell whether a request's line goes to our handler alone, and nobody else hears of it."""
    above = log.parent
    return (
        _root.handlers == _ours
        and not (log.handlers or log.filters or _ours[0].filters)
        and (above is _root or above is None or not above.handlers)
    )


def _raw_path(environ: WSGIEnvironment) -> str:
    raw: str | None = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw:
        return raw.partition("?")[0]
    return quote((environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1"))


def request_id() -> str:
    """Give this request's id: the one that it came with, where that is well formed, else one made for it."""
    return _id_of(current_request().environ)


def _id_of(environ: WSGIEnvironment) -> str:
    found: str | None = environ.get(_REQUEST_ID)
    if found is None:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        found = environ[_REQUEST_ID] = given if _WELL_FORMED.fullmatch(given) else f"{getrandbits(128):032x}"
    return found


def _begin() -> None:
    current_request().environ[_SINCE] = perf_counter()


def _write(response: Response) -> Response:
    environ = current_request().environ
    since: float = environ[_SINCE]
    told = write(environ, response.status_code, environ.pop(_FACTS, {}), perf_counter() - since)
    response.headers.setdefault(REQUEST_ID_HEADER, told)
    return response


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_CHARACTERS


def _instant_of(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _shown(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _forget_blocks() -> None:
    """Write each line at once in a fork's child, which has no thread that would write blocks."""
    global _blocks
    _blocks = None


os.register_at_fork(after_in_child=_forget_blocks)
