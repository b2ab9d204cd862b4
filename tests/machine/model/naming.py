"""Names that a person gives or takes away: links, merges and unlinks."""

from __future__ import annotations

from tests.machine.model import cases
from tests.machine.model.kept import Fields, Kept, Key

FILED_OR_PAID = ("submitted", "rejected", "paid")


def link(kept: Kept, claim_id: str, alias: str) -> str:
    """Let an alias name a claim: "linked", "alias-taken" or "merge-refused"."""
    claim = kept.canonical(claim_id)
    if alias in kept.aliases:
        return "linked" if kept.aliases[alias] == claim else "alias-taken"
    if alias == claim:
        return "linked"
    merged = kept.lifecycles.get(("claim", alias))
    if merged is not None:
        one = kept.lifecycles.get(("claim", claim))
        if one is None or _has_filing_or_money(kept, merged):
            return "merge-refused"
        _merge(merged, one)
    kept.aliases = {name: claim if owner == alias else owner for name, owner in kept.aliases.items()}
    kept.aliases[alias] = claim
    _hand_over_cases(kept, ("claim", alias), ("claim", claim))
    return "linked"


def unlink_alias(kept: Kept, alias: str) -> str:
    """Take an alias away; "409 for a merged claim's own name"."""
    if alias not in kept.aliases:
        return "name-unknown"
    if ("claim", alias) in kept.lifecycles:
        return "unlink-refused"
    del kept.aliases[alias]
    return "unlinked"


def unlink_case(kept: Kept, claim_id: str, case: str) -> str:
    """Take away a case "that was never the claim's"; "where none is `filed` any more then and one was
    rejected, a `submitted` claim moves to `rejected`"; "409 … a case under which money was booked", and
    is."""
    key = kept.key(claim_id)
    row = kept.cases.get((case, key))
    if row is None:
        return "name-unknown"
    if row["paid"] or row["units"]:
        return "unlink-refused"
    del kept.cases[case, key]
    one = kept.lifecycles.get(key)
    was_rejected = any(other["state"] == "rejected" for other in cases.of_claim(kept, key).values())
    if one is not None and one["state"] == "submitted" and was_rejected and not cases.filed(kept, key):
        kept.move(one, "rejected", "claim_rejected", None)
    return "unlinked"


def _has_filing_or_money(kept: Kept, one: Fields) -> bool:
    told = any(row["state"] or row["booked"] for row in cases.of_claim(kept, one["key"]).values())
    return one["state"] in FILED_OR_PAID or told


def _merge(merged: Fields, one: Fields) -> None:
    """ "It takes no further part"; "a merged claim's facts and match fill what is empty in the other"."""
    merged.update(forked=True, merged_into=one["claim"])
    fills = dict(merged["facts"])
    if {"amount", "currency"} & one["facts"].keys():  # an amount goes with its currency
        fills = {name: value for name, value in fills.items() if name not in ("amount", "currency")}
    one["facts"] = {**fills, **one["facts"]}
    if not one["has_match"]:
        one.update(match=merged["match"], has_match=merged["has_match"])


def _hand_over_cases(kept: Kept, old: Key, new: Key) -> None:
    for case, row in cases.of_claim(kept, old).items():
        del kept.cases[case, old]
        mine = kept.cases.get((case, new))
        if mine is None or (mine["state"] is None and row["state"] is not None):
            kept.cases[case, new] = row
