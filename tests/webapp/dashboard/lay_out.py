"""Lays the claim lifecycle out, for machines without Graphviz: `python -m tests.webapp.dashboard.lay_out`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from webapp.dashboard import picture
from workflow_fsm import claim_lifecycle

_READ = {"objects": ("_gvid", "name", "pos", "width", "height"), "edges": ("tail", "head", "pos", "lp")}


def main() -> None:
    """Write the layout that comes with the package: what is read of it."""
    words = picture.words_of(claim_lifecycle())
    drawn = picture.drawn(words)
    assert drawn is not None, "Graphviz's program `dot` is not on the PATH"
    kept: dict[str, Any] = {"bb": drawn["bb"]}
    for name, keys in _READ.items():
        kept[name] = [{key: one[key] for key in keys if key in one} for one in drawn[name]]
    text = json.dumps({"words": picture.digest(words), "drawn": kept}, indent=1) + "\n"
    Path(picture.__file__).with_name(picture.LAID_OUT).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
