"""Who can tell a story: the model, the library, and the service by the contract's routes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import quote

from flask.testing import FlaskClient

from tests.machine.layers import PREFIX, ROUTES
from tests.machine.model.shown import shown
from tests.machine.model.user import ModelUser
from workflow_fsm import Outcome, Workflow, WorkflowError
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.values import strict_json
from workflow_fsm.testing import ManualClock

Fields = dict[str, Any]
HEADERS = ("webhook-id", "Idempotency-Key")
MADE = "made"
"""What a story calls the one dead letter whose id was made for it: an event that came under another's id."""


class Teller(Protocol):
    """Does a step for one user and gives the status of its answer; shows what stands then."""

    def tell(self, what: str, fields: Fields) -> str: ...

    def shows(self) -> Fields: ...


class ModelTeller:
    """Tells a story to the model."""

    def __init__(self, user: ModelUser | None = None) -> None:
        self.user = user or ModelUser()
        self.now = ManualClock().now

    def tell(self, what: str, fields: Fields) -> str:
        fields = dict(fields)
        if what in ROUTES:
            return self.user.fire(what, fields, self.now, headers=fields.pop("headers", ()))
        if what == "wait":
            self.now += timedelta(**fields)
            self.user.pass_time(self.now)
            return ""
        if what == "link":
            return self.user.link(fields["claim_id"], fields["alias"], self.now)
        if what == "unlink":
            case = fields.get("amazon_case_id", "")
            names = {"alias": fields.get("alias"), "claim_id": fields.get("claim_id", ""), "case": case}
            return self.user.unlink(self.now, **names)
        event_id, _ = fields.pop("event"), fields.pop("letter", None)
        mine = [event for event in self.user.events if any(is_meant(one, event_id) for one in event["ids"])]
        (event,) = [event for event in mine if event_id != MADE or event["answer"] == "reused"]
        if what == "retry":
            return self.user.retry(event, self.now, **fields)
        (self.user.drop if what == "drop" else self.user.restore)(event, self.now)
        return ""

    def shows(self) -> Fields:
        return shown(self.user)


class Shown(ABC):
    """Shows what stands of one user, from the answers of a workflow or a service."""

    def __init__(self, user: str) -> None:
        self.user_id = user

    @abstractmethod
    def status(self) -> Fields | None:
        """Give the user's status, None where nobody knows them."""

    @abstractmethod
    def history(self, **of: str) -> list[Fields]:
        """Give rows of the user's history."""

    @abstractmethod
    def letters(self, *, dropped: bool = False) -> list[Fields]:
        """Give the dead letters that are events."""

    def shows(self, *, ways: bool = True) -> Fields:
        """Give all that is shown, of each claim the way that its history tells, too."""
        status = self.status() or {"claims": [], "deferred": [], "counts": {}, "recovered": {}}
        kept: Fields = {"state": None, "counts": {}, "recovered": {}, "unapplied": {}}
        return {
            **{name: status.get(name, missing) for name, missing in kept.items()},
            "claims": {
                row["claim_id"] or f"plain {row['sync_id']}": {
                    **self._claim(row),
                    **({"way": self._way(row)} if ways else {}),
                }
                for row in status["claims"]
            },
            "deferred": {row["event_id"]: row.get("conflicts_with") for row in status["deferred"]},
            "dead_letters": {row["event_id"]: row.get("conflicts_with") for row in self.letters()},
        }

    def letter_of(self, event_id: str, *, dropped: bool) -> str:
        """Give the id of the dead letter that an event is."""
        return next(
            str(letter["id"])
            for letter in self.letters(dropped=dropped)
            if is_meant(letter["event_id"], event_id)
        )

    def _claim(self, row: Fields) -> Fields:
        kept = ("state", "version", "paid", "units", "amazon_case_id", "merged_into")
        return {
            **{name: row.get(name) for name in kept},
            "aliases": sorted(row["aliases"]),
            "cases": {case["amazon_case_id"]: case["state"] for case in row["cases"]},
        }

    def _way(self, row: Fields) -> str:
        of = "claim_id" if row["claim_id"] else "sync_id"
        mine = [past for past in self.history(**{of: row[of]}) if past["claim_id"] == row["claim_id"]]
        return " ".join(past["to"] for past in mine)


class LibraryTeller(Shown):
    """Tells a story to a workflow."""

    def __init__(self, workflow: Workflow, clock: ManualClock, user: str) -> None:
        super().__init__(user)
        self._workflow = workflow
        self._clock = clock

    def tell(self, what: str, fields: Fields) -> str:
        fields = dict(fields)
        try:
            if what in ROUTES:
                return self.tell_many([(self.user_id, what, fields)])[0]
            if what == "wait":
                self._clock.advance(**fields)
                while self._workflow.tick():
                    pass
                return ""
            if what in ("link", "unlink"):
                act: Callable[..., Any] = getattr(self._workflow, what)
                return str(act(user_id=self.user_id, **fields)["status"])
            event_id, letter = fields.pop("event", ""), fields.pop("letter", None)
            letter = letter or self.letter_of(event_id, dropped=what == "restore")
            acts: dict[str, Callable[..., Any]] = {
                "retry": self._workflow.retry_dead_letter,
                "drop": self._workflow.drop_dead_letter,
                "restore": self._workflow.restore_dead_letter,
            }
            return str(acts[what](letter, **{"reason": "a person", **fields})["status"])
        except WorkflowError as error:
            return status_named(error.code)

    def tell_many(self, some: Sequence[tuple[str, str, Fields]], header: str | None = None) -> list[str]:
        """Send events of several users in one commit; one without an id takes the header's, and its place."""
        read: list[Event | WorkflowError] = []
        for place, (user, trigger, fields) in enumerate(some):
            body: Any = strict_json.normal({"user_id": user, **fields})
            headers = body.pop("headers", [])
            if header is not None and "event_id" not in body:
                headers = [f"{header}#{place}"]
            ids = list(zip(HEADERS, headers, strict=False))
            try:
                read.append(self._workflow.read(trigger, body, ids=ids))
            except WorkflowError as error:
                read.append(error)
        results = self._workflow.submit(read, actor="test")
        return [one.status if isinstance(one, Outcome) else status_named(one.code) for one in results]

    def status(self) -> Fields | None:
        return self._workflow.status(self.user_id, limit=1000)

    def history(self, **of: Any) -> list[Fields]:
        return list(self._workflow.history(self.user_id, **of, limit=1000) or ())

    def letters(self, *, dropped: bool = False) -> list[Fields]:
        found = self._workflow.dead_letters(kind="event", user_id=self.user_id, dropped=dropped, limit=1000)
        return list(found)


class ServiceTeller(Shown):
    """Tells a story to the service."""

    def __init__(self, client: FlaskClient, workflow: Workflow, clock: ManualClock, user: str) -> None:
        super().__init__(user)
        self._client = client
        self._workflow = workflow
        self._clock = clock
        self._path = quote(user, safe="")

    def tell(self, what: str, fields: Fields) -> str:
        fields = dict(fields)
        if what in ROUTES:
            headers = dict(zip(HEADERS, fields.pop("headers", ()), strict=False))
            return self._post(ROUTES[what], {"user_id": self.user_id, **fields}, headers)
        if what == "wait":
            self._clock.advance(**fields)
            while self._workflow.tick():
                pass
            return ""
        if what in ("link", "unlink"):
            return self._post(f"claims/{what}", {"user_id": self.user_id, **fields})
        letter = self.letter_of(fields.pop("event"), dropped=what == "restore")
        return self._post(f"deadletters/{quote(letter, safe='')}/{what}", {"reason": "a person", **fields})

    def status(self) -> Fields | None:
        answer = self._client.get(f"{PREFIX}/status/{self._path}?limit=1000")
        assert answer.status_code in (200, 404)
        return answer.get_json() if answer.status_code == 200 else None

    def history(self, **of: str) -> list[Fields]:
        return self._get(f"history/{self._path}", "history", **of)

    def letters(self, *, dropped: bool = False) -> list[Fields]:
        only = {"dropped": "1"} if dropped else {}
        return self._get("deadletters", "deadletters", kind="event", user_id=self.user_id, **only)

    def _post(self, route: str, body: Fields, headers: Fields | None = None) -> str:
        answer = self._client.post(f"{PREFIX}/{route}", json=body, headers=headers)
        told = answer.get_json(force=True)
        if answer.status_code < 300:
            return str(told["status"])
        return status_named(str(told["type"]).rpartition("/")[2])

    def _get(self, route: str, name: str, **query: str) -> list[Fields]:
        answer = self._client.get(f"{PREFIX}/{route}", query_string={**query, "limit": 1000})
        found: list[Fields] = answer.get_json()[name]
        return found


def comparable(shown: Fields) -> Fields:
    """Give what is shown, without the ids that were made for events, which nobody has to know."""

    def known(event_id: str | None) -> str:
        return "made" if event_id is not None and is_made(event_id) else str(event_id)

    pairs = {
        name: sorted((known(event_id), known(other)) for event_id, other in shown[name].items())
        for name in ("deferred", "dead_letters")
    }
    return shown | pairs


def is_made(event_id: str) -> bool:
    """Tell whether an event's id was made for it, by the model or by the store."""
    return event_id.startswith((MADE, "evt_"))


def is_meant(event_id: str, told: str) -> bool:
    """Tell whether a story means an event by what it tells: its id, or that it was made for it."""
    return event_id == told or (told == MADE and is_made(event_id))


def status_named(code: str) -> str:
    """Give the status that an error's code stands for, else the code."""
    named = {"not-allowed": "refused", "event-id-reused": "reused", "invalid-event": "invalid"}
    return named.get(code, code)
