"""Syncs and detections: who gets a lifecycle, and when a detector that tells anew is heard."""

from __future__ import annotations

from datetime import datetime

from tests.machine.model import naming
from tests.machine.model.kept import Fields, Kept, tells

ANEW = ("deadline_date", "eligible_from", "amount", "currency", "claim_type", "confidence", "evidence")


def sync(kept: Kept, event: Fields) -> str:
    """Begin the lifecycle of a sync; one "that comes without gets one made from its event id"."""
    sync_id = tells(event).get("sync_id") or f"sync of {event['ids'][0]}"
    key = ("sync", sync_id)
    event["of"].add(key)
    if key in kept.lifecycles:
        return "known"
    kept.move(kept.add(key, sync_id, "none", 0), "synced", event["trigger"], event)
    return "applied"


def detect(kept: Kept, event: Fields) -> None:
    """Fork a sync into claims, or move it on; "while that sync is unknown the whole event waits for it"."""
    said, parts = tells(event), event["parts"]
    found = _sync(kept, said)
    if found is None:
        parts[None] = "waiting"
        return
    parts.pop(None, None)
    event["of"].add(found["key"])
    entries = said.get("claims", [] if said.get("count") == 0 else None)
    if found["state"] == "synced":
        kept.move(found, "detected", event["trigger"], event)
        parts[None] = "applied"
    if entries is None:
        parts.setdefault(None, "known")
        return
    found["forked"] |= found["state"] == "detected"
    for entry in entries:
        key = kept.key(entry["claim_id"])
        event["of"].add(key)
        standing = _entry(kept, event, entry, found["sync"])
        if parts.get(key) != "applied":
            parts[key] = standing
        for alias in entry.get("aliases", ()):
            naming.link(kept, entry["claim_id"], alias)
    if not parts:
        parts[None] = "known"


def _sync(kept: Kept, said: Fields) -> Fields | None:
    if "sync_id" in said:
        return kept.lifecycles.get(("sync", said["sync_id"]))
    waiting = [one for one in kept.syncs() if one["state"] == "synced"]
    syncs = waiting or kept.syncs()
    return syncs[-1] if syncs else None


def _entry(kept: Kept, event: Fields, entry: Fields, sync_id: str) -> str:
    key = kept.key(entry["claim_id"])
    told = {name: entry[name] for name in ANEW if name in entry}
    occurred = tells(event).get("occurred_at")
    one = kept.lifecycles.get(key)
    if one is None:  # its history "begins with" the sync's first row
        one = kept.add(key, sync_id, "synced", 1)
        one.update(facts=told, detected_at=occurred)
        kept.move(one, "detected", event["trigger"], event)
        return "applied"
    state = one["state"]
    if state in ("detected", "matched", "expired") and _tells_anew(kept, one, told, occurred):
        one["facts"].update(told)
        one["detected_at"] = occurred or one["detected_at"]
        back = "matched" if one["has_match"] else "detected"
        kept.move(one, back if state == "expired" else state, event["trigger"], event)
        return "applied"
    if told and occurred is not None:
        one["detected_at"] = max(occurred, one["detected_at"] or occurred)
    if "amount" in one["facts"]:
        told.pop("currency", None)  # an amount that told no currency is in the default one
    one["facts"] = {**told, **one["facts"]}  # "Known facts fill what is empty … and overwrite nothing"
    return "known"


def _tells_anew(kept: Kept, one: Fields, told: Fields, occurred: datetime | None) -> bool:
    """ "Tells … other than the recorded one, or where none is"; "in `expired` it must tell another deadline,
    not past"."""
    recorded = one["facts"]
    if None not in (occurred, one["detected_at"]) and occurred < one["detected_at"]:
        return False
    others = {name for name, value in told.items() if recorded.get(name) != value}
    if one["state"] == "expired":
        return "deadline_date" in others and told["deadline_date"] > kept.now
    return bool(others)
