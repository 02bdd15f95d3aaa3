# SPDX-License-Identifier: Apache-2.0
"""The step that moves an auction on when no bid can: insolvent, deleverage, write-off, restart or stop.

Imports: messages only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.messages import (
    DELEVERAGE,
    INSOLVENT,
    SOLVENT,
    CloseDebt,
    Deleverage,
    Fees,
    Intent,
    MarkDeleverage,
    MarkInsolvent,
    StartAuction,
    StopAuction,
    View,
    WriteOff,
)

__all__ = ["counterparties", "next_step"]


def next_step(view: View, place: int, account: int, fees: Fees) -> Intent | None:
    """What `account` can do for the auction at `place` of the view; None when bidders or time must act."""
    live, accounts = view.auctions, view.accounts
    target, phase = int(live.account[place]), int(live.phase[place])
    row = target - 1
    equity, flat = float(accounts.equity[row]), not bool(accounts.size[row].any())
    # Coin that is left of inverse positions is money like collateral, or a debt.
    bare = flat and not bool(accounts.collateral[row].any() or accounts.delta[row].any())
    if live.buffer_margin[place] >= 0:
        return StopAuction(account=account, target=target, fees=fees)
    if phase == SOLVENT:
        if equity <= 0:
            return MarkInsolvent(account=account, target=target, fees=fees)
        if live.over[place] or float(live.reserved[place]) >= equity:
            return StartAuction(account=account, target=target, fees=fees)
        return None
    if bare and accounts.cash[row] < 0:
        return WriteOff(account=account, target=target, fees=fees)
    if phase == DELEVERAGE and (debt := _debt(view, row, account, fees)) is not None:
        return debt
    if live.max_fraction[place] == 0 and (phase == INSOLVENT or flat):
        # It owns something again: only a solvent auction may sell it.
        return StartAuction(account=account, target=target, fees=fees)
    able = float(view.payable(np.array([row]))[0])
    if phase == INSOLVENT and (live.over[place] or -float(live.price[place]) > able):
        return MarkDeleverage(account=account, target=target, fees=fees)
    if phase == DELEVERAGE and not flat:
        # A payoff is not deleveraged: what has settled is closed at it.
        weights = [0.0 if market.settled else max(market.worth, market.tick_size) for market in view.markets]
        column = int(np.argmax(np.abs(accounts.size[row]) * weights))
        ranked = counterparties(view, target, column)[:8]
        if len(ranked):
            return Deleverage(
                account=account,
                target=target,
                market=view.markets[column].market,
                counterparties=tuple(ranked.tolist()),
                fees=fees,
            )
    return None


def _debt(view: View, row: int, account: int, fees: Fees) -> CloseDebt | None:
    """Coin that an account owes and has not, against the claim of whoever has won most in that market."""
    accounts = view.accounts
    for column, market in enumerate(view.markets):
        if not market.inverse or not market.valid or accounts.size[row, column] != 0.0:
            continue
        if accounts.delta[row, column] >= 0.0 or accounts.collateral[row, market.settled_in - 1] != 0.0:
            continue
        claims = accounts.delta[:, column] - accounts.size[:, column] / market.mark
        claims = np.where(accounts.liquidating, 0.0, claims)
        creditor = int(claims.argmax())
        if claims[creditor] > 0.0:
            return CloseDebt(
                account=account, target=row + 1, creditor=creditor + 1, market=market.market, fees=fees
            )
    return None


def counterparties(view: View, target: int, column: int) -> NDArray[np.int64]:
    """Accounts on the other side of a market by falling rank: profit ratio times leverage, losers last."""
    accounts, market = view.accounts, view.markets[column]
    size, equity = accounts.size[:, column], accounts.equity
    other = (size * accounts.size[target - 1, column] < 0) & ~accounts.liquidating & (equity > 0)
    rows = np.flatnonzero(other)
    gain = np.maximum(accounts.unrealised[rows, column], 0.0)
    held = np.abs(size[rows])
    # A contract of an inverse market has cost one USD and is one.
    cost = held if market.inverse else held * accounts.entry[rows, column]
    score = gain / np.maximum(cost, 1e-18) * (held * market.worth / equity[rows])
    return rows[np.argsort(-score, kind="stable")] + 1
