"""Signatures: Standard Webhooks 1.0, over bytes; nothing that a sender can write is worse than 401."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given
from hypothesis import settings as how
from hypothesis import strategies as st
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from tests.webapp.http import keys
from tests.webapp.http.keys import NEW, OLD, STRANGE, OpenApp
from webapp.http.problem_kinds import DOCS
from webapp.http.request_body import MAX_BYTES
from webapp.routes.webhooks import PREFIX
from workflow_fsm.testing import ManualClock

BODY = '{"user_id": "u1", "note": "ü…"}'.encode()
URL = f"{PREFIX}/sync/complete"
SECONDS = "1772366400"
"""The instant of the tests' clock."""
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def post(client: FlaskClient, headers: Mapping[str, str], body: bytes = BODY, **how: Any) -> TestResponse:
    """Post with these headers, whose characters stand for bytes, as WSGI has it."""
    environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    return client.post(URL, data=body, content_type="application/json", environ_overrides=environ, **how)


def reason(response: TestResponse) -> str:
    assert response.status_code == 401, response.data
    assert response.content_type == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="workflow-fsm"'
    told = response.get_json(force=True)
    assert told["type"] == f"{DOCS}/unauthorized"
    for secret in keys.EVERY_SECRET:
        assert secret not in response.get_data(as_text=True)
    detail: str = told["detail"]
    return detail


def good(clock: ManualClock, **changed: str) -> dict[str, str]:
    names = {name.replace("_", "-"): value for name, value in changed.items()}
    return keys.signed(BODY, clock.now) | names


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


@pytest.mark.parametrize(
    "at",
    [
        "",
        " ",
        "0",
        "-1",
        "-" + SECONDS,
        "+" + SECONDS,
        SECONDS + ".0",
        SECONDS + ".5",
        SECONDS + " ",
        " " + SECONDS,
        "0" + SECONDS,
        SECONDS + "000",
        SECONDS + "\n",
        "1_772_366_400",
        "1.7723664e9",
        "0x69a42a40",
        "nan",
        "inf",
        "-inf",
        "now",
        "None",
        "2026-03-01T12:00:00Z",
        "9" * 15,
        "9" * 400,
        "9" * 5000,
        "١٧٧٢٣٦٦٤٠٠".encode().decode("latin-1"),
        "\uff11\uff17\uff17\uff12".encode().decode("latin-1"),
        "²",
        SECONDS + "\x00",
        f"{SECONDS},{SECONDS}",
        f"{SECONDS}, {SECONDS}",
    ],
)
def test_a_timestamp_that_is_absurd_is_401_even_where_it_is_signed(
    refusing: FlaskClient, clock: ManualClock, at: str
) -> None:
    made = keys.signature(BODY, at, b"msg_1")

    reason(post(refusing, good(clock, webhook_timestamp=at, webhook_signature=made)))


GOOD = keys.signature(BODY, SECONDS, b"msg_1")
_DIGEST = GOOD.removeprefix("v1,")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        "v1",
        "v1,",
        "v1, ",
        "nocomma",
        "v1,A",
        "v1,====",
        "v1,\xff\xfe",
        "v1," + "é" * 44,
        "v1,!!!!",
        _DIGEST,
        f"v1 {_DIGEST}",
        f"v1, {_DIGEST}",
        f",{_DIGEST}",
        f"V1,{_DIGEST}",
        f"v1a,{_DIGEST}",
        f"v2,{_DIGEST}",
        f"v10,{_DIGEST}",
        f"v1,,{_DIGEST}",
        f"v1,{_DIGEST},",
        f"v1,{_DIGEST[:-1]}",
        f"v1,{_DIGEST}=",
        f"v1,{_DIGEST.swapcase()}",
        f"v1,{base64.b64decode(_DIGEST).hex()}",
        f"{GOOD},{GOOD}",
        f"{GOOD}, v1,A",
        f"{GOOD}\tv1,A",
        f"{GOOD}\x00",
        "v1," * 2000,
        "v1,A " * 1600,
    ],
)
def test_a_signature_that_is_none_is_401(guarded: FlaskClient, clock: ManualClock, text: str) -> None:
    reason(post(guarded, good(clock, webhook_signature=text)))


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_or_empty_is_401(
    refusing: FlaskClient, clock: ManualClock, missing: str
) -> None:
    headers = keys.signed(BODY, clock.now)

    reason(post(refusing, {**headers, missing: ""}))
    del headers[missing]
    assert missing in reason(post(refusing, headers)) or missing == "webhook-signature"


def test_the_signature_covers_id_time_and_body(refusing: FlaskClient, clock: ManualClock) -> None:
    signed = keys.signed(BODY, clock.now)
    other_time = str(int(SECONDS) + 1)

    assert "by a secret known here" in reason(post(refusing, signed, BODY + b" "))
    reason(post(refusing, signed, b""))
    reason(post(refusing, {**signed, "webhook-id": "msg_2"}))
    reason(post(refusing, {**signed, "webhook-timestamp": other_time}))
    assert refusing.get(f"{PREFIX}/status/u1", headers=keys.bearer(keys.API_TOKEN)).status_code == 404


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


_bytes = st.binary(max_size=60).map(lambda raw: raw.decode("latin-1"))
_texts = st.one_of(
    _bytes,
    st.just(SECONDS),
    st.just("msg_1"),
    st.builds("v1,{}".format, _bytes),
    st.builds("{} v1,{}".format, _bytes, _bytes),
    st.builds("Bearer {}".format, _bytes),
    st.builds("Bearer {}.{}.{}".format, _bytes, _bytes, _bytes),
    st.integers().map(str),
)


@how(
    max_examples=3000 if LONG else 80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(
    headers=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("webhook-id", "webhook-timestamp", "webhook-signature", "authorization"), _texts
        ),
    ),
    body=st.binary(max_size=40),
)
@example(headers={"webhook-id": "", "webhook-timestamp": "", "webhook-signature": ""}, body=b"")
def test_arbitrary_bytes_in_headers_and_body_are_401(
    refusing: FlaskClient, headers: dict[str, str], body: bytes
) -> None:
    assert post(refusing, headers, body).status_code == 401


@how(
    max_examples=2000 if LONG else 60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(name=st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), data=st.data())
def test_a_good_message_with_one_byte_changed_is_401(
    guarded: FlaskClient, clock: ManualClock, name: str, data: st.DataObject
) -> None:
    headers = keys.signed(BODY, clock.now)
    place = data.draw(st.integers(0, len(headers[name]) - 1))
    other = data.draw(st.characters(max_codepoint=255).filter(lambda one: one != headers[name][place]))
    headers[name] = headers[name][:place] + other + headers[name][place + 1 :]

    assert post(guarded, headers).status_code == 401
