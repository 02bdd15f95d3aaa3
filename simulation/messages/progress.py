# SPDX-License-Identifier: Apache-2.0
"""What a run tells whoever watches it, and what it hands over at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Progress", "RunResult", "Watcher"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands after a block."""

    done: int
    """Blocks recorded so far."""
    blocks: int
    """Blocks of the whole run."""
    symbol: str
    """Of the first market."""
    price: float
    """Mark of the first market, USD."""
    liquidations: int
    """Auctions started so far."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended; everything else is in its folder."""

    folder: Path
    complete: bool
    """False: interrupted, and what was recorded until then is in the folder."""
    reason: str
    """Why it was interrupted; empty when complete."""
    blocks: int
    """Blocks recorded."""


Watcher = Callable[[Progress], None]
"""Called after every block; must not change the run."""
