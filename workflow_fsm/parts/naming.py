"""Naming: aliases linked to a claim, claims merged by them, aliases and cases taken away."""

from __future__ import annotations

from functools import partial

from workflow_fsm.core.decision.names import link, unlink_alias, unlink_case
from workflow_fsm.core.errors import FieldError, InvalidEvent
from workflow_fsm.core.records import LinkedAlias, UnlinkedName
from workflow_fsm.core.values.fields import Kind, read_value
from workflow_fsm.parts.store_handle import StoreHandle


class Naming(StoreHandle):
    """Which names are whose; a part of `Workflow`."""

    def link(self, *, user_id: str, claim_id: str, alias: str) -> LinkedAlias:
        """Let `alias` name a claim in later events, and in those that wait.

        Kept for a claim that isn't detected yet, too. An alias that is a detected claim's own id merges that
        claim into this one. Gives `{"status": "linked"}`, again the same. Raises InvalidEvent, AliasTaken
        where the alias is another claim's, or MergeRefused where a claim has a filing or money of its own.
        """
        _check_ids(user_id=user_id, claim_id=claim_id, alias=alias)
        now = self._clock()
        change = partial(link, self.definition, claim_id=claim_id, alias=alias, now=now)
        self._store.commit_for(user_id, lambda unit: unit.change(user_id, now, change))
        return LinkedAlias(status="linked")

    def unlink(
        self,
        *,
        user_id: str,
        alias: str | None = None,
        claim_id: str | None = None,
        amazon_case_id: str | None = None,
        actor: str = "library",
    ) -> UnlinkedName:
        """Take an alias away, or a case (`claim_id` and `amazon_case_id`) that was never the claim's.

        Gives `{"status": "unlinked"}`. Raises InvalidEvent, NameUnknown where it is nobody's, or
        UnlinkRefused for a merged claim's own name and for a case under which money was booked.
        """
        now = self._clock()
        names_case = claim_id is not None or amazon_case_id is not None
        if alias is not None and names_case:
            reason = "can't come with a claim_id or an amazon_case_id: take away an alias, or a claim's case"
            raise InvalidEvent([FieldError(field="alias", reason=reason)])
        if alias is not None:
            _check_ids(user_id=user_id, alias=alias)
            change = partial(unlink_alias, self.definition, alias=alias, now=now)
        elif names_case:
            _check_ids(user_id=user_id, claim_id=claim_id, amazon_case_id=amazon_case_id)
            claim, case_id = str(claim_id), str(amazon_case_id)
            change = partial(
                unlink_case, self.definition, claim_id=claim, case_id=case_id, actor=actor, now=now
            )
        else:
            _check_ids(user_id=user_id)
            reason = "is required, or else claim_id and amazon_case_id"
            raise InvalidEvent([FieldError(field="alias", reason=reason)])
        self._store.commit_for(user_id, lambda unit: unit.change(user_id, now, change))
        return UnlinkedName(status="unlinked")


def _check_ids(**given: str | None) -> None:
    """Raise InvalidEvent where any of these is no id."""
    errors = []
    for name, value in given.items():
        try:
            read_value(Kind.ID, value)
        except ValueError as error:
            errors.append(FieldError(field=name, reason="is required" if value is None else str(error)))
    if errors:
        raise InvalidEvent(errors)
