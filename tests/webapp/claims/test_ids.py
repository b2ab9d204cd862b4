"""Ids of events: each that is given counts, in headers and bodies, alone and by its place in a batch."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.webapp.claims.conftest import Post
from tests.webapp.conftest import Api

Letters = Callable[..., list[dict[str, Any]]]


def pay(post: Post, headers: dict[str, str], **body: Any) -> tuple[int, str, str]:
    answer = post("payout/received", headers=headers, claim_id="c1", **{"amount": "7.00", **body})
    told = answer.json()
    return answer.status_code, told["status"], told["event_id"]


def test_the_first_of_the_ids_is_named_and_any_of_them_makes_a_repeat(
    find: Callable[..., None], post: Post, status: Callable[[], Any]
) -> None:
    """ "the first of these is the one that answers and history name, and any of them makes it a repeat" """
    find("c1")

    first = pay(post, {"webhook-id": "w1", "Idempotency-Key": '"k1"'}, event_id="e1")

    assert first == (200, "applied", "w1")
    assert pay(post, {"webhook-id": "w1"}) == (200, "duplicate", "w1")
    assert pay(post, {"Idempotency-Key": "k1"}) == (200, "duplicate", "w1")
    assert pay(post, {}, event_id="e1") == (200, "duplicate", "w1")
    assert status()["recovered"] == {"USD": "7.00"}


def test_a_proxy_that_mints_a_header_at_each_try_hides_no_repeat(
    find: Callable[..., None], post: Post, status: Callable[[], Any]
) -> None:
    """ "what a repeat brings besides belongs to that event from then on" """
    find("c1")

    assert pay(post, {"webhook-id": "w1"}, event_id="e1") == (200, "applied", "w1")
    assert pay(post, {"webhook-id": "w2"}, event_id="e1") == (200, "duplicate", "w1")
    assert pay(post, {"webhook-id": "w2"}) == (200, "duplicate", "w1")
    assert status()["recovered"] == {"USD": "7.00"}


def test_what_is_not_listed_makes_no_content_differ(find: Callable[..., None], post: Post) -> None:
    """ "(a sender's `attempt` or `sent_at` changes nothing)" """
    find("c1")

    assert pay(post, {}, event_id="e1", attempt=1, sent_at="now") == (200, "applied", "e1")
    assert pay(post, {}, event_id="e1", attempt=2, sent_at="later") == (200, "duplicate", "e1")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"webhook-id": "e1"}, {"amount": "8.00"}),
        ({"webhook-id": "e1", "Idempotency-Key": "e2"}, {}),
        ({"webhook-id": "fresh", "Idempotency-Key": "e2"}, {"amount": "9.00"}),
    ],
    ids=["other content", "ids of two events", "a fresh id beside a known one"],
)
def test_a_conflict_of_ids_is_422_and_kept_once_as_refused(
    find: Callable[..., None],
    post: Post,
    letters: Letters,
    status: Callable[[], Any],
    headers: dict[str, str],
    body: dict[str, Any],
) -> None:
    """ "two ids of two events: 422, and it is kept once under an id made for it, as a refused event" """
    find("c1")
    pay(post, {}, event_id="e1")
    pay(post, {}, event_id="e2", amount="8.00")

    codes = [
        post("payout/received", headers=headers, claim_id="c1", **{"amount": "7.00", **body}).status_code
    ]
    codes += [
        post("payout/received", headers=headers, claim_id="c1", **{"amount": "7.00", **body}).status_code
    ]

    assert codes == [422, 422]
    [kept] = letters()
    assert kept["event_id"] not in ("e1", "e2", "fresh")
    assert "under an id of its own" in kept["reason"]
    assert status()["recovered"] == {"USD": "15.00"}
    assert status()["unapplied"] == {}


def test_every_bad_id_is_named_at_once(post: Post) -> None:
    answer = post(
        "sync/complete", headers={"webhook-id": "x" * 256, "Idempotency-Key": "y" * 256}, event_id=" z"
    )

    assert answer.status_code == 400
    assert {fault["field"] for fault in answer.json()["errors"]} == {
        "webhook-id",
        "Idempotency-Key",
        "event_id",
    }


# -- a batch


def batch(api: Api, user: str, headers: dict[str, str], *ids: str | None) -> list[tuple[int, str, str]]:
    events = [
        {"trigger": "payout_received", "user_id": user, "claim_id": "c1", "amount": "7.00"}
        | ({} if one is None else {"event_id": one})
        for one in ids
    ]
    answers = api.post("events", events, headers=headers).json()
    return [(one["code"], one["status"], one["event_id"]) for one in answers]


@pytest.mark.parametrize("header", ["webhook-id", "Idempotency-Key"])
def test_an_event_of_a_batch_has_the_requests_id_and_its_place(
    find: Callable[..., None], api: Api, user: str, status: Callable[[], Any], header: str
) -> None:
    """ "one without an id takes the request's `webhook-id` or `Idempotency-Key` and its place" """
    find("c1")

    first = batch(api, user, {header: "ID"}, None, "own", None)
    again = batch(api, user, {header: "ID"}, None, "own", None)

    assert first == [(200, "applied", "ID#0"), (200, "applied", "own"), (200, "applied", "ID#2")]
    assert again == [(200, "duplicate", "ID#0"), (200, "duplicate", "own"), (200, "duplicate", "ID#2")]
    assert status()["recovered"] == {"USD": "21.00"}


def test_an_event_of_a_batch_that_has_an_id_of_its_own_takes_none_of_the_requests(
    find: Callable[..., None], api: Api, user: str, status: Callable[[], Any]
) -> None:
    find("c1")
    batch(api, user, {"webhook-id": "ID"}, "own")

    assert batch(api, user, {"webhook-id": "ID"}, None) == [(200, "applied", "ID#0")]
    assert status()["recovered"] == {"USD": "14.00"}


def test_a_batch_whose_webhook_id_a_proxy_mints_counts_once_by_its_key(
    find: Callable[..., None], api: Api, user: str, status: Callable[[], Any]
) -> None:
    find("c1")
    batch(api, user, {"webhook-id": "w1", "Idempotency-Key": '"K"'}, None)
    again = batch(api, user, {"webhook-id": "w2", "Idempotency-Key": '"K"'}, None)

    assert again == [(200, "duplicate", "w1#0")]
    assert status()["recovered"] == {"USD": "7.00"}


def test_a_line_of_ndjson_has_its_place_too(find: Callable[..., None], api: Api, user: str) -> None:
    find("c1")
    line = json.dumps({"trigger": "payout_received", "user_id": user, "claim_id": "c1", "amount": "7.00"})
    headers = {"Content-Type": "application/x-ndjson", "webhook-id": "ID"}
    answers = api.post("events", data=f"{line}\nnonsense\n{line}\n", headers=headers).json()

    assert [one.get("event_id") for one in answers] == ["ID#0", None, "ID#2"]


@pytest.mark.parametrize("key", ['"never closed', "x" * 255, '""'])
def test_a_bad_header_harms_only_the_events_that_need_it(
    find: Callable[..., None], api: Api, user: str, key: str
) -> None:
    find("c1")
    own = {"trigger": "payout_received", "user_id": user, "claim_id": "c1", "amount": "7.00", "event_id": "e"}
    without = {name: value for name, value in own.items() if name != "event_id"}
    answers = api.post("events", [own, without], headers={"Idempotency-Key": key}).json()

    assert [one["code"] for one in answers] == [200, 400]
    assert [fault["field"] for fault in answers[1]["errors"]] == ["Idempotency-Key"]
