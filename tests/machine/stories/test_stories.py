"""The contract's sentences as stories, told to the model and to the service, which must end alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.machine.stories import acts, cases, names, reimbursements, table
from tests.machine.stories.tellers import LibraryTeller, ModelTeller, ServiceTeller, Teller, comparable
from tests.machine.stories.telling import Story, part_of
from webapp import create_app
from workflow_fsm import Settings, Workflow
from workflow_fsm.testing import CountedIds, ManualClock

STORIES = (*table.STORIES, *cases.STORIES, *names.STORIES, *reimbursements.STORIES, *acts.STORIES)


@pytest.mark.parametrize("told", STORIES, ids=str)
def test_the_model_ends_a_story_as_the_contract_says(told: Story) -> None:
    model = ModelTeller()
    for what, fields, answer in told.steps:
        answered = model.tell(what, fields)
        assert answer in (None, answered), (what, fields)
    assert part_of(model.shows(), told.shows) == told.shows


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="module")
def opened(clock: ManualClock) -> Iterator[Workflow]:
    settings = Settings.from_environment({})
    with Workflow.open("sqlite:///:memory:", settings=settings, clock=clock, ids=CountedIds()) as workflow:
        yield workflow


@pytest.fixture(params=["library", "service"])
def teller(request: pytest.FixtureRequest, opened: Workflow, clock: ManualClock) -> Iterator[Teller]:
    began, user = clock.now, request.node.name
    if request.param == "library":
        yield LibraryTeller(opened, clock, user)
    else:
        yield ServiceTeller(create_app(opened).test_client(), opened, clock, user)
    clock.now = began


@pytest.mark.parametrize("told", STORIES, ids=str)
def test_a_story_ends_as_the_contract_says(teller: Teller, told: Story) -> None:
    model = ModelTeller()
    for what, fields, answer in told.steps:
        answered = teller.tell(what, fields)
        assert answer in (None, answered), (what, fields)
        model.tell(what, fields)
    assert part_of(teller.shows(), told.shows) == told.shows
    assert comparable(teller.shows()) == comparable(model.shows())
