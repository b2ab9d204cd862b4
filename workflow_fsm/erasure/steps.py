"""Steps: a user's rows are erased in commits of bounded size, between which others pass.

The first commit puts the stub in the user's place; from then on nothing is told of the user, and nobody's
event is taken for the user. Where little is kept that commit is the only one. What a later one finds left, it
goes on with: whoever was interrupted can be followed by anybody.
"""

from __future__ import annotations

from workflow_fsm.erasure.survey import Survey
from workflow_fsm.read.stubs import Stub
from workflow_fsm.stores.ahead.decided import met
from workflow_fsm.stores.session import Session

MOST_AT_ONCE = 2_000
"""So many rows, or few more, one commit erases: a fraction of a second on SQLite."""
_ALL = 2**63 - 1
_LAST = "\U0010ffff" * 256
"""No text of a key sorts behind it."""
_BY_NUMBER = (
    *("erase_effects", "erase_lifecycles", "erase_waits", "erase_event_ids", "erase_history"),
    "erase_events",
)
"""In this order: what brings something about by itself goes first."""
_BY_NAME = {
    "erase_cases": ("next_case", ("case_id", "claim_id", "sync_id")),
    "erase_aliases": ("next_alias", ("alias",)),
}
"""What has no number, with the statement that gives the last of some, and its columns."""


def begin(session: Session, user_id: str, survey: Survey, stub: Stub) -> bool:
    """Put the stub in a user's place, and erase all where that is little.

    Tell whether that was done: not where the user has changed since the survey.
    """
    row = session.row("lock_user", user_id=user_id)
    if (row is not None and row["forgotten_as"] is not None) or met(row) != survey.met:
        return False
    session.run("put_going", {"user_id": user_id, "stub": stub.id})
    session.run("insert_forgotten", stub.row())
    if survey.rows <= MOST_AT_ONCE:
        _erase_the_rest(session, user_id)
    return True


def go_on(session: Session, user_id: str, stub_id: str) -> bool:
    """Erase some more of a user; tell whether more is left."""
    row = session.row("lock_user", user_id=user_id)
    if row is None or row["forgotten_as"] != stub_id:  # all was erased
        session.run("erase_checked", {"user_id": user_id})  # what a check that was under way saw
        session.run("forget_user", {"user_id": user_id})
        return False
    numbers = [
        found["last"]
        for name in ("next_row_number", "next_event_number", "next_effect_number")
        if (found := session.row(name, user_id=user_id, many=MOST_AT_ONCE // 2)) is not None
    ]
    if numbers:
        _erase_up_to(session, user_id, min(numbers))
        return True
    for erase, (name, columns) in _BY_NAME.items():
        found = session.row(name, user_id=user_id, many=MOST_AT_ONCE)
        if found is not None:
            session.run(erase, {"user_id": user_id, **{column: found[column] for column in columns}})
            return True
    _erase_the_rest(session, user_id)
    return False


def _erase_up_to(session: Session, user_id: str, number: int) -> None:
    for erase in _BY_NUMBER:
        session.run(erase, {"user_id": user_id, "up_to": number})


def _erase_the_rest(session: Session, user_id: str) -> None:
    _erase_up_to(session, user_id, _ALL)
    for erase, (_, columns) in _BY_NAME.items():
        session.run(erase, {"user_id": user_id, **dict.fromkeys(columns, _LAST)})
    session.run("erase_checked", {"user_id": user_id})
    session.run("erase_user", {"user_id": user_id})
