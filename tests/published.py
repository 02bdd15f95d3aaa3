# SPDX-License-Identifier: Apache-2.0
"""Published figures of other protocols, cited in the tests and held against the whole files where at hand.

A test never depends on a file outside the project: it checks what it cites. Where a folder shared/vectors
stands beside the project, `published` also makes sure that the citation is true to it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["published"]

VECTORS = Path(__file__).resolve().parents[2] / "shared" / "vectors"


def published(name: str, cited: Any) -> Any:
    """The cited figures, after a check that the file `name`.json says the same, if it is there."""
    path = VECTORS / f"{name}.json"
    if path.is_file():
        _agree(name, cited, json.loads(path.read_text(encoding="utf-8")))
    return cited


def _agree(where: str, cited: Any, stored: Any) -> None:
    if isinstance(cited, dict):
        for key, value in cited.items():
            _agree(f"{where}.{key}", value, stored[key])
    elif isinstance(cited, list):
        assert len(cited) == len(stored), f"{where}: {len(cited)} cited, {len(stored)} published"
        for place, (mine, theirs) in enumerate(zip(cited, stored, strict=True)):
            _agree(f"{where}[{place}]", mine, theirs)
    else:
        assert cited == stored, f"{where}: cited {cited!r}, published {stored!r}"
