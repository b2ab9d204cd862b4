"""What is kept of one user: plain dicts, and the few questions that all rules ask of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.machine.table import ORDER, SIGNS

Fields = dict[str, Any]
Key = tuple[str, str]
""" ("claim", its id) or ("sync", its id): a claim that nobody detected yet has a key, too."""


class Kept:
    """One user: lifecycles, names, cases, events and rows of history."""

    def __init__(self) -> None:
        self.lifecycles: dict[Key, Fields] = {}
        self.aliases: dict[str, str] = {}
        self.cases: dict[tuple[str, Key], Fields] = {}
        self.events: list[Fields] = []
        self.rows: list[Fields] = []
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.moves = 0
        self.number = 0

    def next(self) -> int:
        """Hand out the next number."""
        self.number += 1
        return self.number

    def canonical(self, name: str) -> str:
        """Give the claim's own name: an alias's owner, else the name itself."""
        return self.aliases.get(name, name)

    def key(self, name: str) -> Key:
        """Give the key of the claim that a name stands for."""
        return ("claim", self.canonical(name))

    def taking_part(self) -> list[Fields]:
        """Give the lifecycles that are neither forked nor merged, oldest first."""
        return [one for one in self.lifecycles.values() if not one["forked"]]

    def syncs(self) -> list[Fields]:
        return [one for one in self.lifecycles.values() if one["claim"] is None]

    def has_claims(self) -> bool:
        return any(one["claim"] is not None for one in self.lifecycles.values())

    def add(self, key: Key, sync: str, state: str, version: int) -> Fields:
        """Begin a lifecycle."""
        kind, name = key
        self.lifecycles[key] = {
            "key": key,
            "claim": name if kind == "claim" else None,
            "sync": sync,
            "state": state,
            "version": version,
            "forked": False,
            "merged_into": None,
            "moved": 0,
            "paid": {},
            "units": 0,
            "facts": {},
            "detected_at": None,
            "match": None,
            "has_match": False,
            # For filings told late: was money booked under no case, and did a filing ever name none?
            "paid_under_no_case": False,
            "filed_under_no_case": False,
        }
        return self.lifecycles[key]

    def move(self, one: Fields, target: str, trigger: str, event: Fields | None) -> None:
        """Add a row of history."""
        self.moves += 1
        row = {name: one[name] for name in ("key", "claim", "sync")}
        event_id = None if event is None else event["ids"][0]
        one["version"] += 1
        self.rows.append(
            row | {"trigger": trigger, "from": one["state"], "to": target, "version": one["version"]}
        )
        self.rows[-1]["event_id"] = event_id
        one.update(state=target, moved=self.moves)


def tells(event: Fields) -> Fields:
    """Give what an event says, with what a person laid over it."""
    return {**event["body"], **event["overlay"]}


def is_money(event: Fields) -> bool:
    return event["trigger"] in SIGNS


def standing_of(event: Fields) -> str:
    """Tell "the first of waiting, applied, dead, refused, known that any part of it is"."""
    return next(one for one in ORDER if one in event["parts"].values())


def binds(event: Fields) -> bool:
    """ "A refused, dead or dropped event does not bind its ids"; one that was refused in part does."""
    return standing_of(event) not in ("dead", "dropped") and event["answer"] not in ("refused", "reused")


def line_of(event: Fields) -> str | None:
    """Give the line of a reimbursement that an event tells, or that an equal one told of it."""
    line: str | None = tells(event).get("line_id", event["line"])
    return line
