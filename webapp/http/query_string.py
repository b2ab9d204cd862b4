"""Query string: what stands behind a URL's question mark, read strictly, all faults told at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl

from flask import Request

from webapp.http.problems import Problem
from workflow_fsm.core.definition.arguments import did_you_mean
from workflow_fsm.core.errors import InvalidEvent
from workflow_fsm.read.status import PLACE

T = TypeVar("T")

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100

_MAX_CURSOR = 2**63 - 1
_PLACE = re.compile(PLACE)
_FLAGS = {"1": True, "true": True, "0": False, "false": False}


class Query:
    """A request's query. Read what it may hold, then `check` it."""

    def __init__(self, request: Request) -> None:
        self._errors: list[tuple[str, str]] = []
        self._known: list[str] = []
        self._given = self._read(request)

    def text(self, name: str) -> str | None:
        """Give a text, such as an id; None where it isn't given."""
        value = self._get(name)
        if value == "":
            self._errors.append((name, "is empty; give a value, or leave it out"))
        return value or None

    def flag(self, name: str) -> bool:
        """Give a yes or no; no where it isn't given."""
        return self.flag_if_given(name) or False

    def flag_if_given(self, name: str) -> bool | None:
        """Give a yes or no; None where it isn't given."""
        value = self._get(name)
        if value is None:
            return None
        if value.lower() not in _FLAGS:
            self._errors.append((name, "must be 1 or true, 0 or false"))
        return _FLAGS.get(value.lower(), False)

    def gives(self, name: str) -> bool:
        """Tell whether something is given under a name."""
        return self._get(name) is not None

    def limit(self) -> int:
        """Give how many rows a page may hold."""
        return self._number("limit", MAX_LIMIT) or DEFAULT_LIMIT

    def cursor(self) -> int | None:
        """Give the number behind which a page begins."""
        return self._number("cursor", None)

    def place(self) -> int | str | None:
        """Give what a page of several lists was asked for by: a number, or several in a text."""
        text = self._get("cursor")
        if text is not None and _PLACE.fullmatch(text):
            return text
        return self._number("cursor", None, "a whole number above 0, or what a page gave as its next_cursor")

    def refuse_others(self) -> None:
        """Count what was given and not read by now as wrong: a filter that isn't heeded gives too much."""
        for name in self._given.keys() - set(self._known):
            self._errors.append((name, f"is no parameter here; {did_you_mean(name, self._known)}"))

    def checked(self, ask: Callable[[], T]) -> T:
        """Give what an answer is made of; what is wrong with it is told with all else that is."""
        try:
            found = ask()
        except InvalidEvent as error:
            told = {name for name, _ in self._errors}
            self._errors += [(one.field, one.reason) for one in error.errors if one.field not in told]
            raise bad_request(self._errors) from error
        self.check()
        return found

    def check(self) -> None:
        """Raise a problem with all that is wrong, if anything is."""
        if self._errors:
            raise bad_request(self._errors)

    def _get(self, name: str) -> str | None:
        if name not in self._known:
            self._known.append(name)
        return self._given.get(name)

    def _read(self, request: Request) -> dict[str, str]:
        try:
            pairs = parse_qsl(request.query_string.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            self._errors.append(("", "the query is not UTF-8 when it is decoded"))
            return {}
        given: dict[str, str] = {}
        for name, value in pairs:
            if given.setdefault(name, value) != value:
                self._errors.append((name, "comes twice with different values"))
        return given

    def _number(self, name: str, most: int | None, otherwise: str | None = None) -> int | None:
        text = self._get(name)
        if text is None:
            return None
        digits = text.lstrip("0")
        bound = f"a whole number from 1 to {most}" if most else otherwise or "a whole number above 0"
        if not re.fullmatch(r"[0-9]+", text) or not digits or (most and int(digits[:9]) > most):
            self._errors.append((name, f"must be {bound}"))
            return None
        return int(digits) if len(digits) < 19 else _MAX_CURSOR


def bad_request(errors: list[tuple[str, str]]) -> Problem:
    """Give the problem that names what is wrong in a path, a query or a header."""
    told = "; ".join(f"{name} {reason}" if name else reason for name, reason in errors)
    return Problem(
        "invalid-request",
        f"The request can't be read: {told}.",
        errors=[{"field": name, "reason": reason} for name, reason in errors],
    )
