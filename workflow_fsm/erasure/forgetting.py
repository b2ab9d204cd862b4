"""Forgetting: all that was kept of a user is erased, and a stub left by which counts and totals stay true."""

from __future__ import annotations

import logging
from functools import partial

from workflow_fsm.core.errors import FieldError, InvalidEvent, StoreUnavailable
from workflow_fsm.core.values.fields import Kind, read_value
from workflow_fsm.erasure import steps
from workflow_fsm.erasure.survey import survey
from workflow_fsm.parts.store_handle import StoreHandle
from workflow_fsm.read.shapes import Forgotten
from workflow_fsm.read.stubs import Stub, stub_of, stubs
from workflow_fsm.stores.session import Columns, Session

log = logging.getLogger(__name__)
TRIES = 5
"""How often a user is looked at, of whom others' events come in meanwhile."""


class Forgetting(StoreHandle):
    """Users who are to be forgotten; a part of `Workflow`."""

    def forget(
        self, user_id: str, *, reason: str, actor: str = "library", vacuum: bool = False
    ) -> Forgotten | None:
        """Erase all that is kept of a user, for a `reason` that is kept; None where nothing is.

        What is owed is void, dead letters are gone, and what waits counts as dropped. A stub is left that
        doesn't tell who it was: how many rows there were, their root, and the money by currency. Of whom much
        is kept, it takes several commits: the user counts as forgotten from the first on, and no event is
        taken for the user before the last. One that was interrupted is gone on with by another call, which
        gives the stub of the first. An event of that user that comes afterwards begins anew.

        A SQLite file is overwritten where rows stood, but for fragments of keys in pages that are in use;
        `vacuum` writes it anew without them, and nobody can write meanwhile.

        Raises InvalidEvent where the reason is missing, and StoreUnavailable where events of the user came in
        again and again.
        """
        _check(user_id=user_id, reason=reason, actor=actor)
        for _ in range(TRIES):
            found = self._store.read(lambda session: survey(session, self.definition, user_id))
            if not found.is_known:
                return None
            if found.going is not None:
                return self._end(user_id, self._stub(found.going), vacuum=vacuum)
            stub = found.stub(self._stub_id(), at=self._clock(), actor=actor, reason=reason)
            begin = partial(steps.begin, user_id=user_id, survey=found, stub=stub)
            if self._store.write_of(user_id, begin):
                self._store.observers.moved({user_id})
                return self._end(user_id, stub, vacuum=vacuum)
        raise StoreUnavailable(
            f"events of user {user_id!r} came in {TRIES} times while it was looked at what is kept, and "
            "nothing was erased; stop who sends them, and try again",
            retry_after=2,
        )

    def forgotten(self) -> list[Forgotten]:
        """Give the stubs of all who were forgotten, in the order in which they were."""
        found = self._store.read(stubs)
        return [one.told() for one in sorted(found, key=lambda one: (one.at, one.id))]

    # -- parts

    def _go_on_forgetting(self) -> int:
        """Erase whole who is being forgotten, whoever began that; give how many users that were."""
        many, after = 0, ""
        while (row := self._store.read(partial(_next_going, after=after))) is not None:
            many, after = many + 1, row["user_id"]
            self._end(after, self._stub(row["forgotten_as"]), vacuum=False)
        return many

    def _stub_id(self) -> str:
        return f"forgotten_{self._ids().removeprefix('evt_')}"

    def _stub(self, stub_id: str) -> Stub:
        def find(session: Session) -> Stub:
            row = session.row("forgotten_as", stub=stub_id)
            assert row is not None
            return stub_of(row)

        return self._store.read(find)

    def _end(self, user_id: str, stub: Stub, *, vacuum: bool) -> Forgotten:
        """Erase what is left, and what a log holds of it."""
        while self._store.write_of(user_id, partial(steps.go_on, user_id=user_id, stub_id=stub.id)):
            pass
        if not self._store.wipe(rewrite=vacuum):
            log.warning("readers hold up the log, which still holds what was erased; it is begun anew later")
        return stub.told()


def _next_going(session: Session, *, after: str) -> Columns | None:
    return session.row("next_going", after=after)


def _check(*, user_id: str, reason: str, actor: str) -> None:
    """Raise InvalidEvent with all that is wrong."""
    errors = []
    try:
        read_value(Kind.ID, user_id)
    except ValueError as error:
        errors.append(FieldError(field="user_id", reason=str(error)))
    for name, text in (("reason", reason), ("actor", actor)):
        if not isinstance(text, str) or not text.strip():
            errors.append(FieldError(field=name, reason="is required, and not blank"))
        elif "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
            errors.append(FieldError(field=name, reason="holds what is no text"))
    if errors:
        raise InvalidEvent(errors)
