"""A real service to send rubbish to."""

from __future__ import annotations

from tests.webapp.conftest import processes, server

__all__ = ["processes", "server"]
