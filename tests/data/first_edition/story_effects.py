"""Effects: owed, taken by a holder that died, done, dead, void, dropped, requested; and what letters owe."""

from __future__ import annotations

from tests.data.first_edition.telling import Teller
from workflow_fsm import DeadLetter, Discard, Fire, Request, RetryAfter, Transition

WHO = "effects"


class Died(BaseException):
    """Ends a handler as the death of its process does."""


def register(t: Teller) -> None:
    """Register handlers of every pattern. What they do is told by the names of claims."""
    workflow = t.workflow

    @workflow.on_enter("matched", not_before="eligible_from", tries=3, pause_seconds=2, timeout_seconds=600)
    def file(transition: Transition) -> Fire:
        if transition.claim_id == "f-dies":
            raise Died
        return Fire("claim_submitted", amazon_case_id=f"filed {transition.claim_id}", by="file")

    @workflow.on_transition(trigger="claim_rejected", source="submitted", target="rejected", name="appeal")
    def appeal(transition: Transition) -> list[Fire]:
        return [
            Fire("claim_submitted", case_id="appealed"),
            Fire("evidence_matching_complete", confidence=0.2),
        ]

    @workflow.on_enter("paid", name="thank", tries=2, pause_seconds=3600)
    def thank(transition: Transition) -> None:
        if transition.claim_id == "f-discarded":
            raise Discard("nobody thanks for this")
        if transition.claim_id == "f-later":
            raise RetryAfter(7 * 86400, "not this week")
        if transition.claim_id in ("f-fails", "f-revived"):
            raise ValueError("it said ü\nand\t\\N")

    workflow.on_enter("rejected", name="elsewhere")(lambda transition: None)
    workflow.on_transition(target="expired", name="old-mailer")(lambda transition: None)

    @workflow.on_dead_letter
    def alert(letter: DeadLetter) -> None:
        """Tell nobody."""

    @workflow.on_request("ask-sync", tries=5)
    def ask(request: Request) -> None:
        """Ask nobody."""


def effects(t: Teller) -> None:
    """Tell of effects that come to every end, and of some on their way."""
    found: list[dict[str, object]] = [
        {"claim_id": f"f-{name}"}
        for name in ("files", "dies", "appealed", "discarded", "fails", "revived", "later")
    ]
    found.append({"claim_id": "f-not yet", "eligible_from": "2026-06-01T00:00:00Z"})
    found.append({"claim_id": "f-void", "eligible_from": "2026-06-01T00:00:00Z"})
    found.append({"claim_id": "f-expires", "deadline_date": "2025-11-01T00:00:00Z"})
    t.tell("applied", "sync_complete", WHO, sync_id="ef")
    t.tell("applied", "detection_complete", WHO, sync_id="ef", claims=found)
    assert t.workflow.drop_handler("old-mailer")["void"] == 1
    for name in ("files", "dies", "not yet", "void"):
        t.tell("applied", "evidence_matching_complete", WHO, claim_id=f"f-{name}", confidence=0.95)
    t.tell("applied", "claim_submitted", WHO, claim_id="f-void", case_id="F-void", event_id="by hand")
    t.tell("applied", "claim_submitted", WHO, claim_id="f-appealed", case_id="F-1")
    t.tell("applied", "claim_rejected", WHO, claim_id="f-appealed", reason="no")
    for name in ("discarded", "fails", "revived", "later"):
        t.tell(
            "applied", "payout_received", WHO, claim_id=f"f-{name}", amount="15.00", event_id=f"{name} paid"
        )
    t.workflow.request("ask-sync", user_id=WHO)
    _run(t)
    t.pass_by(hours=2)
    _run(t)
    t.drop(t.letter_of(WHO, "thank", "f-discarded"), "no thanks")
    t.retry("owed", t.letter_of(WHO, "thank", "f-revived"), actor="ann", reason="it may be up again")


def owed_at_the_end(t: Teller) -> None:
    """Tell of what is still owed when the story ends: nobody runs it any more."""
    t.tell("applied", "evidence_matching_complete", "bulgaria", claim_id="b3", confidence=0.9, event_id="b3")
    refused = {"claim_id": "f-discarded", "event_id": "a letter nobody was told of"}
    t.tell("refused", "claim_rejected", WHO, **refused)
    t.workflow.request("ask-sync", user_id=WHO)
    t.workflow.request("ask-sync", user_id="only asked for")


def _run(t: Teller) -> None:
    """Run what is due, as often as a handler dies in it; the dead holder's lease is left as it is."""
    while True:
        try:
            t.workflow.run_effects()
        except Died:
            continue
        return
