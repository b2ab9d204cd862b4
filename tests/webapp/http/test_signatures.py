"""Signatures: Standard Webhooks 1.0, over bytes: which messages are taken, when, and what is read of them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from standardwebhooks import Webhook

from tests.webapp.http import keys
from tests.webapp.http.keys import NEW, OLD, STRANGE, OpenApp
from tests.webapp.http.messages import BODY, SECONDS, URL, good, post, reason
from webapp.http.problem_kinds import DOCS
from webapp.http.request_body import MAX_BYTES
from webapp.routes.webhooks import PREFIX
from workflow_fsm.testing import ManualClock


def test_a_message_signed_by_the_standard_s_own_library_is_taken(
    guarded: FlaskClient, clock: ManualClock
) -> None:
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": SECONDS,
        "webhook-signature": Webhook(NEW).sign("msg_1", clock.now, BODY.decode()),
    }
    response = post(guarded, headers)

    assert (response.status_code, response.get_json()["event_id"]) == (200, "msg_1")
    assert headers == keys.signed(BODY, clock.now)


def test_the_example_of_the_specification_s_libraries_is_taken(open_app: OpenApp, clock: ManualClock) -> None:
    client = open_app(WORKFLOW_WEBHOOK_SECRETS="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").test_client()
    clock.advance(seconds=1614265330 - clock.now.timestamp())
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }

    response = post(client, headers, b'{"test": 2432232314}')
    assert response.get_json(force=True)["type"] == f"{DOCS}/invalid-event"  # let in, and no event


def test_either_of_two_secrets_will_do_while_one_is_rotated(open_app: OpenApp, clock: ManualClock) -> None:
    def code(signed_with: str, *configured: str) -> int:
        client = open_app(WORKFLOW_WEBHOOK_SECRETS=", ".join(configured)).test_client()
        return post(client, keys.signed(BODY, clock.now, of=signed_with)).status_code

    assert [code(OLD, OLD), code(NEW, OLD)] == [200, 401]
    assert [code(OLD, NEW, OLD), code(NEW, NEW, OLD), code(STRANGE, NEW, OLD)] == [200, 200, 401]
    assert [code(OLD, NEW), code(NEW, NEW)] == [401, 200]


def test_a_sender_may_sign_with_both_while_it_rotates(guarded: FlaskClient, clock: ManualClock) -> None:
    ours = keys.signed(BODY, clock.now)["webhook-signature"]
    theirs = keys.signed(BODY, clock.now, of=STRANGE)["webhook-signature"]

    for text in (f"{theirs} {ours}", f"{ours} {theirs}", f"v1a,{'A' * 88} {ours}", f"v2,x nonsense  {ours} "):
        assert post(guarded, good(clock, webhook_signature=text)).status_code == 200, text


@pytest.mark.parametrize("seconds", [-300, -299.5, 0, 299.5, 300])
def test_a_clock_may_be_five_minutes_off_either_way(
    guarded: FlaskClient, clock: ManualClock, seconds: float
) -> None:
    headers = keys.signed(BODY, clock.now)
    clock.advance(seconds=seconds)

    assert post(guarded, headers).status_code == 200


@pytest.mark.parametrize("seconds", [-86400, -301, -300.001, 300.001, 301, 10**8])
def test_and_no_more(refusing: FlaskClient, clock: ManualClock, seconds: float) -> None:
    headers = keys.signed(BODY, clock.now)
    clock.advance(seconds=seconds)

    assert "more than 300 seconds" in reason(post(refusing, headers))


@pytest.mark.parametrize("body", [b'{"user_id": "\xff"}', b"\xff", b"\xed\xa0\x80", b'{"user_id": "\xfc"}'])
def test_a_body_that_is_not_utf8_is_401_even_where_its_bytes_are_signed(
    refusing: FlaskClient, clock: ManualClock, body: bytes
) -> None:
    assert "not UTF-8" in reason(post(refusing, keys.signed(body, clock.now), body))


@pytest.mark.parametrize("body", [b"", b"\x00", b"{", b"\xef\xbb\xbf{}", b"\r\n", "\u2028𝄞".encode()])
def test_a_body_is_signed_as_its_bytes_are_and_read_afterwards(
    refusing: FlaskClient, clock: ManualClock, body: bytes
) -> None:
    response = post(refusing, keys.signed(body, clock.now), body)

    assert response.get_json(force=True)["type"] == f"{DOCS}/malformed-body"


@pytest.mark.parametrize("name", ["msg_1", "a.b", "ü…", "with blank", "a,b", "x" * 255])
def test_an_id_is_signed_as_its_utf8_and_is_the_event_s(
    guarded: FlaskClient, clock: ManualClock, name: str
) -> None:
    headers = keys.signed(BODY, clock.now, message_id=name)
    headers["webhook-id"] = name.encode().decode("latin-1")

    assert post(guarded, headers).get_json()["event_id"] == name


def test_an_id_that_is_not_utf8_is_401(refusing: FlaskClient, clock: ManualClock) -> None:
    headers = {
        "webhook-id": "\xff",
        "webhook-timestamp": SECONDS,
        "webhook-signature": keys.signature(BODY, SECONDS, b"\xff"),
    }

    assert "not UTF-8" in reason(post(refusing, headers))


def test_a_signed_message_that_comes_again_is_a_duplicate(guarded: FlaskClient, clock: ManualClock) -> None:
    first = post(guarded, keys.signed(BODY, clock.now)).get_json()
    clock.advance(seconds=200)
    again = post(guarded, keys.signed(BODY, clock.now)).get_json()

    assert (first["status"], again["status"]) == ("applied", "duplicate")


def test_a_body_beyond_the_bound_is_413_and_one_at_it_is_read_once(
    guarded: FlaskClient, clock: ManualClock
) -> None:
    whole = BODY + b" " * (MAX_BYTES - len(BODY))

    assert post(guarded, keys.signed(whole, clock.now), whole).status_code == 200
    assert post(guarded, keys.signed(whole + b" ", clock.now), whole + b" ").status_code == 413


def test_a_body_is_not_read_for_headers_that_prove_nothing(refusing: FlaskClient, clock: ManualClock) -> None:
    """Whoever has no secret can't make the service hold ten mebibytes, nor hash them."""
    huge = b"x" * (MAX_BYTES + 1)
    stale = good(clock)
    clock.advance(days=1)

    for headers in ({}, stale, good(clock, webhook_signature="v2,x")):
        assert post(refusing, headers, huge).status_code == 401


def test_what_is_signed_for_one_media_type_is_still_checked_for_it(
    refusing: FlaskClient, clock: ManualClock
) -> None:
    headers = keys.signed(BODY, clock.now)

    assert refusing.post(URL, data=BODY, content_type="text/plain", headers=headers).status_code == 415
    assert refusing.post(URL, data=BODY, content_type="text/plain").status_code == 401


def test_a_batch_of_lines_is_signed_as_one_body(guarded: FlaskClient, clock: ManualClock) -> None:
    lines = b"".join(
        b'{"trigger": "sync_complete", "user_id": "u%d", "sync_id": "s"}\n' % number for number in range(3)
    )
    response = guarded.post(
        f"{PREFIX}/events",
        data=lines,
        content_type="application/x-ndjson",
        headers=keys.signed(lines, clock.now),
    )

    assert [each["code"] for each in response.get_json()] == [200, 200, 200]
