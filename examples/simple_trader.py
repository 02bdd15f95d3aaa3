# SPDX-License-Identifier: Apache-2.0
# plimsoll run calm --agent examples/simple_trader.py:DipBuyer
from simulation.agents import Agent, Endowment
from simulation.messages import IMMEDIATE, PlaceOrder


class DipBuyer(Agent):
    """Buys for half its equity when the first market is 2 % below the highest price seen, and holds."""

    peak = 0.0

    def endowments(self):
        return [Endowment(cash=50_000.0) for _ in self.accounts]

    def decide(self, view, rng):
        market, row = view.markets[0], self.rows[0]
        self.peak = max(self.peak, market.reference)
        held = view.accounts.size[row, 0] * market.mark
        budget = 0.5 * view.accounts.equity[row] - held
        lots = market.lots(budget / market.mark) if budget > 0 else 0
        if not market.valid or market.reference > 0.98 * self.peak or lots == 0:
            return []
        tick = market.tick_up(market.mid * 1.005)
        return [
            PlaceOrder(
                account=int(self.accounts[0]), market=1, is_bid=True, tick=tick, lots=lots, options=IMMEDIATE
            )
        ]
