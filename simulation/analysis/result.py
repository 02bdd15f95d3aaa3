# SPDX-License-Identifier: Apache-2.0
"""What `plimsoll margin` says, as frozen values and as JSON.

Money in wad USD, prices in nano USD, sizes in nano base. Imports: analysis.hedge,
analysis.liquidation, analysis.tails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from simulation.analysis.hedge import Hedge
from simulation.analysis.liquidation import LiquidationPrice
from simulation.analysis.tails import Tails
from simulation.config.kinds import show_moment
from simulation.domain.margin_math import Assessment
from simulation.domain.units import EXACT

__all__ = ["Grid", "Held", "MarginAnalysis", "NamedTerm", "SystemResult", "exact"]


@dataclass(frozen=True, slots=True)
class Held:
    """A position or a collateral at present prices."""

    name: str
    size: int
    entry: int | None
    """Nano USD, contracts over coin of an inverse position; None of a collateral."""
    mark: int
    """Nano USD."""
    value: int
    """Wad USD: unrealised PnL of a position, full value of a collateral."""
    unit: str = "base"
    """Of `size`: contracts of an inverse perpetual are USD."""
    coin: int | None = None
    """Coin balance of an inverse position, nano coin; None of everything else."""
    coin_profit: int | None = None
    """Its PnL in coin at the mark, without funding, nano coin."""


@dataclass(frozen=True, slots=True)
class NamedTerm:
    """One term of an engine's `explain`, its subject by name."""

    label: str
    subject: str
    initial_margin: int
    maintenance_margin: int
    equity: int


@dataclass(frozen=True, slots=True)
class SystemResult:
    """One margin system's view of the portfolio."""

    name: str
    contract: str
    assessment: Assessment | None
    """None where the contracts have no answer."""
    reason: str
    """Why not."""
    worst: str
    """The worst scenario in words; empty where the system has one case."""
    terms: tuple[NamedTerm, ...]
    saved: int | None
    """Initial margin when isolated less initial margin here."""
    liquidation: tuple[LiquidationPrice, ...]
    hedge: Hedge | None


@dataclass(frozen=True, slots=True)
class Grid:
    """Profit and loss after moves of all spots and all volatilities at once."""

    spots: tuple[int, ...]
    """Bps of spot."""
    volatilities: tuple[int, ...]
    """Bps of volatility; one of 0 where nothing depends on it."""
    profits: tuple[tuple[int | None, ...], ...]
    """By volatility, then spot; None where the contracts refuse the surface."""
    coins: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    """PnL in coin of each inverse position by spot, nano coin: c - N / m is not linear in m."""


@dataclass(frozen=True, slots=True)
class MarginAnalysis:
    """One portfolio under every margin system."""

    name: str
    description: str
    file: str
    time: int
    engine: str
    cash: int
    held: tuple[Held, ...]
    collaterals: tuple[Held, ...]
    systems: tuple[SystemResult, ...]
    grid: Grid
    tails: Tails

    def system(self, name: str) -> SystemResult:
        """The result of one system by name."""
        return next(one for one in self.systems if one.name == name)

    def as_json(self) -> dict[str, Any]:
        """Exact decimals as text: USD, units of base."""
        return {
            "portfolio": self.name,
            "description": self.description,
            "time": show_moment(self.time),
            "engine": self.engine,
            "cash_usd": exact(self.cash, 18),
            "positions": [
                {
                    "instrument": one.name,
                    "size": exact(one.size, 9),
                    "size_unit": one.unit,
                    "entry_usd": None if one.entry is None else exact(one.entry, 9),
                    "mark_usd": exact(one.mark, 9),
                    "unrealised_usd": exact(one.value, 18),
                    **_coins(one),
                }
                for one in self.held
            ],
            "collaterals": [
                {"asset": one.name, "amount": exact(one.size, 9), "value_usd": exact(one.value, 18)}
                for one in self.collaterals
            ],
            "systems": {one.name: _system(one) for one in self.systems},
            "profit_and_loss": {
                "spot_moves_bps": list(self.grid.spots),
                "volatility_moves_bps": list(self.grid.volatilities),
                "usd": [
                    [None if profit is None else exact(profit, 18) for profit in row]
                    for row in self.grid.profits
                ],
                "coin": {
                    name: [None if profit is None else exact(profit, 9) for profit in row]
                    for name, row in self.grid.coins.items()
                },
            },
            "tails": self.tails.as_json(),
        }


def exact(amount: int, decimals: int) -> str:
    """An integer of this many decimals as decimal text, without zeros at the end."""
    text = f"{Decimal(amount).scaleb(-decimals, EXACT):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _coins(one: Held) -> dict[str, str]:
    if one.coin is None or one.coin_profit is None:
        return {}
    return {"coin_balance": exact(one.coin, 9), "profit_coin": exact(one.coin_profit, 9)}


def _system(one: SystemResult) -> dict[str, Any]:
    if one.assessment is None:
        return {"contract": one.contract, "refused": one.reason}
    found = one.assessment
    return {
        "contract": one.contract,
        "initial_margin_usd": exact(found.initial_margin, 18),
        "maintenance_margin_usd": exact(found.maintenance_margin, 18),
        "equity_usd": exact(found.equity, 18),
        "worst_scenario": {"number": found.worst_scenario, "name": one.worst},
        "saved_against_isolated_usd": None if one.saved is None else exact(one.saved, 18),
        "terms": [
            {
                "label": term.label,
                "subject": term.subject,
                "initial_margin_usd": exact(term.initial_margin, 18),
                "maintenance_margin_usd": exact(term.maintenance_margin, 18),
                "equity_usd": exact(term.equity, 18),
            }
            for term in one.terms
        ],
        "liquidation": [
            {
                "asset": price.asset,
                "down_usd": None if price.down is None else exact(price.down, 9),
                "up_usd": None if price.up is None else exact(price.up, 9),
                "now": price.now,
            }
            for price in one.liquidation
        ],
        "hedge": None if one.hedge is None else _hedge(one.hedge),
    }


def _hedge(hedge: Hedge) -> dict[str, Any]:
    return {
        "needed": hedge.needed,
        "found": hedge.found,
        "cost_usd": exact(hedge.cost, 18),
        "bound_usd": exact(hedge.bound, 18) if hedge.bound or not hedge.cost else None,
        "gap_bps": hedge.gap if hedge.cost else 0,
        "trades": [
            {
                "instrument": trade.instrument,
                "size": exact(trade.size, 9),
                "price_usd": exact(trade.price, 9),
                "cost_usd": exact(trade.cost, 18),
            }
            for trade in hedge.trades
        ],
        "initial_margin_after_usd": exact(hedge.after.initial_margin, 18),
        "maintenance_margin_after_usd": exact(hedge.after.maintenance_margin, 18),
        "equity_after_usd": exact(hedge.after.equity, 18),
    }
