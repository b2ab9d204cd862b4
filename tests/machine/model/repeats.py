"""The same event again: by its ids, without ids by its content, and by its reimbursement."""

from __future__ import annotations

from tests.machine.model.kept import Fields, Kept, Key, line_of, standing_of, tells
from tests.machine.model.whom import has_arrow, in_scope, is_a_payout_s, takes_back, whom


def with_ids(kept: Kept, given: list[str]) -> list[Fields]:
    """Give the events that have any of these ids."""
    return [event for event in kept.events if set(given).intersection(event["ids"])]


def is_same(event: Fields, trigger: str, body: Fields) -> bool:
    return (event["trigger"], event["body"]) == (trigger, body)


def like(kept: Kept, trigger: str, body: Fields) -> Fields | None:
    """Give "the latest such event of the user" of equal content; one whose ids were another's is no such."""
    alike = [event for event in kept.events if is_same(event, trigger, body) and event["answer"] != "reused"]
    return alike[-1] if alike else None


def has_moved_on(kept: Kept, event: Fields) -> bool:
    """Tell whether an event of equal content is a new one: "a duplicate while that one waits, or while the
    lifecycles that it was for have made no transition since it was settled"."""
    if standing_of(event) == "waiting":
        return False
    since = event["settled"]
    if any(kept.lifecycles[key]["moved"] > since for key in event["of"]):
        return True
    trigger, said = event["trigger"], event["body"]
    if trigger == "detection_complete" and "sync_id" not in said:
        return any(one["state"] == "synced" and one["moved"] > since for one in kept.syncs())
    addressed = ("claim_id", "matches", "amazon_case_id", "reimbursement_id", "original_reimbursement_id")
    if trigger in ("sync_complete", "detection_complete") or any(name in said for name in addressed):
        return False
    if "amount" in said:
        return False
    anew = {**event, "overlay": {}}
    return any(one["moved"] > since and has_arrow(anew, one) for one in in_scope(kept, said))


def met(kept: Kept, event: Fields) -> tuple[str, Fields] | None:
    """Tell which earlier event of its reimbursement one is a duplicate of, or conflicts with."""
    said = tells(event)
    if said.get("reimbursement_id") is None or event["force"]:
        return None
    earlier = [other for other in kept.events if other is not event and _is_earlier(kept, event, other)]
    earlier = [other for other in earlier if not _is_a_line_of_its_own(event, other)]
    for other in earlier:
        if _tells_as_much(event, other) and not _may_be_another(kept, event, other):
            return "duplicate", other
    for other in earlier:
        if not _is_another_reversal(kept, event, other):
            return "conflict", other
    return None


def _is_earlier(kept: Kept, event: Fields, other: Fields) -> bool:
    if other["trigger"] != event["trigger"]:
        return False
    if tells(other).get("reimbursement_id") != tells(event)["reimbursement_id"]:
        return False
    lines = (line_of(event), line_of(other))
    if None not in lines and lines[0] != lines[1]:
        return False  # "Two that tell different lines are two."
    if other["booked"] is not None:
        return _was_for(kept, event, other)
    return (
        standing_of(other) == "waiting"
        and other["seq"] < event["seq"]
        and _waits_for_the_same(kept, event, other)
    )


def _was_for(kept: Kept, event: Fields, other: Fields) -> bool:
    """ "An applied one only where it was applied to that claim"."""
    said, booked = tells(event), other["booked"]
    if "claim_id" in said:
        return bool(booked["key"] == kept.key(said["claim_id"]))
    case = said.get("amazon_case_id")
    if case is not None and booked["case"] == case:
        return True
    kind, keys = whom(kept, event)
    if kind == "for":
        return keys == [booked["key"]] or _names_nobody(event, other)
    return _names_nobody(event, other)


def _waits_for_the_same(kept: Kept, event: Fields, other: Fields) -> bool:
    """ "A waiting event is never the earlier one of one that names a claim which it doesn't name"."""
    said, its = tells(event), tells(other)
    claim = _claim_of(kept, other)
    if "claim_id" in said:
        return claim == kept.key(said["claim_id"])
    case = said.get("amazon_case_id")
    if case is not None:
        return bool(case == its.get("amazon_case_id"))
    return _names_nobody(event, other)


def _claim_of(kept: Kept, event: Fields) -> Key | None:
    said = tells(event)
    return kept.key(said["claim_id"]) if "claim_id" in said else None


def _names_nobody(*events: Fields) -> bool:
    return not any(name in tells(event) for event in events for name in ("claim_id", "amazon_case_id"))


def _tells_as_much(event: Fields, other: Fields) -> bool:
    """Tell whether amounts and currencies are the same: one that isn't told is any."""
    said, its = tells(event), tells(other)
    currencies = {said.get("currency"), its.get("currency") or (other["booked"] or {}).get("currency")}
    units = [each.get("quantity_reimbursed_inventory", 0) for each in (said, its)]
    return said["amount"] == its["amount"] and len(currencies - {None}) < 2 and units[0] == units[1]


def _may_be_another(kept: Kept, event: Fields, other: Fields) -> bool:
    """Tell of an equal one whether it may be another: "an equal payout under a new event id after that one
    was reversed (by a reversal of that claim which names no other original)"; "an equal second reversal that
    gives as its `reimbursement_id` the payout's"."""
    reimbursement = tells(event)["reimbursement_id"]
    if line_of(event) != line_of(other):
        return False  # "the second of two equal ones of which one tells its line"
    if event["trigger"] == "payout_reversed":
        return is_a_payout_s(kept, reimbursement)
    if other["booked"] is None or not event["given"]:
        return False
    return any(
        reversal["trigger"] == "payout_reversed"
        and reversal["booked"] is not None
        and reversal["booked"]["key"] == other["booked"]["key"]
        and reversal["booked"]["move"] > other["booked"]["move"]
        and takes_back(kept, reversal) in (None, reimbursement)
        for reversal in kept.events
    )


def _is_another_reversal(kept: Kept, event: Fields, other: Fields) -> bool:
    """ "One of another amount, under an event id of its own, is another reversal": the payout's isn't its."""
    return (
        event["trigger"] == "payout_reversed"
        and is_a_payout_s(kept, tells(event)["reimbursement_id"])
        and not _tells_as_much(event, other)
        and bool(event["given"])
    )


def _is_a_line_of_its_own(event: Fields, other: Fields) -> bool:
    """ "`retry` with a `line_id` makes it a line of its own": beside one that tells no line, too."""
    if None not in (line_of(event), line_of(other)):
        return False
    return "line_id" in event["overlay"] or (
        "line_id" in other["overlay"] and not _tells_as_much(event, other)
    )
