# SPDX-License-Identifier: Apache-2.0
"""Receipt gas with a SolvencyGuard that charges: trades, orders, withdrawals, and keeping its records.

Accounts hold one position in one of two underlyings; none is fully covered at the stress, so that every row
writes records and totals. Without a guard the rows of operations.py hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from simulation.config.scenario import SolvencyGuardSpec, WatchSpec
from tests.evm import Receipt
from tests.protocol import BUY, IMMEDIATE, SELL, World, default_protocol

__all__ = ["GUARD_ROWS", "measure_guard"]

MANY = 16


class GuardBench:
    """A trader, a maker with a bid and an ask, and sixteen accounts, all short of what the stress takes."""

    def __init__(self) -> None:
        spec = SolvencyGuardSpec(mode="price", all_underlyings=WatchSpec(stress=5_000))
        self.world = world = World(replace(default_protocol(), solvency_guard=spec))
        world.prices(ETH=2_000, BTC=30_000)
        self.maker = world.account("maker", cash=20_000)
        self.trader = world.account("trader", cash=2_000)
        self.others = [world.account("keeper", cash=700) for _ in range(MANY)]
        for account in (self.trader, *self.others):
            world.trade(account, self.maker, 1, 2_000, 1)
        world.place("maker", self.maker, 1, SELL, 2_001, 1)
        world.place("maker", self.maker, 1, BUY, 1_999, 1)
        world.advance(60, ETH=2_001, BTC=30_000)

    def trade(self) -> Receipt:
        return self.world.place_receipt("trader", self.trader, 1, BUY, 2_001, 0.1, IMMEDIATE)

    def rest(self) -> Receipt:
        return self.world.place_receipt("trader", self.trader, 1, BUY, 1_999, 0.1)

    def withdraw(self) -> Receipt:
        sender = self.world.env.address("trader")
        return self.world.vault.withdraw(self.trader, 0, 10**6, sender, sender=sender)

    def refresh(self, count: int) -> Receipt:
        receipt: Receipt = self.world.contracts["SolvencyGuard"].refresh(self.others[:count])
        assert len(receipt.named("ContributionChanged")) == count
        return receipt


GUARD_ROWS: Mapping[str, Callable[[GuardBench], Receipt]] = {
    "Exchange.place trade, with a SolvencyGuard": GuardBench.trade,
    "Exchange.place resting, with a SolvencyGuard": GuardBench.rest,
    "Vault.withdraw cash, with a SolvencyGuard": GuardBench.withdraw,
    "SolvencyGuard.refresh of 1": lambda bench: bench.refresh(1),
    f"SolvencyGuard.refresh of {MANY}": lambda bench: bench.refresh(MANY),
}


def measure_guard() -> dict[str, int]:
    """Receipt gas by row, each from the same snapshot."""
    bench, found = GuardBench(), {}
    for name, row in GUARD_ROWS.items():
        snapshot = bench.world.env.snapshot()
        found[name] = row(bench).gas_used
        bench.world.env.revert(snapshot)
    return found
