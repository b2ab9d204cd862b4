"""What the parts of a definition are built of: each argument checked, and a misspelt name told what it means.

Python's own words for what is wrong (`'str' object has no attribute 'arrows'`) name neither the cell nor the
way out; these do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from workflow_fsm.core.errors import DefinitionInvalid
from workflow_fsm.core.values.fields import nearest

MOST_OF_A_NAME = 255
"""How many characters a name may have."""
_NEAR = 0.6
"""How alike a name that is none must be to one that is: nearer than an unlisted field, which may be meant."""


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Give a clause that tells which name is meant by one that is none of them; else which there are."""
    known = list(names)
    near = _meant(name, known)
    return f"there are {', '.join(known)}" if near is None else f"did you mean {near!r}?"


def must_be_one_of(name: object, names: Iterable[str]) -> str:
    """Give a clause that lists the names of which one was to be told, and which is meant."""
    known = list(names)
    near = _meant(name, known)
    return f"must be one of {', '.join(known)}" + ("" if near is None else f"; did you mean {near!r}?")


def _meant(name: object, known: list[str]) -> str | None:
    return nearest(name, known, alike=_NEAR) if isinstance(name, str) else None


def check(what: str, **faults: str | None) -> None:
    """Raise DefinitionInvalid for the arguments of which a fault is told, all at once."""
    told = [f"{what}: {name} {fault}" for name, fault in faults.items() if fault is not None]
    if told:
        raise DefinitionInvalid(told)


def name_fault(value: object) -> str | None:
    """Say what is wrong with a name."""
    if not isinstance(value, str):
        return f"is {shown(value)}; it must be a string"
    if not value.strip() or value != value.strip() or not value.isprintable():
        return f"is {value!r}; it must be text that can be read, without blanks around it"
    if len(value) > MOST_OF_A_NAME:
        return f"has {len(value)} characters; it may have {MOST_OF_A_NAME}"
    return None


def name_or_none_fault(value: object) -> str | None:
    """Say what is wrong with a name that may be left out."""
    return None if value is None else name_fault(value)


def names_fault(value: object) -> str | None:
    """Say what is wrong with names."""
    return each_fault(value, str, "names, such as ('claim_submitted',)")


def flag_fault(value: object) -> str | None:
    """Say what is wrong with a yes or no."""
    return None if isinstance(value, bool) else f"is {shown(value)}; it must be True or False"


def kind_fault(value: object, kind: type | tuple[type, ...], must: str) -> str | None:
    """Say that a value is none of a kind."""
    return None if isinstance(value, kind) else f"is {shown(value)}; it must be {must}"


def function_fault(value: object, must: str) -> str | None:
    """Say that a value can't be called."""
    return None if callable(value) else f"is {shown(value)}; it must be {must}"


def each_fault(value: object, kind: type, must: str) -> str | None:
    """Say what is wrong with a sequence of values of a kind."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return f"is {shown(value)}; it must be a tuple of {must}"
    strange = [one for one in value if not isinstance(one, kind)]
    return f"holds {shown(strange[0])}; it must be a tuple of {must}" if strange else None


def mapping_fault(value: object, must: str, is_fit: Callable[[Any, Any], bool]) -> str | None:
    """Say what is wrong with a mapping."""
    if not isinstance(value, Mapping):
        return f"is {shown(value)}; it must be a mapping of {must}"
    for key, one in value.items():
        if not is_fit(key, one):
            return f"maps {shown(key)} to {shown(one)}; it must be a mapping of {must}"
    return None


def shown(value: object) -> str:
    """Show a value that is none that was asked for, in a few words."""
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '…'} ({type(value).__name__})"
