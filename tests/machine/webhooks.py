"""What Hypothesis sends: webhooks with names, cases, lines and ids, and what a person lays over them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.machine.table import PLACES, SIGNS

Fields = dict[str, Any]
Webhook = tuple[str, Fields]

CLAIMS = ("c1", "c2", "c3")
ALIASES = ("x1", "x2")
SYNCS = ("s1", "s2")
CASES = ("k1", "k2", "k3")
REIMBURSEMENTS = ("r1", "r2")
LINES = ("l1", "l2")
DEADLINES = ("2026-01-02T00:00:00Z", "2026-01-15T00:00:00Z", "2027-01-01T00:00:00Z")
INSTANTS = ("2025-12-01T00:00:00Z", "2025-12-02T00:00:00Z", "2025-12-03T00:00:00Z")

maybe = st.none
names = st.sampled_from(CLAIMS + ALIASES)
confidences = st.sampled_from(["0.3", "0.6", "0.9"])
ids = maybe() | st.sampled_from([f"e{number}" for number in range(12)])
headers: st.SearchStrategy[list[str]] = st.one_of(
    st.just([]),
    st.just([]),
    st.lists(st.sampled_from([f"h{number}" for number in range(6)]), max_size=2, unique=True),
)


def with_fields(trigger: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Webhook]:
    """Make events of a trigger; a field that is None is left out."""
    return st.fixed_dictionaries({"event_id": ids, "headers": headers, **fields}).map(
        lambda made: (trigger, {name: value for name, value in made.items() if value not in (None, [])})
    )


def entries(claim_ids: st.SearchStrategy[str], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Make lists of entries, each claim once."""
    entry = st.fixed_dictionaries({"claim_id": claim_ids, **fields}).map(
        lambda made: {name: value for name, value in made.items() if value is not None}
    )
    return st.lists(entry, min_size=1, max_size=3, unique_by=lambda made: made["claim_id"])


FACTS: dict[str, st.SearchStrategy[Any]] = {
    "deadline_date": maybe() | st.sampled_from(DEADLINES),
    "currency": maybe() | st.sampled_from(["JPY", "KWD"]),
    "claim_type": maybe() | st.sampled_from(["lost", "damaged"]),
    "amount": maybe() | st.sampled_from(["7", "8"]),
    "evidence": maybe() | st.sampled_from(["a.pdf", "b.pdf"]),
    "confidence": maybe() | confidences,
}
NAME: dict[str, st.SearchStrategy[Any]] = {"claim_id": names}
CASE = {"amazon_case_id": st.sampled_from(CASES)}
MAYBE_CASE = {"amazon_case_id": maybe() | st.sampled_from(CASES)}
SCOPE = {"sync_id": maybe() | st.sampled_from([*SYNCS, "unknown"])}
MONEY: dict[str, st.SearchStrategy[Any]] = {
    "amount": st.sampled_from(["5", "5.50", "10", "15.50"]),
    "currency": maybe() | st.sampled_from(sorted(PLACES)),
    "quantity_reimbursed_inventory": st.sampled_from([None, None, None, 2]),
}
REIMBURSED = MONEY | {
    "amount": st.sampled_from(["5", "10"]),
    "reimbursement_id": st.sampled_from(REIMBURSEMENTS),
    "line_id": maybe() | st.sampled_from(LINES),
}
IN_KIND = {"amount": st.just("0"), "quantity_reimbursed_inventory": st.sampled_from([1, 2])}
ORIGINAL = {"original_reimbursement_id": maybe() | st.sampled_from(REIMBURSEMENTS)}

FOUND = st.one_of(
    with_fields("sync_complete", sync_id=st.sampled_from(SYNCS)),
    with_fields(
        "detection_complete",
        sync_id=st.sampled_from(SYNCS),
        claims=entries(st.sampled_from(CLAIMS), **FACTS),
        occurred_at=st.sampled_from(INSTANTS),
    ),
    with_fields("evidence_matching_complete", **NAME, confidence=confidences),
    with_fields("evidence_matching_complete", matches=entries(names, confidence=confidences)),
    with_fields("evidence_matching_complete", **SCOPE, confidence=confidences),
)
FILED = st.one_of(
    with_fields("claim_submitted", **NAME, **MAYBE_CASE),
    with_fields("claim_submitted", **CASE),
    with_fields("claim_submitted", **MAYBE_CASE, **SCOPE),
    with_fields("claim_rejected", **NAME, **MAYBE_CASE),
    with_fields("claim_rejected", **CASE),
    with_fields("claim_rejected", **SCOPE),
)
PAID = st.one_of(
    with_fields("payout_received", **NAME, **MAYBE_CASE, **MONEY),
    with_fields("payout_received", **NAME, **MAYBE_CASE, **REIMBURSED),
    with_fields("payout_received", **NAME, **IN_KIND),
    with_fields("payout_received", **CASE, **REIMBURSED),
    with_fields("payout_received", **MONEY),
    with_fields("payout_reversed", **NAME, **MAYBE_CASE, **MONEY),
    with_fields("payout_reversed", **NAME, **MAYBE_CASE, **REIMBURSED),
    with_fields("payout_reversed", **NAME, **MONEY, **ORIGINAL),
    with_fields("payout_reversed", **NAME, **IN_KIND),
    with_fields("payout_reversed", **CASE, **REIMBURSED, **ORIGINAL),
    with_fields("payout_reversed", **MONEY, **ORIGINAL),
)
FOLLOWED = st.one_of(FOUND, FILED, PAID)
"""What the model follows step by step."""

_ANY = {"claim_id": maybe() | names, **SCOPE, **MAYBE_CASE}
_PAYMENT = {
    **_ANY,
    **MONEY,
    "reimbursement_id": maybe() | st.sampled_from(REIMBURSEMENTS),
    "line_id": maybe() | st.sampled_from(LINES),
}
LOOSE = st.one_of(
    with_fields("sync_complete", sync_id=maybe() | st.sampled_from(SYNCS)),
    with_fields(
        "detection_complete",
        sync_id=maybe() | st.sampled_from(SYNCS),
        claims=entries(
            names, aliases=maybe() | st.lists(st.sampled_from(ALIASES), max_size=2, unique=True), **FACTS
        ),
    ),
    with_fields(
        "detection_complete",
        sync_id=maybe() | st.sampled_from(SYNCS),
        claims_found=maybe() | st.sampled_from([0, 2]),
    ),
    with_fields("evidence_matching_complete", confidence=maybe() | confidences, **SCOPE),
    with_fields("claim_submitted", **_ANY),
    with_fields("claim_rejected", **_ANY),
    with_fields("payout_received", **_PAYMENT),
    with_fields("payout_reversed", **_PAYMENT, **ORIGINAL),
)
"""What names whatever it likes: here the promises alone are held."""


def laid_over(trigger: str, *, listed: bool) -> st.SearchStrategy[Fields]:
    """Make what a person may know of a dead letter."""
    knows: dict[str, st.SearchStrategy[Any]] = {}
    if trigger in ("claim_submitted", "claim_rejected", *SIGNS) and not listed:
        knows |= {"claim_id": maybe() | names, "amazon_case_id": maybe() | st.sampled_from(CASES)}
    if trigger in SIGNS:
        knows |= {
            "currency": maybe() | st.sampled_from(sorted(PLACES)),
            "line_id": maybe() | st.sampled_from(LINES),
            "force": maybe() | st.just(True),
        }
    if trigger == "payout_reversed":
        knows |= ORIGINAL
    return st.fixed_dictionaries(knows).map(
        lambda made: {name: value for name, value in made.items() if value is not None}
    )
