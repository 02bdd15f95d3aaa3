# SPDX-License-Identifier: Apache-2.0
"""Margin calls of all accounts, from events alone. Imports: messages."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simulation.messages import ESCALATED, QUIET, EventColumns

__all__ = ["CallMirror"]

TOLD, STAGE, DEADLINE, LAPSES = range(4)
"""Places of a call's figures."""
NAMES = ("MarginCalled", "MarginCallEscalated", "MarginCallCured", "AuctionStarted")


class CallMirror:
    """The latest margin call of each account, lapsed or not."""

    def __init__(self) -> None:
        self._rows = np.zeros((0, 4), np.int64)

    @property
    def told(self) -> NDArray[np.int64]:
        """(accounts), unix seconds at which the owner last heard of a call; 0: never."""
        return self._rows[:, TOLD].copy()

    @property
    def deadline(self) -> NDArray[np.int64]:
        """(accounts), unix seconds from which the latest call may be escalated; 0: never called."""
        return self._rows[:, DEADLINE].copy()

    @property
    def stage(self) -> NDArray[np.int64]:
        """(accounts), of the latest call, lapsed or not; QUIET: none, cured, or ended by an auction."""
        return self._rows[:, STAGE].copy()

    @property
    def lapses(self) -> NDArray[np.int64]:
        """(accounts), unix seconds from which the latest call is void; 0: never called."""
        return self._rows[:, LAPSES].copy()

    def create(self, more: int) -> None:
        """As many accounts more."""
        self._rows = np.concatenate([self._rows, np.tile([0, QUIET, 0, 0], (more, 1))])

    def apply(self, events: Mapping[str, EventColumns], timestamp: int) -> None:
        """Takes in one block's events by name; the start of an auction ends a call as well."""
        steps: list[tuple[int, str, int, list[int]]] = []
        for name in NAMES:
            found = events.get(name)
            if found is None:
                continue
            accounts, logs = found.small("account").tolist(), found.log.tolist()
            said: list[list[int]] = [[]] * len(logs)
            if name == "MarginCalled":
                said = np.stack(
                    [found.small(field) for field in ("stage", "deadline", "lapses")], axis=1
                ).tolist()
            steps += [
                (log, name, account, values)
                for log, account, values in zip(logs, accounts, said, strict=True)
            ]
        for _, name, account, values in sorted(steps):
            row = self._rows[account - 1]
            if name == "MarginCalled":
                row[:] = timestamp, *values
            else:
                row[STAGE] = ESCALATED if name == "MarginCallEscalated" else QUIET
