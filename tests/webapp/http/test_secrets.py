"""Secrets: what the environment may say of them, and that nobody is ever told them."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click import Group
from click.testing import CliRunner

from tests.webapp.conftest import Api
from tests.webapp.http import keys
from tests.webapp.http.keys import ALL, API_TOKEN, EVERY_SECRET, JWT_SECRET, NEW, OLD
from tests.webapp.services import Service, Start
from webapp.routes.webhooks import PREFIX
from webapp.server.serving import exposed
from webapp.server.startup import REFUSED
from webapp.settings import ServiceSettings
from workflow_fsm import SettingsInvalid
from workflow_fsm.cli.commands import main
from workflow_fsm.workflow import utc_now


def secret(raw: bytes) -> str:
    return "whsec_" + base64.b64encode(raw).decode()


def fault(**environment: str) -> str:
    with pytest.raises(SettingsInvalid) as raised:
        ServiceSettings.from_environment(environment)
    return str(raised.value)


def told_of(text: str) -> list[str]:
    """List the secrets that stand in a text, whole or without what they begin with."""
    return [one for one in EVERY_SECRET if one in text or one.removeprefix("whsec_") in text]


def test_without_variables_nobody_is_asked() -> None:
    assert ServiceSettings.from_environment({}) == ServiceSettings()
    assert ServiceSettings.from_environment(dict.fromkeys(ALL, "")) == ServiceSettings()
    assert not ServiceSettings().asks_for_credentials


@pytest.mark.parametrize("name", ALL)
def test_any_of_the_three_makes_it_ask(name: str) -> None:
    settings = ServiceSettings.from_environment({name: ALL[name], "HOST": "0.0.0.0"})

    assert settings.asks_for_credentials
    assert not exposed(settings)
    assert exposed(replace(settings, webhook_secrets=(), api_token=None, jwt_secret=None))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (NEW, (NEW,)),
        (f"{NEW},{OLD}", (NEW, OLD)),
        (f" {NEW} , {OLD} ,", (NEW, OLD)),
        (secret(b"x" * 24), (secret(b"x" * 24),)),
        (secret(b"x" * 64), (secret(b"x" * 64),)),
        (NEW.rstrip("="), (NEW.rstrip("="),)),
    ],
)
def test_webhook_secrets_are_listed_with_commas(given: str, kept: tuple[str, ...]) -> None:
    assert ServiceSettings.from_environment({"WORKFLOW_WEBHOOK_SECRETS": given}).webhook_secrets == kept


@pytest.mark.parametrize(
    "given",
    [
        ",",
        " , ",
        "whsec_",
        "whsec_=",
        "whsec_AAAA",
        "pa55" * 12,
        NEW.removeprefix("whsec_"),
        NEW.upper(),
        f"{NEW};{OLD}",
        f"{NEW} {OLD}",
        f"{NEW},pa55",
        "whsec_" + "pa55" * 8 + "A",
        "whsec_" + "pa55" * 8 + "A===",
        "whsec_" + "pa55-_" * 8,
        "whsec_" + "pä55" * 12,
        secret(b"x" * 23),
        secret(b"x" * 65),
    ],
)
def test_a_webhook_secret_that_is_none_is_refused_and_not_told(given: str) -> None:
    told = fault(WORKFLOW_WEBHOOK_SECRETS=given)

    assert told.startswith("WORKFLOW_WEBHOOK_SECRETS ")
    assert "pa55" not in told
    assert not told_of(told)


@pytest.mark.parametrize("given", ["pa55 w0rd", "pa55\n", "pa55\x7f", "pa55ü", "\udcff"])
def test_an_api_token_that_no_header_can_carry_is_refused_and_not_told(given: str) -> None:
    told = fault(WORKFLOW_API_TOKEN=given)

    assert told.startswith("WORKFLOW_API_TOKEN ")
    assert "pa55" not in told


def test_the_operators_token_has_sixteen_characters_at_least() -> None:
    told = fault(WORKFLOW_API_TOKEN="pa55" * 3 + "abc")

    assert told.startswith("WORKFLOW_API_TOKEN has 15 characters; it must have at least 16")
    assert "pa55" not in told
    assert ServiceSettings(api_token="x" * 16).api_token == "x" * 16
    with pytest.raises(SettingsInvalid, match="api_token has 5 characters"):
        ServiceSettings(api_token="short")
    assert ServiceSettings(integrations_api_key="short").integrations_api_key == "short"


@pytest.mark.parametrize("name", ["WORKFLOW_JWT_AUDIENCE", "WORKFLOW_JWT_ISSUER"])
def test_whom_tokens_are_for_can_t_be_asked_where_there_are_none(name: str) -> None:
    assert f"({name}) is set, but jwt_secret (WORKFLOW_JWT_SECRET)" in fault(**{name: "claims"})
    assert fault(**keys.JWT, **{name: " claims"}).startswith(f"{name} begins or ends with a blank")


@pytest.mark.parametrize(
    "given",
    [
        "pa55",
        "pa55" * 7 + "abc",
        "pa55" * 8 + "\n",
        " " + "pa55" * 8,
        "pa55" * 8 + "\udcff",
        "-----BEGIN PUBLIC KEY-----\npa55pa55\n-----END PUBLIC KEY-----",
        "ssh-rsa pa55pa55pa55pa55pa55pa55pa55pa55",
    ],
)
def test_a_jwt_secret_that_protects_nothing_is_refused_and_not_told(given: str) -> None:
    told = fault(WORKFLOW_JWT_SECRET=given)

    assert told.startswith("WORKFLOW_JWT_SECRET ")
    assert "pa55" not in told


def test_a_jwt_secret_of_thirty_two_bytes_will_do_in_any_alphabet() -> None:
    for given in ("x" * 32, "ü" * 16, "with blanks, and\nlines in the middle"):
        assert ServiceSettings.from_environment({"WORKFLOW_JWT_SECRET": given}).jwt_secret == given
    assert "31 bytes; HS256 needs at least 32" in fault(WORKFLOW_JWT_SECRET="x" * 31)


def test_settings_made_by_hand_are_held_to_the_same() -> None:
    wrong: list[dict[str, Any]] = [{"webhook_secrets": ("",)}, {"api_token": ""}, {"jwt_secret": ""}]
    for made in wrong:
        with pytest.raises(SettingsInvalid):
            ServiceSettings(**made)


def test_secrets_are_no_part_of_what_is_printed() -> None:
    settings = ServiceSettings.from_environment(ALL)

    assert settings.webhook_secrets == (NEW, OLD)
    assert (settings.api_token, settings.jwt_secret) == (API_TOKEN, JWT_SECRET)
    assert not told_of(f"{settings!r}{settings}{replace(settings, port=1)!r}")


def commands(group: Group, *path: str) -> list[list[str]]:
    found = [[*path]]
    for name, command in group.commands.items():
        found += commands(command, *path, name) if isinstance(command, Group) else [[*path, name]]
    return found


def test_help_tells_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ALL.items():
        monkeypatch.setenv(name, value)
    for command in commands(main):
        told = CliRunner().invoke(main, [*command, "--help"])
        assert told.exit_code == 0
        assert not told_of(told.output), command


def test_a_command_that_fails_tells_no_secret(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PORT": "0",
        "WORKFLOW_DATABASE_URL": f"sqlite:///{tmp_path / 'claims.db'}",
    }
    for wrong in (
        {**ALL, "PORT": "x"},
        {**ALL, "WORKFLOW_JWT_SECRET": JWT_SECRET + " "},
        {**ALL, "WORKFLOW_API_TOKEN": API_TOKEN + "\n"},
        {**ALL, "WORKFLOW_WEBHOOK_SECRETS": f"{NEW},{OLD}="},
    ):
        done = subprocess.run(
            [sys.executable, "-m", "workflow_fsm", "serve"],
            env={**environment, **wrong},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode not in (0, None)
        assert "Traceback" not in done.stderr
        assert not told_of(done.stdout + done.stderr)


@pytest.fixture(scope="module")
def closed(start_shared: Callable[..., Service]) -> Service:
    """A service with all three secrets, on every address of this machine."""
    return start_shared(**ALL, HOST="0.0.0.0")


@pytest.fixture
def own(closed: Service) -> Api:
    return Api(f"http://127.0.0.1:{closed.port}")


def test_a_running_service_asks_and_its_log_tells_no_secret(closed: Service, own: Api, user: str) -> None:
    body = f'{{"user_id": "{user}"}}'.encode()
    json, now = {"Content-Type": "application/json"}, utc_now()
    worker, reader = keys.holder(now, sub="w1", role="service_worker"), keys.holder(now, sub=user)

    def post(headers: dict[str, str]) -> int:
        return own.post("sync/complete", data=body, headers={**json, **headers}).status_code

    def get(route: str, headers: dict[str, str]) -> int:
        return own._session.get(f"{own._prefix}/{route}", headers=headers, timeout=10).status_code

    assert get("health", {}) == 200
    assert [post({}), post(keys.signed(body, now, of=keys.STRANGE)), post(reader)] == [401, 401, 403]
    assert [post(keys.signed(body, now)), post(keys.signed(body, now, of=OLD)), post(worker)] == [
        200,
        200,
        200,
    ]
    assert [get(f"status/{user}", one) for one in ({}, reader, worker)] == [401, 200, 403]
    assert [get("deadletters", one) for one in (reader, keys.bearer(API_TOKEN))] == [403, 200]
    assert get(f"status/{user}?token={API_TOKEN}&cursor=x", {}) == 401
    assert get(f"no/{user}?token={API_TOKEN}", keys.bearer(API_TOKEN)) == 404
    closed.line_of(f"{PREFIX}/no/{user}")

    log = closed.log.read_text()
    assert not told_of(log)
    for token in (worker, reader):
        assert token["Authorization"].rpartition(".")[2] not in log
    assert {"unauthorized", "forbidden"} <= {line.get("outcome") for line in closed.lines()}


def shake(service: Service, path: str, *lines: str) -> int:
    """Ask for a WebSocket; give the code that is answered."""
    head = [
        f"GET {PREFIX}/{path} HTTP/1.1",
        "Host: x",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall("\r\n".join([*head, *lines, "", ""]).encode())
        return int(connection.recv(65536).split()[1])


def test_a_websocket_takes_a_token_in_its_query_and_the_log_tells_none(closed: Service) -> None:
    now = utc_now()

    def held(**claims: object) -> str:
        return keys.holder(now, **claims)["Authorization"].removeprefix("Bearer ")

    own, other = held(sub="u1"), held(sub="u2")
    expired = held(sub="u1", exp=int(now.timestamp()) - 1)
    worker = held(sub="w1", role="service_worker")
    assert [shake(closed, "ws/u1"), shake(closed, "ws/u1?token="), shake(closed, "ws/u1?token=x")] == [
        401
    ] * 3
    assert [shake(closed, f"ws/u1?token={one}") for one in (own, API_TOKEN)] == [101, 101]
    assert [shake(closed, f"ws/u1?since=0&token={one}") for one in (other, worker, expired)] == [
        403,
        403,
        401,
    ]
    assert shake(closed, "ws/u1", f"Authorization: Bearer {own}") == 101
    assert shake(closed, "ws/u1", f"Authorization: Bearer {other}") == 403

    log = closed.log.read_text()
    assert not told_of(log)
    assert not [one for one in (own, other, expired, worker) if one.rpartition(".")[2] in log]


@pytest.mark.parametrize(
    "lines",
    [
        ["webhook-signature: v1,\xff", "webhook-timestamp: \xff", "webhook-id: \xff"],
        ["webhook-signature: v1,A", "webhook-signature: v1,B"],
        ["webhook-timestamp: 1", "webhook-timestamp: 2", "webhook-signature: v1,A", "webhook-id: x"],
        ["webhook-id: a", "webhook-id: b", "webhook-signature: v1,A", "webhook-timestamp: 0"],
        ["webhook_signature: v1,A", "webhook_id: x", "webhook_timestamp: 1"],
        ["webhook-signature:", "webhook-timestamp:", "webhook-id:"],
        ["webhook-signature: v1,\x00"],
        ["webhook-signature: v1,A\r\n continued: B"],
        ["webhook-signature: " + "v1,A " * 1500],
        ["Authorization: Bearer a", "Authorization: Bearer b"],
        ["Authorization: Bearer \xff"],
        ["Authorization: " + "Bearer " * 500],
        ["Authorization:"],
        [f"Authorization: Bearer {API_TOKEN}", f"Authorization: Bearer {API_TOKEN}"],
        [f"Authorization : Bearer {API_TOKEN}"],
    ],
)
def test_headers_as_they_come_over_the_wire_are_401_or_400(closed: Service, lines: list[str]) -> None:
    head = [f"POST {PREFIX}/sync/complete HTTP/1.1", "Host: x", "Content-Type: application/json"]
    sent = "\r\n".join([*head, "Content-Length: 2", *lines, "", ""]).encode("latin-1") + b"{}"
    with socket.create_connection(("127.0.0.1", closed.port), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert int(answer.split()[1]) in (400, 401), answer
    assert API_TOKEN.encode() not in answer


def test_it_listens_for_others_once_any_of_the_three_is_set(
    start_process: Start, closed: Service, tmp_path: Path
) -> None:
    assert closed.process.returncode is None
    process = start_process(tmp_path / "log", HOST="0.0.0.0", **dict.fromkeys(ALL, ""))
    told = process.complaint(timeout=20)

    assert process.returncode == REFUSED
    assert all(name in told for name in ALL)
