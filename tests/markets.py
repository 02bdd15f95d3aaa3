# SPDX-License-Identifier: Apache-2.0
"""An Oracle and an Instruments registry with everyday perpetuals, for tests."""

from __future__ import annotations

from tests.evm import Contract, Env
from tests.prices import deploy_oracle

__all__ = ["LINEAR_PERPETUAL", "MARKET_TERMS", "deploy_instruments", "list_perpetual"]

NANO = 10**9
LINEAR_PERPETUAL = 1

MARKET_TERMS = {
    "tick_size": NANO // 100,
    "lot_size": NANO // 1_000,
    "max_open_interest": 10**6 * NANO,
    "convergence_hours": 8,
    "static_rate": 0,
    "max_rate": 75 * 10**14,
}
"""A cent, a thousandth, a million units of base; funding over 8 hours, at most 0.75 % an hour."""


def list_perpetual(instruments: Contract, feed: int, **changes: int) -> int:
    """Lists a perpetual with MARKET_TERMS as changed; its number."""
    terms = MARKET_TERMS | changes
    return int(instruments.list_market(LINEAR_PERPETUAL, feed, *terms.values()).value)


def deploy_instruments(env: Env, markets: int = 1, **changes: int) -> tuple[Contract, Contract]:
    """An oracle with feeds 1..n and a registry with perpetual n on feed n, no price yet."""
    oracle = deploy_oracle(env, feeds=markets)
    instruments = env.deploy("Instruments", oracle, env.address("guardian"))
    for feed in range(1, markets + 1):
        list_perpetual(instruments, feed, **changes)
    return oracle, instruments
