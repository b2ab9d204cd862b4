"""Flask, spared what it looks up anew at each step of a request: the app's class, and the request itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, request, url_for

PAGES = "pages"
"""The blueprint of the dashboard, a part of that of all routes."""


class App(Flask):
    """An app none of whose functions is a coroutine, so that none is examined each time it is called."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function as it is."""
        return func


def url_of(endpoint: str, **values: Any) -> str:
    """Give the path of a route, as that of all routes is mounted, from whichever part of it."""
    blueprint = (current_request().blueprint or "").removesuffix(f".{PAGES}")
    return url_for(f"{blueprint}.{endpoint}", **values)


def current_request() -> Request:
    """Give the request that is being answered. Flask's `request` stands for it, and finds it at each use."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]
    return found
