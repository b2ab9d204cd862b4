"""A real browser, signed in at a real service; what its console says, and whom it asks, is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.pictures import chromium as found_chromium
from tests.webapp.http.keys import API_TOKEN, TOKEN
from tests.webapp.services import Processes, Service
from webapp.paths import PREFIX

SECONDS = 20
_numbers = count(1)
Post: TypeAlias = Callable[..., dict[str, Any]]


@dataclass(kw_only=True)
class Window:
    """A page of a browser, what its console complained of, and the hosts that it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Find Chromium, and start it."""
    found = found_chromium()
    if found is None:
        pytest.skip("Chromium is missing: install it as `chromium`, such as by `apt install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def service(processes: Processes) -> Service:
    """A service that asks for the operator's token, with a handler that fails once a claim."""
    return processes.serve(**TOKEN, WORKFLOW_HANDLERS="tests.browser.handlers", WORKFLOW_EFFECT_PAUSE="10ms")


@pytest.fixture
def window(chromium: Browser, service: Service, request: pytest.FixtureRequest) -> Iterator[Window]:
    """A window that nobody has signed in at; in the end its console is silent, and it asked no other host."""
    how: dict[str, Any] = getattr(request, "param", {})
    context = chromium.new_context(base_url=service.url, **how)
    context.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    window = Window(page=context.new_page())
    window.page.on("console", lambda said: _note(window, said))
    window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
    window.page.on("request", lambda asked: window.hosts.add(urlsplit(asked.url).netloc))
    yield window
    context.close()
    assert window.complaints == []
    assert window.hosts <= {urlsplit(service.url).netloc, ""}


def _note(window: Window, said: ConsoleMessage) -> None:
    """Keep a complaint, but that the page to sign in by has no icon: it names nothing to be loaded."""
    has_no_icon = str(said.location.get("url", "")).endswith("/favicon.ico")
    if said.type in ("error", "warning") and not has_no_icon:
        window.complaints.append(f"{said.type}: {said.text}")


@pytest.fixture
def page(window: Window) -> Page:
    """A page that somebody has signed in at, by typing the token."""
    window.page.goto("/")
    window.page.get_by_label("The operator's token").fill(API_TOKEN)
    window.page.get_by_role("button", name="Sign in").click()
    window.page.wait_for_url("**/")
    return window.page


@pytest.fixture
def seller() -> str:
    """Name a user whom no other test knows."""
    return f"seller-{next(_numbers)}"


@pytest.fixture
def post(service: Service) -> Post:
    """Post an event as a sender does."""

    def send(route: str, **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        answer = requests.post(f"{service.url}{PREFIX}/{route}", json=body, headers=headers, timeout=SECONDS)
        assert answer.status_code < 300, answer.text
        told: dict[str, Any] = answer.json()
        return told

    return send


@pytest.fixture
def claim(post: Post, seller: str) -> str:
    """A claim that was detected."""
    name = f"claim-of-{seller}"
    post("sync/complete", user_id=seller, sync_id=f"sync-of-{seller}")
    found = {"claim_id": name, "amount": "12.50", "currency": "USD", "deadline_date": "2031-01-01T00:00:00Z"}
    post("detection/complete", user_id=seller, sync_id=f"sync-of-{seller}", claims=[found])
    return name
