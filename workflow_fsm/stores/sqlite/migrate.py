"""The schema of a SQLite store as numbered migrations, applied when a store is opened.

A migration that was released is never changed; a new one is added behind it.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("workflow_fsm")


@migrations(name="0001_lifecycles_events_history")
def _lifecycles_events_history(db: Database) -> None:
    """Make the tables. Instants are ISO 8601 text in UTC, money is text of whole minor units or JSON."""
    _create(db, "users", {"user_id": str, "cursor": int, "updated_at": str, "recovered": str}, ("user_id",))
    lifecycles = {
        "user_id": str,
        "id": int,
        "claim_id": str,
        "sync_id": str,
        "state": str,
        "version": int,
        "entered_at": str,
        "cursor": int,
        "head": str,
        "origin": str,
        "parent": int,
        "forked": int,
        "case_id": str,
        "due_at": str,
        "facts": str,
        "paid": str,
    }
    _create(
        db, "lifecycles", lifecycles, ("user_id", "id"), nullable=("claim_id", "parent", "case_id", "due_at")
    )
    history = {
        "user_id": str,
        "cursor": int,
        "lifecycle": int,
        "claim_id": str,
        "sync_id": str,
        "version": int,
        "trigger": str,
        "from_state": str,
        "to_state": str,
        "event_id": str,
        "at": str,
        "occurred_at": str,
        "actor": str,
        "reason": str,
        "hash": str,
    }
    _create(
        db,
        "history",
        history,
        ("user_id", "cursor"),
        nullable=("claim_id", "from_state", "event_id", "occurred_at", "reason"),
    )
    events = {
        "user_id": str,
        "seq": int,
        "event_id": str,
        "trigger": str,
        "standing": str,
        "received_at": str,
        "occurred_at": str,
        "expires_at": str,
        "settled": int,
        "fingerprint": str,
        "body": str,
        "shares": str,
        "answer": str,
        "actor": str,
        "reimbursement_id": str,
        "currency": str,
        "minor": str,
        "letter": str,
        "letter_at": str,
    }
    _create(
        db,
        "events",
        events,
        ("user_id", "seq"),
        nullable=(
            "occurred_at",
            "expires_at",
            "reimbursement_id",
            "currency",
            "minor",
            "letter",
            "letter_at",
        ),
    )
    _create(db, "waits", {"user_id": str, "name": str, "seq": int}, ("user_id", "name", "seq"))
    _create(db, "aliases", {"user_id": str, "alias": str, "claim_id": str}, ("user_id", "alias"))
    for statement in _INDEXES:
        db.execute(statement)


@migrations(name="0002_effects_and_handlers")
def _effects_and_handlers(db: Database) -> None:
    """Make the outbox: effects, and the handlers whose names and patterns every process owes."""
    effects = {
        "user_id": str,
        "seq": int,
        "lifecycle": int,
        "cursor": int,
        "handler": str,
        "on_enter": int,
        "standing": str,
        "owed_at": str,
        "due_at": str,
        "ready_at": str,
        "attempt": int,
        "forgiven": int,
        "key": str,
        "error": str,
        "about": str,
    }
    _create(db, "effects", effects, ("user_id", "seq"), nullable=("error", "about"))
    _create(db, "handlers", {"name": str, "pattern": str, "registered_at": str}, ("name",))
    db.execute(
        "CREATE INDEX effects_ready ON effects (handler, ready_at, user_id, seq)"
        " WHERE standing IN ('owed', 'taken')"
    )
    db.execute(
        "CREATE INDEX effects_unfinished ON effects (user_id, lifecycle, seq)"
        " WHERE standing IN ('owed', 'taken')"
    )
    db.execute("CREATE INDEX effects_dead ON effects (ready_at, user_id, seq) WHERE standing = 'dead'")


@migrations(name="0003_figures")
def _figures(db: Database) -> None:
    """Make what counting everything reads: indexes that hold all that is counted, and little else."""
    db.execute('CREATE INDEX events_figures ON events ("trigger", standing)')
    db.execute("CREATE INDEX events_waiting ON events (received_at) WHERE standing = 'waiting'")
    db.execute("CREATE INDEX effects_figures ON effects (handler, standing)")
    db.execute("CREATE INDEX lifecycles_figures ON lifecycles (state, forked) WHERE NOT forked")


def _create(
    db: Database,
    name: str,
    columns: dict[str, type],
    pk: tuple[str, ...],
    nullable: tuple[str, ...] = (),
) -> None:
    db.table(name).create(
        columns, pk=pk, not_null=[column for column in columns if column not in nullable], strict=True
    )


_INDEXES = (
    "CREATE UNIQUE INDEX lifecycles_claim ON lifecycles (user_id, claim_id) WHERE claim_id IS NOT NULL",
    "CREATE UNIQUE INDEX lifecycles_sync ON lifecycles (user_id, sync_id) WHERE claim_id IS NULL",
    "CREATE INDEX lifecycles_of_sync ON lifecycles (user_id, sync_id, id)",
    "CREATE INDEX lifecycles_syncs ON lifecycles (user_id, id) WHERE claim_id IS NULL",
    "CREATE INDEX lifecycles_state ON lifecycles (user_id, state, id)",
    "CREATE INDEX lifecycles_case ON lifecycles (user_id, case_id) WHERE case_id IS NOT NULL",
    "CREATE INDEX lifecycles_due ON lifecycles (due_at) WHERE due_at IS NOT NULL",
    "CREATE UNIQUE INDEX history_version ON history (user_id, lifecycle, version)",
    "CREATE UNIQUE INDEX events_id ON events (user_id, event_id)",
    "CREATE INDEX events_content ON events (user_id, fingerprint, seq)",
    "CREATE INDEX events_reimbursement ON events (user_id, reimbursement_id)"
    " WHERE reimbursement_id IS NOT NULL",
    "CREATE INDEX events_expiring ON events (expires_at) WHERE standing = 'waiting'",
    "CREATE INDEX events_letters ON events (letter_at, user_id, seq) WHERE letter IS NOT NULL",
    "CREATE INDEX waits_event ON waits (user_id, seq)",
    "CREATE INDEX aliases_claim ON aliases (user_id, claim_id)",
)
