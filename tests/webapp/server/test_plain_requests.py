"""Requests that are plain: the app is told of them what gunicorn would tell, and is answered for alike."""

from __future__ import annotations

import json
import socket
from itertools import count
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser
from hypothesis import given
from hypothesis import strategies as st

from tests.webapp.services import Service
from webapp.routes.webhooks import PREFIX
from webapp.server.plain_requests import PlainRequest, read, written

SYNC = f"{PREFIX}/sync/complete"
CLIENT, SERVER = ("127.0.0.1", 40000), ("127.0.0.1", 8000)
_numbers = count(1)
OF_CLIENTS = {
    "requests": [
        *("Host: localhost:8000", "User-Agent: python-requests/2.32.3", "Accept-Encoding: gzip, deflate"),
        *("Accept: */*", "Connection: keep-alive", "Content-Type: application/json"),
    ],
    "node": [
        *("host: localhost:8000", "connection: keep-alive", "content-type: application/json", "accept: */*"),
        *("accept-language: *", "sec-fetch-mode: cors", "user-agent: node", "accept-encoding: gzip, deflate"),
    ],
    "curl": [
        "Host: localhost:8000",
        "User-Agent: curl/7.88.1",
        "Accept: */*",
        "Content-Type: application/json",
        "webhook-id: msg_1",
        "webhook-timestamp: 1",
        "webhook-signature: v1,AAAA v1,BBBB",
        "X-Forwarded-For: 10.0.0.1, 10.0.0.2",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ],
}


def a_request(
    *headers: str, body: bytes = b'{"user_id":"u"}', first: str = f"POST {SYNC} HTTP/1.1", length: str = ""
) -> bytes:
    """Write a request; its length is told as it is, but where another is given."""
    lines = [first, *headers, f"Content-Length: {length or len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


USUAL = ("Host: localhost", "Content-Type: application/json")


def of_gunicorn(raw: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    """Give what gunicorn tells an app of a request, its body, and what it takes to be the next."""
    parser = RequestParser(Config(), iter([raw]), CLIENT)
    request: Any = next(parser)
    sock: Any = None
    _, environ = wsgi.create(request, sock, CLIENT, SERVER, Config())
    body = request.body.read()
    assert not request.should_close()
    return dict(environ), body, parser.unreader.buf.getvalue()


def of_connections(environ: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is an object of its own each time."""
    own = ("wsgi.errors", "wsgi.input", "wsgi.early_hints", "gunicorn.socket")
    return {name: value for name, value in environ.items() if name not in own}


BASE: dict[str, Any] = {
    name: value
    for name, value in of_connections(of_gunicorn(a_request(*USUAL))[0]).items()
    if not name.startswith(("HTTP_", "CONTENT_"))
}


def is_told_alike(raw: bytes) -> bool:
    """Tell whether a request is plain; where it is, see that gunicorn would tell of it the same."""
    plain = read(raw)
    if plain is None:
        return False
    environ, body, behind = of_gunicorn(raw)
    assert BASE | plain.environ == of_connections(environ)
    assert (plain.body, behind) == (body, b"")
    return True


@pytest.mark.parametrize("client", OF_CLIENTS)
def test_what_clients_send_is_plain(client: str) -> None:
    assert is_told_alike(a_request(*OF_CLIENTS[client]))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        a_request(*USUAL)[:-1],
        a_request(*USUAL)[:60],
        a_request(*USUAL) + a_request(*USUAL),
        a_request(*USUAL) + b"\r\n",
        a_request(*USUAL, first=f"POST {SYNC}?a=b HTTP/1.1"),
        a_request(*USUAL, first=f"POST {SYNC} HTTP/1.0"),
        a_request(*USUAL, first=f"GET {SYNC} HTTP/1.1"),
        a_request(*USUAL, first=f"POST http://localhost{SYNC} HTTP/1.1"),
        a_request(*USUAL, first=f"POST {PREFIX}/events HTTP/1.1"),
        a_request(*USUAL, "Connection: close"),
        a_request(*USUAL, "Connection: upgrade"),
        a_request(*USUAL, "Expect: 100-continue"),
        a_request(*USUAL, "Transfer-Encoding: chunked"),
        a_request(*USUAL, "Content-Length: 15"),
        a_request(*USUAL, "Host: other"),
        a_request(*USUAL, "webhook-id: a", "Webhook-Id: b"),
        a_request(*USUAL, "webhook_id: a"),
        a_request(*USUAL, "webhook-id : a"),
        a_request(*USUAL, "webhook-id:\ta"),
        a_request(*USUAL, "webhook-id:  a"),
        a_request(*USUAL, "webhook-id: a "),
        a_request(*USUAL, "webhook-id: "),
        a_request(*USUAL, "webhook-id: \xe4"),
        a_request(*USUAL, "webhook-id: a\n b"),
        a_request(*USUAL, "webhook-id: a\rX-Other: b"),
        a_request(*USUAL, "webhook-id: a\r\n b"),
        a_request(*USUAL, f"X-Long: {'a' * 9000}"),
        a_request(*USUAL, *(f"X-{number}: a" for number in range(40))),
        a_request("Content-Type: application/json"),
        a_request(*USUAL, length="+15"),
        a_request(*USUAL, length="15,15"),
        a_request(*USUAL, length="14"),
        a_request(*USUAL, length="16"),
        a_request(*USUAL, length="\xb2"),
    ],
)
def test_what_is_otherwise_is_left_to_gunicorn(raw: bytes) -> None:
    assert read(raw) is None


@given(
    client=st.sampled_from(sorted(OF_CLIENTS)),
    at=st.integers(0, 400),
    less=st.integers(0, 2),
    more=st.one_of(st.binary(max_size=3), st.sampled_from([b"\r\n", b"\n", b": ", b"_", b" ", b"\t", b"\0"])),
    header=st.sampled_from(["", "X_Forwarded-For: a", "TE: trailers", "Content-Type: a", "script-name: /a"]),
)
def test_a_request_with_anything_else_in_it_is_told_alike_or_left_to_gunicorn(
    client: str, at: int, less: int, more: bytes, header: str
) -> None:
    raw = a_request(*OF_CLIENTS[client], *filter(None, [header]))
    is_told_alike(raw[:at] + more + raw[at + less :])


@pytest.mark.parametrize(
    "body",
    [b'{"user_id":"%s","sync_id":"s"}', b'{"user_id":7}', b"{", b"[]"],
    ids=["applied", "400", "not", "list"],
)
def test_a_plain_request_is_answered_as_others_are(server: Service, body: bytes) -> None:
    plain, other = (
        answers(server, (1, a_request(*USUAL, *more, body=body.replace(b"%s", b"plain-%d" % next(_numbers)))))
        for more in ([], ["X-Padded:  twice"])
    )
    assert read(a_request(*USUAL, body=body))
    assert comparable(plain) == comparable(other)


def test_one_connection_takes_plain_requests_and_others_in_any_order(server: Service) -> None:
    plain = a_request(*USUAL, "webhook-id: plain-order", body=b'{"user_id":"order","sync_id":"s"}')
    padded = a_request(*USUAL, "X-Padded:  twice", body=b'{"user_id":"order","sync_id":"s"}')
    single = [(1, plain), (1, padded), (1, plain), (0, plain[:50]), (1, plain[50:])]
    answered = answers(server, *single, (2, plain + padded), (2, padded + plain))
    assert [json.loads(body)["status"] for _, body in answered] == ["applied", *["duplicate"] * 7]


def test_a_client_that_ends_the_connection_with_a_request_is_answered(server: Service) -> None:
    [(head, _)] = answers(server, (1, a_request(*USUAL, "Connection: close")), ends=True)
    assert "Connection: close" in head


def test_an_answer_whose_header_has_a_line_of_its_own_is_not_sent() -> None:
    for harmful in ("a\r\nX-Other: b", "a\nb", "a\rb"):
        with pytest.raises(ValueError, match="more than one line"):
            written("200 OK", [("X-Told", harmful)], b"", keep=True)


def test_an_answer_tells_its_own_length_and_how_the_connection_goes_on() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Connection", "upgrade"), ("content-length", "1"), ("X-Told", "a")])(b"1")
        return [environ["wsgi.input"].read(), b"3"]

    sent = PlainRequest("/", {}, b"2").answered(app, {}, keep=False)
    head, _, body = sent.partition(b"\r\n\r\n")
    first, server, date, *rest = head.decode().split("\r\n")
    assert (first, server, date[:6]) == ("HTTP/1.1 200 OK", "Server: gunicorn", "Date: ")
    assert (rest, body) == (["Connection: close", "X-Told: a", "Content-Length: 3"], b"123")


def answers(server: Service, *sent: tuple[int, bytes], ends: bool = False) -> list[tuple[str, bytes]]:
    """Send pieces over one connection, each with how many answers are awaited then; give heads and bodies."""
    found = []
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        came = connection.makefile("rb")
        for awaited, piece in sent:
            connection.sendall(piece)
            found += [one_answer(came) for _ in range(awaited)]
        if ends:
            assert came.read() == b""
    return found


def one_answer(came: Any) -> tuple[str, bytes]:
    """Read one answer."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = came.readline()
        assert line, head
        head += line
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head.decode("latin-1"), came.read(length)


def comparable(found: list[tuple[str, bytes]]) -> list[tuple[list[str], Any]]:
    """Give answers without what is another each time: ids, names of users, instants."""
    shown = []
    for head, body in found:
        lines = sorted(line for line in head.lower().split("\r\n") if line[:5] not in ("date:", "x-req"))
        lines = [line for line in lines if not line.startswith("content-length")]
        told = json.loads(body)
        own = ("user_id", "event_id", "request_id", "at")
        shown.append((lines, {name: value for name, value in told.items() if name not in own}))
    return shown
