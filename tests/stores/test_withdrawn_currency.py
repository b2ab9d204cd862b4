"""A currency that ISO 4217 withdraws: a store that has it opens, shows, audits and books on as before.

The store is filled by a process that has an older list: the one of today, with the lev in it, which was
withdrawn when Bulgaria took the euro.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import iso4217
import pytest

from tests.stores.contents import Contents
from webapp import create_app
from workflow_fsm import InvalidEvent, Outcome, Settings, Transition, Workflow
from workflow_fsm.results import Status
from workflow_fsm.testing import ManualClock, open_workflow

LEV = (
    "<CcyNtry><CtryNm>BULGARIA</CtryNm><CcyNm>Bulgarian Lev</CcyNm><Ccy>BGN</Ccy><CcyNbr>975</CcyNbr>"
    "<CcyMnrUnts>2</CcyMnrUnts></CcyNtry>"
)
CODE = "import sys; from tests.stores.test_withdrawn_currency import book; book(sys.argv[1])"
WORKED: list[tuple[str, str | None, str | None]] = []


def work(told: Transition) -> None:
    WORKED.append((told.user_id, told.claim_id, told.claim.currency))


def book(url: str) -> None:
    """Fill a store while the lev is listed: two users who have it, and one who doesn't."""
    clock = ManualClock(datetime(2025, 12, 1, tzinfo=UTC))
    with open_workflow(url, clock=clock) as workflow:
        workflow.on_enter("paid", name="work")(work)
        for user, currency in (("u1", "BGN"), ("u2", "USD"), ("u3", "BGN")):
            claims = [
                {"claim_id": name, "amount": "20.00", "currency": currency} for name in ("c1", "c2", "c3")
            ]
            fire(workflow, user, "sync_complete", sync_id="s1")
            fire(workflow, user, "detection_complete", sync_id="s1", claims=claims, event_id="found")
            for claim in ("c1", "c2"):
                fire(workflow, user, "claim_submitted", claim_id=claim, amazon_case_id=f"case of {claim}")
            fire(workflow, user, "payout_received", claim_id="c1", amount="12.50", reimbursement_id="r1")
            fire(workflow, user, "payout_received", amazon_case_id="k9", amount="3.00", currency=currency)


def fire(workflow: Workflow, user: str, trigger: str, **fields: Any) -> Outcome:
    return workflow.fire(trigger, user_id=user, **fields)


@pytest.fixture(scope="module")
def older_list(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an iso4217 that lists the lev."""
    folder = tmp_path_factory.mktemp("older")
    assert iso4217.__file__ is not None
    shutil.copytree(Path(iso4217.__file__).parent, folder / "iso4217")
    table = folder / "iso4217" / "table.xml"
    listed = table.read_text(encoding="utf-8")
    assert "BGN" not in listed
    table.write_text(listed.replace("<CcyNtry>", f"{LEV}<CcyNtry>", 1), encoding="utf-8")
    return folder


@pytest.fixture
def workflow(store_url: str, older_list: Path, contents: Contents) -> Iterator[Workflow]:
    """The store that was filled under the older list, opened under the list of today."""
    path = os.pathsep.join([str(older_list), *(one for one in sys.path if one)])

    def fill(url: str) -> None:
        subprocess.run([sys.executable, "-c", CODE, url], env={**os.environ, "PYTHONPATH": path}, check=True)

    contents.give(store_url, "withdrawn currency", fill)
    WORKED.clear()
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    with Workflow.open(store_url, settings=Settings(), clock=clock, chance=lambda: 1.0) as opened:
        yield opened


def shown(workflow: Workflow, user: str = "u1") -> Status:
    found = workflow.status(user)
    assert found is not None
    return found


def test_it_is_shown_counted_and_audited(workflow: Workflow) -> None:
    """ "A store with BGN in it opens, shows, audits" """
    for user, currency in (("u1", "BGN"), ("u2", "USD"), ("u3", "BGN")):
        status = shown(workflow, user)
        assert (status.recovered, status.unapplied) == ({currency: "12.50"}, {currency: "3.00"})
        assert [(one.amount, one.currency) for one in status.claims] == [("20.00", currency)] * 3
        assert status.claims[0].paid == {currency: "12.50"}
        assert [(one.amount, one.currency) for one in status.deferred] == [("3.00", currency)]
        history = workflow.history(user, "c1")
        assert history is not None
        assert (history[-1].amount, history[-1].currency) == ("12.50", currency)
    letters = workflow.dead_letters()
    assert [(one.user_id, one.amount, one.currency) for one in letters] == [
        ("u1", "3.00", "BGN"),
        ("u2", "3.00", "USD"),
        ("u3", "3.00", "BGN"),
    ]
    assert workflow.figures().recovered == {"BGN": 25.0, "USD": 12.5}
    report = workflow.check()
    assert report.sound, report.faults
    assert report.as_dict()["money"]["BGN"] == {
        "payouts_less_reversals": "31.00",
        "recovered": "25.00",
        "unapplied": "6.00",
        "dropped": "0.00",
    }


def test_everybodys_effects_run(workflow: Workflow) -> None:
    """ "runs everybody's effects" """
    workflow.on_enter("paid", name="work")(work)
    workflow.run_effects()
    assert WORKED == [("u1", "c1", "BGN"), ("u2", "c1", "USD"), ("u3", "c1", "BGN")]


@pytest.mark.parametrize("currency", ["BGN", "bgn", None])
def test_a_late_reversal_is_booked(workflow: Workflow, currency: str | None) -> None:
    """ "books a late reversal in BGN, under an `iso4217` that no longer lists it" """
    told = {} if currency is None else {"currency": currency}
    outcome = fire(
        workflow,
        "u1",
        "payout_reversed",
        amount="2.50",
        original_reimbursement_id="r1",
        event_id="late",
        **told,
    )
    assert outcome.status == "applied"
    assert shown(workflow).recovered == {"BGN": "10.00"}
    assert fire(workflow, "u1", "payout_reversed", claim_id="c1", amount="10.00").status == "applied"
    (claim,) = shown(workflow).claims[:1]
    assert (claim.state, claim.paid) == ("rejected", {})
    assert workflow.check().sound


def test_further_payouts_are_booked_with_the_decimals_that_it_had(workflow: Workflow) -> None:
    """ "stays readable and bookable in a store that has it, with the decimals that it was booked with" """
    outcome = fire(workflow, "u1", "payout_received", amazon_case_id="case of c2", amount=1.1)
    assert outcome.status == "applied"
    assert (
        fire(workflow, "u2", "payout_received", claim_id="c2", amount="4", currency="BGN").status == "applied"
    )
    assert shown(workflow).claims[1].paid == {"BGN": "1.10"}
    assert shown(workflow, "u2").recovered == {"BGN": "4.00", "USD": "12.50"}
    (letter,) = workflow.dead_letters(user_id="u3")
    workflow.retry_dead_letter(letter.id, claim_id="c1")
    assert shown(workflow, "u3").recovered == {"BGN": "15.50"}
    (letter,) = workflow.dead_letters(user_id="u2")
    workflow.retry_dead_letter(letter.id, claim_id="c2", currency="BGN")
    assert shown(workflow, "u2").recovered == {"BGN": "7.00", "USD": "12.50"}
    assert workflow.check().sound


@pytest.mark.parametrize("user", ["u1", "u2", "new"])
def test_new_claims_in_it_are_refused_by_the_list_in_force(workflow: Workflow, user: str) -> None:
    """A store that has the currency, and a user who has: new claims are refused all the same."""
    fire(workflow, user, "sync_complete", sync_id="s2")
    with pytest.raises(InvalidEvent) as caught:
        fire(
            workflow,
            user,
            "detection_complete",
            sync_id="s2",
            claims=[{"claim_id": "c9", "amount": "1.00", "currency": "BGN"}],
        )
    (error,) = caught.value.errors
    assert error.field == "claims[0].currency"
    assert "'BGN' is not the ISO 4217 code of a currency in use" in error.reason
    assert [one.claim_id for one in shown(workflow, user).claims if one.claim_id == "c9"] == []


def test_a_known_claim_in_it_is_told_anew(workflow: Workflow) -> None:
    """Its detector may change its mind about the amount; the rest of a list is taken beside a new one."""
    entries = [{"claim_id": "c3", "amount": "22.50"}, {"claim_id": "c9", "amount": "1", "currency": "BGN"}]
    told = fire(workflow, "u1", "detection_complete", sync_id="s1", claims=entries)
    assert (told.status, [one["index"] for one in told.refused]) == ("applied", [1])
    claims = shown(workflow).claims
    assert [(one.claim_id, one.amount, one.currency) for one in claims[2:]] == [("c3", "22.50", "BGN")]


def test_over_http_it_is_answered_like_any_other(workflow: Workflow) -> None:
    """Today's 400 for its status, its letters and everybody's, and 500 for the metrics, are gone."""
    client = create_app(workflow).test_client()
    prefix = "/api/v1/workflow"
    for path in (f"{prefix}/status/u1", f"{prefix}/history/u1", f"{prefix}/deadletters", "/metrics"):
        assert client.get(path).status_code == 200, path
    reversal = {"user_id": "u1", "amount": "2.50", "currency": "BGN", "claim_id": "c1"}
    assert client.post(f"{prefix}/payout/reversed", json=reversal).status_code == 200
