"""Dead letters on the command line."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run, answer
from tests.cli.letters import kill, refuse
from workflow_fsm import Workflow
from workflow_fsm import testing as stories

# -- listed


def test_the_last_traceback_of_a_handler_is_printed_where_it_is_asked_for(run: Run, store: Workflow) -> None:
    """ "the dead letter keeps the last traceback as `error`" """
    refuse(store)
    kill(store, "c2")
    assert "Traceback" not in run("deadletters").stdout
    (line,) = [one for one in answer(run("deadletters", "--json"))["deadletters"] if one["kind"] == "effect"]
    printed = run("deadletters", "--errors").stdout
    assert f"\n{line['id']} (submit)\n  Traceback (most recent call last):\n" in printed
    assert printed.endswith("Discard: the marketplace is closed\n")
    assert [one.strip() for one in line["error"].splitlines()] == [
        one.strip() for one in printed.partition("(submit)\n")[2].splitlines()
    ]


def test_the_list_as_json_is_that_of_http(run: Run, store: Workflow) -> None:
    refuse(store)
    kill(store, "c2")

    told = run("deadletters", "--json")

    assert told.exit_code == 0
    assert answer(told) == {"deadletters": store.dead_letters(), "next_cursor": None}
    event, effect = answer(told)["deadletters"]
    assert (event["kind"], event["event_id"]) == ("event", "no-c1")
    assert (effect["handler"], effect["reason"]) == ("submit", "the marketplace is closed")


def test_the_list_for_people_says_what_each_is_and_why(run: Run, store: Workflow) -> None:
    refuse(store)
    kill(store, "c2")

    heading, event, effect = run("deadletters").stdout.splitlines()

    columns = ["id", "kind", "at", "user", "claim", "trigger", "handler", "tries", "event", "reason"]
    assert heading.split() == columns
    assert "claim_rejected contradicts what is recorded" in event
    assert effect.endswith("the marketplace is closed")


def test_the_list_chooses_by_kind_and_user_and_goes_on_behind_a_cursor(run: Run, store: Workflow) -> None:
    refuse(store)
    kill(store, "c2", "c3")

    def listed(*flags: str) -> list[str]:
        return [one["kind"] for one in answer(run("deadletters", *flags, "--json"))["deadletters"]]

    assert listed("--kind", "event") == ["event"]
    assert listed("--kind", "effect") == ["effect", "effect"]
    assert listed("--user", "u2") == []
    first = run("deadletters", "--limit", "2", "--json")
    cursor = answer(first)["next_cursor"]
    assert listed("--limit", "2", "--cursor", cursor) == ["effect"]
    assert run("deadletters", "--limit", "2").stdout.splitlines()[-1] == f"there is more: --cursor {cursor}"


def test_the_list_chooses_by_handler_and_trigger_and_tells_money(run: Run, store: Workflow) -> None:
    kill(store, "c2")
    store.fire("payout_received", user_id="u1", amount="5.00", event_id="p1")

    def listed(*flags: str) -> list[str]:
        return [one["kind"] for one in answer(run("deadletters", *flags, "--json"))["deadletters"]]

    assert listed("--handler", "submit") == ["effect"]
    assert listed("--handler", "nobody") == []
    assert listed("--trigger", "payout_received") == ["event"]
    assert "  5.00 USD  " in run("deadletters", "--kind", "event").stdout


def test_without_dead_letters_the_list_says_so(run: Run, store: Workflow) -> None:
    stories.detected(store)
    assert run("deadletters").stdout == "no dead letters\n"


@pytest.mark.parametrize(
    "flags", [("--kind", "claim"), ("--limit", "0"), ("--cursor", "nonsense"), ("--user", ""), ("all",)]
)
def test_a_list_that_can_t_be_asked_for_ends_with_2(
    run: Run, store: Workflow, flags: tuple[str, ...]
) -> None:
    stories.detected(store)
    assert run("deadletters", *flags).exit_code == 2


# -- retried


# -- dropped
