"""A Flask view that does nothing, under the gunicorn settings of the service: what Flask itself can do."""

from __future__ import annotations

import socket
from typing import Any

from flask import Flask, Response

from webapp.http import access_log
from webapp.server.serving import BACKLOG, Service
from webapp.settings import ServiceSettings


class Empty(Service):
    """The service without a store and without routes, but one."""

    def load(self) -> Any:
        """Make the app."""
        app = Flask("empty")
        app.add_url_rule("/", "empty", lambda: Response(b"{}", mimetype="application/json"), methods=["POST"])
        return app


if __name__ == "__main__":
    access_log.configure()
    Empty(ServiceSettings(), socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)).run()
