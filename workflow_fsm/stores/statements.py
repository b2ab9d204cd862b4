"""Named statements: reads the `.sql` file of a dialect into a mapping of name to SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements(dialect: str) -> Mapping[str, str]:
    """Give the statements of `<dialect>.sql`, each begun by a line `-- name: …`."""
    text = (
        resources.files(__package__)
        .joinpath(dialect.partition("_")[0], f"{dialect}.sql")
        .read_text(encoding="utf-8")
    )
    _, *parts = _NAME.split(text)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return MappingProxyType({name: sql.strip().rstrip(";") for name, sql in pairs})
