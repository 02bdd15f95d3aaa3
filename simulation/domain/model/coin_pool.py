# SPDX-License-Identifier: Apache-2.0
"""Settlement of inverse perpetuals in coin, written from ICoinPool. Imports domain modules."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from simulation.domain.model.positions import Positions
from simulation.domain.model.state import Account, Position
from simulation.domain.orders import Refused

__all__ = ["CoinPool"]

NANO = 10**9


@dataclass(slots=True)
class CoinPool:
    """What losers have paid and winners not yet taken."""

    ledger: Positions
    account: int
    """The pool's own account."""
    assets: dict[int, int]
    """Market to collateral."""
    pools: Counter[int] = field(default_factory=Counter)
    """Market to nano coin, the sum of its coin balances."""

    def profit(self, market: int, held: Position) -> int:
        """c - N / m in nano coin, rounded toward minus infinity."""
        if held.size == 0:
            return held.coin
        return held.coin + -held.size * NANO // self.ledger.markets.mark(market, self.ledger.now)

    def settle(self, number: int, market: int) -> int:
        """Nano coin that the account was paid, negative what it paid. Raises Refused."""
        if market not in self.assets:
            raise Refused("coin_pool: no such market")
        ledger = self.ledger
        account = ledger.accounts.get(number)
        held = account.positions.get(market, Position()) if account else Position()
        if account is not None and account.in_liquidation:
            raise Refused("coin_pool: account in liquidation")
        if held.size and not ledger.markets.valid(market, ledger.now):
            raise Refused("coin_pool: stale price")
        if account is None:
            raise Refused("ledger: no engine")
        asset = self.assets[market]
        decimals = ledger.collaterals[asset].decimals
        # Both as counts of the finer of the two units.
        nano: int = 10 ** max(decimals - 9, 0)
        unit: int = 10 ** max(9 - decimals, 0)
        profit, before = self.profit(market, held), self._shortfall(account)
        if profit < 0:
            paid = min(-profit * nano, account.units[asset] * unit) // nano
            if held.size:
                paid = paid * nano // unit * unit // nano
            units, moved = -(-paid * nano // unit), -paid
        else:
            paid = min(profit, self.pools[market])
            units = paid * nano // unit
            if held.size or paid != profit:
                paid = units * unit // nano
            units, moved = -units, paid
        if moved == 0:
            return 0
        self.pools[market] -= moved
        ledger.settle_coin(account, market, -moved, 0)
        account.units[asset] -= units
        ledger.accounts[self.account].units[asset] += units
        if self._shortfall(account) > max(before, 0):
            raise Refused("coin_pool: shortfall would grow")
        return moved

    def close_debt(self, debtor: int, creditor: int, market: int) -> int:
        """Nano coin that a debtor in liquidation owed a creditor, for cash at mark."""
        if market not in self.assets:
            raise Refused("coin_pool: no such market")
        ledger = self.ledger
        if not ledger.in_liquidation(debtor):
            raise Refused("coin_pool: not in liquidation")
        if ledger.in_liquidation(creditor):
            raise Refused("coin_pool: account in liquidation")
        if not ledger.markets.valid(market, ledger.now):
            raise Refused("coin_pool: stale price")
        owing = ledger.accounts[debtor]
        owed = owing.positions.get(market, Position())
        if owed.size or owed.coin >= 0:
            raise Refused("coin_pool: account owes no coin alone")
        if owing.units[self.assets[market]]:
            raise Refused("coin_pool: account holds coin")
        paid = ledger.accounts.get(creditor)
        claim = self.profit(market, paid.positions.get(market, Position())) if paid else 0
        if paid is None or claim <= 0:
            raise Refused("coin_pool: nothing to be paid")
        moved, before = min(claim, -owed.coin), self._shortfall(paid)
        mark = ledger.markets.mark(market, ledger.now)
        ledger.settle_coin(owing, market, moved, mark)
        ledger.settle_coin(paid, market, -moved, mark)
        if self._shortfall(paid) > max(before, 0):
            raise Refused("coin_pool: shortfall would grow")
        return moved

    def _shortfall(self, account: Account) -> int:
        found, _ = self.ledger.assess(account)
        return found.initial_margin - found.equity
