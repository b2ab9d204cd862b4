"""What came in: a request's body to JSON values. Decides media types and size; trusts no told length.

How JSON is read is `strict_json`'s to say, what fields mean is `events`'.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from socket import socket
from time import perf_counter
from typing import IO, TYPE_CHECKING
from urllib.parse import parse_qsl

from flask import Request, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header

from webapp.http.problems import Problem
from webapp.http.response import JSON_TYPE
from webapp.server import in_flight
from webapp.server.in_flight import FREE_BYTES, Full, Reservation
from workflow_fsm.core.values import strict_json
from workflow_fsm.core.values.strict_json import JSON, Malformed

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

NDJSON_TYPE = "application/x-ndjson"
FORM_TYPE = "application/x-www-form-urlencoded"
MOST_OF_A_FORM = 16 * 1024
MAX_BYTES = strict_json.MAX_BYTES

_UTF8 = ("utf-8", "utf8")
_CODED = frozenset({"HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT"})
_BODY = "workflow_fsm.body"
_MOST_FIELDS = 100
_PLACES = "workflow_fsm.places"
_CONNECTION = "gunicorn.socket"
_STEP_BYTES = 64 * 1024
_DISCARDED_BYTES = 64 * 1024 * 1024
_DISCARDING_SECONDS = 2.0


def is_short_json(environ: WSGIEnvironment) -> bool:
    """Tell whether a body is JSON as almost all send it: not coded, and of a small length that is told."""
    kind, charset = _media_type(environ.get("CONTENT_TYPE", ""))
    told = environ.get("CONTENT_LENGTH", "")
    return (
        kind == JSON_TYPE
        and charset.lower() in _UTF8
        and _CODED.isdisjoint(environ)
        and told.isascii()
        and told.isdigit()
        and int(told[:9]) <= FREE_BYTES
    )


def read_ahead(request: Request) -> Iterator[bytes]:
    """Read the body before its view does, within the same bounds, in pieces as they come.

    The view is given it. One that was read ahead before is given again.
    """
    pieces: list[bytes] | None = request.environ.get(_BODY)
    if pieces is not None:
        yield from pieces
        return
    pieces = []
    for piece in _come(request):
        pieces.append(piece)
        yield piece
    request.environ[_BODY] = pieces


def read_object(request: Request) -> dict[str, JSON]:
    """Read the one JSON object that a webhook's body is."""
    _check_media_type(request, (JSON_TYPE,))
    return _object(_read_bytes(request))


def read_object_or_nothing(request: Request) -> dict[str, JSON]:
    """Read the one JSON object that a body may be; one without a byte counts as `{}`, whatever its type."""
    raw = _read_bytes(request)
    if not raw:
        return {}
    _check_media_type(request, (JSON_TYPE,))
    return _object(raw)


def read_list(request: Request) -> Iterable[JSON | Malformed]:
    """Read a JSON array, or the lines of NDJSON, each of which is a value or the fault that it has."""
    if _check_media_type(request, (JSON_TYPE, NDJSON_TYPE)) == NDJSON_TYPE:
        return strict_json.loads_lines(_read_bytes(request), max_bytes=MAX_BYTES)
    value = _read_json(_read_bytes(request))
    if not isinstance(value, list):
        raise malformed(Malformed(f"is {_a_kind_of(value)}; it must be a JSON array, or {NDJSON_TYPE}"))
    return value


def is_form(request: Request) -> bool:
    """Tell whether a body is what a page's form sends."""
    return _media_type(request.environ.get("CONTENT_TYPE", ""))[0] == FORM_TYPE


def read_form(request: Request) -> dict[str, str]:
    """Read the fields of a page's form."""
    _check_media_type(request, (FORM_TYPE,))
    _check_form_size(request)
    return _fields(_read_bytes(request))


def read_form_ahead(request: Request) -> dict[str, str]:
    """Read the fields of a page's form before its view does, which is given the body too."""
    _check_form_size(request)
    return _fields(b"".join(read_ahead(request)))


def malformed(fault: Malformed) -> Problem:
    """Give the problem that tells what is wrong with a text."""
    return Problem(
        "malformed-body",
        f"The body can't be read: {fault}.",
        errors=[{"field": fault.where, "reason": fault.reason}],
    )


def discard(response: Response) -> Response:
    """See to it that a refused body is read away, within bounds, once the response is out.

    A server that closes on a sender who still sends resets the connection, and the sender never sees why.
    """
    environ = request.environ
    if response.status_code >= 400:
        if environ.pop(_BODY, None) is not None:  # nobody will work on it
            _leave(environ.pop(_PLACES, []))
        with suppress(HTTPException):  # too large for the mounting app to be touched at all
            response.call_on_close(partial(_read_away, request.stream, environ.get(_CONNECTION)))
    if _PLACES in environ:
        response.call_on_close(partial(_leave, environ.pop(_PLACES)))
    return response


def _check_form_size(request: Request) -> None:
    """Keep a form small: whoever reaches the page to sign in may send one."""
    if request.content_length is None or request.content_length > MOST_OF_A_FORM:
        told = f"A form has at most {MOST_OF_A_FORM} bytes, as its Content-Length tells."
        raise Problem("too-large", told)


def _fields(raw: bytes) -> dict[str, str]:
    """Read a form's fields; of a name that comes twice the first counts."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise malformed(Malformed(f"is no form in UTF-8 of at most {_MOST_FIELDS} fields")) from error
    return dict(reversed(pairs))


def _check_media_type(request: Request, accepted: tuple[str, ...]) -> str:
    given, charset = _media_type(request.environ.get("CONTENT_TYPE", ""))
    if given not in accepted:
        named = f"is {given!r}" if given else "is missing"
        raise Problem("unsupported-media-type", f"Content-Type {named}; send {' or '.join(accepted)}.")
    if charset.lower() not in _UTF8:
        raise Problem("unsupported-media-type", f"The charset is {charset!r}; send UTF-8.")
    coding = request.headers.get("Content-Encoding", "identity")
    if coding.lower() != "identity":
        raise Problem("unsupported-media-type", f"Content-Encoding is {coding!r}; send the body as it is.")
    return given


@lru_cache(maxsize=64)  # senders send the same few
def _media_type(header: str) -> tuple[str, str]:
    kind, parameters = parse_options_header(header)
    return kind.lower(), parameters.get("charset", "utf-8")


def _read_bytes(request: Request) -> bytes:
    """Give the whole body, once there is room to work on it."""
    pieces: list[bytes] | None = request.environ.pop(_BODY, None)
    if pieces is None:
        pieces = list(_come(request))
    if (places := request.environ.get(_PLACES)) is not None:
        places.append(in_flight.worked_on.enter(sum(map(len, pieces))))
        places.pop(0).leave()
    raw = b"".join(pieces)
    pieces.clear()
    return raw


def _come(request: Request) -> Iterator[bytes]:
    """Give the body piece by piece, once there is room for it."""
    told = request.content_length
    largest = FREE_BYTES if is_form(request) else MAX_BYTES
    if told is not None and told > largest:
        raise _too_large(largest)
    most = largest + 1 if told is None else told
    place = _take_place(request, most) if told is not None and told > FREE_BYTES else None
    stream = request.stream
    size = 0
    try:
        # Never asked for more than can come: the stream makes room for all it is asked for.
        while size < most and (piece := stream.read(min(_STEP_BYTES, most - size))):
            size += len(piece)
            if place is None and FREE_BYTES < size <= largest:
                place = _take_place(request, MAX_BYTES)
            if place is not None:
                place.check()
            yield piece
    except (HTTPException, Full):
        raise
    except Exception as error:  # each server has errors of its own for a torn or badly framed body
        if place is not None:
            place.check()
        raise malformed(Malformed("is torn: its end never came, or its framing is wrong")) from error
    if size > largest:
        raise _too_large(largest)
    if told is not None and size < told:
        raise malformed(Malformed(f"is torn: it ended after {size} of {told} bytes"))
    if place is not None:
        place.has_come = True


def _take_place(request: Request, size: int) -> Reservation:
    """Wait for room for a body; how long its sender may take counts from then on."""
    connection = request.environ.get(_CONNECTION)
    hurry = getattr(connection, "hurry", None)
    try:
        place = in_flight.coming.enter(size) if hurry is None else in_flight.coming.enter(size, hurry=hurry)
    finally:
        begin = getattr(connection, "begin", None)
        if begin is not None:
            begin()
    request.environ[_PLACES] = [place]
    return place


def _leave(places: list[Reservation]) -> None:
    """Give what was freed back to the system, then the room that a request had to those who wait."""
    if sum(place.size for place in places) > in_flight.TRIMMED_BYTES:
        in_flight.trim()
    while places:
        places.pop().leave()


def _read_away(stream: IO[bytes], connection: socket | None) -> None:
    left, until = _DISCARDED_BYTES, perf_counter() + _DISCARDING_SECONDS
    with suppress(Exception):  # whatever the server says of a torn body: it is thrown away
        if connection is not None:
            connection.settimeout(_DISCARDING_SECONDS)
        while left > 0 and perf_counter() < until and (chunk := stream.read(min(left, _STEP_BYTES))):
            left -= len(chunk)


def _object(raw: bytes) -> dict[str, JSON]:
    value = _read_json(raw)
    if not isinstance(value, dict):
        raise malformed(Malformed(f"is {_a_kind_of(value)}; it must be one JSON object"))
    return value


def _read_json(raw: bytes) -> JSON:
    try:
        return strict_json.loads(raw, max_bytes=MAX_BYTES)
    except Malformed as fault:
        raise malformed(fault) from fault


def _too_large(largest: int) -> Problem:
    return Problem("too-large", f"The body is longer than {largest} bytes; send it in parts.")


def _a_kind_of(value: JSON) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case list():
            return "an array"
        case dict():
            return "an object"
    return "a number"
