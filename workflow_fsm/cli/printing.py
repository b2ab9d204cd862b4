"""What the commands print: tables, money and sentences for people.

Takes the answers that the library gives; what is asked of it, and the exit codes, are `commands.py`'s. What
is printed of dead letters stands with their commands, and of questions across users under `questions`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workflow_fsm.audit.report import Fault, Report
from workflow_fsm.cli.terminal import print_lines, table
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.records import (
    Candidate,
    DeferredPart,
    Page,
    TransitionRecord,
    UnchangedPart,
)
from workflow_fsm.read.shapes import (
    CaseRecord,
    Claim,
    ClaimMembers,
    DroppedHandler,
    HandlerLoad,
    HistoryRow,
    Status,
    WaitingEvent,
)


def show_outcome(outcome: Outcome) -> None:
    """Print what became of an event: a sentence for each lifecycle that it was for."""
    how = _how(outcome)
    if outcome.first_status is not None:
        how = f"duplicate: it was {outcome.first_status} the first time, as told again here"
    lines = [f"{outcome.trigger} of {outcome.user_id} is {how} (event {outcome.event_id})"]
    for one in outcome.transitions:
        source = "begins as" if one.from_ is None else f"goes from {one.from_} to"
        lines.append(f"{_whose(one)} {source} {one.to} (version {one.version})")
    for same in outcome.unchanged:
        differs = same.get("differs", ())
        what = "not all that the event tells is taken:" if differs else "what the event tells is kept"
        lines.append(f"{_whose(same)} stays {same.state}; {what}")
        for one in differs:
            told, recorded = _plain(one.told), _plain(one.recorded)
            lines.append(f"  {one.field} stays {recorded}; the event tells {told}, which is not taken")
    lines += [waits_for(part, outcome.trigger) for part in outcome.deferred]
    if outcome.reason is not None and (outcome.first_status or outcome.status) == "deferred":
        lines.append(f"why: {outcome.reason}")
    lines += could_take(outcome.candidates)
    for part in outcome.refused:
        what = f"claim {part.get('claim_id')}" if part.get("index") is None else f"entry {part.index}"
        lines.append(f"{what} is refused: {part.reason}")
    if outcome.hint is not None:
        lines.append(f"hint: {outcome.hint}")
    print_lines(lines)


def _how(outcome: Outcome) -> str:
    """Say how an event stands, so that nobody takes what was discarded of it for done."""
    discarded = any(one.get("differs") for one in outcome.unchanged)
    if outcome.status == "applied" and (outcome.refused or discarded):
        return "applied in part"
    if outcome.status == "unchanged" and discarded:
        return "unchanged, though it tells otherwise than is recorded"
    return outcome.status


def show_status(status: Status) -> None:
    """Print where a user stands: money, claims, syncs, and what waits for what."""
    counts = ", ".join(f"{many} {state}" for state, many in status.counts.items())
    state = status.state or "nothing but waiting events"
    lines = [f"{status.user_id}: {state}" + (f" ({counts})" if counts else "")]
    lines.append(f"recovered: {sums_of(status.recovered)}")
    if status.unapplied:
        lines.append(f"unapplied: {sums_of(status.unapplied)}")
    print_lines(lines)
    table(
        ("claim", "sync", "state", *CELLS),
        [
            (
                " = ".join([one.claim_id or "(the sync)", *one.aliases]),
                one.sync_id,
                _stands(one),
                *cells_of(one),
            )
            for one in status.claims
        ],
    )
    table(
        ("sync", "state", "claims found", "since"),
        [(one.sync_id, one.state, one.claims_found, instant(one.entered_at)) for one in status.syncs],
    )
    for one in status.deferred:
        why = "" if one.reason is None else f": {one.reason}"
        print_lines([f"{waits_for(one, one.trigger)}{why}", *could_take(one.candidates)])
    tell_more(status.next_cursor)


def show_history(page: Page[HistoryRow]) -> None:
    """Print transitions, oldest first."""
    columns = ("cursor", "at", "claim", "sync", "version", "from", "to", "trigger")
    table(
        (*columns, "amount", "by", "event", "reason"),
        [
            (
                row.cursor,
                instant(row.at),
                row.claim_id,
                row.sync_id,
                row.version,
                row.from_,
                row.to,
                row.trigger,
                amount_of(row.amount, row.currency),
                row.actor,
                row.event_id,
                row.reason,
            )
            for row in page
        ],
    )
    if not page:
        print_lines(["no transitions"])
    tell_more(page.next_cursor)


def show_handlers(handlers: Sequence[HandlerLoad]) -> None:
    """Print handlers, and what is owed to each."""
    table(
        ("handler", "for", "not before", "owed", "running", "oldest", "last error"),
        [
            (
                one.name,
                "nothing any more" if one.pattern is None else _owes(one.pattern),
                None if one.pattern is None else one.pattern.get("not_before"),
                one.owed,
                one.running,
                instant(one.oldest),
                one.last_error,
            )
            for one in handlers
        ],
        numbers=(3, 4),
        prose=("for", "last error"),
    )
    if not handlers:
        print_lines(["no handlers"])


def show_dropped(name: str, told: DroppedHandler) -> None:
    """Print what forgetting a handler did."""
    print_lines([f"handler {name} is forgotten; {told.void} effect{'' if told.void == 1 else 's'} void"])


def show_report(report: Report) -> None:
    """Print what an audit found."""
    counted = ((report.users, "user"), (report.lifecycles, "lifecycle"), (report.rows, "transition"))
    print_lines([", ".join(f"{many} {noun}{'' if many == 1 else 's'}" for many, noun in counted)])
    if report.forgotten:
        print_lines([f"forgotten: {report.forgotten}; their events and money count below"])
    print_lines(f"not all erased yet: user {one!r}; `forget` goes on" for one in report.forgetting)
    standings = ", ".join(f"{many} {standing}" for standing, many in report.events.items() if many)
    print_lines([f"{report.received} events" + (f": {standings}" if standings else "")])
    table(
        ("currency", "payouts less reversals", "recovered", "unapplied", "dropped"),
        [(one.currency, *one.as_dict().values()) for one in report.money],
        numbers=range(1, 5),
    )
    print_lines([f"root: {report.root}"])
    print_lines(f"fault: {tell_fault(fault)}" for fault in report.faults)
    if report.found > len(report.faults):
        print_lines([f"and {report.found - len(report.faults)} faults more"])


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


def waits_for(one: DeferredPart | WaitingEvent, trigger: str) -> str:
    """Say what waits, for what, and how long; why, its reason says."""
    what = f"{trigger} for claim {one.claim_id}" if one.claim_id else trigger
    if isinstance(one, WaitingEvent):
        what += f" (event {one.event_id})"
    awaited = f" for {' and then '.join(one.waiting_for)}" if one.waiting_for else ""
    until = f", until {instant(one.expires_at)}" if one.expires_at else ""
    return f"{what} waits{awaited}{until}"


def could_take(candidates: Sequence[Candidate]) -> list[str]:
    """Name the lifecycles that could take what waits, the likeliest first."""
    names = ", ".join(each.claim_id or f"sync {each.sync_id}" for each in candidates)
    return [f"  could take it: {names}"] if names else []


def _stands(claim: Claim) -> str:
    if claim.merged_into is not None:
        return f"merged into {claim.merged_into}"
    return f"{claim.state}, overdue" if claim.overdue else claim.state


CELLS = ("since", "amount", "paid", "units", "case", "decision", "deadline", "facts", "reason")
"""What is shown of a claim behind who it is and where it stands."""


def cells_of(one: ClaimMembers[Any]) -> tuple[object, ...]:
    """Show these of a claim."""
    return (
        instant(one.entered_at),
        amount_of(one.amount, one.currency),
        sums_of(one.paid) if one.paid else "",
        one.units or "",
        ", ".join(map(case_of, one.cases)) if len(one.cases) > 1 else one.amazon_case_id,
        one.decision,
        instant(one.deadline_date),
        facts_of(one),
        one.rejection_reason,
    )


def facts_of(claim: Mapping[str, Any]) -> str:
    """Show what a variant's triggers told, where they did."""
    return ", ".join(f"{name}={_plain(value)}" for name, value in claim.get("facts", {}).items())


def case_of(case: CaseRecord) -> str:
    """Show a case with its state."""
    name = case.amazon_case_id or "(no name)"
    return name if case.state is None else f"{name} {case.state}"


def amount_of(amount: str | None, currency: str | None) -> str:
    """Show an amount with its currency, nothing for none."""
    return "" if amount is None else f"{amount} {currency or ''}".rstrip()


def _plain(value: object) -> str:
    """Show a value of an event: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _whose(one: TransitionRecord | UnchangedPart) -> str:
    return f"claim {one.claim_id}" if one.claim_id is not None else f"sync {one.sync_id}"


def sums_of(amounts: Mapping[str, str]) -> str:
    """Show sums by currency."""
    return ", ".join(f"{amount} {currency}" for currency, amount in amounts.items()) or "nothing"


def instant(instant: str | None) -> str:
    """Show an instant to the second."""
    return "" if instant is None else f"{instant[:10]} {instant[11:19]}Z"


def tell_more(cursor: int | str | None) -> None:
    """Say where a list goes on, where it does."""
    if cursor is not None:
        print_lines([f"there is more: --cursor {cursor}"])
