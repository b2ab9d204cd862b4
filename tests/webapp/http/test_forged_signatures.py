"""Forged signatures: nothing that a sender can write in headers or body is worse than 401."""

from __future__ import annotations

import base64
import os

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given
from hypothesis import settings as how
from hypothesis import strategies as st

from tests.webapp.http import keys
from tests.webapp.http.messages import BODY, SECONDS, good, post, reason
from webapp.routes.webhooks import PREFIX
from workflow_fsm.testing import ManualClock

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


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
