# SPDX-License-Identifier: Apache-2.0
"""Parts of other designs: what parameters of this protocol express exactly; the rest is skipped by name.

Synthetix' skew-scaled margin is a ratio of the notional once the size is given, so the engine is deployed
with that ratio; the minimum for each position, a deposit for its liquidation, is left out on both sides.
Its market debt is what all traders together are worth: here they trade with each other, so it is that of
the accounts in question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.protocol import NANO, WAD, World, default_protocol

__all__ = ["NAMES", "WITHOUT", "check"]

NAMES = ("perp_funding_velocity.json", "snx_margin_and_windows.json")
VELOCITY = "funding by velocity: here a rate follows the premium of now, not the skew since it began"
WITHOUT: Mapping[str, Mapping[str, str]] = {
    "cash_interest_sequence.json": {
        "fund after settled losses": "interest of loans that mirror profits not yet settled: not lenders'",
        "losses beyond the fund": "printed cash: here the deficit lowers the exchange rate of all",
    },
    "perp_funding_velocity.json": {"rows": VELOCITY},
    "snx_margin_and_windows.json": {
        "min_pos_margin": "minimum margins of positions: liquidations are paid for by a share of equity",
        "liq_window": "liquidation windows: what may be taken is bounded by the buffer margin, not by time",
        "keeper_caps, flag_reward": "keeper rewards by the cost of gas: here a share of equity up to a bound",
        "fill_price": "fills at a skewed oracle price: orders fill against each other at their own prices",
    },
}
"""By file, what belongs to a design that this protocol does not have."""
BPS = 10_000
LIQUIDITY = 10**9
"""USD of whoever takes the other side."""


def check(data: Mapping[str, Any]) -> None:
    """Asserts margins and market debt; a file of another design alone is skipped."""
    if "margins" not in data:
        pytest.skip(VELOCITY)
    for case in data["margins"]:
        _check_margin(case)
    _check_market_debt(data["market_debt"])


def _ratio(case: Mapping[str, Any], share: float) -> int:
    """Bps of the notional at the size of the case; whole ones, or the case could not be expressed."""
    ratio = (abs(case["size"]) / case["skew_scale"] * case["im_ratio"] + case["min_im_ratio"]) * share * BPS
    assert abs(ratio - round(ratio)) < 1e-9
    return round(ratio)


def _check_margin(case: Mapping[str, Any]) -> None:
    protocol = default_protocol()
    symbol = case["market"]
    market = replace(
        protocol.markets[symbol],
        initial_margin=_ratio(case, 1),
        maintenance_margin=_ratio(case, case["mm_scalar"]),
    )
    world = World(replace(protocol, markets=protocol.markets | {symbol: market}))
    number = list(protocol.markets).index(symbol) + 1
    world.prices(**{symbol: case["price"]})
    account, maker = world.account("trader", cash=LIQUIDITY), world.account("maker", cash=LIQUIDITY)
    sides = (account, maker) if case["size"] > 0 else (maker, account)
    world.trade(*sides, number, case["price"], abs(case["size"]))
    found = world.ledger.assess(account)[0]
    fixed, expected = case["min_pos_margin"], case["expected"]
    assert found.initial_margin == (expected["im"] - fixed) * WAD
    assert found.maintenance_margin == (expected["mm"] - fixed) * WAD


def _check_market_debt(steps: list[Mapping[str, Any]]) -> None:
    world = World()
    world.exchange.set_fees(0, 0)
    world.prices(ETH=1_000)
    maker = world.account("maker", cash=LIQUIDITY)
    first, second = world.account("first"), world.account("second")
    actions = (
        lambda: world.deposit("first", first, 0, 1_000 * world.cash_unit),
        lambda: world.trade(first, maker, 1, 1_000, 10),
        lambda: world.advance(60, ETH=1_200),
        lambda: world.deposit("second", second, 0, 1_200 * world.cash_unit),
        lambda: world.trade(maker, second, 1, 1_200, 5),
    )
    for action, step in zip(actions, steps, strict=True):
        action()
        worth = sum(world.ledger.assess(account)[0].equity for account in (first, second))
        assert worth == step["expected"] * WAD, step["step"]
    assert NANO * world.ledger.position(second, 1).size == -5 * WAD
