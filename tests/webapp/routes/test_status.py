"""Reads: user ids of any kind in a path over a real socket, and what a query may say."""

from __future__ import annotations

import re
from http.client import HTTPConnection
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.webapp.conftest import Api
from tests.webapp.services import Service
from webapp import blueprint
from webapp.http.problem_kinds import DOCS
from webapp.routes.webhooks import PREFIX
from workflow_fsm.workflow import Workflow

ODD_USERS = [
    "a/b?c#d%20",
    "/x",
    "x/",
    "//",
    ".",
    "..",
    "../..",
    "a//b",
    "%2F",
    "%2f",
    "a b+c",
    "ü/€",
    ";a=b",
    "a&b=c",
]


@pytest.mark.parametrize("user_id", ODD_USERS)
@pytest.mark.parametrize("read", ["status", "history"])
def test_a_user_id_in_a_path_is_any_string(server: Service, api: Api, user_id: str, read: str) -> None:
    api.post("sync/complete", {"user_id": user_id, "event_id": "e", "sync_id": "s"})

    upper = quote(user_id, safe="")
    lower = re.sub("%..", lambda code: code[0].lower(), upper)
    for spelled in (upper, lower, quote(user_id, safe="/;&=+")):
        code, told = server.get_raw(f"{PREFIX}/{read}/{spelled}?limit=1")
        assert code == 200, spelled
        assert user_id == told["user_id"] if read == "status" else told["history"][0]["event_id"] == "e"


def test_the_whole_url_as_a_request_target_is_read_alike(server: Service, api: Api, user: str) -> None:
    api.post("sync/complete", {"user_id": f"{user}//é"})

    code, told = server.get_raw(f"http://localhost{PREFIX}/status/{user}%2F/%C3%A9")
    assert (code, told["user_id"]) == (200, f"{user}//é")


@pytest.mark.parametrize("target", ["/{}", "//{}", "/api//v1/workflow/{}", "/{}/", "/{}/?", "/x/../{}"])
def test_no_path_is_answered_with_a_redirect(server: Service, target: str) -> None:
    for route in (f"{PREFIX[1:]}/health", f"{PREFIX[1:]}/status", f"{PREFIX[1:]}/status/u//"):
        code, _ = server.get_raw(target.format(route))
        assert code in (200, 404)


def test_an_unknown_user_is_404(client: FlaskClient) -> None:
    for read in ("status", "history"):
        response = client.get(f"{PREFIX}/{read}/nobody")
        assert response.status_code == 404
        assert response.content_type == "application/problem+json"
        told = response.get_json(force=True)
        assert (told["type"], told["user_id"]) == (f"{DOCS}/unknown-user", "nobody")


def test_a_path_without_a_user_is_an_unknown_route(client: FlaskClient) -> None:
    for path in (f"{PREFIX}/status", f"{PREFIX}/status/"):
        response = client.get(path)
        assert response.status_code == 404
        assert response.get_json(force=True)["type"] == f"{DOCS}/unknown-route"


def test_a_user_id_that_is_no_utf8_is_400(server: Service) -> None:
    code, told = server.get_raw(f"{PREFIX}/status/%ff")

    assert code == 400
    assert [error["field"] for error in told["errors"]] == ["user_id"]


def test_every_wrong_parameter_is_named_at_once(client: FlaskClient) -> None:
    client.post(f"{PREFIX}/sync/complete", json={"user_id": "u"})
    response = client.get(f"{PREFIX}/status/u?limit=0&cursor=x&claim_id=")

    assert response.status_code == 400
    told = response.get_json(force=True)
    assert told["type"] == f"{DOCS}/invalid-request"
    assert [error["field"] for error in told["errors"]] == ["claim_id", "limit", "cursor"]


@pytest.mark.parametrize(
    "query",
    [
        *(
            f"limit={value}"
            for value in ("0", "1001", "-1", "1.0", "1e2", "%2B1", "", "x", "%D9%A1", "1" * 5000)
        ),
        *(f"cursor={value}" for value in ("0", "-1", "", "x")),
        "limit=1&limit=2",
        "claim_id=%FF",
    ],
)
def test_a_bad_query_is_400(client: FlaskClient, query: str) -> None:
    client.post(f"{PREFIX}/sync/complete", json={"user_id": "u"})

    for read in ("status", "history"):
        assert client.get(f"{PREFIX}/{read}/u?{query}").status_code == 400


@pytest.mark.parametrize(
    "query", ["limit=1", "limit=1000", "cursor=1", "cursor=99999999999999999999", "other=x"]
)
def test_a_good_query_is_200(client: FlaskClient, query: str) -> None:
    client.post(f"{PREFIX}/sync/complete", json={"user_id": "u"})

    for read in ("status", "history"):
        assert client.get(f"{PREFIX}/{read}/u?{query}").status_code == 200


def test_history_is_read_page_by_page(client: FlaskClient) -> None:
    for sync in ("s1", "s2", "s3"):
        client.post(f"{PREFIX}/sync/complete", json={"user_id": "u", "sync_id": sync, "event_id": sync})

    seen, query = [], "limit=2"
    while query:
        page = client.get(f"{PREFIX}/history/u?{query}").get_json()
        seen.append([row["event_id"] for row in page["history"]])
        query = page["next_cursor"] and f"limit=2&cursor={page['next_cursor']}"
    assert seen == [["s1", "s2"], ["s3"]]


def test_what_waits_is_read_page_by_page_beside_the_claims(client: FlaskClient) -> None:
    for number in range(5):
        body = {"user_id": "u", "claim_id": "c", "amount": "1.00", "event_id": f"w{number}"}
        client.post(f"{PREFIX}/payout/received", json=body)

    seen, query = [], "limit=2"
    while query:
        page = client.get(f"{PREFIX}/status/u?{query}").get_json()
        seen.append([one["event_id"] for one in page["deferred"]])
        query = page["next_cursor"] and f"limit=2&cursor={page['next_cursor']}"
    assert seen == [["w0", "w1"], ["w2", "w3"], ["w4"]]

    refused = client.get(f"{PREFIX}/status/u?cursor=1.2")
    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (400, "cursor")


def test_syncs_are_read_page_by_page_beside_the_claims(client: FlaskClient) -> None:
    for number in range(5):
        client.post(f"{PREFIX}/sync/complete", json={"user_id": "u", "sync_id": f"s{number}"})
        client.post(
            f"{PREFIX}/detection/complete", json={"user_id": "u", "claims": [], "event_id": f"d{number}"}
        )

    seen, query = [], "limit=2"
    while query:
        page = client.get(f"{PREFIX}/status/u?{query}").get_json()
        seen.append([one["sync_id"] for one in page["syncs"]])
        query = page["next_cursor"] and f"limit=2&cursor={page['next_cursor']}"
    assert seen == [["s0", "s1"], ["s2", "s3"], ["s4"]]


def test_a_read_can_ask_for_one_claim_or_one_sync(client: FlaskClient) -> None:
    for sync in ("s1", "s2"):
        client.post(f"{PREFIX}/sync/complete", json={"user_id": "u", "sync_id": sync})

    history = client.get(f"{PREFIX}/history/u?sync_id=s2").get_json()["history"]
    assert [row["sync_id"] for row in history] == ["s2"]
    assert client.get(f"{PREFIX}/status/u?claim_id=none").get_json()["claims"] == []


def test_a_mounted_blueprint_reads_any_user_id_too(workflow: Workflow) -> None:
    app = Flask("a stranger's")
    app.register_blueprint(blueprint(workflow), url_prefix="/claims")
    client = app.test_client()
    client.post(f"/claims{PREFIX}/sync/complete", json={"user_id": "/x//y"})

    for path, script in ((f"/claims{PREFIX}", ""), (f"/outer/claims{PREFIX}", "/outer")):
        response = client.get(
            f"{path.removeprefix(script)}/status/%2Fx//y",
            environ_overrides={"SCRIPT_NAME": script, "RAW_URI": f"{path}/status/%2Fx%2F/y?limit=1"},
        )
        assert response.get_json()["user_id"] == "/x//y"


def test_a_mounted_blueprint_answers_no_redirect_either(workflow: Workflow) -> None:
    app = Flask("a stranger's")
    app.register_blueprint(blueprint(workflow))
    client = app.test_client()

    for path in (
        f"/{PREFIX}/health",
        f"{PREFIX}//health",
        f"{PREFIX}/health/",
        f"{PREFIX}/status//",
        "//healthz",
    ):
        # As a server has it: the client takes what stands behind two slashes for a host.
        answer = client.get("/", environ_overrides={"PATH_INFO": path})
        assert answer.status_code in (200, 404)


def test_a_server_that_keeps_no_raw_uri_does_too(client: FlaskClient) -> None:
    client.post(f"{PREFIX}/sync/complete", json={"user_id": "/x//ü"})
    response = client.get(
        f"{PREFIX}/status/%2Fx//%C3%BC", environ_overrides={"RAW_URI": "", "REQUEST_URI": ""}
    )

    assert response.get_json()["user_id"] == "/x//ü"


def test_head_and_options_are_answered(server: Service, api: Api, user: str) -> None:
    api.post("sync/complete", {"user_id": user})
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        for method in ("HEAD", "OPTIONS"):
            connection.request(method, f"{PREFIX}/status/{user}")
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"")
        assert set(str(response.getheader("Allow")).split(", ")) == {"GET", "HEAD", "OPTIONS"}
    finally:
        connection.close()
