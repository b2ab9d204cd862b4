"""Results are typed: what a workflow gives has the members that its types say, and they are as these say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import pytest

from tests.stories.acts import detect, match, pay, submit, sync
from workflow_fsm import DeadLetter, Discard, NotAllowed, Transition, Workflow, results
from workflow_fsm.core.records import Record, key_of
from workflow_fsm.testing import ManualClock

SHAPES = {
    shape
    for shape in (getattr(results, name) for name in results.__all__)
    if issubclass(shape, Record) and shape is not Record
}


class Checked:
    """A workflow each of whose methods is held to the type that it says it gives."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self.seen: set[type] = set()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._workflow, name)

        def call(*given: Any, **named: Any) -> Any:
            result = method(*given, **named)
            promised = get_type_hints(method)["return"]
            if isinstance(result, results.Rows):
                result, promised = list(result), list[get_args(promised)[0]]  # type: ignore[misc]  # at run time
            self.hold(promised, result, name)
            return result

        return call

    def hold(self, promised: Any, value: object, where: str) -> None:
        assert fault(promised, value, where) is None
        self.seen |= {type(one) for one in records(value)}


def fault(promised: Any, value: object, where: str) -> str | None:
    """Tell where a value isn't of a type; None where it is."""
    kind, inner = get_origin(promised) or promised, get_args(promised)
    if kind is Any:
        return None
    if kind in (Union, UnionType):
        faults = [fault(one, value, where) for one in inner]
        return None if None in faults else "; ".join(map(str, faults))
    if kind is Literal:
        return None if value in inner else f"{where} is {value!r}"
    if not isinstance(value, cast(type, kind)) or (kind is int and isinstance(value, bool)):
        return f"{where} is {value!r}, and no {kind.__name__}"
    told: list[tuple[Any, object, str]] = []
    if isinstance(value, Record) and kind in SHAPES:
        members = {key_of(name): hint for name, hint in get_type_hints(kind).items()}
        if not set(members) - kind.__optional_keys__ <= set(value) <= set(members):
            return f"{where} has {sorted(value)}, and should have {sorted(members)}"
        told = [(members[key], one, f"{where}.{key}") for key, one in value.items()]
    elif isinstance(value, list):
        told = [(inner[0] if inner else item_of(kind), one, f"{where}[]") for one in value]
    elif isinstance(value, tuple):
        told = [(inner[0], one, f"{where}[]") for one in value]
    elif isinstance(value, Mapping) and len(inner) == 2:
        told = [(inner[1], one, f"{where}.{key}") for key, one in value.items()]
    elif is_dataclass(kind):
        told = [
            (hint, getattr(value, name), f"{where}.{name}") for name, hint in get_type_hints(kind).items()
        ]
    return next((wrong for one in told if (wrong := fault(*one)) is not None), None)


def item_of(kind: Any) -> Any:
    """Give the type of the items of a class of lists."""
    [base] = kind.__orig_bases__
    return get_args(base)[0]


def records(value: object) -> Iterator[Record]:
    """Give all records in a value."""
    if isinstance(value, Record):
        yield value
    if is_dataclass(value):
        value = [getattr(value, name) for name in get_type_hints(type(value))]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for one in inner:
        yield from records(one)


def test_what_a_workflow_gives_is_what_its_types_say(workflow: Workflow, clock: ManualClock) -> None:
    checked = Checked(workflow)
    there = cast(Workflow, checked)
    work(workflow, checked)
    be_told_events(there, checked)
    look(there)
    repair(there, clock)

    assert SHAPES - checked.seen == set()


def work(workflow: Workflow, checked: Checked) -> None:
    """Register a handler that gives up, and one that is told of it."""

    @workflow.on_enter("matched", not_before="eligible_from", tries=1)
    def submit(transition: Transition) -> None:
        checked.hold(Transition, transition, "transition")
        raise Discard("the marketplace is closed")

    @workflow.on_transition(target="paid")
    def rejoice(transition: Transition) -> None:
        checked.hold(Transition, transition, "transition")

    @workflow.on_dead_letter
    def alert(told: DeadLetter) -> None:
        checked.hold(DeadLetter, told, "told")


def be_told_events(workflow: Workflow, checked: Checked) -> None:
    """Take what is applied, known, refused and waits, in whole and in part; and one twice."""
    outcomes = [
        pay(workflow, "c2", amount="3.00"),
        sync(workflow, "s1", event_id="s"),
        sync(workflow, "s1", event_id="s"),
        sync(workflow, "s1", event_id="t"),
        detect(
            workflow,
            {"claim_id": "c1", "claim_type": "lost"},
            *("c2", "c4", {"claim_id": "c3", "amount": "x"}, {"amount": "1.00"}),
        ),
        match(workflow, "c1", confidence=0.9),
    ]
    workflow.run_effects()
    outcomes += [
        workflow.fire("claim_rejected", user_id="u1", claim_id="c4", event_id="early"),
        pay(workflow, None, amount="1.00", event_id="whose"),
        pay(workflow, "c9", amount="2.00", event_id="nobodys"),
        submit(workflow, "c1", amazon_case_id="case-1"),
        pay(workflow, "c1", amount="2.00", amazon_case_id="case-1"),
        detect(workflow, {"claim_id": "c1", "claim_type": "damaged", "confidence": 0.5, "amount": "5"}),
        detect(workflow, {"claim_id": "c1", "amount": "6"}),
        pay(workflow, "c1", amount="1.00", reimbursement_id="r", event_id="first"),
        pay(workflow, "c1", amount="2.00", reimbursement_id="r", event_id="conflicts"),
    ]
    for one in outcomes:
        checked.hold(results.EventAnswer, one.as_dict(), "answer")
    with pytest.raises(NotAllowed) as refused:
        workflow.fire("claim_rejected", user_id="u1", claim_id="c1", event_id="late")
    checked.hold(tuple[results.Candidate, ...], refused.value.candidates, "candidates")
    matches = [{"claim_id": "c1"}, {"claim_id": "c2", "confidence": "2"}]
    several = workflow.fire("evidence_matching_complete", user_id="u1", matches=matches)
    checked.hold(results.EventAnswer, several.as_dict(), "answer")
    workflow.link(user_id="u1", claim_id="c1", alias="a")
    workflow.link(user_id="u1", claim_id="c1", alias="b")
    workflow.unlink(user_id="u1", alias="b")


def look(workflow: Workflow) -> None:
    """Ask all that can be asked."""
    for claim_id in (None, "c1", "c9"):
        workflow.status("u1", claim_id=claim_id)
        workflow.history("u1", claim_id)
        workflow.explain("u1", claim_id, "claim_rejected")
        workflow.allowed("u1", claim_id)
        workflow.claim("u1", str(claim_id))
    for ask in (workflow.claims, workflow.users, workflow.money, workflow.effects):
        ask(limit=100)
    workflow.event("u1", "s")
    workflow.event("u1", "whose")
    workflow.status("nobody")
    workflow.owed()
    workflow.run_effects()
    workflow.dead_letters(limit=2)
    workflow.handlers()
    workflow.check()
    workflow.figures()


def repair(workflow: Workflow, clock: ManualClock) -> None:
    """Let waits end; retry and drop what is dead, and forget the user."""
    clock.advance(days=8)
    workflow.tick()
    for letter in workflow.dead_letters():
        if letter.event_id == "nobodys":
            workflow.drop_dead_letter(letter.id, reason="nobody's")
            workflow.dead_letters(dropped=True)
            workflow.restore_dead_letter(letter.id)
        elif letter.event_id == "whose":
            workflow.retry_dead_letter(letter.id, claim_id="c4")
        elif letter.handler == "submit":
            workflow.retry_dead_letter(letter.id)
    workflow.retry_dead_letters(handler="submit")
    workflow.run_effects()
    workflow.acts("u1")
    workflow.after({"u1": 0}, limit=9)
    workflow.drop_handler("alert")
    workflow.drop_dead_letters(dry_run=True)
    workflow.forget("u1", reason="they asked for it")
    workflow.forgotten()
