# SPDX-License-Identifier: Apache-2.0
"""Margin of all accounts at once, in floats, for decisions and tables; the chain decides exactly.

Imports: engine.terms, messages, NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulation.engine.terms import MarketTerms
from simulation.messages import SOLVENT, AuctionRules
from simulation.messages.view import Flags, Floats, Integers

__all__ = ["Margins", "auction_terms", "margins", "weighted"]


@dataclass(frozen=True, slots=True, eq=False)
class Margins:
    """USD, by account."""

    unrealised: Floats
    """(accounts, markets)."""
    delta: Floats
    """(accounts, markets), units of base: the size, of an inverse position its coin balance."""
    equity: Floats
    initial: Floats
    maintenance: Floats
    notional: Floats


def weighted(notional: Floats, tiers: Sequence[tuple[float, float]]) -> Floats:
    """Notional with each part beyond a tier's bound counted at its multiplier."""
    total, last = notional.copy(), 1.0
    for bound, multiplier in tiers:
        total += np.maximum(notional - bound, 0.0) * (multiplier - last)
        last = multiplier
    return total


def margins(
    cash: Floats,
    size: Floats,
    entry: Floats,
    funding: Floats,
    bids: Floats,
    asks: Floats,
    collateral_value: Floats,
    mark: Floats,
    funding_index: Floats,
    markets: Sequence[MarketTerms],
    initial_haircut: Floats,
    maintenance_haircut: Floats,
) -> Margins:
    """Equity and requirements, as contracts/math/margin_math.vy has them at full confidence and peg.

    Args:
        cash: USD by account.
        size, entry, funding, bids, asks: (accounts, markets), units of base and USD per unit; of an inverse
            market contracts of one USD, and coin for entry. What its coin asks for the chain alone says.
        collateral_value: (accounts, assets 1..), full value, USD.
        mark, funding_index: by market, USD and USD per unit.
        initial_haircut, maintenance_haircut: by asset 1.., share of 1.
    """
    unrealised = size * ((mark - entry) - (funding_index - funding))
    delta, worth = size, mark
    inverse = [column for column, market in enumerate(markets) if market.settled_in]
    if inverse:
        delta, worth = size.copy(), mark.copy()
        delta[:, inverse], worth[inverse] = entry[:, inverse], 1.0
        paid = size * (1.0 + funding_index - funding)
        unrealised[:, inverse] = (delta * mark - paid)[:, inverse]
    equity = cash + unrealised.sum(axis=1) + collateral_value.sum(axis=1)
    held = np.abs(size) * worth
    worst = np.maximum(np.abs(size + bids), np.abs(size - asks)) * worth
    initial = collateral_value @ initial_haircut
    maintenance = collateral_value @ maintenance_haircut
    for column, market in enumerate(markets):
        initial = initial + market.initial_margin * weighted(worst[:, column], market.tiers)
        maintenance = maintenance + market.maintenance_margin * weighted(held[:, column], market.tiers)
    return Margins(unrealised, delta, equity, initial, maintenance, held.sum(axis=1))


def auction_terms(
    phase: Integers,
    started: Integers,
    paused: Integers,
    reserved: Floats,
    equity: Floats,
    maintenance: Floats,
    timestamp: int,
    rules: AuctionRules,
) -> tuple[Floats, Floats, Floats, Flags]:
    """Price of the whole, largest fraction, buffer margin, and whether the phase is over, by auction.

    Of an account below the solvent phase that owns something again: the price from which a restart goes on,
    and nothing may be taken before.
    """
    running = np.maximum(timestamp - started, 0).astype(np.float64)
    recovered = (phase != SOLVENT) & (equity > 0.0) & (paused < rules.fast + rules.slow)
    solvent = (phase == SOLVENT) | recovered
    elapsed = np.where(recovered, paused, running)
    fast = rules.start - (rules.start - rules.cut) * elapsed / max(rules.fast, 1)
    slow = rules.cut * (1.0 - (elapsed - rules.fast) / rules.slow)
    discount = np.maximum(np.where(elapsed < rules.fast, fast, slow), 0.0)
    buffer_margin = equity - maintenance * (1.0 + rules.buffer)

    first = np.minimum(equity, 0.0)
    last = np.minimum(equity - maintenance, first)
    paid = first - (first - last) * np.minimum(running / rules.insolvent, 1.0)
    price = np.where(solvent, (equity - reserved) * discount, paid)

    missing = np.maximum(-buffer_margin, 0.0)
    brought = np.maximum(equity, 0.0) * discount + reserved * (1.0 - discount)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(missing > 0.0, missing / (missing + brought), 0.0)
    whole = ~solvent | (equity < rules.equity_cutoff)
    fraction = np.where((missing > 0.0) & ~recovered, np.where(whole, 1.0, share), 0.0)
    over = ~recovered & (running >= np.where(solvent, rules.fast + rules.slow, rules.insolvent))
    return price, fraction, buffer_margin, over
