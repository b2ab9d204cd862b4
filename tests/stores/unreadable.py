"""Two users with a row in every table, and the ways in which a row of one can be made unreadable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from workflow_fsm import DeadLetter, Discard, Fire, NotAllowed, Outcome, Settings, Transition, Workflow
from workflow_fsm.testing import ManualClock

DEADLINE = "2026-03-05T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A column of all rows that a user has in a table, set to what can't be read.

    `told` says whether the user's own calls must say so: what isn't read for them needn't be.
    """

    table: str
    column: str
    value: str | int
    told: bool = False
    where: str = "user_id = 'u1'"

    def __str__(self) -> str:
        return f"{self.table}.{self.column}={self.value}"

    @property
    def sql(self) -> str:
        """The statement that plants it."""
        value = self.value if isinstance(self.value, int) else f"'{self.value}'"
        column = f'"{self.column}"'
        return f"UPDATE {self.table} SET {column} = {value} WHERE {self.where}"  # noqa: S608  # of ours


def plants() -> Iterator[Plant]:
    def told(table: str, **columns: str | int) -> Iterator[Plant]:
        for column, value in columns.items():
            yield Plant(table=table, column=column, value=value, told=True)

    def silent(table: str, **columns: str | int) -> Iterator[Plant]:
        for column, value in columns.items():
            yield Plant(table=table, column=column, value=value)

    yield from told("users", recovered="{")
    yield from told("users", recovered='{"USD": "much"}')
    yield from silent("users", currencies="{", updated_at="yesterday")
    yield from told("lifecycles", state="gone", entered_at="then", due_at="!", facts="{", paid="{")
    yield from told("lifecycles", due_at="soon", facts="[]", paid='{"USD": "much"}')
    yield from told("lifecycles", facts='{"deadline_date": "soon"}', paid='{"USD": null}')
    yield from told("lifecycles", facts='{"amount": "much"}')
    yield from silent("history", at="then", occurred_at="then", trigger="gone", from_state="gone")
    yield from silent("history", to_state="gone")
    yield from told("events", received_at="!", expires_at="!", body="{", shares="{", answer="{", overlay="{")
    yield from told("events", received_at="then", body="[]", shares='[{"standing": "gone"}]', answer="[]")
    yield from told("events", amount="much", trigger="gone", overlay="[]")
    yield from silent("events", standing="gone", occurred_at="then", letter_at="!", letter="gone")
    yield from silent("waits", kind="gone")
    yield from silent("aliases", claim_id="")
    yield from told("cases", state="gone", at="then", paid="{")
    yield from told("cases", paid='{"USD": "much"}')
    yield from silent("event_ids", seq=99999)
    yield from silent("effects", standing="gone", owed_at="then", due_at="then", ready_at="!", about="gone")
    yield from silent("effects", about="event:99999", cursor=99999, lifecycle=99999)
    yield Plant(table="handlers", column="pattern", value="{", where="name = 'work'")
    yield Plant(table="handlers", column="registered_at", value="then", where="name = 'work'")
    yield Plant(table="currencies", column="decimals", value=-1, where="currency = 'USD'")
    yield Plant(table="currencies", column="decimals", value=99, where="currency = 'USD'")


EVERY = list(plants())
WORKED: list[tuple[str, str | None]] = []


def work(told: Transition) -> Fire | None:
    WORKED.append((told.user_id, told.claim_id))
    if told.claim_id == "dead":
        raise Discard("no such case")
    return None


def tell(told: DeadLetter) -> None:
    """Take what is told of dead letters."""


def live(workflow: Workflow, user: str, clock: ManualClock) -> None:
    def fire(trigger: str, **fields: Any) -> Outcome:
        return workflow.fire(trigger, user_id=user, **fields)

    claims: list[dict[str, Any]] = [
        {"claim_id": name, "amount": "12.50"} for name in ("paid", "dead", "work")
    ]
    claims.append({"claim_id": "late", "deadline_date": DEADLINE})
    fire("sync_complete", sync_id="s1", event_id="first")
    twice = workflow.read(
        "detection_complete",
        {"user_id": user, "sync_id": "s1", "claims": claims, "event_id": "found"},
        ids=[("webhook-id", "found-by-header")],
    )
    workflow.submit([twice], actor="test")
    workflow.link(user_id=user, claim_id="paid", alias="also-paid")
    fire("claim_submitted", claim_id="paid", amazon_case_id="k1")
    fire("payout_received", claim_id="paid", amazon_case_id="k1", amount="10.00", reimbursement_id="r1")
    fire("evidence_matching_complete", claim_id="dead", confidence=0.9)
    fire("payout_received", amazon_case_id="unknown", amount="5.00", event_id="money")
    fire("claim_submitted", claim_id="early", event_id="early")
    with pytest.raises(NotAllowed):
        fire("claim_rejected", claim_id="paid", amazon_case_id="k1", event_id="no")
    clock.advance(hours=1)


def opened(url: str, clock: ManualClock) -> Workflow:
    """Open a store as another process does, which makes ids of its own."""
    return Workflow.open(url, settings=Settings(), clock=clock, chance=lambda: 1.0)
