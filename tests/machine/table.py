"""The contract's table as the tests read it: where each trigger moves, and where it is too early."""

from __future__ import annotations

# The arrows: trigger -> from -> the states it may lead to. One that leads to where it comes from may be `↻`.
ARROWS: dict[str, dict[str | None, tuple[str, ...]]] = {
    "sync_complete": {None: ("synced",)},
    "detection_complete": {
        "synced": ("detected",),
        "detected": ("detected",),
        "matched": ("matched",),
        "expired": ("detected", "matched"),
    },
    "evidence_matching_complete": {"detected": ("matched",), "matched": ("matched",)},
    "claim_submitted": dict.fromkeys(("detected", "matched", "rejected", "expired"), ("submitted",)),
    "claim_rejected": dict.fromkeys(("detected", "matched", "submitted", "expired"), ("rejected",)),
    "payout_received": dict.fromkeys(
        ("detected", "matched", "submitted", "rejected", "paid", "expired"), ("paid",)
    ),
    "payout_reversed": {"paid": ("paid", "rejected")},
    "deadline_passed": {"detected": ("expired",), "matched": ("expired",)},
}
# Where a trigger is "too early" whatever it tells.
TOO_EARLY = {
    "evidence_matching_complete": ("synced",),
    "claim_submitted": ("synced",),
    "claim_rejected": ("synced",),
    "payout_received": ("synced",),
    "payout_reversed": ("synced", "detected", "matched", "submitted", "rejected", "expired"),
}
# "A rejection that names no case has no arrow where one is asked for": there it is too early.
UNFILED = ("detected", "matched", "expired")
SIGNS = {"payout_received": 1, "payout_reversed": -1}
PLACES = {"USD": 2, "JPY": 0, "KWD": 3, "CAD": 2, "GBP": 2}
ORDER = ("waiting", "applied", "dead", "refused", "known", "dropped")
""" "A list counts once: as the first of waiting, applied, dead, refused, known that any part of it is"."""
