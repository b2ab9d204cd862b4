"""Survey: what is kept of a user, looked at in one snapshot, from which the stub is made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflow_fsm.audit.audit import Audit
from workflow_fsm.audit.report import Report
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.model.inbox import Standing
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.core.values.strict_json import EXACT
from workflow_fsm.read.stubs import Stub, balanced
from workflow_fsm.stores.ahead.decided import met
from workflow_fsm.stores.session import Session

TABLES = ("lifecycles", "history", "events", "event_ids", "waits", "aliases", "cases", "effects")
"""The tables of a user that are counted; what checks saw of the user goes, too."""
_STANDINGS = frozenset(standing.value for standing in Standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found. `met` tells the user's row from itself after any change; `going` is the stub of one who
    is being forgotten already."""

    met: tuple[Any, ...] | None
    going: str | None
    kept: Mapping[str, int]
    events: Mapping[str, Mapping[str, int]]
    cursor: int
    report: Report | None

    @property
    def is_known(self) -> bool:
        """Whether anything is kept of the user."""
        return self.met is not None or self.going is not None or any(self.kept.values())

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return sum(self.kept.values())

    def stub(self, stub_id: str, *, at: datetime, actor: str, reason: str) -> Stub:
        """Make the stub. What a user's damaged rows can't tell of payouts is what became of them."""
        assert self.report is not None
        sums = {}
        for one in self.report.money:
            dropped = EXACT.add(one.dropped, one.unapplied)
            payouts = one.payouts if self.report.sound else None
            sums[one.currency] = balanced(
                one.currency, recovered=one.recovered, dropped=dropped, payouts=payouts
            )
        return Stub(
            id=stub_id,
            at=show_instant(at),
            actor=actor,
            reason=reason,
            cursor=self.cursor,
            kept=self.kept,
            events=self.events,
            money=sums,
            faults=self.report.found,
            root=self.report.root,
        )


def survey(session: Session, definition: Definition, user_id: str) -> Survey:
    """Look at all that is kept of a user."""
    row = session.row("user", user_id=user_id)
    going = None if row is None else row["forgotten_as"]
    found = session.row("kept_of", user_id=user_id)
    assert found is not None
    kept = {table: int(found[table]) for table in TABLES}
    report = None
    if going is None and (met(row) is not None or any(kept.values())):
        with Audit(lambda work: work(session), definition, users=[user_id]) as audit:
            report = audit.run()
    highest = max(found["last_row"], found["last_event"], found["last_effect"])
    cursor = row["cursor"] if row is not None and isinstance(row["cursor"], int) else 0
    return Survey(
        met=met(row),
        going=going,
        kept=kept,
        events=_events(session, user_id),
        cursor=max(cursor, highest),
        report=report,
    )


def _events(session: Session, user_id: str) -> dict[str, dict[str, int]]:
    """Count a user's events by trigger and standing: what waits, or tells none, is dropped from now on."""
    told: dict[str, dict[str, int]] = defaultdict(dict)
    for row in session.rows("figures_of", user_id=user_id):
        standing = row["standing"]
        if standing == Standing.WAITING or standing not in _STANDINGS:
            standing = Standing.DROPPED.value
        standings = told[row["trigger"]]
        standings[standing] = standings.get(standing, 0) + row["many"]
    return dict(told)
