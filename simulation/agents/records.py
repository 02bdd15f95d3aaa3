# SPDX-License-Identifier: Apache-2.0
"""Which records of a SolvencyGuard are brought up to date next. Imports: messages, NumPy."""

from __future__ import annotations

import numpy as np

from simulation.messages import AccountsView

__all__ = ["RecordRounds"]

NEAR = 0.5
"""Equity over notional below which an account may have something that its capital does not cover."""
LARGEST = 64
"""Accounts that one call takes."""


class RecordRounds:
    """Rounds through all accounts with exposure, a few in each block, half of them the least covered.

    An account that has been asked about stays in the round once more after its exposure is gone, so that its
    record goes as well.
    """

    def __init__(self) -> None:
        self.next = 0
        self._known = np.zeros(0, np.bool_)

    def next_targets(self, accounts: AccountsView, count: int) -> tuple[int, ...]:
        """At most `count` accounts, rising; none when nobody has exposure."""
        exposed = (accounts.notional > 0.0) | (accounts.initial_margin > 0.0)
        self._known = np.append(self._known, np.zeros(len(exposed) - len(self._known), np.bool_))
        rows = (exposed | self._known).nonzero()[0]
        count = min(count, LARGEST, len(rows))
        if not count:
            return ()
        thin = rows[accounts.equity[rows] < NEAR * accounts.notional[rows]]
        cover = accounts.equity[thin] / np.maximum(accounts.notional[thin], 1.0)
        chosen = dict.fromkeys(thin[cover.argsort(kind="stable")][: count // 2].tolist())
        start = int(np.searchsorted(rows, self.next))
        for row in (*rows[start:].tolist(), *rows[:start].tolist()):
            if len(chosen) == count:
                break
            chosen.setdefault(row)
            self.next = row + 1
        targets = sorted(chosen)
        self._known[targets] = exposed[targets]
        return tuple(row + 1 for row in targets)
