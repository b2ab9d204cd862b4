"""Questions across users: claims, users, money and effects, as iterators that page by themselves."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from workflow_fsm.core.definition.explain import explain
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.effects.engine import Engine
from workflow_fsm.parts.store_handle import StoreHandle
from workflow_fsm.read.across.claims import claims_page
from workflow_fsm.read.across.claims_asked import ClaimsAsked
from workflow_fsm.read.across.effects import EffectsAsked, Standpoint, effects_of, effects_page
from workflow_fsm.read.across.money import MoneyAsked, money_page
from workflow_fsm.read.across.paging import PageRead, Rows
from workflow_fsm.read.across.question_shapes import (
    CellRecord,
    ClaimDetail,
    ClaimRow,
    EffectRow,
    EventRecord,
    MoneyRow,
    UserRow,
)
from workflow_fsm.read.across.users import event_record, users_page
from workflow_fsm.read.history import history_of
from workflow_fsm.read.status import show_claim
from workflow_fsm.read.waiting import Place, WaitingEvents, waiting_page
from workflow_fsm.stores.repository import NO_LIMIT, Repository
from workflow_fsm.stores.session import Session


class Questions(StoreHandle):
    """What operators ask; a part of `Workflow`.

    Each gives an iterator, which reads a page at a time. `limit` is how many rows it gives at most (without
    it: all); its `next_cursor` is the `cursor` of what comes behind the last row, None where nothing does.
    A page is of the store as it stands when it is read; a row that isn't written meanwhile is given once.
    """

    _engine: Engine

    def claims(
        self,
        *,
        state: str | None = None,
        decision: str | None = None,
        currency: str | None = None,
        amazon_case_id: str | None = None,
        reimbursement_id: str | None = None,
        q: str | None = None,
        due_before: str | datetime | None = None,
        overdue: bool | None = None,
        waiting: bool | None = None,
        sort: str = "entered_at",
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Rows[ClaimRow]:
        """Give claims and plain lifecycles of all users; a claim that was merged into another is none.

        `q` is how the claim's id, or one of its aliases, begins. `due_before` wants a deadline before that
        instant, `overdue` one that passed before the claim was filed, `waiting` an event that waits and names
        the claim. `sort` is `deadline`, `amount` or `entered_at`, with `-` for the other way; what has none
        comes last. Raises InvalidEvent for a filter that nothing can have.
        """
        asked = ClaimsAsked(
            state=state,
            decision=decision,
            currency=currency,
            amazon_case_id=amazon_case_id,
            reimbursement_id=reimbursement_id,
            q=q,
            due_before=due_before,
            overdue=overdue,
            waiting=waiting,
            sort=sort,
        )

        def read(many: int, at: str | None) -> PageRead[ClaimRow]:
            now = self._clock()
            return self._store.read(
                lambda session: claims_page(
                    session,
                    self.definition,
                    asked,
                    now,
                    currencies=self._store.currencies,
                    limit=many,
                    cursor=at,
                )
            )

        return Rows(read, limit=limit, cursor=cursor)

    def claim(self, user_id: str, claim_id: str) -> ClaimDetail | None:
        """Give one claim whole, by its id or an alias; None where there is none.

        It is as `status` has it, and has what each trigger would meet (`explain`), the events that wait and
        name it (`deferred`), its `effects` and its `history`.
        """
        at = self._standpoint()
        return self._store.read(partial(self._claim, user_id=user_id, claim_id=claim_id, at=at))

    def users(
        self, *, q: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Rows[UserRow]:
        """Give the users of whom anything is known, whose ids begin with `q`, in the order of their ids."""

        def read(many: int, at: str | None) -> PageRead[UserRow]:
            return self._store.read(
                lambda session: users_page(session, self.definition, q, limit=many, cursor=at)
            )

        return Rows(read, limit=limit, cursor=cursor)

    def money(
        self,
        *,
        user_id: str | None = None,
        currency: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        standing: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Rows[MoneyRow]:
        """Give a row for each payout and reversal, as they came in, from `since` on and before `until`.

        `standing` is `recovered`, `unapplied` or `dropped`: payouts less reversals are what `status` and the
        figures say of each, as amounts are above nothing here. Refused ones are left out. Raises InvalidEvent
        for a filter that nothing can have.
        """
        asked = MoneyAsked(user_id=user_id, currency=currency, since=since, until=until, standing=standing)

        def read(many: int, at: str | None) -> PageRead[MoneyRow]:
            return self._store.read(
                lambda session: money_page(
                    session,
                    self.definition,
                    asked,
                    currencies=self._store.currencies,
                    limit=many,
                    cursor=at,
                )
            )

        return Rows(read, limit=limit, cursor=cursor)

    def event(self, user_id: str, event_id: str) -> EventRecord | None:
        """Tell what an event said, and what became of it, by any of its ids; None where it never arrived."""
        return self._store.read(lambda session: event_record(session, self.definition, user_id, event_id))

    def effects(
        self,
        *,
        handler: str | None = None,
        standing: str | None = None,
        user_id: str | None = None,
        claim_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Rows[EffectRow]:
        """Give effects by user, in the order in which they were owed, but for those made void or dropped.

        `standing` is `owed`, `running`, `paused` (between two tries), `dead` or `done`. A `claim_id` wants
        its `user_id`. Raises InvalidEvent for a filter that nothing can have.
        """
        asked = EffectsAsked(handler=handler, standing=standing, user_id=user_id, claim_id=claim_id)

        def read(many: int, at: str | None) -> PageRead[EffectRow]:
            when = self._standpoint()
            return self._store.read(
                lambda session: effects_page(session, self.definition, asked, when, limit=many, cursor=at)
            )

        return Rows(read, limit=limit, cursor=cursor)

    # -- parts

    def _standpoint(self) -> Standpoint:
        return Standpoint(now=self._clock(), over=self._engine.leasing.over(), tries=self.settings.tries)

    def _claim(self, session: Session, *, user_id: str, claim_id: str, at: Standpoint) -> ClaimDetail | None:
        source = Repository.of(session, self.definition, user_id)
        situation = Situation(user_id, source)
        claim = situation.claim(claim_id)
        if claim is None:
            return None
        shown = show_claim(session, self.definition, user_id, claim, at.now)
        waiting = waiting_page(situation, source, Place(), NO_LIMIT - 1, claim_id=claim.claim_id)
        shows = WaitingEvents(self.definition, situation, source)
        cells = [explain(self.definition, claim.state, one.name) for one in self.definition.triggers]
        return ClaimDetail.of(
            {
                "user_id": user_id,
                **dict(shown.items()),
                "explain": [
                    CellRecord(
                        trigger=one.trigger, verdict=one.verdict, reason=one.reason, leads=list(one.leads)
                    )
                    for one in cells
                ],
                "deferred": [shows.show(stored, share) for stored, share in waiting.parts],
                "effects": effects_of(session, user_id, claim.id, at),
                "history": history_of(session, user_id, claim),
            }
        )
