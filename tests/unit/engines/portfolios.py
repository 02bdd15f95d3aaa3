# SPDX-License-Identifier: Apache-2.0
"""Portfolios in the order of IMarginEngine's ABI, and the parameters of the engines under test."""

from __future__ import annotations

from typing import Any

__all__ = ["CONTINGENCY", "RISK", "collateral", "portfolio", "position"]

NANO = 10**9
WAD = 10**18
BPS = 10_000
FULL = 10**8

RISK = (650, 500, 15_000, 20_000, 1_000_000, 5_000_000)
"""Initial and maintenance ratio, multipliers (bps) and bounds (USD) of the two upper tiers."""

CONTINGENCY = (4 * 10**7, 4_000, 980_000_000, 12_000)
"""Confidence threshold (1e-8) and factor (bps), depeg threshold (nano USD) and factor (bps)."""


def position(
    size: int,
    mark: int = 2_000 * NANO,
    *,
    market: int = 1,
    spot: int | None = None,
    confidence: int = FULL,
    unrealised: int = 0,
    bids: int = 0,
    asks: int = 0,
) -> tuple[int, ...]:
    """A PositionRisk; size and orders in nano base, prices in nano USD, money in wad."""
    return (market, size, mark, mark if spot is None else spot, confidence, unrealised, bids, asks)


def collateral(
    value: int, *, asset: int = 1, confidence: int = FULL, maintenance: int = 500, initial: int = 1_000
) -> tuple[int, ...]:
    """A CollateralRisk; value in wad, haircuts in bps."""
    return (asset, value, confidence, maintenance, initial)


def portfolio(*positions: tuple[int, ...], cash: int = 0, stable: int = NANO, collaterals: Any = ()) -> Any:
    """A Portfolio."""
    return (cash, stable, list(positions), list(collaterals))
