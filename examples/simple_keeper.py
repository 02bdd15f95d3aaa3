# SPDX-License-Identifier: Apache-2.0
# plimsoll run black-thursday --agent examples/simple_keeper.py:PatientKeeper
from simulation.agents import Keeper, KeeperSettings


class PatientKeeper(Keeper):
    """Starts auctions as every keeper does, but bids only where the discount is worth its capital."""

    defaults = KeeperSettings(capital=500_000.0, tip=2.0)  # adaptive gas, at least 2 gwei for the builder

    def choose(self, view, rng):
        for quote in self.quotes(view):
            fraction = min(quote.max_fraction, 0.5)
            profit = self.profit(view, quote, fraction)  # USD, after gas and the exit on the book
            if quote.discount > 0.06 * quote.value and profit > 50.0:
                yield self.bid(view, quote, fraction, profit)
