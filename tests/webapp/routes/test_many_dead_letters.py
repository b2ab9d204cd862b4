"""Many dead letters over HTTP: filtered by handler, trigger, user and reason; counted, retried, dropped."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.webapp.http.keys import API_TOKEN, bearer, holder
from webapp.routes.webhooks import PREFIX
from workflow_fsm import Discard, Transition, Workflow
from workflow_fsm.testing import ManualClock, detected, paid

PATH = f"{PREFIX}/deadletters"


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store, of each kind in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def full(client: FlaskClient, workflow: Workflow) -> FlaskClient:
    """A client of a service with refusals, money that waits and dead effects, of two users."""

    @workflow.on_enter("matched", name="submit")
    def submit(transition: Transition) -> None:
        raise Discard("the marketplace is closed")

    for user in ("u1", "u2"):
        paid(workflow, user, "c1")
        workflow.fire_many(
            [{"trigger": "claim_rejected", "user_id": user, "claim_id": "c1", "event_id": f"no-{user}"}]
        )
        detected(workflow, user, "c2")
        detected(workflow, user, "c3")
        workflow.fire("evidence_matching_complete", user_id=user, claim_id="c2", confidence=0.9)
        workflow.fire("payout_received", user_id=user, amount="5.00", event_id=f"money-{user}")
        workflow.fire("payout_received", user_id=user, claim_id="c9", amount="7.00", currency="EUR")
        workflow.fire("payout_reversed", user_id=user, claim_id="c9", amount="1.00", currency="EUR")
    workflow.run_effects()
    return client


def listed(client: FlaskClient, **query: object) -> list[dict[str, Any]]:
    answer = client.get(PATH, query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: list[dict[str, Any]] = answer.get_json()["deadletters"]
    return found


def act(client: FlaskClient, path: str, **body: object) -> Any:
    answer = client.post(f"{PATH}/{path}", json=body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def test_they_are_filtered_by_handler_trigger_user_and_reason(full: FlaskClient) -> None:
    assert len(listed(full)) == 10
    assert {one["handler"] for one in listed(full, handler="submit")} == {"submit"}
    assert [one["event_id"] for one in listed(full, trigger="claim_rejected", user_id="u2")] == ["no-u2"]
    assert {one["kind"] for one in listed(full, reason="MARKETPLACE is closed")} == {"effect"}
    assert len(listed(full, reason="names neither claim nor case", user_id="u1")) == 1
    assert listed(full, reason="nothing says this") == []
    assert listed(full, dropped="1") == []


def test_a_page_of_filtered_ones_goes_on_behind_its_cursor(full: FlaskClient) -> None:
    query = {"reason": "marketplace", "limit": 1}
    first = full.get(PATH, query_string=query).get_json()
    rest = full.get(PATH, query_string={**query, "cursor": first["next_cursor"]}).get_json()
    assert [one["user_id"] for one in first["deadletters"] + rest["deadletters"]] == ["u1", "u2"]


def test_a_dry_run_counts_them_and_their_money_by_currency_and_does_nothing(full: FlaskClient) -> None:
    before = listed(full)
    counted = act(full, "retry", matching={}, dry_run=True)
    assert counted == {
        "status": "counted",
        "matched": 10,
        "money": {"EUR": "12.00", "USD": "10.00"},
        "settled": 0,
        "settled_money": {},
        "waiting": 0,
        "failed": 0,
        "became": {},
    }
    counted = act(full, "drop", matching={"trigger": "payout_received", "user_id": "u1"}, dry_run=True)
    assert counted == {
        "status": "counted",
        "matched": 2,
        "money": {"EUR": "7.00", "USD": "5.00"},
        "dropped": 0,
        "failed": 0,
    }
    assert listed(full) == before


def test_all_that_match_are_retried_and_what_became_of_them_is_told(
    full: FlaskClient, workflow: Workflow
) -> None:
    told = act(full, "retry", matching={"handler": "submit"}, reason="it is open again")
    assert (told["status"], told["matched"], told["settled"], told["became"]) == ("done", 2, 2, {"owed": 2})
    assert listed(full, handler="submit") == []
    detected(workflow, "u1", "c9")
    told = act(full, "retry", matching={"kind": "event"})
    assert (told["matched"], told["settled"], told["waiting"], told["failed"]) == (6, 0, 4, 2)
    [last] = [one for one in workflow.acts("u2") if one.letter.startswith("effect")]
    assert (last.actor, last.reason) == ("operator", "it is open again")


def test_all_that_match_are_dropped_and_their_money_is_what_the_dry_run_said(full: FlaskClient) -> None:
    matching = {"kind": "event", "reason": "c9"}
    counted = act(full, "drop", matching=matching, dry_run=True)
    told = act(full, "drop", matching=matching, reason="a test of the marketplace")
    assert (told["dropped"], told["money"]) == (4, counted["money"]) == (4, {"EUR": "12.00"})
    assert len(listed(full, dropped="1")) == 4
    money = full.get(f"{PREFIX}/money?standing=dropped").get_json()["money"]
    assert sorted(one["amount"] for one in money) == ["1.00", "1.00", "7.00", "7.00"]
    assert full.get(f"{PREFIX}/status/u1").get_json()["unapplied"] == {"USD": "5.00"}


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("retry", {}, ["matching"]),
        ("drop", {}, ["reason", "matching"]),
        ("drop", {"matching": {}}, ["reason"]),
        ("drop", {"matching": {}, "reason": " "}, ["reason"]),
        ("retry", {"matching": []}, ["matching"]),
        (
            "retry",
            {"matching": {"hander": "x", "kind": "evnt", "trigger": "payout", "user_id": ""}, "dry_run": 1},
            ["dry_run", "matching.hander", "matching.kind", "matching.user_id", "matching.trigger"],
        ),
        ("retry", {"matching": {}, "user_id": "u1", "reason": 7}, ["user_id", "reason"]),
    ],
)
def test_what_is_misspelt_or_missing_acts_on_nothing(
    full: FlaskClient, path: str, body: dict[str, object], wrong: list[str]
) -> None:
    before = listed(full)
    answer = full.post(f"{PATH}/{path}", json=body)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.get_json()["errors"]] == wrong
    assert listed(full) == before


def test_a_misspelt_filter_of_the_list_is_400(client: FlaskClient) -> None:
    answer = client.get(f"{PATH}?hander=submit&kind=evnt")
    assert answer.status_code == 400
    assert [one["field"] for one in answer.get_json()["errors"]] == ["hander", "kind"]
    assert "did you mean 'handler'?" in answer.get_json()["detail"]


def test_only_the_operator_acts_on_many(guarded: FlaskClient, clock: ManualClock) -> None:
    for path in ("retry", "drop"):
        body = {"matching": {}, "dry_run": True}
        assert guarded.post(f"{PATH}/{path}", json=body).status_code == 401
        sender = holder(clock(), role="service_worker")
        assert guarded.post(f"{PATH}/{path}", json=body, headers=sender).status_code == 403
        assert guarded.post(f"{PATH}/{path}", json=body, headers=bearer(API_TOKEN)).status_code == 200


def test_a_store_that_is_down_amid_it_says_that_the_rest_is_to_be_asked_again(
    full: FlaskClient, workflow: Workflow
) -> None:
    workflow.close()
    answer = full.post(f"{PATH}/retry", json={"matching": {}})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
