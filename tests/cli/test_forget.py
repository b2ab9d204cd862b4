"""The command `forget`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, answer, complaint, find
from workflow_fsm import Workflow


def test_forget_erases_a_user_and_prints_what_there_was(run: Run) -> None:
    find(run, "c1")
    assert run("fire", "payout_received", "u1", "claim_id=c1", "amount=12.50").exit_code == 0
    before = answer(run("check", "--json"))
    told = run("forget", "u1", "--reason", "ticket 17")
    assert (told.exit_code, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert lines[0] == "erased 9 rows: 2 lifecycles, 4 history, 3 events"
    assert lines[1].split() == ["currency", "payouts", "less", "reversals", "recovered", "dropped"]
    assert lines[2].split() == ["USD", "12.50", "12.50", "0.00"]
    assert lines[3].startswith("stub: forgotten_")
    assert lines[4] == f"root: {before['root']}"
    assert run("status", "u1").exit_code == 4


def test_forget_tells_it_as_json_too_and_check_goes_on_adding_up(run: Run) -> None:
    find(run, "c1")
    assert run("fire", "payout_received", "u1", "amount=8.00", "claim_id=unknown").exit_code == 0
    told = answer(run("forget", "u1", "--reason", "ticket 17", "--vacuum", "--json"))
    assert (told["status"], told["reason"], told["actor"]) == ("forgotten", "ticket 17", "cli")
    assert told["money"] == {
        "USD": {"payouts_less_reversals": "8.00", "recovered": "0.00", "dropped": "8.00"}
    }
    report = answer(run("check", "--json"))
    assert (report["sound"], report["forgotten"], report["users"]) == (True, 1, 0)
    assert report["money"]["USD"]["dropped"] == "8.00"
    assert "forgotten: 1; their events and money count below" in run("check").stdout


def test_who_is_unknown_ends_with_4(run: Run) -> None:
    find(run, "c1")
    result = run("forget", "u2", "--reason", "ticket 17")
    assert result.exit_code == 4
    assert complaint(result) == "nothing is known of the user 'u2'"


@pytest.mark.parametrize("reason", [[], ["--reason", ""], ["--reason", "  "]])
def test_without_a_reason_nothing_is_erased(run: Run, reason: list[str]) -> None:
    find(run, "c1")
    result = run("forget", "u1", *reason)
    assert result.exit_code == 2
    assert "reason" in complaint(result)
    assert run("status", "u1").exit_code == 0


def test_no_store_is_made_to_forget_somebody_in(run: Run, path: Path) -> None:
    assert run("forget", "u1", "--reason", "ticket 17").exit_code == 3
    assert not path.exists()


def test_a_check_from_before_is_told_to_be_outdated(run: Run) -> None:
    find(run, "c1")
    root = answer(run("check", "--json"))["root"]
    assert run("forget", "u1", "--reason", "ticket 17").exit_code == 0
    result = run("check", "--since", root)
    assert result.exit_code == 4
    assert "a user was forgotten since" in complaint(result)


def test_check_names_who_is_being_forgotten_still(run: Run, path: Path) -> None:
    find(run, "c1")
    with Workflow.open(path) as workflow:
        workflow._store.write(
            lambda session: session.run("put_going", {"user_id": "u1", "stub": "forgotten_1"})
        )
    result = run("check")
    assert "not all erased yet: user 'u1'; `forget` goes on" in result.stdout
