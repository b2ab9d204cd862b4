"""What `import workflow_fsm` brings: the names that are public, and neither Flask nor an HTTP client."""

from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType

import workflow_fsm

PUBLIC = [
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
"""What users may rely on; a name that goes, or comes, is told in the CHANGELOG."""

IMPORT = """
import json, sys
import workflow_fsm
print(json.dumps(sorted({name for name in sys.modules} & set(json.loads(sys.argv[1])))))
"""

WEB = ["flask", "werkzeug", "gunicorn", "requests", "urllib3", "http.client", "http.server", "webapp"]


def test_the_public_names_are_those_listed_and_no_others() -> None:
    public = {
        name
        for name, value in vars(workflow_fsm).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }

    assert workflow_fsm.__all__ == PUBLIC
    assert public == set(PUBLIC)


def test_every_public_name_says_what_it_is() -> None:
    assert [name for name in PUBLIC if not getattr(workflow_fsm, name).__doc__] == []


def test_importing_the_library_imports_neither_flask_nor_an_http_client() -> None:
    command = [sys.executable, "-c", IMPORT, json.dumps(WEB)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)

    assert json.loads(done.stdout) == []
