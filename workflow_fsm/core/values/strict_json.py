"""Strict JSON: bytes to values and back, so that no two parsers disagree. Refuses, never repairs.

Decides what a body may hold (size, depth, digits, keys, characters) and how a value is spelled when written:
equal content, however it was sent, becomes equal values and equal text. What fields mean is left to `events`.

A number is read by its value: `1`, `1.0` and `1e0` are the int 1; what isn't whole or is 10^100 or more is
a normalised Decimal. Binary floats never occur.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, InvalidOperation
from types import NoneType
from typing import NamedTuple, TypeAlias, cast

import simplejson

from workflow_fsm.core.values.json_writer import json_writer

JSON: TypeAlias = bool | int | Decimal | str | list["JSON"] | dict[str, "JSON"] | None

MAX_BYTES = 10 * 1024 * 1024
MAX_LEVELS = 32
MAX_DIGITS = 100
MAX_EXPONENT = 1000

EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation])
"""Decimal arithmetic that rounds to no precision, whatever context is set outside; not for division."""


class Malformed(ValueError):
    """Not strict JSON: `reason` says why in a sentence, `where` is a path as `claims[0].id`, or ''."""

    def __init__(self, reason: str, where: str = "") -> None:
        """Takes the sentence and the path."""
        super().__init__(reason, where)
        self.reason = reason
        self.where = where

    def __str__(self) -> str:
        """Gives the sentence, after its path where there is one."""
        return f"{self.where or 'it'} {self.reason}"


class TooLarge(Malformed):
    """What came is longer than is read; send it in parts."""


def loads(raw: bytes, *, max_bytes: int = MAX_BYTES) -> JSON:
    """Reads the one JSON value that `raw` is; raises Malformed (TooLarge past `max_bytes`), nothing else."""
    _check_size(raw, max_bytes)
    return _read(raw)


def loads_lines(raw: bytes, *, max_bytes: int = MAX_BYTES) -> Iterator[JSON | Malformed]:
    """Reads NDJSON lazily: for each line that isn't blank its value, or the Malformed that tells its fault.

    Raises TooLarge, at once, where the whole is longer than `max_bytes`.
    """
    _check_size(raw, max_bytes)
    return (_read_or_malformed(line[0]) for line in _LINE.finditer(raw) if line[0].strip(b" \t\r"))


def dumps(value: JSON) -> str:
    """Writes a value that `loads` or `normal` gave as its one canonical text: compact, keys sorted, ASCII."""
    try:
        return _write(value)
    except _NotItsOwn:
        return _ENCODER.encode(value)


def normal(value: object) -> JSON:
    """Takes a value from Python as `loads` would have read it; raises Malformed, naming the path.

    A float is the number that its repr spells, a tuple a list, an aware datetime its ISO 8601 text in UTC.
    """
    plain = _plain(value, 0)
    _inspect(plain)
    return cast(JSON, plain)


def number(literal: str) -> int | Decimal:
    """Reads text that spells a number as JSON does (no '+', no blanks, ASCII digits); raises Malformed."""
    if not _NUMBER.fullmatch(literal):
        raise Malformed("must be a number spelled as JSON does: 12.50, -3 or 1e2")
    value = _number(literal)
    if isinstance(value, _Flaw):
        raise Malformed(value.reason)
    return value


_LINE = re.compile(rb"[^\n]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TOO_DEEP = f"is nested more than {MAX_LEVELS} levels deep"
_HALF_CHARACTER = "holds half a character (a lone surrogate)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flaw:
    """Stands where a value can't be read, until `_inspect`, which knows the path, raises it."""

    reason: str
    key: str | None = None


_TOO_MANY_DIGITS = _Flaw(reason=f"is a number of more than {MAX_DIGITS} digits")
_OUT_OF_RANGE = _Flaw(reason=f"is a number out of range: its exponent goes beyond {MAX_EXPONENT}")
_NOT_FINITE = _Flaw(reason="is no JSON number: NaN and Infinity are none")


def _check_size(raw: bytes, max_bytes: int) -> None:
    if len(raw) > max_bytes:
        raise TooLarge(f"is {len(raw)} bytes long; at most {max_bytes} are read")


def _read_or_malformed(raw: bytes) -> JSON | Malformed:
    try:
        return _read(raw)
    except Malformed as malformed:
        return malformed


def _read(raw: bytes) -> JSON:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise Malformed("begins with a byte order mark; send UTF-8 without one")
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
        _inspect(value)
    except UnicodeDecodeError as error:
        raise Malformed(f"is not UTF-8: byte {error.start} is wrong") from error
    except json.JSONDecodeError as error:
        fault = error.msg.rstrip(": ")
        raise Malformed(f"is not JSON at line {error.lineno}, column {error.colno}: {fault}") from error
    except RecursionError as error:
        raise Malformed(_TOO_DEEP) from error
    return cast(JSON, value)


def _inspect(value: object) -> None:
    """Raises Malformed, with its path, for the first flaw, half character or level too deep in `value`."""
    fault = _fault(value, 0)
    if fault:
        raise Malformed(fault.reason, "".join(map(_step, reversed(fault.inside))).removeprefix("."))


def _fault(value: object, level: int) -> "_Fault | None":
    """Finds what `_inspect` raises; `level` containers are around the value."""
    if isinstance(value, str):
        return None if _is_whole(value) else _Fault(_HALF_CHARACTER, [])
    if isinstance(value, _Flaw):
        return _Fault(value.reason, [] if value.key is None else [value.key])
    if not isinstance(value, dict | list):
        return None
    if level == MAX_LEVELS:
        return _Fault(_TOO_DEEP, [])
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if type(key) is str and not (key.isascii() or _is_whole(key)):
            return _Fault(_HALF_CHARACTER, [key])
        if type(item) in _SOUND or (type(item) is str and item.isascii()):
            continue
        if fault := _fault(item, level + 1):
            fault.inside.append(key)
            return fault
    return None


class _Fault(NamedTuple):
    reason: str
    inside: list[str | int]
    """The steps of its path, the innermost first."""


_SOUND = frozenset({int, Decimal, bool, NoneType})


_ITSELF = frozenset({str, bool, NoneType})
"""Types of Python's whose values are JSON's as they are."""


def _is_whole(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    short = part if len(part) <= 64 else part[:64] + "…"
    return f".{part}" if part == short and part.isidentifier() else f"[{json.dumps(short)}]"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object] | _Flaw:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    return _Flaw(reason="is a key that stands twice in one object", key=twice)


def _integer(literal: str) -> int | _Flaw:
    if len(literal) > MAX_DIGITS and _digits(literal) > MAX_DIGITS:
        return _TOO_MANY_DIGITS
    return int(literal)


def _number(literal: str) -> int | Decimal | _Flaw:
    if len(literal) > MAX_DIGITS and _digits(literal) > MAX_DIGITS:
        return _TOO_MANY_DIGITS
    try:
        value = Decimal(literal, EXACT)
    except InvalidOperation:
        return _OUT_OF_RANGE
    exponent = value.adjusted()
    if not -MAX_EXPONENT <= exponent <= MAX_EXPONENT:
        return _OUT_OF_RANGE
    if not value:
        return 0
    if exponent < MAX_DIGITS and value == value.to_integral_value(context=EXACT):
        return int(value)
    return value.normalize(EXACT)


def _digits(literal: str) -> int:
    return sum(map(literal.count, "0123456789"))


def _constant(_name: str) -> _Flaw:
    return _NOT_FINITE


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)


def _literal(value: Decimal) -> str:
    """Spells a finite Decimal as Python does, with the fewest digits where that has too many to be read."""
    usual = str(value)
    first, last = value.adjusted(), int(value.as_tuple().exponent)
    if _digits(usual) <= MAX_DIGITS or first >= 0 >= last:
        return usual
    sign, coefficient = "-" * value.is_signed(), "".join(map(str, value.as_tuple().digits))
    if last > 0:
        return f"{sign}{coefficient}E+{last}"
    return f"{sign}{coefficient[0]}.{coefficient[1:]}E{first}"


def _raw_literal(value: object) -> simplejson.RawJSON:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is no JSON value; pass it through normal() first.")
    return simplejson.RawJSON(_literal(value))


class _NotItsOwn(Exception):
    """Something is no value that the standard library can write: a Decimal, most likely."""


def _leave(_value: object) -> object:
    raise _NotItsOwn


_write = json_writer(sort_keys=True, default=_leave)
"""Writes what holds no Decimal, which is most, in a fifth of the time."""
_ENCODER = simplejson.JSONEncoder(
    use_decimal=False, default=_raw_literal, sort_keys=True, separators=(",", ":"), allow_nan=False
)


def _plain(value: object, level: int) -> object:
    """Gives the value in JSON's own types, flaws where there is none; raises Malformed where too deep."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value) if -(10**MAX_DIGITS) < value < 10**MAX_DIGITS else _TOO_MANY_DIGITS
    if isinstance(value, float):
        return _number(float.__repr__(value)) if math.isfinite(value) else _NOT_FINITE
    if isinstance(value, Decimal):
        return _number(_literal(value)) if value.is_finite() else _NOT_FINITE
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return _Flaw(reason="is a date without a time; give a datetime with a tzinfo, or a string")
    if isinstance(value, dict | list | tuple):
        return _container(value, level)
    return _Flaw(reason=f"is a Python {type(value).__name__}, which has no place in JSON")


def _container(value: dict[object, object] | list[object] | tuple[object, ...], level: int) -> object:
    if level == MAX_LEVELS:
        raise Malformed(_TOO_DEEP)  # at once: a list may hold itself, even twice
    if not isinstance(value, dict):
        return [_plain(item, level + 1) for item in value]
    strays = [type(key).__name__ for key in value if not isinstance(key, str)]
    if strays:
        return _Flaw(reason=f"has a key that is a Python {strays[0]}; the keys of an object are text")
    return {
        key if type(key) is str else _plain(key, level): (
            item if type(item) in _ITSELF else _plain(item, level + 1)
        )
        for key, item in value.items()
    }


def _instant(value: datetime) -> str | _Flaw:
    if value.utcoffset() is None:
        return _Flaw(reason="is a time with no offset; give it a tzinfo")
    try:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return _Flaw(reason="is a time outside the years 1 to 9999 in UTC")
