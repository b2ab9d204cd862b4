"""Plain requests: a webhook that came whole, in HTTP's plainest form, is read in one pass, sent in one piece.

What is plain is narrow: a path of a webhook, each header once, in printable ASCII, a body of a told length
that has come to its last byte, and nothing behind it. The app is told of it what gunicorn would tell, and
whatever is otherwise in any way is gunicorn's to read and to answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING, Any

from gunicorn import SERVER, util
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser

from webapp.paths import PREFIX, TRIGGERS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MOST_OF_A_HEAD = 8 * 1024
MOST_OF_A_LINE = 128
"""Of its first, which names a path of a webhook."""
MOST_FIELDS = 32
MOST_OF_A_NAME = 64

_PATHS = {f"POST {PREFIX}/{path} HTTP/1.1".encode(): f"{PREFIX}/{path}" for path in TRIGGERS}
_PRINTABLE = bytes(range(0x20, 0x7F))
_NAME = re.compile(r"[A-Za-z0-9-]+")
_FRAMING = frozenset({"TRANSFER-ENCODING", "EXPECT", "UPGRADE", "TE", "TRAILER", "HTTP2-SETTINGS"})
"""Headers that say how a message is framed, or ask for another protocol."""
_OWN = frozenset({*util.hop_headers, "content-length"})
"""Headers of an answer that are told by whoever sends it."""


class PlainRequest:
    """A request that is plain: what its head tells of an environ, and its body."""

    method = "POST"
    version = (1, 1)
    scheme = "http"
    query = ""
    headers = ()
    proxy_protocol_info = None
    _expected_100_continue = False

    def __init__(self, path: str, environ: WSGIEnvironment, body: bytes) -> None:
        self.uri = self.path = path
        self.environ = environ
        self.body = body

    def should_close(self) -> bool:
        """Tell whether the connection ends with it: never."""
        return False

    def answered(self, app: Any, base: WSGIEnvironment, *, keep: bool) -> bytes:
        """Have an app answer it; give all that is to be sent. Raises what the app raises."""
        told: list[Any] = []
        pieces: list[bytes] = []

        def start_response(status: str, headers: Any, _exc_info: object = None) -> Callable[[bytes], object]:
            told[:] = status, headers
            return pieces.append

        given = app({**base, **self.environ, "wsgi.input": BytesIO(self.body)}, start_response)
        try:
            pieces.extend(given)
        finally:
            if hasattr(given, "close"):
                given.close()
        status, headers = told
        return written(status, headers, b"".join(pieces), keep=keep)


def written(status: str, headers: Sequence[tuple[str, str]], body: bytes, *, keep: bool) -> bytes:
    """Write an answer as it is sent."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Server: {SERVER}",
        f"Date: {_date(int(monotonic()))}",
        "Connection: keep-alive" if keep else "Connection: close",
        *(f"{name}: {value}" for name, value in headers if name.lower() not in _OWN),
        f"Content-Length: {len(body)}\r\n\r\n",
    ]
    head = "\r\n".join(lines)
    if not head.count("\r") == head.count("\n") == len(lines) + 1:
        raise ValueError("a header of an answer has more than one line")
    return head.encode("latin-1") + body


class PlainParser(RequestParser):
    """Gives the requests of a connection: those that are plain as such, others as gunicorn reads them."""

    mesg: Any

    def __init__(self, cfg: Any, sock: Any, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client)
        self._sock = sock
        self._ends = client, server
        self._takes_plain = isinstance(client, tuple)  # of others gunicorn may believe what headers say

    def __next__(self) -> Any:
        """Give the next request."""
        if self._takes_plain and not self.unreader.buf.getvalue():
            plain = read(self._sock.peek())
            if plain is not None and (self.mesg is None or not self._is_over()):
                self._sock.take()
                self.mesg = plain
                return plain
        return super().__next__()

    def finish_body(self, *how: Any, **bounds: Any) -> Any:
        """Leave nothing unread of a request before the next: of one that is plain nothing ever is."""
        return isinstance(self.mesg, PlainRequest) or super().finish_body(*how, **bounds)

    @cached_property
    def base(self) -> WSGIEnvironment:
        """What an environ tells of the connection, and of the server."""
        plain: Any = PlainRequest("/", {}, b"")
        _, environ = wsgi.create(plain, self._sock, *self._ends, self.cfg)
        del environ["wsgi.early_hints"]
        return {**environ, "wsgi.multithread": True}

    def _is_over(self) -> bool:
        """Tell whether nothing more is read after the request before; gunicorn says so itself then."""
        return bool(self.mesg.should_close()) or not self.finish_body()


def read(raw: bytes) -> PlainRequest | None:
    """Read what came; None where it isn't one request that is plain."""
    path = _PATHS.get(raw[: raw.find(b"\r\n", 0, MOST_OF_A_LINE)])
    if path is None:
        return None
    head, end, body = raw.partition(b"\r\n\r\n")
    if not end or len(head) > MOST_OF_A_HEAD:
        return None
    _, *lines = head.decode("latin-1").split("\r\n")
    if len(lines) > MOST_FIELDS or head.translate(None, _PRINTABLE) != b"\r\n" * len(lines):
        return None
    environ = {"RAW_URI": path, "PATH_INFO": path}
    for line in lines:
        name, _, value = line.partition(": ")
        key = _key(name) if len(name) <= MOST_OF_A_NAME else ""
        if not key or key in environ or not value.strip(" ") == value != "":
            return None
        environ[key] = value
    length = environ.get("CONTENT_LENGTH", "")
    if not (length.isdigit() and len(length) < 10 and int(length) == len(body)) or "HTTP_HOST" not in environ:
        return None
    if environ.get("HTTP_CONNECTION", "keep-alive").lower() != "keep-alive":
        return None
    return PlainRequest(path, environ, body)


@lru_cache(maxsize=256)
def _key(name: str) -> str:
    """Give what a header is called in an environ; '' where it may say more than a fact about a request."""
    name = name.upper()
    if not _NAME.fullmatch(name) or name in _FRAMING:
        return ""
    known = name.replace("-", "_")
    return known if known in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{known}"


@lru_cache(maxsize=1)
def _date(_second: int) -> str:
    return util.http_date()
