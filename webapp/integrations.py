"""Calls outwards: syncs and detections asked of the Node.js service, and alerts of dead letters.

Each is an effect, so that it is durable, and its retries are the effects' own. Decides what is sent, and what
an answer means: done, later, or never. An answer is read to a bound; redirects aren't followed.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import TYPE_CHECKING, Any

from webapp.routes.webhooks import PREFIX
from webapp.settings import ServiceSettings
from workflow_fsm.core.errors import SettingsInvalid
from workflow_fsm.effects.handler import DeadLetter, Discard, Request, RetryAfter, Transition
from workflow_fsm.parts.store_handle import Clock
from workflow_fsm.workflow import Workflow, utc_now

if TYPE_CHECKING:  # where nothing is called outwards, the client is never loaded
    from requests import PreparedRequest, Response

START_SYNC = "integrations.start_sync"
RUN_DETECTION = "integrations.run_detection"
ALERT = "alert"

SYNC_PATH = "/api/v1/integrations/amazon/sync"
DETECTION_PATH = "/api/detections/run"

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
"""How long an answer may take to begin, and its body to come."""
LEASE_SECONDS = 90.0
"""Longer than any call can take; past it another worker may try."""
MOST_BYTES = 64 * 1024
EXCERPT_CHARACTERS = 200
LONGEST_WAIT_SECONDS = 3600.0

log = logging.getLogger(__name__)


class Unanswered(Exception):
    """The call failed in a way that another try may not: it is tried again."""


def register(workflow: Workflow, settings: ServiceSettings, *, clock: Clock = utc_now) -> tuple[str, ...]:
    """Register the handlers that the settings ask for; give their names.

    What the store knows from other settings stays owed, for a worker that has it, and is warned of: only
    `workflow-fsm handlers drop` forgets a handler.
    """
    registered = []
    if settings.integrations_url is not None:
        client = Client("the integrations service", clock, bearer=settings.integrations_api_key)
        _register_sync(workflow, client, settings)
        registered.append(START_SYNC)
        if settings.run_detection:
            _register_detection(workflow, client, settings.integrations_url)
            registered.append(RUN_DETECTION)
    if settings.alert_url is not None:
        _register_alert(workflow, Client("the alerts' receiver", clock), settings.alert_url)
        registered.append(ALERT)
    _warn_of_others(workflow, registered)
    return tuple(registered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: its status, the beginning of its body, and the seconds that it asks to wait, if it does."""

    client: str
    status: int
    body: bytes
    excerpt: str
    wait_seconds: float | None

    def tells(self, code: str) -> bool:
        """Whether the body is a JSON object whose `error` or `code`, or a `code` in that, is this one."""
        try:
            told = json.loads(self.body)
        except (ValueError, RecursionError):
            return False
        inner = told.get("error") if isinstance(told, dict) else None
        return any(
            part.get(name) == code for part in (told, inner) if isinstance(part, dict) for name in _CODES
        )

    def check(self) -> None:
        """Return where it is done; else raise what the effect's engine makes of it."""
        if 200 <= self.status < 300:
            return
        said = f"{self.client} answered {self.status}" + (f": {self.excerpt}" if self.excerpt else "")
        if self.status in (429, 503) and self.wait_seconds is not None:
            raise RetryAfter(self.wait_seconds, f"{said} (asked to wait {self.wait_seconds:g} seconds)")
        if self.status == 429 or self.status >= 500:
            raise Unanswered(said)
        raise Discard(said)


class Client:
    """Posts JSON to one service, with an idempotency key and perhaps a bearer token. A session a thread."""

    def __init__(self, called: str, clock: Clock, *, bearer: str | None = None) -> None:
        self._called = called
        self._clock = clock
        self._bearer = bearer
        self._own = _Own()

    def post(self, url: str, body: Mapping[str, Any], *, key: str) -> Reply:
        """Post once. Raises Unanswered where no whole answer came, whatever broke."""
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        try:
            with self._own.session.post(
                url,
                json=dict(body),
                headers={"Idempotency-Key": key, "User-Agent": "workflow-fsm", "Accept-Encoding": "identity"},
                auth=self._authorize,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._read(response)
        except (RequestException, HTTPError, OSError) as error:
            raise Unanswered(f"{self._called} could not be asked: {_why(error)}") from error

    def _authorize(self, request: PreparedRequest) -> PreparedRequest:
        """Set the token. That there is such a callable keeps a .netrc from setting another."""
        if self._bearer is not None:
            request.headers["Authorization"] = f"Bearer {self._bearer}"
        return request

    def _read(self, response: Response) -> Reply:
        from urllib3.exceptions import HTTPError

        done = 200 <= response.status_code < 300
        try:
            body = _body(response)
        except (HTTPError, OSError):
            if not done:
                raise
            body = b""  # what was asked for is done, whatever else it would have said
        text = "".join(one if one.isprintable() else " " for one in body.decode("utf-8", "replace"))
        text = " ".join(text.split())
        if self._bearer is not None:
            text = text.replace(self._bearer, "…")
        return Reply(
            client=self._called,
            status=response.status_code,
            body=body,
            excerpt=text[:EXCERPT_CHARACTERS],
            wait_seconds=read_wait(response.headers.get("Retry-After"), self._clock()),
        )


def read_wait(text: str | None, now: datetime) -> float | None:
    """Read a Retry-After, in seconds or as a date; a second at least, an hour at most. None for neither."""
    if text is None:
        return None
    text = text.strip()
    if re.fullmatch(r"[0-9]+", text):
        seconds = float(text[:9]) if len(text) < 10 else LONGEST_WAIT_SECONDS
    else:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        seconds = (until - now).total_seconds()
    return min(max(seconds, 1.0), LONGEST_WAIT_SECONDS)


# -- parts

_CODES = ("error", "code")


class _Own(threading.local):
    """Each thread's own session, since sessions aren't made to be shared. It keeps no cookies."""

    def __init__(self) -> None:
        from requests import Session

        self.session = Session()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))


def _register_sync(workflow: Workflow, client: Client, settings: ServiceSettings) -> None:
    if settings.python_api_url is None and settings.port == 0:
        raise SettingsInvalid(
            "PYTHON_API_URL must be set where PORT is 0: the integrations service is told where to call back"
        )
    url, callback = f"{settings.integrations_url}{SYNC_PATH}", f"{settings.own_url}{PREFIX}/sync/complete"

    @workflow.on_request(START_SYNC, timeout_seconds=LEASE_SECONDS)
    def start_sync(request: Request) -> None:
        body = {"user_id": request.user_id, "callback_url": callback}
        reply = client.post(url, body, key=request.key)
        if reply.status == 409 and reply.tells("sync_in_progress"):
            log.info("a sync of %s is in progress already", request.user_id)
            return
        reply.check()
        log.info("asked for a sync of %s", request.user_id)


def _register_detection(workflow: Workflow, client: Client, base: str) -> None:
    @workflow.on_enter("synced", name=RUN_DETECTION, timeout_seconds=LEASE_SECONDS)
    def run_detection(transition: Transition) -> None:
        body = {
            "user_id": transition.user_id,
            "syncId": transition.sync_id,
            "triggerType": "sync_complete",
        }
        client.post(f"{base}{DETECTION_PATH}", body, key=transition.key).check()
        log.info("asked for a detection over sync %s of %s", transition.sync_id, transition.user_id)


def _register_alert(workflow: Workflow, client: Client, url: str) -> None:
    @workflow.on_dead_letter(name=ALERT, timeout_seconds=LEASE_SECONDS)
    def alert(told: DeadLetter) -> None:
        dead_letter = told.letter
        what = dead_letter.get("handler") or dead_letter.get("trigger") or dead_letter.kind
        text = f"Dead letter of {dead_letter.user_id}: {what}: {dead_letter.reason}"
        client.post(url, {"text": text} | dead_letter, key=told.key).check()
        log.info("told of a dead letter of %s", dead_letter.user_id)


def _warn_of_others(workflow: Workflow, registered: list[str]) -> None:
    known = {one["name"] for one in workflow.handlers()}
    for name, variable in _ASKED_BY.items():
        if name not in known or name in registered:
            continue
        log.warning(
            "%s is owed, but %s is not set here, so it waits for a worker that has it; "
            "where there will be none: workflow-fsm handlers drop %s",
            name,
            variable,
            name,
        )


_ASKED_BY = {
    START_SYNC: "INTEGRATIONS_URL",
    RUN_DETECTION: "WORKFLOW_RUN_DETECTION",
    ALERT: "WORKFLOW_ALERT_URL",
}


def _body(response: Response) -> bytes:
    """Read as much of a body as is of use, as it comes, and no longer than an answer may take."""
    until = monotonic() + ANSWER_SECONDS
    read: Callable[..., bytes] = getattr(response.raw, "read1", response.raw.read)
    body = b""
    while len(body) < MOST_BYTES and (chunk := read(MOST_BYTES - len(body), decode_content=False)):
        body += chunk
        if monotonic() > until:
            raise TimeoutError("its answer came too slowly")
    return body


def _why(error: BaseException) -> str:
    """Say what broke, without the URL, which may be a secret."""
    from requests import Timeout

    if isinstance(error, Timeout):
        return "it did not answer in time"
    told = type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return f"{told} ({cause.strerror})"
        reason = getattr(cause, "reason", None)
        inner = cause.args[-1] if cause.args and isinstance(cause.args[-1], BaseException) else None
        following = reason if isinstance(reason, BaseException) else inner
        cause = following or cause.__cause__ or cause.__context__
    return told
