"""The description: every route and every code, no more and no less; its examples are what is answered."""

from __future__ import annotations

import json
import re
import socket
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.docs.examples import STORY
from tests.webapp.http.keys import ALL, API_TOKEN, Open, token
from tests.webapp.services import Service
from webapp import blueprint, create_app
from webapp.access import authorization
from webapp.access.sessions import COOKIE
from webapp.dashboard.pages import PREFIX as DASHBOARD
from webapp.routes.openapi import document
from webapp.routes.openapi.document import examples
from webapp.routes.openapi.route import Route
from webapp.routes.openapi.routes import routes
from webapp.routes.webhooks import PREFIX
from webapp.settings import ServiceSettings
from workflow_fsm import Workflow, claim_lifecycle

ROUTES = routes(claim_lifecycle())
CALLING = ServiceSettings(integrations_url="http://127.0.0.1:9")
OPERATOR = {"Authorization": f"Bearer {API_TOKEN}"}
THERE = {"user_id": "seller-1", "id": "none", "claim_id": "claim-1", "event_id": "e-1"}
"""What stands in paths."""
BODIES = {endpoint: body for _, endpoint, _, _, body in reversed(STORY)}
"""The first good body of each route."""
FLAWLESS = (*authorization.PROBES, "login")
"""Routes that nothing in a request can be wrong for, but its size."""
Codes = dict[str, set[int]]


class Broken:
    """A workflow that fails at whatever it is asked, as a fault of ours would make it."""

    def __init__(self, whole: Workflow) -> None:
        self.settings, self.definition, self.observe = whole.settings, whole.definition, whole.observe

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.fixture
def described(client: FlaskClient) -> dict[str, Any]:
    return cast(dict[str, Any], client.get("/openapi.json").get_json())


def described_as(rule: str) -> str:
    """Give the path of a rule as the description has it."""
    names = {"<workflow_rest:rest>": "{user_id}", "<letter_id>": "{id}"}
    pairs = re.sub(r"<workflow_two:(\w+)>", r"{user_id}/{\1}", rule)
    return re.sub(r"<[^>]+>", lambda found: names[found[0]], pairs)


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_route_for_programs_is_described_and_no_other(client: FlaskClient) -> None:
    """The dashboard's pages are for people alone."""
    served = set()
    for rule in client.application.url_map.iter_rules():
        if rule.endpoint.rpartition(".")[2].startswith(DASHBOARD):
            continue
        path = described_as(rule.rule)
        served |= {(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}

    described = client.get("/openapi.json").get_json()

    assert {(method, path) for method, path, _ in operations(described)} == served


def test_the_codes_described_are_those_that_can_be_produced(
    open_workflow: Open, server: Service, guarded: FlaskClient
) -> None:
    produced: Codes = defaultdict(set)
    for endpoint, code in [
        *of_the_story(),
        *of_bad_requests(open_workflow),
        *without_credentials(guarded),
        *while_the_store_is_down(open_workflow),
        *with_a_fault_of_ours(open_workflow),
        *of_handshakes(server),
        *of_signing_in(guarded),
        *of_what_waits_or_is_refused(open_workflow),
        *of_dead_letters_that_are_tried_again(open_workflow),
    ]:
        produced[endpoint].add(code)

    described = guarded.get("/openapi.json", headers=OPERATOR).get_json()

    told = {
        operation["operationId"]: {int(code) for code in operation["responses"]}
        for _, _, operation in operations(described)
    }
    told["ws"].remove(200)  # which a proxy says, to a client that speaks HTTP/2
    assert told == dict(produced)


def test_what_linters_of_descriptions_ask_for_is_there(workflow: Workflow) -> None:
    """What redocly's and spectral's recommended rules found once, so far as no other test holds it."""
    for settings in (ServiceSettings(), ServiceSettings.from_environment(ALL)):
        described = document(workflow, settings)
        every = [*operations(described), *operations({"paths": described["webhooks"]})]
        ids = [operation["operationId"] for _, _, operation in every]
        text = json.dumps(described)

        assert len(set(ids)) == len(ids)
        assert described["info"]["contact"]
        for _, _, operation in every:
            assert {"description", "tags", "security"} <= operation.keys()
            codes = {code[0] for code in operation["responses"]}
            assert codes > {"4"}
        for kind, members in described["components"].items():
            for name in members:
                is_used = f'"#/components/{kind}/{name}"' in text or kind == "securitySchemes"
                assert is_used, f"{kind}/{name} is not used"
        assert all("items" in one for one in objects(described) if one.get("type") == "array")


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


def of_the_story() -> Iterator[tuple[str, int]]:
    for one in examples():
        yield one["endpoint"], one["code"]


def of_bad_requests(open_workflow: Open) -> Iterator[tuple[str, int]]:
    """Send to every route what it can't take, and what is too much."""
    client = create_app(open_workflow()).test_client()
    for route in ROUTES:
        if route.endpoint == "ws":  # no app alone can answer it
            continue
        path = route.path.format(**THERE)
        tries: list[dict[str, Any]] = [
            {},
            {"path": route.path.format(**{**THERE, "user_id": "nobody"})},
            {"path": f"{path}?limit=0&cursor=&kind=x"},
            {"data": b"{", "content_type": "application/json"},
            {"data": b"{}", "content_type": "text/plain"},
            {"data": b"{}", "content_type": "application/json"},
            {
                "data": b"{}",
                "content_type": "application/json",
                "environ_overrides": {"CONTENT_LENGTH": "20000000"},
            },
            {"json": BODIES.get(route.endpoint), "headers": {"webhook-id": "taken"}},
            {"json": {"user_id": "seller-1", "x": 1, "amount": 7}, "headers": {"webhook-id": "taken"}},
            {"json": {"user_id": "seller-1", "amount": 7}, "headers": {"webhook-id": "\xff"}},
            {"json": {"user_id": "seller-1", "claim_id": "claim-9", "alias": "claim-8"}},
            {"json": {"user_id": "seller-1", "claim_id": "claim-7", "alias": "claim-8"}},
            {"json": {"reason": "for a test"}},
            {"headers": {"Accept": "text/html"}},
        ]
        for how in tries:
            yield route.endpoint, client.open(**{"path": path, "method": route.method, **how}).status_code


def without_credentials(guarded: FlaskClient) -> Iterator[tuple[str, int]]:
    strange = {"Authorization": f"Bearer {token({'user_id': 'another', 'exp': 2_000_000_000})}"}
    for route in ROUTES:
        path = route.path.format(**THERE)
        for headers in ({}, strange):
            asked = guarded.open(path, method=route.method, headers={**headers, **upgrading(route)})
            yield route.endpoint, asked.status_code


def while_the_store_is_down(open_workflow: Open) -> Iterator[tuple[str, int]]:
    workflow = open_workflow()
    client = create_app(workflow, settings=CALLING).test_client()
    dead_letter = a_dead_letter(workflow)
    workflow.close()
    yield from of_good_requests(client, dead_letter)


def with_a_fault_of_ours(open_workflow: Open) -> Iterator[tuple[str, int]]:
    workflow = cast(Workflow, Broken(open_workflow()))
    client = create_app(workflow, settings=CALLING).test_client()
    yield from of_good_requests(client, "none")


def of_good_requests(client: FlaskClient, dead_letter: str) -> Iterator[tuple[str, int]]:
    for route in ROUTES:
        path = route.path.format(**{**THERE, "id": dead_letter})
        body = BODIES.get(route.endpoint)
        answer = client.open(
            path, method=route.method, json=body, headers=upgrading(route), environ_overrides=environ(route)
        )
        yield route.endpoint, answer.status_code


def upgrading(route: Route) -> dict[str, str]:
    """Give the headers without which a WebSocket's route is none."""
    return {"Connection": "Upgrade", "Upgrade": "websocket"} if route.endpoint == "ws" else {}


def environ(route: Route) -> dict[str, Any]:
    """Give what a server would tell a WebSocket's route: its connection, here one that has ended."""
    if route.endpoint != "ws":
        return {}
    with socket.socket() as connection:
        return {"gunicorn.socket": connection}


def of_handshakes(server: Service) -> Iterator[tuple[str, int]]:
    """Shake hands with the WebSocket, well and badly."""
    good = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    for endpoint, path in ((one.endpoint, one.path) for one in ROUTES if one.endpoint in FLAWLESS):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX: {'x' * 9000}\r\n\r\n".encode())
            yield endpoint, int(connection.recv(4096).split()[1])
    keyless = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    for path, headers in (("u1", good), ("u1", ""), ("u1", keyless), ("", good)):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(
                f"GET {PREFIX}/ws/{path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()
            )
            yield "ws", int(connection.recv(4096).split()[1])


def of_signing_in(guarded: FlaskClient) -> Iterator[tuple[str, int]]:
    """Sign in with wrong tokens until it is too often, with the right one, and from a strange page."""
    strange = {"Origin": "http://evil.example"}
    for address, given, headers in (
        ("192.0.2.1", API_TOKEN, {}),
        ("192.0.2.1", API_TOKEN, strange),
        *(("192.0.2.2", "wrong", {}) for _ in range(11)),
    ):
        environ = {"REMOTE_ADDR": address}
        answer = guarded.post("/login", data={"token": given}, headers=headers, environ_overrides=environ)
        yield "sign_in", answer.status_code
    shown = {"Accept": "text/html"}
    environ = {"REMOTE_ADDR": "192.0.2.3"}
    for path, endpoint in (("/login", "sign_in"), ("/logout", "logout")):
        page = guarded.post(path, data={"token": API_TOKEN}, headers=shown, environ_overrides=environ)
        yield endpoint, page.status_code
        guarded.delete_cookie(COOKIE)
    form = "application/x-www-form-urlencoded"
    for data, told in ((b"token=%ff", "9"), (b"", "20000000")):
        length = {"CONTENT_LENGTH": told}
        yield (
            "sign_in",
            guarded.post("/login", data=data, content_type=form, environ_overrides=length).status_code,
        )
    guarded.delete_cookie(COOKIE)


def of_dead_letters_that_are_tried_again(open_workflow: Open) -> Iterator[tuple[str, int]]:
    """Try dead letters again that are taken, wait, are taken in part, are refused, or are for no claim."""
    workflow = open_workflow()
    client = create_app(workflow).test_client()
    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="3.00")
    yield "retry", retry(client, {})
    bad = [{"claim_id": "c2"}, {"claim_id": "c3", "amount": "x"}]
    workflow.fire("detection_complete", user_id="u2", sync_id="s9", claims=bad)
    clock = cast(Any, workflow._clock)
    clock.advance(days=8)
    while workflow.tick():
        pass
    workflow.fire("sync_complete", user_id="u2", sync_id="s9")
    for body in ({"claim_id": 1}, {}):
        yield "retry", retry(client, body, user_id="u2")
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=[{"claim_id": "c4"}])
    yield "retry", retry(client, {"claim_id": "c4"}, user_id="u1")


def of_what_waits_or_is_refused(open_workflow: Open) -> Iterator[tuple[str, int]]:
    client = create_app(open_workflow()).test_client()
    found = {"user_id": "u1", "sync_id": "s1", "claims": [{"claim_id": "c1"}, {"claim_id": "c2"}]}
    for path, endpoint, body in (
        ("payout/reversed", "payout_reversed", {"user_id": "u1", "amount": "1.00"}),
        ("payout/received", "payout_received", {"user_id": "u3", "amount": "1.00"}),
        ("detection/complete", "detection_complete", {"user_id": "u3", "sync_id": "s7"}),
        ("sync/complete", "sync_complete", {"user_id": "u1", "sync_id": "s1"}),
        ("detection/complete", "detection_complete", found),
        ("claim/submitted", "claim_submitted", {"user_id": "u1"}),
        ("evidence-matching/complete", "evidence_matching_complete", {"user_id": "u2"}),
        (
            "evidence-matching/complete",
            "evidence_matching_complete",
            {"user_id": "u1", "matches": [{"claim_id": "c1"}, {}]},
        ),
    ):
        yield endpoint, client.post(f"{PREFIX}/{path}", json=body).status_code


def retry(client: FlaskClient, body: object, user_id: str = "u1") -> int:
    [dead_letter] = client.get(f"{PREFIX}/deadletters?user_id={user_id}").get_json()["deadletters"]
    return client.post(f"{PREFIX}/deadletters/{dead_letter['id']}/retry", json=body).status_code


def a_dead_letter(workflow: Workflow) -> str:
    workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="3.00")
    return str(workflow.dead_letters()[0]["id"])


def test_every_schema_is_one(described: dict[str, Any]) -> None:
    for schema in described["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_every_field_that_is_read_is_described(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    for trigger in claim_lifecycle().triggers:
        if not trigger.timer:
            name = "".join(word.capitalize() for word in trigger.name.split("_"))
            assert set(schemas[name]["properties"]) == set(trigger.table.by_name), name


def test_the_examples_fit_what_is_described(described: dict[str, Any]) -> None:
    shown = 0
    for _, _, operation in operations(described):
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [answer.get("content", {}) for answer in operation["responses"].values()]
        for content in (one for each in contents for one in each.values()):
            schema = {**content["schema"], "components": described["components"]}
            for example in content.get("examples", {}).values():
                jsonschema_rs.validator_for(schema).validate(example["value"])
                shown += 1
    assert shown > len(STORY)


def test_a_service_without_secrets_asks_for_none_and_one_with_them_says_which(workflow: Workflow) -> None:
    plain = document(workflow, ServiceSettings())
    guarded = document(workflow, ServiceSettings.from_environment(ALL))
    asked = {
        operation["operationId"]: [name for one in operation["security"] for name in one]
        for _, _, operation in operations(guarded)
    }

    assert all(operation["security"] == [] for _, _, operation in operations(plain))
    assert asked["sync_complete"] == ["signature", "operator", "token", "session", "csrf"]
    assert asked["status"] == ["operator", "token", "session"]
    assert asked["metrics"] == asked["deadletters"] == ["operator", "session"]
    assert asked["health"] == asked["healthz"] == asked["login"] == asked["sign_in"] == []


def test_a_refusal_answered_200_is_described_so(workflow: Workflow) -> None:
    described = document(workflow, ServiceSettings(refusal_status=200))
    answers = described["paths"][f"{PREFIX}/claim/rejected"]["post"]["responses"]

    assert "409" not in answers
    assert {"$ref": "#/components/schemas/Refused"} in answers["200"]["content"]["application/json"][
        "schema"
    ]["anyOf"]


def test_what_is_sent_outwards_stands_among_the_webhooks(described: dict[str, Any]) -> None:
    assert set(described["webhooks"]) == {"alert", "integrations.start_sync", "integrations.run_detection"}
    assert described["openapi"] == "3.1.0"


def test_where_it_is_mounted_elsewhere_the_description_says_where(workflow: Workflow) -> None:
    app = Flask("elsewhere")
    app.register_blueprint(blueprint(workflow), url_prefix="/claims")

    described = app.test_client().get("/claims/openapi.json").get_json()

    assert described["servers"] == [{"url": "/claims"}]


def test_the_page_shows_every_route_from_this_host_and_without_a_script(client: FlaskClient) -> None:
    answer = client.get("/docs")
    page = answer.get_data(as_text=True)

    for route in ROUTES:
        assert f'id="{route.endpoint}"' in page
        assert route.path in page
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert " style=" not in page
    assert "<style" not in page
    [style] = re.findall(r'rel="stylesheet" href="([^"]+)"', page)
    assert client.get(style).content_type == "text/css; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")


def test_the_ids_on_the_page_are_where_its_links_lead(client: FlaskClient) -> None:
    page = client.get("/docs").get_data(as_text=True)

    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r' id="([^"]+)"', page))
