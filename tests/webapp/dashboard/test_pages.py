"""Pages: each answers, shows what is there as text, and holds to the content policy."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask

from tests.webapp.dashboard.conftest import PAGE, PATHS, Browsing
from tests.webapp.http.keys import ALL
from webapp import blueprint, create_app
from webapp.http.headers import PAGE_POLICY
from webapp.settings import ServiceSettings
from workflow_fsm import Workflow

HOSTILE = "<script>alert(1)</script>\"'&/?#"


def rows(page: str) -> int:
    """Count the rows of a page's tables, heads left out."""
    return sum(body.count("<tr") for body in re.findall(r"<tbody>(.*?)</tbody>", page, re.S))


@pytest.mark.parametrize("path", PATHS)
def test_each_page_answers_and_stands_by_the_content_policy(person: Browsing, path: str) -> None:
    page = person.look(path)
    answer = person.client.get(path, headers=PAGE)

    assert answer.headers["Content-Security-Policy"] == PAGE_POLICY
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?! src)", page)
    assert re.findall(r"""(?:src|href|action)=["'](?:[a-z]+:)?//""", page) == []
    assert re.findall(r"<script[^>]*>[^<]", page) == []


@pytest.mark.parametrize("path", PATHS)
def test_each_page_has_landmarks_one_first_heading_and_names_for_all(person: Browsing, path: str) -> None:
    page = person.look(path)
    ids = re.findall(r'\sid="([^"]+)"', page)

    assert '<html lang="en">' in page
    assert re.search(r"<title>[^<]+ · workflow-fsm</title>", page)
    assert len(re.findall(r"<h1[ >]", page)) == 1
    for landmark in ("<header>", "<nav ", '<main id="main"', "<footer>", 'href="#main"'):
        assert landmark in page
    assert len(ids) == len(set(ids))
    named = re.findall(r'(?:aria-labelledby|for)="([^"]+)"', page)
    assert set(named) <= set(ids)
    for table in re.findall(r"<table>(.*?)</table>", page, re.S):
        assert "<caption" in table
        assert "<th" in table
        assert not re.search(r"<th(?! scope)[ >]", table)


def test_what_pages_load_is_there_and_named_by_what_it_holds(person: Browsing) -> None:
    page = person.look("/")
    for name, content_type in (("style.css", "text/css"), ("live.js", "text/javascript")):
        [path] = re.findall(rf'"(/dashboard/{re.escape(name)}\?v=[0-9a-f]+)"', page)
        answer = person.client.get(path)
        assert answer.content_type == f"{content_type}; charset=utf-8"
        assert answer.headers["Cache-Control"] == "private, max-age=86400"


@pytest.mark.parametrize("path", PATHS)
def test_who_is_not_signed_in_is_led_to_sign_in_and_a_program_is_401(lived: Workflow, path: str) -> None:
    client = create_app(lived, settings=ServiceSettings.from_environment(ALL)).test_client()

    led = client.get(path, headers=PAGE)
    assert led.status_code == 303
    assert led.headers["Location"].startswith("/login?next=/")
    assert client.get(path).status_code == 401


def test_where_nobody_is_asked_who_they_are_the_pages_are_open_and_say_so(lived: Workflow) -> None:
    page = Browsing(create_app(lived).test_client()).look("/")

    assert "no credentials are set" in page
    assert "Sign out" not in page


def test_the_overview_counts_on_the_picture_and_tells_money_by_currency(person: Browsing) -> None:
    page = person.look("/")

    counts = dict(re.findall(r'data-state="(\w+)">(\d+)<', page))
    assert {"matched": "1", "submitted": "1", "paid": "1", "detected": "0"}.items() <= counts.items()
    assert 'href="/dashboard/claims?state=matched" aria-label="matched: 1, 12.50 EUR; the oldest for ' in page
    assert "No check of all is known" in page
    assert re.search(r'<th scope="row">USD</th>\s*<td class="number">35.00</td>', page)


@pytest.mark.parametrize("page", ["/", "/dashboard/money"])
def test_sums_have_their_currencys_decimals(lived: Workflow, page: str) -> None:
    lived.fire("payout_received", user_id="u1", claim_id="c1", amount="1200", currency="JPY")
    shown = Browsing(create_app(lived).test_client()).look(page)
    assert re.search(r'<th scope="row">JPY</th>\s*<td class="number">1,200</td>', shown)


def test_the_overview_tells_of_the_last_check(lived: Workflow) -> None:
    assert lived.last_check() is None
    assert lived.check().recorded
    told = lived.last_check()
    assert told is not None

    page = Browsing(create_app(lived).test_client()).look("/")

    assert f'The last check of all found nothing wrong: <time datetime="{told}"' in page.replace("\n", "")


def test_claims_are_filtered_sorted_and_found_by_any_name(person: Browsing) -> None:
    def found(query: str) -> list[str]:
        return re.findall(r'<th scope="row"><a [^>]*>(\w+)</a>', person.look(f"/dashboard/claims?{query}"))

    assert set(found("")) == {"c1", "c2", "c3"}
    assert found("state=matched&decision=&currency=") == ["c1"]
    assert found("decision=ask_user") == ["c1"]
    assert found("currency=usd&sort=-amount") == ["c2", "c3"]
    assert found("due=9999") == ["c1"]
    assert found("due=1") == []
    assert found("find=c2") == found("find=k2") == found("find=r1") == ["c2"]
    assert found("find=k3&by=case") == ["c3"]
    assert found("find=k3&by=claim") == []
    assert 'user_id=u1">u1</a>' in person.look("/dashboard/claims?find=u&by=user")


def test_pages_of_a_list_go_on_where_the_last_one_ended(person: Browsing, lived: Workflow) -> None:
    claims = [{"claim_id": f"more-{number:03}"} for number in range(120)]
    lived.fire("sync_complete", user_id="u2", sync_id="s2")
    lived.fire("detection_complete", user_id="u2", sync_id="s2", claims=claims)
    path, seen, pages = "/dashboard/claims?state=detected", set[str](), 0
    while path:
        page = person.look(path)
        seen |= set(re.findall(r">(more-\d+)</a>", page))
        pages += 1
        following = re.findall(r'rel="next" href="([^"]+)"', page)
        path = unescape(following[0]) if following else ""

    assert len(seen) == 120
    assert pages == 3


def test_a_list_is_a_sheet_too(person: Browsing) -> None:
    sheet = person.client.get("/dashboard/claims.csv?currency=USD", headers=PAGE)
    money = person.client.get("/dashboard/money.csv", headers=PAGE)

    assert sheet.content_type.startswith("text/csv")
    assert [line.split(",")[1] for line in sheet.text.splitlines()] == ["claim_id", "c2", "c3"]
    assert len(money.text.splitlines()) == 5


def test_a_claims_page_tells_its_money_cases_history_and_what_may_come(person: Browsing) -> None:
    page = person.look("/dashboard/claim?user_id=u1&claim_id=c2")

    assert '<dd id="state">paid</dd>' in page
    assert re.search(
        r'USD</th><td class="number">40.00</td><td class="number">5.00</td><td class="number">35.00', page
    )
    assert "k2: filed" in page
    assert "What waits for it" in page
    assert "1 of 1" in person.look("/dashboard/claim?user_id=u1&claim_id=c3")
    assert page.count("<li><p><b>") == 5
    assert "payout_reversed asks" in page


def test_a_hostile_id_is_shown_as_text_and_leads_to_its_page(person: Browsing, lived: Workflow) -> None:
    lived.fire("sync_complete", user_id=HOSTILE, sync_id="s9")
    lived.fire("detection_complete", user_id=HOSTILE, sync_id="s9", claims=[{"claim_id": HOSTILE}])
    lived.fire("payout_received", user_id=HOSTILE, amount="1.00", amazon_case_id=HOSTILE, reason=HOSTILE)
    page = person.look("/dashboard/claims?state=detected")
    [link] = re.findall(r'<th scope="row"><a href="([^"]+)"', page)

    one = person.look(unescape(link))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in one
    for path in (*PATHS, unescape(link)):
        assert "<script>alert" not in person.look(path)
    assert "<b>hung up" not in person.look("/dashboard/attention")


def test_what_is_wrong_is_said_in_a_page_and_to_programs_as_a_problem(person: Browsing) -> None:
    for path, code, told in (
        ("/dashboard/claims?state=nowhere", 400, "&#39;nowhere&#39;"),
        ("/dashboard/claims?due=soon", 400, "must be a whole number of days"),
        ("/dashboard/claims?cursor=x", 400, "is none that a page"),
        ("/dashboard/claims?find=x&by=shoe", 400, "must be one of claim"),
        ("/dashboard/claim?user_id=u1&claim_id=c99", 404, "has no claim of the id or alias"),
        ("/dashboard/claim", 404, "has no claim"),
        ("/dashboard/user?user_id=u99", 404, "Nothing is known of the user"),
        ("/dashboard/money?currency=EURO", 400, "must be a currency"),
        ("/dashboard/effects?standing=lying", 400, "standing"),
        ("/dashboard/deadletters?kind=shoe", 400, "kind"),
        ("/dashboard/deadletters/all?act=eat", 400, "names no act"),
    ):
        shown = person.client.get(path, headers=PAGE)
        assert (shown.status_code, shown.content_type) == (code, "text/html; charset=utf-8"), path
        assert told in shown.text
        assert shown.headers["Content-Security-Policy"] == PAGE_POLICY
        assert "Traceback" not in shown.text
        assert person.client.get(path).content_type == "application/problem+json"


def test_money_on_its_page_adds_up(person: Browsing, lived: Workflow) -> None:
    page = person.look("/dashboard/money")

    assert re.search(
        r'these rows, recovered</th><td class="number"><span class="money">35.00&nbsp;USD',
        page.replace("\n", ""),
    )
    assert lived.totals().recovered == {"USD": 35.0}


def test_effects_are_told_by_handler_with_their_last_error(person: Browsing) -> None:
    page = person.look("/dashboard/effects?handler=file_it&standing=dead")

    assert "enter submitted" in page
    assert "RuntimeError: the marketplace &lt;b&gt;hung up&lt;/b&gt;" in page
    assert rows(page) == 2


def test_it_is_mounted_wherever_the_blueprint_is(lived: Workflow) -> None:
    app = Flask("elsewhere")
    app.register_blueprint(blueprint(lived, settings=ServiceSettings()), url_prefix="/wf")
    client = app.test_client()

    page = Browsing(client).look("/wf/")
    for link in set(re.findall(r'href="(/[^"]*)"', page)):
        assert link.startswith("/wf/"), link
    missing = client.get("/wf/dashboard/claim", headers=PAGE)
    assert (missing.status_code, missing.content_type) == (404, "text/html; charset=utf-8")
    assert missing.headers["Content-Security-Policy"] == PAGE_POLICY
