"""The examples of the API's description: a story of requests; what is answered is written beside them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from webapp import create_app
from webapp.routes.webhooks import PREFIX
from webapp.settings import ServiceSettings
from workflow_fsm.testing import ManualClock, open_workflow

WHO = {"user_id": "seller-1"}
STORY: tuple[tuple[str, str, str, str, Any], ...] = (
    (
        "a sync is complete",
        "sync_complete",
        "POST",
        "sync/complete",
        {**WHO, "sync_id": "sync-1", "orders_count": 1200, "event_id": "e-1"},
    ),
    (
        "the same again",
        "sync_complete",
        "POST",
        "sync/complete",
        {**WHO, "sync_id": "sync-1", "orders_count": 1200, "event_id": "e-1"},
    ),
    (
        "another under its id",
        "sync_complete",
        "POST",
        "sync/complete",
        {**WHO, "sync_id": "sync-1", "event_id": "e-1"},
    ),
    (
        "too early",
        "claim_submitted",
        "POST",
        "claim/submitted",
        {**WHO, "claim_id": "claim-1", "case_id": "case-1", "event_id": "e-2"},
    ),
    (
        "claims are found, and one entry is bad",
        "detection_complete",
        "POST",
        "detection/complete",
        {
            **WHO,
            "sync_id": "sync-1",
            "event_id": "e-3",
            "claims": [
                {"claim_id": "claim-1", "claim_type": "lost", "amount": "41.80", "confidence": 0.91},
                {"claim_id": "claim-2", "amount": "12.00", "deadline_date": "2026-06-01T00:00:00Z"},
                {"amount": "7.00"},
            ],
        },
    ),
    (
        "claims are found",
        "detection_complete",
        "POST",
        "detection/complete",
        {
            **WHO,
            "sync_id": "sync-1",
            "claims": [{"claim_id": "claim-3", "amount": "9.99"}],
            "event_id": "e-4",
        },
    ),
    (
        "evidence is matched",
        "evidence_matching_complete",
        "POST",
        "evidence-matching/complete",
        {**WHO, "matches": [{"claim_id": "claim-2", "confidence": "0.88"}], "event_id": "e-5"},
    ),
    (
        "a claim is submitted",
        "claim_submitted",
        "POST",
        "claim/submitted",
        {**WHO, "claim_id": "claim-2", "case_id": "case-2", "event_id": "e-6"},
    ),
    (
        "a claim is rejected",
        "claim_rejected",
        "POST",
        "claim/rejected",
        {**WHO, "case_id": "case-2", "reason": "no proof of delivery", "event_id": "e-7"},
    ),
    (
        "money comes in",
        "payout_received",
        "POST",
        "payout/received",
        {
            **WHO,
            "claim_id": "claim-1",
            "case_id": "case-1",
            "amount": "41.80",
            "currency": "USD",
            "reimbursement_id": "r-1",
            "line_id": "sku-1",
            "event_id": "e-8",
        },
    ),
    (
        "a second line of the same reimbursement",
        "payout_received",
        "POST",
        "payout/received",
        {
            **WHO,
            "claim_id": "claim-1",
            "amount": "6.20",
            "reimbursement_id": "r-1",
            "line_id": "sku-2",
            "event_id": "e-13",
        },
    ),
    (
        "a rejection is refused",
        "claim_rejected",
        "POST",
        "claim/rejected",
        {**WHO, "claim_id": "claim-1", "event_id": "e-9"},
    ),
    (
        "an amount is no amount",
        "payout_received",
        "POST",
        "payout/received",
        {**WHO, "claim_id": "claim-1", "amount": "41,80"},
    ),
    (
        "money is taken back",
        "payout_reversed",
        "POST",
        "payout/reversed",
        {**WHO, "claim_id": "claim-1", "amount": "1.80", "event_id": "e-10"},
    ),
    (
        "two events",
        "events",
        "POST",
        "events",
        [
            {**WHO, "trigger": "claim_submitted", "claim_id": "claim-3", "event_id": "e-11"},
            {**WHO, "trigger": "claim_rejected", "claim_id": "claim-1", "event_id": "e-12"},
        ],
    ),
    (
        "an alias is linked",
        "link",
        "POST",
        "claims/link",
        {**WHO, "claim_id": "claim-3", "alias": "dispute-3"},
    ),
    ("an alias is taken away", "unlink", "POST", "claims/unlink", {**WHO, "alias": "dispute-3"}),
    ("nobody has it any more", "unlink", "POST", "claims/unlink", {**WHO, "alias": "dispute-3"}),
    (
        "money was booked under the case",
        "unlink",
        "POST",
        "claims/unlink",
        {**WHO, "claim_id": "claim-1", "amazon_case_id": "case-1"},
    ),
    (
        "a claim with money is no alias",
        "link",
        "POST",
        "claims/link",
        {**WHO, "claim_id": "claim-3", "alias": "claim-1"},
    ),
    ("a sync is asked for", "start_sync", "POST", "sync/start", WHO),
    ("a seller", "status", "GET", "status/seller-1?limit=2", None),
    ("nobody", "status", "GET", "status/seller-2", None),
    ("the first rows", "history", "GET", "history/seller-1?claim_id=claim-1&limit=2", None),
    ("claims that are paid", "claims", "GET", "claims?state=paid&limit=1", None),
    ("one claim", "claim", "GET", "claims/seller-1/claim-1", None),
    ("money that was recovered", "money", "GET", "money?standing=recovered", None),
    ("an event", "event", "GET", "events/seller-1/e-9", None),
    ("users", "users", "GET", "users?q=seller", None),
    ("nothing is owed", "effects", "GET", "effects", None),
    ("a dead letter", "deadletters", "GET", "deadletters?kind=event&trigger=claim_rejected", None),
    (
        "all of a kind are counted",
        "retry_all",
        "POST",
        "deadletters/retry",
        {"matching": {"trigger": "claim_rejected"}, "dry_run": True},
    ),
    (
        "all of a user are counted",
        "drop_all",
        "POST",
        "deadletters/drop",
        {"matching": {"user_id": "seller-1", "kind": "event"}, "dry_run": True},
    ),
    ("it is refused again", "retry", "POST", "deadletters/{letter}/retry", {}),
    ("it is dropped", "drop", "POST", "deadletters/{letter}/drop", {"reason": "the claim is paid"}),
    ("it is brought back", "restore", "POST", "deadletters/{letter}/restore", {"reason": "dropped in error"}),
    ("all is well", "health", "GET", "health", None),
)


def tell() -> str:
    """Run the story from the beginning, and give it with its answers as JSON."""
    told: list[dict[str, Any]] = []
    dead_letter = ""
    with open_workflow(clock=ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))) as workflow:
        settings = ServiceSettings(integrations_url="http://127.0.0.1:9")
        client = create_app(workflow, settings=settings).test_client()
        for name, endpoint, method, path, body in STORY:
            target = f"{PREFIX}/{path.replace('{letter}', dead_letter)}"
            answer = client.open(target, method=method, json=body)
            example = {"name": name, "endpoint": endpoint, "code": answer.status_code}
            if body is not None:
                example["body"] = body
            told.append({**example, "answer": answer.get_json(force=True)})
            if endpoint == "deadletters":
                dead_letter = told[-1]["answer"]["deadletters"][0]["id"]
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"
