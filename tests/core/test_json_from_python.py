"""Values from Python: taken as JSON that had been read, or refused with their place."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum

import pytest

from tests.core.test_strict_json import kinds, refusal
from workflow_fsm.core.values.strict_json import JSON, Malformed, loads, normal


def refusal_of(value: object) -> Malformed:
    with pytest.raises(Malformed) as caught:
        normal(value)
    return caught.value


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (0.1, Decimal("0.1")),
        (12.0, 12),
        (-0.0, 0),
        (1e22, 10**22),
        (1e300, Decimal("1E+300")),
        (5e-324, Decimal("5E-324")),
        (Decimal("12.50"), Decimal("12.5")),
        (Decimal("1.00E+2"), 100),
        (Decimal("-0"), 0),
        ((1, (2.0,)), [1, [2]]),
        ({"a": None, "b": True}, {"a": None, "b": True}),
        (Colour.RED, "red"),
        ({Colour.RED: Size.BIG}, {"red": 3}),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (
            datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2026-01-01T21:34:05.000600Z",
        ),
    ],
)
def test_a_value_from_python_is_taken_as_if_it_had_been_read(value: object, same: JSON) -> None:
    assert kinds(normal(value)) == kinds(same)


@pytest.mark.parametrize(
    ("value", "where", "says"),
    [
        ({"a": [math.nan]}, "a[0]", "NaN"),
        (-math.inf, "", "Infinity"),
        (Decimal("sNaN"), "", "NaN"),
        ([Decimal("Infinity")], "[0]", "Infinity"),
        ([10**100], "[0]", "100 digits"),
        (-(10**100), "", "100 digits"),
        (Decimal("0." + "1" * 100), "", "100 digits"),
        (Decimal("1e1001"), "", "out of range"),
        (Decimal("1e-999999"), "", "out of range"),
        ({"a": {"b": datetime(2026, 1, 2)}}, "a.b", "no offset"),  # noqa: DTZ001  # what is refused
        ((datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),), "[0]", "years"),
        ([date(2026, 1, 2)], "[0]", "date"),
        ({"a": {1, 2}}, "a", "set"),
        (b"bytes", "", "bytes"),
        (object(), "", "object"),
        ({"a": {1: 2}}, "a", "int"),
        ({None: 2}, "", "NoneType"),
        ({"\ud800": 1}, '["\\ud800"]', "half a character"),
        (["\udfff"], "[0]", "half a character"),
    ],
)
def test_a_value_from_python_that_json_cannot_hold_is_refused_with_its_place(
    value: object, where: str, says: str
) -> None:
    malformed = refusal_of(value)
    assert malformed.where == where
    assert says in malformed.reason


def test_a_number_of_five_thousand_digits_is_refused_wherever_it_comes_from() -> None:
    assert "100 digits" in refusal(b"1" * 5000).reason
    assert "100 digits" in refusal_of(10**5000).reason
    assert "100 digits" in refusal_of(Decimal("1" * 5000)).reason


def test_a_value_from_python_is_as_deep_as_a_body_at_most() -> None:
    value: object = 1
    for _ in range(32):
        value = [value]
    assert normal(value) == loads(b"[" * 32 + b"1" + b"]" * 32)
    assert "32 levels" in refusal_of((value,)).reason
    endless: list[object] = []
    endless += [endless, endless]
    assert "32 levels" in refusal_of(endless).reason
