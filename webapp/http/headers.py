"""Headers that keep browsers from harm: on every answer, and a content policy for what is shown as a page.

A view may set its own; what it sets stays.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response
from flask.sansio.scaffold import Scaffold

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
ANSWER_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""For what is no page: should a browser show it all the same, nothing in it runs or loads."""
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""For pages: everything from this host, scripts and styles in files of their own."""


def of_answer(given: Iterable[str]) -> list[tuple[str, str]]:
    """Give those of an answer that is no page, but what it has `given`."""
    names = {name.lower() for name in given}
    return [one for one in _OF_ANSWERS if one[0].lower() not in names]


def add_to(routes: Scaffold) -> None:
    """Put them on the answers of an app, or only on those of a blueprint."""
    routes.after_request(_protect)


def _protect(response: Response) -> Response:
    headers = response.headers
    given = {name.lower(): value for name, value in headers}
    is_page = given.get("content-type", "").startswith("text/html")
    for name, value in _OF_PAGES if is_page else _OF_ANSWERS:
        if name.lower() not in given:
            headers.add(name, value)
    return response


OF_PAGES = {
    # With no-referrer a browser says of a page's own forms that they come from nowhere (Origin: null).
    "Referrer-Policy": "same-origin",
}

_OF_PAGES = (*(EVERYWHERE | OF_PAGES).items(), ("Content-Security-Policy", PAGE_POLICY))
_OF_ANSWERS = (*EVERYWHERE.items(), ("Content-Security-Policy", ANSWER_POLICY))
