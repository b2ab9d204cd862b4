"""Settings of the service: what the environment may say of other services, and what is refused how."""

from __future__ import annotations

from typing import Any

import pytest

from webapp.settings import OUTWARDS, ServiceSettings
from workflow_fsm import Settings, SettingsInvalid
from workflow_fsm.settings import variables


def read(**environment: str) -> ServiceSettings:
    return ServiceSettings.from_environment(environment)


def fault(**environment: str) -> str:
    with pytest.raises(SettingsInvalid) as raised:
        read(**environment)
    return str(raised.value)


def test_without_variables_nobody_is_called() -> None:
    settings = read()

    assert settings == ServiceSettings() == read(**dict.fromkeys(variables(ServiceSettings), ""))
    assert (settings.integrations_url, settings.alert_url, settings.run_detection) == (None, None, False)
    assert settings.workflow == Settings()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("https://node.example/", "https://node.example"),
        ("https://node.example:8443/base/path//", "https://node.example:8443/base/path"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_a_base_url_is_kept_without_the_slash_at_its_end(given: str, kept: str) -> None:
    assert read(INTEGRATIONS_URL=given).integrations_url == kept
    assert read(PYTHON_API_URL=given).own_url == kept


@pytest.mark.parametrize("name", ["INTEGRATIONS_URL", "PYTHON_API_URL", "WORKFLOW_ALERT_URL"])
@pytest.mark.parametrize(
    "given",
    [
        "node.example",
        "ftp://node.example",
        "http://",
        "http://:3000",
        "http:///path",
        "http://node.example:port",
        "http://node.example:0",
        "http://node.example:70000",
        "http://[::1",
        "http://a b",
        "http://a\nb",
        "http://nöde.example",
        "http://a\\b",
        "http://user:pa55@node.example",
        "http://key@node.example",
        "http://node.example/#part",
    ],
)
def test_a_url_that_can_t_be_called_is_refused_by_the_variable_s_name(name: str, given: str) -> None:
    told = fault(**{name: given})

    assert told.startswith(f"{name} ")
    assert "pa55" not in told


@pytest.mark.parametrize(
    "given", ["http://node.example?a=1", "http://node.example/x?", "http://node.example#"]
)
def test_a_base_url_has_no_query_since_paths_are_added(given: str) -> None:
    for name in ("INTEGRATIONS_URL", "PYTHON_API_URL"):
        assert "paths are added" in fault(**{name: given})


def test_an_alert_url_may_have_a_query_and_is_kept_as_it_is() -> None:
    assert (
        read(WORKFLOW_ALERT_URL="https://hooks.example/in/?sig=1").alert_url
        == "https://hooks.example/in/?sig=1"
    )


@pytest.mark.parametrize(
    ("environment", "own"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"HOST": "localhost", "PORT": "81"}, "http://localhost:81"),
        ({"HOST": "::1"}, "http://[::1]:8000"),
        ({"PORT": "81", "PYTHON_API_URL": "https://api.example/"}, "https://api.example"),
    ],
)
def test_the_own_url_is_host_and_port_unless_it_is_named(environment: dict[str, str], own: str) -> None:
    assert read(**environment).own_url == own


@pytest.mark.parametrize("given", ["pa55 w0rd", "pa55\n", "pa55\x7f", "pa55ü"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_told(given: str) -> None:
    told = fault(INTEGRATIONS_API_KEY=given)

    assert told.startswith("INTEGRATIONS_API_KEY ")
    assert "pa55" not in told


def test_secrets_are_no_part_of_what_is_printed() -> None:
    settings = read(
        INTEGRATIONS_URL="http://node.example",
        INTEGRATIONS_API_KEY="pa55",
        WORKFLOW_ALERT_URL="https://hooks.example/pa55",
    )

    assert (settings.integrations_api_key, settings.alert_url) == ("pa55", "https://hooks.example/pa55")
    assert "pa55" not in f"{settings!r}{settings}"


@pytest.mark.parametrize("given", ["true", "yes", "2", " 1", "01"])
def test_detection_is_switched_by_0_and_1_alone(given: str) -> None:
    assert fault(WORKFLOW_RUN_DETECTION=given, INTEGRATIONS_URL="http://n") == (
        f"WORKFLOW_RUN_DETECTION is {given!r}; it must be 0 or 1"
    )
    assert read(WORKFLOW_RUN_DETECTION="1", INTEGRATIONS_URL="http://n").run_detection
    assert not read(WORKFLOW_RUN_DETECTION="0").run_detection


def test_detection_needs_a_service_that_runs_it() -> None:
    assert "INTEGRATIONS_URL" in fault(WORKFLOW_RUN_DETECTION="1")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"port": "8000"}, "a port's number, 0 to 65535"),
        ({"port": 65536}, "a port's number, 0 to 65535"),
        ({"port": True}, "a port's number, 0 to 65535"),
        ({"host": None}, "it must be a string"),
        ({"refusal_status": 500}, "it must be 409 or 200"),
        ({"refusal_status": "409"}, "it must be 409 or 200"),
        ({"run_detection": 1, "integrations_url": "http://n"}, "True or False"),
        ({"max_sockets": -1}, "from 0 to 10000"),
        ({"processes": 0}, "a whole number from 1 to 64"),
        ({"processes": "2"}, "a whole number from 1 to 64"),
        ({"integrations_url": "node.example"}, "it must be a URL"),
        ({"integrations_url": "http://node.example/"}, "ends with a slash"),
        ({"integrations_url": 1}, "it must be a string"),
        ({"python_api_url": "http://node.example?a=1"}, "paths are added"),
        ({"integrations_api_key": "a b"}, "holds a blank"),
        ({"alert_url": "http://node.example#part"}, "has a fragment"),
        ({"api_token": "a b"}, "holds a blank"),
        ({"jwt_secret": "short"}, "has 5 bytes"),
        ({"jwt_secret": b"x" * 32}, "it must be a string"),
        ({"webhook_secrets": "whsec_"}, "a tuple of secrets"),
        ({"webhook_secrets": ("whsec_AAAA",)}, "a secret of 3 bytes"),
        ({"run_detection": True}, "the service that runs detection, is unset"),
    ],
)
def test_what_python_gives_is_refused_by_its_field_s_name(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        ServiceSettings(**given)

    assert str(raised.value).startswith(f"{next(iter(given))} ")
    assert told in str(raised.value)


def test_the_library_s_settings_are_read_beside_them_or_given() -> None:
    given = Settings(tries=3)

    assert read(WORKFLOW_EFFECT_TRIES="5", PORT="81").workflow.tries == 5
    settings = ServiceSettings.from_environment({"WORKFLOW_DEFER_TTL": "soon", "PORT": "81"}, workflow=given)
    assert (settings.workflow, settings.port) == (given, 81)


def test_a_worker_reads_what_it_calls_by_and_nothing_that_only_serving_needs() -> None:
    serving = {"WORKFLOW_JWT_SECRET": "short", "WORKFLOW_MAX_SOCKETS": "many", "PORT": "web"}
    calls = {"INTEGRATIONS_URL": "http://n", "WORKFLOW_RUN_DETECTION": "1", "WORKFLOW_ALERT_URL": "http://a"}

    assert set(OUTWARDS) < set(variables(ServiceSettings))
    assert ServiceSettings.for_worker(serving) == ServiceSettings()
    settings = ServiceSettings.for_worker({**serving, **calls, "PYTHON_API_URL": "http://p"})
    assert (settings.integrations_url, settings.alert_url) == ("http://n", "http://a")
    assert (settings.run_detection, settings.own_url) == (True, "http://p")
    with pytest.raises(SettingsInvalid, match=r"^PORT is 'web'"):  # a callback's URL would be made of it
        ServiceSettings.for_worker({**serving, **calls})
