"""Connecting: a URL read with what it leaves out, sessions that are all alike, and poolers that break them.

A session is settled once, and its statements are prepared in it: what gives it to others between two
transactions is refused as the store is opened, and so is what forgets the search path that was asked for.
"""

from __future__ import annotations

import re
import select
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from secrets import token_hex
from time import monotonic
from typing import Any
from urllib.parse import unquote_plus

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from workflow_fsm.core.errors import SettingsInvalid, StoreRefused

_PATIENCE = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "workflow-fsm",
}
"""What a URL that says nothing of it gets: a server that is cut off is noticed within half a minute."""
_SETTLE = """
SELECT set_config('lock_timeout', '10s', false) WHERE current_setting('lock_timeout') = '0'
UNION ALL
SELECT set_config('idle_in_transaction_session_timeout', '30s', false)
WHERE current_setting('idle_in_transaction_session_timeout') = '0'
UNION ALL
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
UNION ALL
SELECT set_config('plan_cache_mode', 'force_generic_plan', false)
WHERE current_setting('plan_cache_mode') = 'auto'
  AND NOT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')
"""
"""What is answered is on disk, nobody holds a user's row for long, and a statement's plan is the same for all
users, but on Citus, which plans for the servers that a value leads to: a role that sets these is heeded."""
_ENTER = "SELECT set_config('search_path', quote_ident(%s), false)"
_PATH_IN_OPTIONS = re.compile(r"(?:^|\s)(?:-c\s*|--)search[_-]path=((?:\\.|[^\s\\])*)", re.IGNORECASE)
_MARK = "SELECT current_setting('workflow_fsm.session', true)"
_OTHERS = 3
"""Sessions that are begun beside a first one, each in a transaction, to see whether it keeps its server."""
_OTHERS_SECONDS = 2.0
"""How long each waits for a server; in vain where a pooler has no more, and the first has kept its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a store is: what libpq is told, and the schema that its tables stand in, where one was named."""

    conninfo: str
    schema: str | None

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection, each statement on its own, in the schema. Raises psycopg's errors."""
        connection = self._bare()
        try:
            self.enter(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def enter(self, connection: psycopg.Connection[Any]) -> None:
        """Let a connection's names be those of the schema."""
        if self.schema is not None:
            connection.execute(_ENTER, (self.schema,))

    def settle(self, connection: psycopg.Connection[Any]) -> None:
        """Bring a connection of the pool to where all of them are."""
        connection.execute(_SETTLE)
        self.enter(connection)

    def check(self, connection: psycopg.Connection[Any]) -> None:
        """See that a session is one, and where it was asked to be. Raises StoreRefused, with a sentence."""
        self._check_session(connection)
        if self.schema is None:
            _check_path(connection)

    def _bare(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.conninfo, autocommit=True)

    def _check_session(self, connection: psycopg.Connection[Any]) -> None:
        """See that no pooler gives a session's server to others between its transactions.

        Sessions are only tried where something stands between: it tells another process than the server does.
        """
        if _value(connection, "SELECT pg_backend_pid()") == connection.pgconn.backend_pid:
            return
        mark = token_hex(8)
        connection.execute("SELECT set_config('workflow_fsm.session', %s, false)", (mark,))
        with ExitStack() as stack:
            others = (stack.enter_context(closing(self._bare())) for _ in range(_OTHERS))
            shared = any(_said(other, f"BEGIN; {_MARK}") == mark for other in others)
            kept = not shared and _said(connection, _MARK) == mark
        if not kept:
            raise StoreRefused(
                "a pooler between gives a connection's server to others after each transaction, so that "
                "settings and prepared statements are lost, and what is answered need not be on disk; set "
                "pool_mode = session for this database, or name the server itself"
            )


def read_url(url: str) -> Address:
    """Read a URL as libpq does, but for `schema`, which is ours. Raises SettingsInvalid, without secrets."""
    try:
        of_libpq, schema = _without_schema(url)
        told: Mapping[str, Any] = conninfo_to_dict(of_libpq)
    except psycopg.Error:
        raise SettingsInvalid(
            f"the store's URL, a {url.partition('://')[0]}:// one, can't be read; it must be "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE?PARAMETER=VALUE, special characters in it "
            "percent-encoded"
        ) from None
    if any("\0" in str(value) for value in (*told.values(), schema)):
        raise SettingsInvalid("the store's URL holds a NUL, which none can")
    conninfo = make_conninfo("", **{**_PATIENCE, **told, "client_encoding": "UTF8"})
    return Address(conninfo=conninfo, schema=schema)


def _without_schema(url: str) -> tuple[str, str | None]:
    """Take the parameter out of a URL that libpq doesn't know. Raises SettingsInvalid."""
    front, _, query = url.partition("?")
    parts = query.split("&") if query else []
    named = [unquote_plus(part.partition("=")[2]) for part in parts if part.partition("=")[0] == "schema"]
    if not named:
        return url, None
    if len(named) > 1 or not 0 < len(named[0].encode()) <= 63:
        raise SettingsInvalid("the store's URL must name one schema, of 1 to 63 bytes: ?schema=NAME")
    rest = "&".join(part for part in parts if part.partition("=")[0] != "schema")
    return f"{front}?{rest}" if rest else front, named[0]


def _check_path(connection: psycopg.Connection[Any]) -> None:
    """See that the search path is the one that the connection's options ask for, where they do."""
    asked = _PATH_IN_OPTIONS.findall(connection.pgconn.options.decode(errors="replace"))
    if not asked:
        return
    path = re.sub(r"\\(.)", r"\1", asked[-1])
    found = _value(connection, "SELECT current_setting('search_path')")
    if found != path:
        raise StoreRefused(
            f"the options ask for the search path {path!r}, and the connection has {found!r}: a pooler "
            f"between drops them. Name the schema by ?schema=NAME, or for the role: ALTER ROLE "
            f"{connection.info.user} SET search_path = NAME"
        )


def _said(connection: psycopg.Connection[Any], query: str) -> str | None:
    """Give what a query says; None where no server answers it in time."""
    pg = connection.pgconn
    pg.send_query(query.encode())
    poll = select.poll()
    poll.register(pg.socket, select.POLLIN)
    until = monotonic() + _OTHERS_SECONDS
    said = None
    while True:
        while pg.is_busy():
            if not poll.poll(max(0.0, until - monotonic()) * 1000):
                return None
            pg.consume_input()
        result = pg.get_result()
        if result is None:
            return said
        if result.ntuples:
            said = (result.get_value(0, 0) or b"").decode()


def _value(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return None if row is None else row[0]
