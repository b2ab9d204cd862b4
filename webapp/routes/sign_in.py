"""Signing in: `/login` takes the operator's token of a person and begins a session, `/logout` ends it.

Where nobody is asked who they are, whoever comes is signed in by coming.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from flask import Blueprint, Response, redirect, render_template_string, request, url_for

from webapp.access.sessions import OPEN, Sessions, SignedIn, delete_cookie, set_cookie
from webapp.http import access_log, request_body
from webapp.http.flask_app import PAGES
from webapp.http.headers import PAGE_POLICY
from webapp.http.problems import Problem
from webapp.http.response import Answer
from webapp.settings import ServiceSettings
from workflow_fsm.workflow import Workflow

HOME = f"{PAGES}.dashboard"
"""The endpoint of the page that is shown to who has signed in and asked for none."""
WRONG = "This is not the operator's token."


def add_to(routes: Blueprint, workflow: Workflow, settings: ServiceSettings, sessions: Sessions) -> None:
    """Add the page to sign in by, and what ends a session."""
    enter = _signing_in(workflow, settings, sessions)
    views = {
        "login": ("GET", "/login", enter),
        "sign_in": ("POST", "/login", enter),
        "logout": ("POST", "/logout", _sign_out),
    }
    for endpoint, (method, path, view) in views.items():
        routes.add_url_rule(path, endpoint=endpoint, view_func=view, methods=[method], merge_slashes=False)


def login_url(then: str | None = None) -> str:
    """Give where to sign in, to be shown a path of this service thereafter."""
    return url_for(".login", next=then)


def own_path(path: str) -> str:
    """Take a path of this service; nothing in place of what would lead elsewhere."""
    return path if _PATH.fullmatch(path) else ""


def _signing_in(workflow: Workflow, settings: ServiceSettings, sessions: Sessions) -> Callable[[], Response]:
    def sign_in() -> Response:
        is_post = request.method == "POST"
        form = request_body.read_form(request) if is_post else {}
        then = own_path(form.get("next") or request.args.get("next") or "")
        if not settings.asks_for_credentials:
            return _entered(then, OPEN) if is_post else _go(then)
        if not sessions.can_begin:
            return _page(then, "Nobody can sign in until the operator sets WORKFLOW_API_TOKEN.", 200)
        if not is_post:
            return _page(then, "", 200)
        begun = sessions.sign_in(request, form.get("token", "").strip(), workflow._clock())
        if begun is None:
            access_log.note(outcome="unauthorized")
            return _page(then, WRONG, 401)
        access_log.note(outcome="signed in")
        cookie, session = begun
        response = _entered(then, session)
        set_cookie(response, cookie, path=_root(), secure=request.is_secure)
        return response

    return sign_in


def _sign_out() -> Response:
    left = Answer(code=200, body={"status": "signed_out"})
    response = _see_other(login_url()) if _shows_pages() else left.response()
    delete_cookie(response, path=_root(), secure=request.is_secure)
    return response


# -- parts

_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def _shows_pages() -> bool:
    """Tell whether who asks shows pages to a person, as a browser does; a script is answered with JSON."""
    return "text/html" in request.headers.get("Accept", "")


def _entered(then: str, session: SignedIn) -> Response:
    if _shows_pages():
        return _go(then)
    return Answer(code=200, body={"status": "signed_in", "csrf_token": session.csrf}).response()


def _go(then: str) -> Response:
    return _see_other(request.script_root + then if then else url_for(f".{HOME}"))


def _see_other(location: str) -> Response:
    response = redirect(location, 303)
    assert isinstance(response, Response)
    return response


def _root() -> str:
    """Give the path below which all these routes stand."""
    return url_for(".login").removesuffix("/login") or "/"


def _page(then: str, told: str, code: int) -> Response:
    challenge = {"WWW-Authenticate": 'Bearer realm="workflow-fsm"'} if code == 401 else {}
    if code == 401 and not _shows_pages():
        raise Problem("unauthorized", WRONG, headers=challenge)
    template, style, policy = _made()
    shown = render_template_string(template, style=style, then=then, told=told)
    headers = {"Content-Security-Policy": policy, **challenge}
    return Response(shown, status=code, headers=headers, content_type="text/html; charset=utf-8")


@cache
def _made() -> tuple[str, str, str]:
    """Read the template and its style, which stands in the page since who comes may load nothing else yet."""
    template, style = (
        files("webapp").joinpath(name).read_text(encoding="utf-8")
        for name in ("templates/login.html", "static/login.css")
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return template, style, PAGE_POLICY.replace("style-src 'self'", f"style-src 'sha256-{digest}'")
