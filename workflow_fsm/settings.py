"""Settings: what the library reads of the environment, or is given in Python; both are checked alike.

How a setting is declared, read and checked stands here once; what is the service's alone, `webapp.settings`
declares by it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from workflow_fsm.core.errors import SettingsInvalid
from workflow_fsm.core.values.fields import nearest

LONGEST = timedelta(days=36_500)
"""Longer than anybody waits; an instant so far from any other has a date."""

MOST_THREADS = 64
"""In which a worker does effects. Python runs one at a time: what others do is wait for other services."""

_NAME, _KIND = "variable", "kind"
_BEGINS = "WORKFLOW_"
_NEAR = 0.75
"""How alike a variable must be to one that there is, for that to be meant: all begin alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingKind:
    """What a setting may be: as its variable spells it, and as Python gives it.

    Both raise ValueError, with words that follow the setting's name: what is wrong, and what it must be.
    """

    read: Callable[[str], Any]
    check: Callable[[Any], None]


def variable(name: str, kind: SettingKind) -> Mapping[str, Any]:
    """Say, as a field's metadata, which variable it is read from, and what it may be."""
    return {_NAME: name, _KIND: kind}


def variables(settings: type) -> list[str]:
    """Name the variables that settings are read from."""
    return [one.metadata[_NAME] for one in fields(settings) if _NAME in one.metadata]


def is_set(name: str, environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether a variable is set; one that is empty counts as unset."""
    return (os.environ if environment is None else environment).get(name, "") != ""


def misspelt(
    known: Collection[str], environment: Mapping[str, str] | None = None, *, alike: float = 0.0
) -> list[str]:
    """Say of each variable that begins as ours do, and is none of those `known`, which is meant.

    Only of those that are so much `alike` one that is known, from 0 to 1.
    """
    environment = os.environ if environment is None else environment
    told = []
    for name in sorted(environment):
        if not name.upper().startswith(_BEGINS) or name in known or not environment[name]:
            continue
        near = nearest(name.upper(), known, alike=max(alike, _NEAR))
        if near is not None:
            told.append(f"{name} is no variable of workflow-fsm, and is not read; did you mean {near}?")
        elif not alike:
            told.append(f"{name} is no variable of workflow-fsm, and is not read")
    return told


def read_values(
    settings: type, environment: Mapping[str, str] | None, among: Container[str] | None = None
) -> dict[str, Any]:
    """Read those fields of settings that variables are set for, or of them those in `among`.

    Raises SettingsInvalid, which names the variable and says what it can be.
    """
    environment = os.environ if environment is None else environment
    values = {}
    for one in fields(settings):
        name = one.metadata.get(_NAME)
        if name is None or (among is not None and name not in among) or not is_set(name, environment):
            continue
        try:
            values[one.name] = one.metadata[_KIND].read(environment[name])
        except ValueError as error:
            raise SettingsInvalid(f"{name} {error}") from None
    return values


def check_values(settings: Any) -> None:
    """Check every field by its kind, whoever made the settings. Raises SettingsInvalid, which names it."""
    for one in fields(settings):
        value = getattr(settings, one.name)
        if _KIND not in one.metadata or (value is None and one.default is None):
            continue
        try:
            one.metadata[_KIND].check(value)
        except ValueError as error:
            raise SettingsInvalid(f"{one.name} {error}") from None


# -- kinds


def whole(least: int, most: int, what: str = "a whole number from {} to {}") -> SettingKind:
    """Take whole numbers in a range."""
    must = f"it must be {what.format(least, most)}"

    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"is {text!r}; {must}")
        return int(text)

    def check(value: object) -> None:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"is {value!r}; {must}")

    return SettingKind(read=read, check=check)


def _check_text(value: object) -> None:
    if not isinstance(value, str):
        raise ValueError(f"is {type(value).__name__}; it must be a string")


TEXT = SettingKind(read=str, check=_check_text)

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _read_duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)", text, re.ASCII)
    if match is None or float(match[1]) == 0:
        raise ValueError(f"is {text!r}; it must be a duration above 0, such as 100ms, 30s, 36h or 7d")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"is {text!r}, which is longer than can be waited: at most {LONGEST.days}d")
    return timedelta(seconds=seconds)


def _check_duration(value: object) -> None:
    if not isinstance(value, timedelta) or not timedelta() < value <= LONGEST:
        raise ValueError(
            f"is {value!r}; it must be a timedelta above 0, at most {LONGEST.days} days, "
            "such as timedelta(days=7)"
        )


def _check_seconds(value: object) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    if not is_number or not 0 < value <= LONGEST.total_seconds():  # type: ignore[operator]
        raise ValueError(f"is {value!r}; it must be a number of seconds above 0, such as 1.0")


def _read_confidence(text: str) -> Decimal:
    try:
        value = Decimal(text) if text.isascii() else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not _is_confidence(value):
        raise ValueError(f"is {text!r}; it must be a number from 0 to 1")
    return value


def _check_confidence(value: object) -> None:
    if not _is_confidence(value):
        kind = type(value).__name__
        raise ValueError(f"is {value!r} ({kind}); it must be a Decimal from 0 to 1, such as Decimal('0.85')")


def _is_confidence(value: object) -> bool:
    return isinstance(value, Decimal) and value.is_finite() and 0 <= value <= 1


def _read_modules(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _check_modules(value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(name, str) and name for name in value):
        raise ValueError(f"is {value!r}; it must be a tuple of modules' names, such as ('shop.claims',)")


def _read_definition(text: str) -> str:
    _check_definition(text)
    return text


def _check_definition(value: object) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"[^\W\d][\w.]*:[^\W\d][\w.]*", value):
        raise ValueError(f"is {value!r}; it must be module:attribute, such as 'shop.claims:lifecycle'")


_DEFINITION = SettingKind(read=_read_definition, check=_check_definition)
_DURATION = SettingKind(read=_read_duration, check=_check_duration)
_SECONDS = SettingKind(read=lambda text: _read_duration(text).total_seconds(), check=_check_seconds)
_CONFIDENCE = SettingKind(read=_read_confidence, check=_check_confidence)
_MODULES = SettingKind(read=_read_modules, check=_check_modules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the library is asked for; nothing here is the service's alone.

    `defer` is how long a deferred event waits. An effect has `tries`, the first pause between them is
    `pause_seconds`; `threads` are those in which a worker does effects. `handlers` names the modules whose
    `register(workflow)` the service or a worker calls; `definition` names the variant that stores are opened
    with, as `module:attribute`. A match of at least `auto_submit` confidence is decided `auto_submit`, of at
    least `prompt` `ask_user`.
    Raises SettingsInvalid, which names the field that is wrong, and says what it must be.
    """

    database_url: str = field(
        default="sqlite:///workflow.db", repr=False, metadata=variable("WORKFLOW_DATABASE_URL", TEXT)
    )
    defer: timedelta = field(default=timedelta(days=7), metadata=variable("WORKFLOW_DEFER_TTL", _DURATION))
    tries: int = field(default=8, metadata=variable("WORKFLOW_EFFECT_TRIES", whole(1, 1000)))
    pause_seconds: float = field(default=1.0, metadata=variable("WORKFLOW_EFFECT_PAUSE", _SECONDS))
    threads: int = field(default=4, metadata=variable("WORKFLOW_EFFECT_THREADS", whole(1, MOST_THREADS)))
    handlers: tuple[str, ...] = field(default=(), metadata=variable("WORKFLOW_HANDLERS", _MODULES))
    auto_submit: Decimal = field(
        default=Decimal("0.85"), metadata=variable("WORKFLOW_AUTO_SUBMIT_CONFIDENCE", _CONFIDENCE)
    )
    prompt: Decimal = field(
        default=Decimal("0.50"), metadata=variable("WORKFLOW_PROMPT_CONFIDENCE", _CONFIDENCE)
    )
    definition: str | None = field(default=None, metadata=variable("WORKFLOW_DEFINITION", _DEFINITION))

    def __post_init__(self) -> None:
        """Check each field, and both confidences together."""
        check_values(self)
        if self.prompt > self.auto_submit:
            raise SettingsInvalid(
                f"prompt (WORKFLOW_PROMPT_CONFIDENCE) is {self.prompt}, which is above "
                f"auto_submit (WORKFLOW_AUTO_SUBMIT_CONFIDENCE), {self.auto_submit}; it must not be"
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the library's settings from environment variables; one that is empty counts as unset.

        Raises SettingsInvalid, which names the variable and says what it can be.
        """
        return cls(**read_values(cls, environment))
