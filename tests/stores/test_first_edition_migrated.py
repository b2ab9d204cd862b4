"""What a migration makes of a first edition's rows: cases, names that wait, ids, currencies, decimals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import Stored
from tests.stores.first_edition import DECIMALS, LOST, Told, letter, money
from tests.stories.acts import claim, status
from webapp import create_app
from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock

Case = tuple[str, str | None, Mapping[str, str]]
FILED: Mapping[str, list[Case]] = {
    "cases/q1": [("C-1", "rejected", {}), ("C-1b", "filed", {})],
    "cases/q2": [("C-2", "rejected", {})],
    "cases/q3": [("C-3", "paid", {"USD": "11.00"})],
    "cases/q4": [("C-3", "filed", {})],
    "cases/q5": [("C-5", "filed", {}), ("C-5b", "filed", {})],
    "cases/q6": [("C-6", "filed", {}), ("C-6b", "rejected", {})],
    "cases/q7": [("C-7", "filed", {}), ("C-7b", "filed", {}), ("C-7x", "paid", {"USD": "8.00"})],
    "cases/q9": [("", "filed", {})],
    "cases/q10": [("C-10", None, {})],
    "cases/q11": [("C-11", None, {})],
    "cases/q12": [("C-12", "rejected", {})],
    "cases/q13": [("C-13", "rejected", {})],
    "guessed/g1": [("G-1", "filed", {})],
    "guessed/g2": [("G-2", "paid", {"USD": "15.00"})],
    "plain/p1": [("P-1", "filed", {})],
    "plain/p2": [("P-2", "paid", {"USD": "5.00"})],
    "states/c-submitted": [("case submitted", "filed", {})],
    "states/c-rejected": [("case rejected", "rejected", {})],
    "states/c-paid": [("case paid", "filed", {})],
    "aliases/a1": [("A-1", "filed", {})],
    "aliases/a-late": [("A-3", None, {})],
    "letters/l-a": [("L-l-a", "rejected", {}), ("L-l-a2", "rejected", {})],
    "letters/l-b": [("L-2", "filed", {})],
    "letters/l-d": [("L-l-d", "rejected", {})],
    "bulgaria/b1": [("B-1", "filed", {})],
    "waiting/w9": [("W-9", None, {})],
    "nobody yet/ny9": [("N-9", None, {})],
    "early/y1": [("Y-1", None, {})],
    "effects/f-appealed": [("F-1", "rejected", {}), ("appealed", "filed", {})],
}
"""By user and claim (a plain lifecycle by its sync): each case, its state, and what was booked under it."""
WAITS = {
    "ambiguous/whose?": {("any", "")},
    "aliases/early": {("claim", "early name")},
    "bulgaria/b9 paid": {("claim", "b9")},
    "early/found": {("sync", "ye")},
    "early/matched": {("sync", "ye")},
    "early/filed": {("claim", "y1")},
    "letters/moved on": {("claim", "nobody-9")},
    "lines/line D waits": {("claim", "dispute D")},
    "money/of an unknown original": {("reimbursement", "R-nowhere")},
    "nobody yet/found": {("any", "")},
    "nobody yet/matched": {("any", "")},
    "nobody yet/rejected by its case": {("case", "N-1")},
    "nobody yet/paid": {("any", "")},
    "nobody yet/paid by its case": {("case", "N-2")},
    "nobody yet/reversed by its original": {("reimbursement", "R-ny")},
    "waiting/a count for a sync": {("sync", "wy")},
    "waiting/waits in part": {("claim", "w8")},
}


@pytest.fixture
def store_url(migrated_url: str) -> str:
    return migrated_url


@pytest.fixture
def events(stored: Stored) -> dict[str, dict[str, Any]]:
    """The migrated events, by user and id."""
    return {f"{row['user_id']}/{row['event_id']}": row for row in stored("SELECT * FROM events")}


# -- cases


def test_every_filing_that_was_told_is_a_case_of_its_claim_in_the_state_last_told(
    events: dict[str, Any], stored: Stored
) -> None:
    found: dict[str, list[Case]] = {}
    for row in stored("SELECT * FROM cases ORDER BY user_id, claim_id, sync_id, case_id"):
        whose = f"{row['user_id']}/{row['claim_id'] or row['sync_id']}"
        found.setdefault(whose, []).append((row["case_id"], row["state"], json.loads(row["paid"])))
    assert {whose: sorted(found.get(whose, [])) for whose in FILED} == FILED


@pytest.mark.parametrize(
    ("case_id", "claim_id", "by", "filed", "alone"),
    [
        ("C-1", "q1", "q1 rejected", 1, None),
        ("C-1b", "q1", "q1 refiled", 1, None),
        ("C-2", "q2", "q2 rejected", 1, None),
        ("C-3", "q3", "q3 paid", 1, "q3 paid"),
        ("C-3", "q4", "q4 filed", 1, None),
        ("C-5b", "q5", "q5 refiled", 1, None),
        ("C-7x", "q7", "q7 paid", 0, None),
        ("C-12", "q12", "q12 reversed", 1, "q12 reversed"),
        ("C-13", "q13", "q13 rejected", 1, "q13 rejected"),
    ],
)
def test_a_case_knows_which_event_told_its_state_and_whether_it_came_by_the_case_alone(
    events: dict[str, Any],
    stored: Stored,
    case_id: str,
    claim_id: str,
    by: str,
    filed: int,
    alone: str | None,
) -> None:
    wanted = f"user_id = 'cases' AND case_id = '{case_id}' AND claim_id = '{claim_id}'"
    [row] = stored(f"SELECT * FROM cases WHERE {wanted}")  # noqa: S608  # of ours
    teller = events[f"cases/{by}"]
    assert (row["seq"], row["at"], row["told"]) == (teller["seq"], teller["received_at"], filed)
    assert row["alone"] == (None if alone is None else events[f"cases/{alone}"]["seq"])


def test_money_for_a_case_that_the_first_edition_dropped_finds_its_claim(reopened: Workflow) -> None:
    paid = {"amazon_case_id": "C-5b", "amount": "6.00"}
    outcome = reopened.fire("payout_received", user_id="cases", **paid)
    assert [(one.claim_id, one.to) for one in outcome.transitions] == [("q5", "paid")]
    shown = {one["amazon_case_id"]: one["state"] for one in claim(reopened, "q5", "cases").cases}
    assert shown == {"C-5": "filed", "C-5b": "paid"}
    assert reopened.check().sound


def test_money_for_a_case_of_two_claims_waits_for_a_person(reopened: Workflow) -> None:
    outcome = reopened.fire("payout_received", user_id="cases", amazon_case_id="C-3", amount="6.00")
    assert outcome.status == "deferred"
    assert {one.claim_id for one in outcome.candidates} == {"q3", "q4"}


# -- names that wait, and ids


def test_what_waits_does_so_under_the_name_that_it_gave(events: dict[str, Any], stored: Stored) -> None:
    found: dict[str, set[tuple[str, str]]] = {whose: set() for whose in WAITS}
    waiting = {(events[whose]["user_id"], events[whose]["seq"]): whose for whose in WAITS}
    for row in stored("SELECT user_id, seq, kind, name FROM waits"):
        if (row["user_id"], row["seq"]) in waiting:
            found[waiting[row["user_id"], row["seq"]]].add((row["kind"], row["name"]))
    assert found == WAITS


def test_every_event_that_waits_has_the_rows_that_its_shares_tell(
    events: dict[str, Any], stored: Stored
) -> None:
    found: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for row in stored("SELECT user_id, kind, name, seq FROM waits"):
        found.setdefault((row["user_id"], row["seq"]), set()).add((row["kind"], row["name"]))
    told = {
        (event["user_id"], event["seq"]): {
            (kind, name)
            for share in json.loads(event["shares"])
            if share["standing"] == "waiting"
            for kind, name in share["waits"]
        }
        for event in events.values()
        if event["standing"] == "waiting"
    }
    assert len(told) == 37
    assert found == told


def test_the_one_id_that_was_kept_of_an_event_stays_its_first(
    events: dict[str, Any], stored: Stored, told: Told
) -> None:
    assert stored("SELECT user_id, event_id, seq FROM event_ids") == []
    assert len(events) == told["rows"]["events"]


def test_an_old_event_that_comes_again_under_two_ids_has_both_from_then_on(reopened: Workflow) -> None:
    posted = create_app(reopened).test_client().post
    body = {"user_id": "money", "claim_id": "u1", "amount": "5.25"}
    first = {"Idempotency-Key": '"by \\"key\\""', "webhook-id": "minted at this try"}
    for headers in (first, {"webhook-id": "minted at this try"}):
        answer = posted("/api/v1/workflow/payout/received", json=body, headers=headers).json
        assert answer is not None
        assert (answer["status"], answer["event_id"]) == ("duplicate", 'by "key"')


def test_what_is_not_listed_makes_no_old_content_differ(reopened: Workflow) -> None:
    again = reopened.fire("payout_received", user_id="ambiguous", amount="1.25", currency="USD", attempt=9)
    assert again.status == "duplicate"
    told_early = {"claim_id": "r1", "amount": "10.00", "reimbursement_id": "R-1", "line_id": "A"}
    outcome = reopened.fire("payout_received", user_id="lines", event_id="another id", **told_early)
    assert (outcome.status, outcome.event_id) == ("duplicate", "line A")


# -- what a person laid over


def test_what_a_person_said_of_an_event_stands_beside_what_it_said(
    events: dict[str, Any], stored: Stored, told: Told
) -> None:
    """The first edition wrote it over; what stood there, the answer or the fingerprint still tells: but for a
    name that nothing else knows, of which there is the hash alone."""
    given = {
        row["event_id"]: row["claim_id"]
        for row in stored("SELECT * FROM history WHERE lifecycle = 0 AND claim_id IS NOT NULL")
    }
    assert set(given) == set(told["said"])
    for event in events.values():
        overlay = None if event["overlay"] is None else json.loads(event["overlay"])
        name = event["event_id"] if event["user_id"] == "letters" else ""
        assert overlay == ({"claim_id": given[name]} if name in given else None), event
        if name in given:
            body = json.loads(event["body"])
            said = None if name == LOST else told["said"][name].get("claim_id")
            assert body.get("claim_id") == said, event


# -- money


def test_the_store_knows_every_currency_that_it_met_by_its_decimals(
    events: dict[str, Any], stored: Stored
) -> None:
    known = {row["currency"]: row["decimals"] for row in stored("SELECT * FROM currencies")}
    assert DECIMALS.items() <= known.items()


def test_a_user_knows_in_which_currencies_claims_are(events: dict[str, Any], stored: Stored) -> None:
    found = {row["user_id"]: json.loads(row["currencies"]) for row in stored("SELECT * FROM users")}
    assert found["bulgaria"] == {"BGN": 3, "EUR": 1}
    assert found["lines"] == {"USD": 4}
    assert found["money"] == {"USD": 2, "JPY": 1, "KWD": 1, "UYW": 1}


def test_a_lifecycle_has_the_columns_that_are_new_and_no_case(events: dict[str, Any], stored: Stored) -> None:
    [told] = [event for event in events.values() if event["event_id"] == "units"]  # which counts now
    [share] = json.loads(told["shares"])
    paid_in_kind = {(told["user_id"], one): 3 for one in share["lifecycles"]}
    for row in stored("SELECT * FROM lifecycles"):
        units = paid_in_kind.get((row["user_id"], row["id"]), 0)
        assert (row["entered"], row["merged_into"], row["units"]) == (row["cursor"], None, units)
        assert "case_id" not in row


# -- what could not be settled then


def test_a_line_that_waited_as_a_conflict_is_counted_once_its_claim_moves(reopened: Workflow) -> None:
    reopened.fire("payout_received", user_id="lines", claim_id="r1", amount="1.00", event_id="a move")
    assert claim(reopened, "r1", "lines").paid == {"USD": "18.00"}
    assert reopened.check().sound


def test_a_conflict_without_lines_goes_on_waiting_and_names_the_other(
    reopened: Workflow, events: dict[str, Any]
) -> None:
    [other] = [
        one for one in events.values() if (one["reimbursement_id"], one["standing"]) == ("R-2", "applied")
    ]
    [waits] = [one for one in status(reopened, "lines").deferred if one.event_id == "in conflict"]
    assert waits.conflicts_with == other["event_id"]


def test_what_was_dropped_lets_go_of_its_id_and_may_be_brought_back(
    reopened: Workflow, later: ManualClock
) -> None:
    again = {"amount": "13.00", "currency": "USD", "event_id": "dropped money"}
    assert reopened.fire("payout_received", user_id="letters", **again).status == "deferred"
    client = create_app(reopened).test_client()
    listed = client.get("/api/v1/workflow/deadletters?dropped=1&user_id=bulgaria").json
    assert listed is not None
    [dropped] = listed["deadletters"]
    assert (dropped["event_id"], dropped["amount"], dropped["currency"]) == ("nobody's leva", "7.77", "BGN")
    answer = client.post(f"/api/v1/workflow/deadletters/{dropped['id']}/restore")
    assert answer.status_code == 200
    assert letter(reopened, "bulgaria", "nobody's leva") is not None
    assert money(reopened)["BGN"]["dropped"] == "0.00"
    assert status(reopened, "bulgaria").unapplied == {"BGN": "17.77"}
