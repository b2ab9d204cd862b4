"""Money: exact to the smallest unit, or refused with a sentence."""

from decimal import ROUND_UP, Context, Decimal, Inexact, Rounded, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_fsm.core.values.money import (
    Amount,
    NotMoney,
    add,
    amount,
    currency,
    decimals,
    estimate,
    payable_somewhere,
    payout,
    text,
    text_in,
    total,
)
from workflow_fsm.core.values.strict_json import loads

quick = settings(derandomize=True, max_examples=60, deadline=None, database=None)
codes = st.sampled_from(["JPY", "USD", "KWD", "CLF", "usd"])


def told(value: str) -> Amount:
    return amount(value)


def sent(literal: str) -> Amount:
    """Gives the amount of a JSON number spelled so."""
    return amount(loads(literal.encode()))


def paid_as(paid: Amount, code: str) -> str:
    """Gives a payout as it is shown, in a currency of the list in force."""
    return text(payout(paid, currency(code), decimals(code)))


def guessed_as(guess: Amount, code: str) -> str:
    """Gives an estimate as it is shown."""
    return text(estimate(guess, decimals(code)))


@pytest.mark.parametrize(
    ("paid", "code", "shown"),
    [
        (told("12.50"), "USD", "12.50"),
        (told("12.5000"), "usd", "12.50"),
        (told("1.25e1"), "USD", "12.50"),
        (told("0.01"), "USD", "0.01"),
        (told("100"), "JPY", "100"),
        (told("1.234"), "KWD", "1.234"),
        (told("0.0001"), "CLF", "0.0001"),
        (told("999999999999999.99"), "USD", "999999999999999.99"),
        (sent("12.5"), "USD", "12.50"),
        (sent("12.50001"), "USD", "12.50"),  # a thousandth of a cent, inclusive
        (sent("12.49999"), "USD", "12.50"),
        (sent("0.30000000000000004"), "USD", "0.30"),
        (sent("100.001"), "JPY", "100"),
        (sent("4.35"), "USD", "4.35"),
    ],
)
def test_a_payout_that_its_currency_can_hold_is_taken_to_the_unit(
    paid: Amount, code: str, shown: str
) -> None:
    assert paid_as(paid, code) == shown
    assert payable_somewhere(paid)


@pytest.mark.parametrize(
    ("paid", "code", "says"),
    [
        (told("12.345"), "USD", "USD has 2 decimals; 12.345 has more"),
        (told("12.50001"), "usd", "USD has 2 decimals"),  # a string carries no noise
        (told("0.5"), "JPY", "JPY has no decimals; 0.5 has more"),
        (told("1e-1000"), "USD", "1E-1000 has more"),
        (sent("12.500011"), "USD", "12.500011 has more"),
        (sent("12.505"), "USD", "12.505 has more"),
        (sent("100.0011"), "JPY", "100.0011 has more"),
        (told("0"), "USD", "at least 0.01"),
        (told("-5"), "JPY", "at least 1"),
        (sent("-12.5"), "USD", "at least 0.01"),
        (sent("0.00001"), "USD", "at least 0.01"),
        (told("1"), "ABC", "ISO 4217"),
        (told("1"), "XAU", "no smallest unit"),
    ],
)
def test_a_payout_that_its_currency_cannot_hold_is_refused_with_what_it_holds(
    paid: Amount, code: str, says: str
) -> None:
    with pytest.raises(NotMoney, match=says):
        paid_as(paid, code)


@pytest.mark.parametrize(
    ("paid", "anywhere"),
    [
        (told("0.0001"), True),
        (told("1.234"), True),
        (told("0.00001"), False),
        (sent("12.50001"), True),
        (sent("12.00000001"), True),
        (sent("12.123456"), False),
        (sent("12.1234567"), False),
        (sent("100.0001"), True),
        (told("0"), False),
        (told("-1"), False),
        (sent("0.0000001"), False),
    ],
)
def test_an_amount_without_a_currency_is_payable_where_any_currency_could_hold_it(
    paid: Amount, anywhere: bool
) -> None:
    assert payable_somewhere(paid) is anywhere


@pytest.mark.parametrize(
    ("guess", "code", "shown"),
    [
        (told("0"), "USD", "0.00"),
        (told("-0.0"), "USD", "0.00"),
        (told("12.345"), "USD", "12.34"),
        (told("12.355"), "USD", "12.36"),
        (told("12.3450001"), "USD", "12.35"),
        (sent("2.5"), "JPY", "2"),
        (sent("3.5"), "JPY", "4"),
        (told("1e-1000"), "USD", "0.00"),
        (told("999999999999999.999"), "USD", "1000000000000000.00"),
    ],
)
def test_an_estimate_is_rounded_half_even(guess: Amount, code: str, shown: str) -> None:
    assert guessed_as(guess, code) == shown


def test_an_estimate_below_zero_is_refused_however_small() -> None:
    with pytest.raises(NotMoney, match="zero or more"):
        estimate(told("-0.001"), 2)


@pytest.mark.parametrize(
    "shown", ["12.50", "-5.00", "0.05", "-0.05", "0.00", "0", "-1234", "0.001", "1" + "0" * 17]
)
def test_money_is_shown_with_the_decimals_that_it_has(shown: str) -> None:
    """ "Stored money carries its decimals": `12.50` is read and shown without asking what USD has."""
    assert text(Decimal(shown)) == shown


@pytest.mark.parametrize("value", ["1E+3", "12E+15", "1E-9"])
def test_money_is_never_shown_with_an_exponent(value: str) -> None:
    assert "E" not in text(Decimal(value))
    assert Decimal(text(Decimal(value))) == Decimal(value)


def test_a_reimbursement_in_kind_may_bring_no_money() -> None:
    """ "`quantity_reimbursed_inventory` … may come with an amount, or with `amount` 0" """
    assert text(payout(told("0"), "USD", 2, or_nothing=True)) == "0.00"
    assert text(payout(sent("0"), "JPY", 0, or_nothing=True)) == "0"
    with pytest.raises(NotMoney, match=r"at least 0\.01 in USD"):
        payout(told("-0.01"), "USD", 2, or_nothing=True)
    with pytest.raises(NotMoney, match="has more"):
        payout(told("0.001"), "USD", 2, or_nothing=True)


def test_a_currency_that_was_withdrawn_has_the_decimals_that_the_store_knows() -> None:
    """ "A currency that ISO 4217 withdraws stays readable and bookable in a store that has it, with the
    decimals that it was booked with; new claims in it are refused by the list in force." """
    known = {"DEM": 2, "ESP": 0, "USD": 4}
    assert [decimals(code, known) for code in ("DEM", "ESP", "USD")] == [2, 0, 2]
    assert text(payout(told("5.5"), "DEM", decimals("DEM", known))) == "5.50"
    assert text_in(Decimal("5"), "DEM", known) == "5.00"
    assert text_in(Decimal("5"), "DEM") == "5"
    with pytest.raises(NotMoney, match="ISO 4217"):
        currency("DEM")
    with pytest.raises(NotMoney, match="ISO 4217"):
        decimals("ITL", known)


def test_sums_keep_the_decimals_and_leave_out_what_is_nothing() -> None:
    """ "a currency with nothing is left out of `recovered`, `unapplied` and `paid`" """
    sums = add(add({}, "USD", Decimal("12.50")), "JPY", Decimal("5"))
    assert list(sums) == ["JPY", "USD"]
    assert {code: text(one) for code, one in add(sums, "USD", Decimal("0.50")).items()} == {
        "JPY": "5",
        "USD": "13.00",
    }
    assert add(sums, "JPY", Decimal("-5")) == {"USD": Decimal("12.50")}
    assert text(add(sums, "JPY", Decimal("-7"))["JPY"]) == "-2"
    assert text(total([Decimal("0.10"), Decimal("0.20"), Decimal("-0.05")])) == "0.25"
    assert total([]) == 0


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        ("5", "USD", "5.00"),
        ("12.5", "USD", "12.50"),
        ("12.5000", "USD", "12.50"),
        ("12.3456", "USD", "12.3456"),
        ("1E+3", "USD", "1000.00"),
        ("1E-9", "JPY", "0.000000001"),
        ("-0.5", "JPY", "-0.5"),
        ("-0", "USD", "0.00"),
        ("0E+9", "JPY", "0"),
    ],
)
def test_a_value_is_shown_with_more_decimals_only_where_it_needs_them(
    value: str, code: str, shown: str
) -> None:
    assert text_in(Decimal(value), code) == shown


def test_an_amount_of_a_hundred_digits_keeps_them_all() -> None:
    long = "12." + "3" * 98
    assert text_in(told(long).value, "USD") == long


def test_the_context_of_the_caller_does_not_reach_money() -> None:
    with localcontext(Context(prec=3, rounding=ROUND_UP, Emax=9, Emin=-9, traps=[Inexact, Rounded])):
        assert paid_as(told("123456789012345.67"), "USD") == "123456789012345.67"
        assert paid_as(sent("1234567.00001"), "USD") == "1234567.00"
        assert guessed_as(told("1234567.121"), "USD") == "1234567.12"
        assert payable_somewhere(told("123456.7891"))
        assert text_in(Decimal("1234567.8912"), "USD") == "1234567.8912"
        assert text(add({"USD": Decimal("1234567.00")}, "USD", Decimal("0.01"))["USD"]) == "1234567.01"
        assert text(total([Decimal("1234567.00"), Decimal("0.01")])) == "1234567.01"
        with pytest.raises(NotMoney, match="has more"):
            paid_as(told("1234567.891"), "USD")


@quick
@given(st.integers(1, 10**15 - 1), codes)
def test_money_that_is_shown_reads_as_the_same_money(minor: int, code: str) -> None:
    shown = text(Decimal(minor).scaleb(-decimals(code)))
    assert paid_as(told(shown), code) == shown
    assert paid_as(sent(shown), code) == shown
    assert guessed_as(told(shown), code) == shown
    assert text_in(told(shown).value, code) == shown


@quick
@given(st.integers(1, 10**11), st.sampled_from(["JPY", "USD", "KWD"]))
def test_a_sum_that_went_through_a_binary_float_is_still_the_same_payout(minor: int, code: str) -> None:
    exact = Decimal(minor).scaleb(-decimals(code))
    noisy = float(exact) * 3 / 3
    assert payout(sent(repr(noisy)), code, decimals(code)) == exact


@quick
@given(st.decimals(-(10**14), 10**14, allow_nan=False), codes)
def test_a_payout_is_payable_somewhere_and_an_estimate_is_never_further_off_than_half_a_unit(
    value: Decimal, code: str
) -> None:
    read, places = amount(value), decimals(code)
    try:
        paid = payout(read, code, places)
    except NotMoney:
        paid = None
    if paid is not None:
        assert payable_somewhere(read)
        assert estimate(read, places) == paid
    if value >= 0:
        guess = estimate(read, places)
        assert guess.as_tuple().exponent == -places
        assert abs(guess - value) <= Decimal("0.5").scaleb(-places)
