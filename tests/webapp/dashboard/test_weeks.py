"""The plot of a week's money: bars that a table repeats, and both add up to what was recovered."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tests.webapp.dashboard.conftest import Browsing
from webapp import create_app
from webapp.dashboard.chart import HEIGHT, WIDTH, chart_of
from workflow_fsm import Workflow
from workflow_fsm.read.across.weeks import CurrencyWeeks, WeekMoney
from workflow_fsm.testing import ManualClock


def weeks(*sums: tuple[float, float]) -> CurrencyWeeks:
    made = [
        WeekMoney(monday=date(2026, 1, 5 + 7 * number), paid=paid, reversed=taken)
        for number, (paid, taken) in enumerate(sums)
    ]
    return CurrencyWeeks(currency="USD", booked=len(sums), weeks=made)


@pytest.fixture
def page(workflow: Workflow, clock: ManualClock) -> str:
    """The page of money, of payouts in three weeks, the first longer ago than the plot shows."""
    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=[{"claim_id": "c1"}])
    for number, (trigger, amount, days) in enumerate(
        (
            ("payout_received", "1.00", 0),
            ("payout_received", "1200.10", 100),
            ("payout_received", "0.20", 7),
            ("payout_reversed", "200.30", 0),
        )
    ):
        clock.advance(days=days)
        workflow.fire(trigger, user_id="u1", claim_id="c1", amount=amount, event_id=f"p{number}")
    return Browsing(create_app(workflow).test_client()).look("/dashboard/money")


def test_the_table_says_what_the_bars_say_and_adds_up(page: str) -> None:
    [table] = re.findall(r"<caption>USD by the week.*?</table>", page, re.S)
    rows = {
        name: re.findall(r'<td class="number">([^<]*)</td>', rest)
        for name, rest in re.findall(r'<tr><th scope="row">([^<]+)</th>(.*?)</tr>', table)
    }
    bars = dict(re.findall(r"<title>Week of ([\d-]+): ([\d,.]+) USD recovered</title>", page))

    assert rows.pop("before") == ["1.00"]
    assert rows.pop("in all") == ["1,001.00"]
    assert len(rows) == 12
    assert {name: row[0] for name, row in rows.items() if row[0] != "0.00"} == bars
    assert list(bars.values()) == ["1,200.10", "0.20"]
    assert list(rows.values())[-1] == ["0.20", "200.30", "−200.10"]  # noqa: RUF001 -- as it is shown


def test_the_plot_has_a_name_and_nothing_of_it_is_drawn_by_a_style(page: str) -> None:
    assert (
        'role="img" aria-label="Recovered and reversed a week in USD; the table below says the same"' in page
    )
    assert not re.search(r"<style|\sstyle=", page)


def test_a_currency_that_is_asked_for_is_shown_alone(workflow: Workflow) -> None:
    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    codes = ("USD", "EUR", "GBP", "CAD", "JPY", "SEK", "NOK")
    found = [{"claim_id": f"c-{code}", "currency": code} for code in codes]
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=found)
    for code in codes:
        workflow.fire("payout_received", user_id="u1", claim_id=f"c-{code}", amount="1", event_id=code)
    person = Browsing(create_app(workflow).test_client())

    assert person.look("/dashboard/money").count('role="img"') == 6
    assert re.findall(r"<figcaption[^>]*>(\w+):", person.look("/dashboard/money?currency=usd")) == ["USD"]


def test_bars_stand_on_nothing_and_stay_within_the_plot() -> None:
    chart = chart_of(weeks((100.0, 0.0), (0.0, 30.0), (250.0, 0.0), (0.0, 0.0)))

    assert [(bar.week.monday.day, bar.kind) for bar in chart.bars] == [
        (5, "paid"),
        (12, "reversed"),
        (19, "paid"),
    ]
    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT
        foot = bar.y + bar.height if bar.kind == "paid" else bar.y
        assert foot == pytest.approx(chart.zero, abs=0.2)
    assert chart.bars[2].height == pytest.approx(2.5 * chart.bars[0].height, abs=0.3)


@pytest.mark.parametrize(
    ("sums", "marks"),
    [
        (((0.03, 0.0),), ["0.05", "0.025", "0"]),
        (((1.2e6, 0.0),), ["2 M", "1 M", "0"]),
        (((900.0, 800.0),), ["1 k", "500", "0", "−1 k"]),  # noqa: RUF001 -- as it is shown
        (((0.0, 5.0),), ["0", "−5"]),  # noqa: RUF001 -- as it is shown
        (((0.0, 0.0),), ["1", "0.5", "0"]),
    ],
)
def test_an_axis_tells_sums_that_are_easily_read(
    sums: tuple[tuple[float, float], ...], marks: list[str]
) -> None:
    assert [one.text for one in chart_of(weeks(*sums)).marks] == marks
