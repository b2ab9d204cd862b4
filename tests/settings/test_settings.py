"""Settings: what the environment may say of other services, and what it is told where it can't be used."""

from __future__ import annotations

import pytest

from workflow_fsm import Settings, SettingsInvalid


def read(**environment: str) -> Settings:
    return Settings.from_environment(environment)


def fault(**environment: str) -> str:
    with pytest.raises(SettingsInvalid) as raised:
        read(**environment)
    return str(raised.value)


def test_without_variables_nobody_is_called() -> None:
    settings = read()

    assert settings == Settings() == read(INTEGRATIONS_URL="", WORKFLOW_ALERT_URL="", WORKFLOW_HANDLERS="")
    assert (settings.integrations_url, settings.alert_url, settings.run_detection) == (None, None, False)
    assert settings.handlers == ()


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


def test_handler_modules_are_named_one_after_the_other() -> None:
    assert read(WORKFLOW_HANDLERS="a.b, c ,,").handlers == ("a.b", "c")
