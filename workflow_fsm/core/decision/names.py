"""Names: aliases linked or unlinked, claims merged, cases taken away; what waits under one is judged anew."""

from __future__ import annotations

from datetime import datetime

from workflow_fsm.core.decision.decide import follow
from workflow_fsm.core.decision.moves import Intervention, due_at, move
from workflow_fsm.core.definition import Definition, Taken
from workflow_fsm.core.definition.cases import Cases, CaseState
from workflow_fsm.core.definition.facts import DECISION, MATCH_CONFIDENCE
from workflow_fsm.core.errors import AliasTaken, MergeRefused, NameUnknown, UnlinkRefused
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.values.value_types import replace


def link(definition: Definition, situation: Situation, *, claim_id: str, alias: str, now: datetime) -> None:
    """Let an alias stand for a claim, and free the events that waited under it.

    An alias that is itself a detected claim's id merges that claim. Raises AliasTaken, MergeRefused.
    """
    target = situation.canonical(claim_id)
    owner = situation.owner(alias)
    if alias == target or owner == target:
        return
    if owner is not None:
        other = situation.claim(alias)
        if owner != alias or other is None:
            raise AliasTaken(user_id=situation.user_id, claim_id=target, alias=alias, owner=owner)
        _merge(definition, situation, other, target)
    situation.link(alias, target)
    follow(definition, situation, now)


def unlink_alias(definition: Definition, situation: Situation, *, alias: str, now: datetime) -> None:
    """Take an alias away. Raises NameUnknown, and UnlinkRefused for a merged claim's own name."""
    claim_id = situation.canonical(alias)
    if claim_id == alias:
        reason = f"{alias!r} is no alias of any claim of user {situation.user_id!r}"
        raise NameUnknown(reason, user_id=situation.user_id, alias=alias)
    if situation.is_merged(alias):
        raise UnlinkRefused(
            f"{alias!r} is the name of a claim that was merged into claim {claim_id!r}; a merge stays",
            user_id=situation.user_id,
            alias=alias,
        )
    situation.link(alias, None)
    follow(definition, situation, now)


def unlink_case(
    definition: Definition, situation: Situation, *, claim_id: str, case_id: str, actor: str, now: datetime
) -> None:
    """Take a case away that was never the claim's. Raises NameUnknown, UnlinkRefused.

    Where none is filed any more then, and one was rejected, a submitted claim is rejected.
    """
    owner = CaseOwner(situation.canonical(claim_id), "")
    cases = situation.cases_of(owner)
    case = cases.get(case_id)
    named = {"user_id": situation.user_id, "claim_id": claim_id, "amazon_case_id": case_id}
    if case is None:
        reason = f"case {case_id!r} is none of claim {claim_id!r} of user {situation.user_id!r}"
        raise NameUnknown(reason, **named)
    if case.paid or case.units:
        raise UnlinkRefused(
            f"money was booked under case {case_id!r} on claim {claim_id!r}; "
            "correct that first, by a reversal",
            **named,
        )
    rest = {name: other for name, other in cases.items() if name != case_id}
    situation.put_cases(owner, rest)
    lifecycle = situation.claim(owner.claim_id)
    if lifecycle is not None:
        act = Intervention(actor=actor, reason=f"case {case_id} was taken away from the claim")
        _reject_without_cases(definition, situation, lifecycle, rest, act, now)
    follow(definition, situation, now)


def _reject_without_cases(
    definition: Definition,
    situation: Situation,
    lifecycle: Lifecycle,
    cases: Cases,
    act: Intervention,
    now: datetime,
) -> None:
    """Let a filed claim be rejected where none of its cases is filed any more, and one was rejected."""
    states = {case.state for case in cases.values()}
    if CaseState.FILED in states or CaseState.REJECTED not in states:
        return
    filed = definition.led_to(trigger for trigger in definition.triggers if trigger.files)
    for trigger in definition.triggers:
        arrows = definition.cell(lifecycle.state, trigger.name).arrows
        if trigger.rejects and lifecycle.state in filed and arrows:
            taken = Taken(target=arrows[0].leads_to(lifecycle.state))
            move(definition, situation, lifecycle, taken, trigger, {}, now=now, stored=None, act=act)
            return


def _merge(definition: Definition, situation: Situation, merged: Lifecycle, claim_id: str) -> None:
    """Let a claim be another's by a further name: it takes no further part."""
    name = str(merged.claim_id)
    into = situation.claim(claim_id)
    cases = situation.cases_of(merged.owner)
    settled = definition.led_to(one for one in definition.triggers if one.files or one.rejects or one.money)
    reason = None
    if merged.paid or merged.units or any(case.state is not None for case in cases.values()):
        reason = "it has been filed, or money was booked on it"
    elif merged.state in settled:
        reason = f"it is {merged.state}"
    elif into is None:
        reason = f"claim {claim_id!r} is not detected yet"
    if into is None or reason is not None:
        raise MergeRefused(user_id=situation.user_id, claim_id=claim_id, alias=name, reason=str(reason))
    situation.leave(merged)
    situation.put(replace(merged, forked=True, merged_into=claim_id, due_at=None))
    for alias in situation.aliases_of(name):
        situation.link(alias, claim_id)
    facts = {name: value for name, value in merged.facts.items() if into.facts.get(name) is None}
    for group in ((DECISION, MATCH_CONFIDENCE), ("amount", "currency")):
        if any(into.facts.get(name) is not None for name in group):
            facts = {name: value for name, value in facts.items() if name not in group}
    filled = replace(into, facts={**into.facts, **facts})
    situation.put(replace(filled, due_at=due_at(definition, filled.state, filled.facts)))
