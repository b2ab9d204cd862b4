"""Pages: templates to answers, what every page is told, and problems in sentences for who looks at pages.

The templates are the package's own, so that an app that mounts these routes keeps its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from webapp.access.authentication import principal
from webapp.access.sessions import csrf_token, current_session
from webapp.dashboard.samples import Samples, Shared
from webapp.http.flask_app import url_of
from webapp.http.headers import OF_PAGES, PAGE_POLICY
from webapp.http.response import PROBLEM_TYPE
from webapp.routes.sign_in import own_path
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import read_instant
from workflow_fsm.workflow import Workflow

PREFIX = "dashboard"
"""How the names of these routes begin."""
PAGE_TYPE = "text/html; charset=utf-8"
STATIC: Mapping[str, str] = {
    "style.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
}
_KEPT = "private, max-age=86400"
"""Each is asked for under a name that changes with it."""

DONE: Mapping[str, str] = {
    "applied": "Done: it was applied.",
    "unchanged": "Done: it was known already, and moved nothing.",
    "deferred": "It was taken, and waits.",
    "duplicate": "It had been taken before; nothing was done twice.",
    "owed": "Done: it is owed again, and runs as soon as a worker is free.",
    "void": "Done: its claim has left the state that owed it, so nothing is to be done any more.",
    "dropped": "Dropped. It can be restored.",
    "restored": "Restored.",
}
"""What a page says after something was done."""


class Pages:
    """Shows pages of one workflow, and has the figures that they share."""

    def __init__(self, workflow: Workflow) -> None:
        self.samples = Samples(workflow)
        self._shared = Shared()
        self._workflow = workflow
        self._made = _environment()
        self._made.filters["ago"] = self._ago
        self._made.filters["span"] = self._span

    def show(self, template: str, *, code: int = 200, **told: Any) -> Response:
        """Show a template."""
        return Response(self._text(template, told), status=code, content_type=PAGE_TYPE)

    def shared(self, template: str, told: Callable[[], Mapping[str, Any]], *key: str | None) -> Markup:
        """Show a part that is alike for all who look, whoever they are: made once a second, however many do.

        `key` is what else it depends on, beside where the pages are mounted.
        """
        return self._shared.latest(
            (template, request.script_root, *key), lambda: Markup(self._text(template, told()))
        )

    def tell_problem(self, response: Response) -> Response:
        """Put a problem into a page, where a page was asked for; what it says is the problem's own."""
        if not shows_pages() or response.mimetype != PROBLEM_TYPE:
            return response
        problem = response.get_json()
        response.set_data(self._text("problem.html", {"problem": problem}))
        response.content_type = PAGE_TYPE
        for name, value in {**OF_PAGES, "Content-Security-Policy": PAGE_POLICY}.items():
            response.headers[name] = value
        return response

    def _text(self, template: str, told: Mapping[str, Any]) -> str:
        return self._made.get_template(template).render(
            **told,
            url=url,
            url_of_docs=url_of("docs"),
            url_of_logout=url_of("logout"),
            static=static,
            here=request.full_path.rstrip("?"),
            page=(request.endpoint or "").rpartition(".")[2],
            csrf=csrf_token(),
            can_leave=current_session() is not None and bool(csrf_token()),
            is_open=principal(request).credential == "open",
            done=DONE.get(request.args.get("done", "")),
            definition=self._workflow.definition,
        )

    def _ago(self, told: str | None) -> str:
        """Say how long ago an instant was, or how long it still is."""
        if told is None:
            return ""
        try:
            return distance(read_instant(told) - self._workflow._clock())
        except ValueError:
            return ""

    def _span(self, told: str) -> str:
        """Say for how long something has been: `3 d`."""
        return self._ago(told).removesuffix(" ago")


def url(endpoint: str = "", **values: Any) -> str:
    """Give the address of a page, by its name here; what isn't told is left out."""
    name = f"{PREFIX}_{endpoint}" if endpoint else PREFIX
    told = {key: value for key, value in values.items() if value not in (None, "")}
    return url_for(f".{name}", **told)


def static(name: str) -> str:
    """Give the address of a file that pages load, under which it never changes."""
    return url(name.replace(".", "_"), v=_digest(name))


def add_static(routes: Blueprint) -> None:
    """Add the files that pages load."""
    for name, content_type in STATIC.items():

        def view(name: str = name, content_type: str = content_type) -> Response:
            return Response(_file(name), content_type=content_type, headers={"Cache-Control": _KEPT})

        endpoint = f"{PREFIX}_{name.replace('.', '_')}"
        routes.add_url_rule(f"/dashboard/{name}", endpoint=endpoint, view_func=view, merge_slashes=False)


def asked(*names: str) -> dict[str, str]:
    """Read of a query what isn't empty: a form sends all its fields."""
    told = {name: request.args.get(name, "").strip() for name in names}
    return {name: value for name, value in told.items() if value}


def back(to: str, *, done: str | None = None) -> Response:
    """Lead to an own page, so that loading it anew does nothing twice."""
    path = own_path(to)
    if not path:
        return _see_other(url(done=done))
    before, _, query = path.partition("?")
    kept = [one for one in query.split("&") if one and not one.startswith("done=")]
    kept += [f"done={done}"] if done in DONE else []
    return _see_other(request.script_root + before + ("?" + "&".join(kept) if kept else ""))


def is_renewed() -> bool:
    """Tell whether a page's own script asks for its live parts: the rest of the page needn't be read."""
    return request.headers.get("X-Live") == "1"


def shows_pages() -> bool:
    """Tell whether who asks shows pages to a person."""
    return "text/html" in request.headers.get("Accept", "")


def distance(span: timedelta) -> str:
    """Say how far away something is, in the largest unit."""
    seconds = abs(span.total_seconds())
    many, unit = next(
        (int(seconds // size), unit)
        for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (0.0001, ""))
        if seconds >= size or not unit
    )
    if not unit:
        return "now"
    return f"in {many} {unit}" if span > timedelta() else f"{many} {unit} ago"


# -- parts


def _see_other(location: str) -> Response:
    response = redirect(location, 303)
    assert isinstance(response, Response)
    return response


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("webapp.dashboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "sums": _sums,
        "figures": _figures,
        "sum_in": _sum_in,
        "grouped": _grouped,
        "day": _day,
        "minute": _minute,
        "words": _words,
    }
    return made


def _words(name: str) -> str:
    """Write a name of the machine's as a person would."""
    return name.replace("_", " ")


def _sums(told: Mapping[str, str]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in told.items()) or "nothing"


def _figures(told: Mapping[str, float]) -> list[tuple[str, str]]:
    """Write sums that are numbers, by their currencies."""
    return [(currency, _sum_in(amount, currency)) for currency, amount in sorted(told.items())]


def _sum_in(amount: float, currency: str) -> str:
    """Write a sum with its currency's decimals; one in none that the list in force has, with two."""
    places = money.decimals(currency) if money.is_listed(currency) else 2
    told = f"{amount:,.{places}f}" if round(amount, places) else f"{0:.{places}f}"
    return told.replace("-", "\N{MINUS SIGN}")


def _grouped(many: int) -> str:
    return f"{many:,}"


def _day(told: str | None) -> str:
    return "" if told is None else told[:10]


def _minute(told: str | datetime | None) -> str:
    return "" if told is None else str(told)[:16].replace("T", " ")


@cache
def _file(name: str) -> bytes:
    return files("webapp.dashboard").joinpath("static", name).read_bytes()


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(_file(name)).hexdigest()[:12]
