"""What many who look share: parts made once a second, and no list read for a page that only goes on."""

from __future__ import annotations

import re
from threading import Thread

from tests.webapp.dashboard.conftest import PAGE, Browsing
from webapp import create_app
from webapp.dashboard.samples import Shared
from workflow_fsm import Workflow


def test_a_part_is_made_once_for_all_who_look_at_once() -> None:
    shared, made, given = Shared(), list[int](), list[int]()

    def make() -> int:
        made.append(1)
        return len(made)

    threads = [Thread(target=lambda: given.append(shared.latest(("a",), make))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert given == [1] * 20
    assert shared.latest(("b",), make) == 2


def test_who_looks_at_the_same_figures_has_a_token_of_their_own(person: Browsing, lived: Workflow) -> None:
    other = Browsing(person.client.application.test_client()).sign_in()

    pages = [one.look("/") for one in (person, other)]

    figures = [re.findall(r"<h1>Overview</h1>(.*?)</main>", page, re.S) for page in pages]
    tokens = [re.findall(r'name="csrf_token" value="([^"]+)"', page) for page in pages]
    assert figures[0] == figures[1] != []
    assert tokens[0] != tokens[1]
    assert not set(tokens[0]) & set(figures[0])


def test_a_page_that_goes_on_is_given_its_live_parts_without_its_lists(lived: Workflow) -> None:
    client = create_app(lived).test_client()
    for path, live in (("/dashboard/money", "weeks"), ("/dashboard/effects", "handlers")):
        whole = client.get(path, headers=PAGE).text
        renewed = client.get(path, headers={**PAGE, "X-Live": "1"}).text
        part = re.compile(rf'data-live="{live}">(.*?)</section>', re.S)
        assert part.findall(whole) == part.findall(renewed) != []
        assert whole.count("<tr") > renewed.count("<tr")


def test_a_part_is_made_anew_where_the_pages_are_mounted_elsewhere(lived: Workflow) -> None:
    client = create_app(lived).test_client()

    there = client.get("/", headers=PAGE, base_url="http://localhost/wf").text

    assert 'href="/wf/dashboard/claims?state=paid"' in there
    assert 'href="/dashboard/claims?state=paid"' in client.get("/", headers=PAGE).text
