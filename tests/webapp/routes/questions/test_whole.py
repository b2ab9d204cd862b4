"""One claim, and one event, as a whole over HTTP; ids of any kind in the path."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.webapp.conftest import Api
from tests.webapp.services import Service
from webapp.http.problem_kinds import DOCS
from webapp.routes.webhooks import PREFIX

ODD = ["a/b?c#d%20", "/x", "x/", "//", "..", "%2F", "a b+c", "ü/€", ";a=b", "link"]


@pytest.mark.parametrize("odd", ODD)
def test_ids_in_a_path_are_any_strings(server: Service, api: Api, user: str, odd: str) -> None:
    user_id = f"{user}/{odd}"
    api.post("sync/complete", {"user_id": user_id, "sync_id": "s", "event_id": odd})
    api.post("detection/complete", {"user_id": user_id, "claims": [{"claim_id": odd}]})
    path = f"{quote(user_id, safe='')}/{quote(odd, safe='')}"

    code, claim = server.get_raw(f"{PREFIX}/claims/{path}")
    assert (code, claim["user_id"], claim["claim_id"]) == (200, user_id, odd)
    code, event = server.get_raw(f"http://localhost{PREFIX}/events/{path}")
    assert (code, event["user_id"], event["event_id"]) == (200, user_id, odd)


def test_a_claim_is_given_whole(told: FlaskClient) -> None:
    claim = told.get(f"{PREFIX}/claims/b%2F1/dispute%2F2").get_json()
    assert (claim["user_id"], claim["claim_id"], claim["state"]) == ("b/1", "c2", "matched")
    verdicts = {one["trigger"]: one["verdict"] for one in claim["explain"]}
    assert verdicts["payout_received"] == "allowed"
    assert verdicts["payout_reversed"] == "waits"
    assert "deadline_passed" in verdicts
    [owed] = claim["effects"]
    assert {name: owed[name] for name in ("handler", "standing", "attempt", "tries", "error")} == {
        "handler": "submit",
        "standing": "owed",
        "attempt": 0,
        "tries": 8,
        "error": None,
    }
    assert owed["due_at"]
    assert [one["trigger"] for one in claim["history"]] == [
        "sync_complete",
        "detection_complete",
        "evidence_matching_complete",
    ]
    assert claim["deferred"] == []
    told.post(f"{PREFIX}/payout/reversed", json={"user_id": "b/1", "claim_id": "c2", "amount": "1.00"})
    [waits] = told.get(f"{PREFIX}/claims/b%2F1/c2").get_json()["deferred"]
    assert (waits["trigger"], waits["amount"]) == ("payout_reversed", "1.00")


def test_an_event_tells_whether_it_arrived_what_it_said_and_what_became_of_it(told: FlaskClient) -> None:
    paid = told.get(f"{PREFIX}/events/b%2F1/paid").get_json()
    assert (paid["standing"], paid["trigger"], paid["amount"]) == ("applied", "payout_received", "12.50")
    assert paid["said"]["reimbursement_id"] == "r1"
    assert [(one["from"], one["to"]) for one in paid["transitions"]] == [("submitted", "paid")]
    early = told.get(f"{PREFIX}/events/a/early").get_json()
    assert (early["standing"], early["transitions"]) == ("waiting", [])
    assert early["parts"][0]["reason"]
    assert told.get(f"{PREFIX}/events/a/gone").get_json()["standing"] == "dropped"


@pytest.mark.parametrize(
    ("path", "code", "names"),
    [
        ("claims/nobody/c1", "unknown-user", {"user_id": "nobody"}),
        ("claims/a/c7", "unknown-claim", {"user_id": "a", "claim_id": "c7"}),
        ("claims/a/%00", "unknown-claim", {"user_id": "a", "claim_id": "\0"}),
        ("events/nobody/paid", "unknown-user", {"user_id": "nobody"}),
        ("events/a/evt-7", "unknown-event", {"user_id": "a", "event_id": "evt-7"}),
        ("events/%00/%00", "unknown-user", {"user_id": "\0"}),
        ("claims/a", "unknown-route", {}),
        ("claims/a/", "unknown-route", {}),
        ("claims//c1", "unknown-route", {}),
        ("claims/b/1/c1", "unknown-route", {}),
        ("events/a", "unknown-route", {}),
        ("events/a/b/c", "unknown-route", {}),
    ],
)
def test_what_is_unknown_is_404(told: FlaskClient, path: str, code: str, names: dict[str, str]) -> None:
    answer = told.get(f"{PREFIX}/{path}")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    body = answer.get_json()
    assert body["type"] == f"{DOCS}/{code}"
    assert {name: body.get(name) for name in names} == names


def test_a_path_that_is_no_utf8_or_has_a_query_is_400(told: FlaskClient) -> None:
    answer = told.get(f"{PREFIX}/claims/a/%ff")
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (400, "claim_id")
    answer = told.get(f"{PREFIX}/events/a/paid?limit=1")
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (400, "limit")


def test_a_path_of_an_act_asks_for_its_method_still(client: FlaskClient) -> None:
    for path in ("claims/link", "claims/unlink", "events"):
        answer = client.get(f"{PREFIX}/{path}")
        assert (answer.status_code, "POST" in answer.headers["Allow"]) == (405, True)
