"""Names of claims: linked, merged and taken away over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.webapp.claims.conftest import Post
from tests.webapp.http.keys import API_TOKEN, token
from webapp.http.problem_kinds import DOCS
from webapp.routes.webhooks import PREFIX

Status = Callable[[], dict[str, Any]]


def claim(status: Status, claim_id: str) -> dict[str, Any]:
    [found] = [one for one in status()["claims"] if one["claim_id"] == claim_id]
    return dict(found)


def named(answer: Any) -> dict[str, str]:
    """Give what a problem says was named."""
    return {
        name: answer.json()[name] for name in ("alias", "claim_id", "amazon_case_id") if name in answer.json()
    }


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    return answer.status_code, told["type"].removeprefix(f"{DOCS}/")


def test_linking_a_detected_claims_id_merges_that_claim(
    find: Callable[..., None], post: Post, status: Status
) -> None:
    """ "it takes no further part, is shown with `merged_into`, and counts nowhere" """
    find("c1", "c2")

    for _ in range(2):
        answer = post("claims/link", claim_id="c1", alias="c2")
        assert (answer.status_code, answer.json()) == (200, {"status": "linked"})

    assert claim(status, "c2")["merged_into"] == "c1"
    assert claim(status, "c1")["aliases"] == ["c2"]
    assert status()["counts"] == {"detected": 1}
    assert post("payout/received", claim_id="c2", amount="3.00").json()["transitions"][0]["claim_id"] == "c1"


@pytest.mark.parametrize(
    ("route", "body"),
    [("claim/submitted", {"case_id": "k"}), ("payout/received", {"amount": "1.00"})],
    ids=["filing", "money"],
)
def test_a_claim_with_a_filing_or_money_is_not_merged(
    find: Callable[..., None], post: Post, status: Status, route: str, body: dict[str, Any]
) -> None:
    """ "where it has neither filing nor money (else 409)" """
    find("c1", "c2")
    assert post(route, claim_id="c2", **body).status_code == 200
    before = status()

    answer = post("claims/link", claim_id="c1", alias="c2")

    assert problem(answer) == (409, "merge-refused")
    assert (answer.json()["claim_id"], answer.json()["alias"]) == ("c1", "c2")
    assert status() == before


def test_an_alias_is_taken_away_once(find: Callable[..., None], post: Post, status: Status) -> None:
    """ "`POST claims/unlink` …: 200 `{"status": "unlinked"}`, 404 where it is nobody's" """
    find("c1")
    post("claims/link", claim_id="c1", alias="d1")

    answer = post("claims/unlink", alias="d1")

    assert (answer.status_code, answer.json()) == (200, {"status": "unlinked"})
    assert claim(status, "c1")["aliases"] == []
    again = post("claims/unlink", alias="d1")
    assert problem(again) == (404, "name-unknown")
    assert named(again) == {"alias": "d1"}


def test_a_case_that_never_was_the_claims_is_taken_away(
    find: Callable[..., None], post: Post, status: Status
) -> None:
    """ "where none is `filed` any more … and one was rejected, a `submitted` claim moves" """
    find("c1")
    post("claim/submitted", claim_id="c1", case_id="k1")
    post("claim/submitted", claim_id="c1", case_id="k2")
    post("claim/rejected", case_id="k1")
    assert claim(status, "c1")["state"] == "submitted"
    assert [(one["amazon_case_id"], one["state"]) for one in claim(status, "c1")["cases"]] == [
        ("k2", "filed"),
        ("k1", "rejected"),
    ]

    answer = post("claims/unlink", claim_id="c1", amazon_case_id="k2", alias=None)

    assert (answer.status_code, answer.json()) == (200, {"status": "unlinked"})
    assert claim(status, "c1")["state"] == "rejected"
    assert [one["amazon_case_id"] for one in claim(status, "c1")["cases"]] == ["k1"]
    again = post("claims/unlink", claim_id="c1", amazon_case_id="k2")
    assert problem(again) == (404, "name-unknown")
    assert named(again) == {"claim_id": "c1", "amazon_case_id": "k2"}


def test_what_stays_is_409(find: Callable[..., None], post: Post) -> None:
    """ "409 for a merged claim's own name, or a case under which money was booked" """
    find("c1", "c2")
    post("claims/link", claim_id="c1", alias="c2")
    post("payout/received", claim_id="c1", case_id="k1", amount="2.00")

    merged = post("claims/unlink", alias="c2")
    assert problem(merged) == (409, "unlink-refused")
    assert named(merged) == {"alias": "c2"}
    booked = post("claims/unlink", claim_id="c1", amazon_case_id="k1")
    assert problem(booked) == (409, "unlink-refused")
    assert named(booked) == {"claim_id": "c1", "amazon_case_id": "k1"}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["alias"]),
        ({"user_id": None, "alias": "a"}, ["user_id"]),
        ({"alias": ""}, ["alias"]),
        ({"alias": " a"}, ["alias"]),
        ({"alias": "a\u0000"}, ["alias"]),
        ({"alias": "a" * 256}, ["alias"]),
        ({"alias": ["a"]}, ["alias"]),
        ({"alias": {"a": 1}}, ["alias"]),
        ({"alias": True}, ["alias"]),
        ({"alias": 7}, ["alias"]),
        ({"claim_id": "c1"}, ["amazon_case_id"]),
        ({"amazon_case_id": "k1"}, ["claim_id"]),
        ({"alias": "a", "claim_id": "c1"}, ["alias"]),
        ({"alias": "a", "amazon_case_id": "k1"}, ["alias"]),
        ({"claim_id": "c1", "amazon_case_id": ""}, ["amazon_case_id"]),
        ({"claim_id": "c1", "amazon_case_id": 1.5}, ["amazon_case_id"]),
        ({"claim_id": [], "amazon_case_id": {}}, ["claim_id", "amazon_case_id"]),
        ({"user_id": 7, "alias": "a"}, ["user_id"]),
        ({"user_id": "u" * 256, "alias": "a"}, ["user_id"]),
        ({"user_id": 7, "alias": 7}, ["user_id", "alias"]),
    ],
)
def test_an_unlink_that_is_not_well_formed_is_400(post: Post, body: dict[str, Any], wrong: list[str]) -> None:
    """ "`errors` (every wrong field at once: `[{"field", "reason"}]`)" """
    answer = post("claims/unlink", **body)

    assert problem(answer) == (400, "invalid-event")
    assert [fault["field"] for fault in answer.json()["errors"]] == wrong


def test_an_unlink_is_for_senders_and_what_is_done_with_letters_for_the_operator(
    guarded: FlaskClient,
) -> None:
    """ "`claims/unlink` … are for signed senders, service workers and the operator" """
    user = {"Authorization": f"Bearer {token({'user_id': 'u', 'exp': 2_000_000_000})}"}
    operator = {"Authorization": f"Bearer {API_TOKEN}"}
    worker = {"Authorization": f"Bearer {token({'role': 'service_worker', 'exp': 2_000_000_000})}"}
    body = {"user_id": "u", "alias": "a"}

    def codes(path: str) -> list[int]:
        return [
            guarded.post(f"{PREFIX}/{path}", json=body, headers=headers).status_code
            for headers in ({}, user, worker, operator)
        ]

    assert codes("claims/unlink") == [401, 403, 404, 404]
    assert codes("deadletters/none/restore") == [401, 403, 403, 404]
