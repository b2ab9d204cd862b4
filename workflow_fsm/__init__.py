"""An explicit, persisted state machine for money claims: every transition is one commit."""

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.claim import claim_lifecycle
from workflow_fsm.core.definition.explain import Explanation, mermaid
from workflow_fsm.core.errors import (
    AliasTaken,
    DeadLetterUnknown,
    DefinitionInvalid,
    EffectsEndless,
    EventIdReused,
    EventTooLarge,
    FieldError,
    HandlerInvalid,
    InvalidEvent,
    MergeRefused,
    NameUnknown,
    NotAllowed,
    RootUnknown,
    RowUnreadable,
    SettingsInvalid,
    StoreRefused,
    StoreUnavailable,
    UnlinkRefused,
    WorkerStuck,
    WorkflowClosed,
    WorkflowError,
)
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.records import Page, Record
from workflow_fsm.effects.handler import DeadLetter, Discard, Fire, Request, RetryAfter, Transition
from workflow_fsm.settings import Settings
from workflow_fsm.stores.observers import FailedTry, Observer, WorkerHealth
from workflow_fsm.workflow import Workflow

__version__ = "0.1.0"

__all__ = [
    "AliasTaken",
    "DeadLetter",
    "DeadLetterUnknown",
    "Definition",
    "DefinitionInvalid",
    "Discard",
    "EffectsEndless",
    "EventIdReused",
    "EventTooLarge",
    "Explanation",
    "FailedTry",
    "FieldError",
    "Fire",
    "HandlerInvalid",
    "InvalidEvent",
    "MergeRefused",
    "NameUnknown",
    "NotAllowed",
    "Observer",
    "Outcome",
    "Page",
    "Record",
    "Request",
    "RetryAfter",
    "RootUnknown",
    "RowUnreadable",
    "Settings",
    "SettingsInvalid",
    "StoreRefused",
    "StoreUnavailable",
    "Transition",
    "UnlinkRefused",
    "WorkerHealth",
    "WorkerStuck",
    "Workflow",
    "WorkflowClosed",
    "WorkflowError",
    "claim_lifecycle",
    "mermaid",
]
