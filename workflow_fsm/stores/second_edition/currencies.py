"""Currencies of a first edition's store: its whole minor units, said with the decimals of each currency."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from decimal import Decimal

from workflow_fsm.core.values import money, strict_json
from workflow_fsm.stores.columns import sums_text
from workflow_fsm.stores.second_edition.rows import Run

_CURRENCY = re.compile(r"[A-Z]{3}")
_USUAL_DECIMALS = 2
_MOST_DECIMALS = 4


class MetCurrencies:
    """The currencies that the store's money is in, each with its decimals, as they are met."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._met: dict[str, int] = {}

    def major(self, minor: int, currency: str) -> Decimal:
        """Say whole minor units in a currency's own. Raises NotMoney for what can't be a currency."""
        if currency not in self._met:
            self._met[currency] = _decimals(self._run, currency)
        return Decimal(int(minor)).scaleb(-self._met[currency], strict_json.EXACT)

    def sums(self, text: str) -> str:
        """Say anew what a column of sums holds; what can't be read stays, for `check` to name."""
        try:
            sums = {code: self.major(minor, code) for code, minor in json.loads(text).items()}
        except (ArithmeticError, AttributeError, TypeError, ValueError):
            return text
        return sums_text(sums)

    def write(self) -> None:
        """Write all that were met."""
        for currency, decimals in sorted(self._met.items()):
            self._run(
                "INSERT INTO currencies (currency, decimals) VALUES (:currency, :decimals)",
                {"currency": currency, "decimals": decimals},
            )


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
