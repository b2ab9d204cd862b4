"""Serving: gunicorn with pinned workers of many threads, from the start to the last answer.

Decides how the service runs and when it refuses to start, with a sentence instead of a traceback. Each worker
is on one core, since handing the interpreter's lock from core to core costs half of the speed; what several
of them share, `processes` makes.
"""

from __future__ import annotations

import errno
import logging
import resource
import socket
from contextlib import suppress
from dataclasses import replace
from time import monotonic, sleep
from types import FrameType
from typing import Any, NoReturn

from gunicorn import systemd
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from webapp import create_app
from webapp.access.authorization import ANY_OF_THEM, is_loopback
from webapp.http import access_log
from webapp.routes.webhooks import IDS, REPEATED
from webapp.server.processes import Places, SharedFolder, collect_seldom, keep_shared, settle, tie_to_arbiter
from webapp.server.slow_clients import BoundedWorker
from webapp.server.startup import (
    REFUSED,
    UNAVAILABLE,
    give_up,
    open_workflow,
    try_start,
    warn_of_misspelt_variables,
)
from webapp.server.worker_process import EmbeddedWorker, is_beside, work
from webapp.settings import ServiceSettings
from webapp.ws.session import Sockets
from workflow_fsm.core.errors import WorkflowError
from workflow_fsm.stores.group_commit.queue import MOST_WAITING
from workflow_fsm.workflow import Workflow

__all__ = ["exposed", "serve", "work"]

THREADS = MOST_WAITING + 32
"""As many as may wait for the writer, and some who tell others to come later, and answer what only reads."""
CONNECTIONS = 1024
"""Connections beside those that have a thread: kept alive, or silent."""
BACKLOG = 2048
DESCRIPTORS = 128
"""Open files that are no clients' connections: the store, what handlers call, the log."""
GRACEFUL_SECONDS = 3
PORT_SECONDS = 1
"""How long a port in use is waited for: the worker of a service that was killed has it until it ends too."""
KEEPALIVE_SECONDS = 65
"""Longer than the usual proxy or client keeps one, so that it is never us who close under a request."""

_IDS = [one.upper() for one in IDS]

log = logging.getLogger(__name__)


def serve(settings: ServiceSettings) -> NoReturn:
    """Serve until a signal ends it; exits with 0 then, else with a sentence and a code of `startup`."""
    access_log.configure()
    warn_of_misspelt_variables()
    listener = _inherited()
    if listener is not None:
        settings = replace(settings, host=listener.getsockname()[0])
    if exposed(settings):
        give_up(
            "serve",
            REFUSED,
            f"{settings.host} is no loopback address, and no credentials are configured, so anybody could "
            f"post webhooks: set {ANY_OF_THEM}, or HOST=127.0.0.1",
        )
    if settings.processes > 1 and settings.workflow.database_url == "sqlite:///:memory:":
        told = "sqlite:///:memory: is another store in each process, and WORKFLOW_PROCESSES is"
        give_up("serve", REFUSED, f"{told} {settings.processes}; name a file")
    if listener is None:
        listener = _listen(settings.host, settings.port)
    settings = replace(settings, port=listener.getsockname()[1])
    try_start("serve", settings)
    keep_shared()
    Service(settings, listener).run()
    raise SystemExit(0)


def exposed(settings: ServiceSettings) -> bool:
    """Tell whether others than this machine could reach a service that asks nobody for credentials."""
    if settings.asks_for_credentials:
        return False
    return not all(is_loopback(str(address[0])) for _, address in _addresses(settings.host, settings.port))


class Service(BaseApplication):
    """The app under gunicorn, on a socket that listens already."""

    def __init__(self, settings: ServiceSettings, listener: socket.socket) -> None:
        self._settings = settings
        self._url = _url(listener)
        self._bind = f"fd://{listener.detach()}"
        self._workflow: Workflow | None = None
        self._effects: EmbeddedWorker | None = None
        self._sockets: Sockets | None = None
        self._places = Places()
        self._shared = SharedFolder() if settings.processes > 1 else None
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn its settings; its own environment variables and files are not read."""
        threads = THREADS + self._settings.max_sockets
        chosen = {
            "bind": self._bind,
            "backlog": BACKLOG,
            "worker_class": ServiceWorker,
            "workers": self._settings.processes,
            "threads": threads,
            "worker_connections": _room_for(threads + CONNECTIONS),
            "preload_app": False,
            "graceful_timeout": GRACEFUL_SECONDS,
            "keepalive": KEEPALIVE_SECONDS,
            "limit_request_line": 8190,
            "limit_request_fields": 64,
            "limit_request_field_size": 8190,
            # A header may set neither the path nor the scheme.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "accesslog": None,
            "logger_class": QuietLogger,
            "loglevel": "error",
            "control_socket_disable": True,
            "when_ready": self._announce,
            "pre_fork": self._places.give,
            "post_fork": self._begin,
            "worker_exit": self._close,
            "child_exit": self._forget,
        }
        if self._shared is not None:
            chosen["on_exit"] = self._shared.remove
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Open the store and its handlers in the worker, after the fork; begin the effects; make the app."""
        try:
            self._workflow = open_workflow(self._settings)
        except WorkflowError as error:
            raise AppImportError(str(error)) from error
        if is_beside(self._settings):
            self._effects = EmbeddedWorker(
                self._workflow, None if self._shared is None else self._shared.duty
            )
        app = create_app(self._workflow, settings=self._settings)
        self._sockets = app.extensions["workflow_fsm_sockets"]
        access_log.begin_blocks()
        collect_seldom()
        settle(self.cfg)
        return app

    def leave(self) -> None:
        """Begin the end of the sockets and the effects, beside that of the requests."""
        if self._sockets is not None:
            self._sockets.stop()
        if self._effects is not None:
            self._effects.leave()

    def _announce(self, _arbiter: Arbiter) -> None:
        log.info("serving on %s", self._url)

    def _begin(self, _arbiter: Arbiter, worker: Worker) -> None:
        self._places.pin(worker)
        tie_to_arbiter()

    def _forget(self, arbiter: Arbiter, worker: Worker) -> None:
        self._places.take_back(arbiter, worker)
        if self._shared is not None:
            self._shared.forget(worker)

    def _close(self, _arbiter: Arbiter, _worker: Worker) -> None:
        if self._effects is not None:
            self._effects.close()
        if self._workflow is not None:
            self._workflow.close()
        access_log.end_blocks()


class ServiceWorker(BoundedWorker):
    """A worker process of gunicorn's; told to end, it ends its effects and its requests together."""

    app: Service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take SIGTERM."""
        self.app.leave()
        super().handle_exit(sig, frame)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request, in which an id that comes in two headers is kept from looking like one."""
        names = [name for name, _ in req.headers]
        for name in _IDS:
            if names.count(name) > 1:
                both = REPEATED.join(value for each, value in req.headers if each == name)
                req.headers = [*(one for one in req.headers if one[0] != name), (name, both)]
        return super().handle_request(req, conn)


class QuietLogger(Logger):
    """Hands gunicorn's errors to the log of the service, and has no access log: a line a request is ours."""

    def setup(self, cfg: Any) -> None:
        """Take no handlers of gunicorn's own."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def access(self, *_told: object) -> None:
        """Write nothing."""

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log an error without the query of the request that met it: a WebSocket's may hold a token."""
        told = (one.partition("?")[0] if isinstance(one, str) else one for one in args)
        super().exception(msg, *told, **kwargs)


def _inherited() -> socket.socket | None:
    """Take the socket that whoever starts the service listens on for it (LISTEN_FDS, as systemd has it).

    Who connects while the service is stopped and started waits in it, and is refused by nobody.
    """
    many = systemd.listen_fds()  # those of this process alone: its id is told too
    if not many:
        return None
    listener = socket.socket(fileno=systemd.SD_LISTEN_FDS_START)
    if many > 1:
        give_up("serve", REFUSED, f"LISTEN_FDS hands over {many} sockets, and one is served; hand over one")
    if listener.family not in (socket.AF_INET, socket.AF_INET6) or not _listens(listener):
        must = "its ListenStream must be an address and a port"
        give_up("serve", REFUSED, f"LISTEN_FDS hands over what is no listening socket of TCP; {must}")
    listener.set_inheritable(False)
    return listener


def _listens(listener: socket.socket) -> bool:
    return bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _listen(host: str, port: int) -> socket.socket:
    family, address = _addresses(host, port)[0]
    retry_until = monotonic() + PORT_SECONDS
    while True:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or monotonic() >= retry_until:
                why = (error.strerror or str(error)).lower()
                sentence = f"port {port} of {host} can't be had ({why}); end what uses it, or set PORT"
                give_up("serve", UNAVAILABLE, sentence)
            sleep(0.02)
        else:
            return listener


def _room_for(connections: int) -> int:
    """Let this process have so many connections, of two descriptors each; give how many it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return max(1, min(connections, (soft - DESCRIPTORS) // 2))
    return connections


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    """Resolve a host; IPv4 first, as clients who say `localhost` try both."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        give_up("serve", REFUSED, f"HOST={host} is no address of this machine ({error.strerror or error})")
    return sorted(((family, address) for family, _, _, _, address in found), key=lambda each: each[0])


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
