"""The contract's rules for events, names and acts, written a second time, over plain dicts.

Slow and simple on purpose: after everything that happens all that waits is judged again from the oldest. It
was written from the contract's words, and shares nothing with the package but those. Left out: how an answer
is dressed (`hint`, `reason`, `differs`, `waiting_for`, pages), bad entries of a list, what `decision` says,
the effects that are owed, and currencies that ISO withdraws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.machine.model import cases, cells, detecting, naming, repeats
from tests.machine.model.kept import Fields, Kept, binds, is_money, standing_of, tells
from tests.machine.model.reading import fits, read
from tests.machine.model.whom import has_arrow, in_scope, is_too_early, whom

DEFERRED_FOR = timedelta(days=7)


class ModelUser(Kept):
    """One user: what can happen to them, and the status that its answer has."""

    def fire(self, trigger: str, fields: Fields, now: datetime, *, headers: Sequence[str] = ()) -> str:
        """Take an event with the ids of its headers, before its own."""
        self.now = now
        given = list(dict.fromkeys([*headers, *filter(None, [fields.get("event_id")])]))
        body = read(trigger, fields)
        if body is None:
            return "invalid"
        bound = [event for event in repeats.with_ids(self, given) if binds(event)]
        replaced = [event for event in repeats.with_ids(self, given) if not binds(event)]
        if bound:
            return self._again(bound, trigger, body, given)
        latest = None if given else repeats.like(self, trigger, body)
        if latest is not None:
            if not binds(latest):
                replaced = [latest]
            elif not repeats.has_moved_on(self, latest):
                return "duplicate"
        event = self._event(trigger, body, given, now)
        met = repeats.met(self, event) if is_money(event) else None
        if met is not None and met[0] == "duplicate":
            return self._reimbursed_again(event, met[1])
        for earlier in replaced:
            self.events.remove(earlier)
            event["ids"] += [name for name in earlier["ids"] if name not in event["ids"]]
        event["ids"] = event["ids"] or [f"made {self.next()}"]
        self.events.append(event)
        return self._judge_anew(event)

    def link(self, claim_id: str, alias: str, now: datetime) -> str:
        return self._act(lambda: naming.link(self, claim_id, alias), now)

    def unlink(self, now: datetime, *, alias: str | None = None, claim_id: str = "", case: str = "") -> str:
        if alias is not None:
            return self._act(lambda: naming.unlink_alias(self, alias), now)
        return self._act(lambda: naming.unlink_case(self, claim_id, case), now)

    def retry(self, event: Fields, now: datetime, *, force: bool = False, **overlay: Any) -> str:
        """Judge a dead letter anew, with what a person knows laid over it."""
        self.now = now
        if event["doubt"]:
            event["doubt"] = False  # the event stays as it is
            return "settled"
        said = event["body"] | overlay
        if is_money(event) and "currency" in said and not fits(said["amount"], said["currency"]):
            return "invalid"
        fresh = not binds(event) and standing_of(event) != "dead"
        if not fresh and "matches" not in said and "claims" not in said:
            case = (event["body"] | overlay).get("amazon_case_id")
            done = any(was not in ("dead", "waiting") for was in event["parts"].values())
            if done and case != tells(event).get("amazon_case_id"):
                return "invalid"  # the event would be of two cases
        parts = {} if fresh else event["parts"]
        if "claim_id" in event["overlay"] or "claim_id" in overlay:  # it was for another claim, or is now
            parts = {part: was for part, was in parts.items() if was not in ("dead", "waiting")}
        event.update(overlay=overlay, force=force)  # "laid over what it said"
        if not parts:
            event["of"] = set()  # it is for whom it is found to be for now
        again = {part: "waiting" if was == "dead" else was for part, was in parts.items()}
        event.update(parts=again, conflicts_with=None)
        event["expires"] = None if is_money(event) else now + DEFERRED_FOR
        return self._judge_anew(event, fresh=fresh)

    def drop(self, event: Fields, now: datetime) -> None:
        """Count an event as dropped; its ids bind nobody any more."""
        if event["doubt"]:
            event["doubt"] = False
            return
        event["was"] = dict(event["parts"])
        ends = ("waiting", "dead", "refused")
        event["parts"] = {part: "dropped" if was in ends else was for part, was in event["was"].items()}
        self._act(lambda: "", now)

    def restore(self, event: Fields, now: datetime) -> None:
        """Bring a dropped event back to what it was."""
        event["parts"] = event.pop("was")
        self._act(lambda: "", now)

    def pass_time(self, now: datetime) -> None:
        """Expire claims and waits."""
        self._act(lambda: "", now)
        for event in self.events:
            if event["expires"] is not None and event["expires"] <= now:
                for part, standing in event["parts"].items():
                    if standing == "waiting":
                        event["parts"][part] = "dead"
                        event["settled"] = self.moves

    def dead_letters(self) -> list[Fields]:
        """Give "refused and expired events, money that waits", and what is in doubt."""
        return [event for event in self.events if is_dead_letter(event)]

    # -- an event that came before

    def _again(self, bound: list[Fields], trigger: str, body: Fields, given: list[str]) -> str:
        """ "The first answer again", or 422, "and it is kept once under an id made for it"."""
        (first, *others) = bound
        if not others and repeats.is_same(first, trigger, body):
            first["ids"] += [name for name in given if not repeats.with_ids(self, [name])]
            return "duplicate"
        hit = sorted(event["seq"] for event in bound)
        if not any(event["reused"] == hit and repeats.is_same(event, trigger, body) for event in self.events):
            event = self._event(trigger, body, [f"made {self.next()}"], self.now)
            event.update(reused=hit, given=[], parts={None: "refused"}, answer="reused", settled=self.moves)
            self.events.append(event)
        return "reused"

    def _reimbursed_again(self, event: Fields, first: Fields) -> str:
        said = tells(event)
        first["ids"] += [name for name in event["ids"] if not repeats.with_ids(self, [name])]
        cells.teach_line(event, first)
        is_told_anew = event["body"] != first["body"]
        if is_told_anew and "claim_id" in said and "amazon_case_id" in said:
            cases.name_it(self, said["amazon_case_id"], self.key(said["claim_id"]))
        self._follow()
        return "duplicate"

    def _event(self, trigger: str, body: Fields, given: list[str], now: datetime) -> Fields:
        return {
            "seq": self.next(),
            "ids": list(given),
            "given": given,
            "trigger": trigger,
            "body": body,
            "overlay": {},
            "force": False,
            "parts": {},
            "of": set(),
            "answer": "",
            "settled": 0,
            "expires": None if trigger.startswith("payout") else now + DEFERRED_FOR,
            "line": None,
            "booked": None,
            "conflicts_with": None,
            "reused": None,
            "doubt": False,
        }

    # -- how one is judged

    def _act(self, act: Callable[[], str], now: datetime) -> str:
        self.now = now
        told = act()
        self._follow()
        return told

    def _judge_anew(self, event: Fields, *, fresh: bool = True) -> str:
        said, moves, names = tells(event), self.moves, deepcopy(self.cases)
        was_reused = event["answer"] == "reused"
        self._judge(event, fresh=fresh)
        standings = set(event["parts"].values())
        if self.moves > moves:
            event["answer"] = "applied"
        elif "waiting" in standings:
            event["answer"] = "deferred"
        else:
            event["answer"] = "refused" if standings == {"refused"} else "unchanged"
        if event["answer"] == "refused":
            self.cases = names
        elif "claim_id" in said and "amazon_case_id" in said:  # "an event that waits, too"
            cases.name_it(self, said["amazon_case_id"], self.key(said["claim_id"]))
        event["doubt"] = False  # not by what it names itself: a person who tells it has seen both
        self._follow()
        told = str(event["answer"])
        if was_reused and told == "refused":
            event["answer"] = "reused"  # its ids are another's still
        return told

    def _follow(self) -> None:
        going_on = True
        while going_on:
            for one in self.taking_part():
                deadline = one["facts"].get("deadline_date")
                if deadline is not None and deadline <= self.now and one["state"] in ("detected", "matched"):
                    self.move(one, "expired", "deadline_passed", None)
            going_on = False
            for event in [one for one in self.events if standing_of(one) == "waiting"]:
                before = dict(event["parts"]), set(self.cases)
                self._judge(event, fresh=False)
                if (event["parts"], set(self.cases)) != before:
                    going_on = True
                    break

    def _judge(self, event: Fields, *, fresh: bool) -> None:
        trigger, said, parts = event["trigger"], tells(event), event["parts"]
        if trigger == "sync_complete":
            parts[None] = detecting.sync(self, event)
        elif trigger == "detection_complete":
            detecting.detect(self, event)
        elif "matches" in said:
            for name, confidence in self._matches(event).items():
                if fresh or parts[name] == "waiting":
                    parts[name] = cells.match(self, event, self.key(name), confidence)
        elif trigger == "evidence_matching_complete" and "claim_id" in said:
            parts[None] = cells.match(self, event, self.key(said["claim_id"]), said.get("confidence"))
        elif trigger == "evidence_matching_complete":
            parts[None] = self._match_for_many(event)
        else:
            self._fact(event, fresh=fresh)
        if standing_of(event) != "waiting":
            event["settled"] = self.moves

    def _matches(self, event: Fields) -> dict[str, Decimal | None]:
        """ "A claim may have several documents: the highest confidence counts", under any of its names."""
        if "matches" not in event:
            best: dict[str, tuple[str, Decimal | None]] = {}
            for match in tells(event)["matches"]:
                claim, told = match["claim_id"], match.get("confidence")
                name = self.canonical(claim)
                known = best.get(name, (claim, None))[1]
                if name not in best or (-1 if told is None else told) > (-1 if known is None else known):
                    best[name] = claim, told
            event["matches"] = dict(best.values())
        matches: dict[str, Decimal | None] = event["matches"]
        return matches

    def _match_for_many(self, event: Fields) -> str:
        """ "Every lifecycle … in whose cell an arrow stands", done "once it has moved somebody"."""
        said = tells(event)
        if "sync_id" in said and ("sync", said["sync_id"]) not in self.lifecycles:
            return "waiting"
        scope = in_scope(self, said)
        able = [one for one in scope if has_arrow(event, one)]
        if able:
            standings = [cells.match(self, event, one["key"], said.get("confidence")) for one in able]
            return "applied" if "applied" in standings else "known"
        if not scope or any(is_too_early(event, one) for one in scope):
            return "waiting"
        event["of"].update(one["key"] for one in scope)
        return "known"

    def _fact(self, event: Fields, *, fresh: bool) -> None:
        parts, said = event["parts"], tells(event)
        if "claim_id" in said and "amazon_case_id" in said and not fresh:
            case, key = said["amazon_case_id"], self.key(said["claim_id"])
            if {(cases.UNNAMED, key), (case, key)} <= self.cases.keys():
                cases.name_it(self, case, key)  # filed since: "the next event that names claim and case"
        if is_money(event) and (settled := cells.is_settled_by_another(self, event)) is not None:
            parts[None] = settled
            return
        named = [part for part in parts if part is not None and parts[part] == "waiting"]
        before = {part: was for part, was in parts.items() if part is not None and was != "waiting"}
        if before and named:
            for part in named:
                key = (part[0], self.canonical(part[1]))
                if key not in parts:  # it is another's name by now, for whom nothing was settled
                    del parts[part]
                    part = key
                if (said.get("amazon_case_id"), key) not in self.cases:
                    parts[part] = "known"  # its case was taken away since
                else:
                    parts[part] = cells.take(self, event, key, fresh=fresh)
            return
        kind, keys = whom(self, event)
        if kind == "for":
            parts.clear()
            parts.update(before)  # a verdict dead in part, which named a claim meanwhile
            if before and "claim_id" not in said:
                left = [key for key in keys if key not in before]
                parts.update({key: cells.take(self, event, key, fresh=fresh) for key in left})
            elif len(keys) == 1:
                parts[None] = cells.take(self, event, keys[0], fresh=fresh)
            else:
                parts.update({key: cells.take(self, event, key, fresh=fresh) for key in keys})
                if set(parts.values()) != {"refused"}:  # it was for others, too
                    parts.update({key: "known" for key in keys if parts[key] == "refused"})
            return
        if kind == "ambiguous":  # "one that has become ambiguous goes on waiting"
            kind = "refused" if fresh else "waiting"
        elif kind == "refused" and not fresh:  # "one that is `no` by then ends as known"
            kind = "known"
        parts[None] = kind
        if kind != "waiting":
            event["of"].update(keys)


def is_dead_letter(event: Fields) -> bool:
    standing = standing_of(event)
    waits = standing == "waiting" and is_money(event)
    is_dead = "dead" in event["parts"].values()  # of a list, or of the claims that share a case, in part too
    return waits or is_dead or standing == "refused" or bool(event["doubt"])
