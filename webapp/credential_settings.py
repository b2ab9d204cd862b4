"""What credentials may be: the secrets that the service is given, checked without ever being told.

A secret that protects nothing stops the start: one that is too short, cut off, or of another kind.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from webapp.paths import SENDERS
from workflow_fsm.settings import SettingKind

LEAST_JWT_BYTES = 32
"""RFC 7518: a key for HS256 has at least as many bits as the hash."""
LEAST_TOKEN_CHARACTERS = 16
"""Of random base64 these are 96 bits, which nobody tries out over a network."""
WEBHOOK_BYTES = range(24, 65)
"""How long Standard Webhooks lets a secret be."""


def split_entry(entry: str) -> tuple[frozenset[str] | None, str]:
    """Take an entry of webhook secrets apart: its routes (None for all), and the secret."""
    named, found, rest = entry.partition("=whsec_")
    if not found:
        return None, entry
    return frozenset(one.strip() for one in named.split("+")), f"whsec_{rest}"


def same(check: Callable[[str], None]) -> SettingKind:
    """Take text as it is, from a variable or from Python, that passes one check."""

    def read(text: str) -> str:
        check(text)
        return text

    def check_given(value: object) -> None:
        if not isinstance(value, str):
            raise ValueError(f"is {type(value).__name__}; it must be a string")
        check(value)

    return SettingKind(read=read, check=check_given)


def _check_token(text: str) -> None:
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError(
            "holds a blank, or another character that no bearer token can have; "
            "it must be the key alone, in visible ASCII characters"
        )


def _check_own_token(text: str) -> None:
    _check_token(text)
    if len(text) < LEAST_TOKEN_CHARACTERS:
        raise ValueError(
            f"has {len(text)} characters; it must have at least {LEAST_TOKEN_CHARACTERS}, or it could be "
            "found by trying: make one with openssl rand -hex 32"
        )


def _read_webhook_secrets(text: str) -> tuple[str, ...]:
    entries = tuple(one.strip() for one in text.split(",") if one.strip())
    if not entries:
        raise ValueError("names no secret; unset it, or name one")
    _check_webhook_secrets(entries)
    return entries


def _check_webhook_secrets(value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(entry, str) for entry in value):
        raise ValueError(
            "must be a tuple of secrets, each of which begins with whsec_, or with its routes: "
            "payout/received+payout/reversed=whsec_…"
        )
    for entry in value:
        routes, secret = split_entry(entry)
        _check_webhook_secret(secret)
        _check_routes(routes)


def _check_routes(routes: frozenset[str] | None) -> None:
    for route in sorted(routes or ()):
        # What stands there may be a secret that was put in the wrong place: only what is short is told.
        told = repr(route) if re.fullmatch(r"[a-z/_.-]{1,40}", route) else "something that is none"
        if route not in SENDERS:
            raise ValueError(
                f"binds a secret to {told}, which is no route that is signed; before =whsec_… stand, joined "
                f"by +, some of {', '.join(SENDERS)}"
            )


def _check_webhook_secret(secret: str) -> None:
    """Refuse what is no secret of Standard Webhooks, without telling it."""
    must = f"it must be whsec_ and {WEBHOOK_BYTES[0]} to {WEBHOOK_BYTES[-1]} random bytes in base64"
    match = re.fullmatch(r"whsec_([A-Za-z0-9+/]+)(=*)", secret)
    if match is None:
        raise ValueError(
            "holds a secret that does not begin with whsec_ or is no base64; "
            f"{must}, and several are separated by commas"
        )
    encoded, given = match.groups()
    padding = "=" * (-len(encoded) % 4)
    if len(padding) > 2 or given not in ("", padding):
        raise ValueError(f"holds a secret whose base64 is cut off; {must}")
    size = len(base64.b64decode(encoded + padding))
    if size not in WEBHOOK_BYTES:
        raise ValueError(f"holds a secret of {size} bytes; {must}")


def _check_jwt_secret(secret: str) -> None:
    if secret != secret.strip():
        raise ValueError("begins or ends with a blank or a line break; leave it out")
    if "-----BEGIN " in secret or secret.startswith("ssh-"):
        raise ValueError("is a key pair's or a certificate's; HS256 takes a secret of both sides")
    try:
        size = len(secret.encode())
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8") from None
    if size < LEAST_JWT_BYTES:
        raise ValueError(
            f"has {size} bytes; HS256 needs at least {LEAST_JWT_BYTES}, "
            "or tokens could be forged by trying secrets"
        )


def _check_name(text: str) -> None:
    if not text.isprintable() or text != text.strip() or not text:
        raise ValueError("begins or ends with a blank, or holds a control character; name it as tokens do")


TOKEN = same(_check_token)
OWN_TOKEN = same(_check_own_token)
JWT_SECRET = same(_check_jwt_secret)
JWT_NAME = same(_check_name)
WEBHOOK_SECRETS = SettingKind(read=_read_webhook_secrets, check=_check_webhook_secrets)
