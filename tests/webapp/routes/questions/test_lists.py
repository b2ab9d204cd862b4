"""Lists across users over HTTP: filters, pages, what is wrong with a question, and who may ask."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.webapp.http.keys import API_TOKEN, NEW, bearer, holder, signed
from tests.webapp.routes.questions.conftest import Ask
from webapp.http.problem_kinds import DOCS
from webapp.routes.webhooks import PREFIX
from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock

LISTS = ("claims", "money", "users", "effects")


def names(answer: Any) -> list[str]:
    return [f"{one['user_id']} {one['claim_id']}" for one in answer["claims"]]


def test_rows_of_claims_are_as_status_has_them_each_with_its_user(ask: Ask, told: FlaskClient) -> None:
    rows = ask("claims")["claims"]
    assert len(rows) == 9
    for user, path in (("a", "a"), ("b/1", "b%2F1"), ("c", "c")):
        status = told.get(f"{PREFIX}/status/{path}").get_json()
        assert [one for one in rows if one["user_id"] == user] == [
            {"user_id": user, **one} for one in status["claims"]
        ]


@pytest.mark.parametrize(
    ("query", "claims"),
    [
        ({"state": "paid"}, ["c1"]),
        ({"decision": "ask_user"}, ["c2"]),
        ({"currency": "eur"}, ["c2"]),
        ({"amazon_case_id": "case-a"}, ["c1"]),
        ({"reimbursement_id": "r1"}, ["c1"]),
        ({"q": "disp"}, ["c2"]),
        ({"due_before": "2026-03-03T00:00:00+01:00"}, ["c3"]),
        ({"overdue": "1"}, ["c3"]),
        ({"overdue": "true", "state": "paid"}, []),
        ({"overdue": "0"}, ["c1", "c2"]),
        ({"waiting": "1"}, []),
        ({"waiting": "false", "state": "matched"}, ["c2"]),
        ({"sort": "deadline"}, ["c3", "c1", "c2"]),
        ({"sort": "-amount"}, ["c2", "c1", "c3"]),
        ({"sort": "amount"}, ["c1", "c2", "c3"]),
    ],
)
def test_each_filter_of_claims_and_each_order(
    ask: Ask, clock: ManualClock, workflow: Workflow, query: dict[str, str], claims: list[str]
) -> None:
    clock.advance(days=2)
    workflow.tick()
    rows = ask("claims", **query)["claims"]
    of_one = [one["claim_id"] for one in rows if one["user_id"] == "a"]
    assert of_one == claims if "sort" in query else sorted(of_one) == claims


def test_what_only_candidates_name_does_not_make_a_claim_waiting(ask: Ask, told: FlaskClient) -> None:
    told.post(f"{PREFIX}/payout/received", json={"user_id": "a", "amount": "1.00"})
    assert ask("claims", waiting="true") == {"claims": [], "next_cursor": None}
    told.post(f"{PREFIX}/payout/reversed", json={"user_id": "a", "claim_id": "c2", "amount": "1.00"})
    assert names(ask("claims", waiting="true")) == ["a c2"]


@pytest.mark.parametrize("question", LISTS)
def test_a_list_is_read_page_by_page(ask: Ask, question: str) -> None:
    whole = ask(question, limit=1000)
    assert whole["next_cursor"] is None
    rows: list[Any] = []
    query: dict[str, object] = {"limit": 2}
    while True:
        page = ask(question, **query)
        assert list(page) == [question, "next_cursor"]
        assert 0 < len(page[question]) <= 2
        rows += page[question]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert rows == whole[question]


def test_a_page_holds_100_rows_where_nobody_says_how_many(client: FlaskClient) -> None:
    found = [{"claim_id": f"c{number}"} for number in range(101)]
    client.post(f"{PREFIX}/sync/complete", json={"user_id": "u", "sync_id": "s"})
    client.post(f"{PREFIX}/detection/complete", json={"user_id": "u", "claims": found})
    answer = client.get(f"{PREFIX}/claims").get_json()
    assert len(answer["claims"]) == 100
    rest = client.get(f"{PREFIX}/claims?cursor={answer['next_cursor']}").get_json()
    assert (len(rest["claims"]), rest["next_cursor"]) == (1, None)


def test_money_adds_up_to_recovered_unapplied_and_dropped(
    ask: Ask, told: FlaskClient, workflow: Workflow
) -> None:
    sums: Counter[str] = Counter()
    for standing in ("recovered", "unapplied", "dropped"):
        for row in ask("money", standing=standing)["money"]:
            assert row["standing"] == standing
            sign = 1 if row["trigger"] == "payout_received" else -1
            sums[standing] += sign * Decimal(row["amount"])  # type: ignore[assignment]
    assert sums == {"recovered": 30, "unapplied": 15, "dropped": 21}
    stands = [told.get(f"{PREFIX}/status/{user}").get_json() for user in ("a", "b%2F1", "c")]
    assert sums["recovered"] == sum(Decimal(one["recovered"]["USD"]) for one in stands)
    assert sums["unapplied"] == sum(Decimal(one["unapplied"]["USD"]) for one in stands)
    assert [row for row in ask("money")["money"]] == sorted(
        (one for standing in sums for one in ask("money", standing=standing)["money"]),
        key=lambda row: (row["at"], row["user_id"], ["paid", "back", "early", "gone"].index(row["event_id"])),
    )
    [checked] = workflow.check().money
    assert sums == {name: Decimal(getattr(checked, name)) for name in sums}


def test_money_is_chosen_by_user_currency_time_and_standing_and_told_whole(ask: Ask) -> None:
    [row] = ask("money", user_id="a", standing="recovered", limit=1)["money"]
    assert row == {
        "user_id": "a",
        "claim_id": "c1",
        "amazon_case_id": "case-a",
        "reimbursement_id": "r1",
        "line_id": None,
        "trigger": "payout_received",
        "amount": "12.50",
        "currency": "USD",
        "standing": "recovered",
        "at": "2026-03-01T12:00:00.000000Z",
        "occurred_at": None,
        "event_id": "paid",
    }
    assert ask("money", currency="EUR")["money"] == []
    later = ask("money", since="2026-03-01T12:01:00Z", until="2026-03-01T12:02:00Z")["money"]
    assert {one["user_id"] for one in later} == {"b/1"}


def test_users_are_found_by_how_their_ids_begin(ask: Ask) -> None:
    assert [one["user_id"] for one in ask("users")["users"]] == ["a", "b/1", "c"]
    [user] = ask("users", q="b/")["users"]
    assert (user["user_id"], user["recovered"], user["unapplied"]) == (
        "b/1",
        {"USD": "10.00"},
        {"USD": "5.00"},
    )


def test_effects_are_chosen_by_handler_standing_user_and_claim(ask: Ask, workflow: Workflow) -> None:
    rows = ask("effects", handler="submit", user_id="a", claim_id="c2")["effects"]
    assert [(one["handler"], one["standing"], one["attempt"]) for one in rows] == [("submit", "owed", 0)]
    assert ask("effects", standing="done")["effects"] == []
    workflow.run_effects()
    assert {one["claim_id"] for one in ask("effects", standing="done")["effects"]} == {"c2"}
    assert ask("effects", handler="another")["effects"] == []


@pytest.mark.parametrize(
    ("question", "query", "wrong", "hints"),
    [
        (
            "claims",
            "state=payd&decision=x&currency=EUX&due_before=soon&overdue=maybe&waiting=2&sort=ammount&limit=0"
            "&cursor=!&stat=paid&q=",
            [
                *("q", "overdue", "waiting", "limit", "stat"),
                *("state", "decision", "currency", "sort", "due_before"),
            ],
            ["did you mean 'paid'?", "did you mean 'EUR'?", "did you mean 'amount'?", "mean 'state'?"],
        ),
        (
            "money",
            "standing=unaplied&currency=dollars&since=1&until=2026-03-01T00:00:00&limit=1001&cursor=x",
            ["limit", "currency", "since", "until", "standing", "cursor"],
            ["did you mean 'unapplied'?"],
        ),
        ("users", "limit=x&cursor=x&Q=a", ["limit", "Q", "cursor"], []),
        (
            "effects",
            "standing=ded&claim_id=c1&hander=submit",
            ["hander", "standing", "user_id"],
            ["did you mean 'handler'?"],
        ),
    ],
)
def test_every_wrong_parameter_is_named_at_once_and_what_may_be_meant(
    client: FlaskClient, question: str, query: str, wrong: list[str], hints: list[str]
) -> None:
    answer = client.get(f"{PREFIX}/{question}?{query}")
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    told = answer.get_json()
    assert told["type"] == f"{DOCS}/invalid-request"
    assert [one["field"] for one in told["errors"]] == wrong
    assert all(hint in told["detail"] for hint in hints), told["detail"]


@pytest.mark.parametrize(
    "path", [*LISTS, "claims/u1/c1", "events/u1/e1"], ids=lambda path: str(path).replace("/", " ")
)
def test_only_the_operator_asks_across_users(guarded: FlaskClient, clock: ManualClock, path: str) -> None:
    target = f"{PREFIX}/{path}"
    assert guarded.get(target).status_code == 401
    assert guarded.get(target, headers=bearer("another")).status_code == 401
    assert guarded.get(target, headers=signed(b"", clock(), of=NEW)).status_code == 401
    assert guarded.get(target, headers=holder(clock(), user_id="u1")).status_code == 403
    assert guarded.get(target, headers=holder(clock(), role="service_worker")).status_code == 403
    operators = guarded.get(target, headers=bearer(API_TOKEN))
    assert operators.status_code == (404 if "/" in path else 200)
