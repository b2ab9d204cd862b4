"""Sessions seen from outside: over the wire, behind a proxy, below a prefix."""

from __future__ import annotations

import pytest
import requests
from flask import Flask

from tests.webapp.http.keys import ALL, API_TOKEN
from tests.webapp.services import Service, StartService
from tests.webapp.ws.following import Closed, Listener, Refused
from webapp import blueprint
from webapp.access.sessions import COOKIE
from webapp.settings import ServiceSettings
from workflow_fsm import Workflow

PAGE = {"Accept": "text/html,application/xhtml+xml"}


def test_mounted_below_a_prefix_the_cookie_is_for_what_is_below_it(workflow: Workflow) -> None:
    app = Flask("a stranger's")
    app.register_blueprint(
        blueprint(workflow, settings=ServiceSettings.from_environment(ALL)), url_prefix="/claims"
    )
    client = app.test_client()

    sent = client.get("/claims/docs", headers=PAGE)
    assert sent.headers["Location"] == "/claims/login?next=/claims/docs"
    signed = client.post("/claims/login", data={"token": API_TOKEN, "next": "/claims/docs"}, headers=PAGE)
    assert signed.headers["Location"] == "/claims/docs"
    assert "Path=/claims;" in signed.headers["Set-Cookie"]
    assert client.get("/claims/docs").status_code == 200


@pytest.fixture(scope="module")
def closed(start_shared: StartService) -> Service:
    return start_shared(**ALL, WORKFLOW_TRUSTED_PROXIES="1")


def test_over_the_wire_a_person_signs_in_reads_and_follows_a_user_live(closed: Service, user: str) -> None:
    with requests.Session() as browser:
        browser.headers.update(PAGE)
        form = browser.get(f"{closed.url}/docs", timeout=10)
        assert (form.status_code, form.url) == (200, f"{closed.url}/login?next=/docs")
        page = browser.post(form.url, data={"token": API_TOKEN, "next": "/docs"}, timeout=10)
        assert (page.status_code, page.url) == (200, f"{closed.url}/docs")
        cookie = (("Cookie", f"{COOKIE}={browser.cookies[COOKIE]}"),)

    own, foreign = ((("Origin", one),) for one in (closed.url, "http://evil.example"))
    with Listener(closed.port, user, headers=(*cookie, *own)) as listener:
        assert listener.is_silent(0.1)
        with pytest.raises(Closed) as closing:
            raise listener.say_goodbye()
        assert closing.value.code == 1000
    with pytest.raises(Refused) as refused:
        Listener(closed.port, user, headers=(*cookie, *foreign))
    assert refused.value.code == 403
    log = closed.log.read_text()
    assert API_TOKEN not in log
    assert cookie[0][1].partition("=")[2] not in log


def test_behind_a_proxy_that_speaks_tls_the_cookie_is_secure_and_below_its_prefix(closed: Service) -> None:
    forwarded = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "claims.example",
        "X-Forwarded-Prefix": "/wf",
    }
    answer = requests.post(
        f"{closed.url}/login",
        data={"token": API_TOKEN},
        headers={**PAGE, **forwarded, "Origin": "https://claims.example"},
        allow_redirects=False,
        timeout=10,
    )

    assert (answer.status_code, answer.headers["Location"]) == (303, "/wf/")
    assert {"Secure", "Path=/wf"} <= set(answer.headers["Set-Cookie"].split("; "))
