"""Addresses: what may be found of whom an event is for: these, nobody, a name that nobody has, or several."""

from __future__ import annotations

from workflow_fsm.core.definition import Rest
from workflow_fsm.core.model.inbox import Wait
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.core.model.ways_out import WITH_CLAIM
from workflow_fsm.core.values.value_types import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """For these lifecycles, each judged by its own cell; and for claims that aren't detected yet
    (`awaited`)."""

    lifecycles: tuple[Lifecycle, ...]
    awaited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobody:
    """No arrow stands anywhere: `rest` is what the cells say together, `asked` the lifecycles that said it.

    Where `rest` is wait, `waiting_for` names the triggers that would lead to an arrow, and `waits` the names
    under which the event waits.
    """

    rest: Rest
    asked: tuple[Lifecycle, ...] = ()
    waiting_for: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """It names what nobody has: it waits under that name, or until a person tells.

    `reason` says which, `way_out` what a person can do about money.
    """

    reason: str
    way_out: str
    waits: tuple[Wait, ...] = ()
    waiting_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """These qualify, and nothing tells which is meant; `waits` are the names that could tell.

    `ask` is what a sender is asked for, `way_out` what a person can do. `lasting` is the reason of one that
    waits, where it is another: it is the same however many qualify.
    """

    lifecycles: tuple[Lifecycle, ...]
    reason: str
    way_out: str = WITH_CLAIM
    ask: str | None = None
    lasting: str | None = None
    waits: tuple[Wait, ...] = ()


Address = To | Nobody | Unknown | Several
