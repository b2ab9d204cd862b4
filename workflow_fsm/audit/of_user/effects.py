"""Effects, audited: what a row of the outbox tells that can't be, beside the transition that owes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from workflow_fsm.core.model.outbox import STANDINGS, effect_key
from workflow_fsm.core.values.instants import read_instant, show_instant
from workflow_fsm.stores.session import Columns


def misfits(
    user_id: str, row: Columns, cause: Columns | None, dropped: Callable[[str], bool]
) -> Iterator[str]:
    """Say what an effect's row tells that can't be.

    `cause` is the row of history at its cursor, if any; `dropped` tells what acts dropped.
    """
    if row["standing"] not in STANDINGS:
        yield f"its standing is {row['standing']!r}, which none is"
    if row["standing"] == "dropped" and not dropped(f"effect:{row['seq']}"):
        yield "it was dropped, and no act says by whom"
    if row["about"] is not None:
        key = effect_key(user_id, row["about"], row["seq"], row["handler"])
        if (row["lifecycle"], row["cursor"]) != (0, 0):
            yield f"it is about {row['about']!r}, and names a transition as well"
    elif cause is None or cause["lifecycle"] != row["lifecycle"]:
        yield f"no transition of lifecycle {row['lifecycle']!r} stands at cursor {row['cursor']!r}"
        return
    else:
        key = effect_key(user_id, row["lifecycle"], cause["version"], row["handler"])
    if row["key"] != key:
        yield f"its key is {row['key']!r}, which is not that of what owes it"
    counts = (row["forgiven"], row["attempt"])
    if not all(isinstance(one, int) for one in counts) or not 0 <= counts[0] <= counts[1]:
        yield f"of its {row['attempt']!r} attempts {row['forgiven']!r} are forgiven, which can't be"
    for name in ("owed_at", "due_at", "ready_at"):
        if not _is_instant(row[name]):
            yield f"its {name} is {row[name]!r}, which is no instant"


def _is_instant(text: object) -> bool:
    try:
        return isinstance(text, str) and show_instant(read_instant(text)) == text
    except ValueError:
        return False
