"""The contract's rules for events that name their claims, written a second time, over plain dicts.

Slow and simple on purpose: after each event everything that waits is judged again from the oldest.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from tests.machine.ledger import ARROWS, PLACES, SIGNS, TOO_EARLY

Fields = dict[str, Any]
DEFERRED_FOR = timedelta(days=7)


class ModelUser:
    """One user: syncs, claims, aliases and events."""

    def __init__(self) -> None:
        self.moves = 0
        self.made = 0
        self.syncs: dict[str, Fields] = {}
        self.claims: dict[str, Fields] = {}
        self.aliases: dict[str, str] = {}
        self.events: list[Fields] = []

    # -- what is compared

    def shows(self) -> Fields:
        """Give what a store's file must show of this user."""
        return {
            "syncs": {sync_id: (sync["state"], sync["version"]) for sync_id, sync in self.syncs.items()},
            "claims": {
                claim_id: (claim["state"], claim["version"], claim["paid"], claim["sync"])
                for claim_id, claim in self.claims.items()
            },
            "standings": Counter(standing_of(event) for event in self.events),
        }

    # -- what happens

    def fire(self, trigger: str, fields: Fields, now: datetime) -> str:
        """Take an event and give the status that its answer has."""
        content = {name: value for name, value in fields.items() if name != "event_id"}
        event_id = fields.get("event_id")
        told = content.get("currency")
        if trigger in SIGNS and told is not None and not fits(content["amount"], told):
            return "invalid"
        if event_id is not None:
            earlier = next((one for one in self.events if one["id"] == event_id), None)
        else:
            alike = [one for one in self.events if (one["trigger"], one["content"]) == (trigger, content)]
            earlier = alike[-1] if alike else None
            if earlier is not None and self._has_moved_on(earlier):
                earlier = None
        if earlier is not None:
            if not is_refused_or_dead(earlier):
                same = (earlier["trigger"], earlier["content"]) == (trigger, content)
                return "duplicate" if same else "reused"
            self.events.remove(earlier)
            event_id = earlier["id"]
        self.made += 1
        event: Fields = {
            "id": event_id or f"made {self.made}",
            "trigger": trigger,
            "content": content,
            "parts": {},
            "of": set(),
            "answer": "",
            "expires": None if trigger in SIGNS else now + DEFERRED_FOR,
        }
        self.events.append(event)
        before = self.moves
        self._judge(event, now, fresh=True)
        standings = set(event["parts"].values())
        if self.moves > before:
            event["answer"] = "applied"
        elif "waiting" in standings:
            event["answer"] = "deferred"
        else:
            event["answer"] = "refused" if standings == {"refused"} else "unchanged"
        self._follow(now)
        return str(event["answer"])

    def link(self, claim_id: str, alias: str, now: datetime) -> bool:
        """Let an alias name a claim; tell whether it was free."""
        if self.aliases.setdefault(alias, claim_id) != claim_id:
            return False
        self._follow(now)
        return True

    def pass_time(self, now: datetime) -> None:
        """Expire claims and waits."""
        self._follow(now)
        for event in self.events:
            if event["expires"] is not None and event["expires"] <= now:
                for part, standing in event["parts"].items():
                    if standing == "waiting":
                        event["parts"][part] = "dead"
                        event["settled"] = self.moves

    # -- how it is judged

    def _has_moved_on(self, event: Fields) -> bool:
        if standing_of(event) == "waiting" or is_refused_or_dead(event):
            return False
        return any(one["moved"] > event["settled"] for one in self._lifecycles(event))

    def _lifecycles(self, event: Fields) -> list[Fields]:
        return [self.claims[name] if kind == "claim" else self.syncs[name] for kind, name in event["of"]]

    def _follow(self, now: datetime) -> None:
        going_on = True
        while going_on:
            for claim in self.claims.values():
                due = claim["deadline"] is not None and claim["deadline"] <= now
                if due and claim["state"] in ARROWS["deadline_passed"]:
                    self._move(claim, "expired")
            going_on = False
            for event in [one for one in self.events if standing_of(one) == "waiting"]:
                before = dict(event["parts"])
                self._judge(event, now, fresh=False)
                if event["parts"] != before:
                    going_on = True
                    break

    def _judge(self, event: Fields, now: datetime, *, fresh: bool) -> None:
        trigger, content, parts = event["trigger"], event["content"], event["parts"]
        if trigger == "sync_complete":
            parts[None] = self._sync(event, content["sync_id"])
        elif trigger == "detection_complete":
            self._detection(event)
        elif "matches" in content:
            for match in self._matches(content["matches"]) if fresh else content["matches"]:
                if fresh or parts.get(match["claim_id"]) == "waiting":
                    parts[match["claim_id"]] = self._one(event, match, fresh=fresh)
        else:
            parts[content["claim_id"]] = self._one(event, content, fresh=fresh)
        if standing_of(event) != "waiting":
            event["settled"] = self.moves

    def _matches(self, matches: list[Fields]) -> list[Fields]:
        """ "A claim may have several documents: the highest confidence counts", under any of its names."""
        of_claims: dict[str, list[Fields]] = {}
        for match in matches:
            of_claims.setdefault(self._canonical(match["claim_id"]), []).append(match)
        return [max(group, key=lambda match: float(match["confidence"])) for group in of_claims.values()]

    def _canonical(self, name: str) -> str:
        return self.aliases.get(name, name)

    def _sync(self, event: Fields, sync_id: str) -> str:
        event["of"].add(("sync", sync_id))
        if sync_id in self.syncs:
            return "known"
        self.syncs[sync_id] = {"state": "none", "version": 0}
        self._move(self.syncs[sync_id], "synced")
        return "applied"

    def _detection(self, event: Fields) -> None:
        parts, content = event["parts"], event["content"]
        sync_id = content["sync_id"]
        if sync_id not in self.syncs:
            parts[None] = "waiting"
            return
        parts.pop(None, None)
        sync = self.syncs[sync_id]
        if sync["state"] == "synced":
            self._move(sync, "detected")
            event["of"].add(("sync", sync_id))
            parts[None] = "applied"
        for entry in content["claims"]:
            claim_id = entry["claim_id"]
            event["of"].add(("claim", claim_id))
            if claim_id in self.claims:
                parts[claim_id] = "known"
            else:
                blank = {"state": "synced", "version": 1, "paid": {}, "sync": sync_id, "confidence": None}
                self.claims[claim_id] = {**blank, "deadline": None, "currency": None}
                self._move(self.claims[claim_id], "detected")
                parts[claim_id] = "applied"
            claim = self.claims[claim_id]  # "Known facts fill what is empty"
            deadline = entry.get("deadline_date")
            if claim["deadline"] is None and deadline is not None:
                claim["deadline"] = datetime.fromisoformat(deadline)
            claim["currency"] = claim["currency"] or entry.get("currency")

    def _one(self, event: Fields, tells: Fields, *, fresh: bool) -> str:
        trigger = event["trigger"]
        claim_id = self._canonical(tells["claim_id"])
        claim = self.claims.get(claim_id)
        if claim is None or claim["state"] in TOO_EARLY[trigger]:
            return "waiting"
        minor = 0
        currency = str(tells.get("currency") or claim["currency"] or "USD")
        if trigger in SIGNS:
            if not fits(tells["amount"], currency):
                return "waiting"
            minor = SIGNS[trigger] * round(float(tells["amount"]) * 10 ** PLACES[currency])
        left = claim["paid"].get(currency, 0) + minor
        if left < 0:
            return "waiting"
        event["of"].add(("claim", claim_id))
        targets = ARROWS[trigger].get(claim["state"], ())
        if trigger == "evidence_matching_complete":
            told, known = float(tells["confidence"]), claim["confidence"]
            if claim["state"] == "matched" and not told > known:
                targets = ()
            if targets or known is None:
                claim["confidence"] = told
        if not targets:
            refused = trigger == "claim_rejected" and claim["state"] in ("rejected", "paid") and fresh
            return "refused" if refused else "known"
        if trigger in SIGNS:
            claim["paid"] = {code: held for code, held in (claim["paid"] | {currency: left}).items() if held}
        reverted = trigger == "payout_reversed" and not claim["paid"]
        self._move(claim, "rejected" if reverted else targets[0])
        return "applied"

    def _move(self, one: Fields, target: str) -> None:
        self.moves += 1
        one.update(state=target, version=one["version"] + 1, moved=self.moves)


def standing_of(event: Fields) -> str:
    """Tell "the first of waiting, applied, dead, refused, known that any part of it is"."""
    order = ("waiting", "applied", "dead", "refused", "known")
    return next(one for one in order if one in event["parts"].values())


def is_refused_or_dead(event: Fields) -> bool:
    """ "A refused or dead event does not bind its id"."""
    return standing_of(event) == "dead" or event["answer"] == "refused"


def fits(amount: str, currency: str) -> bool:
    """Tell whether a currency has the decimals that an amount needs."""
    return len(amount.partition(".")[2].rstrip("0")) <= PLACES[currency]
