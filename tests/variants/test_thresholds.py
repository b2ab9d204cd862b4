"""A variant's thresholds are the settings', as the stock lifecycle's are."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.stories.acts import claim, find, match
from tests.variants.reviewed import reviewed
from workflow_fsm import Settings, Workflow
from workflow_fsm.definition import Definition, claim_lifecycle, stay

STRICT = Settings(auto_submit=Decimal("0.95"), prompt=Decimal("0.9"))


def decided(definition: Definition | None, confidence: str, settings: Settings = STRICT) -> str | None:
    with Workflow.open("sqlite:///:memory:", definition=definition, settings=settings) as workflow:
        find(workflow, "c1")
        match(workflow, "c1", confidence)
        return claim(workflow).decision


@pytest.mark.parametrize("definition", [None, reviewed(), reviewed().variant(name="again")])
def test_a_variant_is_decided_by_the_settings_as_the_stock_lifecycle_is(
    definition: Definition | None,
) -> None:
    confidences = ("0.95", "0.94", "0.9", "0.89")
    decisions = [decided(definition, confidence) for confidence in confidences]
    assert decisions == ["auto_submit", "ask_user", "ask_user", "review"]


def test_settings_that_say_nothing_decide_a_variant_by_the_defaults() -> None:
    assert [decided(reviewed(), one, Settings()) for one in ("0.85", "0.5", "0.49")] == [
        "auto_submit",
        "ask_user",
        "review",
    ]


def test_a_threshold_that_a_definition_was_given_is_its_own() -> None:
    """One that it wasn't given is the settings'."""
    given = claim_lifecycle(auto_submit=Decimal("0.99")).variant(
        name="noted", cells={"submitted": {"evidence_matching_complete": stay()}}
    )
    assert [decided(given, one) for one in ("0.99", "0.98", "0.89")] == ["auto_submit", "ask_user", "review"]


def test_one_variant_serves_stores_of_several_settings() -> None:
    variant = reviewed()
    assert decided(variant, "0.9") == "ask_user"
    assert decided(variant, "0.9", Settings()) == "auto_submit"
