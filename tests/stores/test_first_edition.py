"""A store of the first edition says what it said, and goes on: a file of SQLite, a dump of PostgreSQL.

What stands in them, and how they were made, `tests/data/first_edition` tells.
"""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.stores.conftest import FIRST_EDITION
from tests.stores.first_edition import (
    Told,
    as_then,
    letter,
    money,
    register,
)
from tests.stores.postgres.server import Server
from tests.stories.acts import claim, states, status, waits
from workflow_fsm import Fire, NotAllowed, Settings, Transition, Workflow
from workflow_fsm.cli.commands import main
from workflow_fsm.results import EventAnswer
from workflow_fsm.testing import ManualClock


@pytest.fixture
def store_url(migrated_url: str) -> str:
    return migrated_url


# -- it says what it said


def test_every_history_is_shown_with_the_hashes_that_it_had(reopened: Workflow, told: Told) -> None:
    for user, hashes in told["history"].items():
        assert [row.hash for row in reopened.history(user, limit=1000) or []] == hashes, user


def test_every_user_stands_where_they_stood(reopened: Workflow, told: Told) -> None:
    for user, then in told["status"].items():
        now = reopened.status(user, limit=1000)
        assert as_then(now, then) == as_then(then, then), user


def test_one_of_whom_only_a_request_is_known_is_still_unknown(reopened: Workflow, told: Told) -> None:
    assert told["status"]["only asked for"] is None
    assert reopened.status("only asked for") is None
    assert states(reopened, "alias-only") == {}


def test_money_is_the_same_in_every_currency(reopened: Workflow, told: Told) -> None:
    assert money(reopened) == told["check"]["money"]
    assert {"BGN", "JPY", "KWD", "USD"} <= set(told["check"]["money"])
    assert status(reopened, "bulgaria").recovered == {"BGN": "70.00"}
    assert status(reopened, "bulgaria").unapplied == {"BGN": "10.00"}
    assert claim(reopened, "b2", "bulgaria").amount == "55.56"
    assert claim(reopened, "y1", "money").amount == "0.0002"
    assert claim(reopened, "w1", "money").paid == {"KWD": "900719925474099.345"}


def test_the_same_dead_letters_are_listed_in_the_same_order(reopened: Workflow, told: Told) -> None:
    facts = ("kind", "user_id", "claim_id", "trigger", "handler", "attempts", "at", "event_id")
    letters = [[getattr(one, fact) for fact in facts] for one in reopened.dead_letters(limit=1000)]
    assert letters == [[one[fact] for fact in facts] for one in told["dead_letters"]]


def test_each_of_its_dead_letters_says_what_would_settle_it(reopened: Workflow) -> None:
    """ "`reason` says what is true of this one, and what would settle it": it told no way out."""
    reasons = [str(one.reason) for one in reopened.dead_letters(kind="event", limit=1000)]
    assert reasons
    assert [reason for reason in reasons if reason.count("drop it") != 1] == []
    dropped = list(reopened.dead_letters(kind="event", dropped=True))
    assert "it was dropped: told twice; restore it" in " ".join(str(one.reason) for one in dropped)


def test_what_persons_did_is_told_as_it_was(reopened: Workflow, told: Told) -> None:
    for user, acts in told["acts"].items():
        assert as_then(reopened.acts(user, limit=1000), acts) == acts


def test_the_same_effects_are_owed(reopened: Workflow, told: Told) -> None:
    assert as_then(reopened.owed(), told["owed"]) == told["owed"]


# -- what comes again


def test_a_reimbursement_that_was_counted_is_not_counted_again(reopened: Workflow) -> None:
    again = {"claim_id": "r1", "amount": "10.00", "reimbursement_id": "R-1", "sku": "A"}
    outcome = reopened.fire("payout_received", user_id="lines", event_id="under a new id", **again)
    assert outcome.status == "duplicate"
    assert claim(reopened, "r1", "lines").paid == {"USD": "10.00"}


def test_a_refused_event_that_comes_again_corrected_replaces_the_refused_one(reopened: Workflow) -> None:
    again = {"claim_id": "l-b", "event_id": "refused-3"}
    assert reopened.fire("claim_rejected", user_id="letters", **again).status == "applied"
    assert letter(reopened, "letters", "refused-3") is None
    assert reopened.check().sound


# -- it goes on


@pytest.mark.parametrize(
    "named",
    [
        {"claim_id": "b1", "currency": "BGN"},
        {"claim_id": "b1"},
        {"amazon_case_id": "B-1", "currency": "bgn"},
        {"original_reimbursement_id": "R-bg"},
    ],
    ids=["by its claim", "without a currency", "by its case", "by its original"],
)
def test_a_late_reversal_in_a_currency_that_was_withdrawn_is_booked(
    reopened: Workflow, named: dict[str, str]
) -> None:
    outcome = reopened.fire("payout_reversed", user_id="bulgaria", amount="10.50", event_id="late", **named)
    assert [(one.claim_id, one.to) for one in outcome.transitions] == [("b1", "paid")]
    assert claim(reopened, "b1", "bulgaria").paid == {"BGN": "59.50"}
    assert status(reopened, "bulgaria").recovered == {"BGN": "59.50"}
    assert money(reopened)["BGN"] == {
        "payouts_less_reversals": "77.27",
        "recovered": "59.50",
        "unapplied": "10.00",
        "dropped": "7.77",
    }


def test_money_that_waited_in_a_withdrawn_currency_comes_with_its_claim(reopened: Workflow) -> None:
    found = [{"claim_id": "b9"}]
    reopened.fire("detection_complete", user_id="bulgaria", sync_id="bg", claims=found)
    assert claim(reopened, "b9", "bulgaria").paid == {"BGN": "10.00"}
    assert status(reopened, "bulgaria").unapplied == {}
    assert money(reopened)["BGN"]["recovered"] == "80.00"


def test_a_payout_that_waits_is_settled_by_a_person_who_names_its_claim(reopened: Workflow) -> None:
    waiting = letter(reopened, "ambiguous", "whose?")
    assert waiting is not None
    told = reopened.retry_dead_letter(waiting, claim_id="am2")
    assert isinstance(told, EventAnswer)
    assert (told.status, told.event_id) == ("applied", "whose?")
    assert claim(reopened, "am2", "ambiguous").paid == {"USD": "42.00"}
    assert status(reopened, "ambiguous").unapplied == {"USD": "1.25"}
    assert money(reopened)["USD"]["dropped"] == "13.00"


def test_a_payout_that_waits_may_be_dropped(reopened: Workflow) -> None:
    before = money(reopened)["USD"]
    waiting = letter(reopened, "ambiguous", "whose?")
    assert waiting is not None
    reopened.drop_dead_letter(waiting, reason="nobody's")
    after = money(reopened)["USD"]
    assert Decimal(after["dropped"]) - Decimal(before["dropped"]) == 42
    assert Decimal(before["unapplied"]) - Decimal(after["unapplied"]) == 42


def test_a_life_that_was_told_before_its_sync_is_lived_once_the_sync_comes(reopened: Workflow) -> None:
    reopened.fire("sync_complete", user_id="early", sync_id="ye")
    assert states(reopened, "early") == {"y1": "paid"}
    assert claim(reopened, "y1", "early").paid == {"USD": "15.00"}
    assert claim(reopened, "y1", "early").amazon_case_id == "Y-1"
    assert waits(reopened, "early") == []
    assert reopened.check().sound


def test_a_name_that_was_kept_early_finds_its_claim_and_what_waited_under_it(reopened: Workflow) -> None:
    reopened.fire("detection_complete", user_id="aliases", sync_id="al", claims=[{"claim_id": "a-late"}])
    found = claim(reopened, "earlier still", "aliases")
    assert (found.claim_id, found.state, found.amazon_case_id) == ("a-late", "submitted", "A-3")
    assert found.aliases == ["earlier still", "early name"]
    assert reopened.check().sound


def test_an_event_that_a_person_gave_a_name_waits_under_it(reopened: Workflow) -> None:
    before = status(reopened, "letters").recovered
    reopened.fire("detection_complete", user_id="letters", sync_id="le", claims=[{"claim_id": "nobody-9"}])
    assert claim(reopened, "nobody-9", "letters").paid == {"USD": "14.00"}
    assert (before, status(reopened, "letters").recovered) == ({"USD": "23.00"}, {"USD": "37.00"})
    assert reopened.check().sound


def test_time_passes_for_deadlines_and_for_what_waits(reopened: Workflow, later: ManualClock) -> None:
    assert claim(reopened, "c-overdue", "states").overdue
    while reopened.tick():
        pass
    assert claim(reopened, "c-overdue", "states").state == "expired"
    later.advance(days=8)
    while reopened.tick():
        pass
    assert {trigger for trigger, _ in waits(reopened, "nobody yet")} == {"payout_received", "payout_reversed"}
    assert len(reopened.dead_letters(user_id="nobody yet")) == 11
    assert reopened.check().sound


def test_new_claims_live_beside_the_old_ones(reopened: Workflow) -> None:
    new = {"user_id": "states", "claim_id": "new"}
    reopened.fire("detection_complete", user_id="states", sync_id="st", claims=[{"claim_id": "new"}])
    reopened.fire("evidence_matching_complete", **new, confidence=0.9)
    reopened.fire("claim_submitted", **new, amazon_case_id="new case")
    reopened.fire("claim_rejected", **new, amazon_case_id="new case", rejection_reason="no")
    reopened.fire("payout_received", **new, amount="1.00", currency="EUR")
    with pytest.raises(NotAllowed):
        reopened.fire("claim_rejected", **new)
    assert claim(reopened, "new", "states").paid == {"EUR": "1.00"}
    assert reopened.check().sound


# -- effects


def test_what_is_owed_is_done_under_the_key_and_in_the_attempt_that_follow(
    reopened: Workflow, told: Told
) -> None:
    """Among them one whose holder died, one that a person retried, and the telling of a dead letter."""
    done: dict[str, int] = {}

    def work(given: Any) -> Fire | None:
        done[given.key] = given.attempt
        if isinstance(given, Transition) and given.to_state == "matched":
            return Fire("claim_submitted", amazon_case_id=f"filed {given.claim_id}")
        return None

    register(reopened, work)
    due = [one for one in told["owed"] if one["ready_at"] <= told["as_of"]]
    reopened.run_effects()
    assert {one["key"]: done.get(one["key"]) for one in due} == {
        one["key"]: one["attempt"] + 1 for one in due
    }
    assert {one["handler"] for one in due} == {"file", "thank", "alert", "ask-sync"}
    assert {one["attempt"] for one in due} == {0, 2}
    assert claim(reopened, "b3", "bulgaria").state == "submitted"
    assert claim(reopened, "f-dies", "effects").state == "submitted"
    assert [one.claim_id for one in reopened.owed()] == ["f-not yet", "f-later"]
    assert reopened.check().sound


def test_a_dead_effect_is_owed_anew(reopened: Workflow) -> None:
    done: list[str] = []
    register(reopened, lambda given: done.append(given.key))
    [dead] = reopened.dead_letters(kind="effect")
    assert (dead.handler, dead.claim_id) == ("thank", "f-fails")
    assert reopened.retry_dead_letter(dead.id) == {"status": "owed"}
    [key] = [one.key for one in reopened.owed("effects") if one.claim_id == "f-fails"]
    reopened.run_effects()
    assert key in done
    assert list(reopened.dead_letters(kind="effect")) == []
    assert reopened.check().sound


# -- it moves


def test_a_file_moves_to_postgresql_as_it_is(tmp_path: Path, postgres: Server, told: Told) -> None:
    """Migrated on the way, it says there what it said here."""
    source, name = tmp_path / "claims.db", postgres.make()
    shutil.copy(FIRST_EDITION / "claims.db", source)
    move = ["migrate", "--database", f"sqlite:///{source}", "--to", postgres.url(name), "--json"]
    moved = CliRunner().invoke(main, move, prog_name="workflow-fsm")
    assert moved.exit_code == 0, moved.stderr
    assert json.loads(moved.stdout)["check"]["root"] == told["check"]["root"]
    with Workflow.open(postgres.url(name), settings=Settings()) as served:
        assert money(served) == told["check"]["money"]
    postgres.drop(name)
