"""Questions across users on the command line: lists, a claim, an event, and what an event would do."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from tests.cli.conftest import Run, answer, complaint, find
from webapp import create_app
from workflow_fsm import Settings, Workflow


def fill(run: Run) -> None:
    """Let a seller have two claims, of which one is paid, and money that waits."""
    find(run, "c1", "c2")
    for line in (
        ("claim_submitted", "u1", "claim_id=c1", "case_id=k1", "--event-id", "e3"),
        ("payout_received", "u1", "claim_id=c1", "amount=5.00", "--event-id", "evt-7"),
        ("payout_received", "u1", "claim_id=c9", "amount=7.00", "--event-id", "early"),
    ):
        assert run("fire", *line).exit_code == 0


LISTS = ("claims", "money", "users", "effects")


@pytest.mark.parametrize("question", LISTS)
def test_a_list_as_json_is_what_http_answers(run: Run, path: str, question: str) -> None:
    fill(run)
    told = run(question, "--json", "--limit", "1")
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        client = create_app(workflow).test_client()
        body = client.get(f"/api/v1/workflow/{question}?limit=1").get_data(as_text=True)
    assert told.stdout == f"{body}\n"


def test_a_list_for_people_is_a_table_that_says_where_it_goes_on(run: Run) -> None:
    fill(run)
    heading, row, more = run("claims", "--limit", "1", "--sort", "-deadline").stdout.splitlines()
    assert heading.split() == ["user", "claim", "state", "since", "amount"]
    assert row.split()[:2] == ["u1", "c1"] or row.split()[:2] == ["u1", "c2"]
    cursor = more.removeprefix("there is more: --cursor ")
    rest = run("claims", "--sort", "-deadline", "--cursor", cursor)
    assert len(rest.stdout.splitlines()) == 2
    assert run("effects").stdout == "no effects\n"
    assert run("users").stdout.splitlines()[1].split()[:5] == ["u1", "5.00", "USD", "7.00", "USD"]


@pytest.mark.parametrize(
    ("options", "claims"),
    [
        (("--state", "paid"), ["c1"]),
        (("--case", "k1"), ["c1"]),
        (("--q", "c2"), ["c2"]),
        (("--not-overdue", "--currency", "usd"), ["c1", "c2"]),
        (("--waiting",), []),
        (("--due-before", "2026-01-01T00:00:00Z"), []),
    ],
)
def test_claims_are_chosen(run: Run, options: tuple[str, ...], claims: list[str]) -> None:
    fill(run)
    rows = answer(run("claims", *options, "--json"))["claims"]
    assert sorted(row["claim_id"] for row in rows) == claims


def test_a_sheet_and_lines_are_all_there_is(run: Run) -> None:
    fill(run)
    sheet = run("money", "--csv")
    assert sheet.exit_code == 0
    rows = list(csv.DictReader(StringIO(sheet.stdout, newline="")))
    assert [(row["event_id"], row["amount"], row["standing"]) for row in rows] == [
        ("evt-7", "5.00", "recovered"),
        ("early", "7.00", "unapplied"),
    ]
    lines = run("money", "--ndjson").stdout.splitlines()
    assert [json.loads(line)["event_id"] for line in lines] == ["evt-7", "early"]
    assert len(run("money", "--ndjson", "--limit", "1").stdout.splitlines()) == 1
    assert complaint(run("money", "--csv", "--json")).startswith("--json gives a page, and --csv all")


def test_one_claim_is_told_whole(run: Run) -> None:
    fill(run)
    told = answer(run("claims", "u1", "c1", "--json"))
    assert (told["state"], len(told["history"]), told["user_id"]) == ("paid", 4, "u1")
    shown = run("claims", "u1", "c1").stdout
    assert shown.startswith("claim c1 of u1 is paid since ")
    assert "  cases: k1 filed" in shown or "  cases: k1 paid" in shown
    assert "  payout_received allowed: " in shown
    assert "submitted to paid by payout_received (evt-7), 5.00 USD" in shown
    unknown = run("claims", "u1", "c7", "--json")
    assert (unknown.exit_code, answer(unknown)["code"]) == (4, "unknown-claim")
    assert run("claims", "u1").exit_code == 2
    assert run("claims", "u1", "c1", "--state", "paid").exit_code == 2


def test_an_event_tells_whether_it_arrived(run: Run) -> None:
    fill(run)
    told = answer(run("events", "u1", "evt-7", "--json"))
    assert (told["standing"], told["amount"], told["said"]["claim_id"]) == ("applied", "5.00", "c1")
    shown = run("events", "u1", "early").stdout.splitlines()
    assert shown[0] == "payout_received of u1 is waiting (event early)"
    assert "claim c9 is waiting for detection_complete: " in "\n".join(shown)
    assert shown[-1] == "it moved nothing"
    unknown = run("events", "u1", "evt-8", "--json")
    assert (unknown.exit_code, answer(unknown)["code"]) == (4, "unknown-event")


@pytest.mark.parametrize(
    ("arguments", "code", "verdict"),
    [
        (("c2", "payout_received"), 0, "allowed"),
        (("c2", "payout_received", "amount=3.00"), 0, "allowed"),
        (("c2", "payout_reversed"), 5, "waits"),
        (("c1", "payout_reversed", "amount=9.00"), 5, "waits"),
        (("c1", "sync_complete"), 5, "known"),
        (("c1", "claim_rejected"), 1, "refused"),
    ],
)
def test_explain_ends_with_what_the_event_would_meet(
    run: Run, arguments: tuple[str, ...], code: int, verdict: str
) -> None:
    fill(run)
    told = run("explain", "u1", *arguments, "--json")
    assert (told.exit_code, answer(told)["verdict"]) == (code, verdict)
    shown = run("explain", "u1", *arguments)
    assert (shown.exit_code, shown.stdout.partition(":")[0]) == (code, verdict)
    assert answer(run("status", "u1", "--json"))["recovered"] == {"USD": "5.00"}


def test_explain_says_what_is_wrong_with_its_question(run: Run) -> None:
    fill(run)
    assert run("explain", "u1", "c7", "payout_received").exit_code == 4
    assert run("explain", "u9", "c1", "payout_received").exit_code == 4
    misspelt = run("explain", "u1", "c1", "payout_recieved")
    assert (misspelt.exit_code, "did you mean 'payout_received'?" in complaint(misspelt)) == (2, True)
    wrong = run("explain", "u1", "c1", "payout_received", "amount=x")
    assert (wrong.exit_code, complaint(wrong).startswith("amount")) == (2, True)


def test_what_no_claim_can_have_ends_with_2_and_says_what_is_meant(run: Run) -> None:
    fill(run)
    told = run("claims", "--state", "payd", "--currency", "EUX", "--json")
    assert told.exit_code == 2
    assert [one["field"] for one in answer(told)["errors"]] == ["state", "currency"]
    assert "did you mean 'paid'?" in complaint(told)
