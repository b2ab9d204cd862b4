"""The command `check`, and what the others say of a store that it finds damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Run, answer, complaint, find


def test_check_of_a_sound_store_prints_what_adds_up_and_the_root(run: Run) -> None:
    find(run, "c1")
    run("fire", "payout_received", "u1", "claim_id=c1", "amount=7.50")
    run("fire", "payout_received", "u1", "claim_id=c9", "amount=5")

    told = run("check", "--json")
    assert told.exit_code == 0
    report = answer(told)
    assert (report["sound"], report["received"], report["rows"]) == (True, 4, 4)
    assert report["money"]["USD"] == {
        "payouts_less_reversals": "12.50",
        "recovered": "7.50",
        "unapplied": "5.00",
        "dropped": "0.00",
    }
    lines = run("check").stdout.splitlines()
    assert lines[0] == "1 user, 2 lifecycles, 4 transitions"
    assert lines[1] == "4 events: 1 waiting, 3 applied"
    assert lines[3].split() == ["USD", "12.50", "7.50", "5.00", "0.00"]
    assert lines[4] == f"root: {report['root']}"
    assert run("check", "--expect", report["root"]).exit_code == 0


def test_check_names_a_damaged_row_and_ends_with_1(run: Run, path: Path) -> None:
    find(run, "c1")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE history SET actor = 'cl1' WHERE cursor = 4")
        connection.commit()

    for_people, for_scripts = run("check"), run("check", "--json")

    assert (for_people.exit_code, for_scripts.exit_code) == (1, 1)
    assert "fault: history 4 of user 'u1': its hash is not that of its columns" in for_people.stdout
    assert complaint(for_people) == "the store is damaged: 1 fault"
    (fault,) = answer(for_scripts)["faults"]
    assert (fault["user_id"], fault["table"], fault["key"]) == ("u1", "history", "4")


def test_check_finds_that_the_root_is_not_the_one_expected(run: Run) -> None:
    find(run, "c1")
    root = answer(run("check", "--json"))["root"]
    run("fire", "sync_complete", "u1", "sync_id=s2")
    told = run("check", "--expect", root, "--json")
    assert told.exit_code == 1
    assert root in answer(told)["faults"][0]["reason"]


@pytest.mark.parametrize("root", ["", "abc", "G" * 64])
def test_a_root_that_is_none_ends_with_2(run: Run, root: str) -> None:
    find(run, "c1")
    assert run("check", "--expect", root).exit_code == 2


def test_a_row_that_can_t_be_read_ends_with_3_and_is_named_without_a_traceback(run: Run, path: Path) -> None:
    find(run, "c1")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE lifecycles SET facts = '{' WHERE claim_id = 'c1'")
        connection.commit()

    told = run("status", "u1", "--json")

    assert (told.exit_code, answer(told)["code"]) == (3, "row-unreadable")
    assert "of lifecycles of user 'u1' can't be read (JSONDecodeError: " in complaint(told)
    assert run("check").exit_code == 1


def test_check_goes_on_from_a_root_and_looks_at_some_users_alone(run: Run) -> None:
    find(run, "c1")
    root = answer(run("check", "--json"))["root"]
    run("fire", "sync_complete", "u2", "sync_id=s2")
    since = answer(run("check", "--since", root, "--json"))
    assert (since["sound"], since["users"], since["root"]) == (
        True,
        1,
        answer(run("check", "--json"))["root"],
    )
    alone = run("check", "--user", "u2", "--user", "u1")
    assert alone.stdout.splitlines()[0] == "2 users, 3 lifecycles, 4 transitions"


def test_a_root_that_no_check_printed_ends_with_4(run: Run) -> None:
    find(run, "c1")
    told = run("check", "--since", "0" * 64, "--json")
    assert (told.exit_code, answer(told)["code"]) == (4, "root-unknown")
    assert run("check", "--since", "0" * 64, "--user", "u1").exit_code == 2


def test_nobody_who_reads_a_pipe_is_shown_a_bar(run: Run) -> None:
    find(run, "c1")
    assert run("check").stderr == ""
    assert run("check", "--json").stderr == ""


def test_processes_that_share_a_check_say_what_one_says(run: Run) -> None:
    find(run, "c1")
    alone, shared = (run("check", "--json", "--processes", many) for many in ("1", "3"))
    assert answer(shared) == answer(alone)
    assert run("check", "--processes", "0").exit_code == 2
