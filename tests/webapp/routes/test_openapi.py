"""The description: every route and every code, no more and no less; its examples are what is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.docs.examples import STORY
from tests.webapp.http.keys import ALL
from tests.webapp.routes.described import described_as, operations
from webapp import blueprint
from webapp.dashboard.pages import PREFIX as DASHBOARD
from webapp.routes.openapi import document
from webapp.routes.openapi.routes import routes
from webapp.routes.webhooks import PREFIX
from webapp.settings import ServiceSettings
from workflow_fsm import Workflow, claim_lifecycle

ROUTES = routes(claim_lifecycle())


@pytest.fixture
def described(client: FlaskClient) -> dict[str, Any]:
    return cast(dict[str, Any], client.get("/openapi.json").get_json())


def test_every_route_for_programs_is_described_and_no_other(client: FlaskClient) -> None:
    """The dashboard's pages are for people alone."""
    served = set()
    for rule in client.application.url_map.iter_rules():
        if rule.endpoint.rpartition(".")[2].startswith(DASHBOARD):
            continue
        path = described_as(rule.rule)
        served |= {(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}

    described = client.get("/openapi.json").get_json()

    assert {(method, path) for method, path, _ in operations(described)} == served


def test_what_linters_of_descriptions_ask_for_is_there(workflow: Workflow) -> None:
    """What redocly's and spectral's recommended rules found once, so far as no other test holds it."""
    for settings in (ServiceSettings(), ServiceSettings.from_environment(ALL)):
        described = document(workflow, settings)
        every = [*operations(described), *operations({"paths": described["webhooks"]})]
        ids = [operation["operationId"] for _, _, operation in every]
        text = json.dumps(described)

        assert len(set(ids)) == len(ids)
        assert described["info"]["contact"]
        for _, _, operation in every:
            assert {"description", "tags", "security"} <= operation.keys()
            codes = {code[0] for code in operation["responses"]}
            assert codes > {"4"}
        for kind, members in described["components"].items():
            for name in members:
                is_used = f'"#/components/{kind}/{name}"' in text or kind == "securitySchemes"
                assert is_used, f"{kind}/{name} is not used"
        assert all("items" in one for one in objects(described) if one.get("type") == "array")


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


def test_every_schema_is_one(described: dict[str, Any]) -> None:
    for schema in described["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_every_field_that_is_read_is_described(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    for trigger in claim_lifecycle().triggers:
        if not trigger.timer:
            name = "".join(word.capitalize() for word in trigger.name.split("_"))
            assert set(schemas[name]["properties"]) == set(trigger.table.by_name), name


def test_the_examples_fit_what_is_described(described: dict[str, Any]) -> None:
    shown = 0
    for _, _, operation in operations(described):
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [answer.get("content", {}) for answer in operation["responses"].values()]
        for content in (one for each in contents for one in each.values()):
            schema = {**content["schema"], "components": described["components"]}
            for example in content.get("examples", {}).values():
                jsonschema_rs.validator_for(schema).validate(example["value"])
                shown += 1
    assert shown > len(STORY)


def test_a_service_without_secrets_asks_for_none_and_one_with_them_says_which(workflow: Workflow) -> None:
    plain = document(workflow, ServiceSettings())
    guarded = document(workflow, ServiceSettings.from_environment(ALL))
    asked = {
        operation["operationId"]: [name for one in operation["security"] for name in one]
        for _, _, operation in operations(guarded)
    }

    assert all(operation["security"] == [] for _, _, operation in operations(plain))
    assert asked["sync_complete"] == ["signature", "operator", "token", "session", "csrf"]
    assert asked["status"] == ["operator", "token", "session"]
    assert asked["metrics"] == asked["deadletters"] == ["operator", "session"]
    assert asked["health"] == asked["healthz"] == asked["login"] == asked["sign_in"] == []


def test_a_refusal_answered_200_is_described_so(workflow: Workflow) -> None:
    described = document(workflow, ServiceSettings(refusal_status=200))
    answers = described["paths"][f"{PREFIX}/claim/rejected"]["post"]["responses"]

    assert "409" not in answers
    assert {"$ref": "#/components/schemas/Refused"} in answers["200"]["content"]["application/json"][
        "schema"
    ]["anyOf"]


def test_what_is_sent_outwards_stands_among_the_webhooks(described: dict[str, Any]) -> None:
    assert set(described["webhooks"]) == {"alert", "integrations.start_sync", "integrations.run_detection"}
    assert described["openapi"] == "3.1.0"


def test_where_it_is_mounted_elsewhere_the_description_says_where(workflow: Workflow) -> None:
    app = Flask("elsewhere")
    app.register_blueprint(blueprint(workflow), url_prefix="/claims")

    described = app.test_client().get("/claims/openapi.json").get_json()

    assert described["servers"] == [{"url": "/claims"}]


def test_the_page_shows_every_route_from_this_host_and_without_a_script(client: FlaskClient) -> None:
    answer = client.get("/docs")
    page = answer.get_data(as_text=True)

    for route in ROUTES:
        assert f'id="{route.endpoint}"' in page
        assert route.path in page
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert " style=" not in page
    assert "<style" not in page
    [style] = re.findall(r'rel="stylesheet" href="([^"]+)"', page)
    assert client.get(style).content_type == "text/css; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")


def test_the_ids_on_the_page_are_where_its_links_lead(client: FlaskClient) -> None:
    page = client.get("/docs").get_data(as_text=True)

    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r' id="([^"]+)"', page))
