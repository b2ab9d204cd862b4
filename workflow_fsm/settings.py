"""The environment, read once: every variable the service knows, checked, with defaults for a laptop."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal, InvalidOperation

from workflow_fsm.core.errors import SettingsInvalid

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment asks for.

    `defer` is how long a deferred event waits. A match of at least `auto_submit` confidence is decided
    `auto_submit`, of at least `prompt` `ask_user`. `refusal_status` is 409 or 200.
    """

    database_url: str = "sqlite:///workflow.db"
    host: str = "127.0.0.1"
    port: int = 8000
    defer: timedelta = timedelta(days=7)
    refusal_status: int = 409
    auto_submit: Decimal = field(default=Decimal("0.85"))
    prompt: Decimal = field(default=Decimal("0.50"))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from environment variables; one that is empty counts as unset.

        Raises SettingsInvalid, which names the variable and says what it can be.
        """
        environment = os.environ if environment is None else environment
        given = {name: value for name, value in environment.items() if value != ""}
        settings = cls(
            database_url=given.get("WORKFLOW_DATABASE_URL", cls.database_url_default()),
            host=given.get("HOST", "127.0.0.1"),
            port=_port(given.get("PORT", "8000")),
            defer=_duration("WORKFLOW_DEFER_TTL", given.get("WORKFLOW_DEFER_TTL", "7d")),
            refusal_status=_refusal(given.get("WORKFLOW_REFUSAL_STATUS", "409")),
            auto_submit=_share(given, "WORKFLOW_AUTO_SUBMIT_CONFIDENCE", "0.85"),
            prompt=_share(given, "WORKFLOW_PROMPT_CONFIDENCE", "0.50"),
        )
        if settings.prompt > settings.auto_submit:
            raise SettingsInvalid(
                f"WORKFLOW_PROMPT_CONFIDENCE ({settings.prompt}) is above "
                f"WORKFLOW_AUTO_SUBMIT_CONFIDENCE ({settings.auto_submit}); it must not be"
            )
        return settings

    @staticmethod
    def database_url_default() -> str:
        """Give the store that is used where none is named."""
        return "sqlite:///workflow.db"


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 <= int(text) <= 65535:
        return int(text)
    raise SettingsInvalid(f"PORT is {text!r}; it must be a port's number, 0 to 65535")


def _duration(name: str, text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)", text, re.ASCII)
    if match is None or float(match[1]) == 0:
        raise SettingsInvalid(
            f"{name} is {text!r}; it must be a duration above 0, such as 100ms, 30s, 36h or 7d"
        )
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise SettingsInvalid(f"{name} is {text!r}, which is longer than can be waited") from None


def _refusal(text: str) -> int:
    if text not in ("409", "200"):
        raise SettingsInvalid(f"WORKFLOW_REFUSAL_STATUS is {text!r}; it must be 409 or 200")
    return int(text)


def _share(given: Mapping[str, str], name: str, default: str) -> Decimal:
    text = given.get(name, default)
    try:
        value = Decimal(text) if text.isascii() else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not (value.is_finite() and 0 <= value <= 1):
        raise SettingsInvalid(f"{name} is {text!r}; it must be a number from 0 to 1")
    return value
