"""Mutations: good requests, and what becomes of their bytes when one thing or several in them are changed.

Repeatable: the same chance gives the same requests. Each says how long it is, and truly so where it must, so
that a connection can be kept alive over them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any

from webapp.http.request_body import NDJSON_TYPE
from webapp.routes.webhooks import PREFIX

CLAIMS = [{"claim_id": "c1", "amount": "12.50", "currency": "USD", "confidence": 0.91}, {"claim_id": "c2"}]
MATCHES = [{"claim_id": "c1", "confidence": "0.88", "evidence_document_id": "d1"}]
GOOD: tuple[tuple[str, str, Any], ...] = (
    ("POST", "sync/complete", {"user_id": "u1", "sync_id": "s1", "orders_count": 1200}),
    ("POST", "detection/complete", {"user_id": "u1", "sync_id": "s1", "claims": CLAIMS}),
    ("POST", "evidence-matching/complete", {"user_id": "u1", "matches": MATCHES}),
    ("POST", "claim/submitted", {"user_id": "u1", "claim_id": "c1", "case_id": "k1"}),
    ("POST", "claim/rejected", {"user_id": "u1", "case_id": "k1", "reason": "no proof"}),
    ("POST", "payout/received", {"user_id": "u1", "claim_id": "c1", "amount": 12.5, "currency": "usd"}),
    ("POST", "payout/reversed", {"user_id": "u1", "claim_id": "c1", "amount": "1e1"}),
    ("POST", "events", [{"trigger": "sync_complete", "user_id": "u2"}, {"trigger": "x"}]),
    ("POST", "claims/link", {"user_id": "u1", "claim_id": "c1", "alias": "a1"}),
    ("POST", "sync/start", {"user_id": "u1"}),
    ("POST", "deadletters/WyJldmVudCIsInUxIiwzXQ/retry", {"claim_id": "c1"}),
    ("POST", "deadletters/WyJlZmZlY3QiLCJ1MSIsM10/drop", {"reason": "a test"}),
    ("GET", "status/u1?claim_id=c1&limit=5&cursor=1", None),
    ("GET", "history/u%2F1?sync_id=s1&limit=5", None),
    ("GET", "deadletters?kind=event&user_id=u1&limit=3", None),
)
HEADERS = (
    ("webhook-id", "msg_1"),
    ("Idempotency-Key", '"a \\"quoted\\" key"'),
    ("webhook-timestamp", "1700000000"),
    ("webhook-signature", "v1,AAAA v1a,nocomma"),
    ("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),
    ("Accept-Encoding", "gzip, br;q=0"),
    ("If-None-Match", '"x"'),
    ("Range", "bytes=0-1"),
    ("Expect", "100-continue"),
    ("X-Forwarded-Proto", "https"),
    ("Content-Encoding", "identity"),
    ("Cookie", "session=.eJw"),
    ("Origin", "null"),
)
TYPES = (
    "application/json",
    "application/json; charset=utf-8",
    NDJSON_TYPE,
    "text/plain",
    "application/json; charset=\xff",
    "multipart/form-data; boundary=",
)
WORDS = (
    *(b"null", b"true", b"-0", b"1e999", b"1E-1000", b"NaN", b"Infinity", b"[]", b"{}", b"9" * 101),
    *(
        b'"\\ud800"',
        b'"\\u0000"',
        b"[" * 40,
        b'{"a":' * 40,
        b'"' + b"x" * 300 + b'"',
        b"\xff",
        b"\xef\xbb\xbf",
    ),
    *(b'"user_id":"u2",', b'"amount":1e15', b'"2026-02-30T25:61:00Z"', b'"-12"', b"\r\n", b"%00", b"//"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The bytes of one request; `framed` where its length is told truly, so that another may follow it."""

    raw: bytes
    framed: bool


def requests(chance: Random, count: int) -> list[Request]:
    """Give so many mutated requests."""
    return [_request(chance) for _ in range(count)]


def _request(chance: Random) -> Request:
    method, target, value = chance.choice(GOOD)
    body = b"" if value is None else json.dumps(value).encode()
    path = f"{PREFIX}/{target}".encode()
    headers = [(name.encode(), text.encode()) for name, text in HEADERS if chance.random() < 0.15]
    kind = chance.choice(TYPES) if chance.random() < 0.2 else TYPES[0]
    headers.append((b"Content-Type", kind.encode("latin-1")))
    framed = True
    for _ in range(chance.choice((1, 1, 2, 5))):
        match chance.randrange(10):
            case 0 | 1 | 2 | 3:
                body = _mutated(chance, body)
            case 4:
                body = _moved(chance, value)
            case 5 | 6 if headers:
                at = chance.randrange(len(headers))
                name, text = headers[at]
                headers[at] = (name, _mutated(chance, text, b"\r\n\0"))
            case 7:
                path = _mutated(chance, path, b" \r\n\0#")
            case 8:
                method = chance.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "get"))
            case _:
                framed = framed and chance.random() < 0.7
    if method in ("HEAD", "GET", "OPTIONS") and chance.random() < 0.5:
        body = b""
    length = b"%d" % len(body)
    if not framed:
        length = chance.choice(
            (b"-1", b"1x", b"", b"99", b"+5", b"0x10", b"1" * 30, length + b"\r\nContent-Length: 3")
        )
    headers.append((b"Content-Length", length))
    if not framed and chance.random() < 0.3:
        headers.append((b"Transfer-Encoding", chance.choice((b"chunked", b"gzip", b"chunked, chunked"))))
    plain = all(32 <= byte < 127 for byte in path) and path.startswith(b"/")
    lines = [b"%s %s HTTP/1.1" % (method.encode(), path), b"Host: localhost"]
    lines += [b"%s: %s" % header for header in headers]
    return Request(raw=b"\r\n".join([*lines, b"", body]), framed=framed and plain and method != "get")


def _mutated(chance: Random, raw: bytes, never: bytes = b"") -> bytes:
    """Change some bytes: one flipped, some gone, some twice, a word put in, or the end cut off."""
    at = chance.randrange(len(raw) + 1)
    until = min(len(raw), at + chance.randrange(1, 9))
    match chance.randrange(6):
        case 0:
            raw = raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]
        case 1:
            raw = raw[:at] + raw[until:]
        case 2:
            raw = raw[:until] + raw[at:]
        case 3:
            raw = raw[:at] + chance.choice(WORDS) + raw[at:]
        case 4:
            raw = raw[:at] + chance.choice(WORDS) + raw[until:]
        case _:
            raw = raw[:at]
    return bytes(byte for byte in raw if byte not in never)


def _moved(chance: Random, value: Any) -> bytes:
    """Give the body with one of its values another's, or of another type."""
    if not isinstance(value, dict):
        return json.dumps([value] * chance.randrange(3)).encode()
    name = chance.choice(list(value))
    other = chance.choice((None, True, -1, 0.1, "", " x ", [], {}, [value], {"claim_id": 1}, "1e-5", 10**20))
    return json.dumps({**value, name: other}).encode()
