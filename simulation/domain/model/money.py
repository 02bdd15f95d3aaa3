# SPDX-License-Identifier: Apache-2.0
"""Cash with interest and the one identity that all money obeys, in exact integers:

    sum(cash) + fees + reserve == backing + net_settled + deficit

May import nothing but domain modules.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulation.domain.interest_math import (
    RateParams,
    accrue_index_down,
    accrue_index_up,
    borrow_rate,
    growth,
    supply_growth,
    utilisation,
    with_interest,
)
from simulation.domain.model.state import Account
from simulation.domain.orders import Refused

__all__ = ["Money"]

WAD = 10**18
INDEX_LIMIT = 2**96
CASH_LIMIT = 2**127


@dataclass(slots=True)
class Money:
    """The books of the Vault, wad USD."""

    rates: RateParams
    interest_fee: int
    """Share of interest that the protocol keeps, wad."""
    accrued_at: int
    borrow_index: int = WAD
    supply_index: int = WAD
    total_supply: int = 0
    total_borrow: int = 0
    backing: int = 0
    """Cash tokens that count."""
    fees: int = 0
    deficit: int = 0
    """Losses that were socialised and not yet burnt by withdrawals."""
    net_settled: int = 0
    """PnL and funding booked to cash so far."""
    reserve: int = 0
    """Interest that borrowers were charged and lenders have not been credited with yet."""

    def indexes(self, now: int) -> tuple[int, int, int]:
        """Borrow index, supply index, interest charged to all borrowers since the last accrual."""
        if now == self.accrued_at or self.total_borrow == 0:
            return self.borrow_index, self.supply_index, 0
        used = utilisation(self.total_supply, self.total_borrow, self.net_settled)
        grown = growth(borrow_rate(used, self.rates), now - self.accrued_at)
        borrow_index = accrue_index_up(self.borrow_index, grown)
        if borrow_index >= INDEX_LIMIT:
            return self.borrow_index, self.supply_index, 0
        # Interest on loans that nobody lent (mirrors of profits not yet settled) is the protocol's.
        lenders = max(self.total_supply + max(-self.net_settled, 0), self.total_borrow)
        earned = supply_growth(grown, lenders, self.total_borrow, self.interest_fee)
        return (
            borrow_index,
            accrue_index_down(self.supply_index, earned),
            self.total_borrow * grown // WAD,
        )

    def accrue(self, now: int) -> None:
        """Brings indexes and totals to `now`; the protocol's share becomes fees."""
        if now == self.accrued_at:
            return
        borrow_index, supply_index, charged = self.indexes(now)
        if charged:
            credited = self.total_supply * (supply_index - self.supply_index) // self.supply_index
            kept = max(charged - credited, 0)
            self.total_supply += credited
            self.total_borrow += charged
            self.fees += kept
            self.reserve -= kept
        self.borrow_index, self.supply_index, self.accrued_at = borrow_index, supply_index, now

    def cash_now(self, account: Account, now: int) -> int:
        """An account's cash with interest to `now`."""
        if account.cash == 0:
            return 0
        borrow_index, supply_index, _ = self.indexes(now)
        return with_interest(
            account.cash, account.cash_index, supply_index if account.cash > 0 else borrow_index
        )

    def change(self, account: Account, delta: int, now: int) -> None:
        """Adds to an account's cash; the caller books the other side. Raises Refused out of range."""
        self.accrue(now)
        cash = self.cash_now(account, now)
        self.reserve += account.cash - cash
        if cash > 0:
            self.total_supply -= min(self.total_supply, cash)
        else:
            self.total_borrow -= min(self.total_borrow, -cash)
        cash += delta
        if abs(cash) >= CASH_LIMIT:
            raise Refused("ledger: cash out of range")
        if cash > 0:
            self.total_supply += cash
        else:
            self.total_borrow -= cash
        account.cash = cash
        account.cash_index = self.supply_index if cash > 0 else self.borrow_index

    def settle(self, account: Account, delta: int, fee: int, now: int) -> None:
        """PnL and funding, already less `fee`, become cash."""
        self.change(account, delta, now)
        self.net_settled += delta + fee
        self.fees += fee

    def move(self, sender: Account, receiver: Account, amount: int, now: int) -> None:
        """Cash from one account to another; negative the other way."""
        self.change(sender, -amount, now)
        self.change(receiver, amount, now)

    def burnt_for(self, amount: int) -> int:
        """Cash that a payment of `amount` costs: more than that after a socialised loss, rounded up."""
        if self.deficit == 0:
            return amount
        if self.backing == 0:
            raise Refused("vault: not enough cash tokens")
        return -(-amount * (self.backing + self.deficit) // self.backing)

    def pay_out(self, amount: int, burnt: int) -> None:
        """Tokens leave; what was burnt beyond them repays the deficit."""
        if amount > self.backing:
            raise Refused("vault: not enough cash tokens")
        self.backing -= amount
        repaid = min(burnt - amount, self.deficit)
        self.deficit -= repaid
        self.fees += burnt - amount - repaid

    def exchange_rate(self) -> int:
        """Tokens for a unit of cash, wad, rounded down."""
        return self.backing * WAD // (self.backing + self.deficit) if self.deficit else WAD
