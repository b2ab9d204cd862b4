"""What we override and use of gunicorn, much of it private: an upgrade that drops one fails here."""

from __future__ import annotations

import ast
import inspect
import re
import socket
import textwrap
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from types import ModuleType

import pytest
from gunicorn.http import wsgi
from gunicorn.http.parser import Parser
from gunicorn.http.unreader import Unreader
from gunicorn.workers import gthread
from packaging.requirements import Requirement

from tests.packaging.conftest import ROOT
from webapp.server import serving, slow_clients
from webapp.server.processes import settle
from webapp.server.serving import KEEPALIVE_SECONDS, QuietLogger, Service, ServiceWorker
from webapp.server.slow_clients import BoundedWorker
from webapp.settings import ServiceSettings

OVERRIDDEN: dict[type, set[str]] = {
    BoundedWorker: {"handle", "handle_request", "finish_request", "_cap_keepalive"},
    ServiceWorker: {"handle_exit", "handle_request"},
    Service: {"load_config", "load"},
    QuietLogger: {"setup", "access", "exception"},
}
"""Methods of gunicorn's classes that ours have in their place: it calls them, or calls nothing."""

USED: dict[type, set[str]] = {
    BoundedWorker: {"alive", "cfg", "keepalived_conns", "max_keepalived", "pending_conns", "tpool", "wsgi"},
    ServiceWorker: {"app"},
    Service: {"cfg"},
    QuietLogger: {"error_log"},
}
"""What ours ask of themselves that gunicorn's classes have."""

OF_A_CONNECTION = {"client", "parser", "server", "sock", "timeout", "wait_for_data"}
OF_THE_MODULE = {"_DEFER"}


def test_each_class_of_ours_that_is_gunicorn_s_is_listed_here() -> None:
    found = {
        value
        for module in (serving, slow_clients)
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__ and of_gunicorn(value)
    }
    assert found == set(OVERRIDDEN) == set(USED)


def test_each_method_that_we_override_is_still_one_of_gunicorn_s() -> None:
    found = {
        ours: {name for name in vars(ours) if not name.startswith("__") and name in names(*of_gunicorn(ours))}
        for ours in OVERRIDDEN
    }
    found[ServiceWorker] -= {"app"}  # only named, with the type that it has here
    assert found == OVERRIDDEN


def test_gunicorn_still_calls_what_bounds_slow_clients() -> None:
    called = attributes(gthread, of="self")
    assert called >= OVERRIDDEN[BoundedWorker]


def test_each_attribute_that_we_use_is_still_one_of_gunicorn_s() -> None:
    for ours, used in USED.items():
        asked = attributes(ours, of="self")
        assert asked & names(*of_gunicorn(ours)) - OVERRIDDEN[ours] == used
    assert attributes(slow_clients, of="conn") == OF_A_CONNECTION <= names(gthread.TConn)
    assert attributes(slow_clients, of="gthread") == OF_THE_MODULE <= set(vars(gthread))


def test_settings_that_are_given_at_once_are_those_that_gunicorn_looks_up(service: Service) -> None:
    looked_up = {name: getattr(service.cfg, name) for name in service.cfg.settings}
    assert not set(looked_up) & set(vars(service.cfg))

    settle(service.cfg)

    assert {name: getattr(service.cfg, name) for name in looked_up} == looked_up
    assert len(vars(service.cfg)) > 100
    assert service.cfg.keepalive == KEEPALIVE_SECONDS


def test_what_tells_that_a_request_waits_is_where_we_look_for_it() -> None:
    """`conn.parser.unreader.buf`, and how many wait for a thread."""
    assert "unreader" in names(Parser)
    assert "buf" in names(Unreader)
    assert "_work_queue" in names(ThreadPoolExecutor)


def test_the_connection_of_a_request_is_handed_to_the_app() -> None:
    assert '"gunicorn.socket"' in inspect.getsource(wsgi)


def test_the_oldest_gunicorn_that_is_installed_has_them_all() -> None:
    """The last to come, `_cap_keepalive`, is in 27.0.1 and not in 27.0.0."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    required = map(Requirement, config["options.extras_require"]["web"].split("\n")[1:])
    [gunicorn] = [one for one in required if one.name == "gunicorn"]
    assert not gunicorn.specifier.contains("27.0.0")
    assert gunicorn.specifier.contains("27.0.1")


# -- parts


@pytest.fixture
def service() -> Service:
    return Service(ServiceSettings(), socket.create_server(("127.0.0.1", 0)))


def of_gunicorn(ours: type) -> list[type]:
    """Give the classes of gunicorn's that a class of ours extends."""
    return [base for base in ours.__mro__ if base.__module__.startswith("gunicorn.")]


def names(*classes: type) -> set[str]:
    """Name what objects of these classes have: methods, and what methods set."""
    own = {name for one in classes for base in one.__mro__[:-1] for name in vars(base)}
    set_by_methods = {
        node.attr
        for one in classes
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(one))))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    return own | set_by_methods


def attributes(source: type | ModuleType, *, of: str) -> set[str]:
    """Name the attributes that code asks of a variable."""
    return set(re.findall(rf"\b{of}\.(\w+)", inspect.getsource(source)))
