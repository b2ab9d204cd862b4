"""What each order of one claim's webhooks leads to: the contract's table alone, for one filed claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EVENTS: dict[str, dict[str, Any]] = {
    "sync": {"trigger": "sync_complete", "sync_id": "s"},
    "detection": {
        "trigger": "detection_complete",
        "sync_id": "s",
        "claims": [{"claim_id": "c"}, {"claim_id": "other"}],
    },
    "matching": {"trigger": "evidence_matching_complete", "claim_id": "c", "confidence": "0.9"},
    "submitted": {"trigger": "claim_submitted", "claim_id": "c", "case_id": "k"},
    "rejected": {"trigger": "claim_rejected", "case_id": "k", "reason": "no proof"},
    "payout": {"trigger": "payout_received", "case_id": "k", "amount": "12.50", "currency": "USD"},
}
REVERSAL = {"trigger": "payout_reversed", "case_id": "k", "amount": "2.50", "currency": "USD"}
WITH_A_REVERSAL = EVENTS | {"reversal": REVERSAL}
# The contract's table: for each event the states in which it moves, and where to; else it is known …
ARROWS = {
    "matching": {"detected": "matched"},
    "submitted": {"detected": "submitted", "matched": "submitted"},
    "rejected": {"detected": "rejected", "matched": "rejected", "submitted": "rejected"},
    "payout": dict.fromkeys(("detected", "matched", "submitted", "rejected"), "paid"),
    "reversal": {"paid": "paid"},
}
# … or contradicts what is recorded. (A filing in `rejected` is told late here, or came before.)
CONTRADICTS = {"rejected": ("rejected", "paid")}
# What names only the case waits until the submission has come, which names claim and case, itself waiting or
# not; a reversal waits for its payout, too.
BY_THE_CASE = ("rejected", "payout", "reversal")

Class = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What an order leads to."""

    way: tuple[str, ...]
    standings: dict[str, str]

    @property
    def told(self) -> Class:
        """Give its class: the way, and what was known or refused on it."""
        known, refused = (
            " ".join(name for name in WITH_A_REVERSAL if self.standings.get(name) == which)
            for which in ("known", "refused")
        )
        return " ".join(self.way), known, refused


def model(order: Sequence[str]) -> Ending:
    """Follow the table, without the code."""
    way: list[str] = []
    waiting: list[str] = []
    standings: dict[str, str] = {}

    def judge(name: str, *, fresh: bool) -> bool:
        """Settle one event where it can be, and tell whether its wait ended."""
        state = way[-1] if way else "none"
        if state in ("none", "synced"):
            step = {"sync": "synced"} if state == "none" else {"detection": "detected"}
        else:
            step = {name: ARROWS[name][state]} if state in ARROWS.get(name, {}) else {}
        is_named = name not in BY_THE_CASE or "submitted" in standings
        if name in step and is_named:
            way.append(step[name])
            standings[name] = "applied"
        elif state in ("none", "synced") or not is_named or name == "reversal":
            standings[name] = "waiting"
        else:
            refused = fresh and state in CONTRADICTS.get(name, ())
            standings[name] = "refused" if refused else "known"
        return standings[name] != "waiting"

    for name in order:
        if not judge(name, fresh=True):
            waiting.append(name)
        goes_on = True
        while goes_on:  # "judged from the oldest, and from the oldest again after each whose wait ends"
            ended = next((early for early in waiting if judge(early, fresh=False)), None)
            goes_on = ended is not None
            if ended is not None:
                waiting.remove(ended)
    return Ending(way=tuple(way), standings=standings)
