"""Marks: a migration's name tells who can live with it.

`NNNN_expand_…` changes only what older versions never see, or can go without: they go on beside it.
`NNNN_contract_KKKK_…` takes away what no version needs that knows the migration KKKK; others stop. Any other
is for versions that know it alone. No name is ever changed: by the names in the store a process judges what
it was never told of.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_EXPANDS = re.compile(r"\d{4}_expand_\w+")
_CONTRACTS = re.compile(r"\d{4}_contract_(\d{4})_\w+")


def is_tolerable(name: str, known: Collection[str]) -> bool:
    """Tell whether a version that knows some migrations can work beside one that it doesn't."""
    contracts = _CONTRACTS.fullmatch(name)
    if contracts is not None:
        return any(one.startswith(f"{contracts[1]}_") for one in known)
    return _EXPANDS.fullmatch(name) is not None


def who_stops(name: str) -> str:
    """Say in a clause whom a migration stops."""
    contracts = _CONTRACTS.fullmatch(name)
    if contracts is not None:
        return f"versions that don't know {contracts[1]} stop"
    return "older versions go on" if _EXPANDS.fullmatch(name) else "older versions stop"
