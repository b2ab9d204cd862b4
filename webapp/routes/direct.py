"""The direct way of a webhook: one that comes as almost all do is taken without Flask's context and hooks.

It does what the view and the hooks around it do, by the same parts. Whatever isn't usual about a request, and
every error, is Flask's to answer, which is handed the request as it came. So is all where hooks or signals of
others want to see requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask import Flask, signals
from werkzeug.http import HTTP_STATUS_CODES

from webapp.access.authorization import Guard
from webapp.http import access_log, headers, request_body
from webapp.http.response import Answer, dumps
from webapp.paths import PREFIX, TRIGGERS
from webapp.routes import metrics, webhooks
from webapp.settings import ServiceSettings
from workflow_fsm.core.values import strict_json
from workflow_fsm.core.values.strict_json import JSON
from workflow_fsm.workflow import Workflow

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Direct:
    """The WSGI app of a service: answers usual webhooks itself, and has Flask answer the rest."""

    def __init__(self, app: Flask, workflow: Workflow, settings: ServiceSettings, guard: Guard) -> None:
        self._flask: WSGIApplication = app.wsgi_app
        self._app = app
        self._workflow = workflow
        self._refusal_status = settings.refusal_status
        self._guard = guard
        self._measures = metrics.measures(workflow)
        self._triggers = {f"{PREFIX}/{path}": trigger for path, trigger in TRIGGERS.items()}
        self._known = {one.name for one in workflow.definition.triggers}
        self._around = _around(app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        trigger = self._triggers.get(environ["PATH_INFO"])
        if (
            trigger is None
            or environ["REQUEST_METHOD"] != "POST"
            or not request_body.is_short_json(environ)
            or self._is_watched()
        ):
            return self._flask(environ, start_response)
        since = perf_counter()
        came = environ["wsgi.input"]
        read = b""
        try:
            read = came.read(int(environ["CONTENT_LENGTH"]))
            sender = self._guard.usual_sender(environ, trigger, read)
            body = _object(environ, read)
            if sender is None or body is None:
                raise _Unusual
            webhooks.check_kind(trigger, body, self._known)
            ids = webhooks.read_ids(environ)
        except Exception:  # which Flask meets too, and tells of
            environ["wsgi.input"] = BytesIO(read) if read else came
            return self._flask(environ, start_response)
        try:
            event = self._workflow.read(trigger, body, ids=ids)
            [result] = self._workflow.submit([event], actor=sender.actor)
            answer = webhooks.answer(result, refusal_status=self._refusal_status)
        except Exception as error:
            environ["wsgi.input"] = BytesIO(read)
            webhooks.hand_over(environ, error)
            return self._flask(environ, start_response)
        facts = {
            **access_log.ids_of(body),
            "credential": sender.credential,
            "credential_name": sender.name,
            "trigger": trigger,
            **access_log.ids_of(answer.body),  # type: ignore[arg-type]  # an event's is an object
            "outcome": answer.outcome,
        }
        return self._send(environ, start_response, trigger, answer, facts, since)

    def _send(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        trigger: str,
        answer: Answer,
        facts: dict[str, Any],
        since: float,
    ) -> Iterable[bytes]:
        """Count an answer, write its line, and send it."""
        body = dumps(answer.body)
        self._measures.requested(trigger, answer.code)
        request_id = access_log.write(environ, answer.code, facts, perf_counter() - since)
        told = [
            *answer.headers.items(),
            ("Content-Type", answer.media_type),
            ("Content-Length", str(len(body))),
            *(headers.of_answer(answer.headers) if answer.headers else _USUAL_HEADERS),
            (access_log.REQUEST_ID_HEADER, request_id),
        ]
        start_response(_status(answer.code), told)
        return (body,)

    def _is_watched(self) -> bool:
        """Tell whether somebody else has a part in requests: by Flask's hooks, signals or configuration."""
        return self._around != _around(self._app) or any(signal.receivers for signal in _SIGNALS)


class _Unusual(Exception):
    """Something about a request that the direct way leaves to Flask."""


# -- parts

_SIGNALS = (
    signals.request_started,
    signals.request_finished,
    signals.request_tearing_down,
    signals.got_request_exception,
    signals.appcontext_pushed,
    signals.appcontext_popped,
)
_USUAL_HEADERS = headers.of_answer(())


def _object(environ: WSGIEnvironment, read: bytes) -> dict[str, JSON] | None:
    """Read the one JSON object that a whole body is. Raises Malformed."""
    if len(read) != int(environ["CONTENT_LENGTH"]):
        return None
    value = strict_json.loads(read, max_bytes=request_body.MAX_BYTES)
    return value if isinstance(value, dict) else None


def _around(app: Flask) -> tuple[object, ...]:
    """Give what an app does around each request: how many functions it calls, and what it refuses."""
    return (
        *(sum(map(len, kind.values())) for kind in (app.before_request_funcs, app.after_request_funcs)),
        *(sum(map(len, kind.values())) for kind in (app.teardown_request_funcs, app.url_value_preprocessors)),
        len(app.teardown_appcontext_funcs),
        *(app.config[name] for name in ("MAX_CONTENT_LENGTH", "TRUSTED_HOSTS", "SERVER_NAME")),
    )


@lru_cache(maxsize=64)
def _status(code: int) -> str:
    return f"{code} {HTTP_STATUS_CODES[code].upper()}"
