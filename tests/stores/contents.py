"""What a store holds, taken out of one that was filled and put into others: a copy costs less."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

TABLES = (
    *("users", "lifecycles", "cases", "history", "events", "event_ids", "waits", "aliases", "currencies"),
    *("effects", "handlers", "checks", "checked", "definitions", "forgotten"),
)
EMPTY = ";".join(f"DELETE FROM {table}" for table in TABLES)  # noqa: S608  # of ours


class Contents:
    """What stores of each kind hold once they were filled in some way, by the name of that way."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], bytes] = {}

    def give(self, url: str, name: str, fill: Callable[[str], None]) -> None:
        """Fill an empty store: the first of its kind by `fill`, others by a copy of what that held."""
        key = (url.partition(":")[0], name)
        if key in self._held:
            put(url, self._held[key])
        else:
            fill(url)
            self._held[key] = held(url)


def held(url: str) -> bytes:
    """Take out what a store holds that nobody has open: a file's bytes, or SQL that makes the rows anew."""
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        assert not Path(f"{path}-wal").exists()
        return path.read_bytes()
    import psycopg
    from psycopg import sql

    script = []
    with psycopg.connect(url) as served:
        for table in TABLES:
            (rows,) = served.execute(f"SELECT json_agg({table})::text FROM {table}".encode()).fetchone() or ()  # noqa: S608
            if rows is not None:
                into = f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, "  # noqa: S608
                script.append(f"{into}{sql.Literal(rows).as_string(served)})")
    return ";".join([EMPTY, *script]).encode()


def put(url: str, holding: bytes) -> None:
    """Let a store that nobody has open hold that, and nothing else."""
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).write_bytes(holding)
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as served:
        served.execute(holding)
