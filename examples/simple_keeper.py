# SPDX-License-Identifier: Apache-2.0
# plimsoll run black-thursday --agent examples/simple_keeper.py:PatientKeeper
from simulation.agents import Keeper, KeeperSettings


class PatientKeeper(Keeper):
    """Bids only where the discount is worth its capital, and tips well to be first."""

    defaults = KeeperSettings(capital=500_000.0, min_profit=10.0, tip=5.0, start_reward=25.0)

    def choose(self, view, rng):
        for quote in self.quotes(view):
            fraction = min(quote.max_fraction, 0.5)
            profit = self.profit(view, quote, fraction)
            if quote.discount > 0.06 * quote.value and profit > self.settings.min_profit:
                yield self.bid(view, quote, fraction, profit)
