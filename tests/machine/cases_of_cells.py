"""The contract's table as data: every cell with its questions, and the ways that lead to its row.

All of it is copied from the contract and not from the code. A row is a state as its questions see it: which
cases the claim has, and who told of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.machine.layers import NOTHING, Stands

Fields = dict[str, Any]

COLUMNS = (
    "sync_complete",
    "detected as before",
    "detected anew",
    "detected anew, but older",
    "a higher match",
    "a lower match",
    "filed, no case",
    "filed, case k",
    "filed, case n",
    "rejected, no case",
    "rejected, case k",
    "rejected, case n",
    "payout_received",
    "a part reversed",
    "all reversed",
    "more reversed",
    "deadline_passed",
)
# "An arrow moves; `=` (*known*) …; `wait` (*deferred*) …; `no` (*refused*)": an arrow is its target's name,
# and `↻` "an arrow to the same state". Each row and column has a claim with a name; `PLAIN` says where the
# plain lifecycle of a sync differs. A match below `matched`, a reversal outside `paid`: it is all one.
TABLE = """
none                     |synced|wait    |wait    |wait    |wait   |wait   |wait     |wait     |wait     |wait    |wait    |wait    |wait|wait|wait    |wait|
synced                   |=     |detected|detected|detected|wait   |wait   |wait     |wait     |wait     |wait    |wait    |wait    |wait|wait|wait    |wait|
detected                 |=     |=       |↻       |=       |matched|matched|submitted|submitted|submitted|wait    |rejected|rejected|paid|wait|wait    |wait|expired
matched                  |=     |=       |↻       |=       |matched|=      |submitted|submitted|submitted|wait    |rejected|rejected|paid|wait|wait    |wait|expired
submitted                |=     |=       |=       |=       |=      |=      |=        |=        |=        |rejected|rejected|=       |paid|wait|wait    |wait|=
submitted, two cases     |=     |=       |=       |=       |=      |=      |=        |=        |=        |rejected|=       |=       |paid|wait|wait    |wait|=
submitted, unnamed       |=     |=       |=       |=       |=      |=      |=        |=        |=        |rejected|rejected|rejected|paid|wait|wait    |wait|=
rejected                 |=     |=       |=       |=       |=      |=      |submitted|submitted|submitted|no      |no      |=       |paid|wait|wait    |wait|=
rejected, verdict alone  |=     |=       |=       |=       |=      |=      |=        |=        |submitted|no      |no      |=       |paid|wait|wait    |wait|=
rejected, told late      |=     |=       |=       |=       |=      |=      |submitted|submitted|submitted|no      |no      |=       |paid|wait|wait    |wait|=
rejected, money reversed |=     |=       |=       |=       |=      |=      |=        |submitted|submitted|no      |=       |=       |paid|wait|wait    |wait|=
paid                     |=     |=       |=       |=       |=      |=      |=        |=        |=        |no      |no      |=       |paid|paid|rejected|wait|=
paid, no case            |=     |=       |=       |=       |=      |=      |=        |=        |=        |no      |=       |=       |paid|paid|rejected|wait|=
paid, a case open        |=     |=       |=       |=       |=      |=      |=        |=        |=        |no      |=       |=       |paid|paid|rejected|wait|=
expired                  |=     |=       |detected|=       |=      |=      |submitted|submitted|submitted|wait    |rejected|rejected|paid|wait|wait    |wait|=
expired, matched         |=     |=       |matched |=       |=      |=      |submitted|submitted|submitted|wait    |rejected|rejected|paid|wait|wait    |wait|=
"""  # noqa: E501  # a table
# "Where nobody has the case, … a rejection or money is for nobody else: it waits", and a plain lifecycle is
# found by its cases alone. Its detection has nothing to tell anew, and it has no deadline.
PLAIN = {
    **{(row, "rejected, case n"): "wait" for row in ("submitted", "rejected", "paid", "submitted, unnamed")},
    **{(row, f"rejected, case {case}"): "wait" for row in ("detected", "matched") for case in "kn"},
    **{(row, "detected anew"): "=" for row in ("detected", "matched")},
    ("submitted, unnamed", "rejected, case k"): "wait",
}
PLAIN_ROWS = ("none", "synced", "detected", "matched", "submitted", "submitted, unnamed", "rejected", "paid")
# "`allowed`: the triggers with an arrow, timers left out."
_UNFILED = (
    "detection_complete",
    "evidence_matching_complete",
    "claim_submitted",
    "claim_rejected",
    "payout_received",
)
ALLOWED = {
    "synced": ("detection_complete",),
    "detected": _UNFILED,
    "matched": _UNFILED,
    "submitted": ("claim_rejected", "payout_received"),
    "rejected": ("claim_submitted", "payout_received"),
    "paid": ("payout_received", "payout_reversed"),
    "expired": ("detection_complete", "claim_submitted", "claim_rejected", "payout_received"),
}
_DETECTED = ("sync_complete", "detected first")
_FILED = (*_DETECTED, "filed, case k")
WAYS: dict[str, tuple[str, ...]] = {
    "none": (),
    "synced": ("sync_complete",),
    "detected": _DETECTED,
    "matched": (*_DETECTED, "a match"),
    "submitted": _FILED,
    "submitted, two cases": (*_FILED, "filed, case m"),
    "submitted, unnamed": (*_DETECTED, "filed, no case"),
    "rejected": (*_FILED, "rejected, case k"),
    "rejected, verdict alone": (*_DETECTED, "rejected, case k"),
    "rejected, told late": (*_DETECTED, "rejected, case k", "filed, case k"),
    "rejected, money reversed": (*_DETECTED, "paid under no case", "all reversed, no case"),
    "paid": (*_FILED, "paid under k"),
    "paid, no case": (*_DETECTED, "paid under no case"),
    "paid, a case open": (*_FILED, "paid under no case"),
    "expired": (*_DETECTED, "time"),
    "expired, matched": (*_DETECTED, "a match", "time"),
}
# "`version` counts transitions only": the steps of a way that are known, for which it doesn't rise.
KNOWN_STEPS = {"submitted, two cases": 1, "rejected, told late": 1}
CASE_K, CASE_N = {"amazon_case_id": "k"}, {"amazon_case_id": "n"}
STEPS: dict[str, tuple[str, Fields]] = {
    "sync_complete": ("sync_complete", {}),
    "detected first": ("detection_complete", {}),
    "detected as before": ("detection_complete", {}),
    "detected anew": ("detection_complete", {"claim_type": "lost"}),
    "detected anew, but older": ("detection_complete", {"claim_type": "lost"}),
    "a match": ("evidence_matching_complete", {"confidence": "0.6"}),
    "a higher match": ("evidence_matching_complete", {"confidence": "0.9"}),
    "a lower match": ("evidence_matching_complete", {"confidence": "0.5"}),
    "filed, no case": ("claim_submitted", {}),
    "filed, case k": ("claim_submitted", CASE_K),
    "filed, case m": ("claim_submitted", {"amazon_case_id": "m"}),
    "filed, case n": ("claim_submitted", CASE_N),
    "rejected, no case": ("claim_rejected", {}),
    "rejected, case k": ("claim_rejected", CASE_K),
    "rejected, case n": ("claim_rejected", CASE_N),
    "payout_received": ("payout_received", {"amount": "7.00", "currency": "USD"}),
    "paid under k": ("payout_received", {"amount": "10.00", "currency": "USD", **CASE_K}),
    "paid under no case": ("payout_received", {"amount": "10.00", "currency": "USD"}),
    "a part reversed": ("payout_reversed", {"amount": "2.50", "currency": "USD"}),
    "all reversed": ("payout_reversed", {"amount": "10.00", "currency": "USD"}),
    "all reversed, no case": ("payout_reversed", {"amount": "10.00", "currency": "USD"}),
    "more reversed": ("payout_reversed", {"amount": "10.01", "currency": "USD"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One cell, met by a claim that has a name, or by the plain lifecycle of a sync."""

    row: str
    column: str
    cell: str
    named: bool

    @property
    def claim(self) -> str | None:
        return "c" if self.named else None

    @property
    def state(self) -> str:
        return self.row.partition(",")[0]

    @property
    def version(self) -> int:
        return len(WAYS[self.row]) - KNOWN_STEPS.get(self.row, 0)

    @property
    def code(self) -> int:
        return {"wait": 202, "no": 409}.get(self.cell, 200)

    @property
    def status(self) -> str:
        return {"=": "unchanged", "wait": "deferred", "no": "refused"}.get(self.cell, "applied")

    @property
    def moves(self) -> bool:
        return self.status == "applied"

    @property
    def target(self) -> str:
        return self.state if self.cell == "↻" else self.cell

    @property
    def transitions(self) -> tuple[tuple[Any, ...], ...]:
        """`[{"claim_id", "sync_id", "from", "to", "version"}]`, "a sync that forked first"."""
        if not self.moves:
            return ()
        if self.row == "none":
            return ((None, "s", None, "synced", 1),)
        moved = (self.claim, "s", self.state, self.target, self.version + 1)
        if self.named and self.row == "synced":
            return ((None, "s", "synced", "detected", 2), moved)
        return (moved,)

    @property
    def before(self) -> Stands:
        if self.row == "none":
            return NOTHING
        return Stands(state=self.state, version=self.version, allowed=ALLOWED[self.state])

    @property
    def after(self) -> Stands:
        if not self.moves:
            return self.before
        return Stands(state=self.target, version=self.version + 1, allowed=ALLOWED[self.target])

    def __str__(self) -> str:
        return f"{'claim' if self.named else 'plain'}-{self.row}-{self.column}"


def cases(*, timers: bool) -> Iterator[Case]:
    for line in TABLE.strip().splitlines():
        row, *cells = (cell.strip() for cell in line.split("|"))
        for column, cell in zip(COLUMNS, cells, strict=True):
            if (column == "deadline_passed") is not timers or not cell:
                continue
            yield Case(row=row, column=column, cell=cell, named=True)
            if row in PLAIN_ROWS and not timers and column != "detected anew, but older":
                plain = PLAIN.get((row, column), cell)
                yield Case(row=row, column=column, cell=plain, named=False)


def event(step: str, case: Case, user: str, **more: Any) -> tuple[str, Fields]:
    """Make the event of a step on a way, or of a column."""
    trigger, tells = STEPS[step]
    deadline = more.pop("deadline", None)
    fields: Fields = {"user_id": user}
    if trigger == "detection_complete" and case.named:
        entry = {"claim_id": "c", "deadline_date": deadline, **tells}
        if step == "detected anew" and case.state == "expired":
            entry["deadline_date"] = "2999-01-01T00:00:00Z"  # "another deadline, not past"
        older = step == "detected anew, but older"
        occurred = f"20{'20' if older else '25' if step == 'detected first' else '26'}-01-01T00:00:00Z"
        fields |= {"sync_id": "s", "claims": [entry], "occurred_at": occurred}
    elif trigger == "detection_complete":
        fields |= {"sync_id": "s", "claims_found": 1}
    elif trigger == "sync_complete" or (not case.named and "amazon_case_id" not in tells):
        fields |= {"sync_id": "s", **tells}
    elif case.named:
        fields |= {"claim_id": "c", **tells}
    else:
        fields |= tells
    return trigger, fields | more
