"""Answers: what a statement of the scratch gives, from rows that are held in memory instead.

Each answer is what its statement in `scratch.sql` gives, and tests hold both to that. Where a value is none
that memory and SQLite compare alike, or a fault is to be listed, memory gives no answer, and the statement is
asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workflow_fsm.audit.held import HeldRows, NotAnswered, Values, is_plain

Answer = Callable[..., Sequence[Values]]


def answer(held: HeldRows, name: str, parameters: Mapping[str, Any]) -> Sequence[Values]:
    """Give what a statement gives. Raises NotAnswered."""
    found = _ANSWERS.get(name)
    if found is None or not all(map(is_plain, parameters.values())):
        raise NotAnswered
    return found(held, **parameters)


def _every(table: str) -> Answer:
    return lambda held: held.all_of(table)


def _found(index: str) -> Answer:
    return lambda held, **key: held.by(index, *key.values())


def _last(index: str) -> Answer:
    return lambda held, **key: held.by(index, *key.values())[-1:]


def _equal(answer: Answer) -> Answer:
    """Nothing equals null."""
    return lambda held, **key: () if None in key.values() else answer(held, **key)


def _nothing(finds: Callable[[HeldRows], bool]) -> Answer:
    """Answer only where a statement that lists faults finds none."""

    def answer(held: HeldRows) -> Sequence[Values]:
        if finds(held):
            raise NotAnswered
        return ()

    return answer


def _lifecycles_of(held: HeldRows) -> Sequence[Values]:
    return [{**row, "is_chained": bool(held.by("head", row["id"]))} for row in held.all_of("lifecycles")]


def _plain_lifecycles(held: HeldRows, sync_id: object) -> Sequence[Values]:
    return [row for row in held.by("claim", None) if row["sync_id"] == sync_id]


def _lifecycles_of_claim(held: HeldRows, claim_id: object) -> Sequence[Values]:
    is_alias = bool(held.by("alias", claim_id))
    found = [row for row in held.by("claim", claim_id) if row["merged_into"] is None or not is_alias]
    for alias in held.by("alias_of", claim_id):
        if alias["alias"] is not None:
            found += [row for row in held.by("claim", alias["alias"]) if row["merged_into"] is not None]
    return _sorted(found, "id")


def _sorted(rows: Sequence[Values], name: str) -> Sequence[Values]:
    if len(rows) > 1 and not all(row[name].__class__ is int for row in rows):
        raise NotAnswered
    return sorted(rows, key=lambda row: row[name]) if len(rows) > 1 else rows


def _placed_rows(held: HeldRows) -> Sequence[Values]:
    chains: dict[Any, list[Values]] = {}
    for row in held.all_of("history"):
        chains.setdefault(row["lifecycle"], []).append(row)
    return [row for chain in chains.values() for row in chain]


def _sync(held: HeldRows, sync_id: object) -> Sequence[Values]:
    for sync in held.by("sync", sync_id):
        for row in held.by("cursor", sync["cursor"]):
            return [{**row, "origins": sync["origins"], "is_sound": sync["is_sound"]}]
    return ()


def _row_by(held: HeldRows, event_id: object, lifecycle: object) -> Sequence[Values]:
    return () if lifecycle is None or lifecycle == 0 else held.by("transition", event_id, lifecycle)[-1:]


def _heads_of(held: HeldRows) -> Sequence[Values]:
    return _sorted([row for row in held.all_of("heads") if row["lifecycle"].__class__ is int], "lifecycle")


def _event(held: HeldRows, event_id: object, lifecycle: object) -> Sequence[Values]:
    found = held.by("event", event_id)[-1:]
    moved = (row for row in held.by("part", event_id, lifecycle) if row["standing"] == "applied")
    seqs = {row["seq"] for row in moved}
    return [
        {
            "trigger": row["trigger"],
            "seq": row["seq"],
            "is_unread": bool(held.by("unread", row["seq"])),
            "moved": row["seq"] in seqs,
        }
        for row in found
    ]


def _has_twins(held: HeldRows) -> bool:
    events = held.all_of("events")
    names = ("event_id", "seq")
    return any(len({row[name] for row in events}) < len(events) for name in names)


def _has_unmoved(held: HeldRows) -> bool:
    groups: dict[Any, bool] = {}
    for row in held.all_of("parts"):
        if row["standing"] == "applied" and not held.by("unread", row["seq"]):
            key, lifecycle = (row["seq"], row["event_id"], row["number"]), row["lifecycle"]
            moved = lifecycle is not None and bool(held.by("transition", row["event_id"], lifecycle))
            groups[key] = groups.get(key, False) or moved
    return not all(groups.values())


def _waits_differ(held: HeldRows) -> bool:
    told, kept = (
        {(row["kind"], row["name"], row["seq"]) for row in held.all_of(table)}
        for table in ("told_waits", "waits")
    )
    return told != kept


def _effects_of(held: HeldRows) -> Sequence[Values]:
    return [
        {**row, "is_taken": bool(held.by("seq", row["seq"]) or held.by("cursor", row["seq"]))}
        for row in held.all_of("effects")
    ]


def _ids_of(held: HeldRows) -> Sequence[Values]:
    return [
        {
            **row,
            "is_there": bool(held.by("seq", row["seq"])),
            "is_first": bool(held.by("event", row["event_id"])),
        }
        for row in held.all_of("event_ids")
    ]


def _numbers(held: HeldRows) -> Sequence[Values]:
    numbers = {
        row[name] for table, name in _NUMBERED for row in held.all_of(table) if row[name].__class__ is int
    }
    return [{"highest": max(numbers, default=0), "many": len(numbers)}]


_NUMBERED = (("events", "seq"), ("history", "cursor"), ("effects", "seq"))


def _owners_of_cases(held: HeldRows) -> Sequence[Values]:
    told = {
        (row["claim_id"], row["sync_id"]) for table in ("concerns", "cases") for row in held.all_of(table)
    }
    if not all(one.__class__ is str for owner in told for one in owner):
        raise NotAnswered
    return [{"claim_id": claim_id, "sync_id": sync_id} for claim_id, sync_id in sorted(told)]


def _distinct(table: str, name: str) -> Answer:
    def answer(held: HeldRows) -> Sequence[Values]:
        return [{name: value} for value in dict.fromkeys(row[name] for row in held.all_of(table))]

    return answer


_ANSWERS: Mapping[str, Answer] = {
    "lifecycles_of": _lifecycles_of,
    "lifecycle": _found("lifecycle"),
    "claim": _equal(_last("claim")),
    "plain_lifecycles": _plain_lifecycles,
    "lifecycles_of_claim": _equal(_lifecycles_of_claim),
    "aliases_of": _every("aliases"),
    "has_aliases": _every("aliases"),
    "alias": _equal(_last("alias")),
    "has_acts": lambda held: held.by("chain", 0),
    "acts_about": _equal(lambda held, letter: held.by("act", letter, 0)),
    "placed_rows": _placed_rows,
    "sync": _sync,
    "heads_of": _heads_of,
    "old_heads_of": lambda held: _sorted(held.all_of("old_heads"), "lifecycle"),
    "row_at": _last("cursor"),
    "row_by": _row_by,
    "rows_astray": _nothing(
        lambda held: any(
            row["lifecycle"] != 0 and not held.by("lifecycle", row["lifecycle"])
            for row in held.all_of("history")
        )
    ),
    "cursors_of_events": _nothing(
        lambda held: any(held.by("seq", row["cursor"]) for row in held.all_of("history"))
    ),
    "events_of": _every("events"),
    "event_at": _last("seq"),
    "event": _event,
    "events_twice": _nothing(_has_twins),
    "is_unread": _found("unread"),
    "unmoved_parts": _nothing(_has_unmoved),
    "missing_waits": _nothing(_waits_differ),
    "waits_astray": _nothing(_waits_differ),
    "ids_of": _ids_of,
    "effects_of": _effects_of,
    "numbers": _numbers,
    "bookings_of": _found("booking"),
    "payouts_of": _equal(_found("payout")),
    "booked_events": _distinct("bookings", "seq"),
    "concerns_of": _found("concern"),
    "owners_of_cases": _owners_of_cases,
    "cases_of": _found("case"),
    "filed": _found("filed"),
    "loose": _found("loose"),
    "doubted_of": _distinct("doubted", "seq"),
}
