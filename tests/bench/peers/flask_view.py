"""A Flask view with a connection and a commit a request, under the gunicorn settings of the service.

As Flask's own tutorial has it: SQLite's settings as they come. `WORKFLOW_BENCH_WAL` puts the file into WAL,
and keeps a connection open, so that not each that is closed as the last one empties the log.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from contextlib import closing
from functools import cache
from typing import Any

from flask import Flask, Response, request

from webapp.http import access_log
from webapp.server.serving import BACKLOG, Service
from webapp.settings import ServiceSettings

WAL = "WORKFLOW_BENCH_WAL"
DATABASE = "WORKFLOW_DATABASE_URL"
TABLE = (
    "CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, user_id TEXT NOT NULL, sync_id TEXT NOT NULL, "
    "orders_count INTEGER NOT NULL)"
)
PATIENCE_SECONDS = 30


def connect() -> sqlite3.Connection:
    """Connect to the file that is named."""
    return sqlite3.connect(os.environ[DATABASE].removeprefix("sqlite:///"), timeout=PATIENCE_SECONDS)


@cache
def keep_open() -> sqlite3.Connection:
    """Connect once, for as long as this process runs."""
    return connect()


def take() -> Response:
    """Write the event down, once, and answer."""
    if WAL in os.environ:
        keep_open()
    told = request.get_json()
    row = (request.headers["webhook-id"], told["user_id"], told["sync_id"], told["orders_count"])
    with closing(connect()) as connection, connection:
        connection.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)", row)
    return Response(b"{}", mimetype="application/json")


class View(Service):
    """The service without a store of ours, and with this view alone."""

    def load(self) -> Any:
        """Make the app."""
        app = Flask("view")
        app.add_url_rule("/", "take", take, methods=["POST"])
        return app


if __name__ == "__main__":
    with closing(connect()) as first:
        if WAL in os.environ:
            first.execute("PRAGMA journal_mode = WAL")
        first.execute(TABLE)
    access_log.configure()
    View(ServiceSettings(), socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)).run()
