"""Money: exact to the smallest unit, or refused with a sentence."""

from decimal import ROUND_UP, Context, Decimal, Inexact, Rounded, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_fsm.core.values.money import (
    Amount,
    NotMoney,
    amount,
    currency,
    decimals,
    estimate_minor,
    payable_somewhere,
    payout_minor,
    text,
    text_decimal,
)
from workflow_fsm.core.values.strict_json import JSON, loads

quick = settings(derandomize=True, max_examples=60, deadline=None, database=None)
codes = st.sampled_from(["JPY", "USD", "KWD", "CLF", "usd"])


def told(value: str) -> Amount:
    return amount(value)


def sent(literal: str) -> Amount:
    """Gives the amount of a JSON number spelled so."""
    return amount(loads(literal.encode()))


@pytest.mark.parametrize(
    ("code", "canonical", "places"),
    [("USD", "USD", 2), ("usd", "USD", 2), ("jPy", "JPY", 0), ("KWD", "KWD", 3), ("CLF", "CLF", 4)],
)
def test_a_currency_is_known_in_either_case(code: str, canonical: str, places: int) -> None:
    assert (currency(code), decimals(code)) == (canonical, places)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("", "ISO 4217"),
        ("US", "ISO 4217"),
        ("USDX", "ISO 4217"),
        (" USD", "ISO 4217"),
        ("USD\n", "ISO 4217"),
        ("ABC", "ISO 4217"),
        ("DEM", "ISO 4217"),  # withdrawn
        ("$", "ISO 4217"),
        ("840", "ISO 4217"),
        ("\uff35\uff33\uff24", "ISO 4217"),
        ("u\u017fd", "ISO 4217"),  # a long s, which has S as its capital
        ("\ud800SD", "ISO 4217"),
        ("XAU", "XAU has no smallest unit"),
        ("xxx", "XXX has no smallest unit"),
    ],
)
def test_a_currency_that_nobody_pays_in_is_refused(code: str, says: str) -> None:
    with pytest.raises(NotMoney, match=says) as caught:
        currency(code)
    assert len(str(caught.value).encode("utf-8")) < 150
    with pytest.raises(NotMoney, match=says):
        decimals(code)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("12.50", Amount(value=Decimal("12.5"), exact=True)),
        ("1e2", Amount(value=Decimal(100), exact=True)),
        ("1.25E+1", Amount(value=Decimal("12.5"), exact=True)),
        ("-3", Amount(value=Decimal(-3), exact=True)),
        ("-0.0", Amount(value=Decimal(0), exact=True)),
        ("999999999999999.9999", Amount(value=Decimal("999999999999999.9999"), exact=True)),
        (7, Amount(value=Decimal(7), exact=False)),
        (Decimal("0.1"), Amount(value=Decimal("0.1"), exact=False)),
        (-(10**15) + 1, Amount(value=Decimal(-999999999999999), exact=False)),
    ],
)
def test_an_amount_is_read_with_whether_it_is_exact(value: JSON, read: Amount) -> None:
    assert amount(value) == read


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            " 1",
            "1 ",
            "1\n",
            "+1",
            "1_0",
            "0x1",
            "1,50",
            "1.",
            ".5",
            "01",
            "--1",
            "1e",
            "e1",
            "$1",
            "1\x00",
        ),
        *(
            "Infinity",
            "-Infinity",
            "inf",
            "NaN",
            "sNaN",
            "nan1",
            "\u2212" + "1",
            "\u00b2",
            "\u00bd",
            "\ud800",
        ),
        *("\uff11\uff12", "\u0661\u0662", "1.\u0662"),  # full-width and Arabic digits
        *("1" * 101, "0." + "0" * 100, "1e999999999999", "1e-999999999999", "1e" + "9" * 90),
        *(True, False, None, [], ["1"], {}, {"amount": 1}, Decimal("NaN"), Decimal("Infinity")),
    ],
)
def test_what_is_no_decimal_is_no_amount(value: JSON) -> None:
    with pytest.raises(NotMoney) as caught:
        amount(value)
    assert len(str(caught.value).encode("utf-8")) < 150


def test_absurdly_long_text_is_refused_with_a_short_sentence() -> None:
    for absurd in ("1" * 5000, "-1e" + "9" * 1_000_000):
        with pytest.raises(NotMoney, match="100 digits"):
            amount(absurd)
    with pytest.raises(NotMoney, match=r"^'UUUUUUUUUUUU' is not"):
        currency("U" * 1_000_000)


@pytest.mark.parametrize(
    "value", [10**15, -(10**15), "1e15", "1000000000000000.00", "1e999", Decimal("1E+300")]
)
def test_an_amount_of_a_million_billions_is_refused(value: JSON) -> None:
    with pytest.raises(NotMoney, match=r"below 10\^15"):
        amount(value)


@pytest.mark.parametrize(
    ("paid", "code", "minor"),
    [
        (told("12.50"), "USD", 1250),
        (told("12.5000"), "usd", 1250),
        (told("1.25e1"), "USD", 1250),
        (told("0.01"), "USD", 1),
        (told("100"), "JPY", 100),
        (told("1.234"), "KWD", 1234),
        (told("0.0001"), "CLF", 1),
        (told("999999999999999.99"), "USD", 99999999999999999),
        (sent("12.5"), "USD", 1250),
        (sent("12.50001"), "USD", 1250),  # a thousandth of a cent, inclusive
        (sent("12.49999"), "USD", 1250),
        (sent("0.30000000000000004"), "USD", 30),
        (sent("100.001"), "JPY", 100),
        (sent("4.35"), "USD", 435),
    ],
)
def test_a_payout_that_its_currency_can_hold_is_taken_to_the_unit(
    paid: Amount, code: str, minor: int
) -> None:
    assert payout_minor(paid, code) == minor
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
        payout_minor(paid, code)


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
    ("guess", "code", "minor"),
    [
        (told("0"), "USD", 0),
        (told("-0.0"), "USD", 0),
        (told("12.345"), "USD", 1234),
        (told("12.355"), "USD", 1236),
        (told("12.3450001"), "USD", 1235),
        (sent("2.5"), "JPY", 2),
        (sent("3.5"), "JPY", 4),
        (told("1e-1000"), "USD", 0),
        (told("999999999999999.999"), "USD", 10**17),
    ],
)
def test_an_estimate_is_rounded_half_even(guess: Amount, code: str, minor: int) -> None:
    assert estimate_minor(guess, code) == minor


def test_an_estimate_below_zero_is_refused_however_small() -> None:
    with pytest.raises(NotMoney, match="zero or more"):
        estimate_minor(told("-0.001"), "USD")


@pytest.mark.parametrize(
    ("minor", "code", "shown"),
    [
        (1250, "USD", "12.50"),
        (-500, "usd", "-5.00"),
        (5, "USD", "0.05"),
        (-5, "USD", "-0.05"),
        (0, "USD", "0.00"),
        (0, "JPY", "0"),
        (-1234, "JPY", "-1234"),
        (1, "KWD", "0.001"),
        (10**21, "CLF", "1" + "0" * 17 + ".0000"),
    ],
)
def test_minor_units_are_shown_with_the_decimals_of_their_currency(minor: int, code: str, shown: str) -> None:
    assert text(minor, code) == shown


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
    assert text_decimal(Decimal(value), code) == shown


def test_an_amount_of_a_hundred_digits_keeps_them_all() -> None:
    long = "12." + "3" * 98
    assert text_decimal(told(long).value, "USD") == long


def test_the_context_of_the_caller_does_not_reach_money() -> None:
    with localcontext(Context(prec=3, rounding=ROUND_UP, Emax=9, Emin=-9, traps=[Inexact, Rounded])):
        assert payout_minor(told("123456789012345.67"), "USD") == 12345678901234567
        assert payout_minor(sent("1234567.00001"), "USD") == 123456700
        assert estimate_minor(told("1234567.121"), "USD") == 123456712
        assert payable_somewhere(told("123456.7891"))
        assert text_decimal(Decimal("1234567.8912"), "USD") == "1234567.8912"
        with pytest.raises(NotMoney, match="has more"):
            payout_minor(told("1234567.891"), "USD")


@quick
@given(st.integers(1, 10**15 - 1), codes)
def test_money_that_is_shown_reads_as_the_same_money(minor: int, code: str) -> None:
    shown = text(minor, code)
    assert payout_minor(told(shown), code) == minor
    assert payout_minor(sent(shown), code) == minor
    assert estimate_minor(told(shown), code) == minor
    assert text_decimal(told(shown).value, code) == shown


@quick
@given(st.integers(1, 10**11), st.sampled_from(["JPY", "USD", "KWD"]))
def test_a_sum_that_went_through_a_binary_float_is_still_the_same_payout(minor: int, code: str) -> None:
    noisy = float(Decimal(minor).scaleb(-decimals(code))) * 3 / 3
    assert payout_minor(sent(repr(noisy)), code) == minor


@quick
@given(st.decimals(-(10**14), 10**14, allow_nan=False), codes)
def test_a_payout_is_payable_somewhere_and_an_estimate_is_never_further_off_than_half_a_unit(
    value: Decimal, code: str
) -> None:
    read = amount(value)
    try:
        minor = payout_minor(read, code)
    except NotMoney:
        minor = None
    if minor is not None:
        assert payable_somewhere(read)
        assert estimate_minor(read, code) == minor
    if value >= 0:
        assert abs(Decimal(estimate_minor(read, code)) - value.scaleb(decimals(code))) <= Decimal("0.5")


@quick
@given(st.one_of(st.text("015.eE-", max_size=6), st.text("1.e-+ _\n\u0661\uff11\u00b2xNan", max_size=6)))
def test_any_text_is_an_amount_that_python_reads_alike_or_is_refused(value: str) -> None:
    try:
        read = amount(value)
    except NotMoney:
        return
    assert read == Amount(value=Decimal(value), exact=True)
