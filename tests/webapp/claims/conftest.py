"""A seller whose claims were found, told over a real socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
import requests

from tests.webapp.conftest import Api

Post: TypeAlias = Callable[..., requests.Response]


@pytest.fixture
def post(api: Api, user: str) -> Post:
    """Post what is told of the seller; `headers` are sent as they are, the rest is the body."""

    def send(route: str, headers: dict[str, str] | None = None, **body: Any) -> requests.Response:
        return api.post(route, {"user_id": user, **body}, headers=headers)

    return send


@pytest.fixture
def find(post: Post) -> Callable[..., None]:
    """Sync, and find claims."""

    def detect(*claims: str) -> None:
        assert post("sync/complete", sync_id="s").status_code == 200
        found = [{"claim_id": claim} for claim in claims]
        assert post("detection/complete", sync_id="s", claims=found).status_code == 200

    return detect


@pytest.fixture
def status(api: Api, user: str) -> Callable[[], dict[str, Any]]:
    """Read where the seller stands."""
    return lambda: dict(api.get(f"status/{user}").json())


@pytest.fixture
def letters(api: Api, user: str) -> Callable[..., list[dict[str, Any]]]:
    """List the seller's dead letters."""
    return lambda **query: list(api.get("deadletters", user_id=user, **query).json()["deadletters"])
