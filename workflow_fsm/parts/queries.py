"""What comes out of a store: status, history, and why a trigger is allowed, waits or is refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import replace

from workflow_fsm.audit.audit import Audit, Progress
from workflow_fsm.audit.parts import Elsewhere
from workflow_fsm.audit.report import Report
from workflow_fsm.audit.since import Seen
from workflow_fsm.core.definition.arguments import must_be_one_of
from workflow_fsm.core.definition.explain import Explanation, explain
from workflow_fsm.core.errors import FieldError, InvalidEvent, StoreRefused, StoreUnavailable
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.records import Page
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.parts.store_handle import StoreHandle
from workflow_fsm.read import figures, history, status
from workflow_fsm.read.across.by_state import StateFigures, count_by_state
from workflow_fsm.read.across.weeks import CurrencyWeeks, money_by_week
from workflow_fsm.read.figures import Backlog, Figures, Totals
from workflow_fsm.read.flow import Flow
from workflow_fsm.read.limits import MOST_A_PAGE, checked_limit
from workflow_fsm.read.shapes import HistoryRow, Status
from workflow_fsm.stores.observers import Observer
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Session

log = logging.getLogger(__name__)

WEEKS = 12
"""Of how many weeks money is added up, if not said."""


class Queries(StoreHandle):
    """The reading half of a `Workflow`. Raises StoreUnavailable where the store can't be read just now."""

    def status(
        self,
        user_id: str,
        *,
        claim_id: str | None = None,
        sync_id: str | None = None,
        limit: int | None = None,
        cursor: int | str | None = None,
    ) -> Status | None:
        """Tell where a user stands, as `GET status` does; None for one of whom nothing is known.

        All of `claims`, `syncs` and `deferred` are given, read a page at a time. With a `limit` (1 to 1,000)
        each has at most so many, and `next_cursor` is the `cursor` of the next page.
        """

        def page(many: int, at: int | str | None) -> Status | None:
            return self._store.read(
                lambda session: status.status(
                    session,
                    self.definition,
                    user_id,
                    claim_id=claim_id,
                    sync_id=sync_id,
                    limit=many,
                    cursor=at,
                    now=self._clock(),
                )
            )

        if limit is not None:
            checked_limit(limit, MOST_A_PAGE)
            return page(limit, cursor)
        told = rest = page(MOST_A_PAGE, cursor)
        while told is not None and rest is not None and rest.next_cursor is not None:
            rest = page(MOST_A_PAGE, rest.next_cursor)
            if rest is not None:
                for name in ("claims", "syncs", "deferred"):
                    told[name].extend(rest[name])
        if told is not None:
            told["next_cursor"] = None
        return told

    def history(
        self,
        user_id: str,
        claim_id: str | None = None,
        *,
        sync_id: str | None = None,
        limit: int | None = None,
        cursor: int | None = None,
    ) -> Page[HistoryRow] | None:
        """Give a user's transitions after `cursor`, oldest first; None for a user of whom nothing is known.

        With a `claim_id`, those of that claim, from the first of the sync from which it forked. All are
        given, read a page at a time; with a `limit` (1 to 1,000) at most so many, and
        `next_cursor` is the `cursor` of the next page.
        """

        def page(many: int, at: int | None) -> Page[HistoryRow] | None:
            return self._store.read(
                lambda session: history.history(
                    session,
                    self.definition,
                    user_id,
                    claim_id=claim_id,
                    sync_id=sync_id,
                    limit=many,
                    cursor=at or 0,
                )
            )

        if limit is not None:
            checked_limit(limit, MOST_A_PAGE)
            return page(limit, cursor)
        told = rest = page(MOST_A_PAGE, cursor)
        while told is not None and rest is not None and rest.next_cursor is not None:
            rest = page(MOST_A_PAGE, rest.next_cursor)
            told.extend(rest or ())
        if told is not None:
            told.next_cursor = None
        return told

    def newest_cursor(self, user_id: str) -> int:
        """Give the cursor that a user's history has reached, 0 for one of whom nothing is known."""

        def find(session: Session) -> int:
            return Repository.of(session, self.definition, user_id).cursor()

        return self._store.read(find)

    def after(self, cursors: Mapping[str, int], *, limit: int) -> dict[str, list[HistoryRow]]:
        """Give, of one snapshot, the first transitions after a cursor of each user: `limit` of each.

        Who has none isn't in it; nor is whoever can be no user. Whose cursor the store has never reached, or
        reaches no more, since it lost what it had acknowledged, has an empty list.
        """

        def find(session: Session) -> dict[str, list[HistoryRow]]:
            asked = json.dumps({user_id: at for user_id, at in cursors.items() if "\0" not in user_id})
            reached = {row["user_id"]: row["cursor"] for row in session.rows("not_at", cursors=asked)}
            pages = {
                user_id: session.rows("history_page", user_id=user_id, cursor=cursors[user_id], limit=limit)
                for user_id in reached
            }
            return {
                user_id: [history.show_transition(row) for row in rows]
                for user_id, rows in pages.items()
                if rows or reached[user_id] < cursors[user_id]
            }

        return self._store.read(find)

    def allowed(self, user_id: str, claim_id: str | None = None) -> tuple[str, ...] | None:
        """Give the triggers that would move a claim now (without one: the user's newest lifecycle).

        None for a user of whom nothing is known, as `status`.
        """
        is_known, state = self._store.read(lambda session: self._find_state(session, user_id, claim_id))
        return self.definition.allowed(state) if is_known else None

    def _explain_cell(self, user_id: str, claim_id: str | None, trigger: str) -> Explanation:
        """Explain a trigger by the table alone. Raises InvalidEvent for one that the definition hasn't."""
        state = self._state_of(user_id, claim_id)
        known = self.definition.trigger(trigger)
        if known is None or (known.timer and state is None):
            names = [one.name for one in self.definition.triggers]
            raise InvalidEvent([FieldError(field="trigger", reason=must_be_one_of(trigger, names))])
        return explain(self.definition, state, trigger)

    def check(
        self,
        *,
        expect: str | None = None,
        since: str | None = None,
        users: Collection[str] | None = None,
        progress: Progress | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> Report:
        """Audit everything in the store: fold every chain, add up events and money, name what is wrong.

        Each user is audited as of one moment, in snapshots that last as long as rows are copied. `expect` is
        the root of an earlier report, for a store that took nothing since: a chain whose end was cut off is a
        fault then.

        `since` is the root of an earlier report of all: only users to whom numbers were handed out since
        (with each event, transition, effect and act) are audited, and what history was then must be there
        still. The root is over all users again, to go on from. Raises RootUnknown where no such check is
        known. One of all that finds nothing wrong is kept for that, where the store can be written;
        `recorded` says so.

        `users` are the only ones audited, and the root is over those; what is of no user is left out.
        `progress` is called with how much is done, and of how much. `elsewhere` audits parts of a large store
        in other processes, as the command line has it.
        """
        if users is not None and since is not None:
            raise ValueError("since goes on from a check of all users; give it, or users")
        only = None if users is None else list(users)
        read, definition = self._store.read, self.definition
        with Audit(
            read, definition, users=only, since=since, progress=progress, elsewhere=elsewhere
        ) as audit:
            report = audit.run()
            if audit.seen is not None and report.sound:
                report = replace(report, recorded=self._record(audit.seen, report.root))
        return report if expect is None else report.expecting(expect)

    def _record(self, seen: Seen, root: str) -> bool:
        """Keep what a check saw; tell whether that could be."""
        try:
            seen.keep(self._store.write, root=root, check_id=self._ids(), at=show_instant(self._clock()))
        except (StoreUnavailable, StoreRefused) as error:
            log.warning("what the check saw is not kept, so that none goes on from its root: %s", error)
            return False
        return True

    def ready(self) -> None:
        """Try a write that leaves nothing behind. Raises StoreUnavailable where that can't be done.

        Raises WorkerStuck where so many threads of a worker that this workflow made died or hang that a
        restart is due. One write is tried at a time, and its answer stands for a second: asking often costs
        nothing.
        """
        self._readiness.check()
        for worker in tuple(self._workers):
            worker.check()

    def figures(self) -> Figures:
        """Count the backlog and the totals, of one snapshot."""
        now = self._clock()
        return self._store.read(lambda session: figures.count(session, self.definition, now))

    def backlog(self, *, with_money: bool = True) -> Backlog:
        """Count what somebody should act on, all users together. It costs as much as there is to do.

        Most of that is reading what money waits; without it `waiting_money` is empty.
        """
        now = self._clock()
        return self._store.read(
            lambda session: figures.count_backlog(session, self.definition, now, with_money=with_money)
        )

    def totals(self) -> Totals:
        """Count all that is in the store. It reads whole indexes: not for every request."""
        return self._store.read(lambda session: figures.count_totals(session, self.definition))

    def by_state(self) -> dict[str, StateFigures]:
        """Tell of every state how many claims are in it, since when, what they ask, and which end soon.

        It reads all of an index: not for every request.
        """
        now = self._clock()
        return self._store.read(lambda session: count_by_state(session, self.definition, now))

    def flow(self) -> Flow:
        """Count the ways that claims went within the last day, and the events of the last minute.

        What was counted before isn't read again: asking often costs what came since.
        """
        return self._flow.latest(self._store.read, self._clock())

    def money_by_week(self, *, weeks: int = WEEKS) -> list[CurrencyWeeks]:
        """Add up what was paid and reversed in each of the last weeks, this one too, by currency.

        Only currencies in which something was, most booked first. It reads all that was booked in these
        weeks: not for every request.
        """
        now, many = self._clock(), checked_limit(weeks, MOST_A_PAGE)
        return self._store.read(lambda session: money_by_week(session, now, weeks=many))

    def last_check(self) -> str | None:
        """Tell when the newest check of all was done that found nothing wrong and was kept; None for none."""

        def find(session: Session) -> str | None:
            row = session.row("last_check")
            return None if row is None or row["at"] is None else str(row["at"])

        return self._store.read(find)

    def observe(self, observer: Observer) -> None:
        """Tell an observer, from now on, of commits, answers and tries in this process."""
        self._store.observers.add(observer)

    # -- parts

    def _state_of(self, user_id: str, claim_id: str | None) -> str | None:
        return self._store.read(lambda session: self._find_state(session, user_id, claim_id)[1])

    def _find_state(self, session: Session, user_id: str, claim_id: str | None) -> tuple[bool, str | None]:
        """Tell whether a user is known, and the state of a claim, or of the newest lifecycle."""
        source = Repository.of(session, self.definition, user_id)
        is_known = session.row("is_told_of", user_id=user_id) is not None
        if claim_id is not None:
            claim = Situation(user_id, source).claim(claim_id)
            return is_known, None if claim is None else claim.state
        newest = session.row("newest_counted", user_id=user_id, first=self.definition.first_state())
        return is_known, None if newest is None else str(newest["state"])
