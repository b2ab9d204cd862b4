"""Dead letters settled on the command line: retried, dropped, restored, one or all that match."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run, answer, complaint
from tests.cli.letters import kill, money_that_waits, only_id, refuse
from workflow_fsm import Workflow
from workflow_fsm import testing as stories


def test_money_that_waits_is_given_to_the_claim_that_is_named(run: Run, store: Workflow) -> None:
    money_that_waits(store)
    told = run(
        "deadletters", "retry", only_id(run), "--claim", "c2", "--reason", "the bank says so", "--json"
    )

    assert (told.exit_code, answer(told)["status"]) == (0, "applied")
    assert answer(run("status", "u1", "--claim", "c2", "--json"))["claims"][0]["paid"] == {"USD": "5.00"}
    assert answer(run("deadletters", "--json"))["deadletters"] == []


def test_a_retry_for_people_says_what_became_of_it(run: Run, store: Workflow) -> None:
    money_that_waits(store)
    dead_letter = only_id(run)
    for_nobody = run("deadletters", "retry", dead_letter)
    assert "\nwhy: its money names neither claim nor case" in for_nobody.stdout
    assert for_nobody.stdout.endswith("\n  could take it: c2, c1\n")
    for_one = run("deadletters", "retry", dead_letter, "--claim", "c1")
    assert "claim c1 goes from detected to paid" in for_one.stdout


@pytest.mark.parametrize(
    ("told", "code", "recovered"),
    [
        (("--claim", "c2", "--currency", "eur"), 0, {"EUR": "5.00"}),
        (("--case", "k1"), 0, {"USD": "5.00"}),
        (("--case", "nobody's"), 0, {}),
        (("--claim", "c2", "--line", "sku-1", "--force"), 0, {"USD": "5.00"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_a_person_knows_is_laid_over_what_the_event_said(
    run: Run, store: Workflow, told: tuple[str, ...], code: int, recovered: dict[str, str]
) -> None:
    money_that_waits(store)
    store.fire("claim_submitted", user_id="u1", claim_id="c1", amazon_case_id="k1")

    assert run("deadletters", "retry", only_id(run), *told).exit_code == code
    assert answer(run("status", "u1", "--json"))["recovered"] == recovered


def test_a_conflict_is_settled_by_force_and_a_reversal_by_its_original(run: Run, store: Workflow) -> None:
    stories.detected(store, claim_id="c1")
    payout = {"user_id": "u1", "claim_id": "c1", "reimbursement_id": "r1"}
    store.fire("payout_received", amount="5.00", **payout)
    assert store.fire("payout_received", amount="6.00", **payout).conflicts_with is not None
    assert answer(run("deadletters", "retry", only_id(run), "--force", "--json"))["status"] == "applied"
    store.fire("payout_reversed", user_id="u1", amount="1.00")

    again = run("deadletters", "retry", only_id(run), "--original", "r1", "--json")

    assert answer(again)["status"] == "applied"
    assert answer(run("status", "u1", "--json"))["recovered"] == {"USD": "10.00"}


def test_what_waits_again_is_not_counted_as_settled(run: Run, store: Workflow) -> None:
    """ "`retry --all` counts what was settled, not what was tried" """
    money_that_waits(store)
    every = ("deadletters", "retry", "--all")
    money, nothing = {"USD": "5.00"}, {"settled": 0, "settled_money": {}, "failed": 0}
    counts = {**nothing, "matched": 1, "money": money, "waiting": 1, "became": {"deferred": 1}}
    assert answer(run(*every, "--json")) == counts
    assert run(*every).stdout.splitlines() == [
        "deferred: payout_received of u1, 5.00 USD (event p1)",
        "0 of 1 dead letter settled, 1 waits again",
    ]


def test_what_is_refused_again_ends_with_1(run: Run, store: Workflow) -> None:
    refuse(store)
    told = run("deadletters", "retry", only_id(run), "--json")
    assert told.exit_code == 1
    assert (answer(told)["code"], answer(told)["state"]) == ("not-allowed", "paid")
    assert complaint(told) == answer(told)["detail"]


def test_an_effect_that_is_retried_is_owed_anew(run: Run, store: Workflow) -> None:
    kill(store, "c1")
    dead_letter = only_id(run)
    assert run("deadletters", "retry", dead_letter).stdout == "the effect is owed anew\n"
    (effect,) = store.owed()
    assert (effect.handler, effect.state) == ("submit", "owed")
    assert run("deadletters", "retry", dead_letter).exit_code == 4


def test_an_effect_of_a_state_that_the_claim_has_left_is_void(run: Run, store: Workflow) -> None:
    kill(store, "c1")
    store.fire("payout_received", user_id="u1", claim_id="c1", amount="1.00")
    told = run("deadletters", "retry", only_id(run))
    assert told.exit_code == 0
    assert told.stdout.startswith("the effect is void: ")
    assert store.owed() == []


def test_all_that_match_are_counted_first_and_then_retried(run: Run, store: Workflow) -> None:
    refuse(store)
    kill(store, "c2", "c3")
    every = ("deadletters", "retry", "--all", "--handler", "submit", "--kind", "effect", "--user", "u1")

    counted = run(*every, "--dry-run", "--json")
    nothing = {"money": {}, "settled": 0, "settled_money": {}, "waiting": 0, "failed": 0, "became": {}}
    assert answer(counted) == {**nothing, "matched": 2}
    assert run(*every, "--dry-run").stdout == "2 dead letters would be retried\n"
    assert store.owed() == []
    *each, last = run(*every).stdout.splitlines()
    assert [line.partition(" (effect ")[0] for line in each] == [
        "owed: submit of u1, claim c2",
        "owed: submit of u1, claim c3",
    ]
    assert last == "2 of 2 dead letters settled"
    assert len(store.owed()) == 2
    assert answer(run(*every, "--json")) == {**nothing, "matched": 0}


def test_a_retry_of_all_says_what_it_settled_and_its_money(run: Run, store: Workflow) -> None:
    """ "`retry --all` says what it settled" """
    money_that_waits(store)
    store.fire("payout_received", user_id="u1", claim_id="c9", amount="7.00", event_id="p9")
    refuse(store, "c3")
    every = ("deadletters", "retry", "--all")
    assert run(*every, "--dry-run").stdout == "3 dead letters would be retried: 12.00 USD\n"
    stories.detected(store, claim_id="c9")
    store.fire("payout_received", user_id="u1", claim_id="c8", amount="1.00", event_id="p8")
    told = run(*every)
    assert sorted(told.stdout.splitlines()) == [
        "0 of 3 dead letters settled, 2 wait again",
        "deferred: payout_received of u1, 5.00 USD (event p1)",
        "deferred: payout_received of u1, claim c8, 1.00 USD (event p8)",
        "not-allowed: claim_rejected of u1, claim c3 (event no-c3)",
    ]
    assert told.exit_code == 1


def test_dead_letters_are_chosen_by_a_part_of_their_reason_and_dropped_together(
    run: Run, store: Workflow
) -> None:
    money_that_waits(store)
    refuse(store, "c3")
    chosen = ("--reason-contains", "NEITHER claim nor case")
    assert len(answer(run("deadletters", *chosen, "--json"))["deadletters"]) == 1
    every = ("deadletters", "drop", "--all", *chosen)
    assert run(*every, "--dry-run").stdout == "1 dead letter would be dropped: 5.00 USD\n"
    assert complaint(run(*every)).startswith("--reason is missing")
    assert complaint(run("deadletters", "drop")).startswith("give either the ID of a dead letter or --all")
    assert "--reason-contains goes with --all" in complaint(run("deadletters", "drop", "ID", *chosen))
    assert run(*every, "--reason", "a test").stdout.splitlines() == [
        "dropped: payout_received of u1, 5.00 USD (event p1)",
        "1 of 1 dead letter dropped: 5.00 USD",
    ]
    assert answer(run(*every, "--reason", "a test", "--json"))["matched"] == 0


def test_where_any_of_all_fails_again_it_ends_with_1(run: Run, store: Workflow) -> None:
    refuse(store)
    told = run("deadletters", "retry", "--all", "--trigger", "claim_rejected", "--json")
    assert (told.exit_code, answer(told)) == (
        1,
        {
            **{"matched": 1, "money": {}, "settled": 0, "settled_money": {}, "waiting": 0},
            **{"failed": 1, "became": {}},
        },
    )
    assert complaint(told) == "1 of 1 failed again"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ((), "give either the ID of a dead letter or --all"),
        (("ID", "--all"), "give either the ID of a dead letter or --all"),
        (("--all", "--claim", "c1"), "--claim is for one dead letter"),
        (("--all", "--case", "k1"), "--case is for one dead letter"),
        (("--all", "--force"), "--force is for one dead letter"),
        (("ID", "--line", ""), "it is empty"),
        (("ID", "--currency", "XYZ"), "currency: 'XYZ' is not the ISO 4217 code"),
        (("ID", "--original", "r1"), "original_reimbursement_id: a payout_received has no such field"),
        (("ID", "--case", " k"), "amazon_case_id: must not begin or end with a blank"),
        (("ID", "--dry-run"), "--dry-run goes with --all"),
        (("ID", "--user", "u1"), "--user goes with --all"),
        (("ID", "--handler", "submit"), "--handler goes with --all"),
        (("ID", "--reason", ""), "it is empty"),
    ],
)
def test_a_retry_that_can_t_be_meant_ends_with_2(
    run: Run, store: Workflow, flags: tuple[str, ...], sentence: str
) -> None:
    money_that_waits(store)
    dead_letter = only_id(run)
    told = run("deadletters", "retry", *(dead_letter if flag == "ID" else flag for flag in flags))
    assert told.exit_code == 2
    assert sentence in complaint(told)


def test_options_of_the_list_before_a_command_are_not_ignored(run: Run, store: Workflow) -> None:
    money_that_waits(store)
    told = run("deadletters", "--user", "u1", "retry", "--all", "--dry-run")
    assert told.exit_code == 2
    assert "--user stands before retry" in complaint(told)
    before = run("deadletters", "--json", "retry", "--all", "--dry-run")
    assert answer(before)["matched"] == 1


def test_what_is_dropped_is_counted_as_dropped_and_says_so(run: Run, store: Workflow) -> None:
    money_that_waits(store)
    dead_letter = only_id(run)

    told = run("deadletters", "drop", dead_letter, "--reason", "not ours", "--json")

    assert (told.exit_code, answer(told)) == (0, {"status": "dropped"})
    assert answer(run("status", "u1", "--json"))["unapplied"] == {}
    assert run("deadletters").stdout == "no dead letters\n"
    assert run("deadletters", "drop", dead_letter, "--reason", "again").exit_code == 4


def test_a_dead_effect_can_be_dropped(run: Run, store: Workflow) -> None:
    kill(store, "c1")
    assert run("deadletters", "drop", only_id(run), "--reason", "x").stdout == "the dead letter is dropped\n"
    assert run("deadletters").stdout == "no dead letters\n"


def test_nothing_is_dropped_without_a_reason(run: Run, store: Workflow) -> None:
    kill(store, "c1")
    dead_letter = only_id(run)
    assert run("deadletters", "drop", dead_letter).exit_code == 2
    assert run("deadletters", "drop", dead_letter, "--reason", "").exit_code == 2
    assert only_id(run) == dead_letter


def test_what_is_dropped_is_listed_and_brought_back(run: Run, store: Workflow) -> None:
    money_that_waits(store)
    letter = only_id(run)
    run("deadletters", "drop", letter, "--reason", "not ours")

    (dropped,) = answer(run("deadletters", "--dropped", "--json"))["deadletters"]
    assert dropped["id"] == letter
    assert answer(run("deadletters", "restore", letter, "--reason", "it was", "--json")) == {
        "status": "restored"
    }
    assert only_id(run) == letter
    assert run("deadletters", "--dropped").stdout == "no dead letters\n"
    assert run("deadletters", "restore", letter).exit_code == 4
    assert answer(run("status", "u1", "--json"))["unapplied"] == {"USD": "5.00"}


def test_a_dropped_effect_is_brought_back_as_dead(run: Run, store: Workflow) -> None:
    kill(store, "c1")
    letter = only_id(run)
    run("deadletters", "drop", letter, "--reason", "x")
    assert run("deadletters", "restore", letter).stdout == "the dead letter is restored\n"
    assert only_id(run) == letter
    assert run("deadletters", "retry", letter).stdout == "the effect is owed anew\n"


@pytest.mark.parametrize("act", [("retry",), ("drop", "--reason", "x"), ("restore",)], ids=lambda act: act[0])
def test_an_unknown_dead_letter_ends_with_4(run: Run, store: Workflow, act: tuple[str, ...]) -> None:
    stories.detected(store)
    told = run("deadletters", *act, "nonsense", "--json")
    assert (told.exit_code, answer(told)["code"]) == (4, "dead-letter-unknown")


def test_each_act_is_kept_with_who_did_it_and_why(run: Run, store: Workflow) -> None:
    money_that_waits(store)
    run("deadletters", "retry", only_id(run), "--reason", "perhaps now")
    run("deadletters", "drop", only_id(run), "--reason", "not ours")
    assert [(act.act, act.actor, act.reason) for act in store.acts("u1")] == [
        ("deadletter_retried", "cli", "perhaps now"),
        ("deadletter_dropped", "cli", "not ours"),
    ]
