"""One user after another: the lifecycles, events and sums of a first edition's store, said anew."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal

from workflow_fsm.core.definition.claim import claim_lifecycle
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY, UNITS
from workflow_fsm.core.definition.facts import PAID_WITHOUT_CASE
from workflow_fsm.core.definition.reading import read_event
from workflow_fsm.core.errors import InvalidEvent
from workflow_fsm.core.model.inbox import Standing
from workflow_fsm.core.values import money, strict_json
from workflow_fsm.stores.second_edition.cases import ToldCases
from workflow_fsm.stores.second_edition.currencies import MetCurrencies
from workflow_fsm.stores.second_edition.overlays import without_overlay
from workflow_fsm.stores.second_edition.reasons import give_reason
from workflow_fsm.stores.second_edition.rows import Row, Run
from workflow_fsm.stores.second_edition.waits import put_to_wait

log = logging.getLogger(__name__)

_PAGE = 500


def fill(run: Run) -> None:
    """Say anew all that a first edition's store holds."""
    currencies = MetCurrencies(run)
    after = ""
    while users := run(
        "SELECT user_id, recovered FROM users WHERE user_id > :after ORDER BY user_id LIMIT :limit",
        {"after": after, "limit": _PAGE},
    ):
        for user in users:
            _Migrant(run, user["user_id"], currencies).fill(user["recovered"])
        after = users[-1]["user_id"]
    currencies.write()


class _Migrant:
    """One user's rows being said anew."""

    def __init__(self, run: Run, user_id: str, currencies: MetCurrencies) -> None:
        self._run = run
        self._user = user_id
        self._currencies = currencies
        self._definition = claim_lifecycle()
        whose = {"user_id": user_id}
        found = run("SELECT alias, claim_id FROM aliases WHERE user_id = :user_id", whose)
        aliases = {row["alias"]: row["claim_id"] for row in found}
        self._lifecycles = run("SELECT * FROM lifecycles WHERE user_id = :user_id ORDER BY id", whose)
        self._names = [row["claim_id"] for row in self._lifecycles if row["claim_id"] is not None]
        self._names += aliases
        self._cases = ToldCases(user_id, aliases, {row["id"]: row for row in self._lifecycles})
        self._units: Counter[int] = Counter()

    def fill(self, recovered: str) -> None:
        """Say all of it anew."""
        whose = {"user_id": self._user}
        for row in self._run("SELECT * FROM events WHERE user_id = :user_id ORDER BY seq", whose):
            with self._damaged("events", row["seq"]):
                self._event(row)
        claims: Counter[str] = Counter()
        for row in self._lifecycles:
            with self._damaged("lifecycles", row["id"]):
                claims.update(self._lifecycle(row))
        self._cases.write(self._run)
        self._run(
            "UPDATE users SET recovered = :recovered, currencies = :currencies WHERE user_id = :user_id",
            {
                **whose,
                "recovered": self._currencies.sums(recovered),
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

    def _lifecycle(self, row: Row) -> list[str]:
        """Say a lifecycle anew; give the currency that it counts for, if it is a claim."""
        facts = json.loads(row["facts"], parse_float=Decimal)
        currency = facts.get("currency") or DEFAULT_CURRENCY
        case_id = facts.pop("amazon_case_id", None)
        if facts.get("amount") is not None:
            with suppress(money.NotMoney):
                facts["amount"] = money.text(self._currencies.major(facts["amount"], currency))
        if row["id"] in self._cases.paid_without:
            facts[PAID_WITHOUT_CASE] = True
        if case_id is not None or row["state"] == "submitted":
            self._cases.own(row, case_id)
        self._run(
            "UPDATE lifecycles SET facts = :facts, paid = :paid, units = :units, entered = cursor "
            "WHERE user_id = :user_id AND id = :id",
            {
                "user_id": self._user,
                "id": row["id"],
                "facts": strict_json.dumps(facts),
                "paid": self._currencies.sums(row["paid"]),
                "units": self._units[row["id"]],
            },
        )
        return [] if row["claim_id"] is None else [currency]

    def _event(self, row: Row) -> None:
        """Say an event anew, with what it tells of cases, of units, and of what it waits for."""
        trigger = self._definition.trigger(row["trigger"])
        body = json.loads(row["body"], parse_float=Decimal)
        amount = None
        if row["amount"] is not None:
            amount = money.text(self._currencies.major(row["amount"], row["currency"]))
        shares = json.loads(row["shares"])
        event, overlay, fingerprint, units = None, None, row["fingerprint"], 0
        if trigger is not None and not trigger.timer:
            body, overlay = without_overlay(self._run, row, trigger, body, self._names)
            with suppress(InvalidEvent):
                refused = {
                    share["index"]
                    for share in shares
                    if share["standing"] == Standing.REFUSED and share.get("index") is not None
                }
                fingerprint = read_event(trigger, body, is_stored=True, refused=refused).fingerprint
                laid = {**body, **(overlay or {})}
                event = read_event(trigger, laid, is_stored=True, refused=refused)
        if trigger is not None and event is not None:
            for share in shares:
                if share["standing"] == Standing.WAITING:
                    put_to_wait(self._run, row, trigger, event, share)
                give_reason(trigger, event, share, json.loads(row["answer"]).get("reason"))
            if trigger.money and amount is not None:
                units = trigger.money * (event.field(UNITS.name) or 0)
                for lifecycle_id in (one for share in shares for one in share.get("lifecycles", ())):
                    self._units[lifecycle_id] += units
            self._cases.take(row, trigger, event, shares, amount=amount, units=units)
        self._run(
            "UPDATE events SET amount = :amount, units = :units, overlay = :overlay, "
            "fingerprint = :fingerprint, body = :body, shares = :shares, original_id = :original_id, "
            "line_id = :line_id, "
            "booked_case = :booked_case, dropped = :dropped "
            "WHERE user_id = :user_id AND seq = :seq",
            {
                "user_id": self._user,
                "seq": row["seq"],
                "amount": amount,
                "units": units,
                "fingerprint": fingerprint,
                "overlay": None if overlay is None else strict_json.dumps(overlay),
                "body": strict_json.dumps(body),
                "shares": json.dumps(shares, separators=(",", ":")),
                "dropped": int(any(share["standing"] == Standing.DROPPED for share in shares)),
                "original_id": None if event is None else event.field("original_reimbursement_id"),
                "line_id": None if event is None else event.field("line_id"),
                "booked_case": None if event is None or amount is None else event.field("amazon_case_id"),
            },
        )
