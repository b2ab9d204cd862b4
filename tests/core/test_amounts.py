"""Amounts and currencies as they come in: read exactly, or refused with a sentence."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_fsm.core.values.money import (
    Amount,
    NotMoney,
    amount,
    currency,
    decimals,
)
from workflow_fsm.core.values.strict_json import JSON

quick = settings(derandomize=True, max_examples=60, deadline=None, database=None)


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


@quick
@given(st.one_of(st.text("015.eE-", max_size=6), st.text("1.e-+ _\n\u0661\uff11\u00b2xNan", max_size=6)))
def test_any_text_is_an_amount_that_python_reads_alike_or_is_refused(value: str) -> None:
    try:
        read = amount(value)
    except NotMoney:
        return
    assert read == Amount(value=Decimal(value), exact=True)
