"""Where requests come from: hosts, pages and proxies that are let in, and those that are not."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.webapp.conftest import Api
from tests.webapp.http import keys
from tests.webapp.http.keys import ALL, TOKEN
from tests.webapp.services import Service, StartService
from tests.webapp.ws.following import Listener, Refused
from webapp.http.problem_kinds import DOCS
from webapp.paths import PREFIX

Visit = Callable[..., FlaskClient]
STATUS, SYNC = f"{PREFIX}/status/u1", f"{PREFIX}/sync/complete"
OURS = (
    "localhost",
    "localhost:8000",
    "127.0.0.1",
    "127.8.7.6:81",
    "[::1]",
    "[::1]:8000",
    "LOCALHOST",
    "localhost.",
)
STRANGE = (
    *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"),
    *(
        "localhost,evil.example",
        "evil.example@localhost",
        "localhost:x",
        "a b",
        "[::1",
        "[::2]",
        "127.1",
        "0",
    ),
)


def code(client: FlaskClient, headers: Mapping[str, str], path: str = STATUS) -> int:
    """Give the code of a read; 404 is for who was let in, of a user who isn't known."""
    environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    response = client.get(path, environ_overrides=environ)
    if response.status_code == 403:
        assert response.content_type == "application/problem+json"
        assert response.get_json(force=True)["type"] == f"{DOCS}/origin-refused"
    return response.status_code


def raw(service: Service, *lines: str) -> bytes:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("host", OURS)
def test_while_it_is_open_it_is_called_by_the_names_of_this_machine(visit: Visit, host: str) -> None:
    assert code(visit(), {"Host": host}) == 404


@pytest.mark.parametrize("host", STRANGE)
def test_while_it_is_open_it_is_called_by_no_other_name(visit: Visit, host: str) -> None:
    assert code(visit(), {"Host": host}) == 403
    assert code(visit(), {"Host": host}, "/healthz") == 403


def test_over_the_wire_a_strange_host_is_refused_with_a_sentence(server: Service) -> None:
    for path in ("/healthz", f"{PREFIX}/health", STATUS, "/metrics", "/docs", "/openapi.json"):
        answer = raw(server, f"GET {path} HTTP/1.1", "Host: evil.example")
        assert answer.startswith(b"HTTP/1.1 403 "), answer
        assert b"Content-Type: application/problem+json" in answer
        assert b"'evil.example'" in answer
        assert b"WORKFLOW_ALLOWED_HOSTS" in answer
    twice = raw(server, "GET /healthz HTTP/1.1", "Host: localhost", "Host: evil.example")
    assert twice.split()[1] in (b"400", b"403")
    assert raw(server, "GET /healthz HTTP/1.0").startswith(b"HTTP/1.0 200 ")


def test_hosts_that_are_named_and_that_of_the_own_url_are_let_in_too(visit: Visit) -> None:
    client = visit(
        WORKFLOW_ALLOWED_HOSTS="claims.example, .shop.example,2001:db8::1",
        PYTHON_API_URL="https://own.example/wf",
    )
    for host in (
        *("claims.example", "Claims.Example:8000", "shop.example", "a.b.shop.example", "own.example:81"),
        *("localhost", "[2001:db8::1]:80"),
    ):
        assert code(client, {"Host": host}) == 404, host
    for host in (
        "a.claims.example",
        "eshop.example",
        "claims.example.evil",
        "own.example.evil",
        "[2001:db8::2]",
    ):
        assert code(client, {"Host": host}) == 403, host


def test_where_credentials_are_asked_for_any_host_will_do_until_some_are_named(visit: Visit) -> None:
    operator = keys.bearer(keys.API_TOKEN)

    assert code(visit(**ALL), {"Host": "any.example", **operator}) == 404
    named = visit(**ALL, WORKFLOW_ALLOWED_HOSTS="claims.example")
    assert code(named, {"Host": "claims.example", **operator}) == 404
    assert code(named, {"Host": "any.example", **operator}) == 403
    assert code(named, {"Host": "10.0.0.7", **operator}, "/healthz") == 200  # as probes call it


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://localhost.evil.example", "null", "", "file://", "localhost", "http://",
     "http://localhost, http://evil.example", "http://evil.example@localhost", "http://localhost/evil",
     "chrome-extension://localhost", "http://10.0.0.1"],
)  # fmt: skip
def test_while_it_is_open_no_page_of_another_host_posts_or_reads(client: FlaskClient, origin: str) -> None:
    posted = client.post(SYNC, json={"user_id": "u1"}, headers={"Origin": origin})
    retried = client.post(f"{PREFIX}/deadletters/x/retry", headers={"Origin": origin})

    assert [posted.status_code, retried.status_code] == [403, 403]
    assert "A page of " in posted.get_json(force=True)["detail"]
    assert code(client, {"Origin": origin}) == 403
    assert code(client, {}) == 404  # nothing was kept


def test_while_it_is_open_this_machines_own_pages_post(client: FlaskClient) -> None:
    for origin in ("http://localhost", "http://127.0.0.1:3000", "https://[::1]:8443"):
        posted = client.post(SYNC, json={"user_id": "u1", "sync_id": origin}, headers={"Origin": origin})
        assert posted.status_code == 200


def test_while_it_is_open_no_page_of_another_host_opens_a_websocket(server: Service, user: str) -> None:
    with pytest.raises(Refused) as refused:
        Listener(server.port, user, headers=(("Origin", "http://evil.example"),))
    assert (refused.value.code, refused.value.body["type"]) == (403, f"{DOCS}/origin-refused")

    with Listener(server.port, user, headers=(("Origin", f"http://127.0.0.1:{server.port}"),)) as listener:
        assert listener.is_silent(0.1)


def test_where_a_token_is_asked_for_a_page_of_any_host_that_has_one_may_use_it(visit: Visit) -> None:
    headers = {"Origin": "https://app.example", **keys.bearer(keys.API_TOKEN)}

    assert code(visit(**ALL), headers) == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", "localhost"),
        ("X-Forwarded-Prefix", "/wf"),
        ("X-Forwarded-Anything", ""),
        ("X-Real-IP", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
    ],
)
@pytest.mark.parametrize("proxies", ["", "1"])
def test_while_it_is_open_what_a_proxy_handed_on_is_refused(
    visit: Visit, name: str, value: str, proxies: str
) -> None:
    client = visit(WORKFLOW_TRUSTED_PROXIES=proxies)
    environ = {"HTTP_" + name.upper().replace("-", "_"): value}
    response = client.get(STATUS, environ_overrides=environ)

    assert response.status_code == 403
    assert f"as {name.title()} tells" in response.get_json(force=True)["detail"]
    assert code(client, {name: value}, "/healthz") == 403


@pytest.fixture(scope="module")
def proxied(start_shared: StartService) -> Service:
    """A service behind two proxies."""
    return start_shared(**TOKEN, WORKFLOW_TRUSTED_PROXIES="2")


def get(service: Service, path: str, **headers: str) -> Any:
    with Api(service.url)._session as session:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return session.get(service.url + path, headers={**keys.bearer(keys.API_TOKEN), **told}, timeout=10)


def test_behind_proxies_links_bear_the_prefix_that_they_took_away(proxied: Service) -> None:
    forwarded = {"X_Forwarded_Prefix": "/wf, /wf", "X_Forwarded_Proto": "https, https"}

    described = get(proxied, "/openapi.json", **forwarded).json()
    page = get(proxied, "/docs", **forwarded).text

    assert described["servers"] == [{"url": "/wf"}]
    assert 'href="/wf/docs/style.css"' in page
    assert 'href="openapi.json"' in page  # beside /wf/docs
    assert get(proxied, "/openapi.json").json()["servers"] == [{"url": "/"}]


@pytest.mark.parametrize("prefix", ["/wf", "/api", f"{PREFIX}", "/"])
def test_behind_proxies_a_user_id_is_read_from_the_path_as_it_came(
    proxied: Service, user: str, prefix: str
) -> None:
    forwarded = {"X_Forwarded_Prefix": f"{prefix},{prefix}"}
    told = get(proxied, f"{PREFIX}/status/a%2F%2F{user}", **forwarded)

    assert (told.status_code, told.json()["user_id"]) == (404, f"a//{user}")


def test_a_proxy_too_few_is_believed_nothing(proxied: Service) -> None:
    assert get(proxied, "/openapi.json", X_Forwarded_Prefix="/wf").json()["servers"] == [{"url": "/"}]


def test_the_remote_address_is_the_one_that_the_outermost_trusted_proxy_saw(visit: Visit) -> None:
    client = visit(**TOKEN, WORKFLOW_TRUSTED_PROXIES="2")
    seen: list[str | None] = []

    @client.application.after_request
    def see(response: Any) -> Any:
        from flask import request

        seen.append(request.remote_addr)
        return response

    for told in ("9.9.9.9, 192.0.2.7, 10.0.0.2", "192.0.2.7, 10.0.0.2", "10.0.0.2", ""):
        client.get("/healthz", environ_overrides={"HTTP_X_FORWARDED_FOR": told})

    assert seen == ["192.0.2.7", "192.0.2.7", "127.0.0.1", "127.0.0.1"]


def test_without_trusted_proxies_nothing_that_is_forwarded_is_believed(visit: Visit) -> None:
    described = visit(**TOKEN).get(
        "/openapi.json",
        headers={
            **keys.bearer(keys.API_TOKEN),
            "X-Forwarded-Prefix": "/wf",
            "X-Forwarded-Host": "evil.example",
        },
    )

    assert described.get_json()["servers"] == [{"url": "/"}]


def test_a_server_that_mounts_it_under_a_script_name_has_its_links_right(start_service: StartService) -> None:
    service = start_service(**TOKEN, SCRIPT_NAME="/wf")

    assert get(service, "/wf/openapi.json").json()["servers"] == [{"url": "/wf"}]
    assert 'href="/wf/docs/style.css"' in get(service, "/wf/docs").text
    assert get(service, f"/wf{PREFIX}/status/a%2F%2Fb").json()["user_id"] == "a//b"
