"""Whatever a definition is built of and isn't as it must be is an error with a sentence that names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.variants.reviewed import REVIEW, reviewed
from workflow_fsm import DefinitionInvalid, Workflow
from workflow_fsm.definition import (
    KNOWN,
    PAYOUT,
    WAIT,
    Addressing,
    Arrow,
    Cell,
    Definition,
    Field,
    Kind,
    Question,
    Rest,
    State,
    Trigger,
    ask,
    claim_lifecycle,
    go,
)

CLAIMS = claim_lifecycle()
MISTAKEN = ("claim_filed",)
WHICH = Question(name="which?", answers=("this", "that"), ask=lambda meeting: "this")


def varied(**changes: Any) -> Definition:
    return CLAIMS.variant(**{"name": "varied", "cells": {}, **changes})


def built(**changes: Any) -> Definition:
    parts = {"name": "built", "states": CLAIMS.states, "triggers": CLAIMS.triggers, "cells": CLAIMS.cells}
    return Definition(**{**parts, **changes})


def with_trigger(*added: Any) -> Definition:
    return varied(triggers=(*CLAIMS.triggers, *added))


def trigger(**changes: Any) -> Trigger:
    return replace(REVIEW, **changes)


def question(**changes: Any) -> Question:
    return replace(WHICH, **changes)


MISSPELT: dict[str, tuple[dict[str, Any], str]] = {
    "a state": ({"cells": {"submited": {"claim_rejected": go("paid")}}}, "did you mean 'submitted'?"),
    "a trigger": ({"cells": {"submitted": {"claim_rejcted": KNOWN}}}, "did you mean 'claim_rejected'?"),
    "a target": ({"cells": {"submitted": {"claim_rejected": go("payed")}}}, "did you mean 'paid'?"),
    "a state of none": ({"cells": {"limbo": {}}}, "there are synced, detected"),
    "a trigger with the fields of a cell's row": (
        {"cells": {None: {"claim_submited": WAIT}}},
        "the cell of '(none yet)' and 'claim_submited' is for no trigger",
    ),
    "what is waited for": (
        {"cells": {"submitted": {"claim_rejected": ask(WHICH, {"this": "paid"}, Rest.WAIT, MISTAKEN)}}},
        "waits for 'claim_filed', which is no trigger: did you mean 'claim_submitted'?",
    ),
    "a cell in a state that is taken away": (
        {"states": CLAIMS.states[:-1], "cells": {"expired": {"claim_rejected": KNOWN}}},
        "the row 'expired' is for no state that is listed",
    ),
}
MALFORMED: dict[str, tuple[Callable[[], object], str]] = {
    "a cell that is a state's name": (
        lambda: varied(cells={"submitted": {"claim_rejected": "rejected"}}),
        "the cell of 'submitted' and 'claim_rejected' is 'rejected' (str), which is no cell: go(",
    ),
    "a cell that is none": (
        lambda: varied(cells={"submitted": {"claim_rejected": None}}),
        "is None (NoneType), which is no cell",
    ),
    "a cell that is a rest": (
        lambda: varied(cells={"submitted": {"claim_rejected": Rest.KNOWN}}),
        "which is no cell",
    ),
    "a function instead of what it makes": (
        lambda: varied(cells={"submitted": {"claim_rejected": go}}),
        "which is no cell",
    ),
    "a row that is no mapping": (lambda: varied(cells={"submitted": KNOWN}), "the row 'submitted' is Cell("),
    "a row that is a list": (
        lambda: varied(cells={"submitted": [KNOWN]}),
        "it must map the names of triggers",
    ),
    "cells that are no mapping": (lambda: varied(cells=[KNOWN]), "cells is [Cell("),
    "a row of no name": (lambda: varied(cells={5: {}}), "the row 5 (int) is for no state"),
    "no name": (lambda: varied(name=""), "name is ''"),
    "a name that is none": (lambda: varied(name=None), "name is None (NoneType); it must be a string"),
    "states that are names": (
        lambda: varied(states=["synced"]),
        "states holds 'synced' (str); it must be a tuple of States",
    ),
    "states that are text": (lambda: varied(states="synced"), "states is 'synced' (str)"),
    "states that are one": (lambda: varied(states=State(name="a")), "states is State("),
    "triggers that are names": (lambda: with_trigger("reviewed"), "triggers holds 'reviewed' (str)"),
    "triggers that are none": (lambda: varied(triggers=5), "triggers is 5 (int)"),
    "money without a field for it": (
        lambda: with_trigger(Trigger(name="goodwill", addressing=Addressing.ONE, money=1)),
        "trigger 'goodwill' moves money, and has no field for it: add `PAYOUT`",
    ),
    "a definition's name": (lambda: built(name=5), "name is 5 (int)"),
    "a definition's states": (lambda: built(states=None), "states is None"),
    "a definition's triggers": (lambda: built(triggers=["sync_complete"]), "triggers holds 'sync_complete'"),
    "a definition's cells": (lambda: built(cells=None), "cells is None"),
    "a definition's row": (
        lambda: built(cells={**CLAIMS.cells, "paid": {"claim_rejected": KNOWN}}),
        "the row 'paid' is {",
    ),
    "a definition's cell": (
        lambda: built(cells={**CLAIMS.cells, "paid": ("paid",) * 8}),
        "the row 'paid' holds 'paid' (str), which is no cell",
    ),
    "a definition's row of no name": (lambda: built(cells={**CLAIMS.cells, 5: ()}), "a row for 5 (int)"),
    "a state's name": (lambda: State(name=5), "name is 5 (int); it must be a string"),  # type: ignore[arg-type]
    "a state's blank name": (lambda: State(name=" "), "text that can be read"),
    "a state's name of two lines": (lambda: State(name="in\nreview"), "text that can be read"),
    "a state's long name": (lambda: State(name="x" * 256), "has 256 characters"),
    "a state that may be closed": (lambda: State(name="a", closed="no"), "closed is 'no'"),  # type: ignore[arg-type]
    "a state that may be retired": (lambda: State(name="a", retired=1), "retired is 1"),  # type: ignore[arg-type]
    "a trigger's name": (lambda: trigger(name=None), "name is None"),
    "a trigger's addressing": (lambda: trigger(addressing="one"), "must be an Addressing"),
    "a trigger's fields": (lambda: trigger(fields=("claim_id",)), "fields holds 'claim_id' (str)"),
    "a trigger's only field": (lambda: trigger(fields=PAYOUT), "fields is Field("),
    "a field's kind": (
        lambda: trigger(fields=(Field(name="reviewer", kind="text"),)),  # type: ignore[arg-type]
        "the field 'reviewer' (str), which is 'text' (str); it must be a Kind",
    ),
    "a field's aliases": (
        lambda: trigger(fields=(Field(name="a", kind=Kind.TEXT, aliases="ab"),)),  # type: ignore[arg-type]
        "must be a tuple of names",
    ),
    "a field that every trigger takes": (
        lambda: trigger(fields=(Field(name="event_id", kind=Kind.TEXT),)),
        "'event_id', which every trigger takes as it is",
    ),
    "a trigger's money": (lambda: trigger(money=2), "money is 2; it must be 1, -1 or 0"),
    "whether a trigger files": (lambda: trigger(files="yes"), "files is 'yes'"),
    "whether a trigger rejects": (lambda: trigger(rejects=None), "rejects is None"),
    "what a trigger tells": (lambda: trigger(tells={"a": 1}), "tells_fields('reviewer')"),
    "what a trigger tells together": (lambda: trigger(together=("ab",)), "together holds 'ab'"),
    "when a timer is due": (lambda: trigger(due=5), "due is 5 (int)"),
    "an arrow's target": (lambda: go(5), "target is 5 (int)"),  # type: ignore[arg-type]
    "an arrow's answer": (lambda: Arrow(target="paid", when=True), "when is True"),  # type: ignore[arg-type]
    "a cell's arrows": (lambda: Cell(arrows=("paid",)), "arrows holds 'paid'"),  # type: ignore[arg-type]
    "a cell's rest": (lambda: Cell(rest="known"), "rest is 'known' (str); it must be a Rest"),  # type: ignore[arg-type]
    "a cell's rests": (lambda: Cell(rests={"no": "known"}), "rests maps 'no'"),  # type: ignore[dict-item]
    "a cell's question": (lambda: Cell(question="which?"), "question is 'which?'"),  # type: ignore[arg-type]
    "a cell's leads": (lambda: Cell(leads="paid"), "leads is 'paid'"),  # type: ignore[arg-type]
    "a question that is none": (lambda: ask("which?", {}), "ask: question is 'which?'"),  # type: ignore[arg-type]
    "answers that are none": (lambda: ask(WHICH, ["this"]), "ask: answers is ['this']"),  # type: ignore[arg-type]
    "an answer to nothing": (lambda: ask(WHICH, {"this": None}), "maps 'this' (str) to None"),
    "an answer to a cell": (lambda: ask(WHICH, {"this": KNOWN}), "maps 'this' (str) to Cell("),
    "a question's answers": (lambda: question(answers="this"), "answers is 'this' (str)"),
    "a question without answers": (lambda: question(answers=()), "answers is empty"),
    "a question that can't be asked": (lambda: question(ask="this"), "ask is 'this'"),
    "a bound of a decision": (lambda: claim_lifecycle(auto_submit=0.9), "auto_submit is 0.9 (float)"),
    "what a store is opened with": (
        lambda: Workflow.open("sqlite:///:memory:", definition="claim"),  # type: ignore[arg-type]
        "definition is 'claim' (str); it must be a Definition",
    ),
    "a function that makes one": (
        lambda: Workflow.open("sqlite:///:memory:", definition=reviewed),  # type: ignore[arg-type]
        "it must be a Definition",
    ),
}


@pytest.mark.parametrize(("changes", "told"), MISSPELT.values(), ids=MISSPELT)
def test_a_misspelt_name_is_an_error_that_says_what_is_meant(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        varied(**changes)
    assert any(told in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(("build", "told"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_part_of_a_definition_is_an_error_with_a_sentence(
    build: Callable[[], object], told: str
) -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        build()
    assert any(told in problem for problem in caught.value.problems), caught.value.problems


def test_all_that_is_wrong_with_a_variants_names_is_told_at_once() -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        varied(cells={"submited": {"claim_rejcted": "rejected"}})
    assert len(caught.value.problems) == 3


def test_a_retired_state_is_entered_by_no_arrow() -> None:
    states = [State(name=one.name, closed=one.closed, retired=one.name == "expired") for one in CLAIMS.states]
    with pytest.raises(DefinitionInvalid, match="moves to 'expired', which is retired"):
        varied(states=states)


def test_a_question_that_gives_no_answer_of_its_list_changes_nothing() -> None:
    asks = Question(name="which?", answers=("this", "that"), ask=lambda meeting: "other")
    cell = ask(asks, {"this": "rejected"}, rest=Rest.KNOWN)
    definition = varied(cells={"submitted": {"claim_rejected": cell}})
    with Workflow.open("sqlite:///:memory:", definition=definition) as workflow:
        workflow.fire("sync_complete", user_id="u1", sync_id="s1")
        workflow.fire("detection_complete", user_id="u1", claims=[{"claim_id": "c1"}])
        workflow.fire("claim_submitted", user_id="u1", claim_id="c1")
        with pytest.raises(DefinitionInvalid, match=r"answered 'other' \(str\), and lists 'this', 'that'"):
            workflow.fire("claim_rejected", user_id="u1", claim_id="c1", event_id="no")
        assert len(workflow.history("u1", "c1") or []) == 3
        assert workflow.check().sound


@pytest.mark.parametrize(
    ("tells", "told"),
    [
        (lambda fields, facts: {"reviewer": {"Ada"}}, r"tells 'reviewer' as \{'Ada'\} \(set\)"),
        (lambda fields, facts: None, "is to tell a mapping of facts, and tells None"),
    ],
)
def test_a_trigger_that_tells_what_is_no_json_changes_nothing(tells: Any, told: str) -> None:
    definition = reviewed(review=replace(REVIEW, tells=tells))
    with Workflow.open("sqlite:///:memory:", definition=definition) as workflow:
        workflow.fire("sync_complete", user_id="u1", sync_id="s1")
        workflow.fire("detection_complete", user_id="u1", claims=[{"claim_id": "c1"}])
        workflow.fire("claim_submitted", user_id="u1", claim_id="c1")
        with pytest.raises(DefinitionInvalid, match=told):
            workflow.fire("review_started", user_id="u1", claim_id="c1")
        assert workflow.check().sound
