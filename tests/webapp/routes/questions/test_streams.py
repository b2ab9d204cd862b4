"""Lists as CSV and NDJSON: whole, as they are read, chosen by `Accept`; on real sockets where it matters."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from tests.webapp.routes.questions.conftest import Ask
from tests.webapp.services import Service
from webapp.http.problem_kinds import DOCS
from webapp.routes.webhooks import PREFIX
from workflow_fsm import Workflow

CSV, NDJSON = "text/csv", "application/x-ndjson"
LISTS = ("claims", "money", "users", "effects")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline="")))


@pytest.mark.parametrize("question", LISTS)
def test_a_stream_gives_all_rows_with_each_media_type(ask: Ask, told: FlaskClient, question: str) -> None:
    rows = ask(question, limit=1000)[question]
    lines = told.get(f"{PREFIX}/{question}", headers={"Accept": NDJSON})
    assert (lines.status_code, lines.content_type) == (200, NDJSON)
    assert [json.loads(line) for line in lines.get_data(as_text=True).splitlines()] == rows

    sheet = told.get(f"{PREFIX}/{question}", headers={"Accept": CSV})
    assert (sheet.status_code, sheet.content_type) == (200, "text/csv; charset=utf-8; header=present")
    assert sheet.headers["Content-Disposition"] == f'attachment; filename="{question}.csv"'
    assert sheet.headers["Vary"] == lines.headers["Vary"] == "Accept"
    read = rows_of(sheet.get_data(as_text=True))
    assert [one["user_id"] for one in read] == [one["user_id"] for one in rows]


def test_the_money_of_a_sheet_adds_up(told: FlaskClient) -> None:
    answer = told.get(f"{PREFIX}/money", headers={"Accept": CSV}).get_data(as_text=True)
    sums: dict[str, Decimal] = {}
    for row in rows_of(answer):
        sign = 1 if row["trigger"] == "payout_received" else -1
        sums[row["standing"]] = sums.get(row["standing"], Decimal(0)) + sign * Decimal(row["amount"])
    assert sums == {"recovered": Decimal(30), "unapplied": Decimal(15), "dropped": Decimal(21)}


def test_no_cell_that_a_sender_chose_begins_a_formula(client: FlaskClient) -> None:
    evil = {"user_id": "=HYPERLINK(1)", "claim_id": "@c", "case_id": "-1+1", "reimbursement_id": "+1"}
    client.post(f"{PREFIX}/sync/complete", json={"user_id": evil["user_id"]})
    client.post(
        f"{PREFIX}/detection/complete",
        json={"user_id": evil["user_id"], "claims": [{"claim_id": "@c", "claim_type": "\t=2"}]},
    )
    client.post(f"{PREFIX}/payout/received", json={**evil, "amount": "1.00", "event_id": "=e"})
    for question in ("claims", "money", "users"):
        sheet = client.get(f"{PREFIX}/{question}", headers={"Accept": CSV}).get_data(as_text=True)
        cells = [cell for row in csv.reader(StringIO(sheet, newline="")) for cell in row]
        assert any(cell.startswith("'=") for cell in cells)
        assert [cell for cell in cells if re.match(r"[\s]*[=+\-@]", cell)] == []


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/*", CSV),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
        ("application/json;q=0.5, text/csv", CSV),
        ("application/json;q=0, */*", CSV),
        ("TEXT/CSV", CSV),
    ],
)
def test_accept_chooses(client: FlaskClient, accept: str | None, media_type: str) -> None:
    answer = client.get(f"{PREFIX}/users", headers={} if accept is None else {"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (200, media_type)


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "text/csv;q=0"])
def test_what_a_list_is_not_sent_as_is_406_which_names_what_it_is_sent_as(
    client: FlaskClient, accept: str
) -> None:
    answer = client.get(f"{PREFIX}/claims", headers={"Accept": accept})
    assert (answer.status_code, answer.get_json()["type"]) == (406, f"{DOCS}/not-acceptable")
    assert "application/json, text/csv, application/x-ndjson" in answer.get_json()["detail"]


def test_a_stream_begins_at_its_cursor_and_with_a_limit_is_a_page_that_names_the_next(
    ask: Ask, told: FlaskClient
) -> None:
    first = ask("claims", limit=4)
    rest = told.get(f"{PREFIX}/claims?cursor={first['next_cursor']}", headers={"Accept": NDJSON})
    assert len(rest.get_data(as_text=True).splitlines()) == 5
    page = told.get(f"{PREFIX}/claims?sort=-amount&limit=4", headers={"Accept": NDJSON})
    assert len(page.get_data(as_text=True).splitlines()) == 4
    link = re.fullmatch(r'<(\?[^>]+)>; rel="next"', page.headers["Link"])
    assert link is not None
    after = told.get(f"{PREFIX}/claims{link[1]}", headers={"Accept": NDJSON})
    assert len(after.get_data(as_text=True).splitlines()) == 4
    last = told.get(f"{PREFIX}/claims?limit=9", headers={"Accept": CSV})
    assert "Link" not in last.headers


def test_a_wrong_question_is_told_before_a_stream_begins(client: FlaskClient) -> None:
    answer = client.get(f"{PREFIX}/claims?sort=x&limit=2000", headers={"Accept": CSV})
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def fill(service: Service, users: int) -> None:
    """Let a service know 5,000 claims of each user."""
    session = requests.Session()
    for user in range(users):
        who = {"user_id": f"u{user}", "sync_id": "s"}
        session.post(f"{service.url}{PREFIX}/sync/complete", json=who).raise_for_status()
        found = [{"claim_id": f"c{number}", "amount": "1.00"} for number in range(5000)]
        body = {**who, "claims": found}
        session.post(f"{service.url}{PREFIX}/detection/complete", json=body).raise_for_status()


def test_a_stream_of_many_pages_comes_whole_while_events_are_taken_and_holds_little_of_it(
    start_service: Callable[..., Service],
) -> None:
    large = start_service()
    fill(large, users=4)
    before = _memory_kib(large)
    url = f"{large.url}{PREFIX}/claims"
    with requests.get(url, headers={"Accept": CSV}, stream=True, timeout=60) as answer:
        assert answer.headers["Transfer-Encoding"] == "chunked"
        chunks = answer.iter_content(4096, decode_unicode=False)
        begun = next(chunks)
        fired = requests.post(
            f"{large.url}{PREFIX}/sync/complete", json={"user_id": "u0", "sync_id": "s2"}, timeout=10
        )
        assert fired.status_code == 200
        text = (begun + b"".join(chunks)).decode()
    rows = rows_of(text)
    ids = {(row["user_id"], row["claim_id"]) for row in rows if row["claim_id"]}
    assert len(ids) == 20_000
    assert len(rows) - len(ids) <= 1
    assert _memory_kib(large) - before < 40_000


def test_a_stream_that_can_t_go_on_is_broken_off(start_service: Callable[..., Service]) -> None:
    large = start_service()
    fill(large, users=2)
    with requests.get(
        f"{large.url}{PREFIX}/claims", headers={"Accept": NDJSON}, stream=True, timeout=60
    ) as answer:
        chunks = answer.iter_content(1024)
        next(chunks)
        for pid in reversed(_family(large.process.pid)):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
            for _ in chunks:
                pass


def _memory_kib(service: Service) -> int:
    """Give what the service's processes hold at most of memory by now, its workers' too."""
    total = 0
    for pid in _family(service.process.pid):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        total += int(re.findall(r"VmHWM:\s+(\d+)", status)[0])
    return total


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def test_a_sheet_of_nothing_has_its_names(client: FlaskClient, workflow: Workflow) -> None:
    sheet: Any = client.get(f"{PREFIX}/effects", headers={"Accept": CSV}).get_data(as_text=True)
    assert sheet.startswith("user_id,claim_id,sync_id,handler,trigger,standing,")
    assert client.get(f"{PREFIX}/effects", headers={"Accept": NDJSON}).get_data() == b""
