# SPDX-License-Identifier: Apache-2.0
"""Slices of portfolios as a bidder sees them: for sale now, or once an auction would have been started.

Imports: messages, NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulation.messages import DELEVERAGE, INSOLVENT, SOLVENT, View
from simulation.messages.view import Floats

__all__ = ["SliceQuote", "expected_equity", "expected_marks", "later_slice", "live_slices"]


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


@lru_cache(maxsize=4)
@lru_cache(maxsize=4)
def expected_marks(view: View, deviation: float) -> Floats:
    """Marks by market as the transactions of this block will meet them; read-only, shared by all who ask.

    The relayer's updates come first in a block; where the outside price has moved by `deviation` from the
    spot on chain one is on its way, and mark moves with it. Dated markets wait for their boards.
    """
    moved = np.array(
        [
            market.reference / market.spot if market.spot and not market.series else 1.0
            for market in view.markets
        ]
    )
    marks = np.array([market.mark for market in view.markets])
    expected: Floats = marks * np.where(np.abs(moved - 1.0) >= deviation, moved, 1.0)
    expected.flags.writeable = False
    return expected


def expected_equity(view: View, marks: Floats) -> Floats:
    """Equity of all accounts at these marks, USD; collateral at the price on chain. Read-only."""
    return _equity_at(view, tuple(marks.tolist()))


@lru_cache(maxsize=4)
def _equity_at(view: View, marks: tuple[float, ...]) -> Floats:
    moves = np.array(marks) - np.array([market.mark for market in view.markets])
    equity: Floats = view.accounts.equity + view.accounts.delta @ moves
    equity.flags.writeable = False
    return equity


def live_slices(view: View, account: int, marks: Floats) -> list[SliceQuote]:
    """Auctions in which `account` may bid at these marks, the largest gain first."""
    return [quote for quote in _slices_at(view, tuple(marks.tolist())) if quote.target != account]


@lru_cache(maxsize=4)
def _slices_at(view: View, marks: tuple[float, ...]) -> tuple[SliceQuote, ...]:
    live, rules = view.auctions, view.rules
    rows = live.account - 1
    now, equity = view.accounts.equity[rows], _equity_at(view, marks)[rows]
    solvent = live.phase == SOLVENT
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(solvent & (now > live.reserved), live.price / (now - live.reserved), 0.0)
        deficit = np.minimum(equity, 0.0) - np.minimum(now, 0.0)
        price = np.where(solvent, (equity - live.reserved) * share, live.price + deficit)
        missing = np.maximum(now - equity - live.buffer_margin, 0.0)
        part = missing / (missing + equity * share + live.reserved * (1.0 - share))
    whole = ~solvent | (equity < rules.equity_cutoff)
    moved = np.where(missing > 0.0, np.where(whole, 1.0, part), 0.0)
    fraction = np.where(equity == now, live.max_fraction, moved)
    gain = (equity - live.reserved - price) * fraction
    flat = view.accounts.notional[rows] == 0
    open_now = solvent & (equity > live.reserved) & (now > live.reserved) & ~live.over
    # Credit line and insurance fund pay at once and in full, or the bid reverts.
    open_now |= (live.phase == INSOLVENT) & (-price * fraction <= view.payable(rows))
    # Once positions are closed, what collateral is left is sold on the account's own credit.
    open_now |= (live.phase == DELEVERAGE) & flat
    # What is about to own something again has to be started anew first.
    open_now &= solvent | (equity <= 0) | (now > 0)
    open_now &= (live.max_fraction > 0) & (fraction > 0)
    order = np.argsort(-gain, kind="stable")
    return tuple(
        SliceQuote(
            int(live.account[place]),
            float(equity[place] - live.reserved[place]),
            float(price[place]),
            float(fraction[place]),
        )
        for place in order[open_now[order]].tolist()
    )


def later_slice(view: View, target: int, equity: float) -> SliceQuote | None:
    """What the auction of an account with this equity would offer at the end of its fast phase.

    Of an account under water: what the insurance fund would pay at the end of the insolvent phase. None
    when nothing would be for sale, or the fund could not pay.
    """
    rules = view.rules
    maintenance = float(view.accounts.maintenance_margin[target - 1])
    if equity <= 0.0:
        paid = maintenance - equity
        return (
            SliceQuote(target, equity, -paid, 1.0)
            if 0.0 < paid <= view.payable(np.array([target - 1]))[0]
            else None
        )
    missing = maintenance * (1.0 + rules.buffer) - equity
    if missing <= 0.0:
        return None
    price = equity * rules.cut
    fraction = 1.0 if equity < rules.equity_cutoff else missing / (missing + price)
    return SliceQuote(target, equity, price, fraction)
