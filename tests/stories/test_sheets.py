"""Sheets: CSV that a spreadsheet opens without running anything, and that a reader of RFC 4180 reads back."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

import pytest

from tests.stories.acts import detect, pay, reject, submit, sync
from workflow_fsm import Workflow
from workflow_fsm.read.across.sheets import COLUMNS, Question, cell, csv_pieces, ndjson_pieces
from workflow_fsm.results import ClaimRow, EffectRow, MoneyRow, UserRow

SHAPES: dict[Question, Any] = {"claims": ClaimRow, "money": MoneyRow, "users": UserRow, "effects": EffectRow}


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "=cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "\uff1d1",
    ],
)
def test_no_cell_begins_a_formula(text: str) -> None:
    assert cell("claim_id", text) == f"'{text}"


@pytest.mark.parametrize("text", ["-5.00", "12.50", "0", "-5", "c-1", "a=b", "", "x@y"])
def test_numbers_and_other_texts_stay_as_they_are(text: str) -> None:
    assert cell("claim_id", text) == text


def test_lists_sums_and_what_is_not_told_are_written_for_people() -> None:
    cases = [{"amazon_case_id": "k1", "state": "filed"}, {"amazon_case_id": None, "state": None}]
    assert cell("cases", cases) == "k1 filed; (no name)"
    assert cell("paid", {"USD": "-5.00", "EUR": "1.00"}) == "USD -5.00; EUR 1.00"
    assert cell("aliases", ["=a", "b"]) == "'=a; b"
    assert cell("overdue", value=False) == "false"
    assert cell("deadline_date", None) == ""
    assert cell("facts", {"weight": "3"}) == '{"weight":"3"}'


@pytest.mark.parametrize("question", COLUMNS)
def test_the_columns_are_what_a_row_has(question: Question) -> None:
    keys = set(SHAPES[question].__mro__[0].__annotations__)
    for base in SHAPES[question].__mro__:
        keys |= set(getattr(base, "__annotations__", {}))
    assert set(COLUMNS[question]) == keys - {"merged_into"}


def test_a_sheet_is_read_back_by_any_reader_of_csv(workflow: Workflow) -> None:
    sync(workflow, "s1", user_id='=u,"1"')
    detect(workflow, "c1", sync_id="s1", user_id='=u,"1"')
    submit(workflow, "c1", amazon_case_id="k1", user_id='=u,"1"')
    reject(workflow, "c1", rejection_reason="no\r\nproof, at all", user_id='=u,"1"')
    pay(workflow, "c1", amount="3.00", user_id='=u,"1"')

    text = "".join(csv_pieces("claims", workflow.claims()))
    assert text.endswith("\r\n")
    [row] = csv.DictReader(StringIO(text, newline=""))
    assert row["user_id"] == '\'=u,"1"'
    assert row["rejection_reason"] == "no\r\nproof, at all"
    assert (row["state"], row["paid"], row["cases"]) == ("paid", "USD 3.00", "k1 rejected")
    lines = "".join(ndjson_pieces(workflow.claims())).splitlines()
    assert [json.loads(line) for line in lines] == [dict(one.items()) for one in workflow.claims()]


def test_a_sheet_without_rows_has_its_first_line(workflow: Workflow) -> None:
    assert "".join(csv_pieces("users", workflow.users())) == "user_id,recovered,unapplied,updated_at\r\n"
    assert "".join(ndjson_pieces(workflow.users())) == ""
