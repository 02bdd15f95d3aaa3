# SPDX-License-Identifier: Apache-2.0
"""Slices of portfolios as a bidder sees them: for sale now, or once an auction would have been started.

Imports: messages, NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.messages import DELEVERAGE, INSOLVENT, SOLVENT, View

__all__ = ["SliceQuote", "later_slice", "live_slices"]


@dataclass(frozen=True, slots=True)
class SliceQuote:
    """One auction as a bidder sees it. Money in USD, for the whole portfolio."""

    target: int
    """Account under liquidation."""
    value: float
    """Equity that is for sale: what the portfolio is worth at mark, less what earlier bidders paid."""
    price: float
    """What it costs; negative: paid out."""
    max_fraction: float
    """Share of 1 that may be taken."""

    @property
    def discount(self) -> float:
        """Value less price: gain of taking it all at mark, before gas and exit."""
        return self.value - self.price


def live_slices(view: View, account: int) -> list[SliceQuote]:
    """Auctions in which `account` may bid, the largest gain at mark first."""
    live = view.auctions
    equity = view.accounts.equity[live.account - 1]
    gain = (equity - live.reserved - live.price) * live.max_fraction
    flat = view.accounts.notional[live.account - 1] == 0
    open_now = (live.phase == SOLVENT) & (equity > live.reserved) & ~live.over
    # The insurance fund pays at once and in full, or the bid reverts.
    open_now |= (live.phase == INSOLVENT) & (-live.price * live.max_fraction <= view.fund.assets)
    # Once positions are closed, what collateral is left is sold on the account's own credit.
    open_now |= (live.phase == DELEVERAGE) & flat
    open_now &= (live.max_fraction > 0) & (live.account != account)
    order = np.argsort(-gain, kind="stable")
    return [
        SliceQuote(
            int(live.account[place]),
            float(equity[place] - live.reserved[place]),
            float(live.price[place]),
            float(live.max_fraction[place]),
        )
        for place in order[open_now[order]].tolist()
    ]


def later_slice(view: View, target: int) -> SliceQuote | None:
    """What the auction of an account would offer at the end of its fast phase, at today's prices.

    Of an account under water: what the insurance fund would pay at the end of the insolvent phase. None
    when nothing would be for sale, or the fund could not pay.
    """
    rules, accounts = view.rules, view.accounts
    equity = float(accounts.equity[target - 1])
    maintenance = float(accounts.maintenance_margin[target - 1])
    if equity <= 0.0:
        paid = maintenance - equity
        return SliceQuote(target, equity, -paid, 1.0) if 0.0 < paid <= view.fund.assets else None
    missing = maintenance * (1.0 + rules.buffer) - equity
    if missing <= 0.0:
        return None
    price = equity * rules.cut
    fraction = 1.0 if equity < rules.equity_cutoff else missing / (missing + price)
    return SliceQuote(target, equity, price, fraction)
