"""Secrets, and what senders make of them: signatures and tokens, made by hand, to compare ours with."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from flask import Flask

from workflow_fsm import Workflow

Open: TypeAlias = Callable[[], Workflow]
OpenApp: TypeAlias = Callable[..., Flask]


def secret(byte: int, size: int = 32) -> str:
    return "whsec_" + base64.b64encode(bytes([byte]) * size).decode()


NEW, OLD, STRANGE = secret(7), secret(8), secret(9)
API_TOKEN = "operators-token-0f9e8d7c6b5a4938"
JWT_SECRET = "a secret that both sides have, long enough"

WEBHOOKS = {"WORKFLOW_WEBHOOK_SECRETS": f"{NEW},{OLD}"}
TOKEN = {"WORKFLOW_API_TOKEN": API_TOKEN}
JWT = {"WORKFLOW_JWT_SECRET": JWT_SECRET}
ALL = {**WEBHOOKS, **TOKEN, **JWT}
EVERY_SECRET = [NEW, OLD, API_TOKEN, JWT_SECRET]


def signature(body: bytes, at: str, message_id: bytes, of: str = NEW) -> str:
    """Sign as Standard Webhooks says: HMAC-SHA256 over `id.timestamp.body`, all of it bytes."""
    key = base64.b64decode(of.removeprefix("whsec_"))
    made = hmac.digest(key, message_id + b"." + at.encode() + b"." + body, "sha256")
    return "v1," + base64.b64encode(made).decode()


def signed(body: bytes, now: datetime, *, message_id: str = "msg_1", of: str = NEW) -> dict[str, str]:
    """Give the headers of a signed message."""
    at = str(int(now.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": signature(body, at, message_id.encode(), of),
    }


def token(
    claims: object,
    *,
    alg: object = "HS256",
    key: str = JWT_SECRET,
    digest: str = "sha256",
    header: Mapping[str, Any] | None = None,
) -> str:
    """Make a token by hand, however wrong; `claims` may be the payload's bytes."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    told = json.dumps({"typ": "JWT", "alg": alg, **(header or {})}).encode()
    parts = b".".join(_encoded(part) for part in (told, payload))
    return (parts + b"." + _encoded(hmac.digest(key.encode(), parts, digest))).decode()


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def holder(now: datetime, **claims: object) -> dict[str, str]:
    """Give the header of one who holds a good token with these claims."""
    return bearer(token({"exp": int(now.timestamp()) + 60, **claims}))


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
