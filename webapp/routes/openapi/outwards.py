"""What this service sends: the requests that receivers elsewhere get, as the standard's `webhooks`.

The service's own webhooks are paths: there it is who receives.
"""

from __future__ import annotations

from typing import Any

from webapp.http.response import JSON_TYPE
from webapp.integrations import ALERT, DETECTION_PATH, RUN_DETECTION, START_SYNC, SYNC_PATH
from webapp.routes.openapi.parts import ID, record, ref

TAG = "outwards"
SCHEME = "integrations"
"""The scheme of what is sent to the integrations service."""


def schemas() -> dict[str, Any]:
    """Give the schemas of what is sent outwards."""
    text = {"type": "string"}
    return {
        "Alert": {
            "allOf": [ref("schemas/DeadLetter"), record(text=text)],
            "description": "A dead letter, with a sentence about it in `text`.",
        },
        "SyncCall": record(user_id=ID, callback_url={"type": "string", "format": "uri"}),
        "DetectionCall": record(user_id=ID, syncId=ID, triggerType={"const": "sync_complete"}),
    }


def webhooks() -> dict[str, Any]:
    """Give each request that this service sends, by the name of the handler that sends it."""
    return {
        ALERT: _sent(
            "Alert", "A dead letter", "Sent to `WORKFLOW_ALERT_URL` for each dead letter.", keyed=False
        ),
        START_SYNC: _sent(
            "SyncCall",
            "A sync is asked for",
            f"Sent to `{{INTEGRATIONS_URL}}{SYNC_PATH}`; a 409 with `sync_in_progress` counts as done.",
        ),
        RUN_DETECTION: _sent(
            "DetectionCall",
            "A detection is asked for",
            f"Sent to `{{INTEGRATIONS_URL}}{DETECTION_PATH}` after a sync, with `WORKFLOW_RUN_DETECTION=1`.",
        ),
    }


def _sent(schema: str, summary: str, description: str, *, keyed: bool = True) -> dict[str, Any]:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": "The same over all tries of one request.",
    }
    return {
        "post": {
            "operationId": f"receive{schema}",
            "tags": [TAG],
            "security": [{SCHEME: []}] if keyed else [],
            "summary": summary,
            "description": description,
            "parameters": [key],
            "requestBody": {"required": True, "content": {JSON_TYPE: {"schema": ref(f"schemas/{schema}")}}},
            "responses": {
                "2XX": {"description": "Done; it is not sent again."},
                "4XX": {"description": "Never: it is a dead letter, save 429, which is tried again."},
                "5XX": {"description": "Tried again, with growing pauses; `Retry-After` is heeded."},
            },
        }
    }
