"""Sessions: a person signs in with the operator's token, reads, and posts with a CSRF token."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webapp.http import keys
from tests.webapp.http.keys import ALL, API_TOKEN, JWT, OLD, OpenApp
from webapp import create_app
from webapp.access.sessions import COOKIE, Sessions, csrf_token, current_session
from webapp.paths import PREFIX
from webapp.settings import ServiceSettings
from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock

Visit = Callable[..., FlaskClient]
PAGE = {"Accept": "text/html,application/xhtml+xml"}
OPERATORS = ("/docs", "/docs/style.css", "/openapi.json", "/metrics", f"{PREFIX}/deadletters")


def told(response: TestResponse) -> str:
    kind: str = response.get_json(force=True)["type"]
    return kind.rpartition("/")[2]


def sign_in(client: FlaskClient, token: str = API_TOKEN, **how: Any) -> TestResponse:
    return client.post("/login", data={"token": token, "next": how.pop("then", "")}, headers=PAGE, **how)


def bearing(client: FlaskClient, cookie: str, path: str = "/openapi.json") -> TestResponse:
    """Read with this cookie, and none that the client has kept."""
    bare = client.application.test_client(use_cookies=False)
    return bare.get(path, environ_overrides={"HTTP_COOKIE": f"{COOKIE}={cookie}".encode().decode("latin-1")})


def with_csrf(app: Flask) -> FlaskClient:
    """Add a page of this service's to an app that tells the CSRF token, as its forms would."""
    page = next(one for one in app.url_map.iter_rules() if one.endpoint.endswith(".docs")).endpoint

    def csrf() -> str:
        session = current_session()
        assert session is not None
        return csrf_token()

    app.view_functions[page] = csrf
    return app.test_client()


@pytest.fixture
def person(open_app: OpenApp) -> FlaskClient:
    """A browser in which somebody has signed in; its `/docs` tells the CSRF token."""
    client = with_csrf(open_app(**ALL))
    assert sign_in(client).status_code == 303
    return client


def test_who_is_not_signed_in_and_asks_for_a_page_is_led_to_sign_in_and_then_back(visit: Visit) -> None:
    client = visit(**ALL)
    sent = client.get("/docs?x=1", headers=PAGE)
    assert (sent.status_code, sent.headers["Location"]) == (303, "/login?next=/docs?x%3D1")

    form = client.get(sent.headers["Location"])
    assert form.status_code == 200
    assert 'name="next" value="/docs?x=1"' in form.text
    back = sign_in(client, then="/docs?x=1")
    assert (back.status_code, back.headers["Location"]) == (303, "/docs?x=1")
    assert client.get("/docs", headers=PAGE).status_code == 200


def test_programs_are_answered_401_as_before(visit: Visit) -> None:
    client = visit(**ALL)

    for path in OPERATORS:
        assert client.get(path).status_code == 401
        assert client.get(path, headers={**PAGE, **keys.bearer("another's")}).status_code == 401
    assert client.get(f"{PREFIX}/status/u1", headers=PAGE).status_code == 401
    assert client.post(f"{PREFIX}/deadletters/x/retry", headers=PAGE).status_code == 401


@pytest.mark.parametrize("token", ["", "wrong", API_TOKEN[:-1], API_TOKEN + "x", API_TOKEN.upper(), "ü" * 20])
def test_a_wrong_token_is_401_on_the_page_and_begins_no_session(visit: Visit, token: str) -> None:
    client = visit(**ALL)
    refused = sign_in(client, token, environ_overrides={"REMOTE_ADDR": f"192.0.2.{len(token)}"})

    assert refused.status_code == 401
    assert "This is not the operator&#39;s token." in refused.text
    assert "Set-Cookie" not in refused.headers
    assert not token or token not in refused.text
    program = client.post(
        "/login", data={"token": token}, environ_overrides={"REMOTE_ADDR": f"192.0.2.{len(token)}"}
    )
    assert (program.status_code, told(program)) == (401, "unauthorized")


def test_a_token_is_pasted_with_blanks_around_it_and_a_form_is_small(visit: Visit) -> None:
    client = visit(**ALL)

    assert sign_in(client, f" {API_TOKEN}\n").status_code == 303
    large = sign_in(client, "x" * 17_000)
    assert (large.status_code, told(large)) == (413, "too-large")


def test_the_cookie_is_for_this_host_alone_and_shown_to_no_script(visit: Visit) -> None:
    plain = sign_in(visit(**ALL)).headers["Set-Cookie"]
    secure = sign_in(visit(**ALL), base_url="https://localhost").headers["Set-Cookie"]

    assert plain.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"} <= set(plain.split("; "))
    assert "Secure" not in plain
    assert "Secure" in secure.split("; ")
    assert API_TOKEN not in plain


def test_a_session_reads_what_is_the_operators_and_every_users(person: FlaskClient) -> None:
    for path in OPERATORS:
        assert person.get(path).status_code == 200
    assert person.get(f"{PREFIX}/status/u1").status_code == 404  # let in, of a user who isn't known


def test_what_a_session_posts_carries_its_csrf_token_as_a_header_or_a_field(person: FlaskClient) -> None:
    csrf = person.get("/docs").text
    body, path = {"user_id": "u1"}, f"{PREFIX}/sync/complete"

    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": csrf[:-1]}, {"X-CSRF-Token": "é"}):
        refused = person.post(path, json=body, headers=headers)
        assert (refused.status_code, told(refused)) == (403, "csrf-refused")
    assert person.post("/logout", data={"csrf_token": "wrong"}).status_code == 403
    assert person.get(f"{PREFIX}/status/u1").status_code == 404

    assert person.post(path, json=body, headers={"X-CSRF-Token": csrf}).status_code == 200
    assert person.get(f"{PREFIX}/history/u1").get_json()["history"][0]["actor"] == "operator"
    assert person.post("/logout", data={"csrf_token": csrf}, headers=PAGE).status_code == 303


def test_a_script_that_signs_in_is_told_its_csrf_token(guarded: FlaskClient) -> None:
    told = guarded.post("/login", data={"token": API_TOKEN})
    assert (told.status_code, told.get_json()["status"]) == (200, "signed_in")
    csrf = told.get_json()["csrf_token"]

    left = guarded.post("/logout", headers={"X-CSRF-Token": csrf})
    assert (left.status_code, left.get_json()) == (200, {"status": "signed_out"})
    assert guarded.get("/docs").status_code == 401


def test_a_session_s_csrf_token_is_its_own(open_app: OpenApp) -> None:
    app = open_app(**ALL)
    first, second = with_csrf(app), app.test_client()
    sign_in(first)
    sign_in(second)
    csrf = first.get("/docs").text

    assert second.get("/docs").text != csrf
    assert second.post("/logout", headers={"X-CSRF-Token": csrf}).status_code == 403


def test_what_a_page_of_another_host_posts_with_a_session_is_refused(person: FlaskClient) -> None:
    csrf = person.get("/docs").text
    for origin in ("http://evil.example", "null", "http://localhost:3000", "http://localhost.evil.example"):
        headers = {"X-CSRF-Token": csrf, "Origin": origin}
        refused = person.post(f"{PREFIX}/sync/complete", json={"user_id": "u1"}, headers=headers)
        assert (refused.status_code, told(refused)) == (403, "origin-refused")
    good = {"X-CSRF-Token": csrf, "Origin": "http://localhost"}
    assert person.post(f"{PREFIX}/sync/complete", json={"user_id": "u1"}, headers=good).status_code == 200


def test_a_page_of_another_host_signs_nobody_in(visit: Visit) -> None:
    refused = visit(**ALL).post(
        "/login", data={"token": API_TOKEN}, headers={"Origin": "http://evil.example"}
    )

    assert (refused.status_code, told(refused)) == (403, "origin-refused")


def test_signing_out_ends_it_for_the_browser(person: FlaskClient) -> None:
    csrf = person.get("/docs").text
    headers = {**PAGE, "X-CSRF-Token": csrf, "Origin": "http://localhost"}
    left = person.post("/logout", headers=headers)

    assert (left.status_code, left.headers["Location"]) == (303, "/login")
    assert person.get("/docs").status_code == 401
    assert person.post("/logout", headers=PAGE).headers["Location"] == "/login"


def test_a_session_ends_after_twelve_hours(open_app: OpenApp, clock: ManualClock) -> None:
    client = open_app(**ALL).test_client()
    sign_in(client)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None

    clock.advance(hours=11, minutes=59)
    assert bearing(client, cookie.value).status_code == 200
    clock.advance(minutes=1)
    refused = bearing(client, cookie.value)
    assert refused.status_code == 401
    assert "the session has ended; sign in again" in refused.get_json(force=True)["detail"]


def test_a_new_token_ends_all_sessions_and_processes_that_share_one_agree(
    in_memory: Workflow,
) -> None:
    def client(**changed: Any) -> FlaskClient:
        settings = ServiceSettings.from_environment(ALL | changed)
        return create_app(in_memory, settings=settings).test_client()

    begun = sign_in(client()).headers["Set-Cookie"].partition(";")[0].partition("=")[2]

    assert bearing(client(), begun).status_code == 200
    assert bearing(client(WORKFLOW_WEBHOOK_SECRETS=OLD), begun).status_code == 200
    assert bearing(client(WORKFLOW_API_TOKEN="x" * 16), begun).status_code == 401
    assert bearing(client(WORKFLOW_API_TOKEN=""), begun).status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "a.b", "e30.x", ".", "é", "x" * 5000, "eyJpZCI6IngifQ.AAAA"])
def test_a_cookie_that_is_none_of_ours_is_401(visit: Visit, cookie: str) -> None:
    assert bearing(visit(**ALL), cookie).status_code == 401


def test_a_cookie_made_without_a_token_opens_nothing(visit: Visit) -> None:
    """Where no operator's token is set the key is known to everybody."""
    forged = Sessions(ServiceSettings.from_environment(JWT))._signer.dumps({"id": "x", "until": 4102444800})

    refused = bearing(visit(**JWT), forged, f"{PREFIX}/status/u1")
    assert (refused.status_code, "the session has ended" in refused.text) == (401, True)
    assert "until the operator sets WORKFLOW_API_TOKEN" in visit(**JWT).get("/login").text
    assert "until the operator sets" in sign_in(visit(**JWT), "").text


@pytest.mark.parametrize(
    "then",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "evil",
        "/\t/evil.example",
        "/x\r\ny: z",
        "/é",
        "",
    ],
)
def test_after_signing_in_nobody_is_led_elsewhere(visit: Visit, then: str) -> None:
    assert sign_in(visit(**ALL), then=then).headers["Location"] == "/"


def test_ten_wrong_tokens_and_the_address_has_to_wait_a_minute(open_app: OpenApp, clock: ManualClock) -> None:
    client = open_app(**ALL).test_client()

    def attempt(token: str, address: str) -> TestResponse:
        return sign_in(client, token, environ_overrides={"REMOTE_ADDR": address})

    assert [attempt("wrong", "192.0.2.1").status_code for _ in range(10)] == [401] * 10
    waiting = attempt(API_TOKEN, "192.0.2.1")
    assert (waiting.status_code, told(waiting)) == (429, "too-many-attempts")
    assert 1 <= int(waiting.headers["Retry-After"]) <= 61
    assert attempt(API_TOKEN, "192.0.2.2").status_code == 303
    clock.advance(seconds=int(waiting.headers["Retry-After"]))
    assert attempt(API_TOKEN, "192.0.2.1").status_code == 303


def test_while_it_is_open_who_comes_is_signed_in_by_coming(open_app: OpenApp) -> None:
    client = with_csrf(open_app())
    came = client.get("/login?next=/metrics", headers=PAGE)

    assert (came.status_code, came.headers["Location"]) == (303, "/metrics")
    assert client.get("/docs").text == ""  # there is a session, and its posts need no token
    assert client.post("/login", data={"token": "any"}, headers=PAGE).headers["Location"] == "/"
    assert client.post("/login", data={"token": ""}).get_json() == {"status": "signed_in", "csrf_token": ""}
    assert client.post("/logout", headers=PAGE).headers["Location"] == "/login"


def test_the_page_to_sign_in_by_loads_nothing_and_runs_nothing(visit: Visit) -> None:
    form = visit(**ALL).get("/login")
    policy = dict(rule.partition(" ")[::2] for rule in form.headers["Content-Security-Policy"].split("; "))

    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy["style-src"])
    assert (policy["default-src"], policy["form-action"]) == ("'none'", "'self'")
    assert form.headers["Referrer-Policy"] == "same-origin"  # else browsers call its form's origin null
    assert form.headers["X-Frame-Options"] == "DENY"
    assert "<script" not in form.text
    assert form.text.count("href=") == 0
