# SPDX-License-Identifier: Apache-2.0
"""Small worlds for tests of agents: two markets, a few accounts, a book around the mark."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simulation.messages import (
    AccountsView,
    AuctionsView,
    FeedView,
    FundView,
    MarketView,
    OrdersView,
    View,
)

GWEI = 10**9


def market(
    number: int = 1, price: float = 100.0, spread: int = 10, lots: int = 5_000, **changes: Any
) -> MarketView:
    """A market with five levels on both sides; tick 0.01 USD, lot 0.001."""
    tick = round(price / 0.01)
    steps = np.arange(5, dtype=np.int64) * 10 + spread // 2
    world = MarketView(
        market=number,
        symbol=("ETH", "BTC")[number - 1],
        feed=number,
        tick_size=0.01,
        lot_size=0.001,
        reference=price,
        spot=price,
        mark=price,
        confidence=1.0,
        valid=True,
        funding_rate=0.0,
        funding_index=0.0,
        open_interest=0.0,
        last_price=price,
        bid_ticks=tick - steps,
        bid_lots=np.full(5, lots, np.int64),
        ask_ticks=tick + steps,
        ask_lots=np.full(5, lots, np.int64),
    )
    return replace(world, **changes)


def accounts(count: int = 6, **columns: Any) -> AccountsView:
    """Flat accounts with 10,000 USD inside and 5,000 outside; columns may be given."""
    values: dict[str, Any] = {
        "cash": np.full(count, 10_000.0),
        "size": np.zeros((count, 2)),
        "entry": np.zeros((count, 2)),
        "unrealised": np.zeros((count, 2)),
        "bids": np.zeros((count, 2)),
        "asks": np.zeros((count, 2)),
        "collateral": np.zeros((count, 1)),
        "collateral_value": np.zeros(count),
        "equity": np.full(count, 10_000.0),
        "initial_margin": np.zeros(count),
        "maintenance_margin": np.zeros(count),
        "notional": np.zeros(count),
        "liquidating": np.zeros(count, np.bool_),
        "called": np.zeros(count, np.int64),
        "call_stage": np.ones(count, np.int64),
        "call_deadline": np.zeros(count, np.int64),
        "call_lapses": np.zeros(count, np.int64),
        "wallet": np.tile([5_000.0, 0.0], (count, 1)),
        "fund_shares": np.zeros(count),
    }
    values |= {name: np.asarray(value) for name, value in columns.items()}
    return AccountsView(**{"delta": values["size"], **values})


def auctions(*rows: dict[str, Any]) -> AuctionsView:
    """Live auctions; each row may leave out what is 0."""

    def column(name: str, kind: type) -> np.ndarray:
        return np.array([row.get(name, 0) for row in rows], dtype=kind)

    return AuctionsView(
        column("account", np.int64),
        column("phase", np.int64),
        column("started", np.int64),
        column("reserved", np.float64),
        column("price", np.float64),
        column("max_fraction", np.float64),
        column("buffer_margin", np.float64),
        column("over", np.bool_),
    )


def orders(*rows: tuple[int, int, int, bool, int, int]) -> OrdersView:
    """Resting orders: id, account, market, is bid, tick, lots."""
    columns = list(zip(*rows, strict=True)) if rows else [[]] * 6
    return OrdersView(
        *(
            np.array(column, dtype=np.bool_ if place == 3 else np.int64)
            for place, column in enumerate(columns)
        )
    )


def view(**changes: Any) -> View:
    """A calm world at block 10."""
    world = View(
        block=10,
        timestamp=1_000_000,
        block_time=12,
        base_fee=10 * GWEI,
        eth_price=100.0,
        markets=(market(1), market(2, 5_000.0)),
        feeds=(
            FeedView(1, 1, 100.0, 100.0, 100.0, 999_990, 0),
            FeedView(2, 2, 5_000.0, 5_000.0, 5_000.0, 999_990, 0),
        ),
        accounts=accounts(),
        orders=orders(),
        auctions=auctions(),
        fund=FundView(assets=100_000.0, shares=100_000.0, share_decimals=12, locked=False, deficit=0.0),
        asset_decimals=(6, 18),
        asset_prices=(1.0, 100.0),
    )
    return replace(world, **changes)
