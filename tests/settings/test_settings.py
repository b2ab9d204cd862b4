"""Settings: what the library reads of the environment, and that what Python gives is checked alike."""

from __future__ import annotations

import os
from dataclasses import FrozenInstanceError
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.settings.unusable import UNUSABLE
from webapp.settings import ServiceSettings
from workflow_fsm import Settings, SettingsInvalid, Workflow
from workflow_fsm.settings import variables


def read(**environment: str) -> Settings:
    return Settings.from_environment(environment)


def fault(**environment: str) -> str:
    with pytest.raises(SettingsInvalid) as raised:
        read(**environment)
    return str(raised.value)


def test_without_variables_or_with_empty_ones_the_defaults_hold() -> None:
    assert read() == Settings() == read(**dict.fromkeys(variables(Settings), ""))
    assert Settings().defer == timedelta(days=7)
    assert (Settings().tries, Settings().pause_seconds, Settings().handlers) == (8, 1.0, ())


def test_what_is_the_service_s_alone_stops_no_store_from_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(UNUSABLE) == set(variables(ServiceSettings))
    assert not set(UNUSABLE) & set(variables(Settings))
    for name, value in UNUSABLE.items():
        monkeypatch.setenv(name, value)

    with Workflow.open(f"sqlite:///{tmp_path / 'claims.db'}") as workflow:
        assert workflow.fire("sync_complete", user_id="u1", sync_id="s1").status == "applied"
        assert workflow.settings == Settings.from_environment()


def test_each_variable_is_the_library_s_or_the_service_s_and_the_page_says_whose() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "variables.md").read_text(encoding="utf-8")
    _, library, service = page.partition("## Who may use a route")[0].split("\n## ")

    for told, settings in ((library, Settings), (service, ServiceSettings)):
        rows = [line.split("|")[1] for line in told.splitlines() if line.startswith("| `")]
        assert sorted(name for row in rows for name in row.replace("`", "").split(",")) == sorted(
            f" {name} " for name in variables(settings)
        )


def test_one_module_of_each_package_reads_the_environment() -> None:
    root = Path(__file__).parents[2]
    reading = {
        path.relative_to(root).as_posix()
        for package in ("workflow_fsm", "webapp")
        for path in (root / package).rglob("*.py")
        if "os.environ" in (text := path.read_text(encoding="utf-8")) or "getenv" in text
    }

    prometheus_s = {"webapp/routes/metrics.py"}  # looks for PROMETHEUS_MULTIPROC_DIR, which is not ours
    assert reading - prometheus_s == {"workflow_fsm/settings.py"}  # webapp/settings.py reads by it


def test_handler_modules_are_named_one_after_the_other() -> None:
    assert read(WORKFLOW_HANDLERS="a.b, c ,,").handlers == ("a.b", "c")


@pytest.mark.parametrize(
    ("given", "waits"),
    [
        ("100ms", timedelta(milliseconds=100)),
        ("30s", timedelta(seconds=30)),
        ("1.5m", timedelta(seconds=90)),
        ("36h", timedelta(hours=36)),
        ("36500d", timedelta(days=36500)),
    ],
)
def test_a_duration_is_a_number_and_its_unit(given: str, waits: timedelta) -> None:
    assert read(WORKFLOW_DEFER_TTL=given).defer == waits
    assert read(WORKFLOW_EFFECT_PAUSE=given).pause_seconds == waits.total_seconds()


@pytest.mark.parametrize(
    "given", ["soon", "7", "0s", "-7d", "1w", "7 d", "1e3s", "\u0667d", "36501d", "999999999d"]
)
def test_a_duration_that_is_none_or_longer_than_a_century_is_refused(given: str) -> None:
    for name in ("WORKFLOW_DEFER_TTL", "WORKFLOW_EFFECT_PAUSE"):
        assert fault(**{name: given}).startswith(f"{name} is {given!r}")


@pytest.mark.parametrize("given", ["0", "-1", "1001", "8.0", "eight", "9" * 5000, "\u0668"])
def test_tries_are_a_whole_number_from_1_to_1000(given: str) -> None:
    assert fault(WORKFLOW_EFFECT_TRIES=given) == (
        f"WORKFLOW_EFFECT_TRIES is {given!r}; it must be a whole number from 1 to 1000"
    )


@pytest.mark.parametrize("given", ["0", "-1", "65", "4.0", "four"])
def test_threads_are_a_whole_number_from_1_to_64(given: str) -> None:
    assert fault(WORKFLOW_EFFECT_THREADS=given) == (
        f"WORKFLOW_EFFECT_THREADS is {given!r}; it must be a whole number from 1 to 64"
    )
    assert (read().threads, read(WORKFLOW_EFFECT_THREADS="64").threads) == (4, 64)


@pytest.mark.parametrize("given", ["1.01", "-0.1", "NaN", "Infinity", "high", "\u0660"])
def test_a_confidence_is_a_number_from_0_to_1(given: str) -> None:
    for name in ("WORKFLOW_AUTO_SUBMIT_CONFIDENCE", "WORKFLOW_PROMPT_CONFIDENCE"):
        assert fault(**{name: given}) == f"{name} is {given!r}; it must be a number from 0 to 1"


def test_a_prompt_above_auto_submit_is_refused_wherever_it_comes_from() -> None:
    told = fault(WORKFLOW_AUTO_SUBMIT_CONFIDENCE="0.4")
    assert "WORKFLOW_PROMPT_CONFIDENCE" in told
    assert "0.50" in told
    with pytest.raises(SettingsInvalid, match=r"^prompt .*auto_submit"):
        Settings(auto_submit=Decimal("0.8"), prompt=Decimal("0.9"))
    assert Settings(auto_submit=Decimal("0.5"), prompt=Decimal("0.5")).prompt == Decimal("0.5")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"defer": "7d"}, "timedelta above 0"),
        ({"defer": 7}, "timedelta above 0"),
        ({"defer": timedelta()}, "timedelta above 0"),
        ({"defer": timedelta(days=-7)}, "timedelta above 0"),
        ({"defer": timedelta(days=36501)}, "at most 36500 days"),
        ({"defer": None}, "timedelta above 0"),
        ({"tries": 0}, "from 1 to 1000"),
        ({"tries": 1001}, "from 1 to 1000"),
        ({"tries": True}, "from 1 to 1000"),
        ({"tries": "8"}, "from 1 to 1000"),
        ({"tries": 8.0}, "from 1 to 1000"),
        ({"pause_seconds": 0}, "seconds above 0"),
        ({"pause_seconds": -1.0}, "seconds above 0"),
        ({"pause_seconds": float("inf")}, "seconds above 0"),
        ({"pause_seconds": float("nan")}, "seconds above 0"),
        ({"pause_seconds": True}, "seconds above 0"),
        ({"pause_seconds": "1s"}, "seconds above 0"),
        ({"pause_seconds": timedelta(seconds=1)}, "seconds above 0"),
        ({"handlers": "shop.claims"}, "a tuple of modules' names"),
        ({"handlers": ["shop.claims"]}, "a tuple of modules' names"),
        ({"handlers": ("",)}, "a tuple of modules' names"),
        ({"handlers": (os,)}, "a tuple of modules' names"),
        ({"auto_submit": 0.85}, "(float); it must be a Decimal"),
        ({"auto_submit": "0.85"}, "(str); it must be a Decimal"),
        ({"auto_submit": 1}, "(int); it must be a Decimal"),
        ({"auto_submit": Decimal("1.01")}, "a Decimal from 0 to 1"),
        ({"prompt": 0.5}, "(float); it must be a Decimal"),
        ({"prompt": Decimal("NaN")}, "a Decimal from 0 to 1"),
        ({"prompt": Decimal("-0.1")}, "a Decimal from 0 to 1"),
        ({"database_url": None}, "is NoneType; it must be a string"),
        ({"database_url": Path("claims.db")}, "it must be a string"),
    ],
)
def test_what_python_gives_is_refused_by_its_field_s_name(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        Settings(**given)

    [name] = given
    assert str(raised.value).startswith(f"{name} is ")
    assert told in str(raised.value)


def test_a_whole_number_of_seconds_is_a_pause_too() -> None:
    assert Settings(pause_seconds=2).pause_seconds == 2


def test_settings_don_t_change_and_tell_no_url() -> None:
    settings = Settings(database_url="postgresql://me:pa55@host/claims")

    with pytest.raises(FrozenInstanceError):
        settings.tries = 1  # type: ignore[misc]
    assert "pa55" not in f"{settings!r}{settings}"
    with pytest.raises(SettingsInvalid) as raised:
        Settings(database_url=b"postgresql://me:pa55@host/claims")  # type: ignore[arg-type]
    assert "pa55" not in str(raised.value)


def test_an_early_event_waits_for_a_century_where_that_is_asked_for() -> None:
    settings = Settings(defer=timedelta(days=36500))
    with Workflow.open("sqlite:///:memory:", settings=settings) as workflow:
        assert workflow.fire("claim_submitted", user_id="u1", claim_id="c1").status == "deferred"
