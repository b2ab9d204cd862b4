"""What the commands print: tables, money and sentences for people; plain text where nobody looks.

Takes the answers that the library gives; what is asked of it, and the exit codes, are `commands.py`'s.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from workflow_fsm.audit.report import Fault, Report
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.records import (
    Candidate,
    DeferredPart,
    EventAnswer,
    Page,
    TransitionRecord,
    UnchangedPart,
)
from workflow_fsm.read.dead_letters import DeadLetterPage
from workflow_fsm.read.shapes import (
    DroppedHandler,
    HandlerLoad,
    HistoryRow,
    RetriedLetters,
    RevivedEffect,
    Status,
    WaitingEvent,
)

if TYPE_CHECKING:  # a service, a worker and scripts print JSON alone, and never load it
    from rich.console import Console

_ENDLESS = 100_000
"""So many columns has the terminal that isn't one: nothing is wrapped or cut off for a pipe."""


def show_json(value: object) -> None:
    """Print a value as one line of JSON, spelled as the HTTP answers are."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    click.echo(line.encode("utf-8", "backslashreplace"))


def show_outcome(outcome: Outcome) -> None:
    """Print what became of an event: a sentence for each lifecycle that it was for."""
    how: str = outcome.status
    if outcome.first_status is not None:
        how = f"duplicate: it was {outcome.first_status} the first time, as told again here"
    lines = [f"{outcome.trigger} of {outcome.user_id} is {how} (event {outcome.event_id})"]
    for one in outcome.transitions:
        source = "begins as" if one.from_ is None else f"goes from {one.from_} to"
        lines.append(f"{_whose(one)} {source} {one.to} (version {one.version})")
    lines += [f"{_whose(same)} stays {same.state}; it is past that point" for same in outcome.unchanged]
    lines += [_waits(part, outcome.trigger, outcome.candidates) for part in outcome.deferred]
    for part in outcome.refused:
        what = f"claim {part.get('claim_id')}" if part.get("index") is None else f"entry {part.index}"
        lines.append(f"{what} is refused: {part.reason}")
    if outcome.hint is not None:
        lines.append(f"hint: {outcome.hint}")
    _print(lines)


def show_status(status: Status) -> None:
    """Print where a user stands: money, claims, syncs, and what waits for what."""
    counts = ", ".join(f"{many} {state}" for state, many in status.counts.items())
    state = status.state or "nothing but waiting events"
    lines = [f"{status.user_id}: {state}" + (f" ({counts})" if counts else "")]
    lines.append(f"recovered: {_money(status.recovered)}")
    if status.unapplied:
        lines.append(f"unapplied: {_money(status.unapplied)}")
    _print(lines)
    columns = ("claim", "sync", "state", "since", "amount", "paid", "case", "decision", "deadline", "reason")
    _table(
        columns,
        [
            (
                " = ".join([one.claim_id or "(the sync)", *one.aliases]),
                one.sync_id,
                f"{one.state}, overdue" if one.overdue else one.state,
                _at(one.entered_at),
                "" if one.amount is None else f"{one.amount} {one.currency or ''}",
                _money(one.paid) if one.paid else "",
                one.amazon_case_id,
                one.decision,
                _at(one.deadline_date),
                one.rejection_reason,
            )
            for one in status.claims
        ],
    )
    _table(
        ("sync", "state", "claims found", "since"),
        [(one.sync_id, one.state, one.claims_found, _at(one.entered_at)) for one in status.syncs],
    )
    for one in status.deferred:
        _print([_waits(one, f"{one.trigger}", one.candidates)])
    _more(status.next_cursor)


def show_history(page: Page[HistoryRow]) -> None:
    """Print transitions, oldest first."""
    _table(
        ("cursor", "at", "claim", "sync", "version", "from", "to", "trigger", "by", "event"),
        [
            (
                row.cursor,
                _at(row.at),
                row.claim_id,
                row.sync_id,
                row.version,
                row.from_,
                row.to,
                row.trigger,
                row.actor,
                row.event_id,
            )
            for row in page
        ],
    )
    if not page:
        _print(["no transitions"])
    _more(page.next_cursor)


def show_dead_letters(dead_letters: DeadLetterPage) -> None:
    """Print dead letters, oldest first."""
    columns = ("id", "kind", "at", "user", "claim", "trigger", "handler", "tries", "event", "reason")
    _table(
        columns,
        [
            (
                one.id,
                one.kind,
                _at(one.at),
                one.user_id,
                one.claim_id,
                one.trigger,
                one.handler,
                one.attempts,
                one.event_id,
                one.reason,
            )
            for one in dead_letters
        ],
    )
    if not dead_letters:
        _print(["no dead letters"])
    _more(dead_letters.next_cursor)


def show_retry(told: EventAnswer | RevivedEffect) -> None:
    """Print what became of a dead letter that was retried."""
    if told.status == "owed":
        _print(["the effect is owed anew"])
    elif told.status == "void":
        _print(["the effect is void: it was work for being in a state that the claim has left"])
    else:
        show_outcome(Outcome.from_dict(told))


def show_retried(told: RetriedLetters, *, dry_run: bool) -> None:
    """Print what became of the dead letters that match."""
    dead_letters = f"{told.matched} dead letter{'' if told.matched == 1 else 's'}"
    _print([f"{dead_letters} would be retried" if dry_run else f"{told.retried} of {dead_letters} retried"])


def show_handlers(handlers: Sequence[HandlerLoad]) -> None:
    """Print handlers, and what is owed to each."""
    _table(
        ("handler", "for", "not before", "owed", "running", "oldest", "last error"),
        [
            (
                one.name,
                "nothing any more" if one.pattern is None else _owes(one.pattern),
                None if one.pattern is None else one.pattern.get("not_before"),
                one.owed,
                one.running,
                _at(one.oldest),
                one.last_error,
            )
            for one in handlers
        ],
        numbers=(3, 4),
    )
    if not handlers:
        _print(["no handlers"])


def show_dropped(name: str, told: DroppedHandler) -> None:
    """Print what forgetting a handler did."""
    _print([f"handler {name} is forgotten; {told.void} effect{'' if told.void == 1 else 's'} void"])


def show_report(report: Report) -> None:
    """Print what an audit found."""
    counted = ((report.users, "user"), (report.lifecycles, "lifecycle"), (report.rows, "transition"))
    _print([", ".join(f"{many} {noun}{'' if many == 1 else 's'}" for many, noun in counted)])
    standings = ", ".join(f"{many} {standing}" for standing, many in report.events.items() if many)
    _print([f"{report.received} events" + (f": {standings}" if standings else "")])
    _table(
        ("currency", "payouts less reversals", "recovered", "unapplied", "dropped"),
        [(one.currency, *one.as_dict().values()) for one in report.money],
        numbers=range(1, 5),
    )
    _print([f"root: {report.root}"])
    _print(f"fault: {tell_fault(fault)}" for fault in report.faults)
    if report.found > len(report.faults):
        _print([f"and {report.found - len(report.faults)} faults more"])


def tell_fault(fault: Fault) -> str:
    """Say which row a fault is of, and what it is."""
    if not fault.table:
        return fault.reason
    return f"{fault.table} {fault.key} of user {fault.user_id!r}: {fault.reason}"


def _owes(pattern: Mapping[str, Any]) -> str:
    """Say what owes a handler."""
    if pattern.get("enter"):
        return f"being in {pattern['enter']}"
    if pattern.get("dead_letter"):
        return "dead letters"
    if pattern.get("request"):
        return "requests"
    words = {"trigger": "by", "source": "from", "target": "to"}
    told = [f"{word} {pattern[name]}" for name, word in words.items() if pattern.get(name)]
    return " ".join(["transitions", *told])


def _waits(one: DeferredPart | WaitingEvent, trigger: str, candidates: Sequence[Candidate]) -> str:
    """Say what waits, for what, and how long."""
    what = f"{trigger} for claim {one.claim_id}" if one.claim_id else trigger
    if isinstance(one, WaitingEvent):
        what += f" (event {one.event_id})"
    until = f", until {_at(one.expires_at)}" if one.expires_at else ""
    if one.waiting_for:
        return f"{what} waits for {' and then '.join(one.waiting_for)}{until}"
    if candidates:
        names = ", ".join(each.claim_id or f"sync {each.sync_id}" for each in candidates)
        return f"{what} waits, as it could be for any of {names}; a person must tell for which{until}"
    return f"{what} waits until a person tells for which claim it is{until}"


def _whose(one: TransitionRecord | UnchangedPart) -> str:
    return f"claim {one.claim_id}" if one.claim_id is not None else f"sync {one.sync_id}"


def _money(amounts: Mapping[str, str]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in amounts.items()) or "nothing"


def _at(instant: str | None) -> str:
    """Show an instant to the second."""
    return "" if instant is None else f"{instant[:10]} {instant[11:19]}Z"


def _more(cursor: int | str | None) -> None:
    if cursor is not None:
        _print([f"there is more: --cursor {cursor}"])


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]], numbers: Iterable[int] = ()) -> None:
    """Print a table, without the columns that nothing stands in; nothing where it has no rows."""
    if not rows:
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False)
    filled = [at for at in range(len(columns)) if any(row[at] not in (None, "") for row in rows)]
    for at in filled:
        justify = "right" if at in numbers else "left"
        table.add_column(columns[at], justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*("" if row[at] is None else clean(str(row[at])) for at in filled))
    console = _console()
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip())


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        _console().print(clean(line), soft_wrap=True)


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _ENDLESS
    return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)


def clean(text: str) -> str:
    """Spell out what would move the cursor or hide: a sender's text must not write on the terminal."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
