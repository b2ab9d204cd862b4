"""Money: amounts and currencies, read exactly, and kept with their decimals. Never a float, never a guess.

Decides which amounts a currency can hold. Which currency an amount is in, and what it does to a claim, is
left to `claim`. ISO 4217 itself is the `iso4217` package's knowledge; what is kept stays readable without it,
as it is a decimal with as many decimals as its currency had: 12.50, not 12.5.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType

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


def decimals(code: str, known: Mapping[str, int] = MappingProxyType({})) -> int:
    """Gives how many decimals a currency has (USD 2, JPY 0); raises NotMoney as `currency` does.

    `known` tells those of currencies that ISO 4217 may have withdrawn.
    """
    places = _DECIMALS.get(code)
    if places is None:
        places = known.get(code)
    return _DECIMALS[currency(code)] if places is None else places


def is_listed(code: str) -> bool:
    """Tells whether the list in force has a currency."""
    return code in _DECIMALS


def amount(value: JSON) -> Amount:
    """Reads a JSON number or a decimal string, of either sign, below 10^15; raises NotMoney."""
    if isinstance(value, str):
        return _amount(_read(value), exact=True)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise NotMoney("must be a number or a decimal string")
    return _amount(value, exact=False)


def payout(amount: Amount, currency: str, places: int, *, or_nothing: bool = False) -> Decimal:
    """Gives a payout with the currency's decimals; raises NotMoney where the currency can't hold it exactly.

    It is above zero; zero is money too where units may come instead (`or_nothing`).
    """
    minor = _fit(amount, places)
    if minor is None:
        raise NotMoney(f"{currency} has {_PLACES.get(places, f'{places} decimals')}; {amount.value} has more")
    if minor < 0 or not (minor or or_nothing):
        raise NotMoney(f"must be at least {text(_major(1, places))} in {currency}")
    return _major(minor, places)


def payable_somewhere(amount: Amount) -> bool:
    """Tells whether any currency could hold this amount as a payout: asked while its currency isn't known."""
    return any((_fit(amount, places) or 0) > 0 for places in _PLACES)


def estimate(amount: Amount, places: int) -> Decimal:
    """Gives an estimate, zero or more, rounded half-even to so many decimals; raises NotMoney below zero."""
    if amount.value < 0:
        raise NotMoney("must be zero or more")
    return _major(int(_rounded(amount.value.scaleb(places, EXACT))), places)


def text(value: Decimal) -> str:
    """Shows money as a decimal string with the decimals that it has: '12.50'."""
    return format(value, "f")


def text_in(value: Decimal, currency: str, known: Mapping[str, int] = MappingProxyType({})) -> str:
    """Shows major units with the currency's decimals, more where the value needs them, never an exponent."""
    value = value.normalize(EXACT) or Decimal(0)  # nothing has no sign
    exponent = value.as_tuple().exponent
    try:
        least = decimals(currency, known)
    except NotMoney:
        least = 0
    return text(value.quantize(Decimal(1).scaleb(-max(least, -int(exponent))), context=EXACT))


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Adds up, exactly; nothing adds up to 0."""
    added = Decimal(0)
    for one in amounts:
        added = EXACT.add(added, one)
    return added


def add(sums: Mapping[str, Decimal], currency: str, amount: Decimal) -> dict[str, Decimal]:
    """Adds an amount to sums by currency; a currency with nothing is left out."""
    added = {**sums, currency: EXACT.add(sums.get(currency, Decimal(0)), amount)}
    return {code: added[code] for code in sorted(added) if added[code]}


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


def _major(minor: int, places: int) -> Decimal:
    return Decimal(minor).scaleb(-places, EXACT)
