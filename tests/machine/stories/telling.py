"""What a story of the contract is: a sentence of it, what happens, and what is shown then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]
Step = tuple[str, Fields, str | None]
""" What happens, with what, and the status that its answer has (None: it doesn't matter)."""

SYNC, DETECTION = "sync_complete", "detection_complete"
MATCH, SUBMITTED, REJECTED = "evidence_matching_complete", "claim_submitted", "claim_rejected"
PAYOUT, REVERSAL = "payout_received", "payout_reversed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`shows` is a part of what must be shown: whole values, but of each claim the fields that it names."""

    says: str
    steps: tuple[Step, ...]
    shows: Fields

    def __str__(self) -> str:
        return self.says


def story(says: str, *steps: Step | Iterable[Step], **shows: Any) -> Story:
    """Tell a story; a step may be several."""
    flat: list[Step] = []
    for step in steps:
        flat.extend([step] if isinstance(step, tuple) else step)
    return Story(says=says, steps=tuple(flat), shows=shows)


def fire(trigger: str, answer: str | None = None, id: str | None = None, **fields: Any) -> Step:
    """Send an event; `headers` are the ids that its headers bring."""
    return (trigger, fields if id is None else {**fields, "event_id": id}, answer)


def found(*claims: str, sync: str = "s1", **entry: Any) -> list[Step]:
    """Find claims in a sync."""
    entries = [{"claim_id": claim, **entry} for claim in claims]
    return [fire(SYNC, None, sync_id=sync), fire(DETECTION, "applied", sync_id=sync, claims=entries)]


def act(name: str, answer: str | None = None, **fields: Any) -> Step:
    """Let a person act: link, unlink, retry, drop, restore; or let time pass."""
    return (name, fields, answer)


def part_of(shown: Fields, expected: Fields) -> Fields:
    """Give that part of what is shown which a story tells of."""
    part = {name: value for name, value in shown.items() if name in expected}
    if "claims" in expected:
        part["claims"] = {
            claim: {name: value for name, value in shown["claims"].get(claim, {}).items() if name in fields}
            for claim, fields in expected["claims"].items()
        }
    return part
