"""Dead letters over HTTP: listed, retried, dropped; nothing that is sent there is answered with a 5xx."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from webapp.routes.webhooks import PREFIX
from workflow_fsm import Discard, Transition, Workflow

PATH = f"{PREFIX}/deadletters"


def dead_letters(client: FlaskClient, **query: object) -> list[dict[str, Any]]:
    told = client.get(PATH, query_string=query).get_json()
    return list(told["deadletters"])


def refuse(workflow: Workflow, user_id: str = "u1") -> None:
    """Bring a rejection of a paid claim, which is refused."""
    workflow.fire_many(
        [
            {"trigger": "sync_complete", "user_id": user_id, "sync_id": "s1"},
            {
                "trigger": "detection_complete",
                "user_id": user_id,
                "sync_id": "s1",
                "claims": [{"claim_id": "c1"}, {"claim_id": "c2"}],
            },
            {"trigger": "payout_received", "user_id": user_id, "claim_id": "c1", "amount": "1.00"},
            {"trigger": "claim_rejected", "user_id": user_id, "claim_id": "c1", "event_id": "no"},
        ]
    )


def lose_money(workflow: Workflow) -> None:
    """Bring a payout that could be for two claims."""
    refuse(workflow)
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=[{"claim_id": "c3"}])
    workflow.fire("payout_received", user_id="u1", amount="7.00", event_id="money")


def fail_effect(workflow: Workflow) -> None:
    """Leave an effect that its handler gave up."""

    @workflow.on_enter("synced")
    def give_up(transition: Transition) -> None:
        raise Discard("no use")

    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    workflow.run_effects()


def test_dead_letters_are_listed_with_all_their_facts(client: FlaskClient, workflow: Workflow) -> None:
    refuse(workflow)
    answer = client.get(PATH)

    assert answer.status_code == 200
    told = answer.get_json()
    [dead_letter] = told["deadletters"]
    assert (dead_letter.pop("id"), dead_letter.pop("reason")) > ("", "")
    assert dead_letter == {
        "kind": "event",
        "user_id": "u1",
        "claim_id": "c1",
        "trigger": "claim_rejected",
        "amount": None,
        "currency": None,
        "handler": None,
        "error": None,
        "attempts": None,
        "at": "2026-03-01T12:00:00.000000Z",
        "event_id": "no",
        "candidates": [],
        "conflicts_with": None,
    }
    assert told["next_cursor"] is None


def test_a_dead_effect_has_its_handlers_last_traceback(client: FlaskClient, workflow: Workflow) -> None:
    """ ""error" (a handler's traceback) ◆" """
    fail_effect(workflow)
    [dead_letter] = dead_letters(client)
    assert dead_letter["error"].startswith("Traceback (most recent call last):\n")
    assert dead_letter["error"].endswith("Discard: no use")
    assert dead_letter["reason"] == "no use"


def test_kinds_and_users_are_told_apart(client: FlaskClient, workflow: Workflow) -> None:
    fail_effect(workflow)
    refuse(workflow, "u2")

    assert [(one["kind"], one["user_id"]) for one in dead_letters(client)] in (
        [("effect", "u1"), ("event", "u2")],
        [("event", "u2"), ("effect", "u1")],
    )
    assert [one["user_id"] for one in dead_letters(client, kind="event")] == ["u2"]
    assert [one["handler"] for one in dead_letters(client, kind="effect")] == ["give_up"]
    assert [one["user_id"] for one in dead_letters(client, user_id="u2")] == ["u2"]
    assert dead_letters(client, kind="effect", user_id="u2") == []
    assert dead_letters(client, user_id="nobody") == []


def test_pages_follow_each_other(client: FlaskClient, workflow: Workflow) -> None:
    for number in range(5):
        refuse(workflow, f"u{number}")
    seen, cursor = [], None
    while True:
        query = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
        told = client.get(PATH, query_string=query).get_json()
        seen += [one["user_id"] for one in told["deadletters"]]
        cursor = told["next_cursor"]
        if cursor is None:
            break

    assert seen == ["u0", "u1", "u2", "u3", "u4"]


def opaque(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=events", "kind"),
        ("kind=", "kind"),
        ("user_id=", "user_id"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=", "cursor"),
        ("cursor=1", "cursor"),
        ("cursor=%F0%9F%98%80", "cursor"),
        ("cursor=" + "W" * 4000, "cursor"),
        ("cursor=" + opaque("a", "b", "c"), "cursor"),
        ("cursor=" + opaque("a", "b", 10**30), "cursor"),
        ("cursor=" + opaque("a", "b", float("inf")), "cursor"),
        ("cursor=" + opaque("a", "\ud800", 1), "cursor"),
        ("cursor=" + opaque("\ud800", "b", 1), "cursor"),
        ("kind=%ff", ""),
    ],
)
def test_a_bad_query_is_400(client: FlaskClient, query: str, field: str) -> None:
    answer = client.get(f"{PATH}?{query}")

    assert answer.status_code == 400
    told = answer.get_json(force=True)
    assert told["type"].endswith("/invalid-request")
    assert [fault["field"] for fault in told["errors"]] == [field]


BAD_IDS = [
    "1",
    "x" * 4000,
    "%F0%9F%98%80",
    "a%00b",
    opaque("u1", "event", 99),
    opaque("u1", "effect", 99),
    opaque("u1", "event", -1),
    opaque("u1", "event", 10**30),
    opaque("u1", "effect", 10**30),
    opaque("u1", "event", True),
    opaque("u1", "event", 1.5),
    opaque("\ud800", "event", 1),
    opaque("\ud800", "effect", 1),
    opaque("u1", "other", 1),
    opaque(None, "event", 1),
    opaque("u1", "event", 1)[:-1],
]


@pytest.mark.parametrize("letter_id", BAD_IDS)
@pytest.mark.parametrize("act", ["retry", "drop"])
def test_an_id_that_is_none_is_404(client: FlaskClient, workflow: Workflow, act: str, letter_id: str) -> None:
    refuse(workflow)
    answer = client.post(f"{PATH}/{letter_id}/{act}", json={"reason": "r"})

    assert answer.status_code == 404
    assert answer.get_json(force=True)["type"].endswith("/dead-letter-unknown")


@pytest.mark.parametrize("how", [{}, {"json": {}}, {"data": b"", "content_type": "text/plain"}])
def test_an_event_that_is_refused_again_is_409(
    client: FlaskClient, workflow: Workflow, how: dict[str, Any]
) -> None:
    refuse(workflow)
    [dead_letter] = dead_letters(client)
    answer = client.post(f"{PATH}/{dead_letter['id']}/retry", **how)

    assert answer.status_code == 409
    told = answer.get_json(force=True)
    assert told["type"].endswith("/not-allowed")
    assert (told["event_id"], told["state"]) == ("no", "paid")
    assert len(dead_letters(client)) == 1


def test_money_is_given_to_the_claim_that_it_is_for(client: FlaskClient, workflow: Workflow) -> None:
    lose_money(workflow)
    [money] = [one for one in dead_letters(client) if one["event_id"] == "money"]
    waits = client.post(f"{PATH}/{money['id']}/retry")
    assert (waits.status_code, waits.get_json()["status"]) == (202, "deferred")
    answer = client.post(f"{PATH}/{money['id']}/retry", json={"claim_id": "c3", "reason": "told by phone"})

    assert answer.status_code == 200
    told = answer.get_json()
    assert told["status"] == "applied"
    assert [(one["claim_id"], one["to"]) for one in told["transitions"]] == [("c3", "paid")]
    assert [one["event_id"] for one in dead_letters(client)] == ["no"]
    gone = client.post(f"{PATH}/{money['id']}/retry")
    assert gone.status_code == 404


def test_a_dead_effect_is_owed_again(client: FlaskClient, workflow: Workflow) -> None:
    fail_effect(workflow)
    [dead_letter] = dead_letters(client)
    answer = client.post(f"{PATH}/{dead_letter['id']}/retry")

    assert (answer.status_code, answer.get_json()) == (200, {"status": "owed"})
    assert [one["handler"] for one in workflow.owed()] == ["give_up"]
    assert dead_letters(client) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"claim_id": 1}, "claim_id"),
        ({"claim_id": ""}, "claim_id"),
        ({"claim_id": " c3"}, "claim_id"),
        ({"claim_id": "c\u0000"}, "claim_id"),
        ({"claim_id": "c" * 256}, "claim_id"),
        ({"claim_id": ["c3"]}, "claim_id"),
        ({"reason": 1}, "reason"),
        ({"reason": " "}, "reason"),
        ({"currency": 7}, "currency"),
        ({"currency": "XXY"}, "currency"),
        ({"line_id": "l" * 256}, "line_id"),
    ],
)
def test_a_bad_retry_is_400_and_changes_nothing(
    client: FlaskClient, workflow: Workflow, body: dict[str, Any], field: str
) -> None:
    lose_money(workflow)
    before = dead_letters(client)
    [money] = [one for one in before if one["event_id"] == "money"]
    answer = client.post(f"{PATH}/{money['id']}/retry", json=body)

    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.get_json(force=True)["errors"]] == [field]
    assert dead_letters(client) == before


@pytest.mark.parametrize("value", [7, "", " x", "x\u0000", "x" * 256, ["x"], {}, True])
@pytest.mark.parametrize("name", ["claim_id", "amazon_case_id", "line_id", "original_reimbursement_id"])
def test_a_retry_says_of_a_bad_id_what_an_event_does(
    client: FlaskClient, workflow: Workflow, name: str, value: object
) -> None:
    """One fault has one sentence, and "every wrong field at once" is told."""
    lose_money(workflow)
    [money] = [one for one in dead_letters(client) if one["event_id"] == "money"]
    event = {"user_id": "u1", "amount": "1.00", name: value}
    [fault] = client.post("/api/v1/workflow/payout/reversed", json=event).get_json(force=True)["errors"]

    answer = client.post(f"{PATH}/{money['id']}/retry", json={name: value, "force": 1, "reason": 7})

    told = answer.get_json(force=True)["errors"]
    assert [one["field"] for one in told] == ["force", name, "reason"]
    assert told[1] == fault


def test_a_retry_that_names_a_claim_for_a_letter_without_one_is_400(
    client: FlaskClient, workflow: Workflow
) -> None:
    fail_effect(workflow)
    [dead_letter] = dead_letters(client)
    answer = client.post(f"{PATH}/{dead_letter['id']}/retry", json={"claim_id": "c1"})

    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.get_json(force=True)["errors"]] == ["claim_id"]
    assert dead_letters(client) == [dead_letter]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b"[]", "content_type": "application/json"}, 400),
        ({"data": b"null", "content_type": "application/json"}, 400),
        ({"data": b"{}", "content_type": "text/plain"}, 415),
        ({"data": b"\xff", "content_type": "application/json"}, 400),
    ],
)
@pytest.mark.parametrize("act", ["retry", "drop"])
def test_a_body_that_can_t_be_read_is_4xx(
    client: FlaskClient, workflow: Workflow, act: str, how: dict[str, Any], code: int
) -> None:
    refuse(workflow)
    [dead_letter] = dead_letters(client)

    assert client.post(f"{PATH}/{dead_letter['id']}/{act}", **how).status_code == code
    assert dead_letters(client) == [dead_letter]


def test_a_drop_needs_a_reason_and_ends_the_letter(client: FlaskClient, workflow: Workflow) -> None:
    refuse(workflow)
    [dead_letter] = dead_letters(client)
    path = f"{PATH}/{dead_letter['id']}/drop"
    for reason in (None, "", "  ", 1, ["r"], "r" * 1001):
        answer = client.post(path, json={"reason": reason})
        assert answer.status_code == 400
        assert [fault["field"] for fault in answer.get_json(force=True)["errors"]] == ["reason"]
    assert client.post(path, json={}).status_code == 400
    assert client.post(path).status_code == 415

    answer = client.post(path, json={"reason": "agreed with the seller"})
    assert (answer.status_code, answer.get_json()) == (200, {"status": "dropped"})
    assert dead_letters(client) == []
    assert client.post(path, json={"reason": "again"}).status_code == 404
    assert workflow.check().sound


def test_a_dead_effect_is_dropped(client: FlaskClient, workflow: Workflow) -> None:
    fail_effect(workflow)
    [dead_letter] = dead_letters(client)
    answer = client.post(f"{PATH}/{dead_letter['id']}/drop", json={"reason": "done by hand"})

    assert answer.get_json() == {"status": "dropped"}
    assert (dead_letters(client), workflow.owed()) == ([], [])
    assert workflow.check().sound
