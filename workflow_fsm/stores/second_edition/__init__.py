"""The second edition's migration: what a first edition's store says, said as the second reads it.

Money becomes decimal strings, by the decimals of ISO 4217 as it stands today, or those that it was booked
with; cases become rows, filled from the claims' own and from the events that told them; what waits is put
under the names that it waits for. History is not touched, and what can't be read stays as it is. One user at
a time, so that memory is bounded by the largest.
"""

from collections.abc import Callable, Mapping

from workflow_fsm.stores.second_edition.rows import Run
from workflow_fsm.stores.second_edition.unapplied import add_up
from workflow_fsm.stores.second_edition.user import fill

STEPS: Mapping[str, Callable[[Run], None]] = {"0005_second_edition": fill, "0007_unapplied": add_up}
"""What runs behind the statements of a migration, in its transaction."""
