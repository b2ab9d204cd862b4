"""Where a request comes from: the host it was sent to, the page that sent it, and who handed it on.

A browser sends a page's requests to this machine too, whatever host the page is of: while nobody is asked
for credentials, the names in `Host` and `Origin` are all that tells such a page from this machine's own
programs, and what a proxy handed on may be anybody's. Where credentials are asked for they decide, and hosts
are checked if they are named.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self
from urllib.parse import urlsplit

from flask import Request

from webapp.http.problems import Problem
from webapp.settings import ServiceSettings

HOSTS = "WORKFLOW_ALLOWED_HOSTS"
FORWARDED = ("HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_")
"""What proxies tell of whom they hand on; the last is how all names of a family begin."""


@dataclass(frozen=True, slots=True)
class Origins:
    """The hosts that a service is called by: those `named` by its settings, and loopback's own names."""

    named: tuple[str, ...]
    is_open: bool
    checks_hosts: bool

    @classmethod
    def of(cls, settings: ServiceSettings) -> Self:
        """Take them from settings: those that are listed, and the one that callbacks name."""
        own = [] if settings.python_api_url is None else [urlsplit(settings.python_api_url).hostname or ""]
        is_open = not settings.asks_for_credentials
        return cls(
            named=(*settings.allowed_hosts, *own),
            is_open=is_open,
            checks_hosts=is_open or bool(settings.allowed_hosts),
        )

    def check_host(self, environ: Mapping[str, Any]) -> None:
        """Refuse what was sent to another host. Raises Problem."""
        if self.checks_hosts and not self._is_ours(host := _sent_to(environ)):
            raise Problem(
                "origin-refused",
                f"This service is not called by the host {host[:255]!r}; call it by a name that it knows, or "
                f"add the name to {HOSTS} and restart the service.",
            )

    def check_open(self, environ: Mapping[str, Any]) -> None:
        """Refuse what may come from others, while nobody is asked who they are. Raises Problem."""
        told = forwarded(environ)
        if told is not None:
            raise Problem(
                "origin-refused",
                f"The request was handed on by a proxy, as {told} tells, and no credentials are configured, "
                "so anybody could have sent it; set WORKFLOW_WEBHOOK_SECRETS, WORKFLOW_API_TOKEN or "
                "WORKFLOW_JWT_SECRET, and restart the service.",
            )
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and not self._is_ours(_host_of(origin)):
            raise _foreign(origin)

    def check_same(self, request: Request) -> None:
        """Refuse what a page of another host sent with this host's session. Raises Problem."""
        origin = request.headers.get("Origin")
        if origin is None:
            return
        host = _host_of(origin)
        own = _sent_to(request.environ).lower()
        if not host or not (host.lower() == own or _is_among(_name(host), self.named)):
            raise _foreign(origin)

    def _is_ours(self, host: str) -> bool:
        return _is_loopback_name(name := _name(host)) or _is_among(name, self.named)


def forwarded(environ: Mapping[str, Any]) -> str | None:
    """Name the header by which a proxy tells that it handed a request on, if there is one."""
    for key in environ.keys() - _NOT_FORWARDED:
        if key.startswith(FORWARDED):
            return key.removeprefix("HTTP_").replace("_", "-").title()
    return None


# -- parts

_NOT_FORWARDED = frozenset(
    {
        *("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "RAW_URI", "SERVER_PROTOCOL"),
        *("SERVER_NAME", "SERVER_PORT", "SERVER_SOFTWARE", "REMOTE_ADDR", "REMOTE_PORT"),
        *("CONTENT_TYPE", "CONTENT_LENGTH", "gunicorn.socket", "werkzeug.request"),
        *("wsgi.version", "wsgi.url_scheme", "wsgi.input", "wsgi.errors", "wsgi.multithread"),
        *("wsgi.multiprocess", "wsgi.run_once", "wsgi.file_wrapper", "wsgi.input_terminated"),
        *("wsgi.early_hints", "HTTP_HOST", "HTTP_CONNECTION", "HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING"),
        *("HTTP_USER_AGENT", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_WEBHOOK_ID"),
        *("HTTP_IDEMPOTENCY_KEY", "workflow_fsm.since"),
    }
)
"""What almost every request has; the rest of it is looked at one by one."""
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_USUAL_PORTS = {"http": ":80", "https": ":443", "ws": ":80", "wss": ":443"}


@lru_cache(maxsize=256)
def _name(host: str) -> str:
    """Give a host's name, without its port; nothing where it is none."""
    found = _HOST.fullmatch(host)
    return found[1].strip("[]").removesuffix(".").lower() if found else ""


@lru_cache(maxsize=256)
def _is_loopback_name(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _is_among(name: str, named: Collection[str]) -> bool:
    return any(
        name == one.lower() or (one.startswith(".") and f".{name}".endswith(one.lower())) for one in named
    )


def _sent_to(environ: Mapping[str, Any]) -> str:
    """Give the host that a request names, its scheme's usual port left out."""
    host: str = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    return host.removesuffix(_USUAL_PORTS.get(environ.get("wsgi.url_scheme", "http"), ""))


def _host_of(origin: str) -> str:
    """Give the host and port that an origin names; nothing for one that names none, such as `null`."""
    scheme, found, rest = origin.partition("://")
    usual = _USUAL_PORTS.get(scheme.lower())
    return rest.removesuffix(usual) if found and usual and _HOST.fullmatch(rest) else ""


def _foreign(origin: str) -> Problem:
    return Problem(
        "origin-refused",
        f"A page of {origin[:255]!r} sent this, which is none of this service's own; if it is to be trusted, "
        f"add its host to {HOSTS} and restart the service.",
    )
