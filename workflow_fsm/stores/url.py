"""Which store a URL names: SQLite's or PostgreSQL's. What is wrong with one is told without its secrets."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from workflow_fsm.core.errors import SettingsInvalid
from workflow_fsm.stores.schema.versions import Schema
from workflow_fsm.stores.session import Database
from workflow_fsm.stores.sqlite.connections import MEMORY
from workflow_fsm.stores.sqlite.database import SQLite
from workflow_fsm.stores.sqlite.prepare import look as look_at_file

SERVED = ("postgresql", "postgres")
"""Schemes of stores that a server keeps."""


def open_database(url: str, now: datetime) -> Database:
    """Open what a URL names. Raises SettingsInvalid, StoreRefused or StoreUnavailable."""
    if not is_served(url):
        return SQLite(sqlite_path(url))
    try:
        from workflow_fsm.stores.postgres.database import Postgres
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in ("psycopg", "psycopg_pool"):
            raise
        raise SettingsInvalid(
            f"{shown(url)} needs {error.name}, which is not installed: pip install 'workflow-fsm[postgres]'"
        ) from error
    except ImportError as error:  # psycopg without a library to speak through
        raise SettingsInvalid(
            f"{shown(url)} needs psycopg with its binary: pip install 'workflow-fsm[postgres]'"
        ) from error
    return Postgres(url, now=now)


def look(url: str) -> Schema:
    """Read which migrations the store that a URL names has, and which this version knows; changes nothing.

    Raises SettingsInvalid, StoreRefused or StoreUnavailable.
    """
    if is_served(url):
        from workflow_fsm.stores.postgres import connecting, migrate

        return migrate.look(connecting.read_url(url))
    path = sqlite_path(url)
    if path == MEMORY:
        raise SettingsInvalid("sqlite:///:memory: has no schema before it is opened; name a file")
    return look_at_file(path)


def is_served(url: str) -> bool:
    """Tell whether a URL names a store that a server keeps, which many hosts may share."""
    return url.partition("://")[0] in SERVED and "://" in url


def sqlite_path(url: str) -> str:
    """Give the path in a `sqlite:///PATH` URL, as SQLAlchemy reads it. Raises SettingsInvalid."""
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path:
        raise SettingsInvalid(
            f"the store's URL {shown(url)!r} can't be used; "
            "it must be sqlite:///PATH (sqlite:////abs/path, sqlite:///rel/path), sqlite:///:memory: "
            "or postgresql://USER@HOST/DATABASE"
        )
    return MEMORY if path == MEMORY else path


def sqlite_file(url: str) -> str | None:
    """Give the file that a URL names; None for a store in memory, or a server's. Raises SettingsInvalid."""
    path = MEMORY if is_served(url) else sqlite_path(url)
    return None if path == MEMORY else path


def shown(url: str) -> str:
    """Give a URL without what may be secret in it: credentials, and a server's parameters."""
    scheme, separator, rest = url.partition("://")
    _, at, host = rest.rpartition("@")
    if is_served(url):
        try:
            parts = urlsplit(url)
            host = parts.netloc.rpartition("@")[2] + parts.path
        except ValueError:
            host = "…"
    elif not at:
        return url
    return f"{scheme}{separator}{'…@' if at else ''}{host}"
