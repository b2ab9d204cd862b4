"""The description as a whole: an OpenAPI 3.1 document of the service that a workflow is behind.

Decides how the parts stand together. Which routes there are, and what each answers, stands in `routes`; what
is sent and answered in `requests` and `answers`. What depends on the settings is told as it is here: which
credentials are taken, and how a refusal is answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

from webapp.access.authorization import ACCESS, JWT, SECRETS, TAKEN, TOKEN, Access, configured
from webapp.access.origins import Origins
from webapp.access.sessions import COOKIE, CSRF_FIELD, CSRF_HEADER, SAFE
from webapp.http.problem_kinds import DOCS, KINDS
from webapp.http.request_body import FORM_TYPE
from webapp.http.response import JSON_TYPE, PROBLEM_TYPE
from webapp.routes.openapi import answers, outwards, requests
from webapp.routes.openapi.parts import REFUSED, ref
from webapp.routes.openapi.route import TAGS, Route
from webapp.routes.openapi.routes import routes
from webapp.settings import ServiceSettings
from workflow_fsm.core.definition import Definition
from workflow_fsm.workflow import Workflow

ALWAYS = ("internal-error", "store-unavailable")
"""Problems of every route that asks the store."""
OF_A_BODY = ("malformed-body", "too-large", "unsupported-media-type")
"""Problems of every route that reads a body."""
OF_A_LARGE_BODY = ("too-much-at-once",)
"""Problems of those whose bodies may be large: a form's may not."""
SCHEMES = {SECRETS: "signature", TOKEN: "operator", JWT: "token"}
"""The scheme of each variable that may hold a secret."""


def document(workflow: Workflow, settings: ServiceSettings) -> dict[str, Any]:
    """Give the whole description of the service that a workflow is behind."""
    definition = workflow.definition
    paths: dict[str, dict[str, Any]] = {}
    for route in routes(definition):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, settings)
    sent = outwards.webhooks()
    taken = {
        name
        for path in (*paths.values(), *sent.values())
        for operation in path.values()
        for way in operation["security"]
        for name in way
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "workflow-fsm",
            "version": _version(),
            "summary": "Carries reimbursement claims through their life by webhooks in any order.",
            "description": _INTRODUCTION,
            "contact": {"name": "workflow-fsm", "url": DOCS.removesuffix("/reference/problems")},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": name, "description": told} for name, told in {**TAGS, outwards.TAG: _SENT}.items()],
        "paths": paths,
        "webhooks": sent,
        "components": {
            "schemas": {
                **requests.schemas(definition),
                **_answered(definition, settings),
                **outwards.schemas(),
            },
            "parameters": requests.PARAMETERS,
            "securitySchemes": {name: one for name, one in _SECURITY.items() if name in taken},
        },
    }


def examples() -> list[dict[str, Any]]:
    """Give the requests of one story, in order, each with the answer that it got; the tests run them."""
    told: list[dict[str, Any]] = json.loads(
        files("webapp").joinpath("static/examples.json").read_text(encoding="utf-8")
    )
    return told


_INTRODUCTION = """\
JSON in, JSON out. A body is read strictly: UTF-8 without a byte order mark, at most 10 MiB and 32 levels
deep, each key once in its object. In bodies `null` is the same as absent for what is not required, and what
is not listed is kept with the event. Every error is `application/problem+json` (RFC 9457), and its `type` is
a page of the docs. Each `GET` answers `HEAD` too, each path `OPTIONS`; another method is 405 and names in
`Allow` those that there are. The web server itself may answer 400, 431 or 505 to what is hardly HTTP."""

_RETRY_AFTER = {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}}
_TOO_LARGE_A_HEAD = {"description": "The request's head is too large, as the web server says by itself."}
_SENT = "What this service sends to others."
_SECURITY: Mapping[str, Any] = {
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks 1.0: `v1,` and the base64 of HMAC-SHA256 over "
        "`{webhook-id}.{webhook-timestamp}.{body}`; several are separated by blanks. The headers "
        "`webhook-id` and `webhook-timestamp` (seconds since 1970, at most five minutes off) belong to it. "
        f"Taken where `{SECRETS}` is set.",
    },
    "operator": {
        "type": "http",
        "scheme": "bearer",
        "description": f"The operator's token, for every route and user: that of `{TOKEN}`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"The operator, signed in at `/login`. Taken where `{TOKEN}` is set.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": f"The session's CSRF token; a form may send it as its field `{CSRF_FIELD}`.",
    },
    outwards.SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "description": "What `INTEGRATIONS_API_KEY` holds, sent with what this service asks of others.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "HS256 with `exp`. `user_id` (or `sub`) may read that user's status, history and "
        f"WebSocket; `role: service_worker` may post webhooks. Taken where `{JWT}` is set.",
    },
}


def _answered(definition: Definition, settings: ServiceSettings) -> dict[str, Any]:
    """Give the schemas of what is answered; a refusal's where it is no problem."""
    schemas = answers.schemas(definition)
    if settings.refusal_status != 200:
        del schemas["Refused"]
    return schemas


def _version() -> str:
    try:
        return version("workflow-fsm")
    except PackageNotFoundError:  # a tree that was never installed
        return "0"


def _operation(route: Route, settings: ServiceSettings) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": route.endpoint,
        "tags": [route.tag],
        "summary": route.summary,
        "description": route.description or f"{route.summary.removesuffix('?')}.",
    }
    if route.parameters:
        told["parameters"] = [ref(f"parameters/{name}") for name in route.parameters]
    own = [one for one in examples() if one["endpoint"] == route.endpoint]
    if route.body is not None:
        told["requestBody"] = {
            "required": route.body_required,
            "content": {
                media: {"schema": schema, **_requests(one for one in own if media == JSON_TYPE)}
                for media, schema in route.body.items()
            },
        }
    access = ACCESS.get(route.endpoint, Access.OPERATOR)
    guarded = settings.asks_for_credentials and access is not Access.EVERYBODY
    told["responses"] = _responses(route, own, settings, guarded=guarded)
    told["security"] = _security(access, settings, route.method) if guarded else []
    return told


def _security(access: Access, settings: ServiceSettings, method: str) -> list[dict[str, list[str]]]:
    """Give what a route takes of what is configured; where that is nothing, what it would take."""
    taken = configured(access, settings) or TAKEN[access]
    session: dict[str, list[str]] = {"session": []} if method in SAFE else {"session": [], "csrf": []}
    ways: list[dict[str, list[str]]] = [{SCHEMES[name]: []} for name in taken]
    return [*ways, session] if TOKEN in taken else ways


def _responses(
    route: Route, own: list[dict[str, Any]], settings: ServiceSettings, *, guarded: bool
) -> dict[str, Any]:
    told: dict[str, Any] = {}
    refused_as_200 = settings.refusal_status == 200 and "not-allowed" in route.problems
    for code, (description, content) in route.answers.items():
        schemas = dict(content)
        if code == 200 and refused_as_200 and JSON_TYPE in schemas:
            schemas[JSON_TYPE] = {"anyOf": [schemas[JSON_TYPE], REFUSED]}
        told[str(code)] = {"description": description}
        if schemas:
            told[str(code)]["content"] = {
                media: {
                    "schema": schema,
                    **_answers(one for one in own if one["code"] == code and media == JSON_TYPE),
                }
                for media, schema in schemas.items()
            }
    names = list(route.problems)
    if route.body is not None:
        names += OF_A_BODY
        names += () if FORM_TYPE in route.body else OF_A_LARGE_BODY
    if route.asks_the_store:
        names += ALWAYS
    if guarded:
        names += ["unauthorized", "forbidden"]
        if route.method not in SAFE and settings.api_token is not None:
            names.append("csrf-refused")
    if Origins.of(settings).checks_hosts:
        names.append("origin-refused")
    if refused_as_200:
        names.remove("not-allowed")
    for code in sorted({KINDS[name].status for name in names}):
        kinds = [KINDS[name] for name in dict.fromkeys(names) if KINDS[name].status == code]
        told[str(code)] = {
            "description": "; ".join(f"`{kind.code}`: {kind.title}" for kind in kinds),
            "content": {
                PROBLEM_TYPE: {
                    "schema": ref("schemas/Problem"),
                    **_answers(one for one in own if one["code"] == code),
                }
            },
        }
        if code in (429, 503):
            told[str(code)]["headers"] = {
                "Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}
            }
        if code == 401:
            told["401"]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if not any(code.startswith("4") for code in told):
        told["431"] = {
            "description": "The request's head is too large: the web server says so, and no problem."
        }
    return dict(sorted(told.items()))


def _requests(shown: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return _shown({one["name"]: one["body"] for one in shown if "body" in one and one["code"] < 207})


def _answers(shown: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return _shown({one["name"]: one["answer"] for one in shown})


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"examples": {name: {"value": value} for name, value in values.items()}} if values else {}
