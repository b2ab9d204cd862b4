"""The fields of each trigger: required ones, aliases, nulls, hints, and what is refused, never repaired."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.acts import claim, detect_plainly, faults, find, pay, reject, status, submit, sync
from workflow_fsm import InvalidEvent, Workflow

ALL = (
    "sync_complete",
    "detection_complete",
    "evidence_matching_complete",
    "claim_submitted",
    "claim_rejected",
    "payout_received",
    "payout_reversed",
)


@pytest.mark.parametrize("trigger", ALL)
def test_the_required_fields_are_named_all_at_once(in_memory: Workflow, trigger: str) -> None:
    """ "route | required": `user_id`, and `amount` for payouts, with
    "`errors` (every wrong field at once" """
    required = {"user_id", "amount"} if trigger.startswith("payout") else {"user_id"}
    assert set(faults(in_memory, trigger, user_id=None)) == required
    (error,) = in_memory.fire_many([{"trigger": trigger}])
    assert isinstance(error, InvalidEvent)
    assert {fault.field for fault in error.errors} == required
    assert all(fault.reason == "is required" for fault in error.errors)


def test_every_wrong_field_is_named_at_once(in_memory: Workflow) -> None:
    """ "`errors` (every wrong field at once: `[{"field", "reason"}]`)" """
    wrong = faults(
        in_memory,
        "payout_received",
        user_id=5,
        amount="x",
        currency="??",
        claim_id="",
        amazon_case_id=[],
        reimbursement_id=" r",
        sync_id="\n",
        event_id="",
        occurred_at="yesterday",
    )
    assert sorted(wrong) == sorted(
        [
            "user_id",
            "amount",
            "currency",
            "claim_id",
            "amazon_case_id",
            "reimbursement_id",
            "sync_id",
            "event_id",
            "occurred_at",
        ]
    )
    assert in_memory.status("5") is None


@pytest.mark.parametrize("field", ["claim_id", "sync_id", "event_id", "amazon_case_id"])
@pytest.mark.parametrize(
    "wrong",
    ["", " a", "a ", "a\n", "\ta", "a\x00b", "a\x7f", "a\x85b", "\u00a0a", "x" * 256, 5, True, [], {}],
)
def test_an_id_is_plain_text_of_1_to_255_characters(in_memory: Workflow, field: str, wrong: object) -> None:
    """ "an id 1 to 255 characters without control characters or surrounding blanks; … wrong types in listed
    fields … are refused, never repaired" """
    assert faults(in_memory, "claim_submitted", **{field: wrong}) == [field]


@pytest.mark.parametrize("good", ["x" * 255, "a b", "é", "日本", "a/b?c#d%20", "'; DROP TABLE users", "🙂"])
def test_any_other_text_is_an_id(in_memory: Workflow, good: str) -> None:
    """ "A user id in a path is any string" and "an id 1 to 255 characters" """
    find(in_memory, good, sync_id=good, user_id=good)
    assert in_memory.fire("claim_submitted", user_id=good, claim_id=good, event_id=good).status == "applied"
    assert status(in_memory, good).claims[0].claim_id == good


@pytest.mark.parametrize(
    ("trigger", "name", "alias", "one", "other"),
    [
        ("detection_complete", "sync_id", "detection_job_id", "s1", "s2"),
        ("detection_complete", "claims", "claims_found", [{"claim_id": "c1"}], [{"claim_id": "c2"}]),
        ("evidence_matching_complete", "matches", "matching_results", [{"claim_id": "c1"}], []),
        ("claim_submitted", "amazon_case_id", "case_id", "K1", "K2"),
        ("claim_rejected", "amazon_case_id", "case_id", "K1", "K2"),
        ("claim_rejected", "rejection_reason", "reason", "late", "later"),
        ("payout_received", "amazon_case_id", "case_id", "K1", "K2"),
        ("payout_reversed", "amazon_case_id", "case_id", "K1", "K2"),
    ],
)
def test_a_name_and_its_alias_count_once_and_must_not_differ(
    in_memory: Workflow, trigger: str, name: str, alias: str, one: object, other: object
) -> None:
    """ "A name and its alias may come together with equal content, which counts once; with different
    content it is an error." """
    money = {"amount": "1"} if trigger.startswith("payout") else {}
    bodies: list[dict[str, Any]] = [
        {name: one},
        {alias: one},
        {name: one, alias: one},
        {name: one, alias: None},
        {name: None, alias: one},
    ]
    outcomes = [
        in_memory.fire(trigger, user_id="u1", event_id="e", **money, **fields).status for fields in bodies
    ]
    assert outcomes[1:] == ["duplicate"] * 4
    (error,) = in_memory.fire_many([{"trigger": trigger, "user_id": "u1", **money, name: one, alias: other}])
    assert isinstance(error, InvalidEvent)
    text = " ".join(f"{fault.field} {fault.reason}" for fault in error.errors)
    assert name in text
    assert alias in text


def test_aliases_are_equal_when_they_read_the_same(in_memory: Workflow) -> None:
    """ "A name and its alias may come together with equal content" """
    sync(in_memory)
    outcome = in_memory.fire(
        "detection_complete",
        user_id="u1",
        claims=[{"claim_id": "c1", "amount": 12.5}],
        claims_found=[{"amount": "12.50", "claim_id": "c1", "currency": None}],
    )
    assert outcome.status == "applied"


def test_aliases_reach_what_their_names_reach(workflow: Workflow) -> None:
    """ "also read": `detection_job_id`, `claims_found`, `matching_results`, `case_id`, `reason`"""
    sync(workflow, "s1")
    sync(workflow, "s2")
    detected = workflow.fire(
        "detection_complete", user_id="u1", detection_job_id="s1", claims_found=[{"claim_id": "c1"}]
    )
    assert [one.sync_id for one in detected.transitions] == ["s1", "s1"]
    matched = workflow.fire("evidence_matching_complete", user_id="u1", matching_results=[{"claim_id": "c1"}])
    assert [one.claim_id for one in matched.transitions] == ["c1"]
    submit(workflow, "c1", case_id="K")
    reject(workflow, None, case_id="K", reason="late")
    assert (claim(workflow).amazon_case_id, claim(workflow).rejection_reason) == ("K", "late")


def test_null_is_the_same_as_absent_for_what_is_not_required(workflow: Workflow) -> None:
    """ "`null` is the same as absent for what is not required." """
    sync(workflow, None, event_id=None, orders_count=None, inventory_items=None, occurred_at=None)
    fields = ("claim_type", "amount", "currency", "confidence", "evidence", "discovery_date", "aliases")
    nulls = dict.fromkeys((*fields, "deadline_date", "eligible_from"))
    outcome = workflow.fire(
        "detection_complete", user_id="u1", sync_id=None, claims=[{"claim_id": "c1", **nulls}]
    )
    assert outcome.refused == ()
    submit(workflow, None, amazon_case_id=None, case_id=None, sync_id=None)
    nothing: dict[str, Any] = dict.fromkeys(
        ("currency", "reimbursement_id", "line_id", "sku", "quantity_reimbursed_inventory")
    )
    pay(workflow, "c1", **nothing)
    assert (claim(workflow).state, claim(workflow).currency) == ("paid", "USD")


@pytest.mark.parametrize(
    ("fields", "said", "meant"),
    [
        ({"claimId": "c1"}, "claimId", "claim_id"),
        ({"amazonCaseId": "K"}, "amazonCaseId", "amazon_case_id"),
        ({"case-id": "K"}, "case-id", "case_id"),
        ({"eventId": "e"}, "eventId", "event_id"),
        ({"claim": "c1"}, "claim", "claim_id"),
        ({"amazon_case": "K"}, "amazon_case", "amazon_case_id"),
        ({"clam_id": "c1"}, "clam_id", "claim_id"),
    ],
    ids=str,
)
def test_a_field_that_is_a_slip_away_from_a_listed_name_gets_a_hint(
    in_memory: Workflow, fields: dict[str, str], said: str, meant: str
) -> None:
    """ "one that is a slip away from a listed name (`userId`, `curency`, `claim`) gets a `hint`" """
    outcome = in_memory.fire("claim_submitted", user_id="u1", **fields)
    assert outcome.hint is not None
    assert f"`{said}`" in outcome.hint
    assert f"did you mean `{meant}`?" in outcome.hint


@pytest.mark.parametrize(("said", "meant"), [("curency", "currency"), ("lineId", "line_id")])
def test_a_slip_of_a_money_field_gets_a_hint(in_memory: Workflow, said: str, meant: str) -> None:
    """ "a slip away from a listed name (`userId`, `curency`, `claim`)" """
    outcome = in_memory.fire("payout_received", user_id="u1", event_id="e", amount="1", **{said: "EUR"})
    assert f"`{said}`" in str(outcome.hint)
    assert f"did you mean `{meant}`?" in str(outcome.hint)


@pytest.mark.parametrize("said", ["attempt", "sent_at", "seller", "note", "amazon", "x"])
def test_what_is_no_slip_gets_no_hint(in_memory: Workflow, said: str) -> None:
    """ "Fields not listed are kept with the event and handed to handlers" """
    assert in_memory.fire("claim_submitted", user_id="u1", event_id="e", **{said: "1"}).hint is None


def test_a_required_field_under_a_camel_case_name_is_missing_with_a_hint(in_memory: Workflow) -> None:
    """ "(`userId`: did you mean `user_id`?)" """
    (error,) = in_memory.fire_many([{"trigger": "sync_complete", "userId": "u1"}])
    assert isinstance(error, InvalidEvent)
    assert [fault.field for fault in error.errors] == ["user_id"]
    assert "did you mean `user_id`?" in error.errors[0].reason


@pytest.mark.parametrize(
    ("trigger", "fields", "wrong"),
    [
        ("sync_complete", {"orders_count": -1}, "orders_count"),
        ("sync_complete", {"orders_count": 1.5}, "orders_count"),
        ("sync_complete", {"inventory_items": "5"}, "inventory_items"),
        ("sync_complete", {"inventory_items": True}, "inventory_items"),
        ("detection_complete", {"claims": 3}, "claims"),
        ("detection_complete", {"claims": {"claim_id": "c1"}}, "claims"),
        ("detection_complete", {"claims_found": -1}, "claims_found"),
        ("detection_complete", {"claims_found": "3"}, "claims_found"),
        ("evidence_matching_complete", {"confidence": 1.01}, "confidence"),
        ("evidence_matching_complete", {"confidence": -0.1}, "confidence"),
        ("evidence_matching_complete", {"confidence": "high"}, "confidence"),
        ("evidence_matching_complete", {"confidence": True}, "confidence"),
        ("evidence_matching_complete", {"confidence": "\u0660.5"}, "confidence"),
        ("evidence_matching_complete", {"confidence": float("nan")}, "confidence"),
        ("evidence_matching_complete", {"matches": 3}, "matches"),
        ("claim_rejected", {"rejection_reason": 5}, "rejection_reason"),
        ("claim_rejected", {"reason": ["late"]}, "reason"),
    ],
    ids=str,
)
def test_a_wrong_type_or_value_is_refused_never_repaired(
    in_memory: Workflow, trigger: str, fields: dict[str, object], wrong: str
) -> None:
    """ "duplicate keys, NaN, Infinity, lone surrogates, wrong types in listed fields and times without an
    offset are refused, never repaired" and "A confidence is 0 to 1, as a number or a decimal string" """
    assert faults(in_memory, trigger, **fields) == [wrong]


@pytest.mark.parametrize("value", [float("inf"), float("nan"), "\ud800", {"deep": ["\udfff"]}])
def test_what_json_cannot_say_is_refused_in_unlisted_fields_too(in_memory: Workflow, value: object) -> None:
    """ "NaN, Infinity, lone surrogates … are refused" """
    assert len(faults(in_memory, "sync_complete", note=value)) == 1
    assert in_memory.status("u1") is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00",
        "2026-03-01",
        "2026-03-01T12:00:00 Z",
        "01.03.2026 12:00",
        "2026-02-30T00:00:00Z",
        "2026-03-01T24:30:00Z",
        "2026-03-01T12:00:00+25:00",
        1772366400,
        "",
        "now",
    ],
)
def test_a_time_without_an_offset_or_no_time_at_all_is_refused(in_memory: Workflow, text: object) -> None:
    """ "Instants are ISO 8601 with an offset." """
    assert faults(in_memory, "sync_complete", occurred_at=text) == ["occurred_at"]
    sync(in_memory)
    for field in ("deadline_date", "eligible_from", "discovery_date"):
        entry = {"claim_id": "c1", field: text}
        assert faults(in_memory, "detection_complete", claims=[entry]) == [f"claims[0].{field}"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2030-03-01T12:00:00Z", "2030-03-01T12:00:00.000000Z"),
        ("2030-03-01T12:00:00.5+05:30", "2030-03-01T06:30:00.500000Z"),
        ("2030-03-01T12:00-0800", "2030-03-01T20:00:00.000000Z"),
        ("2030-03-01T00:00:00.123456789Z", "2030-03-01T00:00:00.123456Z"),
    ],
)
def test_an_instant_is_shown_in_utc(in_memory: Workflow, text: str, shown: str) -> None:
    """ "Instants are ISO 8601 with an offset." """
    find(in_memory, {"claim_id": "c1", "deadline_date": text})
    assert claim(in_memory).deadline_date == shown


def test_what_a_detection_tells_of_a_claim_is_shown(workflow: Workflow) -> None:
    """ "a list of `{claim_id, aliases, claim_type, amount, currency, confidence, evidence, discovery_date,
    deadline_date, eligible_from}`" """
    entry = {
        "claim_id": "c1",
        "aliases": ["x"],
        "claim_type": "lost_inventory",
        "amount": 12.5,
        "currency": "eur",
        "confidence": "0.75",
        "evidence": {"documents": [1, "two"]},
        "discovery_date": "2026-02-01T00:00:00Z",
        "deadline_date": "2030-01-01T00:00:00Z",
        "eligible_from": "2026-04-01T00:00:00Z",
    }
    find(workflow, entry)
    assert claim(workflow) == {
        "claim_id": "c1",
        "aliases": ["x"],
        "sync_id": "s1",
        "state": "detected",
        "version": 2,
        "entered_at": "2026-03-01T12:00:00.000000Z",
        "allowed": [
            "detection_complete",
            "evidence_matching_complete",
            "claim_submitted",
            "claim_rejected",
            "payout_received",
        ],
        "claim_type": "lost_inventory",
        "amount": "12.50",
        "currency": "EUR",
        "confidence": 0.75,
        "decision": None,
        "amazon_case_id": None,
        "cases": [],
        "rejection_reason": None,
        "paid": {},
        "units": 0,
        "deadline_date": "2030-01-01T00:00:00.000000Z",
        "eligible_from": "2026-04-01T00:00:00.000000Z",
        "overdue": False,
        "merged_into": None,
    }


def test_a_trigger_that_nobody_knows_is_an_error(in_memory: Workflow) -> None:
    """ "`POST events`: … each with `trigger` beside its fields" """
    for trigger in ("claim_closed", "", None, 5, "deadline_passed"):
        (error,) = in_memory.fire_many([{"trigger": trigger, "user_id": "u1"}])
        assert isinstance(error, InvalidEvent)
        assert [fault.field for fault in error.errors] == ["trigger"]


def test_numbers_are_the_same_however_they_are_spelled(in_memory: Workflow) -> None:
    """ "A Python float is read as a JSON number is" """
    sync(in_memory, "s1", event_id="e", orders_count=5)
    assert sync(in_memory, "s1", event_id="e", orders_count=5.0).status == "duplicate"
    assert detect_plainly(in_memory, "s1", claims_found=3.0).status == "applied"
    assert status(in_memory).syncs[0].claims_found == 3
