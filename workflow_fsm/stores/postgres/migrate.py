"""The schema of a PostgreSQL store as numbered migrations, applied on opening, one process at a time.

The tables stand in the first schema of the connection's search path. A migration that was released is never
changed; a new one is added behind it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.core.values.instants import show_instant

OLDEST_SERVER = 13
_LOCK = 0x776F726B
"""The advisory lock of whoever migrates; its second half is the schema's name."""

_CREATE = "CREATE TABLE workflow_fsm_migrations (name text PRIMARY KEY, applied_at text NOT NULL)"
_FIND = """
SELECT EXISTS (
    SELECT 1 FROM pg_class WHERE relname = 'workflow_fsm_migrations'
      AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
)
"""
MIGRATIONS: dict[str, tuple[str, ...]] = {
    "0001_lifecycles_events_history": (
        # Text compares by its bytes, as in SQLite, and as no upgrade of a locale can change.
        # A user's row is written with every event of the user: room on its page lets that touch no index.
        """
        CREATE TABLE users (
            user_id text COLLATE "C" PRIMARY KEY, cursor bigint NOT NULL,
            updated_at text COLLATE "C" NOT NULL, recovered text COLLATE "C" NOT NULL
        ) WITH (fillfactor = 70)
        """,
        """
        CREATE TABLE lifecycles (
            user_id text COLLATE "C" NOT NULL, id bigint NOT NULL, claim_id text COLLATE "C",
            sync_id text COLLATE "C" NOT NULL, state text COLLATE "C" NOT NULL, version bigint NOT NULL,
            entered_at text COLLATE "C" NOT NULL, cursor bigint NOT NULL, head text COLLATE "C" NOT NULL,
            origin text COLLATE "C" NOT NULL, parent bigint, forked bigint NOT NULL, case_id text COLLATE "C",
            due_at text COLLATE "C", facts text COLLATE "C" NOT NULL, paid text COLLATE "C" NOT NULL,
            PRIMARY KEY (user_id, id)
        )
        """,
        """
        CREATE TABLE history (
            user_id text COLLATE "C" NOT NULL, cursor bigint NOT NULL, lifecycle bigint NOT NULL,
            claim_id text COLLATE "C", sync_id text COLLATE "C" NOT NULL, version bigint NOT NULL,
            "trigger" text COLLATE "C" NOT NULL, from_state text COLLATE "C",
            to_state text COLLATE "C" NOT NULL, event_id text COLLATE "C", at text COLLATE "C" NOT NULL,
            occurred_at text COLLATE "C", actor text COLLATE "C" NOT NULL, reason text COLLATE "C",
            hash text COLLATE "C" NOT NULL, PRIMARY KEY (user_id, cursor)
        )
        """,
        """
        CREATE TABLE events (
            user_id text COLLATE "C" NOT NULL, seq bigint NOT NULL, event_id text COLLATE "C" NOT NULL,
            "trigger" text COLLATE "C" NOT NULL, standing text COLLATE "C" NOT NULL,
            received_at text COLLATE "C" NOT NULL, occurred_at text COLLATE "C", expires_at text COLLATE "C",
            settled bigint NOT NULL, fingerprint text COLLATE "C" NOT NULL, body text COLLATE "C" NOT NULL,
            shares text COLLATE "C" NOT NULL, answer text COLLATE "C" NOT NULL,
            actor text COLLATE "C" NOT NULL, reimbursement_id text COLLATE "C", currency text COLLATE "C",
            minor text COLLATE "C", letter text COLLATE "C", letter_at text COLLATE "C",
            PRIMARY KEY (user_id, seq)
        )
        """,
        """
        CREATE TABLE waits (
            user_id text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, seq bigint NOT NULL,
            PRIMARY KEY (user_id, name, seq)
        )
        """,
        """
        CREATE TABLE aliases (
            user_id text COLLATE "C" NOT NULL, alias text COLLATE "C" NOT NULL,
            claim_id text COLLATE "C" NOT NULL, PRIMARY KEY (user_id, alias)
        )
        """,
        "CREATE UNIQUE INDEX lifecycles_claim ON lifecycles (user_id, claim_id) WHERE claim_id IS NOT NULL",
        "CREATE UNIQUE INDEX lifecycles_sync ON lifecycles (user_id, sync_id) WHERE claim_id IS NULL",
        "CREATE INDEX lifecycles_of_sync ON lifecycles (user_id, sync_id, id)",
        "CREATE INDEX lifecycles_syncs ON lifecycles (user_id, id) WHERE claim_id IS NULL",
        "CREATE INDEX lifecycles_state ON lifecycles (user_id, state, id)",
        "CREATE INDEX lifecycles_case ON lifecycles (user_id, case_id) WHERE case_id IS NOT NULL",
        "CREATE INDEX lifecycles_due ON lifecycles (due_at) WHERE due_at IS NOT NULL",
        "CREATE UNIQUE INDEX history_version ON history (user_id, lifecycle, version)",
        "CREATE UNIQUE INDEX events_id ON events (user_id, event_id)",
        "CREATE INDEX events_content ON events (user_id, fingerprint, seq)",
        "CREATE INDEX events_reimbursement ON events (user_id, reimbursement_id)"
        " WHERE reimbursement_id IS NOT NULL",
        "CREATE INDEX events_expiring ON events (expires_at) WHERE standing = 'waiting'",
        "CREATE INDEX events_letters ON events (letter_at, user_id, seq) WHERE letter IS NOT NULL",
        "CREATE INDEX waits_event ON waits (user_id, seq)",
        "CREATE INDEX aliases_claim ON aliases (user_id, claim_id)",
    ),
    "0002_effects_and_handlers": (
        """
        CREATE TABLE effects (
            user_id text COLLATE "C" NOT NULL, seq bigint NOT NULL, lifecycle bigint NOT NULL,
            cursor bigint NOT NULL, handler text COLLATE "C" NOT NULL, on_enter bigint NOT NULL,
            standing text COLLATE "C" NOT NULL, owed_at text COLLATE "C" NOT NULL,
            due_at text COLLATE "C" NOT NULL, ready_at text COLLATE "C" NOT NULL, attempt bigint NOT NULL,
            forgiven bigint NOT NULL, key text COLLATE "C" NOT NULL, error text COLLATE "C",
            about text COLLATE "C", PRIMARY KEY (user_id, seq)
        )
        """,
        """
        CREATE TABLE handlers (
            name text COLLATE "C" PRIMARY KEY, pattern text COLLATE "C" NOT NULL,
            registered_at text COLLATE "C" NOT NULL
        )
        """,
        "CREATE INDEX effects_ready ON effects (handler, ready_at, user_id, seq)"
        " WHERE standing IN ('owed', 'taken')",
        "CREATE INDEX effects_unfinished ON effects (user_id, lifecycle, seq)"
        " WHERE standing IN ('owed', 'taken')",
        "CREATE INDEX effects_dead ON effects (ready_at, user_id, seq) WHERE standing = 'dead'",
    ),
    "0003_figures": (
        'CREATE INDEX events_figures ON events (standing, "trigger")',
        "CREATE INDEX events_waiting ON events (received_at) WHERE standing = 'waiting'",
        "CREATE INDEX effects_figures ON effects (handler, standing)",
    ),
}


def migrate(connection: psycopg.Connection[Any], now: datetime) -> None:
    """Bring the schema up to date. Raises StoreRefused, with a sentence, where that can't be.

    Nobody waits for a lock where nothing is due.
    """
    _refuse_server(connection)
    if _missing(connection):
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED  # who waited sees what was done
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()::text))", (_LOCK,))
            for name in _missing(connection):
                if name == next(iter(MIGRATIONS)):
                    connection.execute(_CREATE)
                for statement in MIGRATIONS[name]:
                    connection.execute(statement.encode())
                connection.execute(
                    "INSERT INTO workflow_fsm_migrations VALUES (%s, %s)", (name, show_instant(now))
                )


def _missing(connection: psycopg.Connection[Any]) -> list[str]:
    """Name the migrations that are due. Raises StoreRefused where a newer version has been here."""
    found = connection.execute(_FIND).fetchone()
    done = []
    if found is not None and found[0]:
        done = [
            row[0] for row in connection.execute("SELECT name FROM workflow_fsm_migrations ORDER BY name")
        ]
    newer = [name for name in done if name not in MIGRATIONS]
    if newer:
        raise StoreRefused(
            f"the store was migrated by a newer version of workflow-fsm ({', '.join(newer)}); "
            "upgrade workflow-fsm to work on it"
        )
    return [name for name in MIGRATIONS if name not in done]


def _refuse_server(connection: psycopg.Connection[Any]) -> None:
    version = connection.info.server_version // 10000
    if version < OLDEST_SERVER:
        raise StoreRefused(
            f"the server is PostgreSQL {version}; {OLDEST_SERVER} or newer is needed, so upgrade it"
        )
    row = connection.execute("SELECT current_schema(), current_setting('server_encoding')").fetchone()
    schema, encoding = row if row is not None else (None, None)
    if schema is None:
        raise StoreRefused(
            "no schema of the search path is there to make tables in; make one (CREATE SCHEMA), "
            "or name another by ?options=-csearch_path%3DNAME"
        )
    if encoding != "UTF8":
        raise StoreRefused(f"the database's encoding is {encoding}; make one with ENCODING 'UTF8'")
