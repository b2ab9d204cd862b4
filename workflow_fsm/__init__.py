"""An explicit, persisted state machine for money claims: every transition is one commit."""

from workflow_fsm.core.claim import claim_lifecycle
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import (
    AliasTaken,
    DefinitionInvalid,
    EventIdReused,
    FieldError,
    InvalidEvent,
    NotAllowed,
    SettingsInvalid,
    StoreRefused,
    StoreUnavailable,
    WorkflowError,
)
from workflow_fsm.core.explain import Explanation
from workflow_fsm.core.outcome import Outcome, Page, Record
from workflow_fsm.settings import Settings
from workflow_fsm.workflow import Workflow

__all__ = [
    "AliasTaken",
    "Definition",
    "DefinitionInvalid",
    "EventIdReused",
    "Explanation",
    "FieldError",
    "InvalidEvent",
    "NotAllowed",
    "Outcome",
    "Page",
    "Record",
    "Settings",
    "SettingsInvalid",
    "StoreRefused",
    "StoreUnavailable",
    "Workflow",
    "WorkflowError",
    "claim_lifecycle",
]
