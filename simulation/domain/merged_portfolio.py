# SPDX-License-Identifier: Apache-2.0
"""What an owner has at several venues, as one portfolio: the other side of netting given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from simulation.domain.margin_math import CollateralRisk, Portfolio, PositionRisk

__all__ = ["merged"]


def merged(portfolios: Sequence[Portfolio]) -> Portfolio:
    """One portfolio with all cash, positions and collateral of several, exact.

    Sizes, unrealised PnL and resting orders of a market add up, signed; prices, confidence and haircuts are
    those of the first portfolio that has the market or the asset. Markets and assets are in rising order.

    Raises:
        ValueError: no portfolio.
    """
    if not portfolios:
        raise ValueError("no portfolio to merge")
    positions: dict[int, PositionRisk] = {}
    collaterals: dict[int, CollateralRisk] = {}
    for portfolio in portfolios:
        for more in portfolio.positions:
            known = positions.get(more.market)
            positions[more.market] = (
                more
                if known is None
                else replace(
                    known,
                    size=known.size + more.size,
                    unrealised=known.unrealised + more.unrealised,
                    bids=known.bids + more.bids,
                    asks=known.asks + more.asks,
                )
            )
        for held in portfolio.collaterals:
            other = collaterals.get(held.asset)
            collaterals[held.asset] = (
                held if other is None else replace(other, value=other.value + held.value)
            )
    return Portfolio(
        cash=sum(portfolio.cash for portfolio in portfolios),
        stable_price=portfolios[0].stable_price,
        positions=tuple(positions[market] for market in sorted(positions)),
        collaterals=tuple(collaterals[asset] for asset in sorted(collaterals)),
    )
