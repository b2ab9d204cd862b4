"""Paging: questions answered a page at a time, each from where the last one ended, by an opaque cursor."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from workflow_fsm.core.definition.arguments import must_be_one_of
from workflow_fsm.core.errors import FieldError, InvalidEvent
from workflow_fsm.core.records import Record
from workflow_fsm.core.values.fields import nearest
from workflow_fsm.core.values.money import CURRENCIES

R = TypeVar("R", bound=Record, covariant=True)
Place = tuple[str, str, int]
"""Behind what a page begins: what the rows are ordered by, a user, and a number of theirs."""
A_PAGE = 500
"""How many rows are read of one snapshot."""
_NEAR = 0.6
"""How alike a code must be to the one that may be meant by it."""
_OFTEN = ("USD", "EUR", "GBP", "CAD", "JPY", "AUD", "MXN", "INR")
"""What is meant rather than another as near: the currencies of the larger marketplaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRead(Generic[R]):
    """The rows of a page, and the cursor of the next one: None on the last."""

    rows: Sequence[R]
    next_cursor: str | None


class Rows(Iterator[R], Generic[R]):
    """Rows, read a page at a time as they are asked for; `next_cursor` goes on behind the last given.

    Each page is of the store as it stands then. It is an iterator: each row is given once.
    """

    def __init__(
        self, read: Callable[[int, str | None], PageRead[R]], *, limit: int | None, cursor: str | None
    ) -> None:
        """`limit` is how many are given at most, None for all."""
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise InvalidEvent([FieldError(field="limit", reason=f"is {limit!r}; it must be 1 or more")])
        self._read = read
        self._left = limit
        self._page: Iterator[R] = iter(())
        self._is_begun = False
        self.next_cursor = cursor
        self._turn()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> R:
        while True:
            for row in self._page:
                return row
            if self._left == 0 or self.next_cursor is None:
                raise StopIteration
            self._turn()

    def _turn(self) -> None:
        """Read the next page. The first is read at once, so that a wrong question is refused there."""
        many = A_PAGE if self._left is None else min(A_PAGE, self._left)
        answer = self._read(many, self.next_cursor)
        if self._left is not None:
            self._left -= many
        self._page = iter(answer.rows)
        self.next_cursor = answer.next_cursor


def all_asked(*reads: Callable[[], Any]) -> list[Any]:
    """Read each part of a question, and give what they give. Raises InvalidEvent with all that is wrong."""
    given: list[Any] = []
    faults: list[FieldError] = []
    for read in reads:
        try:
            given.append(read())
        except InvalidEvent as error:
            faults += error.errors
    if faults:
        raise InvalidEvent(faults)
    return given


def choice_asked(field: str, told: str | None, choices: Collection[str]) -> str | None:
    """Read a filter that takes one of some words. Raises InvalidEvent, and says which may be meant."""
    if told is None or told in choices:
        return told
    raise InvalidEvent([FieldError(field=field, reason=f"is {told!r}; it {must_be_one_of(told, choices)}")])


def currency_asked(told: str | None, met: Collection[str]) -> str | None:
    """Read a currency that a filter names, in either case: ISO 4217's, or one that the store has met.

    Raises InvalidEvent.
    """
    if told is None:
        return None
    code = told.upper()
    if code in CURRENCIES or code in met:
        return code
    near = nearest(code, _OFTEN, alike=_NEAR) or nearest(code, CURRENCIES, alike=_NEAR)
    meant = "" if near is None else f"; did you mean {near!r}?"
    reason = f"is {told!r}; it must be a currency's code, such as USD{meant}"
    raise InvalidEvent([FieldError(field="currency", reason=reason)])


def write_cursor(asked: str, place: Place) -> str:
    """Give the cursor of what begins behind a place; `asked` tells whose cursor it is."""
    text = json.dumps([asked, *place], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(asked: str, cursor: str | None) -> Place | None:
    """Read a cursor back, None for none. Raises InvalidEvent for one that no page of this gave."""
    if cursor is None:
        return None
    try:
        told, at, user_id, number = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place = (f"{at}", f"{user_id}", number)
        is_one = told == asked and type(number) is int and abs(number) < 2**63
        if is_one and write_cursor(asked, place) == cursor:
            return place
    except (ValueError, TypeError, RecursionError):
        pass
    raise InvalidEvent([FieldError(field="cursor", reason="is none that a page of this question gave")])
