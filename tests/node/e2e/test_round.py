"""The whole round with a real Node.js service: asked for a sync, it posts webhooks back until money came."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.webapp.conftest import Api
from tests.webapp.services import Service, until

pytestmark = pytest.mark.node

TOKEN = "pa55"


@pytest.fixture
def integrations(node: str) -> Iterator[str]:
    """Run the Node.js service; give its URL."""
    script = Path(__file__).with_name("integrations.mjs")
    with subprocess.Popen([node, script, TOKEN], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


def test_a_sync_that_was_asked_for_ends_in_a_payout(
    start_service: Callable[..., Service], integrations: str
) -> None:
    service = start_service(
        INTEGRATIONS_URL=integrations, INTEGRATIONS_API_KEY=TOKEN, WORKFLOW_RUN_DETECTION="1"
    )
    with closing(Api(service.url)) as api:
        answer = api.post("sync/start", {"user_id": "seller"})
        assert (answer.status_code, answer.json()) == (202, {"status": "requested"})
        until(lambda: len(requests.get(integrations, timeout=5).json()["webhooks"]) == 5, seconds=20)
        told = requests.get(integrations, timeout=5).json()

        assert told["failed"] == []
        sync, again, detection, once_more = told["calls"]
        assert again == sync
        assert sync["path"] == "/api/v1/integrations/amazon/sync"
        assert sync["body"] == {
            "user_id": "seller",
            "callback_url": f"{service.url}/api/v1/workflow/sync/complete",
        }
        assert once_more == detection
        assert detection["path"] == "/api/detections/run"
        assert detection["body"] == {
            "user_id": "seller",
            "syncId": "sync-of-seller",
            "triggerType": "sync_complete",
        }
        assert detection["key"] != sync["key"]
        assert told["webhooks"] == [
            ["sync/complete", 200, "applied"],
            ["detection/complete", 200, "applied"],
            ["evidence-matching/complete", 200, "applied"],
            ["claim/submitted", 200, "applied"],
            ["payout/received", 200, "applied"],
        ]
        status = api.get("status/seller").json()
        assert (status["state"], status["recovered"]) == ("paid", {"USD": "19.99"})
        assert api.get("deadletters").json()["deadletters"] == []
        assert TOKEN not in service.log.read_text()
