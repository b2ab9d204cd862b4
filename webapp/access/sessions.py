"""Sessions: a person who has signed in, as a signed cookie tells it, and the token that only own pages know.

Nothing of a session is kept: its key is made of the operator's token, so that several processes agree, and
a new token ends all sessions. A browser sends the cookie by itself, also with what a page of somebody else
makes it send; so whatever changes something must carry a token that such a page can't read.

For views and templates: `current_session()` says whether a person is signed in, `csrf_token()` gives what
their forms send as `csrf_token`, and their scripts as `X-CSRF-Token`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Request, Response
from itsdangerous import BadSignature, URLSafeSerializer

from webapp.access.authentication import Unproven
from webapp.access.origins import Origins
from webapp.http import request_body
from webapp.http.flask_app import current_request
from webapp.http.problems import Problem
from webapp.settings import ServiceSettings

COOKIE = "workflow_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
LIFE_SECONDS = 12 * 3600
"""A working day; a session is not prolonged by being used."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""
MOST_ATTEMPTS = 10
ATTEMPTS_SECONDS = 60.0
"""So many wrong tokens from one address in so long, and it has to wait as long."""
MOST_ADDRESSES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """One person's session: when it ends, in seconds since 1970, and the token that what it posts must carry.

    Where nobody is asked who they are there is one without an end, whose posts need none.
    """

    until: float | None
    csrf: str


OPEN = SignedIn(until=None, csrf="")


def current_session() -> SignedIn | None:
    """Tell in whose session this request is sent; None where it was let in by another credential."""
    found: SignedIn | None = current_request().environ.get(_SESSION)
    return found


def csrf_token() -> str:
    """Give the token for the forms and scripts of this session; empty where there is none."""
    session = current_session()
    return session.csrf if session is not None else ""


def note_session(request: Request, session: SignedIn) -> None:
    """Note with a request in whose session it is sent."""
    request.environ[_SESSION] = session


class Sessions:
    """The sessions of a service: begun by its operator's token, read of a cookie, and ended."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._token = None if settings.api_token is None else settings.api_token.encode()
        self._key = hmac.digest(self._token or b"", b"workflow-fsm session", "sha256")
        self._signer = URLSafeSerializer(
            self._key,
            salt="workflow-fsm session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
        self._origins = Origins.of(settings)
        self._attempts = Attempts()

    @property
    def can_begin(self) -> bool:
        """Whether there is a token by which somebody could sign in."""
        return self._token is not None

    def sign_in(self, request: Request, token: str, now: datetime) -> tuple[str, SignedIn] | None:
        """Begin a session, and give its cookie; None where the token is wrong. Raises Problem."""
        self._origins.check_same(request)
        address = request.remote_addr or ""
        self._attempts.check(address, now.timestamp())
        if self._token is None or not hmac.compare_digest(token.encode(), self._token):
            self._attempts.note(address, now.timestamp())
            return None
        told = {"id": secrets.token_urlsafe(18), "until": int(now.timestamp()) + LIFE_SECONDS}
        return str(self._signer.dumps(told)), self._session(told)

    def prove(self, request: Request, now: datetime) -> SignedIn:
        """Read a request's session, and that an own page sent it. Raises Unproven, or Problem."""
        session = self._read(request.cookies.get(COOKIE, ""), now)
        changes = request.method not in SAFE
        if changes or (request.url_rule is not None and request.url_rule.websocket):
            self._origins.check_same(request)
        if changes and not any(_is_equal(one, session.csrf) for one in _given(request)):
            raise Problem(
                "csrf-refused",
                f"What a session sends must carry its CSRF token, as the header {CSRF_HEADER} or the form's "
                f"field {CSRF_FIELD}; load the page anew, and send it again.",
            )
        note_session(request, session)
        return session

    def _read(self, cookie: str, now: datetime) -> SignedIn:
        try:
            told: dict[str, Any] = self._signer.loads(cookie)
        except BadSignature as error:
            raise Unproven("the session is none that the operator's token of today began") from error
        if not self.can_begin or told["until"] <= now.timestamp():
            raise Unproven("the session has ended; sign in again")
        return self._session(told)

    def _session(self, told: dict[str, Any]) -> SignedIn:
        csrf = hmac.digest(self._key, f"csrf {told['id']}".encode(), "sha256").hex()
        return SignedIn(until=told["until"], csrf=csrf)


def set_cookie(response: Response, cookie: str, *, path: str, secure: bool) -> None:
    """Hand a session to a browser, which sends it to this host alone, and shows it to no script."""
    response.set_cookie(
        COOKIE, cookie, max_age=LIFE_SECONDS, path=path, secure=secure, httponly=True, samesite="Strict"
    )


def delete_cookie(response: Response, *, path: str, secure: bool) -> None:
    """Let a browser forget its session."""
    response.delete_cookie(COOKIE, path=path, secure=secure, httponly=True, samesite="Strict")


class Attempts:
    """Wrong tokens, by the address that they came from; of many addresses the longest ago are forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, address: str, now: float) -> None:
        """Raise Problem where too many were wrong a short while ago."""
        with self._lock:
            recent = [at for at in self._of.get(address, ()) if now - at < ATTEMPTS_SECONDS]
        if len(recent) >= MOST_ATTEMPTS:
            wait = max(1, int(recent[0] + ATTEMPTS_SECONDS - now) + 1)
            raise Problem(
                "too-many-attempts",
                f"{MOST_ATTEMPTS} wrong tokens came from this address within {ATTEMPTS_SECONDS:.0f} seconds; "
                f"try again in {wait} seconds.",
                headers={"Retry-After": str(wait)},
            )

    def note(self, address: str, now: float) -> None:
        """Keep that one was wrong."""
        with self._lock:
            self._of[address] = [*self._of.pop(address, ()), now][-MOST_ATTEMPTS:]
            while len(self._of) > MOST_ADDRESSES:
                self._of.popitem(last=False)


# -- parts

_SESSION = "workflow_fsm.session"


def _given(request: Request) -> Iterable[str]:
    """Give the tokens that a request carries."""
    yield from request.headers.getlist(CSRF_HEADER)
    if request_body.is_form(request):
        yield request_body.read_form_ahead(request).get(CSRF_FIELD, "")


def _is_equal(given: str, csrf: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), csrf.encode())
