"""The claim lifecycle: its table, and its questions.

All that is particular to claims stands here, in the fields of `events.py`, in `facts.py`, in the SQL and at
the edges; the engine knows only definitions. A variant (a state more, other cells) is
`claim_lifecycle().variant(…)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache

from workflow_fsm.core.definition import (
    KNOWN,
    STAY,
    WAIT,
    Addressing,
    Cell,
    Definition,
    Meeting,
    Question,
    Rest,
    State,
    Trigger,
    ask,
    events,
    go,
)
from workflow_fsm.core.definition.arguments import shown
from workflow_fsm.core.definition.cases import CaseState, is_another_filed, is_told_late
from workflow_fsm.core.definition.facts import (
    DECISION,
    DETECTION_AT,
    MATCH_CONFIDENCE,
    PAID_WITHOUT_CASE,
    REPLACED,
    MatchTelling,
    tell_detection,
)
from workflow_fsm.core.definition.triggers import tells_fields
from workflow_fsm.core.errors import DefinitionInvalid
from workflow_fsm.core.values.instants import read_instant
from workflow_fsm.core.values.strict_json import EXACT

LIFECYCLE = "claim"
"""The name of the lifecycle itself."""


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _is_confidence_higher(meeting: Meeting) -> str:
    told, known = meeting.told.get(MATCH_CONFIDENCE), meeting.facts.get(MATCH_CONFIDENCE)
    return _yes(told is not None and (known is None or Decimal(told) > Decimal(known)))


def _what_is_left(meeting: Meeting) -> str:
    assert meeting.currency is not None
    left = {**meeting.paid}
    left[meeting.currency] = EXACT.subtract(left.get(meeting.currency, Decimal(0)), meeting.amount)
    units = meeting.units_paid - meeting.units
    takes_more = (meeting.amount and left[meeting.currency] < 0) or (meeting.units and units < 0)
    if takes_more and not meeting.force:
        return "less than it takes back"
    return "something" if units > 0 or any(amount > 0 for amount in left.values()) else "nothing"


def _is_told_anew(meeting: Meeting) -> str:
    if is_older(meeting):
        return "no"
    return _yes(
        any(meeting.told[name] != meeting.facts.get(name) for name in REPLACED if name in meeting.told)
    )


def _is_told_another_deadline(meeting: Meeting) -> str:
    told = meeting.told.get("deadline_date")
    if told in (None, meeting.facts.get("deadline_date")) or is_older(meeting):
        return "no"
    if meeting.now is not None and read_instant(told) <= meeting.now:
        return "no"
    return "yes, of a matched claim" if DECISION in meeting.facts else "yes"


def is_older(meeting: Meeting) -> bool:
    """Tell whether a detection happened before the one that the claim is known by; both must say when."""
    told, known = meeting.occurred_at, meeting.facts.get(DETECTION_AT)
    return told is not None and known is not None and told < read_instant(known)


def _names_a_case(meeting: Meeting) -> str:
    return _yes(meeting.case_id is not None)


def _is_another_case_filed(meeting: Meeting) -> str:
    return _yes(is_another_filed(meeting.cases, meeting.case_id))


def _is_filing_told_late(meeting: Meeting) -> str:
    paid_without_case = bool(meeting.facts.get(PAID_WITHOUT_CASE))
    return _yes(is_told_late(meeting.cases, meeting.case_id, paid_without_case=paid_without_case))


def _is_first_no_to_a_case(meeting: Meeting) -> str:
    case = meeting.cases.get(meeting.case_id)
    is_new = meeting.names_anew or case is None or case.state != CaseState.REJECTED
    return _yes(meeting.case_id is not None and is_new)


def _is_no_to_an_unpaid_case(meeting: Meeting) -> str:
    case = meeting.cases.get(meeting.case_id)
    return _yes(meeting.case_id is not None and (case is None or case.state != CaseState.PAID))


HIGHER = Question(name="is the confidence higher?", answers=("yes", "no"), ask=_is_confidence_higher)
LEFT = Question(
    name="what is left after it?",
    answers=("something", "nothing", "less than it takes back"),
    ask=_what_is_left,
)
ANEW = Question(name="does it tell anew?", answers=("yes", "no"), ask=_is_told_anew)
ANOTHER_DEADLINE = Question(
    name="does it tell another deadline, not past?",
    answers=("yes", "yes, of a matched claim", "no"),
    ask=_is_told_another_deadline,
)
A_CASE = Question(name="does it name a case?", answers=("yes", "no"), ask=_names_a_case, of_case=True)
ANOTHER_FILED = Question(
    name="is another of its cases filed?", answers=("yes", "no"), ask=_is_another_case_filed
)
LATE = Question(name="is it a filing told late?", answers=("yes", "no"), ask=_is_filing_told_late)
FIRST_NO = Question(
    name="does it name a case that nobody said this of?", answers=("yes", "no"), ask=_is_first_no_to_a_case
)
UNPAID_CASE = Question(
    name="does it name a case that was not paid?", answers=("yes", "no"), ask=_is_no_to_an_unpaid_case
)

BETTER_MATCH = ask(HIGHER, {"yes": "matched"}, rest=Rest.KNOWN)
TAKEN_BACK = ask(
    LEFT, {"something": "paid", "nothing": "rejected"}, rest=Rest.WAIT, leads=("payout_received",)
)
TOLD_ANEW = ask(ANEW, {"yes": STAY}, rest=Rest.KNOWN)
REVIVED = ask(ANOTHER_DEADLINE, {"yes": "detected", "yes, of a matched claim": "matched"}, rest=Rest.KNOWN)
NO_TO_A_CASE = ask(A_CASE, {"yes": "rejected"}, rest=Rest.WAIT, leads=("claim_submitted",))
NO_TO_THE_LAST = ask(ANOTHER_FILED, {"no": "rejected"}, rest=Rest.KNOWN)
FILED_AGAIN = ask(LATE, {"no": "submitted"}, rest=Rest.KNOWN)
NO_AGAIN = ask(FIRST_NO, {"yes": Rest.KNOWN}, rest=Rest.REFUSED)
NO_AFTER_MONEY = ask(UNPAID_CASE, {"yes": Rest.KNOWN}, rest=Rest.REFUSED)

STATES = (
    State(name="synced"),
    State(name="detected"),
    State(name="matched"),
    State(name="submitted"),
    State(name="rejected"),
    State(name="paid", closed=True),
    State(name="expired", closed=True),
)

_SYNCED, _DETECTED, _MATCHED = go("synced"), go("detected"), go("matched")
_SUBMITTED, _PAID, _EXPIRED = go("submitted"), go("paid"), go("expired")

# fmt: off
CELLS: Mapping[str | None, tuple[Cell | None, ...]] = {
    # sync_complete, detection_complete, evidence_matching_complete, claim_submitted,
    # claim_rejected, payout_received, payout_reversed, deadline_passed
    None:        (_SYNCED, WAIT,      WAIT,         WAIT,        WAIT,           WAIT,  WAIT,       None),
    "synced":    (KNOWN,   _DETECTED, WAIT,         WAIT,        WAIT,           WAIT,  WAIT,       KNOWN),
    "detected":  (KNOWN,   TOLD_ANEW, _MATCHED,     _SUBMITTED,  NO_TO_A_CASE,   _PAID, WAIT,       _EXPIRED),
    "matched":   (KNOWN,   TOLD_ANEW, BETTER_MATCH, _SUBMITTED,  NO_TO_A_CASE,   _PAID, WAIT,       _EXPIRED),
    "submitted": (KNOWN,   KNOWN,     KNOWN,        KNOWN,       NO_TO_THE_LAST, _PAID, WAIT,       KNOWN),
    "rejected":  (KNOWN,   KNOWN,     KNOWN,        FILED_AGAIN, NO_AGAIN,       _PAID, WAIT,       KNOWN),
    "paid":      (KNOWN,   KNOWN,     KNOWN,        KNOWN,       NO_AFTER_MONEY, _PAID, TAKEN_BACK, KNOWN),
    "expired":   (KNOWN,   REVIVED,   KNOWN,        _SUBMITTED,  NO_TO_A_CASE,   _PAID, WAIT,       KNOWN),
}
# fmt: on


@cache
def claim_lifecycle(*, auto_submit: Decimal | None = None, prompt: Decimal | None = None) -> Definition:
    """Build the claim lifecycle.

    A match of at least `auto_submit` confidence is decided `auto_submit`, of at least `prompt` `ask_user`,
    any other (one without a confidence too) `review`; both bounds are inclusive, from 0 to 1. One that isn't
    given is the settings' of whoever opens a store with it, or with a variant of it; else 0.85 and 0.50.
    Raises DefinitionInvalid for bounds that are none.
    """
    for name, bound in (("auto_submit", auto_submit), ("prompt", prompt)):
        fit = isinstance(bound, Decimal) and bound.is_finite() and 0 <= bound <= 1
        if bound is not None and not fit:
            must = "it must be a Decimal from 0 to 1, such as Decimal('0.85')"
            raise DefinitionInvalid([f"{name} is {shown(bound)}; {must}"])
    triggers = (
        Trigger(
            name="sync_complete",
            addressing=Addressing.SYNC,
            fields=events.SYNC_COMPLETE,
            tells=tells_fields("orders_count", "inventory_items"),
        ),
        Trigger(
            name="detection_complete",
            addressing=Addressing.DETECTION,
            fields=events.DETECTION_COMPLETE,
            tells=tell_detection,
            together=(("amount", "currency"),),
        ),
        Trigger(
            name="evidence_matching_complete",
            addressing=Addressing.EVERY,
            fields=events.EVIDENCE_MATCHING_COMPLETE,
            tells=MatchTelling(auto_submit=auto_submit, prompt=prompt),
            together=((DECISION, MATCH_CONFIDENCE),),
        ),
        Trigger(
            name="claim_submitted",
            addressing=Addressing.ONE,
            fields=events.CLAIM_SUBMITTED,
            files=True,
        ),
        Trigger(
            name="claim_rejected",
            addressing=Addressing.ONE,
            fields=events.CLAIM_REJECTED,
            rejects=True,
            tells=tells_fields("rejection_reason"),
        ),
        Trigger(
            name="payout_received",
            addressing=Addressing.ONE,
            fields=events.PAYOUT_RECEIVED,
            money=1,
        ),
        Trigger(
            name="payout_reversed",
            addressing=Addressing.ONE,
            fields=events.PAYOUT_REVERSED,
            money=-1,
        ),
        Trigger(name="deadline_passed", addressing=Addressing.TIMER, due="deadline_date"),
    )
    return Definition(name=LIFECYCLE, states=STATES, triggers=triggers, cells=CELLS)


def under_settings(definition: Definition, *, auto_submit: Decimal, prompt: Decimal) -> Definition:
    """Give a definition whose matches are decided by these bounds, where it was given none of its own."""
    bounds = (auto_submit, prompt)
    triggers = tuple(
        replace(one, tells=replace(one.tells, settings=bounds))
        if isinstance(one.tells, MatchTelling) and one.tells.settings != bounds
        else one
        for one in definition.triggers
    )
    return definition if triggers == definition.triggers else replace(definition, triggers=triggers)
