"""Names to handlers: the code that this process has for what transitions owe."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import HandlerInvalid
from workflow_fsm.core.model.outbox import Pattern
from workflow_fsm.core.values.fields import Kind
from workflow_fsm.effects.registration.occurrence import refuse_impossible
from workflow_fsm.effects.registration.signatures import refuse_uncallable

log = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])

_MOST_SECONDS = 10**7
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,99}", re.ASCII)


class Registry:
    """The handlers of one process; `record` is called with each pattern, to keep it in the store, and whether
    it takes the place of another that is kept under its name."""

    def __init__(self, definition: Definition, record: Callable[[Pattern, bool], None]) -> None:
        self._definition = definition
        self._record = record
        self._functions: dict[str, Callable[..., Any]] = {}
        self._patterns: dict[str, Pattern] = {}
        self._told_of: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the handlers whose code is here."""
        return tuple(self._functions)

    def function(self, name: str) -> Callable[..., Any]:
        """Give the code of a handler. Raises KeyError where it isn't here."""
        return self._functions[name]

    def pattern(self, name: str) -> Pattern:
        """Give the pattern of a handler whose code is here. Raises KeyError."""
        return self._patterns[name]

    def mine(self, kept: Iterable[Pattern]) -> tuple[str, ...]:
        """Give the names of the handlers that this process may run, of the patterns that the store keeps now.

        One whose name another program took (`replace=True`) is that program's: what it is owed is not for the
        code that is here.
        """
        lost = {
            one.name
            for one in kept
            if one.name in self._patterns and not one.is_owed_alike(self._patterns[one.name])
        }
        for name in lost - self._told_of:
            log.warning(
                "the handler %r of this process was replaced by one that another program registered for "
                "something else: it runs here no more; end this process, or register it under another name",
                name,
            )
        self._told_of = lost
        return tuple(name for name in self._functions if name not in lost)

    def add(self, function: F, name: str | None, *, replace: bool = False, **pattern: Any) -> F:
        """Register code under a name and what owes it; give the function as it is.

        Raises HandlerInvalid, with a sentence, for a name that is taken or can't last, for an option that
        can't be, for a state, trigger or field that the definition doesn't have, and for a transition that
        can't occur. What takes the place of another by its name is told to `replace` it.
        """
        stable = name if name is not None else getattr(function, "__name__", "")
        if name is None and not callable(function):
            refuse_uncallable(function, f"what is registered, {function!r:.80},")
        if not isinstance(stable, str) or not _NAME.fullmatch(stable):
            raise HandlerInvalid(
                f"{stable!r} can't name a handler: give name=…, of letters, digits and _ . : -, which stays "
                "the same over deployments"
            )
        refuse_uncallable(function, f"handler {stable!r}")
        made = Pattern(name=stable, **pattern)
        known = self._functions.get(stable)
        if known is not None and (known != function or self._patterns[stable] != made) and not replace:
            raise HandlerInvalid(
                f"the name {stable!r} is taken by a handler already; give name=… to one of the two, or "
                "replace=True where this one takes the other's place"
            )
        self._check(made)
        self._record(made, replace)
        self._patterns[stable] = made
        self._functions[stable] = function
        return function

    def _check(self, pattern: Pattern) -> None:
        states = {state.name for state in self._definition.states}
        for state in (pattern.enter, pattern.source, pattern.target):
            if state is not None and state not in states:
                known = ", ".join(one.name for one in self._definition.states)
                raise HandlerInvalid(
                    f"handler {pattern.name!r} is for state {state!r}, which is none of {known}"
                )
        if pattern.trigger is not None and self._definition.trigger(pattern.trigger) is None:
            names = ", ".join(trigger.name for trigger in self._definition.triggers)
            raise HandlerInvalid(
                f"handler {pattern.name!r} is for the trigger {pattern.trigger!r}, which is none of {names}"
            )
        refuse_impossible(self._definition, pattern)
        instants = self._instants()
        if pattern.not_before is not None and pattern.not_before not in instants:
            raise HandlerInvalid(
                f"handler {pattern.name!r} has not_before={pattern.not_before!r}, and no event tells such an "
                f"instant; it can be one of {', '.join(instants)}"
            )
        if pattern.tries is not None and pattern.tries < 1:
            raise HandlerInvalid(f"handler {pattern.name!r} has tries={pattern.tries}; it needs one at least")
        for option in ("pause_seconds", "timeout_seconds"):
            seconds = getattr(pattern, option)
            if seconds is not None and not 0 <= seconds <= _MOST_SECONDS:
                raise HandlerInvalid(
                    f"handler {pattern.name!r} has {option}={seconds}; it must be from 0 to {_MOST_SECONDS}"
                )

    def _instants(self) -> list[str]:
        """Give the names of the fields that hold an instant."""
        told = [field for trigger in self._definition.triggers for field in trigger.fields]
        told += [field for listed in told for field in listed.entry]
        return sorted({field.name for field in told if field.kind is Kind.INSTANT})
