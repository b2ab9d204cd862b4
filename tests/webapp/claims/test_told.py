"""What callers are shown of money, lines, units, cases and what is told anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.webapp.claims.conftest import Post
from tests.webapp.conftest import Api

Find = Callable[..., None]
Status = Callable[[], dict[str, Any]]


def test_a_reimbursement_has_lines_by_either_name_of_them(find: Find, post: Post, status: Status) -> None:
    """ "One reimbursement may have several lines (`line_id`, alias `sku`)" """
    find("c1")
    for number, line in enumerate(({"line_id": "l1"}, {"sku": "l2"}, {"sku": "l1"}, {"line_id": "l2"})):
        told = post("payout/received", claim_id="c1", amount="5.00", reimbursement_id="r", **line)
        assert told.json()["status"] == ("applied" if number < 2 else "duplicate")
    assert status()["recovered"] == {"USD": "10.00"}


def test_a_reimbursement_in_kind_is_units_beside_paid(find: Find, post: Post, status: Status) -> None:
    """ "`quantity_reimbursed_inventory` … may come with an amount, or with `amount` 0" """
    find("c1")
    in_kind = {"quantity_reimbursed_inventory": 3, "event_id": "p1"}
    answer = post("payout/received", claim_id="c1", amount=0, **in_kind)
    assert answer.status_code == 200

    [claim] = status()["claims"]
    assert (claim["state"], claim["units"], claim["paid"]) == ("paid", 3, {})


@pytest.mark.parametrize(
    ("units", "wrong"),
    [
        *((units, ["amount"]) for units in (None, 0, 1e400)),
        *(
            (units, ["quantity_reimbursed_inventory", "amount"])
            for units in (-1, 1.5, "many", True, [1], 10**15, "3.5")
        ),
    ],
)
def test_nothing_at_all_is_no_payout(
    find: Find, post: Post, status: Status, units: object, wrong: list[str]
) -> None:
    find("c1")
    raw = {"quantity_reimbursed_inventory": units} if units != 1e400 else {}
    answer = post("payout/received", claim_id="c1", amount="0", **raw)

    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["errors"]] == wrong
    assert status()["claims"][0]["state"] == "detected"


@pytest.mark.parametrize(
    "field", ["line_id", "sku", "reimbursement_id", "amazon_case_id", "case_id", "original_reimbursement_id"]
)
@pytest.mark.parametrize("value", ["", " x", "x\u0000", "x" * 256, 7, True, [], {}])
def test_a_bad_id_of_a_payout_is_400_and_named(post: Post, field: str, value: object) -> None:
    answer = post("payout/reversed", claim_id="c1", amount="1.00", **{field: value})

    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_history_tells_what_was_booked_and_why(find: Find, post: Post, api: Api, user: str) -> None:
    """ "`amount`, `currency`, `reason` kept in history" """
    find("c1")
    post("payout/received", claim_id="c1", amount="5", reason="batch 7")
    post("payout/reversed", claim_id="c1", amount="2.00")

    rows = api.get(f"history/{user}", claim_id="c1").json()["history"][-2:]

    assert [(one["amount"], one["currency"], one["reason"]) for one in rows] == [
        ("5.00", "USD", "batch 7"),
        ("2.00", "USD", None),
    ]


def test_what_is_known_says_where_it_tells_otherwise(post: Post) -> None:
    """ "its answer says so: `differs` in `unchanged`, `[{"field", "recorded", "told"}]`" """
    post("sync/complete", sync_id="s")
    post("detection/complete", sync_id="s", claims=[{"claim_id": "c1", "amount": "5.00"}])
    post("claim/submitted", claim_id="c1", case_id="k1")
    answer = post("detection/complete", sync_id="s", claims=[{"claim_id": "c1", "amount": "6.00"}])

    [known] = [one for one in answer.json()["unchanged"] if one["claim_id"] == "c1"]
    assert known["differs"] == [{"field": "amount", "recorded": "5.00", "told": "6.00"}]


def test_a_detector_that_changes_its_mind_makes_a_row_and_keeps_the_state(
    post: Post, status: Status, api: Api, user: str
) -> None:
    """ "↻ … is an arrow to the same state: it adds a row to history" """
    post("sync/complete", sync_id="s")
    post("detection/complete", sync_id="s", claims=[{"claim_id": "c1", "amount": "5.00"}])
    before = status()["claims"][0]
    answer = post("detection/complete", sync_id="s", claims=[{"claim_id": "c1", "amount": "6.00"}])

    assert answer.json()["status"] == "applied"
    after = status()["claims"][0]
    assert (after["amount"], after["state"], after["version"]) == ("6.00", "detected", before["version"] + 1)
    assert after["entered_at"] == before["entered_at"]
    row = api.get(f"history/{user}", claim_id="c1").json()["history"][-1]
    assert (row["from"], row["to"], row["trigger"]) == ("detected", "detected", "detection_complete")


def test_a_field_that_is_a_slip_away_gets_a_hint(find: Find, post: Post) -> None:
    """ "one that is a slip away from a listed name (`userId`, `curency`, `claim`) gets a `hint`" """
    find("c1")
    answer = post("payout/received", claim="c1", curency="USD", amount="1.00", event_id="p")
    assert answer.status_code == 202
    assert "`claim_id`" in answer.json()["hint"]
    assert "`currency`" in answer.json()["hint"]


def test_a_case_of_two_claims_gets_a_hint(find: Find, post: Post) -> None:
    """ "a case that another claim has too gets a `hint`" """
    find("c1", "c2")
    post("claim/submitted", claim_id="c1", case_id="k")
    answer = post("claim/submitted", claim_id="c2", case_id="k")
    assert answer.status_code == 200
    assert "c1" in answer.json()["hint"]
