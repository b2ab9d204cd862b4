"""Whom an event without a list is for: by the first of its names; "a name that is given is meant"."""

from __future__ import annotations

from tests.machine.model import cases
from tests.machine.model.kept import Fields, Kept, Key, is_money, line_of, standing_of, tells
from tests.machine.table import ARROWS, TOO_EARLY, UNFILED

Whom = tuple[str, list[Key]]
WAITS: Whom = ("waiting", [])


def whom(kept: Kept, event: Fields) -> Whom:
    """Give "for" and the claims, or what becomes of an event for nobody, and whom that was asked of."""
    said = tells(event)
    claim = kept.key(said["claim_id"]) if "claim_id" in said else None
    original = takes_back(kept, event)
    if original is not None:
        paid = list(dict.fromkeys(payout["booked"]["key"] for payout in paid_as(kept, event, original)))
        if claim is not None:  # "so does a reversal that names a claim together with an original that is not
            paid = [key for key in paid if key == claim]  # that claim's"
        return ("for", paid) if len(paid) == 1 else WAITS
    if claim is not None:
        return ("for", [claim])
    case = said.get("amazon_case_id")
    if case is not None:
        having = cases.with_case(kept, case)
        if having:
            return WAITS if len(having) > 1 and is_money(event) else ("for", having)
        if event["trigger"] != "claim_submitted":
            return WAITS
        if kept.has_claims() and _sync_of(kept, said) is None:
            return ("ambiguous", [])
    elif is_money(event):
        return _plain(kept, event)
    return _only(kept, event)


def takes_back(kept: Kept, event: Fields) -> str | None:
    """Give the reimbursement that a reversal takes back: its `original_reimbursement_id`; "a reversal without
    one whose `reimbursement_id` is that of a payout names that payout"."""
    if event["trigger"] != "payout_reversed":
        return None
    said = tells(event)
    given, own = said.get("original_reimbursement_id"), said.get("reimbursement_id")
    return given or (own if own is not None and is_a_payout_s(kept, own) else None)


def is_a_payout_s(kept: Kept, reimbursement: str) -> bool:
    return any(
        other["trigger"] == "payout_received"
        and tells(other).get("reimbursement_id") == reimbursement
        and standing_of(other) in ("applied", "waiting")
        for other in kept.events
    )


def paid_as(kept: Kept, event: Fields, reimbursement: str) -> list[Fields]:
    """Give the payouts of a reimbursement that were applied: those of the event's line, where it tells one
    that any of them has."""
    payouts = [
        other
        for other in kept.events
        if other["trigger"] == "payout_received"
        and other["booked"] is not None
        and tells(other).get("reimbursement_id") == reimbursement
    ]
    line = line_of(event)
    return [payout for payout in payouts if line is not None and line_of(payout) == line] or payouts


def in_scope(kept: Kept, said: Fields) -> list[Fields]:
    """ "All the user's, or, with a `sync_id` that the user really has, of that sync's"."""
    sync = _sync_of(kept, said)
    return [one for one in kept.taking_part() if sync in (None, one["sync"])]


def has_arrow(event: Fields, one: Fields) -> bool:
    """Tell whether an arrow stands in a lifecycle's cell: "guards and amounts never narrow the choice, but a
    rejection that names no case has no arrow where one is asked for"."""
    if event["trigger"] == "claim_rejected" and "amazon_case_id" not in tells(event):
        return bool(one["state"] == "submitted")
    return one["state"] in ARROWS[event["trigger"]]


def is_too_early(event: Fields, one: Fields) -> bool:
    if one["state"] in TOO_EARLY[event["trigger"]]:
        return True
    unfiled = event["trigger"] == "claim_rejected" and "amazon_case_id" not in tells(event)
    return unfiled and one["state"] in UNFILED


def candidates(kept: Kept, event: Fields) -> list[Key]:
    """Give who could take an event: "the likeliest first", with an unnamed filing, then those submitted."""

    def likely(one: Fields) -> tuple[bool, bool, int]:
        unnamed = kept.cases.get((cases.UNNAMED, one["key"]), {}).get("state") == "filed"
        return not unnamed, one["state"] != "submitted", -list(kept.lifecycles).index(one["key"])

    could = [one for one in kept.taking_part() if has_arrow(event, one)]
    return [one["key"] for one in sorted(could, key=likely)][:100]


def _sync_of(kept: Kept, said: Fields) -> str | None:
    sync: str | None = said.get("sync_id")
    return sync if sync is not None and ("sync", sync) in kept.lifecycles else None


def _plain(kept: Kept, event: Fields) -> Whom:
    """ "Money that names nobody at all waits likewise, except for a user who has no claims: there the newest
    plain lifecycle takes it"."""
    able = [one["key"] for one in in_scope(kept, tells(event)) if has_arrow(event, one)]
    return WAITS if kept.has_claims() or not able else ("for", able[-1:])


def _only(kept: Kept, event: Fields) -> Whom:
    """ "The only one in whose cell an arrow stands"; "several: … refused"; "none: wait, if any cell says so
    or the user has no lifecycle; else known or refused as the cells say"."""
    scope = in_scope(kept, tells(event))
    able = [one["key"] for one in scope if has_arrow(event, one)]
    asked = [one["key"] for one in scope]
    if able:
        return ("for" if len(able) == 1 else "ambiguous", able)
    if not scope or any(is_too_early(event, one) for one in scope):
        return WAITS
    contradicts = event["trigger"] == "claim_rejected"  # whose cells are all `no` where none is an arrow
    return ("refused" if contradicts else "known", asked)
