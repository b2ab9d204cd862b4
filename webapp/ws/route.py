"""Live: `ws/{user_id}`, the way from a request to an open socket. What a socket is told, `session` says.

Decides who gets one. Credentials are asked before any view, here as everywhere; then what was asked for is
read, and a place taken; then flask-sock answers the handshake.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from selectors import PollSelector
from time import monotonic
from typing import Any, NoReturn

from flask import Blueprint, Request, request
from flask.blueprints import BlueprintSetupState
from flask_sock import Sock
from simple_websocket import ConnectionError
from wsproto.utilities import RemoteProtocolError

from webapp.access import authentication
from webapp.http.problems import Problem
from webapp.http.query_string import Query, bad_request
from webapp.routes.status import read_user_id
from webapp.routes.webhooks import PREFIX
from webapp.settings import ServiceSettings
from webapp.ws.session import MAX_CURSOR, Asked, Sockets
from webapp.ws.transport import Transport
from workflow_fsm.workflow import Workflow

PLAIN = "ws_plain"
"""The endpoint of what asks for the route without asking for a WebSocket: it is told so, whoever it is."""
PING_SECONDS = 30.0
MAX_MESSAGE_BYTES = 64 * 1024
"""What a client may send in a message, which is thrown away: nothing is awaited from it."""

_CONNECTIONS = ("werkzeug.socket", "gunicorn.socket")
"""Where servers put a request's connection, and flask-sock looks for it."""


def add_to(routes: Blueprint, workflow: Workflow, settings: ServiceSettings) -> None:
    """Add the route. An app that has it has its `Sockets` in `app.extensions["workflow_fsm_sockets"]`."""
    sockets = Sockets(workflow, settings)
    rule = f"{PREFIX}/ws/<workflow_rest:rest>"
    Sock().route(rule, bp=_Door(routes, sockets), endpoint="ws", merge_slashes=False)(sockets.follow)

    def prepare(state: BlueprintSetupState) -> None:
        state.app.extensions["workflow_fsm_sockets"] = sockets
        state.app.config.setdefault("SOCK_SERVER_OPTIONS", _options())

    routes.record(prepare)


class _Door:
    """What flask-sock registers its view with: puts before the upgrade what may refuse it."""

    def __init__(self, routes: Blueprint, sockets: Sockets) -> None:
        self._routes = routes
        self._sockets = sockets

    def route(self, rule: str, **options: Any) -> Callable[[Callable[..., Any]], None]:
        """Register a view behind the door."""

        def register(upgrade: Callable[..., Any]) -> None:
            def admit(rest: str) -> Any:
                user_id = read_user_id(request, rest)
                since, fault = _read_since(request)
                with self._sockets.place(user_id):
                    head = self._sockets.head(user_id)
                    transport = Transport(_connection(request))
                    try:
                        asked = Asked(
                            user_id=user_id,
                            head=head,
                            since=since,
                            fault=fault,
                            transport=transport,
                            ends_at=self._ends_at(),
                        )
                        return _upgraded(upgrade, asked)
                    finally:
                        transport.release()

            self._routes.add_url_rule(rule, view_func=admit, **options)
            self._routes.add_url_rule(rule, endpoint=PLAIN, view_func=_refuse_plain, merge_slashes=False)

        return register

    def _ends_at(self) -> float | None:
        """Tell when the credential that was sent ends, by the monotonic clock."""
        until = authentication.principal(request).until
        if until is None:
            return None
        return monotonic() + until - self._sockets.workflow._clock().timestamp()


def _refuse_plain(rest: str) -> NoReturn:
    raise Problem(
        "upgrade-required",
        "This route is a WebSocket, and the request asks for none: connect with a WebSocket client; where "
        "one did, a proxy between it and the service left its Upgrade and Connection headers out.",
        headers={"Upgrade": "websocket", "Connection": "Upgrade"},
    )


class _ReadingThread(threading.Thread):
    """The thread that reads from a socket. It holds up no exit."""

    def __init__(self, **options: Any) -> None:
        super().__init__(daemon=True, **options)


def _options() -> dict[str, Any]:
    return {
        "ping_interval": PING_SECONDS,
        "max_message_size": MAX_MESSAGE_BYTES,
        "thread_class": _ReadingThread,
        "selector_class": PollSelector,  # takes no descriptor of its own
    }


def _read_since(request: Request) -> tuple[int | None, str | None]:
    """Read the cursor behind which to begin, or what is wrong with it.

    That is told on the socket, by its close: of an HTTP answer in place of an upgrade browsers show nothing.
    """
    query = Query(request)
    try:
        text = query.text("since")
        query.check()
        if text is None:
            return None, None
        if not (text.isascii() and text.isdigit()):
            raise bad_request([("since", "must be a cursor: a whole number, 0 or more")])
    except Problem as problem:
        return None, problem.detail
    return min(int(text[:20]), MAX_CURSOR), None


def _connection(request: Request) -> Any:
    for name in _CONNECTIONS:
        if name in request.environ:
            return request.environ[name]
    raise RuntimeError("this server can't carry WebSockets; gunicorn's gthread worker can")


def _upgraded(upgrade: Callable[..., Any], asked: Asked) -> Any:
    """Let flask-sock answer the handshake, on the transport; not compressed, which costs memory."""
    environ = request.environ
    before = {name: environ[name] for name in _CONNECTIONS if name in environ}
    environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
    environ.update(dict.fromkeys(before, asked.transport))
    try:
        return upgrade(asked)
    except (RemoteProtocolError, ConnectionError) as error:
        raise bad_request([("", "it is no handshake of WebSocket version 13")]) from error
    finally:
        environ.update(before)
