"""The way of one webhook, as the architecture page tells it: the modules that a webhook goes through."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import FrameType

import pytest
from flask.testing import FlaskClient

from tests.docs.conftest import PAGES
from tests.docs.generate import DOCS, ROOT
from webapp import create_app
from webapp.routes.webhooks import PREFIX
from webapp.settings import ServiceSettings
from workflow_fsm import Transition, Workflow
from workflow_fsm.core.values.instants import read_instant

PAGE = DOCS / "explanation" / "architecture.md"
OF_THE_TEST = {"workflow_fsm/testing/workflows.py", "workflow_fsm/testing/clock.py"}  # its clock and ids
ONCE_A_PROCESS = {"workflow_fsm/stores/statements.py"}  # whoever is the first to ask reads the SQL
SERVED_BY = {"webapp/server/serving.py", "webapp/server/slow_clients.py"}


def named(section: str) -> set[str]:
    """Name the files that a section of the page names: by a path, or as the neighbours of the last one."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].partition("\n## ")[0]
    files = {
        path.relative_to(ROOT).as_posix() for top in ("workflow_fsm", "webapp") for path in files_of(top)
    }
    found: set[str] = set()
    folder = ""
    for name in re.findall(r"`([\w/]+\.py)`", text):
        asked = name if "/" in name else f"{folder}/{name}"
        matching = [file for file in files if file == asked or file.endswith(f"/{asked}")]
        assert len(matching) == 1, f"{name} is {matching or 'no file'}"
        folder = matching[0].rpartition("/")[0]
        found.add(matching[0])
    return found


def files_of(top: str) -> list[Path]:
    return list((ROOT / top).rglob("*.py"))


def gone_through(workflow: Workflow) -> set[str]:
    """Send webhooks that are applied, wait, are refused and owe an effect; name the files that were run.

    One of them is unusual in how it comes.

    What is done once, for the first webhook of a process, is done before that.
    """
    seen: set[str] = set()

    def see(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            seen.add(frame.f_code.co_filename)

    client = create_app(workflow, settings=ServiceSettings()).test_client()
    send(client, "u0")
    read_instant.cache_clear()  # each webhook brings instants that none before it had
    before = sys.getprofile()
    sys.setprofile(see)
    try:
        send(client, "u1")
    finally:
        sys.setprofile(before)
    paths = (Path(name) for name in seen)
    return (
        {path.relative_to(ROOT).as_posix() for path in paths if path in of_ours()}
        - OF_THE_TEST
        - ONCE_A_PROCESS
    )


def send(client: FlaskClient, user_id: str) -> None:
    user, claim = {"user_id": user_id}, {"user_id": user_id, "claim_id": "c1"}
    found = {"claim_id": "c1", "amount": "12.50", "deadline_date": "2027-01-01T00:00:00Z"}
    client.post(f"{PREFIX}/payout/received", json={**claim, "amount": "12.50"})
    client.post(f"{PREFIX}/sync/complete", json={**user, "sync_id": "s1"})
    client.post(f"{PREFIX}/detection/complete", json={**user, "claims": [found]})
    client.post(f"{PREFIX}/claim/rejected", json=claim)
    client.post(f"{PREFIX}/claim/rejected", json={**claim, "amount": "x"})
    client.post(f"{PREFIX}/claim/rejected", json=claim, headers={"Content-Encoding": "identity"})


def of_ours() -> set[Path]:
    return {path for top in ("workflow_fsm", "webapp") for path in files_of(top)}


def test_the_way_of_one_webhook_names_every_module_that_it_goes_through_and_no_other(
    workflow: Workflow, store_url: str
) -> None:
    @workflow.on_enter("detected")
    def match(transition: Transition) -> None: ...

    way = named("The way of one webhook")
    other = "stores/postgres/" if store_url.startswith("sqlite:") else "stores/sqlite/"

    assert way >= SERVED_BY
    assert {file for file in way - SERVED_BY if other not in file} == gone_through(workflow)


@pytest.mark.parametrize("section", ["The way of one effect", "The way of one question"])
def test_the_other_ways_name_files_that_are_there(section: str) -> None:
    assert named(section)


def test_every_module_that_a_page_or_a_module_names_is_there() -> None:
    """Decisions of former days, under adr/, name what was there then."""
    tops = ("workflow_fsm", "webapp", "tests")
    there = {f"/{path.relative_to(ROOT).as_posix()}" for top in tops for path in files_of(top)}
    texts = [page for page in PAGES if "adr" not in page.parts]
    for source in [*texts, *sorted(of_ours())]:
        for name in re.findall(r"`([\w/]+\.py)`", source.read_text(encoding="utf-8")):
            assert any(file.endswith(f"/{name}") for file in there), f"{source.name} names {name}"
