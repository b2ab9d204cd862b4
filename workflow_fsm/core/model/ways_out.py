"""Ways out: what a person can do about a dead letter, said behind the reason wherever that is made.

Which way leads out depends on why it is one: on the cell that refused it, on names that tell nothing, on a
wait that ended.
"""

from __future__ import annotations

from workflow_fsm.core.model.inbox import Share, Standing

ONCE_MOVED = "retry it once the claim has moved, or drop it"
"""Of what a claim's cell has refused."""
ONCE_CHANGED = "retry it once that has changed, or drop it"
"""Of what the names of others stand against."""
ONCE_COME = "retry it once what it waited for has come, or drop it"
"""Of what waited for its time to live."""
WITH_CLAIM = "retry it with the claim_id that it is for, or drop it"
"""Of what doesn't tell for which claim it is."""
SENT_ANEW = "have it sent again, corrected, or drop it"
"""Of what isn't well formed."""
BESIDE = "drop it, or retry it to count it beside the other"
"""Of what came under an id that is another's."""


def died_of(share: Share, *, listed: bool) -> str:
    """Say why a part is dead whose time to live is over, and what would settle it; `listed`: it is one of a
    list."""
    told = share.reason or "what it waited for did not come"
    only_a_person_can_tell = share.claim is None and not share.waiting_for and not listed
    return f"it waited for its time to live: {told}; {WITH_CLAIM if only_a_person_can_tell else ONCE_COME}"


def dropped_for(reason: str | None, was: Standing | None) -> str:
    """Say that it was dropped, for the reason that a person gave, and how it comes back as what it was."""
    told = "it was dropped" if reason is None else f"it was dropped: {reason}"
    back = "restore it" if was is Standing.WAITING else "restore it, and retry it,"
    return f"{told}; {back} to have it judged again"


def failed_and_dropped_for(reason: str | None) -> str:
    """Say so of an effect."""
    told = "it was dropped" if reason is None else f"it was dropped: {reason}"
    return f"{told}; restore it, and retry it, to have it tried again"
