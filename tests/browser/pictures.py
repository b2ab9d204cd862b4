"""Pictures of the dashboard for README and docs, of a service in which claims were lived through for weeks.

`python -m tests.browser.pictures` takes them anew, into `docs/images`; the run of the tests takes the same.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.forked import Forked
from workflow_fsm.cli import main as command_line
from workflow_fsm.simulate.days import Simulation
from workflow_fsm.simulate.living import live
from workflow_fsm.workflow import utc_now

FOLDER = Path(__file__).parents[2] / "docs" / "images"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MOST_BYTES = 200_000
SECONDS = 90
"""How long a slow machine may take to serve, and to show a page."""
WEEKS, SELLERS, CLAIMS = 12, 20, 6
_SEED = 7
_DESK: dict[str, Any] = {"viewport": {"width": 1240, "height": 880}, "color_scheme": "light"}
_LIST = {**_DESK, "viewport": {"width": 1240, "height": 700}}
_DARK = {**_DESK, "color_scheme": "dark"}
_PHONE = {
    "viewport": {"width": 390, "height": 780},
    "device_scale_factor": 1.5,
    "is_mobile": True,
    "has_touch": True,
    "color_scheme": "dark",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A page, and how it is looked at; `first` is a link that leads to it."""

    name: str
    path: str
    how: dict[str, Any]
    first: str | None = None


PICTURES = (
    Picture(name="overview", path="/", how=_DESK),
    Picture(name="overview-dark", path="/", how=_DARK),
    Picture(name="overview-phone", path="/", how=_PHONE),
    Picture(name="attention", path="/dashboard/attention", how=_LIST),
    Picture(name="attention-phone", path="/dashboard/attention", how=_PHONE),
    Picture(name="claims", path="/dashboard/claims?state=matched&sort=deadline", how=_LIST),
    Picture(
        name="claim",
        path="/dashboard/claims?state=paid&sort=-entered_at",
        how=_DESK,
        first="main tbody th a",
    ),
    Picture(name="money", path="/dashboard/money", how=_DESK),
    Picture(name="effects-dark", path="/dashboard/effects", how={**_LIST, "color_scheme": "dark"}),
)
"""Every picture; a test holds that README or a page of the docs shows it."""


def chromium() -> str | None:
    """Find the machine's Chromium."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def looked_at(folder: Path) -> Iterator[str]:
    """Serve a store in which much has happened, and lets something happen; give the service's URL."""
    url = f"sqlite:///{folder / 'pictured.db'}"
    days = 7 * WEEKS
    start = utc_now() - timedelta(days=days)
    live(url, Simulation(seed=_SEED, start=start, users=SELLERS, days=days, claims=CLAIMS))
    service = Forked(
        *("workflow_fsm", "serve"),
        cwd=folder,
        stdout=folder / "served.log",
        variables={
            "WORKFLOW_DATABASE_URL": url,
            "WORKFLOW_HANDLERS": "tests.browser.handlers",
            "PORT": "0",
        },
    )
    try:
        served = f"http://127.0.0.1:{service.port(SECONDS)}"
        post = ("simulate", "--url", served, "--users", "8", "--seed", f"{_SEED + 1}", "--speed", "100")
        command_line([*post, "--json"], standalone_mode=False)
        yield served
    finally:
        service.send_signal(signal.SIGINT)
        service.wait()


def take(browser: Browser, url: str, folder: Path) -> None:
    """Take every picture."""
    for one in PICTURES:
        context = browser.new_context(base_url=url, **one.how)
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        _open(page, one)
        page.screenshot(path=folder / f"{one.name}.png", animations="disabled")
        context.close()


def _open(page: Page, picture: Picture) -> None:
    page.goto(picture.path)
    if picture.first is not None:
        page.locator(picture.first).first.click()
        page.wait_for_load_state()
    counted = page.locator("[data-state]")
    if counted.count():
        page.wait_for_function(
            "[...document.querySelectorAll('[data-state]')].every((one) => /^[0-9,]+$/.test(one.textContent))"
            " && document.querySelector('.flow')"
        )


def main() -> None:
    """Take them into the docs."""
    found = chromium()
    assert found is not None, f"none of {', '.join(NAMES)} is on the PATH"
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        looked_at(Path(folder)) as url,
        sync_playwright() as playing,
    ):
        browser = playing.chromium.launch(executable_path=found, args=["--no-sandbox"])
        take(browser, url, FOLDER)
        browser.close()
    for one in sorted(FOLDER.glob("*.png")):
        print(f"{one.stat().st_size / 1000:6.0f} kB  {one.name}")  # noqa: T201 -- a command's output


if __name__ == "__main__":
    main()
