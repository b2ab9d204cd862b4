"""Claims that are asked for: what a claim must be to be one of them, and its place among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.read.across.paging import Place
from workflow_fsm.read.status import NamesShown, is_overdue
from workflow_fsm.stores.session import Session

SORTS = ("deadline", "amount", "entered_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsAsked:
    """Which claims are asked for, and in which order; None takes any.

    `q` is how an id or an alias begins; `due_before` wants a deadline before that instant.
    """

    state: str | None = None
    decision: str | None = None
    currency: str | None = None
    amazon_case_id: str | None = None
    reimbursement_id: str | None = None
    q: str | None = None
    due_before: str | datetime | None = None
    overdue: bool | None = None
    waiting: bool | None = None
    sort: str = "entered_at"

    @property
    def by(self) -> str:
        """By what they are sorted."""
        return self.sort.removeprefix("-")

    @property
    def down(self) -> bool:
        """Whether the greatest comes first; what isn't told comes last both ways."""
        return self.sort.startswith("-")


@dataclass(frozen=True, slots=True)
class Order:
    """The order that is asked for, of claims that were looked up: as the indexes have it."""

    asked: ClaimsAsked

    def place(self, user_id: str, one: Lifecycle) -> Place:
        """Give a claim's place in it."""
        match self.asked.by:
            case "deadline":
                told = str(one.facts.get("deadline_date") or "")
            case "amount":
                amount = one.facts.get("amount")
                told = "" if amount is None else amount.partition(".")[0].zfill(15) + _fraction(amount)
            case _:
                told = show_instant(one.entered_at)
        return told, user_id, one.id

    def key(self, place: Place) -> tuple[bool, Place]:
        """Give what places are compared by: what isn't told comes last both ways."""
        return (place[0] != "" if self.asked.down else place[0] == ""), place

    def behind(self, place: Place | None, found: Iterable[tuple[str, Lifecycle]]) -> Iterator[Place]:
        """Sort, and give what is behind a place."""
        places = sorted((self.place(*one) for one in found), key=self.key, reverse=self.asked.down)
        return (one for one in places if place is None or self._is_behind(one, place))

    def _is_behind(self, one: Place, place: Place) -> bool:
        return self.key(one) < self.key(place) if self.asked.down else self.key(one) > self.key(place)


def _fraction(amount: str) -> str:
    _, point, rest = amount.partition(".")
    return point + rest


@dataclass(frozen=True, slots=True)
class Fits:
    """Tells whether a claim is one that is asked for."""

    session: Session
    definition: Definition
    asked: ClaimsAsked
    now: datetime
    due_before: str | None

    def early(self, found: tuple[str, Lifecycle]) -> bool:
        """Tell by the claim's own row."""
        _, one = found
        asked, facts = self.asked, one.facts
        currency = facts.get("currency") or ("" if one.claim_id is None else DEFAULT_CURRENCY)
        return (
            not one.forked
            and asked.state in (None, one.state)
            and asked.decision in (None, facts.get("decision"))
            and (asked.currency is None or asked.currency.upper() == currency)
            and (self.due_before is None or "" < str(facts.get("deadline_date") or "") < self.due_before)
            and (asked.overdue is None or is_overdue(self.definition, one, self.now) is asked.overdue)
        )

    def whole(self, user_id: str, one: Lifecycle, names: NamesShown) -> bool:
        """Tell by all that is known of it."""
        asked = self.asked
        return self.early((user_id, one)) and (
            (asked.q is None or _begins(asked.q, one, names))
            and (
                asked.amazon_case_id is None
                or any(case.case_id == asked.amazon_case_id for case in names.cases.get(one.owner, ()))
            )
        )

    def waits(self, places: Sequence[Place]) -> Sequence[Place]:
        """Give those for which an event waits, or none does, as is asked; reading any would take longer."""
        if self.asked.waiting is None:
            return places
        asks = {one: {"user_id": one[1], "id": one[2]} for one in places}
        self.session.prefetch(("is_waited_for", ask) for ask in asks.values())
        return [
            one
            for one, ask in asks.items()
            if (self.session.row("is_waited_for", **ask) is not None) is self.asked.waiting
        ]


def _begins(q: str, one: Lifecycle, names: NamesShown) -> bool:
    return any(name.startswith(q) for name in _called(one, names))


def _called(one: Lifecycle, names: NamesShown) -> Sequence[str]:
    """Give the names of a claim; a plain lifecycle has none."""
    return () if one.claim_id is None else (one.claim_id, *names.aliases.get(one.claim_id, ()))
