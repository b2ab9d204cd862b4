"""`fire`: what becomes of an event, told to people and to scripts, and the code that it ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, answer, complaint, find

FOUND = '[{"claim_id": "c1", "amount": 12.5}, {"claim_id": "c2", "amount": 12.5}]'


def test_fire_takes_an_event_in_the_name_of_the_command_line(run: Run) -> None:
    result = run("fire", "sync_complete", "u1", "sync_id=s1", "--event-id", "e1", "--json")

    assert (result.exit_code, result.stderr) == (0, "")
    assert answer(result) == {
        "status": "applied",
        "event_id": "e1",
        "user_id": "u1",
        "trigger": "sync_complete",
        "transitions": [{"claim_id": None, "sync_id": "s1", "from": None, "to": "synced", "version": 1}],
    }
    (row,) = answer(run("history", "u1", "--json"))["history"]
    assert row["actor"] == "cli"


def test_a_field_is_text_behind_an_equals_sign_and_json_behind_a_colon_and_one(run: Run) -> None:
    find(run, "c1")
    run("fire", "claim_submitted", "u1", "claim_id=c1", "note=1", "more:=[1, null]", "odd=a:=b=c")
    run("fire", "claim_rejected", "u1", "claim_id=c1", "reason=")
    told = run("fire", "payout_received", "u1", "claim_id=c1", "amount:=0.30000000000000004", "--json")

    assert answer(told)["status"] == "applied"
    status = answer(run("status", "u1", "--json"))
    assert status["recovered"] == {"USD": "0.30"}
    assert status["claims"][0]["rejection_reason"] == ""


@pytest.mark.parametrize("where", ["file", "stdin"])
def test_the_fields_can_come_from_a_body(run: Run, tmp_path: Path, where: str) -> None:
    body = json.dumps(
        {"user_id": "u1", "sync_id": "s1", "event_id": "in the body", "orders_count": 7}
    ).encode()
    (tmp_path / "body.json").write_bytes(body)
    named = str(tmp_path / "body.json") if where == "file" else "-"

    first = run("fire", "sync_complete", "u1", "--body", named, "--json", given=body)
    second = run("fire", "sync_complete", "u1", "--body", named, "orders_count:=7", "--json", given=body)

    assert answer(first)["event_id"] == "in the body"
    assert answer(second)["status"] == "duplicate"
    other = run("fire", "sync_complete", "u1", "--body", named, "--event-id", "e9", "--json", given=body)
    assert (answer(other)["status"], answer(other)["event_id"]) == ("duplicate", "in the body")


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("sync_complete", "u1", "sync_id=s1", "--event-id", "e1"), "duplicate", "it was applied the first"),
        (("detection_complete", "u1", f"claims:={FOUND}"), "duplicate", "hint: It has no event id"),
        (("sync_complete", "u1", "sync_id=s1", "--event-id", "e7"), "unchanged", "sync s1 stays detected"),
        (("claim_submitted", "u1", "claim_id=c1"), "applied", "claim c1 goes from detected to submitted"),
        (
            ("payout_received", "u1", "amount=1"),
            "deferred",
            "payout_received waits\nwhy: its money names neither claim nor case",
        ),
        (
            ("evidence_matching_complete", "u1", "claim_id=c9"),
            "deferred",
            "claim c9 waits for detection_complete, until ",
        ),
        (
            ("detection_complete", "u1", 'claims:=[{"claim_id": "c3"}, {"x": 1}]'),
            "applied",
            "entry 1 is refused: entry 1 is not well formed: claim_id is required",
        ),
    ],
)
def test_what_is_committed_ends_with_0_and_says_what_became_of_it(
    run: Run, arguments: tuple[str, ...], status: str, sentence: str
) -> None:
    find(run, "c1", "c2")
    for_people = run("fire", *arguments)
    assert (for_people.exit_code, for_people.stderr) == (0, "")
    assert f" is {status}" in for_people.stdout
    assert sentence in for_people.stdout


def test_each_of_several_ids_counts(run: Run) -> None:
    """ "any of them makes it a repeat" """
    find(run, "c1")
    paid = ("fire", "payout_received", "u1", "claim_id=c1", "amount=5", "--json", "--event-id")

    first = answer(run(*paid, "p1", "--event-id", "p2", "event_id=p3"))

    assert (first["status"], first["event_id"]) == ("applied", "p1")
    for name in ("p2", "p3"):
        assert answer(run(*paid, name))["status"] == "duplicate"
    assert answer(run("status", "u1", "--json"))["recovered"] == {"USD": "5.00"}


def test_what_waits_and_what_is_told_otherwise_is_said_to_people(run: Run) -> None:
    find(run, "c1")
    run("fire", "claim_submitted", "u1", "claim_id=c1")

    known = run("fire", "detection_complete", "u1", 'claims:=[{"claim_id": "c1", "amount": "9.00"}]')
    waits = run("fire", "payout_received", "u1", "case_id=k9", "amount=5")

    assert "is unchanged, though it tells otherwise than is recorded" in known.stdout
    assert "claim c1 stays submitted; not all that the event tells is taken:\n" in known.stdout
    assert "  amount stays 12.50; the event tells 9.00, which is not taken" in known.stdout
    assert "\nwhy: no claim has case 'k9'" in waits.stdout


def test_a_refusal_ends_with_1_and_tells_what_is_allowed(run: Run) -> None:
    find(run, "c1")
    run("fire", "payout_received", "u1", "claim_id=c1", "amount=1")
    told = run("fire", "claim_rejected", "u1", "claim_id=c1", "--event-id", "e5", "--json")

    assert told.exit_code == 1
    body = answer(told)
    assert complaint(told) == body["detail"]
    assert body == {
        "code": "not-allowed",
        "detail": "claim_rejected contradicts what is recorded: the claim is paid; "
        "it takes payout_received, payout_reversed",
        "event_id": "e5",
        "user_id": "u1",
        "trigger": "claim_rejected",
        "state": "paid",
        "allowed": ["payout_received", "payout_reversed"],
        "candidates": [],
        "refused": [],
        "hint": None,
    }


def test_an_event_id_used_with_other_content_ends_with_1(run: Run) -> None:
    find(run, "c1")
    told = run("fire", "sync_complete", "u1", "sync_id=s2", "--event-id", "e1", "--json")
    assert (told.exit_code, answer(told)["code"]) == (1, "event-id-reused")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("payout_received", "u1", "currency=no"), "invalid-event", "amount: is required"),
        (("sync_done", "u1"), "invalid-event", "trigger: must be one of sync_complete, "),
        (("deadline_passed", "u1"), "invalid-event", "is fired by time alone"),
        (("sync_complete", "u1", "--event-id", " x"), "invalid-event", "--event-id: must not begin"),
        (("sync_complete", "u1", "sync_id"), "usage", "'sync_id' is neither FIELD=VALUE nor FIELD:=JSON"),
        (("sync_complete", "u1", "=s1"), "usage", "'=s1' is neither"),
        (("sync_complete", "u1", "orders_count:=NaN"), "usage", "orders_count can't be read: "),
        (("sync_complete", "u1", 'a:={"b":1,"b":2}'), "usage", "stands twice"),
        (("sync_complete", "u1", "sync_id=a", "sync_id=b"), "usage", "sync_id is given twice"),
        (("sync_complete", "u1", "user_id=u2"), "usage", "user_id is given twice"),
        (("sync_complete",), "usage", "Missing argument 'USER_ID'"),
        (("sync_complete", ""), "usage", "it is empty"),
        (("sync_complete", "u\udcff1"), "usage", "it is not UTF-8"),
        (("sync_complete", "u1", "sync_id=\udcff"), "usage", "is not UTF-8"),
        (("sync_complete", "u1", "\udcff:=1"), "usage", "is not UTF-8"),
        (("sync_complete", "u1", "--body", "/nowhere/at/all"), "usage", "No such file"),
        (("sync_complete", "u1", "--body", "-"), "malformed-body", "the body can't be read"),
        (("sync_complete", "u1", "--event"), "usage", "No such option '--event'"),
    ],
)
def test_what_is_not_well_formed_ends_with_2_and_keeps_nothing(
    run: Run, path: Path, arguments: tuple[str, ...], code: str, sentence: str
) -> None:
    for_scripts = run("fire", *arguments, "--json", given=b"{")
    for_people = run("fire", *arguments, given=b"{")

    assert (for_scripts.exit_code, for_people.exit_code) == (2, 2)
    assert answer(for_scripts)["code"] == code
    assert sentence in complaint(for_people)
    assert for_people.stdout == ""
    if path.exists():
        assert run("status", "u1").exit_code == 4


@pytest.mark.parametrize("body", [b"[]", b"null", b"\xff", b"{", b""])
def test_a_body_that_is_no_object_ends_with_2(run: Run, body: bytes) -> None:
    told = run("fire", "sync_complete", "u1", "--body", "-", "--json", given=body)
    assert (told.exit_code, answer(told)["code"]) == (2, "malformed-body")


def test_applied_in_part_does_not_read_as_success_where_something_was_discarded(run: Run) -> None:
    """ ""Applied" beside "unchanged" reads as success where something was discarded" """
    find(run, "c1", "c2")
    run("fire", "claim_submitted", "u1", "claim_id=c1")
    listed = '[{"claim_id": "c1", "amount": "9.00"}, {"claim_id": "c2", "amount": "9.00"}]'
    told = run("fire", "detection_complete", "u1", f"claims:={listed}")
    assert " is applied in part (event " in told.stdout
    assert "  amount stays 12.50; the event tells 9.00, which is not taken" in told.stdout
    refused = run("fire", "detection_complete", "u1", 'claims:=[{"claim_id": "c3"}, {"x": 1}]')
    assert " is applied in part (event " in refused.stdout
    whole = run("fire", "detection_complete", "u1", 'claims:=[{"claim_id": "c4"}]')
    assert " is applied (event " in whole.stdout


@pytest.mark.parametrize(
    ("trigger", "fields"),
    [
        ("sync_complete", ("sync_id=s2",)),
        ("detection_complete", ('claims:=[{"claim_id": "c3"}]',)),
        ("evidence_matching_complete", ("claim_id=c1", "confidence=0.9")),
        ("claim_submitted", ("claim_id=c1",)),
        ("claim_rejected", ("claim_id=c1", "case_id=k1")),
        ("payout_received", ("claim_id=c1", "amount=1.00")),
        ("payout_reversed", ("claim_id=c2", "amount=1.00")),
    ],
)
def test_the_reason_of_an_event_that_is_fired_by_hand_is_shown_in_history(
    run: Run, trigger: str, fields: tuple[str, ...]
) -> None:
    """ "`reason` with every event fired by hand" """
    find(run, "c1", "c2")
    run("fire", "payout_received", "u1", "claim_id=c2", "amount=3.00")
    told = run("fire", trigger, "u1", *fields, "--event-id", "mine", "--reason", "the report was wrong")
    assert told.exit_code == 0, told.stdout
    rows = answer(run("history", "u1", "--json"))["history"]
    assert {row["reason"] for row in rows if row["event_id"] == "mine"} == {"the report was wrong"}
    assert "the report was wrong" in run("history", "u1").stdout
    assert run("check").exit_code == 0
    other = run("fire", trigger, "u1", *fields, "reason=another", "--reason", "the report was wrong")
    assert "reason is given twice" in complaint(other)
