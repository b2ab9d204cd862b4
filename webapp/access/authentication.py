"""Authentication: who sends a request, as a signature or a token proves it. `authorization` says what for.

Nothing that a sender can write gets out of here as anything but `Unproven`, whose sentence tells no secret.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from typing import Any, Self, cast

import jwt
from flask import Request
from werkzeug.datastructures import Headers

from webapp.access.signatures import VERSION, signatures
from webapp.credential_settings import split_entry
from webapp.paths import SENDERS
from webapp.settings import ServiceSettings
from workflow_fsm.core.values.fields import Kind, read_value

TOLERANCE_SECONDS = 300
"""How far a signature's timestamp may be from our clock, either way."""

LONGEST_TOKEN_SECONDS = 10 * 366 * 86400
"""How far a token's end may be: what is further was not told in seconds."""

SERVICE_WORKER = "service_worker"
ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who sends. `actor` is how history names it; `user_id` is whose data it may read, None for nobody's.

    `routes` are the endpoints that it may send to, None for all; `until` is the second in which this ends.
    `credential` is by what it is known, a `secret`, a `token`, a `session` or nothing (`open`), and `name`
    whose that is: the secret's place among those configured, from 1, the token's user, or the operator.
    """

    actor: str
    sends: bool = False
    operates: bool = False
    user_id: str | None = None
    routes: frozenset[str] | None = None
    until: float | None = None
    credential: str = "open"
    name: str | None = None


ANYBODY = Principal(actor="webhook", sends=True, operates=True)
"""Who sends where nobody is asked: it may do everything, and all that is known is by what it came."""
SIGNED = Principal(actor="webhook", sends=True, credential="secret")
OPERATOR = Principal(actor="operator", sends=True, operates=True, credential="token", name="operator")


class Unproven(Exception):
    """What was sent proves nobody; the sentence says why, and no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The secrets by which principals are known, ready for use."""

    webhooks: tuple[tuple[bytes, frozenset[str] | None], ...]
    api_token: bytes | None
    jwt_secret: str | None
    audience: str | None
    issuer: str | None

    @classmethod
    def of(cls, settings: ServiceSettings) -> Self:
        """Make the keys of settings, which were checked as they were made."""
        return cls(
            webhooks=tuple(_webhook(entry) for entry in settings.webhook_secrets),
            api_token=settings.api_token.encode() if settings.api_token is not None else None,
            jwt_secret=settings.jwt_secret,
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer,
        )

    @property
    def take_tokens(self) -> bool:
        """Whether any bearer token can prove somebody."""
        return self.api_token is not None or self.jwt_secret is not None

    def holder(self, token: str, now: datetime) -> Principal:
        """Tell who holds a bearer token: the operator's, or one that is signed with HS256."""
        if self.api_token is not None and hmac.compare_digest(token.encode(), self.api_token):
            return OPERATOR
        if self.jwt_secret is None:
            raise Unproven("the bearer token is not the operator's")
        claims = _claims(token, self.jwt_secret, now)
        if self.audience is not None:
            _check_audience(claims.get("aud"), self.audience)
        if self.issuer is not None and claims.get("iss") != self.issuer:
            raise Unproven("the token's iss is missing, or is not who issues the tokens of this service")
        return _named(claims)

    def signer(self, headers: Headers, read_body: Callable[[], Iterable[bytes]], now: datetime) -> Principal:
        """Tell who signed a message; its body is read only where its headers could be a signature's.

        It is hashed piece by piece, as it comes.
        """
        message_id = _message_id(headers)
        timestamp = _timestamp(headers.get(TIMESTAMP_HEADER, ""), now)
        given = [
            one.encode("latin-1", "replace")
            for one in headers.get(SIGNATURE_HEADER, "").split(" ")
            if one.startswith(VERSION)
        ]
        if not given:
            raise Unproven(f"{SIGNATURE_HEADER} holds no signature of version v1")
        try:
            made = signatures([key for key, _ in self.webhooks], message_id, timestamp, read_body())
        except UnicodeDecodeError as error:
            raise Unproven("the body is not UTF-8, and a signature is of a text") from error
        # Every one with every other: how long it takes tells nothing.
        compared = [
            (hmac.compare_digest(ours, theirs), place, routes)
            for place, (ours, (_, routes)) in enumerate(zip(made, self.webhooks, strict=True), start=1)
            for theirs in given
        ]
        bound = [(place, routes) for is_equal, place, routes in compared if is_equal]
        if not bound:
            raise Unproven(
                f"no signature in {SIGNATURE_HEADER} is one of this message by a secret known here"
            )
        signed = replace(SIGNED, name=", ".join(str(place) for place in dict(bound)))
        named = [routes for _, routes in bound if routes is not None]
        return signed if len(named) < len(bound) else replace(signed, routes=frozenset().union(*named))


def note(request: Request, principal: Principal) -> None:
    """Note with a request who sent it."""
    request.environ[_PRINCIPAL] = principal


def principal(request: Request) -> Principal:
    """Tell who sent a request that was let in."""
    found: Principal = request.environ.get(_PRINCIPAL, ANYBODY)
    return found


def actor(request: Request) -> str:
    """Tell who moves a claim by this request, as history tells it."""
    return principal(request).actor


# -- parts

_PRINCIPAL = "workflow_fsm.principal"
_WHOLE_SECONDS = re.compile(r"0|[1-9][0-9]{0,14}")


def _webhook(entry: str) -> tuple[bytes, frozenset[str] | None]:
    """Make the key of an entry, and name the endpoints that it is bound to."""
    routes, secret = split_entry(entry)
    encoded = secret.removeprefix("whsec_").rstrip("=")
    raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    return raw, None if routes is None else frozenset(SENDERS[route] for route in routes)


def _message_id(headers: Headers) -> str:
    """Read the id as the UTF-8 that its bytes are; WSGI hands them over as latin-1."""
    try:
        message_id = headers.get(ID_HEADER, "").encode("latin-1").decode()
    except UnicodeError as error:
        raise Unproven(f"{ID_HEADER} is not UTF-8") from error
    if not message_id:
        raise Unproven(f"{ID_HEADER} is missing, which the signature covers")
    return message_id


def _timestamp(text: str, now: datetime) -> str:
    """Check the seconds that a signature covers; they must be spelled as those who sign spell them."""
    if not _WHOLE_SECONDS.fullmatch(text):
        raise Unproven(f"{TIMESTAMP_HEADER} is not a whole number of seconds since 1970")
    if abs(now.timestamp() - int(text)) > TOLERANCE_SECONDS:
        raise Unproven(f"{TIMESTAMP_HEADER} is more than {TOLERANCE_SECONDS} seconds from the clock here")
    return text


def _claims(token: str, secret: str, now: datetime) -> dict[str, Any]:
    """Check a token and give what it claims. PyJWT checks the signature, we the times, by our clock."""
    try:
        claims: dict[str, Any] = jwt.decode(token, secret, algorithms=["HS256"], options=_SIGNATURE_ALONE)
    except Exception as error:  # a token can be wrong in more ways than PyJWT has errors for
        raise Unproven(
            "the bearer token is not one of HS256 that the secret known here has signed"
        ) from error
    instant = now.timestamp()
    exp = _number(claims, "exp")
    if exp <= instant:
        raise Unproven("the token has expired")
    if exp > instant + LONGEST_TOKEN_SECONDS:
        raise Unproven(
            "the token's exp is more than ten years away: it must be in seconds since 1970, "
            "and looks like milliseconds"
        )
    if claims.get("nbf") is not None and _number(claims, "nbf") > instant:
        raise Unproven("the token is not valid yet")
    return claims


_SIGNATURE_ALONE: Any = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def _number(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    is_number = isinstance(value, int) or (isinstance(value, float) and isfinite(value))
    if isinstance(value, bool) or not is_number:
        raise Unproven(f"the token's {name} is missing, or no number of seconds since 1970")
    return cast(float, value)


def _check_audience(told: object, ours: str) -> None:
    """Check that a token is for this service: `aud` is one name or a list of them (RFC 7519)."""
    if ours not in (told if isinstance(told, list) else [told]):
        raise Unproven("the token's aud is missing, or names another service than this one")


def _named(claims: dict[str, Any]) -> Principal:
    named = {name: _id(claims, name) for name in ("user_id", "sub")}
    role = claims.get("role")
    if role is not None and not isinstance(role, str):
        raise Unproven("the token's role is no string")
    user_id = named["user_id"] or named["sub"]
    until = _number(claims, "exp")
    if role != SERVICE_WORKER:
        return Principal(actor="user", user_id=user_id, until=until, credential="token", name=user_id)
    sub = named["sub"]
    actor = f"{SERVICE_WORKER}:{sub}" if sub else SERVICE_WORKER
    return Principal(actor=actor, sends=True, user_id=user_id, until=until, credential="token", name=actor)


def _id(claims: dict[str, Any], name: str) -> str | None:
    if claims.get(name) is None:
        return None
    try:
        value: str = read_value(Kind.ID, claims[name])
        value.encode()  # JSON can spell what is no text
    except ValueError as error:
        raise Unproven(f"the token's {name} is no id") from error
    return value
