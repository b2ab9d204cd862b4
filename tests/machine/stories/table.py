"""Stories of the table's new cells: told anew, verdicts that name a case, filings told late."""

from __future__ import annotations

from typing import Any

from tests.machine.stories.telling import (
    DETECTION,
    MATCH,
    PAYOUT,
    REJECTED,
    REVERSAL,
    SUBMITTED,
    Story,
    act,
    fire,
    found,
    story,
)

SOON, LATER, PAST = "2026-02-01T00:00:00+00:00", "2026-03-01T00:00:00Z", "2025-12-01T00:00:00Z"
FILED = fire(SUBMITTED, "applied", claim_id="c1", case_id="k1")
DENIED = fire(REJECTED, "applied", claim_id="c1", case_id="k1")


def told(**entry: Any) -> dict[str, Any]:
    return {"sync_id": "s1", "claims": [{"claim_id": "c1", **entry}]}


STORIES: tuple[Story, ...] = (
    story(
        "↻ detected if it tells anew: it adds a row to history",
        found("c1", deadline_date=SOON),
        fire(DETECTION, "applied", **told(deadline_date=LATER)),
        claims={"c1": {"state": "detected", "version": 3, "way": "detected detected"}},
    ),
    story(
        "↻ matched if it tells anew",
        found("c1", deadline_date=SOON),
        fire(MATCH, "applied", claim_id="c1", confidence="0.9"),
        fire(DETECTION, "applied", **told(claim_type="lost")),
        claims={"c1": {"state": "matched", "way": "detected matched matched"}},
    ),
    story(
        "a detection that tells the recorded deadline otherwise spelt tells nothing anew",
        found("c1", deadline_date=SOON),
        fire(DETECTION, "unchanged", "d2", **told(deadline_date="2026-02-01T01:00:00+01:00")),
        claims={"c1": {"state": "detected", "version": 2}},
    ),
    story(
        "it replaces these (not where both tell `occurred_at` and it is older)",
        found("c1"),
        fire(DETECTION, "applied", **told(deadline_date=SOON), occurred_at="2026-01-05T00:00:00Z"),
        fire(DETECTION, "unchanged", **told(deadline_date=LATER), occurred_at="2026-01-04T00:00:00Z"),
        fire(DETECTION, "applied", **told(deadline_date=LATER), occurred_at="2026-01-06T00:00:00Z"),
        claims={"c1": {"version": 4}},
    ),
    story(
        "known facts fill what is empty: an older detection's too",
        found("c1"),
        fire(DETECTION, "applied", **told(claim_type="lost"), occurred_at="2026-01-05T00:00:00Z"),
        fire(DETECTION, "unchanged", **told(deadline_date=SOON), occurred_at="2026-01-04T00:00:00Z"),
        act("wait", days=40),
        claims={"c1": {"state": "expired"}},
    ),
    story(
        "until a claim is filed, its detector may change its mind",
        found("c1", deadline_date=SOON),
        FILED,
        fire(DETECTION, "unchanged", **told(deadline_date=LATER)),
        claims={"c1": {"state": "submitted", "version": 3}},
    ),
    story(
        "it moves the timers",
        found("c1", deadline_date=LATER),
        fire(DETECTION, "applied", **told(deadline_date=SOON)),
        act("wait", days=40),
        claims={"c1": {"way": "detected detected expired"}},
    ),
    story(
        "a deadline that was past already fires at once",
        found("c1", deadline_date=SOON),
        fire(DETECTION, "applied", **told(deadline_date=PAST)),
        claims={"c1": {"way": "detected detected expired"}},
    ),
    story(
        "expired → detected if it tells another deadline, not past",
        found("c1", deadline_date=SOON),
        act("wait", days=40),
        fire(DETECTION, "unchanged", **told(deadline_date=SOON)),
        fire(DETECTION, "unchanged", **told(deadline_date=PAST)),
        fire(DETECTION, "unchanged", **told(claim_type="lost")),
        fire(DETECTION, "applied", **told(deadline_date=LATER)),
        claims={"c1": {"way": "detected expired detected"}},
    ),
    story(
        "`expired` goes back to `matched` where the claim had a match",
        found("c1", deadline_date=SOON),
        fire(MATCH, "applied", claim_id="c1", confidence="0.9"),
        act("wait", days=40),
        fire(DETECTION, "applied", **told(deadline_date=LATER)),
        fire(MATCH, "unchanged", claim_id="c1", confidence="0.8"),
        claims={"c1": {"way": "detected matched expired matched"}},
    ),
    story(
        "→ rejected if it names a case, else wait",
        found("c1", "c2"),
        fire(REJECTED, "deferred", claim_id="c1"),
        fire(REJECTED, "applied", claim_id="c2", case_id="k1"),
        claims={
            "c1": {"state": "detected", "cases": {}},
            "c2": {"state": "rejected", "cases": {"k1": "rejected"}, "amazon_case_id": "k1"},
        },
    ),
    story(
        "`matched` and `expired` move by one that names a case, too",
        found("c1", "c2", deadline_date=SOON),
        fire(MATCH, "applied", claim_id="c1", confidence="0.9"),
        fire(REJECTED, "applied", claim_id="c1", case_id="k1"),
        act("wait", days=40),
        fire(REJECTED, "applied", claim_id="c2", case_id="k2"),
        claims={"c1": {"way": "detected matched rejected"}, "c2": {"way": "detected expired rejected"}},
    ),
    story(
        "→ rejected; = while another of its cases is filed",
        found("c1"),
        FILED,
        fire(SUBMITTED, "unchanged", claim_id="c1", case_id="k2"),
        fire(REJECTED, "unchanged", claim_id="c1", case_id="k1"),
        fire(REJECTED, "applied", claim_id="c1", case_id="k2"),
        claims={"c1": {"way": "detected submitted rejected", "cases": {"k1": "rejected", "k2": "rejected"}}},
    ),
    story(
        "one that names none marks all that are filed",
        found("c1"),
        FILED,
        fire(SUBMITTED, "unchanged", claim_id="c1", case_id="k2"),
        fire(REJECTED, "applied", claim_id="c1"),
        claims={"c1": {"state": "rejected", "cases": {"k1": "rejected", "k2": "rejected"}}},
    ),
    story(
        "a filing told late is known, and the case counts as told; told again after that it is a refiling",
        found("c1"),
        DENIED,
        fire(SUBMITTED, "unchanged", "f1", claim_id="c1", case_id="k1"),
        fire(SUBMITTED, "applied", "f2", claim_id="c1", case_id="k1"),
        claims={"c1": {"way": "detected rejected submitted", "cases": {"k1": "filed"}}},
    ),
    story(
        "or none where that is so of the newest case",
        found("c1"),
        DENIED,
        fire(SUBMITTED, "unchanged", "f1", claim_id="c1"),
        fire(SUBMITTED, "applied", "f2", claim_id="c1"),
        claims={"c1": {"state": "submitted", "cases": {"k1": "rejected", None: "filed"}}},
    ),
    story(
        "a filing under another case is no filing told late",
        found("c1"),
        DENIED,
        fire(SUBMITTED, "applied", claim_id="c1", case_id="k2"),
        claims={"c1": {"state": "submitted", "cases": {"k1": "rejected", "k2": "filed"}}},
    ),
    story(
        "a case that a payout told so far: its filing is told late",
        found("c1"),
        fire(PAYOUT, "applied", claim_id="c1", case_id="k1", amount="5"),
        fire(REVERSAL, "applied", claim_id="c1", amount="5", case_id="k1"),
        fire(SUBMITTED, "unchanged", claim_id="c1", case_id="k1"),
        claims={"c1": {"way": "detected paid rejected", "cases": {"k1": "rejected"}}},
    ),
    story(
        "so is the first that names none on a claim whose money came under no case",
        found("c1"),
        fire(PAYOUT, "applied", claim_id="c1", amount="5"),
        fire(REVERSAL, "applied", claim_id="c1", amount="5"),
        fire(SUBMITTED, "unchanged", "f1", claim_id="c1"),
        fire(SUBMITTED, "applied", "f2", claim_id="c1"),
        claims={"c1": {"way": "detected paid rejected submitted", "cases": {None: "filed"}}},
    ),
    story(
        "and what it filed without a name is paid, or was",
        found("c1", "c2"),
        fire(PAYOUT, "applied", claim_id="c1", amount="5"),
        fire(SUBMITTED, "unchanged", "f1", claim_id="c1"),
        fire(PAYOUT, "applied", claim_id="c2", amount="5"),
        fire(REVERSAL, "applied", claim_id="c2", amount="5"),
        fire(SUBMITTED, "unchanged", "f2", claim_id="c2"),
        claims={"c1": {"cases": {None: "paid"}}, "c2": {"cases": {None: "rejected"}}},
    ),
    story(
        "a verdict that comes again with its case's name is known, and names it",
        found("c1"),
        fire(SUBMITTED, "applied", claim_id="c1"),
        fire(REJECTED, "applied", claim_id="c1"),
        fire(REJECTED, "unchanged", claim_id="c1", case_id="k1"),
        claims={"c1": {"state": "rejected", "cases": {"k1": "rejected"}}},
    ),
    story(
        "rejected: no; = if it names a case that nobody said this of",
        found("c1"),
        FILED,
        DENIED,
        fire(REJECTED, "refused", "r1", claim_id="c1"),
        fire(REJECTED, "refused", "r2", claim_id="c1", case_id="k1"),
        fire(REJECTED, "unchanged", "r3", claim_id="c1", case_id="k2"),
        claims={"c1": {"state": "rejected", "cases": {"k1": "rejected", "k2": "rejected"}}},
    ),
    story(
        "paid: no; = if it names a case that was not paid",
        found("c1"),
        FILED,
        fire(PAYOUT, "applied", claim_id="c1", case_id="k2", amount="5"),
        fire(REJECTED, "refused", "r1", claim_id="c1"),
        fire(REJECTED, "refused", "r2", claim_id="c1", case_id="k2"),
        fire(REJECTED, "unchanged", "r3", claim_id="c1", case_id="k1"),
        claims={"c1": {"state": "paid", "cases": {"k1": "rejected", "k2": "paid"}}},
    ),
)
