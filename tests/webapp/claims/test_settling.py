"""Dead letters over HTTP: settled by what a person knows, dropped and brought back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from requests import Response

from tests.webapp.claims.conftest import Post
from tests.webapp.conftest import Api
from webapp.http.problem_kinds import DOCS

Find = Callable[..., None]
Letters = Callable[..., list[dict[str, Any]]]
Status = Callable[[], dict[str, Any]]


@pytest.fixture
def act(api: Api, letters: Letters) -> Callable[..., Response]:
    """Do something with the seller's only dead letter."""

    def do(what: str, letter: str | None = None, **body: Any) -> Response:
        if letter is None:
            [only] = letters()
            letter = only["id"]
        return api.post(f"deadletters/{letter}/{what}", body)

    return do


Act = Callable[..., Response]


def outcome(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["status"]


def test_money_that_names_nobody_waits_for_a_person_who_tells_the_claim(
    find: Find, post: Post, act: Act, letters: Letters, status: Status
) -> None:
    """ "the answer is the event's new answer, with its code" """
    find("c1", "c2")
    waiting = post("payout/received", amount="5.00", event_id="p1")
    assert outcome(waiting) == (202, "deferred")
    assert waiting.json()["waiting_for"] == []
    assert {one["claim_id"] for one in waiting.json()["candidates"]} == {"c1", "c2"}
    assert "claim_id" in waiting.json()["reason"]
    [letter] = letters()
    assert (letter["amount"], letter["currency"]) == ("5.00", "USD")
    assert letter["reason"] == waiting.json()["reason"]
    assert letter["candidates"] == waiting.json()["candidates"]

    told = act("retry", claim_id="c2", reason="the bank says so")

    assert outcome(told) == (200, "applied")
    assert told.json()["event_id"] == "p1"
    assert [one["claim_id"] for one in told.json()["transitions"]] == ["c2"]
    assert (status()["unapplied"], status()["recovered"]) == ({}, {"USD": "5.00"})
    assert letters() == []


def test_a_case_that_is_told_is_meant(find: Find, post: Post, act: Act, status: Status) -> None:
    find("c1", "c2")
    post("claim/submitted", claim_id="c2", case_id="k2")
    post("payout/received", amount="5.00", event_id="p1")

    assert outcome(act("retry", amazon_case_id="nobody's")) == (202, "deferred")
    assert outcome(act("retry", amazon_case_id="k2")) == (200, "applied")
    assert [one["paid"] for one in status()["claims"]] == [{}, {"USD": "5.00"}]


def test_a_currency_that_can_hold_the_amount_is_told(
    find: Find, post: Post, act: Act, status: Status
) -> None:
    """ "while the currency can't hold the amount, it goes on waiting, and its reason says that" """
    assert post("sync/complete", sync_id="s").status_code == 200
    post("detection/complete", sync_id="s", claims=[{"claim_id": "c1", "currency": "JPY"}])
    waiting = post("payout/received", claim_id="c1", amount="5.25")
    assert outcome(waiting) == (202, "deferred")
    assert "JPY" in waiting.json()["reason"]

    assert outcome(act("retry", currency="usd")) == (200, "applied")
    assert status()["recovered"] == {"USD": "5.25"}


def test_a_conflict_of_a_reimbursement_is_settled_by_a_line_or_by_force(
    find: Find, post: Post, act: Act, letters: Letters, status: Status
) -> None:
    """ "`retry` with a `line_id` makes it a line of its own, with `force` it counts as it stands" """
    find("c1")
    post("payout/received", claim_id="c1", amount="10.00", reimbursement_id="r", event_id="p1")
    for event_id, amount in (("p2", "9.00"), ("p3", "8.00")):
        waits = post("payout/received", claim_id="c1", amount=amount, reimbursement_id="r", event_id=event_id)
        assert outcome(waits) == (202, "deferred")
        assert waits.json()["conflicts_with"] == "p1"
    first, second = letters()
    assert [one["conflicts_with"] for one in (first, second)] == ["p1", "p1"]
    assert [one["conflicts_with"] for one in status()["deferred"]] == ["p1", "p1"]
    assert status()["unapplied"] == {"USD": "17.00"}

    assert outcome(act("retry", first["id"], line_id="sku-2")) == (200, "applied")
    assert outcome(act("retry", second["id"], force=True)) == (200, "applied")
    assert (status()["recovered"], status()["unapplied"]) == ({"USD": "27.00"}, {})


def test_a_reversal_of_more_than_is_left_is_let_through_by_force(
    find: Find, post: Post, act: Act, status: Status
) -> None:
    """ "`paid` and `recovered` may then be below nothing" """
    find("c1")
    post("payout/received", claim_id="c1", amount="10.00")
    assert outcome(post("payout/reversed", claim_id="c1", amount="12.00")) == (202, "deferred")

    assert outcome(act("retry", force=False)) == (202, "deferred")
    assert outcome(act("retry", force=True)) == (200, "applied")
    assert (status()["recovered"], status()["claims"][0]["state"]) == ({"USD": "-2.00"}, "rejected")


def test_a_reversal_is_told_what_it_takes_back(find: Find, post: Post, act: Act, status: Status) -> None:
    find("c1", "c2")
    post("payout/received", claim_id="c1", amount="10.00", reimbursement_id="r1")
    post("payout/received", claim_id="c2", amount="10.00", reimbursement_id="r2")
    assert outcome(post("payout/reversed", amount="10.00")) == (202, "deferred")

    assert outcome(act("retry", original_reimbursement_id="r2")) == (200, "applied")
    assert [one["state"] for one in status()["claims"]] == ["paid", "rejected"]


def test_a_letter_that_is_refused_again_is_answered_as_its_event_would_be(
    find: Find, post: Post, act: Act
) -> None:
    find("c1")
    post("payout/received", claim_id="c1", amount="1.00")
    refused = post("claim/rejected", claim_id="c1", event_id="no")

    again = act("retry")

    assert (again.status_code, again.json()) == (409, refused.json())


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"claim_id": 1, "line_id": [], "force": "yes"}, {"claim_id", "line_id", "force"}),
        ({"amazon_case_id": ""}, {"amazon_case_id"}),
        ({"amazon_case_id": " k"}, {"amazon_case_id"}),
        ({"amazon_case_id": "k" * 256}, {"amazon_case_id"}),
        ({"amazon_case_id": "k\u0000"}, {"amazon_case_id"}),
        ({"amazon_case_id": {}}, {"amazon_case_id"}),
        ({"currency": "XYZ"}, {"currency"}),
        ({"currency": ""}, {"currency"}),
        ({"currency": 840}, {"currency"}),
        ({"currency": "U" * 2000}, {"currency"}),
        ({"currency": "US\u0130"}, {"currency"}),
        ({"line_id": True}, {"line_id"}),
        ({"line_id": "\n"}, {"line_id"}),
        ({"line_id": "\u0007"}, {"line_id"}),
        ({"original_reimbursement_id": 7}, {"original_reimbursement_id"}),
        ({"original_reimbursement_id": "r"}, {"original_reimbursement_id"}),
        ({"force": 1}, {"force"}),
        ({"force": "true"}, {"force"}),
        ({"force": []}, {"force"}),
    ],
)
def test_what_can_t_be_laid_over_is_400_and_changes_nothing(
    find: Find, post: Post, act: Act, letters: Letters, body: dict[str, Any], fields: set[str]
) -> None:
    find("c1", "c2")
    post("payout/received", amount="5.00")
    before = letters()

    answer = act("retry", **body)

    assert (answer.status_code, answer.json()["type"]) == (400, f"{DOCS}/invalid-event")
    assert {fault["field"] for fault in answer.json()["errors"]} == fields
    assert letters() == before


def test_null_is_the_same_as_absent_in_a_retry(find: Find, post: Post, act: Act) -> None:
    find("c1", "c2")
    post("payout/received", amount="5.00")
    names = ("amazon_case_id", "currency", "line_id", "original_reimbursement_id", "force", "reason")

    assert outcome(act("retry", claim_id="c1", **dict.fromkeys(names))) == (200, "applied")


# -- dropped, and brought back


def test_a_dropped_event_lets_go_of_its_ids_and_can_be_restored(
    find: Find, post: Post, act: Act, letters: Letters, status: Status
) -> None:
    """ "its ids bind nobody any more. `POST deadletters/{id}/restore` brings a dropped one back" """
    find("c1", "c2")
    post("payout/received", amount="5.00", event_id="p1")
    [letter] = letters()

    assert act("drop", reason="not ours").json() == {"status": "dropped"}
    assert (status()["unapplied"], letters()) == ({}, [])
    assert [one["id"] for one in letters(dropped="1")] == [letter["id"]]
    assert [one["id"] for one in letters(dropped="true", kind="event")] == [letter["id"]]
    assert letters(dropped="1", kind="effect") == []

    assert act("restore", letter["id"], reason="it was").json() == {"status": "restored"}
    assert (status()["unapplied"], letters(dropped="1")) == ({"USD": "5.00"}, [])
    assert [one["id"] for one in letters()] == [letter["id"]]
    assert act("restore", letter["id"]).status_code == 404


def test_what_was_dropped_can_be_sent_again_corrected(
    find: Find, post: Post, act: Act, status: Status
) -> None:
    find("c1", "c2")
    post("payout/received", amount="5.00", event_id="p1")
    act("drop", reason="sent again with its claim")

    assert outcome(post("payout/received", amount="5.00", claim_id="c2", event_id="p1")) == (200, "applied")
    assert (status()["recovered"], status()["unapplied"]) == ({"USD": "5.00"}, {})


@pytest.mark.parametrize("body", [{"reason": 1}, {"reason": " "}, {"reason": "r" * 1001}, {"reason": []}])
def test_a_restore_that_is_not_well_formed_is_400(
    find: Find, post: Post, act: Act, letters: Letters, body: dict[str, Any]
) -> None:
    find("c1", "c2")
    post("payout/received", amount="5.00")
    [letter] = letters()
    act("drop", reason="x")

    assert act("restore", letter["id"], **body).status_code == 400
    assert [one["id"] for one in letters(dropped="1")] == [letter["id"]]


@pytest.mark.parametrize("letter", ["nonsense", "WyJldmVudCIsIm5vYm9keSIsN10", "%00", "🙃"])
def test_an_unknown_letter_is_not_restored(api: Api, letter: str) -> None:
    answer = api.post(f"deadletters/{letter}/restore", {})
    assert (answer.status_code, answer.json()["type"]) == (404, f"{DOCS}/dead-letter-unknown")


# -- the list


def test_letters_are_chosen_by_trigger_and_handler(find: Find, post: Post, letters: Letters) -> None:
    find("c1", "c2")
    post("payout/received", amount="5.00", event_id="p1")
    post("payout/received", claim_id="c1", amount="1.00")
    post("claim/rejected", claim_id="c1", event_id="no")

    assert [one["event_id"] for one in letters(trigger="payout_received")] == ["p1"]
    assert [one["event_id"] for one in letters(trigger="claim_rejected", dropped="0")] == ["no"]
    assert letters(trigger="nothing") == letters(handler="nobody") == letters(dropped="1") == []


@pytest.mark.parametrize(
    "query", ["dropped=yes", "dropped=", "dropped=2", "handler=", "trigger=", "dropped=%00"]
)
def test_a_list_that_can_t_be_asked_for_is_400_and_says_why(api: Api, query: str) -> None:
    answer = api.get(f"deadletters?{query}")

    assert (answer.status_code, answer.json()["type"]) == (400, f"{DOCS}/invalid-request")
    assert [fault["field"] for fault in answer.json()["errors"]] == [query.partition("=")[0]]
