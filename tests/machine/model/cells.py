"""One event meets the cell of one lifecycle: it moves, is known, waits or is refused."""

from __future__ import annotations

from decimal import Decimal

from tests.machine.model import cases, repeats
from tests.machine.model.kept import Fields, Kept, Key, line_of, tells
from tests.machine.model.reading import fits
from tests.machine.model.whom import paid_as, takes_back
from tests.machine.table import SIGNS, UNFILED


def take(kept: Kept, event: Fields, key: Key, *, fresh: bool) -> str:
    """Let a claim take an event that isn't a detection or a match, and give the part's standing."""
    one = kept.lifecycles.get(key)
    if one is None or one["state"] == "synced":
        return "waiting"
    if event["trigger"] == "claim_submitted":
        standing = _submitted(kept, event, one)
    elif event["trigger"] == "claim_rejected":
        standing = _rejected(kept, event, one, fresh=fresh)
    elif event["trigger"] == "payout_received":
        standing = _paid(kept, event, one)
    else:
        standing = _reversed(kept, event, one)
    if standing != "waiting":
        event["of"].add(key)
    return standing


def is_settled_by_another(kept: Kept, event: Fields) -> str | None:
    """Tell what becomes of money whose reimbursement came before: known where it is equal, else it waits."""
    event["conflicts_with"] = None
    met = repeats.met(kept, event)
    if met is None:
        return None
    how, other = met
    if how == "duplicate":
        teach_line(event, other)
        if other["booked"] is not None:
            event["of"].add(other["booked"]["key"])
        return "known"
    event["conflicts_with"] = other
    return "waiting"


def teach_line(event: Fields, other: Fields) -> None:
    """ "Of two equal ones one tells its line, which is then known for both"."""
    lines = line_of(event), line_of(other)
    if lines[0] is None:
        event["line"] = lines[1]
    if lines[1] is None:
        other["line"] = lines[0]


def match(kept: Kept, event: Fields, key: Key, confidence: Decimal | None) -> str:
    """Let a lifecycle take a match: "by its confidence; one without counts as lower than any number"."""
    one = kept.lifecycles.get(key)
    if one is None or one["state"] == "synced":
        return "waiting"
    event["of"].add(key)
    told, known = (Decimal(-1) if value is None else value for value in (confidence, one["match"]))
    moves = one["state"] == "detected" or (one["state"] == "matched" and told > known)
    if moves or not one["has_match"]:
        one.update(match=confidence, has_match=True)
    if moves:
        kept.move(one, "matched", event["trigger"], event)
    return "applied" if moves else "known"


def _submitted(kept: Kept, event: Fields, one: Fields) -> str:
    case = tells(event).get("amazon_case_id")
    if case is not None and "claim_id" in tells(event):
        cases.name_it(kept, case, one["key"])
    late = cases.told_late(kept, one, case)
    one["filed_under_no_case"] |= case is None
    one["paid_under_no_case"] = False  # whoever files now tells of the filing that was paid
    if one["state"] in UNFILED or (one["state"] == "rejected" and late is None):
        cases.file(kept, one, case, event)
        kept.move(one, "submitted", event["trigger"], event)
        return "applied"
    if late is not None:  # "It is known, and the case counts as told"
        if (late, one["key"]) not in kept.cases:
            cases.mark(cases.add(kept, late, one["key"]), one["state"], event)
        kept.cases[late, one["key"]]["told"] = True
        return "known"
    rows = cases.of_claim(kept, one["key"])
    row = rows.get(case or cases.UNNAMED, {"state": None})
    if case is None and one["state"] == "paid" and any(known["told"] for known in rows.values()):
        return "known"
    if row["state"] in (None, "rejected"):  # "one with another case is known and adds that case as `filed`"
        if case is not None or not cases.filed(kept, one["key"]):
            cases.file(kept, one, case, event)
    elif case is not None:
        row["told"] = True
    return "known"


def _rejected(kept: Kept, event: Fields, one: Fields, *, fresh: bool) -> str:
    said, key = tells(event), one["key"]
    case, alone = said.get("amazon_case_id"), "claim_id" not in said
    rows = cases.of_claim(kept, key)
    named = rows.get(case or cases.UNNAMED, {"state": None})["state"]
    # The case that an event names together with the claim is what was filed without a name.
    paid = "paid" in (named, rows.get(cases.UNNAMED, {"state": None})["state"] if not alone else None)
    if one["state"] in UNFILED and case is None:
        return "waiting"
    contradicts = {
        "rejected": case is None or named == "rejected",  # `=` "if it names a case that nobody said this of"
        "paid": case is None or paid,  # `=` "if it names a case that was not paid"
    }
    if contradicts.get(one["state"], False):
        return "refused" if fresh else "known"
    if case is None:
        for row in cases.filed(kept, key):
            cases.mark(row, "rejected", event)
    else:
        if not alone:
            cases.name_it(kept, case, key)
        cases.mark(kept.cases[case, key], "rejected", event, alone=alone)
    if one["state"] in ("rejected", "paid") or (one["state"] == "submitted" and cases.filed(kept, key)):
        return "known"
    kept.move(one, "rejected", event["trigger"], event)
    return "applied"


def _paid(kept: Kept, event: Fields, one: Fields) -> str:
    said = tells(event)
    currency = said.get("currency") or one["facts"].get("currency") or "USD"
    if not fits(said["amount"], currency):
        return "waiting"  # "while the currency can't hold the amount, it goes on waiting"
    case = said.get("amazon_case_id")
    if case is None:
        one["paid_under_no_case"] = True
    _book(kept, event, one, currency, case)
    kept.move(one, "paid", event["trigger"], event)
    return "applied"


def _reversed(kept: Kept, event: Fields, one: Fields) -> str:
    if one["state"] != "paid":
        return "waiting"
    said = tells(event)
    original = takes_back(kept, event)
    payouts = [] if original is None else paid_as(kept, event, original)
    payouts = [payout["booked"] for payout in payouts if payout["booked"]["key"] == one["key"]]
    currencies = [booked["currency"] for booked in payouts] or (
        list(one["paid"]) if len(one["paid"]) == 1 else []
    )
    currency = said.get("currency") or [*currencies, one["facts"].get("currency") or "USD"][0]
    if not fits(said["amount"], currency):
        return "waiting"
    too_much = said["amount"] > max(one["paid"].get(currency, Decimal(0)), Decimal(0))
    too_many = said.get("quantity_reimbursed_inventory", 0) > max(one["units"], 0)
    if (too_much or too_many) and not event["force"]:
        return "waiting"
    case = said.get("amazon_case_id")
    if case is None or ("claim_id" not in said and (case, one["key"]) not in kept.cases):
        case = payouts[0]["case"] if payouts else None
    _book(kept, event, one, currency, case)
    kept.move(one, "paid" if cases.is_left(one) else "rejected", event["trigger"], event)
    return "applied"


def _book(kept: Kept, event: Fields, one: Fields, currency: str, case: str | None) -> None:
    said, sign = tells(event), SIGNS[event["trigger"]]
    units = said.get("quantity_reimbursed_inventory", 0)
    one["paid"] = cases.added(one["paid"], currency, sign * said["amount"])
    one["units"] += sign * units
    if case is not None:
        if "claim_id" in said and case == said.get("amazon_case_id"):
            cases.name_it(kept, case, one["key"])
        alone = "claim_id" not in said and "amazon_case_id" in said and takes_back(kept, event) is None
        row = cases.add(kept, case, one["key"])
        cases.book(row, event, (currency, said["amount"], units), sign, alone=alone)
    event["booked"] = {
        "key": one["key"],
        "case": case,
        "currency": currency,
        "amount": sign * said["amount"],
        "units": sign * units,
        "move": kept.moves + 1,
    }
