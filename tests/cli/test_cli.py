"""The command line: what each command prints, and the code that it ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, answer, complaint, find
from tests.settings.unusable import UNUSABLE
from webapp import create_app
from workflow_fsm import Settings, Workflow, claim_lifecycle
from workflow_fsm.core.definition.explain import mermaid

FOUND = '[{"claim_id": "c1", "amount": 12.5}, {"claim_id": "c2", "amount": 12.5}]'
READS = (("status", "u1"), ("history", "u1"), ("check",))


# -- fire


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

    assert "  amount stays 12.50; the event tells 9.00" in known.stdout
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


# -- status and history


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


# -- the store


@pytest.mark.parametrize("command", READS, ids=lambda command: command[0])
def test_a_command_that_reads_makes_no_store(run: Run, path: Path, command: tuple[str, ...]) -> None:
    for_scripts = run(*command, "--json")

    assert for_scripts.exit_code == 3
    assert answer(for_scripts)["code"] == "store-refused"
    assert f"there is no store at {path}" in complaint(run(*command))
    assert list(path.parent.iterdir()) == []


def test_the_database_named_goes_before_the_environment_s(run: Run, path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    assert run("fire", "sync_complete", "u1", "--database", f"sqlite:///{other}").exit_code == 0
    assert run("status", "u1", "--database", f"sqlite:///{other}").exit_code == 0
    assert not path.exists()


@pytest.mark.parametrize("command", [("fire", "sync_complete", "u1"), *READS], ids=lambda command: command[0])
def test_a_store_that_can_t_be_used_ends_with_3(run: Run, path: Path, command: tuple[str, ...]) -> None:
    path.write_bytes(b"no database at all, and more than a hundred bytes of it" * 4)
    told = run(*command, "--json")
    assert (told.exit_code, answer(told)["code"]) == (3, "store-refused")
    assert "no SQLite database" in complaint(told)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"WORKFLOW_DEFER_TTL": "soon"}, "WORKFLOW_DEFER_TTL is 'soon'"),
        ({"WORKFLOW_DATABASE_URL": "mysql://me:secret@host/db"}, "can't be used"),
    ],
)
def test_a_setting_that_can_t_be_used_ends_with_2(run: Run, variables: dict[str, str], sentence: str) -> None:
    for command in (("fire", "sync_complete", "u1"), ("check",)):
        told = run(*command, "--json", **variables)
        assert (told.exit_code, answer(told)["code"]) == (2, "settings-invalid")
        assert sentence in complaint(told)
        assert "secret" not in told.output


@pytest.mark.parametrize("command", [("fire", "sync_complete", "u1"), *READS], ids=lambda command: command[0])
def test_what_is_the_service_s_alone_stops_no_command_that_serves_nothing(
    run: Run, command: tuple[str, ...]
) -> None:
    assert run("fire", "sync_complete", "u1", **UNUSABLE).exit_code == 0

    told = run(*command, **UNUSABLE)

    assert (told.exit_code, told.stderr) == (0, "")


@pytest.mark.parametrize("name", [one for one in UNUSABLE if one != "HOST"])
def test_serve_ends_with_2_where_a_variable_of_the_service_can_t_be_used(run: Run, name: str) -> None:
    told = run("serve", **{name: UNUSABLE[name]})

    assert told.exit_code == 2
    assert complaint(told).startswith(f"{name} ")


# -- graph


def test_graph_draws_the_definition(run: Run, path: Path) -> None:
    drawing = mermaid(claim_lifecycle())
    assert run("graph").stdout == drawing + "\n"
    assert answer(run("graph", "--json")) == {"definition": "claim", "mermaid": drawing}
    assert not path.exists()
