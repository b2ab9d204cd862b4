"""Posting: messages sent to a service over HTTP, at a rate, one behind the other, as webhooks are sent.

Uses a connection that stays open; where it is lost, or the service has no time, the message is sent again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from workflow_fsm.simulate.days import Message

PREFIX = "/api/v1/workflow"
WAIT_SECONDS = 30.0
"""How long a service is waited for that isn't there, or has no time."""
PAUSE_SECONDS = 0.2
_ANSWERED_ALL_THE_SAME = frozenset({409, 422})
"""Codes of what is kept, though it was refused."""


class NotPosted(Exception):
    """The service can't be posted to; the text says why, and what to do."""


Prove = Callable[[str, bytes], Mapping[str, str]]
"""Gives, of a message's id and body, the headers that prove who sends it."""


class Poster:
    """Posts to one service."""

    def __init__(self, url: str, prove: Prove = lambda message_id, body: {}) -> None:
        """Raises NotPosted for a URL that is none."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise NotPosted(f"{url!r} has no port that can be one") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NotPosted(f"{url!r} is no http://HOST:PORT of a service")
        kind = HTTPConnection if parts.scheme == "http" else HTTPSConnection
        self._connection = kind(parts.hostname, port, timeout=10)
        self._prefix = parts.path.rstrip("/")
        self._url = url
        self._prove = prove

    def post_all(self, messages: Iterable[Message], *, rate: float, told: Callable[[str], None]) -> None:
        """Post messages in order, so many a second; each outcome is `told`. Raises NotPosted."""
        begun = monotonic()
        for number, message in enumerate(messages):
            ahead = begun + number / rate - monotonic()
            if ahead > 0:
                sleep(ahead)
            told(self.post(message))

    def post(self, message: Message) -> str:
        """Post one message, and give what became of it. Raises NotPosted."""
        body = json.dumps(dict(message.fields)).encode()
        until = monotonic() + WAIT_SECONDS
        while True:
            try:
                code, answer = self._send(_route(message.trigger), message.fields["event_id"], body)
            except (OSError, HTTPException) as error:
                self._connection.close()
                why = f"nothing answers at {self._url}: {error or type(error).__name__}"
            else:
                if code != 503:
                    return self._outcome(code, answer)
                why = f"{self._url} has no time: {answer.get('detail')}"
            if monotonic() > until:
                raise NotPosted(f"{why}; start it, and try again")
            sleep(PAUSE_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send(self, route: str, message_id: str, body: bytes) -> tuple[int, Mapping[str, Any]]:
        headers = {"Content-Type": "application/json", **self._prove(message_id, body)}
        self._connection.request("POST", f"{self._prefix}{PREFIX}/{route}", body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        try:
            told = json.loads(content)
        except ValueError:
            told = {}
        return answer.status, told if isinstance(told, dict) else {}

    def _outcome(self, code: int, answer: Mapping[str, Any]) -> str:
        """Give what became of a message. Raises NotPosted where others would fare no better."""
        if code < 300:
            return str(answer.get("status", code))
        if code in _ANSWERED_ALL_THE_SAME:
            return "refused"
        told = answer.get("detail") or "it is no service of workflow-fsm"
        raise NotPosted(f"{self._url} answers {code}: {told}")


def _route(trigger: str) -> str:
    """Give the route of a trigger: `evidence-matching/complete` of `evidence_matching_complete`."""
    about, _, what = trigger.rpartition("_")
    return f"{about.replace('_', '-')}/{what}"
