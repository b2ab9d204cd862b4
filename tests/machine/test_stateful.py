"""A Hypothesis state machine: the `Workflow` on a real file, against a model of plain dicts.

Ana's and Bob's webhooks, links and dead letters are followed by the model step by step, each answer and all
that is shown. Eve names what she likes: for her, as for all, the ledger's promises must hold each time. Bob's
detector tells when it found what it found; Ana's doesn't.
"""

from __future__ import annotations

import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.machine.ledger import Ledger
from tests.machine.model.kept import standing_of, tells
from tests.machine.model.user import ModelUser, is_dead_letter
from tests.machine.promises import money, said
from tests.machine.stories.tellers import LibraryTeller, ModelTeller, comparable, is_made
from tests.machine.table import SIGNS
from tests.machine.webhooks import (
    ALIASES,
    CASES,
    CLAIMS,
    FILED,
    FOLLOWED,
    FOUND,
    LOOSE,
    PAID,
    SYNCS,
    Webhook,
    laid_over,
    names,
)
from workflow_fsm import Settings, Workflow
from workflow_fsm.testing import CountedIds, ManualClock

Fields = dict[str, Any]

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
pytestmark = pytest.mark.timeout(0 if LONG else 600)  # a failure takes minutes to be made small

followed = st.sampled_from(["ana", "bob"])
anybody = st.sampled_from(["ana", "bob", "eve"])


class Claims(RuleBasedStateMachine):
    """Ana and Bob are followed; Eve isn't."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.path = Path(self.folder.name) / "claims.db"
        self.clock = ManualClock()
        self.ids = CountedIds()
        self.model = {name: ModelTeller(ModelUser()) for name in ("ana", "bob")}
        self.sent: list[tuple[str, str, Fields]] = []
        self.touched: set[str] = set()
        self._open()

    def _open(self) -> None:
        settings = Settings.from_environment({})
        self.workflow = Workflow.open(
            f"sqlite:///{self.path}", settings=settings, clock=self.clock, ids=self.ids
        )
        self.by_library = {
            name: LibraryTeller(self.workflow, self.clock, name) for name in ("ana", "bob", "eve")
        }

    def teardown(self) -> None:
        self.workflow.close()
        self.folder.cleanup()

    # -- rules

    @rule(user=followed, webhook=FOUND)
    def a_webhook_finds_or_matches_claims(self, user: str, webhook: Webhook) -> None:
        self._send(user, *webhook)

    @rule(user=followed, webhook=FILED)
    def a_webhook_files_or_rejects_them(self, user: str, webhook: Webhook) -> None:
        self._send(user, *webhook)

    @rule(user=followed, webhook=PAID)
    def a_webhook_pays_or_takes_back(self, user: str, webhook: Webhook) -> None:
        self._send(user, *webhook)

    @rule(user=followed, webhook=FOLLOWED)
    def a_webhook_says_anything(self, user: str, webhook: Webhook) -> None:
        self._send(user, *webhook)

    @rule(
        user=followed, claim=names, case=st.sampled_from(CASES), sync=st.sampled_from(SYNCS), data=st.data()
    )
    def a_claim_s_webhooks_in_some_order(
        self, user: str, claim: str, case: str, sync: str, data: st.DataObject
    ) -> None:
        found = {"sync_id": sync, "claims": [{"claim_id": claim if claim in CLAIMS else "c1"}]}
        story: list[Webhook] = [
            ("sync_complete", {"sync_id": sync}),
            ("detection_complete", found | {"occurred_at": "2025-12-02T00:00:00Z"}),
            ("claim_submitted", {"claim_id": claim, "case_id": case}),
            ("claim_rejected", {"case_id": case}),
            ("payout_received", {"case_id": case, "amount": "5", "reimbursement_id": "r1"}),
            ("payout_reversed", {"amount": "5", "original_reimbursement_id": "r1"}),
        ]
        for trigger, fields in data.draw(st.permutations(story))[:5]:
            self._send(user, trigger, fields)

    @rule(webhook=LOOSE)
    def a_webhook_that_names_what_it_likes(self, webhook: Webhook) -> None:
        self._send("eve", *webhook)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), minted=st.none() | st.sampled_from(["h7", "h8", "h9"]))
    def a_webhook_comes_again(self, data: st.DataObject, minted: str | None) -> None:
        """ "A proxy may mint a header at each try"."""
        user, trigger, fields = data.draw(st.sampled_from(self.sent))
        again = fields if minted is None else {**fields, "headers": [minted]}
        self._send(user, trigger, {**again, "attempt": 2})

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), header=st.none() | st.sampled_from(["b1", "b2"]))
    def several_webhooks_come_again_shuffled_in_one_request(
        self, data: st.DataObject, header: str | None
    ) -> None:
        some = [  # an event among others has no headers of its own
            (user, trigger, {name: value for name, value in fields.items() if name != "headers"})
            for user, trigger, fields in data.draw(st.permutations(self.sent))[:4]
            if not self._names_one_twice(user, fields)
        ]
        expected = []
        for place, (user, trigger, fields) in enumerate(some):
            body = dict(fields)
            if header is not None and "event_id" not in body:
                body["headers"] = [f"{header}#{place}"]
            expected.append(self.model[user].tell(trigger, body) if user in self.model else None)
            self.touched.add(user)
        answers = self.by_library["ana"].tell_many(some, header)
        for one, told, answer in zip(some, expected, answers, strict=True):
            assert told in (None, answer), (one, told, answer)

    @rule(user=anybody, claim=names, alias=st.sampled_from(ALIASES))
    def an_alias_is_linked(self, user: str, claim: str, alias: str) -> None:
        if claim in CLAIMS or user == "eve" or self.model[user].user.canonical(claim) in CLAIMS:
            self._do(user, "link", {"claim_id": claim, "alias": alias})

    @rule(user=followed, claim=st.sampled_from(CLAIMS), merged=st.sampled_from(CLAIMS))
    def a_claim_is_merged(self, user: str, claim: str, merged: str) -> None:
        model = self.model[user].user
        both = (model.key(claim), model.key(merged))
        if both[0] != both[1] and all(key in model.lifecycles for key in both):
            self._do(user, "link", {"claim_id": claim, "alias": merged})

    @rule(user=anybody, alias=names)
    def an_alias_is_unlinked(self, user: str, alias: str) -> None:
        self._do(user, "unlink", {"alias": alias})

    @rule(user=anybody, claim=names, case=st.sampled_from(CASES))
    def a_case_is_unlinked(self, user: str, claim: str, case: str) -> None:
        self._do(user, "unlink", {"claim_id": claim, "amazon_case_id": case})

    @precondition(lambda self: self._has(dropped=False))
    @rule(data=st.data(), what=st.sampled_from(["retry", "retry", "retry", "drop"]))
    def a_person_settles_a_dead_letter(self, data: st.DataObject, what: str) -> None:
        letters = self._letters(dropped=False)
        if letters:
            user, letter, fields = data.draw(st.sampled_from(letters))
            if what == "retry" and not letter["doubt"]:
                over = laid_over(letter["trigger"], listed="matches" in tells(letter))
                fields = fields | data.draw(over)
            self._do(user, what, fields, compared=not letter["doubt"])

    @precondition(lambda self: self._has(dropped=True))
    @rule(data=st.data())
    def a_person_restores_what_was_dropped(self, data: st.DataObject) -> None:
        letters = self._letters(dropped=True)
        if letters:
            user, _, fields = data.draw(st.sampled_from(letters))
            self._do(user, "restore", fields)

    @precondition(lambda self: any(user == "eve" for user, _, _ in self.sent))
    @rule(data=st.data(), what=st.sampled_from(["retry", "drop"]))
    def a_person_settles_one_of_eve_s(self, data: st.DataObject, what: str) -> None:
        letters = self.by_library["eve"].letters()
        if letters:
            letter = data.draw(st.sampled_from(letters))
            over = laid_over(letter["trigger"], listed=True) if what == "retry" else st.just({})
            self._do("eve", what, {"letter": letter["id"], **data.draw(over)})

    @rule(hours=st.sampled_from([1, 30, 24 * 8]))
    def time_passes(self, hours: int) -> None:
        self.by_library["ana"].tell("wait", {"hours": hours})
        for teller in self.model.values():
            teller.tell("wait", {"hours": hours})
        self.touched.update(self.by_library)

    @rule()
    def the_store_is_opened_again(self) -> None:
        self.workflow.close()
        self._open()

    def _has(self, *, dropped: bool) -> bool:
        return any(
            standing_of(event) == "dropped" if dropped else is_dead_letter(event)
            for teller in self.model.values()
            for event in teller.user.events
        )

    def _letters(self, *, dropped: bool) -> list[tuple[str, Fields, Fields]]:
        """Give the dead letters of those followed, as the model has them, with the names that both have."""
        found = []
        for user, teller in self.model.items():
            events = teller.user.dead_letters()
            if dropped:
                events = [event for event in teller.user.events if standing_of(event) == "dropped"]
            letters = self.by_library[user].letters(dropped=dropped) if events else []
            for event in events:
                event_id = event["ids"][0]
                alike = [one for one in letters if one["event_id"] == event_id]
                if is_made(event_id):  # by another name here and there: told by its trigger, where that does
                    alike = [
                        one
                        for one in letters
                        if is_made(one["event_id"]) and one["trigger"] == event["trigger"]
                    ]
                if len(alike) == 1:
                    found.append((user, event, {"event": event_id, "letter": alike[0]["id"]}))
        return found

    def _names_one_twice(self, user: str, fields: Fields) -> bool:
        """ "One claim named twice with different content is two bad entries": the model knows of none."""
        if "claims" not in fields or user not in self.model:
            return False
        canonical = [self.model[user].user.canonical(entry["claim_id"]) for entry in fields["claims"]]
        return len(set(canonical)) < len(canonical)

    def _send(self, user: str, trigger: str, fields: Fields) -> None:
        fields = dict(fields)
        if self._names_one_twice(user, fields):
            return
        if trigger == "detection_complete" and user == "ana":
            fields.pop("occurred_at", None)
        before = Ledger(self.path)
        if self._do(user, trigger, fields) == "invalid":
            assert Ledger(self.path) == before
        elif len(self.sent) < 40:
            self.sent.append((user, trigger, fields))

    def _do(self, user: str, what: str, fields: Fields, *, compared: bool = True) -> str:
        expected = self.model[user].tell(what, fields) if user in self.model else ""
        answer = self.by_library[user].tell(what, fields)
        assert not compared or expected in ("", answer), (user, what, fields, expected, answer)
        self.touched.add(user)
        return answer

    # -- invariants

    @invariant()
    def the_promises_hold(self) -> None:
        ledger = Ledger(self.path)
        ledger.check()
        for name in sorted(self.touched):
            status = self.by_library[name].shows(ways=False)
            if name in self.model:
                self._is_what_the_model_says(name, status, ledger)
            if name in ledger.users():
                adds_up(status, ledger.of(name))
        self.touched.clear()

    def _is_what_the_model_says(self, name: str, status: Fields, ledger: Ledger) -> None:
        model = self.model[name].shows()
        for claim in model["claims"].values():
            del claim["way"]
        shown, expected = comparable(status), comparable(model)
        assert shown == expected, {
            k: (shown.get(k), expected[k]) for k in expected if shown.get(k) != expected[k]
        }
        assert ledger.standings(name) == Counter(map(standing_of, self.model[name].user.events))


def adds_up(status: Fields, rows: dict[str, list[Fields]]) -> None:
    """ "For every currency: payouts less reversals = recovered + unapplied + dropped"."""
    total, is_told = Counter[str](), True
    for row in money(rows):
        if row["standing"] in ("applied", "waiting"):
            code = row["currency"] or said(row).get("currency")
            is_told = is_told and code is not None
            total[code or "?"] += SIGNS[row["trigger"]] * Decimal(said(row)["amount"])  # type: ignore[assignment]
    for shown in (status["recovered"], status["unapplied"]):
        for code, text in shown.items():
            total[code] -= Decimal(text)  # type: ignore[assignment]
    assert not sum(total.values())
    assert not is_told or not any(total.values())


TestClaims = Claims.TestCase
