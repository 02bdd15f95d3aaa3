# SPDX-License-Identifier: Apache-2.0
"""What the clocks of margin calls allow: who may be called, reminded, escalated, cured.

Imports: messages, NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulation.messages import (
    ESCALATED,
    NOTICE,
    QUIET,
    CallMargin,
    CureCall,
    EscalateCall,
    Fees,
    Intent,
    View,
)
from simulation.messages.view import Flags, Floats

__all__ = ["admissible", "admitted", "call_steps", "cures"]


def call_steps(view: View, account: int, fees: Fees) -> Iterator[Intent]:
    """Steps against accounts below initial margin: escalations, notices, reminders, deepest first each."""
    low = _is_low(view)
    if not low.any():
        return
    live, stage = _in_force(view), view.accounts.call_stage
    late = _may_escalate(view) & low
    for target in _deepest_first(view, late):
        yield EscalateCall(account=account, target=target, fees=fees)
    notices, reminded = low & ~live, np.zeros_like(low)
    if not view.rules.window:
        # What only informs need not be said again because an auction came between.
        told = view.accounts.called
        notices &= (told == 0) | (view.timestamp - told >= view.rules.grace)
    else:
        half = view.accounts.call_deadline - view.rules.grace // 2
        reminded = low & live & (stage == NOTICE) & (view.timestamp >= half) & ~late
    for wanted in (notices, reminded):
        for target in _deepest_first(view, wanted):
            yield CallMargin(account=account, target=target, fees=fees)


def cures(view: View, account: int, fees: Fees) -> Iterator[Intent]:
    """Ends calls that are met, where they would have consequences."""
    if view.rules.window:
        for row in np.flatnonzero(_in_force(view) & ~_is_low(view)).tolist():
            yield CureCall(account=account, target=row + 1, fees=fees)


def admitted(view: View, equity: Floats) -> Flags:
    """Escalated accounts that may be put up for auction at this equity, by account."""
    escalated: Flags = _in_force(view) & (view.accounts.call_stage == ESCALATED)
    return escalated & _is_below_buffer(view, equity)


def admissible(view: View, equity: Floats) -> Flags:
    """Accounts that an escalation would admit to auction at this equity, by account."""
    healthy: Flags = (equity >= view.accounts.maintenance_margin) & ~view.accounts.liquidating
    return _may_escalate(view) & healthy & _is_below_buffer(view, equity)


def _may_escalate(view: View) -> Flags:
    """Accounts whose call is past its deadline and neither escalated nor void."""
    waits: Flags = view.accounts.call_stage != ESCALATED
    return _in_force(view) & waits & (view.timestamp >= view.accounts.call_deadline)


def _is_below_buffer(view: View, equity: Floats) -> Flags:
    below: Flags = equity < view.accounts.maintenance_margin * (1.0 + view.rules.buffer)
    return below & view.rules.early_auction


def _in_force(view: View) -> Flags:
    called: Flags = view.accounts.call_stage != QUIET
    return called & (view.timestamp < view.accounts.call_lapses)


def _is_low(view: View) -> Flags:
    low: Flags = view.accounts.equity < view.accounts.initial_margin
    return low & ~view.accounts.liquidating


def _deepest_first(view: View, wanted: Flags) -> list[int]:
    """Account numbers; where the next tick would cost most comes first."""
    rows = np.flatnonzero(wanted)
    depth = view.accounts.equity[rows] - view.accounts.initial_margin[rows]
    return [row + 1 for row in rows[depth.argsort(kind="stable")].tolist()]
