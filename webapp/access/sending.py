"""Sending: the headers of a webhook that is signed as its senders sign it, for the command line's own."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime

from webapp.access.signatures import signatures

_PREFIX = "whsec_"


def signed(secret: str, message_id: str, body: bytes, now: datetime) -> Mapping[str, str]:
    """Give the headers that sign a body as Standard Webhooks 1.0 says. Raises ValueError for no secret."""
    key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    timestamp = str(int(now.timestamp()))
    [signature] = signatures([key], message_id, timestamp, [body])
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature.decode(),
    }
