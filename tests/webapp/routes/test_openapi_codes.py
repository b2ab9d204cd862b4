"""The codes that the description tells are those that can be produced, each by some request."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

from flask.testing import FlaskClient

from tests.docs.examples import STORY
from tests.webapp.http.keys import API_TOKEN, Open, token
from tests.webapp.routes.described import operations
from tests.webapp.services import Service
from webapp import create_app
from webapp.access import authorization
from webapp.access.sessions import COOKIE
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
