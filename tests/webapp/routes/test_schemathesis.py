"""Schemathesis reads the description, and tries to prove it wrong with all its checks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.webapp.services import Service

HERE = Path(__file__).parent
TOKEN = "the-operators-token"
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
pytestmark = pytest.mark.timeout(0 if LONG else 180)  # where others share the cores it takes its time


@pytest.fixture(scope="module")
def guarded_service(start_shared: Callable[..., Service]) -> Service:
    """A service that asks for credentials, so that what ignores them is found as well."""
    return start_shared(WORKFLOW_API_TOKEN=TOKEN)


def run(service: Service, *how: str) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={HERE / 'schemathesis.toml'}",
        "--no-color",
        "run",
        f"{service.url}/openapi.json",
        f"--header=Authorization: Bearer {TOKEN}",
        "--checks=all",
        "--continue-on-failure",
        "--suppress-health-check=filter_too_much,too_slow",
        *how,
    ]
    paths = [str(HERE), *(path for path in sys.path if path)]
    done = subprocess.run(
        command,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "COLUMNS": "110",
        },
        cwd=service.log.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(LONG, reason="the long run does this and more")
def test_what_is_described_is_what_is_answered(guarded_service: Service) -> None:
    run(guarded_service, "--phases=fuzzing", "--max-examples=3", "--seed=1")


@pytest.mark.skipif(LONG, reason="the long run does this and more")
def test_every_bound_that_is_described_is_kept(guarded_service: Service) -> None:
    endpoints = ("detection_complete", "payout_received", "deadletters")
    run(guarded_service, "--phases=coverage", *(f"--include-operation-id={name}" for name in endpoints))


@pytest.mark.skipif(not LONG, reason="it takes minutes; make fuzz runs it")
def test_nothing_is_found_in_a_long_run(guarded_service: Service) -> None:
    run(guarded_service, f"--max-examples={os.environ.get('WORKFLOW_FUZZ_EXAMPLES', '1000')}")
