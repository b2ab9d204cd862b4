"""What a model shows of a user, in the words that status, history and dead letters have for it."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from tests.machine.model import cases
from tests.machine.model.kept import Fields, is_money, standing_of, tells
from tests.machine.model.user import ModelUser
from tests.machine.model.whom import paid_as, takes_back, whom
from tests.machine.table import PLACES, SIGNS

LEAST_ADVANCED = ("synced", "detected", "matched", "submitted", "rejected")


def shown(user: ModelUser) -> Fields:
    """Give the whole of it."""
    state, counts = overall(user)
    return {
        "state": state,
        "counts": counts,
        "recovered": money(*(event["booked"] for event in user.events if event["booked"])),
        "unapplied": unapplied(user),
        "claims": {name_of(one): claim(user, one) for one in shown_claims(user)},
        "deferred": {
            event["ids"][0]: conflict(event) for event in user.events if standing_of(event) == "waiting"
        },
        "dead_letters": {event["ids"][0]: conflict(event) for event in user.dead_letters()},
    }


def claim(user: ModelUser, one: Fields) -> Fields:
    rows = cases.of_claim(user, one["key"])
    return {
        "state": one["state"],
        "version": one["version"],
        "paid": texts(one["paid"]),
        "units": one["units"],
        "cases": {case or None: row["state"] for case, row in rows.items()},
        "amazon_case_id": cases.shown(rows),
        "aliases": sorted(alias for alias, owner in user.aliases.items() if owner == one["claim"]),
        "merged_into": one["merged_into"],
        # Under the name of a merged claim stands the history of the other.
        "way": " ".join(row["to"] for row in user.rows if row["key"] == one["key"] and not one["forked"]),
    }


def name_of(one: Fields) -> str:
    return str(one["claim"] or f"plain {one['sync']}")


def shown_claims(user: ModelUser) -> list[Fields]:
    """ "Claims and plain lifecycles, not syncs that have forked"; a merged claim is shown as such."""
    return [one for one in user.lifecycles.values() if one["merged_into"] or not one["forked"]]


def overall(user: ModelUser) -> tuple[str | None, dict[str, int]]:
    """Give the state of a user and the counts, as the contract says them."""
    syncs = user.syncs()
    moved_on = max((place for place, one in enumerate(syncs) if one["state"] != "synced"), default=-1)
    # "A sync that is still `synced` when a newer one of its user has moved on no longer counts"
    behind = [one["key"] for one in syncs[: moved_on + 1] if one["state"] == "synced"]
    counted = [one for one in user.taking_part() if one["key"] not in behind]
    counts = dict(Counter(one["state"] for one in counted))
    for state in LEAST_ADVANCED:
        if state in counts:
            return state, counts
    if "paid" in counts:
        return "paid", counts
    newest = (counted or syncs)[-1:]  # "With nothing counted, `state` is the newest sync's"
    return (newest[0]["state"] if newest else None), counts


def unapplied(user: ModelUser) -> dict[str, str]:
    """ "Payouts that wait, less reversals that wait"."""
    waiting = [event for event in user.events if is_money(event) and standing_of(event) == "waiting"]
    return money(
        *(
            {"currency": currency(user, event), "amount": SIGNS[event["trigger"]] * tells(event)["amount"]}
            for event in waiting
        )
    )


def currency(user: ModelUser, event: Fields) -> str:
    """Give the currency that waiting money is shown under, where it tells none: "that of what it takes back,
    where that is known", that of the claim which it is for, "the one currency of the user's claims, else
    `USD`"."""
    said = tells(event)
    told = said.get("currency")
    original = takes_back(user, event)
    payouts = [payout["booked"] for payout in paid_as(user, event, original)] if original else []
    one = _for_one(user, event)
    if one is not None:
        its = [booked["currency"] for booked in payouts if booked["key"] == one["key"]]
        if not its and event["trigger"] == "payout_reversed" and len(one["paid"]) == 1:
            its = list(one["paid"])
        return str(told or [*its, one["facts"].get("currency") or "USD"][0])
    known = {booked["currency"] for booked in payouts}
    claims = [one for one in user.taking_part() if one["claim"] is not None]
    of_claims = {one["facts"].get("currency", "USD") for one in claims}
    shown_in = of_claims.pop() if len(of_claims) == 1 else "USD"
    return str(told or (known.pop() if len(known) == 1 else shown_in))


def _for_one(user: ModelUser, event: Fields) -> Fields | None:
    """Give the claim that money waits for, where that is found: by its name, or by what else it names."""
    said = tells(event)
    if "claim_id" in said:
        return user.lifecycles.get(user.key(said["claim_id"]))
    kind, keys = whom(user, event)
    is_found = kind == "for" and len(keys) == 1 and event["conflicts_with"] is None
    return user.lifecycles.get(keys[0]) if is_found else None


def money(*booked: Fields) -> dict[str, str]:
    """Add up amounts by currency; "a currency with nothing is left out"."""
    held: dict[str, Decimal] = {}
    for one in booked:
        held = cases.added(held, one["currency"], one["amount"])
    return texts(held)


def texts(held: dict[str, Decimal]) -> dict[str, str]:
    """Spell amounts with their currencies' decimals."""
    return {code: f"{amount:.{max(PLACES[code], -_exponent(amount))}f}" for code, amount in held.items()}


def _exponent(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def conflict(event: Fields) -> str | None:
    """Give the id of the earlier event that a waiting one conflicts with."""
    other = event["conflicts_with"]
    return None if other is None or standing_of(event) != "waiting" else str(other["ids"][0])
