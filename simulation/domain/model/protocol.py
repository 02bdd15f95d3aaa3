# SPDX-License-Identifier: Apache-2.0
"""The whole protocol in exact integers, written from docs/architecture.md and not from the contracts.

Every method is a call; it raises Refused where the contracts revert. A refused call may leave the model half
changed: who calls keeps a copy (`pickle` is the fastest) and goes back to it. May import domain modules only.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field

from simulation.domain.interest_math import RateParams
from simulation.domain.model.coin_pool import CoinPool
from simulation.domain.model.credit import Desk, Measure, Tranche
from simulation.domain.model.fund import Fund
from simulation.domain.model.liquidation import Liquidation
from simulation.domain.model.markets import Markets
from simulation.domain.model.money import Money
from simulation.domain.model.positions import Positions
from simulation.domain.model.state import Account
from simulation.domain.model.switch import Switch
from simulation.domain.order_book import OrderBook
from simulation.domain.orders import NewOrder, Option, Placement, Reason, Refused, Removed

__all__ = ["DESK", "LIQUIDATOR", "ProtocolModel"]

WAD = 10**18
CASH = 0
LIQUIDATOR = "the Liquidator"
DESK = "the CreditDesk"
UNDERWRITER = "owner"
JUNIOR, SENIOR = 1, 2
MAX_CASH = 2**127


@dataclass(slots=True)
class ProtocolModel:
    """Vault, Ledger, Exchange, Liquidator, InsuranceFund and, where there are any, CoinPool, CreditDesk and
    EngineSwitch in one; roles are named by strings."""

    money: Money
    markets: Markets
    ledger: Positions
    book: OrderBook
    liquidation: Liquidation
    fund: Fund
    scale: int
    """Wad for a unit of the cash token."""
    pool: CoinPool | None = None
    switch: Switch | None = None
    wallets: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Token units outside the protocol, by asset and role."""
    deposits_paused: bool = False
    withdrawals_paused: bool = False
    accounts_paused: bool = False

    @property
    def now(self) -> int:
        return self.ledger.now

    def advance(self, now: int) -> None:
        """The time of the next call."""
        self.ledger.now = now
        self.ledger.opened_interest = None
        if self.ledger.desk is not None:
            self.ledger.desk.now = now

    def account(self, number: int) -> Account:
        account = self.ledger.accounts.get(number)
        if account is None:
            raise Refused("vault: no such account")
        return account

    def _authorise(self, number: int, caller: str) -> Account:
        if not self.ledger.authorised(number, caller):
            raise Refused("vault: caller not authorised")
        return self.ledger.accounts[number]

    # --- accounts and money

    def create_account(self, caller: str, engine: int) -> int:
        if self.accounts_paused or engine not in self.ledger.engines:
            raise Refused("vault: no such engine")
        number = len(self.ledger.accounts) + 1
        self.ledger.accounts[number] = Account(caller, engine, number=number)
        return number

    def set_delegate(self, caller: str, number: int, delegate: str, allowed: bool) -> None:
        account = self.account(number)
        if account.owner != caller:
            raise Refused("vault: caller not authorised")
        (account.delegates.add if allowed else account.delegates.discard)(delegate)

    def deposit(self, caller: str, number: int, asset: int, amount: int) -> None:
        """A deposit that leaves a loan, or less than a token unit, is a repayment: never paused."""
        account = self.account(number)
        if amount == 0 or self.wallets[asset, caller] < amount:
            raise Refused("vault: zero amount")
        self.wallets[asset, caller] -= amount
        if asset == CASH:
            self.money.change(account, amount * self.scale, self.now)
            self.money.backing += amount * self.scale
            if account.cash >= self.scale and self.deposits_paused:
                raise Refused("guarded: action is paused")
            return
        terms = self.ledger.collaterals[asset]
        terms.held += amount
        if self.deposits_paused or terms.held > terms.cap:
            raise Refused("vault: collateral cap")
        account.units[asset] += amount

    def withdraw(self, caller: str, number: int, asset: int, amount: int, receiver: str) -> None:
        account = self._authorise(number, caller)
        if amount == 0:
            raise Refused("vault: zero amount")
        if asset == CASH:
            paid = amount * self.scale
            burnt = self.money.burnt_for(paid)
            self.money.change(account, -burnt, self.now)
            self.money.pay_out(paid, burnt)
        else:
            if account.units[asset] < amount:
                raise Refused("vault: insufficient collateral")
            account.units[asset] -= amount
            self.ledger.collaterals[asset].held -= amount
        self._check_outflow(number, account)
        self.wallets[asset, receiver] += amount

    def transfer_cash(self, caller: str, sender: int, receiver: int, amount: int) -> None:
        source = self._authorise(sender, caller)
        target = self.account(receiver)
        if amount == 0 or sender == receiver or amount >= MAX_CASH:
            raise Refused("vault: zero amount")
        self.money.move(source, target, amount, self.now)
        self._check_outflow(sender, source)

    def _check_outflow(self, number: int, account: Account) -> None:
        """A flat account without a loan is free to go, any other must keep initial margin."""
        if account.in_liquidation:
            raise Refused("vault: account in liquidation")
        if account.cash >= 0 and not account.positions:
            return
        if self.withdrawals_paused:
            raise Refused("guarded: action is paused")
        if self.ledger.guard is not None:
            charge = self.ledger.guard.outflow(number, *self.ledger.portfolio(account))
            if charge:
                self.money.change(account, -charge, self.now)
                self.money.fees += charge
        found, valid = self.ledger.assess(account)
        if not valid or found.equity < found.initial_margin:
            raise Refused("vault: below initial margin")

    def accrue_interest(self) -> None:
        self.money.accrue(self.now)

    def sweep_fees(self) -> None:
        """Whole units of the fees go to the fund, at the exchange rate."""
        worth = self.money.fees * self.money.exchange_rate() // WAD
        amount = min(worth, self.money.backing) // self.scale
        paid = amount * self.scale
        burnt = self.money.burnt_for(paid)
        if amount == 0 or burnt > self.money.fees:
            raise Refused("vault: zero amount")
        self.money.fees -= burnt
        self.money.pay_out(paid, burnt)
        self.fund.assets += amount

    def set_interest(self, rates: RateParams, fee: int) -> None:
        self.money.accrue(self.now)
        self.money.rates, self.money.interest_fee = rates, fee

    def settle(self, number: int) -> None:
        """An account that does not exist has nothing to settle."""
        account = self.ledger.accounts.get(number)
        if account is None:
            return
        if account.in_liquidation:
            raise Refused("ledger: account in liquidation")
        self.ledger.settle(account)

    def settle_expired(self, number: int, series: int) -> None:
        """For anyone, in liquidation too; an account that does not exist has nothing to close."""
        self.ledger.settle_expired(self.ledger.accounts.get(number) or Account("", 0), series)

    # --- the book

    def place(self, caller: str, new: NewOrder) -> Placement:
        return self.book.place(new, caller, self.ledger, self.now)

    def replace(
        self, caller: str, order_id: int, tick: int, lots: int, options: Option, expiry: int, max_fills: int
    ) -> Placement:
        return self.book.replace(
            order_id, tick, lots, options, expiry, max_fills, caller, self.ledger, self.now
        )

    def cancel(self, caller: str, order_id: int) -> Removed:
        return self.book.cancel(order_id, caller, self.ledger)

    def cancel_all(self, caller: str, number: int) -> list[Removed]:
        return self.book.cancel_all(number, caller, self.ledger, liquidator=LIQUIDATOR)

    def purge(self, order_ids: list[int]) -> list[Removed]:
        return self.book.purge(order_ids, self.ledger, self.now)

    # --- liquidation

    def start(self, number: int, keeper: int | None = None) -> None:
        """Orders leave the book before the account is shut."""
        new = self.liquidation.start(number, keeper)
        if new:
            removed = self.cancel_all(LIQUIDATOR, number)
            assert all(order.reason == Reason.LIQUIDATION for order in removed)
        self.liquidation.begin(number, keeper, new)

    def escalate(self, number: int) -> None:
        """The call is judged once more when the orders are gone."""
        self.liquidation.escalate(number)
        self.cancel_all(LIQUIDATOR, number)
        self.liquidation.after_cancel(number)

    def bid(self, caller: str, number: int, bidder: int, fraction: int, max_price: int) -> None:
        self._authorise(bidder, caller)
        self.liquidation.bid(number, bidder, fraction, max_price)

    # --- the fund

    def fund_deposit(self, caller: str, assets: int) -> None:
        self._enter(caller, assets, self.fund.shares_for(assets))

    def fund_mint(self, caller: str, shares: int) -> None:
        self._enter(caller, self.fund.assets_for(shares, up=True), shares)

    def _enter(self, caller: str, assets: int, shares: int) -> None:
        if self.wallets[CASH, caller] < assets:
            raise Refused("insurance_fund: transfer failed")
        self.fund.enter(caller, assets, shares)
        self.wallets[CASH, caller] -= assets

    def fund_withdraw(self, caller: str, assets: int) -> None:
        self._leave(caller, assets, self.fund.shares_for(assets, up=True))

    def fund_redeem(self, caller: str, shares: int) -> None:
        self._leave(caller, self.fund.assets_for(shares), shares)

    def _leave(self, caller: str, assets: int, shares: int) -> None:
        self.fund.leave(caller, assets, shares, self.liquidation.locked)
        self.wallets[CASH, caller] += assets

    # --- credit

    @property
    def desk(self) -> Desk:
        if self.ledger.desk is None:
            raise Refused("credit_desk: no desk")
        return self.ledger.desk

    def tranche(self, number: int) -> Tranche:
        if number not in (JUNIOR, SENIOR):
            raise Refused("credit_desk: no such tranche")
        return self.desk.junior if number == JUNIOR else self.desk.senior

    def lend(self, caller: str, tranche: int, amount: int, receiver: str) -> int:
        """Shares for token units."""
        if self.wallets[CASH, caller] < amount:
            raise Refused("credit_desk: transfer failed")
        self.wallets[CASH, caller] -= amount
        return self.desk.deposit(self.tranche(tranche), receiver, amount)

    def redeem_loan(self, caller: str, tranche: int, shares: int, receiver: str) -> int:
        """Token units for shares of a tranche."""
        if not shares:
            raise Refused("credit_desk: zero amount")
        amount = self.desk.redeem(self.tranche(tranche), caller, shares)
        self.wallets[CASH, receiver] += amount
        return amount

    def grant(self, caller: str, number: int, amount: int, term: int) -> None:
        if caller != UNDERWRITER:
            raise Refused("credit_desk: caller is not underwriter")
        self.desk.grant(number, amount, term, self._measure(number))

    def review(self, number: int) -> int:
        """The fee is a withdrawal by the desk like any other: refused, it stays owed."""
        seen = self._measure(number)

        def withdraw(units: int) -> Measure | None:
            account, kept = self.account(number), copy.copy(self.money)
            cash, index = account.cash, account.cash_index
            try:
                self.withdraw(DESK, number, CASH, units, DESK)
            except Refused:
                self._put_back(kept)
                account.cash, account.cash_index = cash, index
                return None
            return self._measure(number)

        return self.desk.review(number, seen, withdraw)

    def declare_default(self, number: int) -> None:
        self.desk.declare_default(number, self._measure(number))

    def _measure(self, number: int) -> Measure:
        account = self.ledger.accounts.get(number)
        if account is None:
            return Measure(0, 0, True, consents=False, on_engine=False)
        return self.ledger.measure(account, DESK)

    def _put_back(self, kept: Money) -> None:
        """The books as they were; whoever else holds them goes on holding them."""
        for name in Money.__slots__:
            setattr(self.money, name, getattr(kept, name))
