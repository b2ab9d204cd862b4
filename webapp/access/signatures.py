"""Signatures of Standard Webhooks 1.0, made of a body as it comes, piece by piece.

Each is an HMAC-SHA256 over `id.timestamp.body`. The standard's own library takes a body whole, as text, and
copies it for each secret.
"""

from __future__ import annotations

import base64
import codecs
import hmac
from collections.abc import Iterable, Sequence

VERSION = "v1,"


def signatures(keys: Sequence[bytes], message_id: str, timestamp: str, body: Iterable[bytes]) -> list[bytes]:
    """Give the signature of a message by each key. Raises UnicodeDecodeError for a body that is no text."""
    head = f"{message_id}.{timestamp}.".encode()
    made = [hmac.new(key, head, "sha256") for key in keys]
    is_text = codecs.getincrementaldecoder("utf-8")()
    for piece in body:
        is_text.decode(piece)
        for one in made:
            one.update(piece)
    is_text.decode(b"", final=True)
    return [VERSION.encode() + base64.b64encode(one.digest()) for one in made]
