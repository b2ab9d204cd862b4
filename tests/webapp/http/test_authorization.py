"""Credentials: every route with every credential, under every choice of what is configured."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.webapp.http import keys
from tests.webapp.http.keys import ALL, API_TOKEN, JWT, JWT_SECRET, STRANGE, TOKEN, WEBHOOKS, OpenApp
from webapp import blueprint, create_app
from webapp.access.authorization import ACCESS, Access
from webapp.http.problem_kinds import DOCS
from webapp.routes.webhooks import PREFIX
from webapp.settings import ServiceSettings
from workflow_fsm import Settings, SettingsInvalid, Workflow
from workflow_fsm.testing import ManualClock

Visit = Callable[..., FlaskClient]

SENDERS = {
    f"{PREFIX}/{path}"
    for path in (
        "sync/complete",
        "detection/complete",
        "evidence-matching/complete",
        "claim/submitted",
        "claim/rejected",
        "payout/received",
        "payout/reversed",
        "events",
        "claims/link",
        "claims/unlink",
        "sync/start",
    )
}
USERS = {f"{PREFIX}/{path}/u1" for path in ("status", "history", "ws")}
OPEN = {"/healthz", "/readyz", f"{PREFIX}/health"}
BODY = b"{}"

WHO: Mapping[str, tuple[Mapping[str, str] | None, Mapping[str, int | None]]] = {
    "nobody": (None, {"senders": 401, "users": 401, "operator": 401}),
    "operator": (TOKEN, {"senders": None, "users": None, "operator": None}),
    "the user": (JWT, {"senders": 403, "users": None, "operator": 403}),
    "the user by sub": (JWT, {"senders": 403, "users": None, "operator": 403}),
    "another user": (JWT, {"senders": 403, "users": 403, "operator": 403}),
    "a token of nobody": (JWT, {"senders": 403, "users": 403, "operator": 403}),
    "service worker": (JWT, {"senders": None, "users": 403, "operator": 403}),
    "signed": (WEBHOOKS, {"senders": None, "users": 401, "operator": 401}),
    "forged signature": (None, {"senders": 401, "users": 401, "operator": 401}),
    "forged token": (None, {"senders": 401, "users": 401, "operator": 401}),
    "a password": (None, {"senders": 401, "users": 401, "operator": 401}),
}
"""Each credential: what has to be configured for it, and its code on each kind of route, None for let in."""


def credential(who: str, clock: ManualClock) -> Mapping[str, str]:
    given: Mapping[str, Mapping[str, str]] = {
        "nobody": {},
        "operator": keys.bearer(API_TOKEN),
        "the user": keys.holder(clock.now, user_id="u1", sub="somebody else", role="seller"),
        "the user by sub": keys.holder(clock.now, sub="u1"),
        "another user": keys.holder(clock.now, user_id="u2", sub="u1"),
        "a token of nobody": keys.holder(clock.now),
        "service worker": keys.holder(clock.now, sub="w1", role="service_worker"),
        "signed": keys.signed(BODY, clock.now),
        "forged signature": keys.signed(BODY, clock.now, of=STRANGE),
        "forged token": keys.bearer(keys.token({"exp": 4102444800, "sub": "u1"}, key=JWT_SECRET[::-1])),
        "a password": {"Authorization": f"Basic {API_TOKEN}"},
    }
    return given[who]


def path_of(rule: Rule) -> str:
    two = re.sub(r"<workflow_two:\w+>", "u1/x", rule.rule)
    return two.replace("<workflow_rest:rest>", "u1").replace("<letter_id>", "x")


def kind_of(path: str) -> str:
    return "senders" if path in SENDERS else "users" if path in USERS else "operator"


def doors(client: FlaskClient) -> Iterator[tuple[Rule, str, str]]:
    """Give every rule with its path and each of its methods.

    Left out are those that are everybody's, and answer with codes of their own: a WebSocket's without an
    upgrade, and the one to sign in by.
    """
    for rule in client.application.url_map.iter_rules():
        if rule.endpoint.rpartition(".")[2] in ("ws_plain", "login", "sign_in"):
            continue
        for method in sorted(rule.methods or ["GET"]):
            yield rule, path_of(rule), method


def knock(
    client: FlaskClient, rule: Rule, path: str, method: str, headers: Mapping[str, str]
) -> TestResponse:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"} if rule.websocket else {}
    return client.open(
        path, method=method, data=BODY, content_type="application/json", headers={**upgrade, **headers}
    )


def check_refused(response: TestResponse, code: int) -> None:
    assert response.status_code == code
    assert response.content_type == "application/problem+json"
    assert ("WWW-Authenticate" in response.headers) is (code == 401)
    if response.data:
        told = response.get_json(force=True)
        assert told["type"] == f"{DOCS}/{'unauthorized' if code == 401 else 'forbidden'}"
        assert told["detail"]
    for each in keys.EVERY_SECRET:
        assert each not in response.get_data(as_text=True)


CHOICES = [
    dict(itertools.chain.from_iterable(each.items() for each in chosen))
    for count in (1, 2, 3)
    for chosen in itertools.combinations((WEBHOOKS, TOKEN, JWT), count)
]


@pytest.mark.parametrize("configured", CHOICES, ids=lambda configured: "+".join(configured))
@pytest.mark.parametrize("who", WHO)
def test_each_route_takes_the_credentials_that_are_configured_for_it_and_no_other(
    visit: Visit, clock: ManualClock, configured: dict[str, str], who: str
) -> None:
    client = visit(**configured)
    needed, codes = WHO[who]
    is_taken = needed is None or needed.items() <= configured.items()
    headers = credential(who, clock)

    for rule, path, method in doors(client):
        code = None if path in OPEN else codes[kind_of(path)] if is_taken else 401
        if rule.websocket and code is None:
            continue  # an upgrade needs a socket
        response = knock(client, rule, path, method, headers)
        if code is None:
            assert response.status_code not in (401, 403), (path, method)
        else:
            check_refused(response, code)


@pytest.mark.parametrize("who", WHO)
def test_with_nothing_configured_this_machine_is_let_in_and_no_other(
    visit: Visit, clock: ManualClock, who: str
) -> None:
    client = visit()
    headers = credential(who, clock)

    for rule, path, method in doors(client):
        if rule.websocket:
            continue
        assert knock(client, rule, path, method, headers).status_code not in (401, 403), (path, method)
        for address in ("192.0.2.1", "2001:db8::1", "", "no address"):
            client.environ_base["REMOTE_ADDR"] = address
            response = knock(client, rule, path, method, headers)
            if path in OPEN:
                assert response.status_code == 200
            else:
                check_refused(response, 401)
                assert not response.data or "WORKFLOW_API_TOKEN" in response.get_json(force=True)["detail"]
        client.environ_base["REMOTE_ADDR"] = "127.0.0.1"


def test_every_route_of_the_table_is_there_and_a_route_that_is_not_in_it_is_the_operators(
    workflow: Workflow, clock: ManualClock
) -> None:
    routes = blueprint(workflow, settings=ServiceSettings.from_environment(ALL))
    routes.add_url_rule("/new", endpoint="new", view_func=lambda: "new")
    app = Flask("a stranger's")
    app.register_blueprint(routes)
    client = app.test_client()

    served = {rule.endpoint.rpartition(".")[2] for rule in app.url_map.iter_rules()}
    assert set(ACCESS) - served <= {"ws"}  # served where WebSockets are
    for rule in app.url_map.iter_rules():
        if rule.websocket:
            assert ACCESS[rule.endpoint.rpartition(".")[2]] is Access.USER
    assert client.get("/new").status_code == 401
    assert client.get("/new", headers=credential("service worker", clock)).status_code == 403
    assert client.get("/new", headers=credential("operator", clock)).data == b"new"


@pytest.mark.parametrize("prefix", ["", "/claims"])
def test_mounted_in_a_stranger_s_app_the_routes_are_guarded_and_the_stranger_s_own_are_not(
    workflow: Workflow, clock: ManualClock, prefix: str
) -> None:
    app = Flask("a stranger's")
    app.add_url_rule("/theirs", view_func=lambda: "theirs")
    routes = blueprint(workflow, settings=ServiceSettings.from_environment(ALL))
    app.register_blueprint(routes, url_prefix=prefix, name="under_another_name")
    client = app.test_client()
    post = f"{prefix}{PREFIX}/sync/complete"

    assert client.get("/theirs").data == b"theirs"
    assert client.get(f"{prefix}/healthz").status_code == 200
    check_refused(client.get(f"{prefix}{PREFIX}/status/u1"), 401)
    check_refused(client.post(post, json={"user_id": "u1"}), 401)
    body = b'{"user_id": "u1", "sync_id": "s1"}'
    taken = client.post(
        post, data=body, content_type="application/json", headers=keys.signed(body, clock.now)
    )
    assert (taken.status_code, taken.get_json()["event_id"]) == (200, "msg_1")
    assert client.get(f"{prefix}{PREFIX}/status/u1", headers=credential("the user", clock)).status_code == 200
    check_refused(client.get(f"{prefix}{PREFIX}/status/u1", headers=credential("another user", clock)), 403)


def test_an_app_that_mounts_the_routes_asks_as_the_environment_says_where_it_hands_in_no_settings(
    workflow: Workflow, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ALL.items():
        monkeypatch.setenv(name, value)
    app = Flask("a stranger's")
    app.register_blueprint(blueprint(workflow))
    for client in (app.test_client(), create_app(workflow).test_client()):
        check_refused(client.get(f"{PREFIX}/status/u1"), 401)
        assert client.get(f"{PREFIX}/status/u1", headers=credential("operator", clock)).status_code == 404
    monkeypatch.setenv("WORKFLOW_JWT_SECRET", "short")
    with pytest.raises(SettingsInvalid, match="WORKFLOW_JWT_SECRET has 5 bytes"):
        blueprint(workflow)


def test_an_app_opens_the_store_that_the_settings_handed_in_name(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'claims.db'}", tries=3)
    app = create_app(settings=ServiceSettings(workflow=settings, api_token=API_TOKEN))
    with app.extensions["workflow_fsm"] as workflow:
        assert workflow.settings is settings
        check_refused(app.test_client().get("/metrics"), 401)
    assert (tmp_path / "claims.db").exists()


@pytest.mark.parametrize(
    ("who", "actor"),
    [("operator", "operator"), ("service worker", "service_worker:w1"), ("signed", "webhook")],
)
def test_history_tells_who_it_was(open_app: OpenApp, clock: ManualClock, who: str, actor: str) -> None:
    client = open_app(**ALL).test_client()
    body, batch = b'{"user_id": "u1"}', b'[{"trigger": "sync_complete", "user_id": "u1", "sync_id": "s2"}]'

    for path, data in (("sync/complete", body), ("events", batch)):
        headers = keys.signed(data, clock.now) if who == "signed" else credential(who, clock)
        sent = client.post(
            f"{PREFIX}/{path}", data=data, content_type="application/json", headers={**headers}
        )
        assert sent.status_code == 200

    rows = client.get(f"{PREFIX}/history/u1", headers=credential("operator", clock)).get_json()["history"]
    assert [row["actor"] for row in rows] == [actor, actor]


def test_a_service_worker_without_a_sub_is_one_all_the_same(guarded: FlaskClient, clock: ManualClock) -> None:
    headers = keys.holder(clock.now, role="service_worker")
    guarded.post(f"{PREFIX}/sync/complete", json={"user_id": "u1"}, headers=headers)

    rows = guarded.get(f"{PREFIX}/history/u1", headers=credential("operator", clock)).get_json()["history"]
    assert [row["actor"] for row in rows] == ["service_worker"]


@pytest.mark.parametrize("user", ["u1", "a/b?c", "/x//y", "ü", " .. ", "%2F", "u1/"])
def test_a_user_reads_their_own_data_and_no_other_s_however_the_path_is_spelled(
    guarded: FlaskClient, clock: ManualClock, user: str
) -> None:
    own, other = (
        keys.holder(clock.now, sub=user.strip()),
        keys.holder(clock.now, user_id="u2", sub=user.strip()),
    )
    target = f"{PREFIX}/history/{quote(user.strip(), safe='')}"
    environ: dict[str, Any] = {"RAW_URI": target}

    assert guarded.get(target, headers=own, environ_overrides=environ).status_code == 404  # but let in
    check_refused(guarded.get(target, headers=other, environ_overrides=environ), 403)


def test_of_several_credentials_one_that_is_good_is_enough(guarded: FlaskClient, clock: ManualClock) -> None:
    body = b'{"user_id": "u1"}'
    good, bad = keys.signed(body, clock.now), keys.signed(body, clock.now, of=STRANGE)
    post = f"{PREFIX}/sync/complete"
    for headers in (
        {**good, **keys.bearer("another service's own")},
        {**good, **credential("the user", clock)},
        {**bad, **keys.bearer(API_TOKEN)},
    ):
        response = guarded.post(post, data=body, content_type="application/json", headers=headers)
        assert response.status_code == 200, response.data
    response = guarded.post(post, data=body, headers={**bad, **credential("the user", clock)})
    check_refused(response, 403)


def test_a_token_in_the_query_is_none_for_what_is_no_websocket(guarded: FlaskClient) -> None:
    check_refused(guarded.get(f"{PREFIX}/status/u1?token={API_TOKEN}"), 401)


def test_the_detail_says_what_the_route_takes(open_app: OpenApp) -> None:
    def detail(path: str, method: str = "GET", **environment: str) -> str:
        client = open_app(**environment).test_client()
        told: str = client.open(f"{PREFIX}/{path}", method=method).get_json(force=True)["detail"]
        return told

    assert "send a signature as Standard Webhooks 1.0 makes it or a bearer token" in detail(
        "sync/complete", "POST", **ALL
    )
    assert detail("sync/complete", "POST", **WEBHOOKS).endswith("as Standard Webhooks 1.0 makes it.")
    assert "send a bearer token in Authorization" in detail("status/u1", **JWT)
    assert "until its operator sets WORKFLOW_API_TOKEN or WORKFLOW_JWT_SECRET" in detail(
        "status/u1", **WEBHOOKS
    )
    assert "until its operator sets WORKFLOW_API_TOKEN." in detail("deadletters", **JWT)
