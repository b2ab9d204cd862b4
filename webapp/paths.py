"""Paths: where the routes stand, and the endpoint of each route that senders post to."""

from __future__ import annotations

from collections.abc import Mapping

PREFIX = "/api/v1/workflow"

TRIGGERS = {
    "sync/complete": "sync_complete",
    "detection/complete": "detection_complete",
    "evidence-matching/complete": "evidence_matching_complete",
    "claim/submitted": "claim_submitted",
    "claim/rejected": "claim_rejected",
    "payout/received": "payout_received",
    "payout/reversed": "payout_reversed",
}
"""The trigger that each route fires."""

SENDERS: Mapping[str, str] = {
    **TRIGGERS,
    "events": "events",
    "claims/link": "link",
    "claims/unlink": "unlink",
    "sync/start": "start_sync",
}
"""The endpoint of each route that a signature opens."""
