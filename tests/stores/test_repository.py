"""What is looked up is what a look at everything finds: split statements, put together, miss nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from tests.stores.filled import BIG, fill
from workflow_fsm import Settings, Workflow
from workflow_fsm.core.definition.claim import claim_lifecycle
from workflow_fsm.core.model.source import Seek
from workflow_fsm.results import Claim, DeadLetterRecord, HistoryRow
from workflow_fsm.stores.mapping import lifecycle_of
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Session
from workflow_fsm.stores.store import Store
from workflow_fsm.stores.url import open_database
from workflow_fsm.workflow import utc_now

TIMES = 3
STATES = tuple(state.name for state in claim_lifecycle().states)


@pytest.fixture
def filled(store_url: str) -> str:
    fill(store_url, TIMES)
    return store_url


@pytest.fixture
def workflow(filled: str) -> Iterator[Workflow]:
    with Workflow.open(filled, settings=Settings()) as opened:
        yield opened


def test_a_seek_finds_what_a_look_at_all_lifecycles_finds(filled: str) -> None:
    store = Store(open_database(filled, utc_now()), claim_lifecycle())

    def compare(session: Session) -> list[tuple[Seek, list[int], list[int]]]:
        source = Repository.of(session, store.definition, BIG)
        rows = session.rows("claims_page", user_id=BIG, cursor=0, limit=1000)
        everything = sorted(
            (lifecycle_of(store.definition, row) for row in rows), key=lambda one: one.id, reverse=True
        )
        middle = sorted(one.cursor for one in everything)[len(everything) // 2]
        told = []
        for states, sync_id, since, limit in product(
            (STATES, ("submitted",), ("detected", "paid")),
            (None, "s", "t"),
            (0, middle),
            (None, 2, 7),
        ):
            wanted = Seek(states=states, sync_id=sync_id, since=since, limit=limit)
            found = [one.id for one in source.seek(wanted)]
            expected = [one.id for one in everything if wanted.finds(one)]
            if since and limit is not None:  # then any will do
                assert set(found) <= set(expected)
                assert len(found) == min(limit, len(expected))
            else:
                told.append((wanted, found, expected[:limit]))
        return told

    told = store.read(compare)
    store.close()
    assert [one for one in told if one[1] != one[2]] == []
    assert sum(bool(found) for _, found, _ in told) > 20


def test_the_pages_of_one_sync_are_those_of_all_that_is_of_it(workflow: Workflow) -> None:
    for sync_id in ("s", "t", "p1", "unknown"):
        assert _claims(workflow, sync_id=sync_id, limit=5) == [
            claim for claim in _claims(workflow, limit=1000) if claim.sync_id == sync_id
        ]
        assert _rows(workflow, sync_id=sync_id, limit=5) == [
            row for row in _rows(workflow, limit=1000) if row.sync_id == sync_id
        ]
        shown = workflow.status(BIG, claim_id="c1", sync_id=sync_id)
        assert shown is not None
        assert [claim.claim_id for claim in shown.claims] == (["c1"] if sync_id == "s" else [])


def test_dead_letters_and_work_of_one_user_are_those_of_all_that_are_theirs(workflow: Workflow) -> None:
    theirs: list[DeadLetterRecord] = []
    cursor = None
    while True:
        page = workflow.dead_letters(user_id=BIG, limit=4, cursor=cursor)
        theirs += page
        if (cursor := page.next_cursor) is None:
            break
    assert theirs == [letter for letter in workflow.dead_letters(limit=1000) if letter.user_id == BIG]
    assert len(theirs) > 4
    assert workflow.owed(BIG) == [effect for effect in workflow.owed() if effect.user_id == BIG]
    assert len(workflow.acts(BIG, limit=2)) == 2
    assert len(workflow.acts(BIG)) == 3 * TIMES


def _claims(workflow: Workflow, *, limit: int, sync_id: str | None = None) -> list[Claim]:
    claims: list[Claim] = []
    cursor = None
    while True:
        page = workflow.status(BIG, sync_id=sync_id, limit=limit, cursor=cursor)
        assert page is not None
        claims += page.claims
        if (cursor := page.next_cursor) is None:
            return claims


def _rows(workflow: Workflow, *, limit: int, sync_id: str | None = None) -> list[HistoryRow]:
    rows: list[HistoryRow] = []
    cursor = None
    while True:
        page = workflow.history(BIG, sync_id=sync_id, limit=limit, cursor=cursor)
        assert page is not None
        rows += page
        if (cursor := page.next_cursor) is None:
            return rows
