"""Every error the library raises, one tree. Knows no HTTP: the edges turn a `code` into a status.

WorkflowError
├── InvalidEvent          the event is not well formed: every wrong field at once
├── EventTooLarge         the event has too long a list, or is for too many claims at once
├── NotAllowed            the lifecycle's state refuses the trigger
├── EventIdReused         the id belongs to an event with other content
├── AliasTaken            the alias names another claim already
├── MergeRefused          the claim can't be merged into another
├── UnlinkRefused         the name can't be taken away
├── NameUnknown           there is no such name to take away
├── StoreUnavailable      the store can't be reached or written now; try again
├── WorkflowClosed        the workflow was closed, and no retry mends that
├── EffectsEndless        as many effects were done as may be at once, and more are due
├── StoreRefused          the store is not one this version can work on
│   └── RowUnreadable     a row in it can't be read: it was damaged
├── WorkerStuck           so many of a worker's threads died or hang that only a restart helps
├── DefinitionInvalid     a lifecycle's table is wrong
├── HandlerInvalid        a handler's name, or what it is registered for, can't be taken
├── DeadLetterUnknown     there is no such dead letter (any more)
├── RootUnknown           no check that printed this root is known
└── SettingsInvalid       a setting's value is wrong, in the environment or from Python
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from workflow_fsm.core.records import Candidate, FieldErrorRecord, RefusedPart


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One wrong field: `field` is its path (`claims[0].amount`), `reason` a sentence."""

    field: str
    reason: str

    def as_dict(self) -> FieldErrorRecord:
        """Give the JSON object that answers show."""
        return FieldErrorRecord(field=self.field, reason=self.reason)


class WorkflowError(Exception):
    """Something the workflow will not do; `code` is stable for machines, the text is for people."""

    code: ClassVar[str] = "workflow-error"

    def __reduce__(self) -> tuple[Any, ...]:
        """Be copied and pickled by text and facts: what an error is made of need not be its `args`."""
        return self._made_again, self.args, self.__dict__

    @classmethod
    def _made_again(cls, *args: object) -> Self:
        error = cls.__new__(cls)
        error.args = args
        return error


class InvalidEvent(WorkflowError):
    """The event is not well formed: nothing was kept. `errors` names every wrong field."""

    code = "invalid-event"

    def __init__(self, errors: Sequence[FieldError], *, trigger: str | None = None) -> None:
        self.errors = tuple(errors)
        self.trigger = trigger
        super().__init__("; ".join(f"{e.field}: {e.reason}" if e.field else e.reason for e in self.errors))


class EventTooLarge(WorkflowError):
    """The event has too long a list, or is for too many claims at once: nothing was kept. Send it in parts.

    `field` is the list (None where the event has none), `found` how many it holds, `most` how many may be.
    """

    code = "event-too-large"

    def __init__(self, reason: str, *, most: int, found: int | None = None, field: str | None = None) -> None:
        self.field = field
        self.found = found
        self.most = most
        super().__init__(reason)


class NotAllowed(WorkflowError):
    """The lifecycle's state does not take this trigger; send one of `allowed`.

    `candidates` lists the lifecycles that the event could have been for, where it named none
    and several qualify. `refused` holds an entry for each claim of a list.
    """

    code = "not-allowed"

    def __init__(
        self,
        reason: str,
        *,
        event_id: str,
        user_id: str,
        trigger: str,
        state: str | None = None,
        allowed: Sequence[str] = (),
        candidates: Sequence[Candidate] = (),
        refused: Sequence[RefusedPart] = (),
        hint: str | None = None,
    ) -> None:
        self.event_id = event_id
        self.user_id = user_id
        self.trigger = trigger
        self.state = state
        self.allowed = tuple(allowed)
        self.candidates = tuple(candidates)
        self.refused = tuple(refused)
        self.hint = hint
        super().__init__(reason)


class EventIdReused(WorkflowError):
    """The id belongs to an event with other content; send the changed event under an id of its own."""

    code = "event-id-reused"

    def __init__(self, reason: str, *, event_id: str, user_id: str, trigger: str) -> None:
        self.event_id = event_id
        self.user_id = user_id
        self.trigger = trigger
        super().__init__(reason)


class AliasTaken(WorkflowError):
    """The alias names another claim of this user; link an alias that is free."""

    code = "alias-taken"

    def __init__(self, *, user_id: str, claim_id: str, alias: str, owner: str) -> None:
        self.user_id = user_id
        self.claim_id = claim_id
        self.alias = alias
        self.owner = owner
        super().__init__(
            f"alias {alias!r} can't name claim {claim_id!r}: it already names claim {owner!r}; "
            "send later events under another alias"
        )


class MergeRefused(WorkflowError):
    """The alias is a detected claim's id, and that claim can't be merged: it has a filing or money."""

    code = "merge-refused"

    def __init__(self, *, user_id: str, claim_id: str, alias: str, reason: str) -> None:
        self.user_id = user_id
        self.claim_id = claim_id
        self.alias = alias
        super().__init__(
            f"claim {alias!r} can't be merged into claim {claim_id!r}: {reason}; correct the events that "
            "name it instead"
        )


class UnlinkRefused(WorkflowError):
    """The name can't be taken away: it is a merged claim's own, or money was booked under the case.

    `named` is what was named: an `alias`, or `claim_id` and `amazon_case_id`.
    """

    code = "unlink-refused"

    def __init__(self, reason: str, *, user_id: str, **named: str) -> None:
        self.user_id = user_id
        self.named = named
        super().__init__(reason)


class NameUnknown(WorkflowError):
    """There is no such alias, or the claim has no such case.

    `named` is what was named: an `alias`, or `claim_id` and `amazon_case_id`.
    """

    code = "name-unknown"

    def __init__(self, reason: str, *, user_id: str, **named: str) -> None:
        self.user_id = user_id
        self.named = named
        super().__init__(reason)


class StoreUnavailable(WorkflowError):
    """The store can't be reached or written just now; nothing of this call was kept. Try again.

    The text says so where that is not known: a commit that nobody answered. Trying again, by the same id, is
    right then, too. `retry_after` is in seconds.
    """

    code = "store-unavailable"

    def __init__(self, reason: str, *, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class WorkflowClosed(WorkflowError):
    """The workflow was closed: it takes nothing any more, and no retry mends that. Open another."""

    code = "workflow-closed"

    def __init__(self, reason: str = "the workflow is closed; open another: Workflow.open(…)") -> None:
        super().__init__(reason)


class EffectsEndless(WorkflowError):
    """As many effects were done as were to be done at most, and more are due: a handler may feed itself.

    `limit` is how many were done, `handler` whose effect is due next.
    """

    code = "effects-endless"

    def __init__(self, *, limit: int, handler: str) -> None:
        self.limit = limit
        self.handler = handler
        super().__init__(
            f"{limit} effects were done, and one of {handler!r} is due still: a handler may owe its own work "
            "again and again; see to that, or give a higher limit"
        )


class StoreRefused(WorkflowError):
    """The store is none that this version, with this definition, can work on; the text says why."""

    code = "store-refused"


class RowUnreadable(StoreRefused):
    """A row of the store can't be read: something other than this library changed it. Nothing was kept.

    `table`, `key` and `user_id` (None where it is no user's) name the row, `reason` says what is wrong with
    it. No other user's rows are concerned.
    """

    code = "row-unreadable"

    def __init__(self, reason: str, *, table: str, key: str, user_id: str | None) -> None:
        self.reason = reason
        self.table = table
        self.key = key
        self.user_id = user_id
        whose = "" if user_id is None else f" of user {user_id!r}"
        super().__init__(
            f"row {key!r} of {table}{whose} can't be read ({reason}); run `workflow-fsm check`, which names "
            "all that is damaged, and mend the row or restore a backup"
        )


class WorkerStuck(WorkflowError):
    """So many threads of this process's worker died or hang that effects wait; restart the process.

    Nothing is lost by that: what ran is taken over, and tried again.
    """

    code = "worker-stuck"


class DefinitionInvalid(WorkflowError):
    """A lifecycle's table contradicts itself; `problems` says where, a sentence each."""

    code = "definition-invalid"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("the definition is wrong: " + "; ".join(self.problems))


class HandlerInvalid(WorkflowError):
    """A handler can't be registered like this; the text says what to change."""

    code = "handler-invalid"


class DeadLetterUnknown(WorkflowError):
    """There is no dead letter of this id: it was retried or dropped already, or never was one."""

    code = "dead-letter-unknown"


class RootUnknown(WorkflowError):
    """No check that printed this root is known to the store, so that none can go on from it.

    Or one is, and is outdated: a user was forgotten since, of whom the root was made too.
    """

    code = "root-unknown"

    def __init__(self, root: str, *, is_outdated: bool = False) -> None:
        self.root = root
        self.is_outdated = is_outdated
        known = f"a user was forgotten since the check that printed {root}"
        why = known if is_outdated else f"no check that printed {root} is known to this store"
        super().__init__(f"{why}; run one of all, and go on from its root")


class SettingsInvalid(WorkflowError):
    """A setting can't be used; the text names its variable, or its field, and says what can."""

    code = "settings-invalid"
