"""What is written is what the standard library's encoder, and strict JSON's for decimals, would write."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_fsm.core.values import strict_json
from workflow_fsm.core.values.json_writer import json_writer

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**99), 10**99) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)


@given(values, st.booleans(), st.booleans())
def test_a_value_is_written_as_the_standard_library_writes_it(
    value: object, ascii_only: bool, sort_keys: bool
) -> None:
    """With any of the options."""
    write = json_writer(ascii_only=ascii_only, sort_keys=sort_keys)
    usual = json.dumps(value, ensure_ascii=ascii_only, sort_keys=sort_keys, separators=(",", ":"))
    assert write(value) == usual


@given(values)
def test_what_holds_no_decimal_is_written_as_if_one_stood_beside_it(value: strict_json.JSON) -> None:
    """Strict JSON has two ways to write, and a fingerprint may not depend on which was taken."""
    beside: list[strict_json.JSON] = [Decimal("0.5"), value]
    assert strict_json.dumps(beside) == f"[0.5,{strict_json.dumps(value)}]"


def test_what_is_no_json_is_told_to_the_default_or_refused() -> None:
    """Nothing is written in its place unasked."""
    assert json_writer(default=str)({"at": Decimal("1.50")}) == '{"at":"1.50"}'
    with pytest.raises(TypeError):
        json_writer()({"at": Decimal("1.50")})
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_writer()(float("nan"))
