"""Promises that one user's rows must keep, whatever came: events, money, cases, names, and what waits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.machine.table import ARROWS, ORDER, PLACES, SIGNS, TOO_EARLY, UNFILED
from workflow_fsm.core.model.inbox import FORCE, LAID_OVER, LEARNT_LINE

DECIMALS = PLACES | {"EUR": 2}
"""Of the currencies of webhooks, and of simulated days."""

Row = dict[str, Any]
Rows = dict[str, list[Row]]
ACTS = ("deadletter_retried", "deadletter_dropped", "deadletter_restored")

WAITED_FOR = ("claim", "case", "sync", "reimbursement", "any", "within", "person")


def events_count_once(rows: Rows) -> None:
    """ "A list counts once: as the first of waiting, applied, dead, refused, known that any part is"."""
    for row in rows["events"]:
        standings = [share["standing"] for share in shares_of(row)]
        assert row["standing"] == next((one for one in ORDER if one in standings), "known")
        assert ("dropped" in standings) is any("was" in share for share in shares_of(row))
        assert set(overlay_of(row)) <= {*LAID_OVER, FORCE, LEARNT_LINE}
    kept = {row["event_id"] for row in rows["events"]}
    for row in rows["history"]:
        is_an_act = row["trigger"] == "claim_rejected" and row["reason"]  # a case was unlinked
        assert row["event_id"] in kept or row["trigger"] in ("deadline_passed", *ACTS) or is_an_act


def waits_are_those_of_waiting_events(rows: Rows) -> None:
    waits = [(row["seq"], row["kind"], row["name"]) for row in rows["waits"]]
    assert len(waits) == len(set(waits))
    assert set(waits) == {
        (row["seq"], kind, name)
        for row in rows["events"]
        for share in shares_of(row)
        if share["standing"] == "waiting"
        for kind, name in share.get("waits") or [("person", "")]
    }
    assert {kind for _, kind, _ in waits} <= set(WAITED_FOR)


def money_is_held_by_claims(rows: Rows) -> None:
    """ "Money is never refused": what was applied is what claims hold, and what the user recovered."""
    applied: Counter[str] = Counter()
    for row in money(rows):
        assert row["standing"] in ("applied", "waiting", "known", "dropped") or is_reused(row)
        assert (row["amount"] is not None) is (row["standing"] == "applied")
        if row["amount"] is not None:
            assert row["amount"] == spelled(Decimal(row["amount"]), row["currency"])
            applied[row["currency"]] += Decimal(row["amount"])  # type: ignore[assignment]
    held: Counter[str] = Counter()
    units = 0
    forced = {one["lifecycle"] for one in _forced(rows)}
    for one in rows["lifecycles"]:
        paid = json.loads(one["paid"])
        assert all(Decimal(amount) for amount in paid.values()), "a currency with nothing is left out"
        if one["id"] not in forced:
            assert all(Decimal(amount) > 0 for amount in paid.values())
            assert (bool(paid) or one["units"] > 0) is (one["state"] == "paid")
        for currency, amount in paid.items():
            held[currency] += Decimal(amount)  # type: ignore[assignment]
        units += one["units"]
    (user,) = rows["users"]
    recovered = {currency: Decimal(amount) for currency, amount in json.loads(user["recovered"]).items()}
    assert recovered == {currency: amount for currency, amount in applied.items() if amount}
    assert recovered == {currency: amount for currency, amount in held.items() if amount}
    assert units == sum(row["units"] or 0 for row in money(rows) if row["standing"] == "applied")


def cases_add_up(rows: Rows) -> None:
    """What is booked under a claim's case is what the events say that name it."""
    aliases = {row["alias"]: row["claim_id"] for row in rows["aliases"]}
    lifecycles = {one["id"]: one for one in rows["lifecycles"]}
    booked: dict[tuple[str, str, str], Counter[str]] = {}
    for row in money(rows):
        case = case_of(rows, row)
        if row["standing"] != "applied" or case is None:
            continue
        (share,) = [share for share in shares_of(row) if share["standing"] == "applied"]
        one = lifecycles[share["lifecycles"][0]]
        key = (case, one["claim_id"] or "", "" if one["claim_id"] else one["sync_id"])
        booked.setdefault(key, Counter())[row["currency"]] += Decimal(row["amount"])  # type: ignore[assignment]
        booked[key]["units"] += row["units"] or 0
    for row in rows["cases"]:
        assert row["claim_id"] == aliases.get(row["claim_id"], row["claim_id"]), "cases go with merged claims"
        assert row["state"] in (None, "filed", "rejected", "paid")
        key = (row["case_id"], row["claim_id"], row["sync_id"])
        total = {code: held for code, held in booked.pop(key, Counter()).items() if held}
        paid = {code: Decimal(amount) for code, amount in json.loads(row["paid"]).items()}
        assert {**paid, "units": row["units"]} == {"units": 0, **total}
    left = {key for key, sums in booked.items() if any(sums.values())}
    assert not left, "money was booked under a case that the claim hasn't got"


def names_are_one_s(rows: Rows) -> None:
    """An id is one event's, a name one claim's; a merged claim's own name is the other's alias."""
    firsts = [row["event_id"] for row in rows["events"]]
    further = [row["event_id"] for row in rows["event_ids"]]
    assert len(set(firsts + further)) == len(firsts + further)
    assert {row["seq"] for row in rows["event_ids"]} <= {row["seq"] for row in rows["events"]}
    aliases = {row["alias"]: row["claim_id"] for row in rows["aliases"]}
    assert not set(aliases).intersection(aliases.values())
    merged = {one["claim_id"]: one["merged_into"] for one in rows["lifecycles"] if one["claim_id"]}
    for claim_id, into in merged.items():
        while into in merged and merged[into] is not None:
            into = merged[into]  # that was merged itself since
        assert into == aliases.get(claim_id)


def nothing_waits_that_could_go_on(rows: Rows) -> None:
    """ "Judged … until none does": nothing waits that its cell would take, know or refuse now."""
    aliases = {row["alias"]: row["claim_id"] for row in rows["aliases"]}
    for row in rows["events"]:
        for share in shares_of(row):
            if share["standing"] == "waiting" and not share.get("conflicts_with"):
                claim = share.get("claim") or said(row).get("claim_id")
                one = _one(rows, aliases.get(claim, claim)) if claim is not None else _by_case(rows, row)
                assert one is None or not _takes(rows, one, row), (row["event_id"], claim)


def shares_of(row: Row) -> list[Row]:
    shares: list[Row] = json.loads(row["shares"])
    return shares


def overlay_of(row: Row) -> Row:
    return json.loads(row["overlay"]) if row["overlay"] else {}


def said(row: Row) -> Row:
    """Give what an event says, with what a person laid over it."""
    return {**json.loads(row["body"]), **overlay_of(row)}


def money(rows: Rows) -> list[Row]:
    return [row for row in rows["events"] if row["trigger"] in SIGNS]


def is_reused(row: Row) -> bool:
    """Tell whether money was kept as a refused event because its id was another's: a 422."""
    return bool(row["standing"] == "refused")


def spelled(amount: Decimal, currency: str) -> str:
    """Spell an amount with its currency's decimals."""
    return f"{amount:.{DECIMALS[currency]}f}"


def case_of(rows: Rows, row: Row) -> str | None:
    """Tell under which case money was booked: the one it names, for a reversal else that of its payout."""
    case: str | None = said(row).get("amazon_case_id")
    if row["trigger"] == "payout_received":
        return case
    claim = said(row).get("claim_id")
    if case is not None and (claim is not None or case == row["booked_case"]):
        return case
    (share,) = shares_of(row)
    original = row["original_id"] or row["reimbursement_id"]
    payouts = [
        other
        for other in rows["events"]
        if other["trigger"] == "payout_received"
        and other["standing"] == "applied"
        and original is not None
        and other["reimbursement_id"] == original
        and other["settled"] <= row["settled"]  # none that paid only since
        and shares_of(other)[0]["lifecycles"] == share.get("lifecycles")
    ]
    line = said(row).get("line_id")
    payouts = [other for other in payouts if line and said(other).get("line_id") == line] or payouts
    return said(payouts[0]).get("amazon_case_id") if payouts else None


def _forced(rows: Rows) -> Iterator[Row]:
    for row in rows["events"]:
        if overlay_of(row).get("force") and row["trigger"] == "payout_reversed":
            for share in shares_of(row):
                yield from ({"lifecycle": held} for held in share.get("lifecycles", ()))


def _one(rows: Rows, claim: str | None) -> Row | None:
    return next((one for one in rows["lifecycles"] if one["claim_id"] == claim), None)


def _by_case(rows: Rows, row: Row) -> Row | None:
    """Give the only claim that has the case that an event names, and nothing else."""
    case = said(row).get("amazon_case_id")
    having = [other["claim_id"] for other in rows["cases"] if case is not None and other["case_id"] == case]
    return _one(rows, having[0]) if len(having) == 1 and having[0] else None


def _has_a_payout_s_id(rows: Rows, row: Row) -> bool:
    """Tell whether a reversal takes back a payout of its own id: it waits for that one."""
    return row["trigger"] == "payout_reversed" and any(
        other["trigger"] == "payout_received"
        and other["reimbursement_id"] is not None
        and other["reimbursement_id"] == row["reimbursement_id"]
        and other["standing"] in ("applied", "waiting")
        for other in rows["events"]
    )


def _takes(rows: Rows, one: Row, row: Row) -> bool:
    """Tell whether a lifecycle's cell would end the wait."""
    trigger, tells = row["trigger"], said(row)
    if one["state"] in TOO_EARLY.get(trigger, ()) or trigger not in ARROWS:
        return False
    if trigger == "claim_rejected" and "amazon_case_id" not in tells and one["state"] in UNFILED:
        return False
    if trigger not in SIGNS:
        return bool(trigger != "detection_complete")
    if row["original_id"] is not None or _has_a_payout_s_id(rows, row):
        return False  # told by more than the cells
    currency = tells.get("currency") or json.loads(one["facts"]).get("currency") or "USD"
    amount, paid = Decimal(str(tells["amount"])), json.loads(one["paid"])
    if amount != round(amount, DECIMALS[currency]):
        return False  # "while the currency can't hold the amount, it goes on waiting"
    if trigger == "payout_received":
        return True
    if tells.get("currency") is None or tells.get("quantity_reimbursed_inventory"):
        return False
    return bool(amount <= Decimal(paid.get(currency, 0)))
