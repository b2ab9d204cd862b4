"""`status` and `history`: what people read of a user, and the JSON that HTTP answers too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, answer, complaint, find
from webapp import create_app
from workflow_fsm import Settings, Workflow


def test_status_and_history_as_json_are_the_bytes_that_http_answers(run: Run, path: Path) -> None:
    find(run, "c1", "c2")
    run("fire", "payout_received", "u1", "claim_id=ü9", "amount=5", "--event-id", "e3")
    run("fire", "evidence_matching_complete", "u1", "claim_id=c1", "confidence=0.9")

    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        client = create_app(workflow).test_client()
        for route in ("status", "history"):
            for query, flags in (
                ("", ()),
                ("?claim_id=c1", ("--claim", "c1")),
                ("?sync_id=s1&limit=1&cursor=2", ("--sync", "s1", "--limit", "1", "--cursor", "2")),
            ):
                told = run(route, "u1", *flags, "--json")
                served = client.get(f"/api/v1/workflow/{route}/u1{query}")
                assert told.stdout_bytes == served.data + b"\n", (route, query)


def test_status_for_people_tells_claims_money_and_what_waits_and_why(run: Run) -> None:
    find(run, "c1", "c2")
    run("fire", "claim_submitted", "u1", "claim_id=c1", "case_id=k1")
    run("fire", "payout_received", "u1", "claim_id=c1", "amount=7.50")
    run("fire", "payout_received", "u1", "claim_id=c9", "amount=5", "--event-id", "e3")

    lines = run("status", "u1").stdout.splitlines()

    assert lines[:3] == ["u1: detected (1 detected, 1 paid)", "recovered: 7.50 USD", "unapplied: 5.00 USD"]
    assert lines[3].split() == ["claim", "sync", "state", "since", "amount", "paid", "case"]
    assert lines[4].split()[:3] == ["c1", "s1", "paid"]
    assert lines[4].endswith("12.50 USD  7.50 USD  k1")
    assert lines[-1].startswith(
        "payout_received for claim c9 (event e3) waits for detection_complete: claim 'c9' is not known yet"
    )
    assert not [line for line in lines if line != line.rstrip()]


def test_what_a_person_has_to_settle_is_told_with_its_own_reason(run: Run) -> None:
    """A conflict, a currency and what is more than is left say what they are, and don't ask for a claim."""
    find(run, "c1", "c2")
    paid = ("fire", "payout_received", "u1", "claim_id=c1", "reimbursement_id=r1")
    run(*paid, "amount=5", "--event-id", "p1")
    conflict = run(*paid, "amount=6", "--event-id", "p2")
    run("fire", "payout_reversed", "u1", "claim_id=c1", "amount=9", "--event-id", "x1")
    run("fire", "payout_received", "u1", "amount=1", "--event-id", "p3")

    told = [line for line in run("status", "u1").stdout.splitlines() if "event " in line or "take it" in line]

    why = "reimbursement 'r1' came before as event 'p1', with another amount or currency"
    assert f"payout_received for claim c1 waits\nwhy: {why}" in conflict.stdout
    assert told[0].startswith(f"payout_received for claim c1 (event p2) waits: {why}")
    assert told[1].startswith("payout_reversed for claim c1 (event x1) waits")
    assert ": it takes back more than is left of what the claim was paid" in told[1]
    assert told[2].startswith("payout_received (event p3) waits: its money names neither claim nor case")
    assert told[3:] == ["  could take it: c2, c1"]
    assert "tells for which claim" not in "".join([conflict.stdout, *told])


def test_a_case_that_is_told_to_a_claim_is_no_past_point(run: Run) -> None:
    find(run, "c1")
    filed = ("fire", "claim_submitted", "u1", "claim_id=c1")
    run(*filed, "case_id=k1")
    second = run(*filed, "case_id=k2")
    verdict = run("fire", "claim_rejected", "u1", "case_id=k1")
    for told in (second, verdict):
        assert told.stdout.splitlines()[1:] == ["claim c1 stays submitted; what the event tells is kept"]


def test_status_for_people_says_where_what_waits_goes_on(run: Run) -> None:
    for number in range(3):
        run("fire", "payout_received", "u1", "claim_id=c9", "amount=5", "--event-id", f"w{number}")

    *_, first, second, more = run("status", "u1", "--limit", "2").stdout.splitlines()
    cursor = more.removeprefix("there is more: --cursor ")
    rest = run("status", "u1", "--cursor", cursor).stdout.splitlines()

    assert [line.split("(event ")[1][:2] for line in (first, second, rest[-1])] == ["w0", "w1", "w2"]
    assert run("status", "u1", "--cursor", "1.x").exit_code == 2


def test_history_for_people_is_a_table_that_says_where_it_goes_on(run: Run) -> None:
    find(run, "c1", "c2")
    lines = run("history", "u1", "--limit", "2").stdout.splitlines()
    assert lines[0].split()[:4] == ["cursor", "at", "sync", "version"]
    assert [line.split()[0] for line in lines[1:3]] == ["2", "4"]
    assert lines[3:] == ["there is more: --cursor 4"]
    assert run("history", "u1", "--claim", "nobody's").stdout == "no transitions\n"


def test_cases_units_and_merged_claims_are_told_to_people(run: Run) -> None:
    find(run, "c1", "c2")
    for case in ("k1", "k2"):
        run("fire", "claim_submitted", "u1", "claim_id=c1", f"case_id={case}")
    run("fire", "claim_rejected", "u1", "case_id=k1")
    in_kind = ("amount=0", "quantity_reimbursed_inventory:=3", "case_id=k2", "reason=in kind")
    run("fire", "payout_received", "u1", "claim_id=c1", *in_kind)
    run("fire", "payout_received", "u1", "claim_id=c1", "amount=5")

    heading, claim = run("status", "u1", "--claim", "c1").stdout.splitlines()[2:4]
    rows = run("history", "u1", "--claim", "c1").stdout.splitlines()

    assert heading.split() == ["claim", "sync", "state", "since", "amount", "paid", "units", "case"]
    assert claim.endswith("12.50 USD  5.00 USD  3      k1 rejected, k2 paid")
    assert rows[-2].endswith("in kind")
    assert "  5.00 USD  " in rows[-1]


def test_a_sender_s_text_can_t_write_on_the_terminal(run: Run) -> None:
    find(run, "c1")
    run("fire", "claim_submitted", "u1", "claim_id=c1")
    run("fire", "claim_rejected", "u1", "claim_id=c1", "reason=\x1b[31m[red]\r\nno")
    assert r"\x1b[31m[red]\r\nno" in run("status", "u1").stdout


@pytest.mark.parametrize("command", ["status", "history"])
def test_an_unknown_user_ends_with_4(run: Run, command: str) -> None:
    find(run, "c1")
    told = run(command, "somebody", "--json")
    assert told.exit_code == 4
    assert answer(told) == {
        "code": "unknown-user",
        "detail": "nothing is known of the user 'somebody'",
        "user_id": "somebody",
    }


@pytest.mark.parametrize(
    "flags",
    [
        ("--limit", "0"),
        ("--limit", "1001"),
        ("--limit", "many"),
        ("--cursor", "0"),
        ("--cursor", str(2**63)),
        ("--claim", ""),
        ("--sync", "\udcff"),
    ],
)
def test_a_page_that_can_t_be_asked_for_ends_with_2(run: Run, flags: tuple[str, str]) -> None:
    find(run, "c1")
    for command in ("status", "history"):
        told = run(command, "u1", *flags)
        assert told.exit_code == 2
        assert flags[0] in complaint(told)
