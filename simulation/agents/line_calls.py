# SPDX-License-Identifier: Apache-2.0
"""What anybody may do about credit lines when it is due: collect fees, call, cure, default.

Imports: messages, NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulation.messages import DeclareDefault, Fees, Intent, ReviewLine, View
from simulation.messages.credit import DEFAULTED, HALF_TIME, NOTICE, QUIET

__all__ = ["line_steps"]

MARGIN = 1e-6
"""Share of a limit by which a use must differ: figures of the view are rounded, the desk's are not."""


def line_steps(view: View, account: int, fees: Fees, collect: int) -> Iterator[Intent]:
    """What `account` can do for the lines of all accounts, the most urgent first.

    Args:
        collect: seconds after which fees of a line are collected by a review.
    """
    desk, now = view.credit, view.timestamp
    if desk is None or not desk.commitment.any():
        return
    open_now = (desk.commitment > 0.0) & ~view.accounts.liquidating
    over = desk.use > desk.limit * (1.0 + MARGIN) + MARGIN
    called = open_now & ((desk.stage == NOTICE) | (desk.stage == HALF_TIME))
    elapsed = now - desk.called
    due = called & over & (elapsed >= desk.rules.grace)
    for row in np.flatnonzero(due).tolist():
        yield DeclareDefault(account=account, target=row + 1, fees=fees)
    quiet = open_now & (desk.stage == QUIET)
    urgent = quiet & over
    urgent |= called & ~over
    urgent |= open_now & (desk.stage == NOTICE) & over & ~due & (elapsed >= desk.rules.grace // 2)
    later = quiet & ~over & (desk.commitment > desk.granted)
    later |= open_now & (desk.stage == DEFAULTED) & (desk.use <= 0.0)
    later |= quiet & (now - desk.accrued >= collect)
    for rows in (np.flatnonzero(urgent), np.flatnonzero(later & ~urgent)):
        for row in rows.tolist():
            yield ReviewLine(account=account, target=row + 1, fees=fees)
