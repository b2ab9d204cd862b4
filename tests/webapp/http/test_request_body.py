"""Bodies: media types, sizes and framings, over a real socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator

import pytest

from tests.webapp.conftest import Api
from tests.webapp.services import Service
from webapp.http.problem_kinds import DOCS
from webapp.http.request_body import MAX_BYTES
from webapp.routes.webhooks import PREFIX


def exchange(server: Service, *sent: bytes) -> tuple[int, bytes]:
    """Send bytes as they are; give the code and the rest of what comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for part in sent:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split()[1]), answer


def request(body: bytes, *headers: str) -> bytes:
    lines = [
        f"POST {PREFIX}/sync/complete HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def in_chunks(body: bytes, step: int) -> Iterator[bytes]:
    for start in range(0, len(body), step):
        yield body[start : start + step]


def padded(user: str, size: int) -> bytes:
    body = json.dumps({"user_id": user, "padding": ""}).encode()
    return body.replace(b'""', b'"' + b"x" * (size - len(body)) + b'"')


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ],
)
def test_json_in_utf8_is_read(api: Api, user: str, content_type: str) -> None:
    response = api.post(
        "sync/complete", data=json.dumps({"user_id": user}), headers={"Content-Type": content_type}
    )

    assert response.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/x-ndjson",
        "application/problem+json",
        "application/json; charset=latin-1",
        "application/json, application/json",
    ],
)
def test_another_media_type_is_415(api: Api, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = api.post("sync/complete", data=b'{"user_id": "u"}', headers=headers)

    assert response.status_code == 415
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["type"] == f"{DOCS}/unsupported-media-type"


def test_a_content_coding_is_415(api: Api) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    assert api.post("sync/complete", data=b"x", headers=headers).status_code == 415


@pytest.mark.parametrize("body", ["null", "true", "7", '"text"', "[]", '[{"user_id": "u"}]'])
def test_a_body_that_is_no_object_is_400(api: Api, body: str) -> None:
    response = api.post("sync/complete", data=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    assert response.json()["type"] == f"{DOCS}/malformed-body"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", ""),
        (b"{", ""),
        (b'\xef\xbb\xbf{"user_id": "u"}', ""),
        (b'{"user_id": "\xff"}', ""),
        (b'{"user_id": "u", "user_id": "v"}', "user_id"),
        (b'{"user_id": "u", "x": NaN}', "x"),
        (b'{"user_id": "\\ud800"}', "user_id"),
        (b'{"user_id": "u"} {}', ""),
        (b'{"user_id": "u", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", ""),
    ],
)
def test_json_that_is_not_strict_is_400_and_says_where(api: Api, body: bytes, field: str) -> None:
    response = api.post("sync/complete", data=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["field"].startswith(field)


def test_ten_mebibytes_are_read_and_a_byte_more_is_413(api: Api, user: str) -> None:
    headers = {"Content-Type": "application/json"}
    assert api.post("sync/complete", data=padded(user, MAX_BYTES), headers=headers).status_code == 200

    response = api.post("sync/complete", data=padded(user, MAX_BYTES + 1), headers=headers)
    assert response.status_code == 413
    assert response.json()["type"] == f"{DOCS}/too-large"


def test_chunks_are_read_to_the_same_bound(api: Api, user: str) -> None:
    headers = {"Content-Type": "application/json"}

    def send(chunks: Iterable[bytes]) -> int:
        return api.post("sync/complete", data=chunks, headers=headers).status_code

    assert send(in_chunks(json.dumps({"user_id": user}).encode(), 3)) == 200
    assert send(in_chunks(padded(user, MAX_BYTES), 100_000)) == 200
    assert send(in_chunks(padded(user, MAX_BYTES + 1), 100_000)) == 413
    assert send(in_chunks(padded(user, 2 * MAX_BYTES), 100_000)) == 413


def test_a_sender_who_asks_first_is_answered(server: Service, user: str) -> None:
    body = json.dumps({"user_id": user}).encode()
    code, answer = exchange(server, request(body, f"Content-Length: {len(body)}", "Expect: 100-continue"))

    assert code == 100
    assert b"HTTP/1.1 200 OK" in answer


def test_a_length_beyond_the_bound_is_413_before_the_body_comes(server: Service) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(request(b"{", "Content-Length: 99999999999999999999"))
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer


def test_a_body_that_ends_before_its_length_is_400_and_takes_no_effect(
    server: Service, api: Api, user: str
) -> None:
    body = json.dumps({"user_id": user}).encode()
    code, _ = exchange(server, request(body, f"Content-Length: {len(body) + 1}"))

    assert code == 400
    assert api.get(f"status/{user}").status_code == 404


def test_a_body_that_goes_on_past_its_length_is_read_no_further(server: Service, user: str) -> None:
    body = json.dumps({"user_id": user}).encode()
    code, _ = exchange(server, request(body + b"{}", f"Content-Length: {len(body)}"))

    assert code == 200


@pytest.mark.parametrize(
    "framing", [b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}", b"2\r\n{}xx", b"ffffffffffffffff\r\n{}"]
)
def test_chunks_that_are_badly_framed_are_400(server: Service, framing: bytes) -> None:
    code, _ = exchange(server, request(framing, "Transfer-Encoding: chunked"))

    assert code == 400


def test_a_large_body_that_nobody_reads_does_not_hide_the_answer(api: Api) -> None:
    for route, code in (("no/such", 404), ("status/u", 405)):
        response = api.post(route, data=b"x" * 3_000_000, headers={"Content-Type": "text/plain"})
        assert response.status_code == code
        assert response.headers["Content-Type"] == "application/problem+json"
