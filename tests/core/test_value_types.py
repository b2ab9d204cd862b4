"""Value types: what is made fast is what the standard library makes, but for what watches its slots."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from workflow_fsm.core.model.inbox import Share, Standing
from workflow_fsm.core.values.value_types import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """Two fields that are told, and one that is made of them."""

    amount: Decimal
    units: int = 0
    is_nothing: bool = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_nothing", not self.amount and not self.units)


def test_a_value_is_equal_to_another_of_the_same_fields_and_hashes_like_it() -> None:
    one, other = Paid(amount=Decimal("1.0")), Paid(amount=Decimal(1))
    assert one == other
    assert len({one, other}) == 1
    assert one != Paid(amount=Decimal(2))


def test_replacing_leaves_the_value_and_makes_anew_what_is_made_of_its_fields() -> None:
    paid = Paid(amount=Decimal(1), units=2)
    nothing = replace(paid, amount=Decimal(0), units=0)
    assert nothing == dataclasses.replace(paid, amount=Decimal(0), units=0)
    assert (paid.is_nothing, nothing.is_nothing) == (False, True)
    assert paid == Paid(amount=Decimal(1), units=2)


@pytest.mark.parametrize("name", ["currency", "is_nothing"])
def test_what_is_no_field_or_not_told_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=f"Paid takes no \\['{name}'\\]"):
        replace(Paid(amount=Decimal(1)), **{name: True})  # type: ignore[arg-type]  # which is refused, too


def test_a_value_has_no_room_for_what_is_no_field() -> None:
    with pytest.raises(AttributeError):
        setattr(Share(claim="c1", standing=Standing.APPLIED), "note", "a note")  # noqa: B010


def test_a_dataclass_of_the_standard_librarys_is_replaced_by_it() -> None:
    @dataclasses.dataclass(frozen=True)
    class Plain:
        name: str

    assert replace(Plain("a"), name="b") == Plain("b")
