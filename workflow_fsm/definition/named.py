"""Named: the definition that a store is opened with: the one given, else the one that the settings name.

Its thresholds are the settings', where it was given none of its own.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from typing import Any

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.arguments import did_you_mean, shown
from workflow_fsm.core.definition.claim import claim_lifecycle, under_settings
from workflow_fsm.core.errors import DefinitionInvalid, SettingsInvalid
from workflow_fsm.settings import Settings

_VARIABLE = "WORKFLOW_DEFINITION"


def definition_for(settings: Settings, given: Definition | None = None) -> Definition:
    """Give the definition to open a store with: the one given, else the settings', else the claim lifecycle.

    Raises SettingsInvalid where the settings name none that can be had, DefinitionInvalid for what is none.
    """
    bounds = {"auto_submit": settings.auto_submit, "prompt": settings.prompt}
    if given is None:
        given = claim_lifecycle() if settings.definition is None else _load(settings.definition, bounds)
    elif not isinstance(given, Definition):
        must = "it must be a Definition, such as claim_lifecycle().variant(name=…)"
        raise DefinitionInvalid([f"definition is {shown(given)}; {must}"])
    return under_settings(given, **bounds)


def _load(name: str, bounds: dict[str, Any]) -> Definition:
    """Import what `module:attribute` names; the current folder is searched last."""
    module_name, _, path = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a script's own path has its folder there instead
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise SettingsInvalid(
            f"{_VARIABLE} names {name!r}, and {module_name!r} can't be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    for part in path.split("."):
        if not hasattr(found, part):
            meant = did_you_mean(part, [one for one in dir(found) if not one.startswith("_")])
            raise SettingsInvalid(f"{_VARIABLE} names {name!r}, and {shown(found)} has no {part!r}: {meant}")
        found = getattr(found, part)
    if not isinstance(found, Definition) and callable(found):
        found = _made(name, found, bounds)
    if not isinstance(found, Definition):
        raise SettingsInvalid(
            f"{_VARIABLE} names {name!r}, which is {shown(found)}; it must be a Definition, or a "
            "function that makes one from auto_submit= and prompt="
        )
    return found


def _made(name: str, make: Any, bounds: dict[str, Any]) -> Any:
    """Let a function make the definition; one that takes no thresholds is given none."""
    try:
        inspect.signature(make).bind(**bounds)
        told = bounds
    except (TypeError, ValueError):
        told = {}
    try:
        return make(**told)
    except (Exception, SystemExit) as error:
        raise SettingsInvalid(
            f"{_VARIABLE} names {name!r}, which made no definition from auto_submit= and prompt=: "
            f"{type(error).__name__}: {error}"
        ) from error
