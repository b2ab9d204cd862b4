"""Every look-up is by an index: from the plan of every statement, and from what each of them reads.

Asked of both dialects, where nobody has analyzed the tables and where somebody has. A user of whom much is
kept must not cost more than one of whom little is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from tests.once import once
from tests.stores.filled import BIG, SMALL, STEP, fill, running
from tests.stores.planners import Filled, OnPostgres, OnSQLite
from tests.stores.postgres.server import Server
from workflow_fsm.stores.statements import numbered, statements
from workflow_fsm.workflow import utc_now

TIMES = 300
"""How many times as much is kept of the big user as of a small one: some five thousand claims."""

ALL_OF_A_USER = {
    "counts": "status counts all that take part",
    "unfinished_effects_of": "what a user has unfinished is shown in the order in which it was owed",
    "void_effects_of_handler": "all that is owed to a handler that is dropped is void",
    "every_lifecycle": "check reads everything",
    "every_row": "check reads everything",
    "every_event": "check reads everything",
    "every_effect": "check reads everything",
    "every_wait": "check reads everything",
    "every_alias": "check reads everything",
    "every_case": "check reads everything",
    "every_event_id": "check reads everything",
    "kept_of": "who is forgotten leaves behind how much there was",
    "figures_of": "who is forgotten leaves behind how much there was",
    "heads_until": "check --since reads all heads",
}
"""Statements that want all of a user, and why."""
FIRST_OF_A_USER = {
    "user": "any event that waits tells that one may",
    "lock_user": "any event that waits tells that one may",
    "has_aliases": "any alias is one",
    "anything_waits": "any event that waits tells that one does",
    "waiting": "any event that waits tells that one does",
    "checked": "few checks saw a user change, beside what changed",
    "erase_checked": "few checks saw a user change, beside what changed",
    "erase_cases": "what is up to a place is erased, as much as was asked for",
    **dict.fromkeys(
        ("next_row_number", "next_event_number", "next_effect_number", "next_case", "next_alias"),
        "as many are looked at as are erased at once",
    ),
    "every_user": "the first event of each tells where its numbers begin",
    "is_told_of": "any event, or alias, is one",
    "newest_sync": "the last of the syncs is it",
    "newest_counted": "the last lifecycle counts, but for one that was forked or overtaken",
    "history_page_of_claim": "a claim has two chains, each of few rows, which are brought in order",
}
"""Statements that stop at the first that fits, or sort few, and why."""
EVERYBODY = {
    "handlers": "there are as many as the code has",
    "unfinished_effects": "what is unfinished is shown in the order in which it was owed",
    "users_owing": "whoever has work of a handler is found when that is dropped, by hand",
    "figures_of_events": "counts everything, in one small index",
    "figures_of_effects": "counts everything, in one small index",
    "figures_of_due_effects": "counts everything that is ready, in one small index",
    "figures_of_lifecycles": "counts everything, in one small index",
    "users_since": "looks at everybody's row, as what adds up everybody's money does",
    "count_migrations": "there are as many as the code has",
    "migrations": "there are as many as the code has",
    "figures_of_money": "adds up everybody's money",
    "figures_of_unapplied": "adds up everybody's money",
    "figures_of_the_rest": "counts everything, in small indexes",
    "every_complaint": "check reads everything",
    "every_stranger": "check reads everything",
    "probe": "stops at the first of the migrations, of which there are few",
    "last_check": "there are as many as were printed with another root",
    "checks": "there are as many as were printed with another root",
    "extent": "check adds up what there is to do",
    "currencies": "a store has as many as there are on earth, at most",
    "definitions": "a store was worked under few",
    "definition_ids": "a store was worked under few",
    "last_forgotten": "the highest number is it",
    "forgotten": "whoever was forgotten is counted still",
    "confirmed_state": "is asked where a row's state is none that the code knows: of those in that state",
}
"""Statements that look over all users on purpose, and why."""

NOON = "2026-03-01T12:00:00.000000Z"
_MISSING = (
    "about currency error from_state letter letter_at occurred_at reason traceback "
    "alone amount booked_case definition doubt merged_into overlay source"
)
_INSTANTS = "due_at entered_at expires_at late owed_at ready_at received_at soon updated_at"
VALUES: Mapping[str, Any] = {
    **dict.fromkeys(_MISSING.split()),
    **dict.fromkeys(_INSTANTS.split(), NOON),
    **dict.fromkeys(
        [
            *("answer", "body", "content", "currencies", "events", "facts", "kept", "money"),
            *("paid", "pattern", "recovered", "unapplied"),
        ],
        "{}",
    ),
    **dict.fromkeys(("after_seq", "by", "cursor", "dropped", "forgiven", "forked", "settled"), 0),
    **dict.fromkeys(("faults", "forgotten", "up_to"), 0),
    **dict.fromkeys(
        ("attempt", "decimals", "entered", "id_given", "on_enter", "suspects", "told", "units", "version"), 1
    ),
    **dict.fromkeys(("actor", "hash", "head", "key", "origin", "registered_at", "to_state"), "x"),
    **dict.fromkeys(("after", "after_user", "at", "start"), ""),
    **dict.fromkeys(("from_cursor", "from_id", "from_lifecycle", "from_seq"), -(2**63)),
    **dict.fromkeys(
        ("from_alias", "from_case_id", "from_claim_id", "from_event_id", "from_kind", "from_name"), ""
    ),
    "from_sync_id": "",
    **dict.fromkeys(("listed_amount", "listed_currency", "listed_deadline", "listed_decision"), ""),
    **dict.fromkeys(("check_id", "parent", "root", "stub"), "x"),
    "many": 2,
    "answered": "%payout%",
    "before": "{}",
    "alias": "x1",
    "but_of": '["nobody"]',
    "case_id": "amazon_case_id-c1",
    "claim_id": "c1",
    "claims": '["c1", "c2"]',
    "cursors": f'{{"{BIG}": 0, "{SMALL}": 0}}',
    "event_id": "payout_received-c1",
    "first": "synced",
    "handler": "waits",
    "kind": "claim",
    "lifecycles": "[1, 2]",
    "limit": 2,
    "name": "waits",
    "names": '[["any", ""], ["case", "amazon_case_id-c1"], ["claim", "c1"], ["claim", "unknown"]]',
    "line_id": "l1",
    "original_id": "reimbursement_id-c3",
    **dict.fromkeys(("latest", "now", "over"), "2026-03-01T13:00:00.000000Z"),
    "reimbursement_id": "reimbursement_id-c1",
    "shares": "[]",
    "since": 0,
    "standing": "done",
    "state": "submitted",
    "sync_id": "s",
    "decision": "",
    "currency": "USD",
    "due_before": "~",
    "due_from": "",
    "q": "c1",
    "q_end": "c2",
    "until": "~",
    "trigger": "payout_received",
    "syncs": '["p1"]',
    "user_id": BIG,
}
"""What each parameter is asked with, but for numbers that are found in the store."""
OWN_VALUES: Mapping[str, Mapping[str, Any]] = {
    "erase_cases": {"case_id": "", "claim_id": "", "sync_id": ""},  # up to a place before all
    "erase_aliases": {"alias": ""},
    "last_drop": {"about": "event:1"},
    "newest_sync_in": {"state": "synced"},  # the first is the only one it is asked with, and has no claims
}


SINCE = {SMALL: 0, BIG: (TIMES - 1) * STEP}
"""What is asked for what happened since is asked for as much of either user."""
SPARE = 50
"""How much more may be read of the big user: a telling's rows, of three hundred."""


@dataclass(frozen=True)
class Survey:
    """What is wrong with plans, by statement; and what each reads of a small user and of the big one."""

    faults: Mapping[str, set[str]]
    reads: Mapping[str, tuple[int, int]]


Surveys = Mapping[str, Survey]
"""One where nobody has analyzed the tables (`unknown`), and one where somebody has (`analyzed`)."""


@pytest.fixture(scope="module")
def sqlite_surveys(tmp_path_factory: pytest.TempPathFactory) -> Surveys:
    def make() -> Surveys:
        path = tmp_path_factory.mktemp("filled") / "claims.db"
        fill(f"sqlite:///{path}", TIMES)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return dict(_survey("sqlite", OnSQLite(connection), _numbers(f"sqlite:///{path}")))

    return once(tmp_path_factory, "sqlite_surveys", make)


@pytest.fixture(scope="module")
def postgres_surveys(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Surveys:
    def make() -> Surveys:
        from workflow_fsm.stores.postgres.database import Postgres

        name = postgres.make()
        fill(postgres.url(name), TIMES)
        store = Postgres(postgres.url(name), now=utc_now())
        with store._connections.taken() as served:
            surveys = dict(_survey("postgres", OnPostgres(served), _numbers(postgres.url(name))))
        store.close()
        postgres.drop(name)
        return surveys

    return once(tmp_path_factory, "postgres_surveys", make)


@pytest.fixture(params=["sqlite", "postgres"])
def surveys(request: pytest.FixtureRequest) -> Surveys:
    """What was found of a dialect's statements."""
    found: Surveys = request.getfixturevalue(f"{request.param}_surveys")
    return found


def _survey(dialect: str, filled: Filled, numbers: Mapping[str, Any]) -> Iterator[tuple[str, Survey]]:
    for known in ("unknown", "analyzed"):
        if known == "analyzed":
            filled.analyze()
        faults: dict[str, set[str]] = {}
        reads: dict[str, tuple[int, int]] = {}
        for name, sql in statements(dialect).items():
            kept = numbers["effect" if "effect" in name else "event"]
            values = {**VALUES, **numbers["claim"], "seq": kept, **OWN_VALUES.get(name, {})}
            faults[name] = filled.faults(name, values)
            if not sql.startswith("INSERT"):
                small = big = filled.reads(name, {**values, "user_id": SMALL, "since": SINCE[SMALL]})
                if {"user_id", "since"} & set(numbered(sql)[1]):  # else it is the same, asked of whomever
                    big = filled.reads(name, {**values, "user_id": BIG, "since": SINCE[BIG]})
                reads[name] = small, big
        yield known, Survey(faults=faults, reads=reads)


def _numbers(url: str) -> dict[str, Any]:
    """Find numbers that both users have: of a claim, of an effect and of an event."""
    of_claim = "SELECT id, parent FROM lifecycles WHERE user_id = 'small-1' AND claim_id = 'c9'"
    of_effect = "SELECT seq FROM effects WHERE user_id = 'small-1' AND handler = 'waits' ORDER BY seq"
    of_event = (
        "SELECT seq, fingerprint FROM events WHERE user_id = 'small-1' AND event_id = 'payout_received-c1'"
    )
    with running(url) as run:
        ((number, parent),) = run(of_claim).fetchall()
        ((effect,), *_) = run(of_effect).fetchall()
        ((event, fingerprint),) = run(of_event).fetchall()
    claim = {"id": number, "lifecycle": number, "parent": parent, "fingerprint": fingerprint}
    return {"claim": claim, "effect": effect, "event": event}


whether_analyzed = pytest.mark.parametrize("known", ["unknown", "analyzed"])


@whether_analyzed
def test_no_statement_reads_more_of_a_user_than_it_wants(surveys: Surveys, known: str) -> None:
    excused = ALL_OF_A_USER | FIRST_OF_A_USER | EVERYBODY
    faults = surveys[known].faults
    assert {name: found for name, found in faults.items() if found and name not in excused} == {}


@whether_analyzed
def test_who_has_much_costs_no_more_than_who_has_little(surveys: Surveys, known: str) -> None:
    excused = ALL_OF_A_USER | EVERYBODY
    reads = surveys[known].reads
    assert {
        name: (small, big)
        for name, (small, big) in reads.items()
        if big > 1.2 * small + SPARE and name not in excused
    } == {}


def test_every_exception_is_needed(sqlite_surveys: Surveys, postgres_surveys: Surveys) -> None:
    found = [*sqlite_surveys.values(), *postgres_surveys.values()]
    at_fault = {name for survey in found for name, faults in survey.faults.items() if faults}
    grown = {name for survey in found for name, (small, big) in survey.reads.items() if big > 10 * small}
    assert at_fault >= FIRST_OF_A_USER.keys() | EVERYBODY.keys()
    assert grown >= ALL_OF_A_USER.keys()
