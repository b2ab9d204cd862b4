"""The second edition's migration: what a first edition's store says, said as the second reads it.

Money becomes decimal strings, by the decimals of ISO 4217 as it stands today, or those that it was booked
with; cases become rows, filled from the claims' own and from the events that told them; what waits is put
under the names that it waits for. History is not touched, and what can't be read stays as it is. One user at
a time, so that memory is bounded by the largest.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from workflow_fsm.core.definition import Addressing, Definition, Trigger
from workflow_fsm.core.definition.cases import Cases, CaseState, book, file, name, ordered, reject
from workflow_fsm.core.definition.claim import PAID_WITHOUT_CASE, claim_lifecycle
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY, UNITS, Event, read_event
from workflow_fsm.core.errors import InvalidEvent
from workflow_fsm.core.model.inbox import ANY_CHANGE, Standing, Wait, WaitKind
from workflow_fsm.core.model.lifecycle import CaseOwner
from workflow_fsm.core.values import money, strict_json
from workflow_fsm.core.values.fields import comparable_value
from workflow_fsm.core.values.instants import read_instant
from workflow_fsm.stores.columns import sums_text
from workflow_fsm.stores.mapping import case_row

Run = Callable[[str, Mapping[str, Any]], Sequence[Mapping[str, Any]]]
"""Runs SQL with `:name` parameters, and gives the rows."""

log = logging.getLogger(__name__)

_PAGE = 500
_CURRENCY = re.compile(r"[A-Z]{3}")
_USUAL_DECIMALS = 2
_MOST_DECIMALS = 4
_CASE_COLUMNS = (
    "user_id",
    "case_id",
    "claim_id",
    "sync_id",
    "state",
    "at",
    "seq",
    "told",
    "paid",
    "units",
    "alone",
)


def fill(run: Run) -> None:
    """Say anew all that a first edition's store holds."""
    met: dict[str, int] = {}
    after = ""
    while users := run(
        "SELECT user_id, recovered FROM users WHERE user_id > :after ORDER BY user_id LIMIT :limit",
        {"after": after, "limit": _PAGE},
    ):
        for user in users:
            _Migrant(run, user["user_id"], met).fill(user["recovered"])
        after = users[-1]["user_id"]
    for currency, decimals in sorted(met.items()):
        run(
            "INSERT INTO currencies (currency, decimals) VALUES (:currency, :decimals)",
            {"currency": currency, "decimals": decimals},
        )


class _Migrant:
    """One user's rows being said anew."""

    def __init__(self, run: Run, user_id: str, met: dict[str, int]) -> None:
        self._run = run
        self._user = user_id
        self._met = met
        self._definition: Definition = claim_lifecycle()
        self._lifecycles: dict[int, Mapping[str, Any]] = {}
        self._aliases: dict[str, str] = {}
        self._names: list[str] = []
        self._cases: dict[CaseOwner, Cases] = {}
        self._without_case: set[int] = set()
        self._units: Counter[int] = Counter()

    def fill(self, recovered: str) -> None:
        """Say all of it anew."""
        whose = {"user_id": self._user}
        self._aliases = {
            row["alias"]: row["claim_id"]
            for row in self._run("SELECT alias, claim_id FROM aliases WHERE user_id = :user_id", whose)
        }
        rows = self._run("SELECT * FROM lifecycles WHERE user_id = :user_id ORDER BY id", whose)
        self._lifecycles = {row["id"]: row for row in rows}
        self._names = [row["claim_id"] for row in rows if row["claim_id"] is not None]
        self._names += self._aliases
        for row in self._run("SELECT * FROM events WHERE user_id = :user_id ORDER BY seq", whose):
            with self._damaged("events", row["seq"]):
                self._event(row)
        claims: Counter[str] = Counter()
        for row in rows:
            with self._damaged("lifecycles", row["id"]):
                claims.update(self._lifecycle(row))
        for owner, cases in self._cases.items():
            for case in cases.values():
                values = case_row(self._user, owner, case)
                self._run(
                    f"INSERT INTO cases ({', '.join(_CASE_COLUMNS)}) "  # noqa: S608  # of ours
                    f"VALUES ({', '.join(f':{column}' for column in _CASE_COLUMNS)})",
                    values,
                )
        self._run(
            "UPDATE users SET recovered = :recovered, currencies = :currencies WHERE user_id = :user_id",
            {
                **whose,
                "recovered": self._sums(recovered),
                "currencies": json.dumps(dict(sorted(claims.items()))),
            },
        )

    @contextmanager
    def _damaged(self, table: str, key: int) -> Iterator[None]:
        """Leave a row that can't be read as damaged as it was, for `check` to name."""
        try:
            yield
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            log.error("row %d of %s of user %r can't be said anew: %r", key, table, self._user, error)

    # -- money

    def _sums(self, text: str) -> str:
        try:
            sums = {code: self._major(minor, code) for code, minor in json.loads(text).items()}
        except (ArithmeticError, AttributeError, TypeError, ValueError):
            return text  # as damaged as it was, for `check` to name
        return sums_text(sums)

    def _major(self, minor: int, currency: str) -> Decimal:
        if currency not in self._met:
            self._met[currency] = _decimals(self._run, currency)
        return Decimal(int(minor)).scaleb(-self._met[currency], strict_json.EXACT)

    # -- lifecycles

    def _lifecycle(self, row: Mapping[str, Any]) -> list[str]:
        """Say a lifecycle anew; give the currency that it counts for, if it is a claim."""
        facts = json.loads(row["facts"], parse_float=Decimal)
        currency = facts.get("currency") or DEFAULT_CURRENCY
        case_id = facts.pop("amazon_case_id", None)
        if facts.get("amount") is not None:
            with suppress(money.NotMoney):
                facts["amount"] = money.text(self._major(facts["amount"], currency))
        if row["id"] in self._without_case:
            facts[PAID_WITHOUT_CASE] = True
        owner = _owner(row)
        if case_id is not None or row["state"] == "submitted":
            self._own_case(owner, row, case_id)
        self._run(
            "UPDATE lifecycles SET facts = :facts, paid = :paid, units = :units, entered = cursor "
            "WHERE user_id = :user_id AND id = :id",
            {
                "user_id": self._user,
                "id": row["id"],
                "facts": strict_json.dumps(facts),
                "paid": self._sums(row["paid"]),
                "units": self._units[row["id"]],
            },
        )
        return [] if row["claim_id"] is None else [currency]

    def _own_case(self, owner: CaseOwner, row: Mapping[str, Any], case_id: str | None) -> None:
        """See that the case which a claim was shown with is one of its cases, and that a filed one has
        one."""
        cases = self._cases.get(owner, {})
        at, seq = read_instant(row["entered_at"]), row["cursor"]
        if case_id is not None and case_id not in cases:
            cases = name(cases, case_id, at=at, seq=seq)
        filed = any(case.state == CaseState.FILED for case in cases.values())
        if row["state"] == "submitted" and not filed:
            cases = file(cases, case_id, late=False, state=CaseState.FILED, at=at, seq=seq)
        self._cases[owner] = cases

    # -- events

    def _event(self, row: Mapping[str, Any]) -> None:
        trigger = self._definition.trigger(row["trigger"])
        body = json.loads(row["body"], parse_float=Decimal)
        changed: dict[str, Any] = {
            "amount": None,
            "overlay": None,
            "fingerprint": row["fingerprint"],
            "units": 0,
        }
        if row["amount"] is not None:
            changed["amount"] = money.text(self._major(row["amount"], row["currency"]))
        shares = json.loads(row["shares"])
        event = None
        if trigger is not None and not trigger.timer:
            body, changed["overlay"] = self._without_overlay(row, trigger, body)
            with suppress(InvalidEvent):
                refused = {
                    share["index"]
                    for share in shares
                    if share["standing"] == Standing.REFUSED and share.get("index") is not None
                }
                said = read_event(trigger, body, is_stored=True, refused=refused)
                changed["fingerprint"] = said.fingerprint
                laid = {**body, **(changed["overlay"] or {})}
                event = read_event(trigger, laid, is_stored=True, refused=refused)
        if trigger is not None and event is not None:
            for share in shares:
                if share["standing"] == Standing.WAITING:
                    self._wait(row, trigger, event, share)
            if trigger.money and changed["amount"] is not None:
                changed["units"] = trigger.money * (event.field(UNITS.name) or 0)
                for lifecycle_id in (one for share in shares for one in share.get("lifecycles", ())):
                    self._units[lifecycle_id] += changed["units"]
            self._take_cases(row, trigger, event, shares, changed["amount"])
        overlay = changed["overlay"]
        self._run(
            "UPDATE events SET amount = :amount, units = :units, overlay = :overlay, "
            "fingerprint = :fingerprint, body = :body, shares = :shares, original_id = :original_id "
            "WHERE user_id = :user_id AND seq = :seq",
            {
                "user_id": self._user,
                "seq": row["seq"],
                "amount": changed["amount"],
                "units": changed["units"],
                "fingerprint": changed["fingerprint"],
                "overlay": None if overlay is None else strict_json.dumps(overlay),
                "body": strict_json.dumps(body),
                "shares": json.dumps(shares, separators=(",", ":")),
                "original_id": None if event is None else event.field("original_reimbursement_id"),
            },
        )

    def _without_overlay(
        self, row: Mapping[str, Any], trigger: Trigger, body: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Give what an event said, without the claim that a person told when retrying it, and that claim."""
        told = self._run(
            "SELECT claim_id FROM history WHERE user_id = :user_id AND lifecycle = 0 AND to_state = :about "
            "AND \"trigger\" = 'deadletter_retried' AND claim_id IS NOT NULL ORDER BY version DESC LIMIT 1",
            {"user_id": self._user, "about": f"event:{row['seq']}"},
        )
        claim_id = body.get("claim_id")
        if not told or claim_id != told[0]["claim_id"]:
            return body, None
        answered = (json.loads(row["answer"]).get("deferred") or [{}])[0].get("claim_id")
        said = {field: value for field, value in body.items() if field != "claim_id"}
        for one in dict.fromkeys((answered, None, *self._names)):
            told_then = said if one is None else {**said, "claim_id": one}
            if _first_fingerprint(trigger, told_then) == row["fingerprint"]:
                return told_then, {"claim_id": claim_id}
        return said, {"claim_id": claim_id}

    def _wait(self, row: Mapping[str, Any], trigger: Trigger, event: Event, share: dict[str, Any]) -> None:
        """Put a waiting part under the names that it waits for, and name the event that it conflicts with."""
        waits = [_name_waited_for(trigger, event, share.get("claim"))]
        may_conflict = trigger.money and share.get("lifecycles")
        earlier = self._earlier(row, event.field("line_id")) if may_conflict else None
        if earlier is not None:
            waits.append(Wait(WaitKind.REIMBURSEMENT, row["reimbursement_id"]))
            share["conflicts_with"] = earlier
            share["reason"] = (
                f"reimbursement {row['reimbursement_id']!r} came before as event {earlier!r}; if this is a "
                "line of its own, retry it with its line_id, if it counts besides, with force, else drop it"
            )
        for kind, waited in waits:
            self._run(
                "INSERT INTO waits (user_id, kind, name, seq) VALUES (:user_id, :kind, :name, :seq) "
                "ON CONFLICT DO NOTHING",
                {"user_id": self._user, "kind": str(kind), "name": waited, "seq": row["seq"]},
            )
        share["waits"] = [[str(kind), waited] for kind, waited in waits]

    def _earlier(self, row: Mapping[str, Any], line: str | None) -> str | None:
        """Give the id of the applied event that a waiting one of the same reimbursement conflicts with."""
        found = self._run(
            'SELECT event_id, body FROM events WHERE user_id = :user_id AND "trigger" = :trigger '
            "AND reimbursement_id = :reimbursement_id AND standing = 'applied' ORDER BY seq LIMIT 1",
            {column: row[column] for column in ("user_id", "trigger", "reimbursement_id")},
        )
        if not found:
            return None
        body = json.loads(found[0]["body"])
        known = body.get("line_id", body.get("sku"))
        return None if None not in (line, known) and line != known else str(found[0]["event_id"])

    # -- cases

    def _take_cases(
        self,
        row: Mapping[str, Any],
        trigger: Trigger,
        event: Event,
        shares: Sequence[Mapping[str, Any]],
        amount: str | None,
    ) -> None:
        """Let an event say what it says of cases."""
        case_id, claim = event.field("amazon_case_id"), event.field("claim_id")
        at = read_instant(row["received_at"])
        if case_id is not None and claim is not None and row["standing"] in ("waiting", "applied", "known"):
            owner = CaseOwner(self._aliases.get(claim, claim), "")
            self._cases[owner] = name(self._cases.get(owner, {}), case_id, at=at, seq=row["seq"])
        for share in shares:
            if share["standing"] not in ("applied", "known"):
                continue
            for lifecycle_id in share.get("lifecycles", ()):
                lifecycle = self._lifecycles.get(lifecycle_id)
                if lifecycle is not None:
                    self._take_case(row, trigger, event, share, lifecycle, amount, at)

    def _take_case(
        self,
        row: Mapping[str, Any],
        trigger: Trigger,
        event: Event,
        share: Mapping[str, Any],
        lifecycle: Mapping[str, Any],
        amount: str | None,
        at: datetime,
    ) -> None:
        owner = _owner(lifecycle)
        cases = self._cases.get(owner, {})
        case_id, seq = event.field("amazon_case_id"), row["seq"]
        applied = share["standing"] == Standing.APPLIED
        alone = event.field("claim_id") is None and case_id is not None
        if trigger.files and (applied or case_id is not None):
            cases = file(cases, case_id, late=False, state=CaseState.FILED, at=at, seq=seq)
        elif trigger.rejects and applied:
            cases = reject(cases, case_id, at=at, seq=seq, alone=alone)
        elif trigger.money and applied and amount is not None:
            if case_id is None:
                self._without_case.add(lifecycle["id"])
                return
            cases = book(
                cases,
                case_id,
                currency=row["currency"],
                amount=Decimal(amount),
                units=trigger.money * (event.field(UNITS.name) or 0),
                at=at,
                seq=seq,
                alone=alone,
            )
        else:
            return
        self._cases[owner] = ordered(list(cases.values()))


def _decimals(run: Run, currency: str) -> int:
    """Give a currency's decimals; of one that ISO 4217 has withdrawn since, those that it was booked with.

    These are seen where an event tells an amount beside its minor units; where none does, there are two.
    Raises NotMoney for what can't be a currency.
    """
    if money.is_listed(currency) or not _CURRENCY.fullmatch(currency):
        return money.decimals(currency)
    for row in run(
        "SELECT amount, body FROM events WHERE currency = :currency AND amount IS NOT NULL LIMIT 100",
        {"currency": currency},
    ):
        with suppress(ArithmeticError, LookupError, TypeError, ValueError):
            minor = abs(int(row["amount"]))
            told = Decimal(json.loads(row["body"], parse_float=Decimal)["amount"])
            for places in range(_MOST_DECIMALS + 1):
                if minor and told.scaleb(places, strict_json.EXACT) == minor:
                    return places
    return _USUAL_DECIMALS


def _owner(lifecycle: Mapping[str, Any]) -> CaseOwner:
    if lifecycle["claim_id"] is None:
        return CaseOwner("", lifecycle["sync_id"])
    return CaseOwner(lifecycle["claim_id"], "")


def _name_waited_for(trigger: Trigger, event: Event, claim: str | None) -> Wait:
    if claim is not None:
        return Wait(WaitKind.CLAIM, claim)
    if trigger.money < 0 and event.field("original_reimbursement_id") is not None:
        return Wait(WaitKind.REIMBURSEMENT, event.field("original_reimbursement_id"))
    of_sync = trigger.addressing in (Addressing.DETECTION, Addressing.EVERY)
    if of_sync and event.field("sync_id") is not None:
        return Wait(WaitKind.SYNC, event.field("sync_id"))
    if trigger.addressing is Addressing.ONE and event.field("amazon_case_id") is not None:
        return Wait(WaitKind.CASE, event.field("amazon_case_id"))
    return ANY_CHANGE


STEPS: Mapping[str, Callable[[Run], None]] = {"0005_second_edition": fill}
"""What runs behind the statements of a migration, in its transaction."""


def _first_fingerprint(trigger: Trigger, body: Mapping[str, Any]) -> str | None:
    """Give the fingerprint that the first edition made of content: of what isn't listed, too."""
    try:
        event = read_event(trigger, body, is_stored=True)
    except InvalidEvent:
        return None
    comparable = {**body, **{field: comparable_value(value) for field, value in event.fields.items()}}
    comparable.pop("event_id", None)
    return hashlib.sha256(strict_json.dumps(comparable).encode()).hexdigest()
