"""Tokens: HS256 alone, `exp` by the clock that was handed in, and nothing repaired."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from tests.webapp.http import keys
from tests.webapp.http.keys import API_TOKEN, JWT_SECRET, token
from webapp.routes.webhooks import PREFIX
from workflow_fsm.testing import ManualClock

NOW = 1772366400
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
STATUS, SYNC = f"{PREFIX}/status/u1", f"{PREFIX}/sync/complete"
Visit = Callable[..., FlaskClient]
OWN = {"sub": "u1", "exp": NOW + 60}


def code(client: FlaskClient, text: str, path: str = STATUS) -> int:
    """Give the code for one who holds this token; 404 is for who was let in, of a user who isn't known."""
    response = client.get(path, headers={"Authorization": text})
    if response.status_code == 401:
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="workflow-fsm", error="invalid_token"'
        for secret in keys.EVERY_SECRET:
            assert secret not in response.get_data(as_text=True)
    return response.status_code


def code_of(client: FlaskClient, claims: object, **made: Any) -> int:
    return code(client, f"Bearer {token(claims, **made)}")


def detail(client: FlaskClient, claims: object, **made: Any) -> str:
    response = client.get(STATUS, headers=keys.bearer(token(claims, **made)))
    assert response.status_code == 401
    told: str = response.get_json(force=True)["detail"]
    return told


def test_a_token_by_pyjwt_is_taken(refusing: FlaskClient) -> None:
    assert code(refusing, "Bearer " + jwt.encode(OWN, JWT_SECRET, algorithm="HS256")) == 404


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_scheme_is_read_in_either_case(refusing: FlaskClient, scheme: str) -> None:
    assert code(refusing, f"{scheme} {token(OWN)}") == 404
    assert code(refusing, f"{scheme} {API_TOKEN}") == 404


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        f"Token {API_TOKEN}",
        f"Bearer{API_TOKEN}",
        f"Bearer\t{API_TOKEN}",
        f"Bearer={API_TOKEN}",
        API_TOKEN,
        token(OWN),
        f"Bearer {API_TOKEN} {API_TOKEN}",
        f"Bearer {API_TOKEN},",
        f"Bearer {API_TOKEN},Bearer {API_TOKEN}",
        f"Bearer {API_TOKEN}, Bearer {API_TOKEN}",
        f"Bearer {API_TOKEN[:-1]}",
        f"Bearer {API_TOKEN}x",
        f"Bearer {API_TOKEN.swapcase()}",
        f"Bearer {JWT_SECRET}",
        f"Bearer {keys.NEW}",
        f'Bearer "{API_TOKEN}"',
        "Bearer \xff\xfe",
        "Bearer é",
        f"Bearer {API_TOKEN}\x00",
        "Bearer null",
        "Bearer .",
        "Bearer ..",
        "Bearer ...",
        "Bearer a.b.c",
        "Bearer a.b.c.d.e",
        "Bearer =.=.=",
        f"Bearer {token(OWN)}.",
        f"Bearer {token(OWN)[:-1]}",
        "Bearer " + token(OWN).rpartition(".")[0],
        "Bearer " + token(OWN).rpartition(".")[0] + ".",
        "Bearer " + "." * 8000,
        "Bearer " + "A" * 8000,
    ],
)
def test_what_is_no_token_of_ours_is_401(refusing: FlaskClient, text: str) -> None:
    response = refusing.get(STATUS, environ_overrides={"HTTP_AUTHORIZATION": text})

    assert response.status_code == 401
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("alg", "digest"),
    [
        ("none", "sha256"),
        ("None", "sha256"),
        ("NONE", "sha256"),
        ("", "sha256"),
        (None, "sha256"),
        ("HS384", "sha384"),
        ("HS512", "sha512"),
        ("HS512", "sha256"),
        ("RS256", "sha256"),
        ("ES256", "sha256"),
        ("EdDSA", "sha256"),
        ("hs256", "sha256"),
        ("HS256 ", "sha256"),
        (["HS256"], "sha256"),
        ({"HS256": 1}, "sha256"),
        (256, "sha256"),
        (True, "sha256"),
    ],
)
def test_another_algorithm_is_401_whatever_signed_it(refusing: FlaskClient, alg: object, digest: str) -> None:
    signed = token(OWN, alg=alg, digest=digest)

    assert code(refusing, f"Bearer {signed}") == 401
    assert code(refusing, f"Bearer {signed.rpartition('.')[0]}.") == 401


@pytest.mark.parametrize("key", ["", " ", JWT_SECRET + " ", JWT_SECRET[:-1], API_TOKEN, keys.NEW])
def test_another_secret_is_401(refusing: FlaskClient, key: str) -> None:
    assert code_of(refusing, OWN, key=key) == 401


@pytest.mark.parametrize(
    "header",
    [
        {"kid": 7},
        {"kid": {"a": []}},
        {"b64": False},
        {"b64": False, "crit": ["b64"]},
    ],
)
def test_a_header_that_asks_for_what_isn_t_done_is_never_worse_than_401(
    refusing: FlaskClient, header: dict[str, Any]
) -> None:
    assert code_of(refusing, OWN, header=header) in (401, 404)


@pytest.mark.parametrize("crit", [["exp"], ["https://shop.example/once"], ["b64", "exp"], "b64", [], [7]])
def test_a_token_that_calls_critical_what_is_unknown_here_is_401(refusing: FlaskClient, crit: object) -> None:
    """RFC 7515: whoever doesn't know what a `crit` header names must refuse the token."""
    header = {"crit": crit, "exp": NOW + 60, "https://shop.example/once": True}
    assert code_of(refusing, OWN, header=header) == 401


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"{",
        b"\xff",
        b"[" * 5000,
        b'{"exp": ' + b"9" * 5000 + b', "sub": "u1"}',
        b'{"exp": NaN, "sub": "u1"}',
        b'{"exp": Infinity, "sub": "u1"}',
        b'{"exp": 1e999, "sub": "u1"}',
        b'{"exp": -1e999, "sub": "u1"}',
        b'{"exp": 1772366460, "sub": "\\ud800"}',
        b'{"exp": 1772366460, "sub": "u1\\u0000"}',
    ],
)
def test_a_payload_that_is_no_object_of_claims_is_401_even_where_it_is_signed(
    refusing: FlaskClient, payload: bytes
) -> None:
    assert code_of(refusing, payload) == 401


@pytest.mark.parametrize(
    "exp", [None, "", str(NOW + 60), "soon", True, [], [NOW + 60], {}, NOW, NOW - 1, 0, -1, 0.5]
)
def test_a_token_that_has_expired_or_never_says_when_is_401(refusing: FlaskClient, exp: object) -> None:
    assert code_of(refusing, {"sub": "u1", "exp": exp}) == 401
    assert code_of(refusing, {"sub": "u1", "iat": NOW}) == 401


def test_it_expires_by_the_clock_that_was_handed_in(refusing: FlaskClient, clock: ManualClock) -> None:
    assert code_of(refusing, {"sub": "u1", "exp": NOW + 0.5}) == 404
    clock.advance(seconds=59.999)
    assert code_of(refusing, OWN) == 404
    clock.advance(seconds=0.001)
    assert "has expired" in detail(refusing, OWN)


def test_an_end_beyond_ten_years_is_a_slip_of_milliseconds_and_says_so(refusing: FlaskClient) -> None:
    assert code_of(refusing, {"sub": "u1", "exp": NOW + 10 * 365 * 86400}) == 404
    for exp in ((NOW + 60) * 1000, 10**30, NOW + 3661 * 86400):
        assert "in seconds since 1970, and looks like milliseconds" in detail(
            refusing, {"sub": "u1", "exp": exp}
        )


def test_whom_a_token_is_for_and_who_issued_it_are_asked_where_they_are_configured(visit: Visit) -> None:
    client = visit(**keys.JWT, WORKFLOW_JWT_AUDIENCE="claims", WORKFLOW_JWT_ISSUER="https://id.example")
    good = OWN | {"aud": "claims", "iss": "https://id.example"}

    assert code_of(client, good) == 404
    assert code_of(client, good | {"aud": ["other", "claims"]}) == 404
    for aud in (None, "", "other", "Claims", ["other"], [], {"claims": 1}, 7, "claims "):
        assert "the token's aud is missing, or names another service" in detail(client, good | {"aud": aud})
    for iss in (None, "", "https://id.example/", ["https://id.example"], 7):
        assert "the token's iss is missing, or is not who issues" in detail(client, good | {"iss": iss})
    assert "aud" in detail(client, OWN | {"iss": "https://id.example"})


def test_the_operators_token_has_neither_audience_nor_issuer(visit: Visit) -> None:
    client = visit(**keys.ALL, WORKFLOW_JWT_AUDIENCE="claims", WORKFLOW_JWT_ISSUER="node")

    assert code(client, f"Bearer {API_TOKEN}") == 404


def test_it_is_not_taken_before_its_time(refusing: FlaskClient, clock: ManualClock) -> None:
    assert (
        code_of(refusing, OWN | {"nbf": NOW, "iat": NOW + 50, "aud": "other", "iss": "node", "jti": 7}) == 404
    )
    assert "not valid yet" in detail(refusing, OWN | {"nbf": NOW + 1})
    assert code_of(refusing, OWN | {"nbf": "soon"}) == 401
    clock.advance(seconds=1)
    assert code_of(refusing, OWN | {"nbf": NOW + 1}) == 404


@pytest.mark.parametrize("name", ["user_id", "sub"])
@pytest.mark.parametrize("value", [1, 1.5, True, [], ["u1"], {}, "", " u1", "u1 ", "u\n1", "x" * 256])
def test_an_id_of_another_type_or_that_is_none_is_401(
    refusing: FlaskClient, name: str, value: object
) -> None:
    assert code_of(refusing, OWN | {name: value}) == 401


@pytest.mark.parametrize("role", [1, True, ["service_worker"], {"service_worker": True}])
def test_a_role_that_is_no_string_is_401(refusing: FlaskClient, role: object) -> None:
    response = refusing.post(SYNC, json={}, headers=keys.bearer(token(OWN | {"role": role})))

    assert response.status_code == 401


@pytest.mark.parametrize("role", [None, "", "user", "Service_Worker", "service_worker ", "operator", "admin"])
def test_another_role_may_read_its_own_and_send_nothing(refusing: FlaskClient, role: str | None) -> None:
    headers = keys.bearer(token(OWN | {"role": role}))

    assert refusing.get(STATUS, headers=headers).status_code == 404
    assert refusing.post(SYNC, json={}, headers=headers).status_code == 403


def test_user_id_goes_before_sub_and_null_is_the_same_as_absent(refusing: FlaskClient) -> None:
    assert code_of(refusing, {"exp": NOW + 1, "user_id": "u1", "sub": "u2"}) == 404
    assert code_of(refusing, {"exp": NOW + 1, "user_id": "u2", "sub": "u1"}) == 403
    assert code_of(refusing, {"exp": NOW + 1, "user_id": None, "sub": "u1"}) == 404
    assert code_of(refusing, {"exp": NOW + 1, "user_id": None, "sub": None}) == 403


def test_a_service_worker_that_names_a_user_may_read_that_user_s_too(refusing: FlaskClient) -> None:
    claims = {"exp": NOW + 1, "role": "service_worker", "sub": "w1"}

    assert code_of(refusing, claims) == 403
    assert code_of(refusing, claims | {"user_id": "u1"}) == 404


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@how(
    max_examples=2000 if LONG else 60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(
    claims=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("exp", "nbf", "sub", "user_id", "role", "iat", "aud", "iss", "jti"), _json),
    ),
    header=st.dictionaries(st.sampled_from(["typ", "kid", "crit", "b64", "jku", "cty"]), _json, max_size=2),
)
def test_whatever_a_signed_token_claims_it_is_taken_or_refused(
    refusing: FlaskClient, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    assert code_of(refusing, json.dumps(claims).encode(), header=header) in (401, 403, 404)
