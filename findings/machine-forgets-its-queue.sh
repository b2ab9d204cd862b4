#!/usr/bin/env bash
# One would guess: with `queued=True` of transitions, where the callback of one trigger fails, the others in
#   the queue are taken all the same, or the caller of each hears of it.
# True is: the failure empties the queue. What stood in it is gone, though each of those triggers had returned
#   True.
# It hurts: whoever fires events from callbacks: a payout that came while an e-mail failed is never applied,
#   and its sender was told yes.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages transitions==0.9.3

python - << 'RUN' | see
from transitions import Machine


class Claim:
    def approved(self):
        print("in the callback: notify", self.notify(), "- pay", self.pay(), "- state", self.state)

    def send_mail(self):
        raise OSError("the mail server is away")


claim = Claim()
machine = Machine(claim, ["submitted", "approved", "notified", "paid"], initial="submitted", queued=True)
machine.add_transition("approve", "submitted", "approved", after="approved")
machine.add_transition("notify", "approved", "notified", after="send_mail")
machine.add_transition("pay", "notified", "paid")
try:
    claim.approve()
except OSError as error:
    print("raised:", error)
print("state:", claim.state)
machine.add_transition("remind", "notified", "notified", after=lambda: None)
claim.remind()
print("after another trigger:", claim.state)
RUN

as_found << 'FOUND'
in the callback: notify True - pay True - state approved
raised: the mail server is away
state: notified
after another trigger: notified
FOUND
