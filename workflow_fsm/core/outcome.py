"""What became of an event, as callers see it: the same shape in the library and as JSON.

A `Record` is a JSON object whose keys read as attributes too; an `Outcome` is one answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Record(dict[str, Any]):
    """A JSON object: `record["state"]` and `record.state` are the same."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"this record has no {name!r}; it has {', '.join(sorted(self))}") from None


class Page(list[Record]):
    """Rows of one page, oldest first; `next_cursor` opens the next page and is None on the last."""

    def __init__(self, rows: list[Record], next_cursor: int | None) -> None:
        super().__init__(rows)
        self.next_cursor = next_cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The committed answer to one event.

    `status` is `applied`, `deferred`, `unchanged` or `duplicate` (then `first_status` tells what the
    event was answered the first time). The lists hold `Record`s in the shape of the HTTP answer:
    `transitions` `{claim_id, sync_id, from, to, version}`, `unchanged` `{claim_id, sync_id, state}`,
    `deferred` `{claim_id, waiting_for, expires_at}`, `refused` `{index or claim_id, state, reason, …}`.
    `expires_at` is an ISO 8601 instant in UTC, or None where the event waits for ever.
    """

    status: str
    event_id: str
    user_id: str
    trigger: str
    transitions: tuple[Record, ...] = ()
    unchanged: tuple[Record, ...] = ()
    deferred: tuple[Record, ...] = ()
    refused: tuple[Record, ...] = ()
    waiting_for: tuple[str, ...] = ()
    expires_at: str | None = None
    candidates: tuple[Record, ...] = ()
    first_status: str | None = None
    hint: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the answer as the JSON object that a webhook's sender reads."""
        answer: dict[str, Any] = {
            "status": self.status,
            "event_id": self.event_id,
            "user_id": self.user_id,
            "trigger": self.trigger,
        }
        if self.first_status is not None:
            answer["first_status"] = self.first_status
        told = self.first_status or self.status
        if told == "deferred":
            answer["waiting_for"] = list(self.waiting_for)
            answer["expires_at"] = self.expires_at
            answer["candidates"] = list(self.candidates)
        else:
            answer["transitions"] = list(self.transitions)
        for name in ("unchanged", "deferred", "refused"):
            rows = getattr(self, name)
            if rows:
                answer[name] = list(rows)
        if self.hint is not None:
            answer["hint"] = self.hint
        return answer

    @classmethod
    def from_dict(cls, answer: Mapping[str, Any]) -> Outcome:
        """Read back what `as_dict` gave."""
        lists = {
            name: tuple(Record(row) for row in answer.get(name, ()))
            for name in ("transitions", "unchanged", "deferred", "refused", "candidates")
        }
        return cls(
            status=answer["status"],
            event_id=answer["event_id"],
            user_id=answer["user_id"],
            trigger=answer["trigger"],
            waiting_for=tuple(answer.get("waiting_for", ())),
            expires_at=answer.get("expires_at"),
            first_status=answer.get("first_status"),
            hint=answer.get("hint"),
            **lists,
        )
