"""The layers, on stores of their own and one clock; how long Hypothesis looks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.machine.layers import CoreLayer, HttpLayer, Layer, StoreLayer
from tests.machine.plain import Plain
from tests.stores.postgres.server import Server
from webapp import create_app
from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock, open_workflow

settings.register_profile(
    "quick",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=12,
    stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
settings.register_profile(
    "long",
    deadline=None,
    max_examples=3000,
    stateful_step_count=80,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="module")
def moving_clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="module")
def layers(
    tmp_path_factory: pytest.TempPathFactory, moving_clock: ManualClock, request: pytest.FixtureRequest
) -> Iterator[dict[str, Layer]]:
    """The core over dicts, the store on a file, HTTP on one in memory; a database, if one can run."""
    folder = tmp_path_factory.mktemp("layers")
    with ExitStack() as stack:

        def opened(url: str) -> Workflow:
            return stack.enter_context(open_workflow(url, clock=moving_clock))

        stored = opened(f"sqlite:///{folder / 'store.db'}")
        served = opened("sqlite:///:memory:")
        made: dict[str, Layer] = {
            "core": CoreLayer(Plain(stored.definition, moving_clock), stored),
            "store": StoreLayer(stored),
            "http": HttpLayer(create_app(served).test_client(), served),
        }
        with suppress(pytest.skip.Exception):
            server: Server = request.getfixturevalue("postgres")
            made["database"] = StoreLayer(opened(server.url(server.make())))
        yield made
