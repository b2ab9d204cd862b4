"""A day posted to a real service: taken whole, over restarts of the connection, and with credentials."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.webapp.conftest import Api
from tests.webapp.services import StartService
from workflow_fsm.simulate.posting import NotPosted, Poster

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOKEN = "an-operators-token-that-is-long-enough"


def simulate(url: str, *more: str, **variables: str) -> tuple[int, dict[str, Any], str]:
    """Run the command against a service, quickly."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKFLOW_")}
    command = ("-m", "workflow_fsm", "simulate", "--url", url, "--seed", "7", "--users", "5", "--json")
    done = subprocess.run(
        [sys.executable, *command, "--speed", "10000", *more],
        env={**kept, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part), **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout), done.stderr


def test_a_day_is_taken_whole_and_a_second_time_is_the_same(start_service: StartService) -> None:
    service = start_service()
    code, told, error = simulate(service.url)
    assert (code, error) == (0, "")
    assert sum(told["outcomes"].values()) == told["messages"] > 50
    assert told["outcomes"]["applied"] > 40
    code, again, _ = simulate(service.url)
    assert code == 0
    assert again["outcomes"].keys() <= {"duplicate", "refused"}
    api = Api(service.url)
    assert api.get("status/seller-7-001").status_code == 200
    api.close()


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        ((), {"WORKFLOW_WEBHOOK_SECRETS": SECRET}),
        (("--secret", SECRET), {}),
        ((), {"WORKFLOW_API_TOKEN": TOKEN}),
        (("--token", TOKEN), {}),
    ],
)
def test_credentials_are_options_or_of_the_environment(
    start_service: StartService, given: tuple[str, ...], environment: dict[str, str]
) -> None:
    service = start_service(WORKFLOW_WEBHOOK_SECRETS=SECRET, WORKFLOW_API_TOKEN=TOKEN)
    code, told, error = simulate(service.url, "--claims", "5", *given, **environment)
    assert (code, error) == (0, "")
    assert told["outcomes"]["applied"] > 5


def test_without_credentials_it_says_what_the_service_answers(start_service: StartService) -> None:
    service = start_service(WORKFLOW_API_TOKEN=TOKEN)
    code, told, error = simulate(service.url)
    assert (code, told["code"]) == (3, "not-posted")
    assert "answers 401" in error


@pytest.mark.parametrize("url", ["claims", "ftp://host", "http://", "http://host:x"])
def test_a_url_that_is_none_is_said_to_be_none(url: str) -> None:
    with pytest.raises(NotPosted, match=r"http|host|claims"):
        Poster(url)
