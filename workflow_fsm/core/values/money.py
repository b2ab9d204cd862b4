"""Money: amounts and currencies, read exactly and kept as whole minor units. Never a float, never a guess.

Decides which amounts a currency can hold and how they are shown. Which currency an amount is in, and what it
does to a claim, is left to `claim`. ISO 4217 itself is the `iso4217` package's knowledge.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from iso4217 import Currency

from workflow_fsm.core.values.strict_json import EXACT, JSON, Malformed, number


class NotMoney(ValueError):
    """This can't be read as the money that it should be; the message says in a sentence what would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So many major units of whatever currency; not `exact` where a JSON number may have brought noise."""

    value: Decimal
    exact: bool


def currency(code: str) -> str:
    """Gives an active ISO 4217 code in capitals, for one in either case; raises NotMoney for other text."""
    if code in _DECIMALS:
        return code
    upper = code.upper() if len(code) == 3 and code.isascii() else ""
    if upper in _DECIMALS:
        return upper
    if upper in _WITHOUT_MINOR_UNIT:
        raise NotMoney(f"{upper} has no smallest unit, so no amount can be in it")
    raise NotMoney(f"{code[:12]!a} is not the ISO 4217 code of a currency in use, such as USD")


def decimals(code: str) -> int:
    """Gives how many decimals a currency has (USD 2, JPY 0); raises NotMoney as `currency` does."""
    return _DECIMALS[currency(code)]


def amount(value: JSON) -> Amount:
    """Reads a JSON number or a decimal string, of either sign, below 10^15; raises NotMoney."""
    if isinstance(value, str):
        return _amount(_read(value), exact=True)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise NotMoney("must be a number or a decimal string")
    return _amount(value, exact=False)


def payout_minor(amount: Amount, currency: str) -> int:
    """Gives a payout in minor units, above zero; raises NotMoney where the currency can't hold it exactly."""
    places = decimals(currency)
    minor = _fit(amount, places)
    if minor is None:
        raise NotMoney(f"{currency.upper()} has {_PLACES[places]}; {amount.value} has more")
    if minor <= 0:
        raise NotMoney(f"must be at least {text(1, currency)} in {currency.upper()}")
    return minor


def payable_somewhere(amount: Amount) -> bool:
    """Tells whether any currency could hold this amount as a payout: asked while its currency isn't known."""
    return any((_fit(amount, places) or 0) > 0 for places in _PLACES)


def estimate_minor(amount: Amount, currency: str) -> int:
    """Gives an estimate in minor units, zero or more, rounded half-even; raises NotMoney below zero."""
    places = decimals(currency)
    if amount.value < 0:
        raise NotMoney("must be zero or more")
    return int(_rounded(amount.value.scaleb(places, EXACT)))


def text(minor: int, currency: str) -> str:
    """Shows minor units as a decimal string with the currency's decimals: 1250 in USD is '12.50'."""
    return _point(minor, decimals(currency))


def text_decimal(value: Decimal, currency: str) -> str:
    """Shows major units with the currency's decimals, more where the value needs them, never an exponent."""
    exponent = value.normalize(EXACT).as_tuple().exponent
    places = max(decimals(currency), -int(exponent))
    return _point(int(value.scaleb(places, EXACT)), places)


_DECIMALS = {unit.code: unit.exponent for unit in Currency if unit.exponent is not None}
CURRENCIES = tuple(sorted(_DECIMALS))
"""The codes of the currencies that amounts can be in."""
_WITHOUT_MINOR_UNIT = frozenset(unit.code for unit in Currency if unit.exponent is None)
_PLACES = {
    places: f"{places} decimals" if places else "no decimals" for places in sorted(set(_DECIMALS.values()))
}
_LIMIT = 10**15
_NOISE = Decimal("0.001")
_NO_NOISE = Decimal(0)


def _read(literal: str) -> int | Decimal:
    try:
        return number(literal)
    except Malformed as malformed:
        raise NotMoney(malformed.reason) from malformed


def _amount(value: int | Decimal, *, exact: bool) -> Amount:
    value = Decimal(value)
    if not value.is_finite() or not -_LIMIT < value < _LIMIT:
        raise NotMoney("must be below 10^15")
    return Amount(value=value, exact=exact)


def _fit(amount: Amount, places: int) -> int | None:
    """Gives the whole units that the amount is, its noise taken off, or None where it is more than noise."""
    scaled = amount.value.scaleb(places, EXACT)
    minor = _rounded(scaled)
    rest = EXACT.subtract(scaled, minor).copy_abs()
    return int(minor) if rest <= (_NO_NOISE if amount.exact else _NOISE) else None


def _rounded(value: Decimal) -> Decimal:
    return value.to_integral_value(ROUND_HALF_EVEN, EXACT)


def _point(units: int, places: int) -> str:
    digits = f"{abs(units):0{places + 1}d}"
    sign = "-" if units < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"
