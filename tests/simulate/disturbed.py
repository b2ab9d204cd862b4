"""Days as they come over a bad line: messages twice, late, in another order or never, the same for a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random

from workflow_fsm.simulate.days import START, Message, Simulation

LOST, AGAIN, LATE, SHUFFLED = 0.04, 0.1, 0.08, 0.3
"""Shares: of messages that never come, come twice, come up to days late, or some hours around their time."""


def disturbed(seed: int, *, users: int = 4, days: int = 3, claims: int = 6) -> list[Message]:
    """Give the messages of some days in the order in which they come."""
    chance = Random(seed)
    told = Simulation(seed=seed, start=START, users=users, days=days, claims=claims).messages()
    return sorted((one for message in told for one in _come(message, chance)), key=lambda one: one.at)


def _come(message: Message, chance: Random) -> Iterator[Message]:
    if chance.random() < LOST:
        return
    at = max(message.at, START)
    if chance.random() < LATE:
        at += timedelta(hours=chance.uniform(1, 60))
    elif chance.random() < SHUFFLED:
        at += timedelta(hours=chance.uniform(0, 6))
    yield replace(message, at=at)
    if chance.random() < AGAIN:
        yield replace(message, at=at + timedelta(hours=chance.expovariate(1 / 5)))
