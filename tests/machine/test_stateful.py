"""A Hypothesis state machine: the real `Workflow` on a file, against a model of plain dicts.

Some users' events name their claims: those are followed by the model step by step. Eve's name syncs, cases,
reimbursements or nothing at all: for her, as for all, the ledger's promises must hold after every step.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.machine.ledger import PLACES, SIGNS, Ledger
from tests.machine.model import ModelUser
from workflow_fsm import (
    AliasTaken,
    EventIdReused,
    InvalidEvent,
    NotAllowed,
    Outcome,
    Settings,
    Workflow,
    WorkflowError,
)
from workflow_fsm.testing import CountedIds, ManualClock

Fields = dict[str, Any]

pytestmark = pytest.mark.timeout(600)  # a failure takes minutes to be made small

CLAIMS = ("c1", "c2")
ALIASES = ("x1", "x2")
SYNCS = ("s1", "s2")
DEADLINES = ("2026-01-02T00:00:00Z", "2026-01-15T00:00:00Z", "2027-01-01T00:00:00Z")

names = st.sampled_from(CLAIMS + ALIASES)
ids = st.none() | st.sampled_from([f"e{number}" for number in range(12)])
confidences = st.sampled_from(["0.3", "0.6", "0.9"])
maybe = st.none


def with_fields(trigger: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Fields]]:
    """Make events of a trigger; a field that is None is left out."""
    return st.fixed_dictionaries(fields).map(
        lambda made: (trigger, {name: value for name, value in made.items() if value is not None})
    )


def entries(claim_ids: st.SearchStrategy[str], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Make lists of entries, each claim once."""
    entry = st.fixed_dictionaries({"claim_id": claim_ids, **fields}).map(
        lambda made: {name: value for name, value in made.items() if value is not None}
    )
    return st.lists(entry, min_size=1, max_size=3, unique_by=lambda made: made["claim_id"])


MONEY: dict[str, st.SearchStrategy[Any]] = {
    "amount": st.sampled_from(["5", "5.50", "10", "15.50"]),
    "currency": maybe() | st.sampled_from(sorted(PLACES)),
}
NAMED = st.one_of(
    with_fields("sync_complete", event_id=ids, sync_id=st.sampled_from(SYNCS)),
    with_fields(
        "detection_complete",
        event_id=ids,
        sync_id=st.sampled_from(SYNCS),
        claims=entries(
            st.sampled_from(CLAIMS),
            deadline_date=maybe() | st.sampled_from(DEADLINES),
            currency=maybe() | st.sampled_from(["JPY", "KWD"]),
        ),
    ),
    with_fields("evidence_matching_complete", event_id=ids, claim_id=names, confidence=confidences),
    with_fields("evidence_matching_complete", event_id=ids, matches=entries(names, confidence=confidences)),
    with_fields("claim_submitted", event_id=ids, claim_id=names),
    with_fields("claim_rejected", event_id=ids, claim_id=names),
    with_fields("payout_received", event_id=ids, claim_id=names, **MONEY),
    with_fields("payout_reversed", event_id=ids, claim_id=names, **MONEY),
)
SCOPE: dict[str, st.SearchStrategy[Any]] = {
    "event_id": ids,
    "claim_id": maybe() | names,
    "sync_id": maybe() | st.sampled_from([*SYNCS, "unknown"]),
}
CASE = {**SCOPE, "amazon_case_id": maybe() | st.sampled_from(["k1", "k2"])}
PAYMENT = {**CASE, **MONEY, "reimbursement_id": maybe() | st.sampled_from(["r1", "r2"])}
LOOSE = st.one_of(
    with_fields("sync_complete", event_id=ids, sync_id=maybe() | st.sampled_from(SYNCS)),
    with_fields(
        "detection_complete",
        event_id=ids,
        sync_id=maybe() | st.sampled_from(SYNCS),
        claims=entries(names, aliases=maybe() | st.lists(st.sampled_from(ALIASES), max_size=2, unique=True)),
    ),
    with_fields(
        "detection_complete",
        event_id=ids,
        sync_id=maybe() | st.sampled_from(SYNCS),
        claims_found=maybe() | st.sampled_from([0, 2]),
    ),
    with_fields("evidence_matching_complete", confidence=confidences, **SCOPE),
    with_fields("claim_submitted", **CASE),
    with_fields("claim_rejected", **CASE),
    with_fields("payout_received", **PAYMENT),
    with_fields("payout_reversed", original_reimbursement_id=maybe() | st.just("r1"), **PAYMENT),
)


class Claims(RuleBasedStateMachine):
    """Ana and Bob name claims; Eve doesn't."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.path = Path(self.folder.name) / "claims.db"
        self.clock = ManualClock()
        self.ids = CountedIds()
        self.model = {"ana": ModelUser(), "bob": ModelUser()}
        self.sent: list[tuple[str, Fields]] = []
        self.workflow = self._open()

    def _open(self) -> Workflow:
        return Workflow.open(
            f"sqlite:///{self.path}", settings=Settings.from_environment({}), clock=self.clock, ids=self.ids
        )

    def teardown(self) -> None:
        self.workflow.close()
        self.folder.cleanup()

    # -- rules

    @rule(user=st.sampled_from(["ana", "bob"]), event=NAMED)
    def a_webhook_that_names_its_claims(self, user: str, event: tuple[str, Fields]) -> None:
        self._fire(user, *event)

    @rule(
        user=st.sampled_from(["ana", "bob"]),
        claim=names,
        sync=st.sampled_from(SYNCS),
        order=st.permutations(range(6)).map(lambda order: order[:5]),
    )
    def a_claim_s_webhooks_in_some_order(self, user: str, claim: str, sync: str, order: list[int]) -> None:
        detected = {"sync_id": sync, "claims": [{"claim_id": claim if claim in CLAIMS else "c1"}]}
        story: list[tuple[str, Fields]] = [
            ("sync_complete", {"sync_id": sync}),
            ("detection_complete", detected),
            ("claim_submitted", {"claim_id": claim}),
            ("claim_rejected", {"claim_id": claim}),
            ("payout_received", {"claim_id": claim, "amount": "5"}),
            ("payout_reversed", {"claim_id": claim, "amount": "5"}),
        ]
        for place in order:
            self._fire(user, *story[place])

    @rule(event=LOOSE)
    def a_webhook_that_names_what_it_likes(self, event: tuple[str, Fields]) -> None:
        self._fire("eve", *event)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def a_webhook_comes_again(self, data: st.DataObject) -> None:
        trigger, fields = data.draw(st.sampled_from(self.sent))
        self._fire(fields["user_id"], trigger, fields)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def several_webhooks_come_again_shuffled_in_one_request(self, data: st.DataObject) -> None:
        some = data.draw(st.permutations(self.sent))[:4]
        expected = [self._expect(trigger, fields) for trigger, fields in some]
        answers = self.workflow.fire_many([{"trigger": trigger, **fields} for trigger, fields in some])
        for told, answer in zip(expected, answers, strict=True):
            assert told in (None, status_of(answer))

    @rule(
        user=st.sampled_from(["ana", "bob", "eve"]),
        claim=st.sampled_from(CLAIMS),
        alias=st.sampled_from(ALIASES),
    )
    def an_alias_is_linked(self, user: str, claim: str, alias: str) -> None:
        try:
            self.workflow.link(user_id=user, claim_id=claim, alias=alias)
            linked = True
        except AliasTaken:
            linked = False
        if user in self.model:
            assert linked is self.model[user].link(claim, alias, self.clock())

    @rule(hours=st.sampled_from([1, 30, 24 * 8]))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(hours=hours)
        while self.workflow.tick():
            pass
        for user in self.model.values():
            user.pass_time(self.clock())

    @rule()
    def the_store_is_opened_again(self) -> None:
        self.workflow.close()
        self.workflow = self._open()

    def _fire(self, user: str, trigger: str, fields: Fields) -> None:
        fields = {**fields, "user_id": user}
        before = Ledger(self.path)
        expected = self._expect(trigger, fields)
        answer: Outcome | WorkflowError
        try:
            answer = self.workflow.fire(trigger, **fields)
        except (NotAllowed, EventIdReused, InvalidEvent) as error:
            answer = error
        status = status_of(answer)
        assert expected in (None, status)
        if status in ("duplicate", "reused", "invalid"):
            assert Ledger(self.path) == before
        if status != "invalid" and len(self.sent) < 40:
            self.sent.append((trigger, fields))

    def _expect(self, trigger: str, fields: Fields) -> str | None:
        user = self.model.get(fields["user_id"])
        return None if user is None else user.fire(trigger, fields, self.clock())

    # -- invariants

    @invariant()
    def the_ledger_keeps_its_promises(self) -> None:
        ledger = Ledger(self.path)
        ledger.check()
        for name, user in self.model.items():
            assert shown_by(ledger, name) == user.shows()

    @invariant()
    def what_is_shown_adds_up(self) -> None:
        ledger = Ledger(self.path)
        for name in ledger.users():
            status = self.workflow.status(name)
            assert status is not None
            events = ledger.rows("events", name)
            assert (status.state, status.counts) == overall(ledger.rows("lifecycles", name))
            assert sum(ledger.standings(name).values()) == len(events)
            # "for every currency: payouts less reversals = recovered + unapplied + dropped"
            total: Counter[str] = Counter()
            for row in events:
                body = json.loads(row["body"])
                if row["trigger"] in SIGNS and row["standing"] != "known":
                    code = row["currency"] or body.get("currency") or "USD"
                    total[code] += SIGNS[row["trigger"]] * round(float(body["amount"]) * 1000)
            for shown in (status.recovered, status.unapplied):
                for code, text in shown.items():
                    total[code] -= round(float(text) * 1000)
            assert not any(total.values())


def status_of(answer: Outcome | WorkflowError) -> str:
    match answer:
        case Outcome():
            return answer.status
        case NotAllowed():
            return "refused"
        case EventIdReused():
            return "reused"
        case InvalidEvent():
            return "invalid"
    raise answer


def overall(lifecycles: list[Fields]) -> tuple[str | None, Fields]:
    """Give the state of a user and the counts, as the contract says them."""
    syncs = [one for one in lifecycles if one["claim_id"] is None]
    moved_on = max((one["id"] for one in syncs if one["state"] != "synced"), default=0)
    # "A sync that is still `synced` when a newer one of its user has moved on no longer counts"
    left_behind = [one["id"] for one in syncs if one["state"] == "synced" and one["id"] < moved_on]
    counted = [one for one in lifecycles if not one["forked"] and one["id"] not in left_behind]
    counts = dict(Counter(one["state"] for one in counted))
    for state in ("synced", "detected", "matched", "submitted", "rejected"):  # "the least advanced open"
        if state in counts:
            return state, counts
    if "paid" in counts:
        return "paid", counts
    newest = (counted or syncs)[-1:]  # "With nothing counted, `state` is the newest sync's"
    return (newest[0]["state"] if newest else None), counts


def shown_by(ledger: Ledger, user_id: str) -> Fields:
    lifecycles = ledger.rows("lifecycles", user_id)
    return {
        "syncs": {
            one["sync_id"]: (one["state"], one["version"]) for one in lifecycles if not one["claim_id"]
        },
        "claims": {
            one["claim_id"]: (one["state"], one["version"], json.loads(one["paid"]), one["sync_id"])
            for one in lifecycles
            if one["claim_id"]
        },
        "standings": ledger.standings(user_id),
    }


TestClaims = Claims.TestCase
