"""An id in two headers: nobody can tell which is meant, so it is an error, and nothing is kept."""

from __future__ import annotations

import json
import socket

import pytest

from tests.webapp.conftest import Api
from tests.webapp.http import keys
from tests.webapp.http.keys import ALL
from tests.webapp.services import Service, StartService
from webapp.paths import PREFIX
from workflow_fsm.workflow import utc_now

Told = dict[str, object]


@pytest.fixture(scope="module")
def guarded_service(start_shared: StartService) -> Service:
    return start_shared(**ALL)


def post(
    service: Service, body: bytes, *lines: str, route: str = "sync/complete"
) -> tuple[int, dict[str, object]]:
    head = [
        f"POST {PREFIX}/{route} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall("\r\n".join([*head, *lines, "", ""]).encode() + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    return int(answer.split()[1]), told[0] if isinstance(told, list) else told


@pytest.mark.parametrize("name", ["Idempotency-Key", "webhook-id"])
@pytest.mark.parametrize("values", [("a", "b"), ("a", "a"), ("a", "b", "c"), ('"a"', '"b"')])
def test_an_id_in_several_headers_is_400_and_keeps_nothing(
    server: Service, api: Api, user: str, name: str, values: tuple[str, ...]
) -> None:
    lines = [f"{name if at % 2 else name.upper()}: {value}" for at, value in enumerate(values)]
    body = json.dumps({"user_id": user}).encode()

    code, told = post(server, body, *lines)

    assert code == 400
    assert str(told["type"]).endswith("/invalid-request")
    assert told["errors"] == [{"field": name, "reason": "comes in several headers; send one"}]
    assert api.get(f"status/{user}").status_code == 404


def test_in_a_batch_too(server: Service, user: str) -> None:
    body = json.dumps([{"trigger": "sync_complete", "user_id": user}]).encode()
    _, told = post(server, body, "Idempotency-Key: a", "Idempotency-Key: b", route="events")

    assert (told["code"], told["errors"]) == (
        400,
        [{"field": "Idempotency-Key", "reason": "comes in several headers; send one"}],
    )


def test_one_header_may_hold_a_comma_and_both_kinds_may_come_together(server: Service, user: str) -> None:
    body = json.dumps({"user_id": user}).encode()

    assert post(server, body, "Idempotency-Key: a,b", "webhook-id: c")[1]["event_id"] == "c"
    assert post(server, body, "Idempotency-Key: a,b")[1]["status"] == "duplicate"


def test_a_signed_message_with_two_ids_is_400_too(guarded_service: Service) -> None:
    signed = keys.signed(b'{"user_id": "u1"}', utc_now())
    lines = [f"{name}: {value}" for name, value in signed.items()]

    code, told = post(guarded_service, b'{"user_id": "u1"}', *lines, "webhook-id: another")

    assert (code, str(told["type"]).rpartition("/")[2]) == (400, "invalid-request")
