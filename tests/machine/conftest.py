"""The three layers, on stores of their own and one clock; how long Hypothesis looks."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.machine.layers import CoreLayer, HttpLayer, Layer, StoreLayer
from tests.machine.moving import CountedIds, MovingClock
from tests.machine.plain import Plain
from webapp import create_app
from workflow_fsm import Settings, Workflow

settings.register_profile(
    "quick",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=30,
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
def moving_clock() -> MovingClock:
    return MovingClock()


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory, moving_clock: MovingClock) -> Iterator[dict[str, Layer]]:
    """The core over dicts, the store on a file, and HTTP on another file."""
    folder = tmp_path_factory.mktemp("layers")
    chosen = Settings.from_environment({})
    with (
        Workflow.open(
            f"sqlite:///{folder / 'store.db'}", settings=chosen, clock=moving_clock, ids=CountedIds()
        ) as stored,
        Workflow.open(
            f"sqlite:///{folder / 'http.db'}", settings=chosen, clock=moving_clock, ids=CountedIds()
        ) as served,
    ):
        yield {
            "core": CoreLayer(Plain(stored.definition, moving_clock), stored),
            "store": StoreLayer(stored),
            "http": HttpLayer(create_app(served).test_client(), served),
        }
