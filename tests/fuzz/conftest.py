"""A real service to send rubbish to."""

from __future__ import annotations

from tests.webapp.conftest import server, start_process, start_service

__all__ = ["server", "start_process", "start_service"]
