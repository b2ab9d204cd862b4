"""Strict JSON: one reading of every body, one text of every value."""

from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, Rounded, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_fsm.core.values.strict_json import (
    JSON,
    Malformed,
    TooLarge,
    dumps,
    loads,
    loads_lines,
    normal,
    number,
)

quick = settings(derandomize=True, max_examples=60, deadline=None, database=None)


def refusal(raw: bytes) -> Malformed:
    with pytest.raises(Malformed) as caught:
        loads(raw)
    return caught.value


def kinds(value: object) -> object:
    """Gives the value with the type of each scalar beside it, since to Python 1 equals True."""
    if isinstance(value, list):
        return [kinds(item) for item in value]
    if isinstance(value, dict):
        return {key: kinds(item) for key, item in value.items()}
    return type(value).__name__, value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"null", None),
        (b"true", True),
        (b' \t\r\n{"a": [1, "x", false, {}]} \n', {"a": [1, "x", False, {}]}),
        (b'"\\u00e9\\ud83d\\ude00"', "é😀"),
        ('"é😀"'.encode(), "é😀"),
        (b'"\\u0000"', "\0"),
        (b'""', ""),
    ],
)
def test_plain_json_is_read_as_it_stands(raw: bytes, value: JSON) -> None:
    assert kinds(loads(raw)) == kinds(value)


@pytest.mark.parametrize(
    ("spellings", "value"),
    [
        (["1", "1.0", "1e0", "10e-1", "0.1E+1", "1.000000"], 1),
        (["100", "1e2", "1E2", "1e+2", "100.0", "1e0002"], 100),
        (["0", "-0", "0.0", "-0.0", "0e5", "-0E-5", "0e100", "-0.0e1000"], 0),
        (["12.5", "12.50", "125e-1", "1.25E1"], Decimal("12.5")),
        (["-0.1", "-1e-1", "-0.10"], Decimal("-0.1")),
        (["0.1000000000000000055511151231257827"], Decimal("0.1000000000000000055511151231257827")),
        (["1e99", "1" + "0" * 99], 10**99),
        (["1e100", "10e99", "0.1e101"], Decimal("1E+100")),
        (["1e1000", "0.01e1002"], Decimal("1E+1000")),
        (["1e-1000", "100e-1002"], Decimal("1E-1000")),
        (["9" * 100], 10**100 - 1),
        (["0." + "9" * 99], Decimal("0." + "9" * 99)),
    ],
)
def test_a_number_is_its_value_however_it_is_spelled(spellings: list[str], value: int | Decimal) -> None:
    read = [loads(spelling.encode()) for spelling in spellings]
    assert [kinds(one) for one in read] == [kinds(value)] * len(spellings)
    assert len({str(one) for one in read}) == 1
    assert len({dumps(one) for one in read}) == 1
    assert [number(spelling) for spelling in spellings] == read


@pytest.mark.parametrize(
    ("raw", "where", "says"),
    [
        (b"", "", "not JSON"),
        (b"   ", "", "not JSON"),
        (b"\xef\xbb\xbf{}", "", "byte order mark"),
        ("{}".encode("utf-16"), "", "not UTF-8"),
        ("{}".encode("utf-16-le"), "", "not JSON"),
        (b'"\xff"', "", "not UTF-8"),
        (b'"\xc0\xaf"', "", "not UTF-8"),  # an overlong slash
        (b'"\xed\xa0\x80"', "", "not UTF-8"),  # a surrogate, encoded
        (b'"\xf4\x90\x80\x80"', "", "not UTF-8"),  # past U+10FFFF
        (b'"a\nb"', "", "control character"),
        (b'"\\x41"', "", "escape"),
        (b'"\\u12"', "", "escape"),
        (b"{} {}", "", "Extra data"),
        (b"{}\x00", "", "Extra data"),
        (b"[1,]", "", "not JSON"),
        (b'{"a":1,}', "", "not JSON"),
        (b"{'a':1}", "", "not JSON"),
        (b"{1:1}", "", "not JSON"),
        (b"[1 // one\n]", "", "not JSON"),
        (b"\x0c1", "", "not JSON"),
        ("\u00a01".encode(), "", "not JSON"),
        (b"undefined", "", "not JSON"),
        (b"01", "", "Extra data"),
        (b"+1", "", "not JSON"),
        (b".5", "", "not JSON"),
        (b"5.", "", "Extra data"),
        (b"0x1", "", "Extra data"),
        (b"1_0", "", "Extra data"),
        ("\uff11\uff12".encode(), "", "not JSON"),
        ("1\uff11".encode(), "", "Extra data"),
        ("\u0661\u0662".encode(), "", "not JSON"),
        (b"NaN", "", "NaN"),
        (b'{"a": [0, Infinity]}', "a[1]", "Infinity"),
        (b'{"a": {"b": -Infinity}}', "a.b", "Infinity"),
        (b'{"a": 1, "a": 1}', "a", "twice"),
        (b'{"b": [{"a": 1, "\\u0061": 2}]}', "b[0].a", "twice"),
        (b'{"": 1, "": 2}', '[""]', "twice"),
        (b'{"claims": [{"amount": ' + b"1" * 101 + b"}]}", "claims[0].amount", "100 digits"),
        (b"-" + b"1" * 101, "", "100 digits"),
        (b"0." + b"1" * 100, "", "100 digits"),
        (b"1e" + b"0" * 99 + b"1", "", "100 digits"),
        (b"1e1001", "", "out of range"),
        (b"1e-1001", "", "out of range"),
        (b"0e1001", "", "out of range"),
        (b"[1e999999999999]", "[0]", "out of range"),
        (b"-1e-999999999999", "", "out of range"),
        (b"1e" + b"9" * 99, "", "out of range"),
        (b'"\\ud800"', "", "half a character"),
        (b'["x", "\\uDC00\\uD800"]', "[1]", "half a character"),
        (b'{"a": "\\ud83dx"}', "a", "half a character"),
        (b'{"\\udfff": 1}', '["\\udfff"]', "half a character"),
        (b'{"a.b": {"c d": NaN}}', '["a.b"]["c d"]', "NaN"),
        ('{"größe": NaN}'.encode(), "größe", "NaN"),
    ],
)
def test_what_is_not_strict_is_refused_with_its_place_and_a_sentence(
    raw: bytes, where: str, says: str
) -> None:
    malformed = refusal(raw)
    assert malformed.where == where
    assert says in malformed.reason
    assert not malformed.reason.endswith(".")
    str(malformed).encode("utf-8")


def test_thirty_two_levels_are_read_and_one_more_is_refused() -> None:
    def nested(opening: str, closing: str, levels: int) -> bytes:
        return (opening * levels + "1" + closing * levels).encode()

    for opening, closing in [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")]:
        levels = 32 // opening.count("[") if "{" not in opening else 32 // (1 + opening.count("["))
        assert loads(nested(opening, closing, levels))
        assert "32 levels" in refusal(nested(opening, closing, levels + 1)).reason
    assert refusal(b'{"a":' + b"[" * 32 + b"]" * 32 + b"}").where == "a" + "[0]" * 31


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 10_000_000,
        b'{"a":' * 2_000_000,
        b'[{"a":' * 1_000_000,
        b"[" * 5_000_000 + b"]" * 5_000_000,
        b"9" * 10_000_000,
        b"0." + b"9" * 10_000_000,
        b"1e" + b"9" * 10_000_000,
        b'"' + b"a" * 10_000_000,
        b'{"' + b"k" * 5_000_000 + b'": NaN}',
    ],
    ids=lambda raw: raw[:8].decode(),
)
def test_a_hostile_body_of_ten_megabytes_is_refused_with_a_short_sentence(raw: bytes) -> None:
    assert len(str(refusal(raw))) < 200


def test_a_body_is_read_up_to_its_size_and_not_beyond() -> None:
    assert loads(b'"12345678"', max_bytes=10) == "12345678"
    with pytest.raises(TooLarge, match=r"11 bytes long; at most 10"):
        loads(b'"123456789"', max_bytes=10)
    with pytest.raises(TooLarge):
        loads(b" " * (10 * 1024 * 1024 + 1))
    with pytest.raises(TooLarge):
        loads_lines(b"1\n" * 6, max_bytes=10)


def test_the_context_of_the_caller_changes_nothing() -> None:
    raw = b"[" + b"9" * 100 + b",0." + b"9" * 99 + b",1e-900]"
    with localcontext(Context(prec=3, Emax=9, Emin=-9, traps=[Inexact, Rounded])):
        hampered = (loads(raw), dumps(loads(raw)), normal(loads(raw)))
    assert hampered == (loads(raw), dumps(loads(raw)), loads(raw))


def test_a_bad_line_harms_no_other() -> None:
    raw = (
        b'{"a": 1}\r\n\n \t\r\n{"a": 1, "a": 2}\n\xff\n'
        + b"[" * 2000
        + b'\n1\n"\xc2\x85\xe2\x80\xa8"\n"a\rb"\n2'
    )
    lines = list(loads_lines(raw))
    assert [line for line in lines if not isinstance(line, Malformed)] == [{"a": 1}, 1, "\x85\u2028", 2]
    assert [index for index, line in enumerate(lines) if isinstance(line, Malformed)] == [1, 2, 3, 6]


def test_no_line_gives_no_value() -> None:
    assert list(loads_lines(b"")) == list(loads_lines(b"\n \r\n\n")) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": [1, None, True], "a": Decimal("12.5")}, '{"a":12.5,"b":[1,null,true]}'),
        ({"é": "😀\u2028\x7f/"}, '{"\\u00e9":"\\ud83d\\ude00\\u2028\\u007f/"}'),
        (Decimal("1E+200"), "1E+200"),
        (Decimal("0.05"), "0.05"),
        (Decimal("1E-9"), "1E-9"),
        ([], "[]"),
    ],
)
def test_a_value_has_one_compact_text(value: JSON, text: str) -> None:
    assert dumps(value) == text


@pytest.mark.parametrize(
    "literal",
    ["1" * 98 + "2e2", "1" * 99 + "e5", "1." + "1" * 97 + "e-6", "-0." + "0" * 6 + "1" * 93, "1." + "1" * 98],
)
def test_a_number_with_as_many_digits_as_may_be_survives_being_written(literal: str) -> None:
    value = loads(literal.encode())
    assert loads(dumps(value).encode()) == normal(value) == value


def test_a_value_that_never_was_made_normal_is_not_written() -> None:
    with pytest.raises(TypeError, match=r"datetime is no JSON value; pass it through normal\(\)"):
        dumps([datetime(2026, 1, 2, tzinfo=UTC)])  # type: ignore[list-item]


@pytest.mark.parametrize(
    "literal", ["", " 1", "1 ", "1\n", "+1", "1_0", "0x1", ".5", "5.", "01", "1e", "NaN"]
)
def test_text_that_json_would_not_take_for_a_number_is_none(literal: str) -> None:
    with pytest.raises(Malformed, match="as JSON does"):
        number(literal)


@pytest.mark.parametrize(
    "literal", ["Infinity", "-inf", "\uff11\uff12", "\u0661\u0662", "1e\u0661", "1,5", "--1", "1" * 101]
)
def test_text_in_other_digits_or_words_is_no_number(literal: str) -> None:
    with pytest.raises(Malformed):
        number(literal)


texts = st.text('ab1"\\/\n\0\x7f\x85é\u2028\ufeff\uffff😀', max_size=8)
decimals = st.builds(
    lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), min_size=1, max_size=100).map(tuple),
    st.integers(-900, 900),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), decimals, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def read_or_none(value: object) -> tuple[JSON] | None:
    try:
        return (normal(value),)
    except Malformed:
        return None


@quick
@given(values)
def test_a_value_survives_being_written_and_read(value: object) -> None:
    read = read_or_none(value)
    if read is not None:
        text = dumps(read[0])
        assert text.isascii()
        again = loads(text.encode())
        assert kinds(again) == kinds(read[0]) == kinds(normal(again))
        assert dumps(again) == text


@quick
@given(st.text("0123456789", min_size=1, max_size=99), st.integers(0, 99), st.integers(-1100, 1100))
def test_every_number_that_is_read_can_be_written_and_read_again(
    digits: str, point: int, exponent: int
) -> None:
    literal = f"{digits[:point].lstrip('0') or '0'}.{digits[point:] or '0'}e{exponent}"
    try:
        value = number(literal)
    except Malformed:
        return
    assert kinds(loads(dumps(value).encode())) == kinds(value)
    assert value == Decimal(literal)


@quick
@given(st.dictionaries(texts, scalars.filter(lambda scalar: read_or_none(scalar) is not None)))
def test_the_order_of_keys_leaves_the_text_alone(value: dict[str, object]) -> None:
    backwards = dict(reversed(value.items()))
    assert dumps(normal(value)) == dumps(normal(backwards))


@quick
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_the_number_that_it_shows(value: float) -> None:
    assert normal(value) == loads(repr(value).encode())


jots = st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\u", b"d800", b"1", b"e9", b"-", b".", b"\n"]
)
scraps = st.lists(st.one_of(jots, st.binary(max_size=3)), max_size=20).map(b"".join)


@quick
@given(scraps)
def test_any_bytes_are_read_or_refused_and_nothing_else(raw: bytes) -> None:
    try:
        value = loads(raw)
    except Malformed as malformed:
        str(malformed).encode("utf-8")
    else:
        assert loads(dumps(value).encode()) == value
    for line in loads_lines(raw):
        assert isinstance(line, Malformed) or loads(dumps(line).encode()) == line
