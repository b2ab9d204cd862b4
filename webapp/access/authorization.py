"""Authorization: who may use a route, as a table; whoever may not is answered 401 or 403 before any view.

Decides what each route takes and what a missing or wrong credential is answered. How a signature or a token
proves a principal stands in `authentication`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING

from flask import redirect, request
from flask.sansio.scaffold import Scaffold
from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import HTTPException

from webapp.access import authentication
from webapp.access.authentication import Keys, Principal, Unproven
from webapp.access.origins import Origins
from webapp.access.sessions import COOKIE, OPEN, SAFE, Sessions, note_session
from webapp.http import access_log, request_body
from webapp.http.flask_app import current_request, url_of
from webapp.http.problems import Problem
from webapp.paths import SENDERS
from webapp.routes.status import read_user_id
from webapp.routes.webhooks import IDS, check_once
from webapp.settings import ServiceSettings
from workflow_fsm.workflow import Workflow

SECRETS = "WORKFLOW_WEBHOOK_SECRETS"
TOKEN = "WORKFLOW_API_TOKEN"
JWT = "WORKFLOW_JWT_SECRET"
ANY_OF_THEM = f"{SECRETS}, {TOKEN} or {JWT}"

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class Access(StrEnum):
    """Who a route is for."""

    EVERYBODY = "everybody"
    SENDERS = "signed senders, service workers and the operator"
    USER = "the user and the operator"
    OPERATOR = "the operator"


PROBES = ("healthz", "readyz", "health")
"""What a machine's own checks ask for."""

ACCESS: Mapping[str, Access] = {
    **dict.fromkeys((*PROBES, "ws_plain", "login", "sign_in"), Access.EVERYBODY),
    **dict.fromkeys(SENDERS.values(), Access.SENDERS),
    **dict.fromkeys(("status", "history", "ws"), Access.USER),
}
"""Who each route is for, by its endpoint's name. One that isn't named here is for the operator."""

TAKEN: Mapping[Access, tuple[str, ...]] = {
    Access.SENDERS: (SECRETS, TOKEN, JWT),
    Access.USER: (TOKEN, JWT),
    Access.OPERATOR: (TOKEN,),
}
"""The variables, one of which must be set for anybody to come in."""


class Guard:
    """Lets nobody to routes' views who may not use them."""

    def __init__(self, workflow: Workflow, settings: ServiceSettings, sessions: Sessions) -> None:
        self._workflow = workflow
        self._settings = settings
        self._sessions = sessions
        self._origins = Origins.of(settings)

    def watch(self, routes: Scaffold) -> None:
        """Stand before the views of an app, or only of a blueprint."""
        routes.before_request(self._check)

    def usual_sender(self, environ: WSGIEnvironment, endpoint: str, body: bytes) -> Principal | None:
        """Tell who sent a webhook, proven as most are; None where it needs another look, and a reason.

        Raises Problem and Unproven, of which that look will tell.
        """
        if self._origins.is_open:
            self._origins.check_open(environ)
        self._origins.check_host(environ)
        if not self._settings.asks_for_credentials:
            return authentication.ANYBODY if is_loopback(environ.get("REMOTE_ADDR", "")) else None
        keys, header = self._keys, environ.get("HTTP_AUTHORIZATION")
        if header is not None:
            found = _BEARER.fullmatch(header.strip(" \t"))
            if found is None or not keys.take_tokens:
                return None
            principal = keys.holder(found[1], self._workflow._clock())
        elif keys.webhooks and "HTTP_WEBHOOK_SIGNATURE" in environ:
            principal = keys.signer(EnvironHeaders(environ), lambda: (body,), self._workflow._clock())
        else:
            return None
        return principal if _may_send(principal, endpoint) else None

    @cached_property  # made at the first request that needs them
    def _keys(self) -> Keys:
        return Keys.of(self._settings)

    def _check(self) -> None:
        here = current_request()
        access = ACCESS.get(_endpoint(), Access.OPERATOR)
        if self._origins.is_open:
            self._origins.check_open(here.environ)
        # Probes of a machine's health call it by its address.
        if self._origins.is_open or _endpoint() not in PROBES:
            self._origins.check_host(here.environ)
        if access is Access.EVERYBODY:
            return
        if self._settings.asks_for_credentials:
            now = self._workflow._clock()
            admitted = _admit(access, self._settings, self._keys, self._sessions, now)
            access_log.note_credential(admitted.credential, admitted.name)
            authentication.note(here, admitted)
        elif is_loopback(here.remote_addr or ""):
            access_log.note_credential(authentication.ANYBODY.credential, None)
            authentication.note(here, authentication.ANYBODY)
            note_session(here, OPEN)
        else:
            raise _unauthorized(
                "No credentials are configured, so only this machine is let in; "
                f"to let others in, set {ANY_OF_THEM} and restart the service."
            )


def configured(access: Access, settings: ServiceSettings) -> list[str]:
    """Name the variables that are set, of those by which somebody could come in."""
    is_set = {
        SECRETS: bool(settings.webhook_secrets),
        TOKEN: settings.api_token is not None,
        JWT: settings.jwt_secret is not None,
    }
    return [name for name in TAKEN[access] if is_set[name]]


@lru_cache(maxsize=256)
def is_loopback(address: str) -> bool:
    """Tell whether an address is reached from this machine alone; what isn't an address is not."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


# -- parts

_AUTHORIZATION = "Authorization"
_BEARER = re.compile(r"bearer +([!-~]+)", re.IGNORECASE)
_TOKEN = re.compile(r"[!-~]+")


def _admit(
    access: Access, settings: ServiceSettings, keys: Keys, sessions: Sessions, now: datetime
) -> Principal:
    faults: list[str] = []
    somebody: list[Principal] = []
    for kind, prove in _proofs(access, keys, sessions, now):
        access_log.note_credential(kind, None)  # should it prove nobody, or its body find no room
        try:
            principal = prove()
        except Unproven as fault:
            faults.append(str(fault))
            continue
        if _may(principal, access):
            return principal
        somebody.append(principal)
    if somebody:
        access_log.note_credential(somebody[0].credential, somebody[0].name)
        raise Problem("forbidden", _why_not(access, somebody))
    if _is_a_person(access) and keys.api_token is not None:
        here = request.full_path.rstrip("?") if request.method in SAFE else None
        raise HTTPException(response=redirect(url_of("login", next=here), 303))
    wrong_token = bool(faults) and _AUTHORIZATION in request.headers
    raise _unauthorized(_told(access, settings, faults), wrong_token=wrong_token)


def _proofs(
    access: Access, keys: Keys, sessions: Sessions, now: datetime
) -> Iterator[tuple[str, Callable[[], Principal]]]:
    """Give what could prove a principal, each with its kind, in the order in which it is cheap to check."""
    if keys.take_tokens:
        for token in _tokens():
            yield "token", partial(_holder, keys, token, now)
    if keys.webhooks and access is Access.SENDERS and authentication.SIGNATURE_HEADER in request.headers:
        for name in IDS:
            check_once(name, request.environ)
        body = partial(request_body.read_ahead, request)
        yield "secret", partial(keys.signer, request.headers, body, now)
    if COOKIE in request.cookies:
        yield "session", partial(_signed_in, sessions, now)


def _signed_in(sessions: Sessions, now: datetime) -> Principal:
    """Tell who is signed in: the operator, for as long as the session lasts."""
    session = sessions.prove(current_request(), now)
    return replace(authentication.OPERATOR, until=session.until, credential="session")


def _holder(keys: Keys, token: str | None, now: datetime) -> Principal:
    if token is None:
        raise Unproven("what was sent as a token is none: send Authorization: Bearer, a blank and the token")
    return keys.holder(token, now)


def _tokens() -> Iterator[str | None]:
    """Give the tokens that were sent, None for what can't be one; in the query for WebSockets alone."""
    header = request.headers.get(_AUTHORIZATION)
    if header is not None:
        found = _BEARER.fullmatch(header.strip(" \t"))
        yield found[1] if found else None
    if request.url_rule is not None and request.url_rule.websocket:
        for token in request.args.getlist("token"):
            yield token if _TOKEN.fullmatch(token) else None


def _may(principal: Principal, access: Access) -> bool:
    match access:
        case Access.SENDERS:
            return _may_send(principal, _endpoint())
        case Access.USER:
            return principal.operates or principal.user_id == _user_id()
    return principal.operates


def _may_send(principal: Principal, endpoint: str) -> bool:
    return principal.sends and (principal.routes is None or endpoint in principal.routes)


def _endpoint() -> str:
    """Name the route, however the routes are mounted."""
    return (current_request().endpoint or "").rpartition(".")[2]


def _is_a_person(access: Access) -> bool:
    """Tell whether a browser shows what is answered to a person, who can sign in."""
    shown = request.method in SAFE or _endpoint() == "logout"
    asks_for_a_page = "text/html" in request.headers.get("Accept", "")
    return access is Access.OPERATOR and shown and asks_for_a_page and _AUTHORIZATION not in request.headers


def _user_id() -> str:
    """Read whose data the path names."""
    [rest] = (request.view_args or {}).values()
    return read_user_id(request, rest)


def _why_not(access: Access, somebody: Iterable[Principal]) -> str:
    if access is Access.SENDERS and any(one.routes is not None for one in somebody):
        return "The signature is good, but the secret that made it is for other routes than this one."
    if access is Access.USER:
        return "The token is not for this user's data; a user may read their own, the operator everybody's."
    return f"The token is valid, but this route is for {access}."


def _told(access: Access, settings: ServiceSettings, faults: list[str]) -> str:
    if faults:
        return f"The credentials prove nobody: {'; '.join(faults)}."
    taken = configured(access, settings)
    if not taken:
        return f"Nobody can use this route until its operator sets {' or '.join(TAKEN[access])}."
    ways = ["a signature as Standard Webhooks 1.0 makes it"] if SECRETS in taken else []
    if taken != [SECRETS]:
        ways.append("a bearer token in Authorization")
    return f"No credentials were sent that this route takes: send {' or '.join(ways)}."


def _unauthorized(detail: str, *, wrong_token: bool = False) -> Problem:
    challenge = 'Bearer realm="workflow-fsm"' + (', error="invalid_token"' if wrong_token else "")
    return Problem("unauthorized", detail, headers={"WWW-Authenticate": challenge})
