# SPDX-License-Identifier: Apache-2.0
"""A deployed protocol in which every external function has something to do.

Both tokens of the stage call back (contracts/mocks/ReentrantToken.vy). Accounts stand in every state of a
liquidation; orders rest, fees wait, operations of the timelock are ready. Nobody moves afterwards: the tables
of this folder simulate each call on this one state.
"""

from __future__ import annotations

from dataclasses import astuple, replace
from functools import cache
from typing import Any

from simulation.config.scenario import CreditSpec, LiquidationSpec, SolvencyGuardSpec
from tests.evm import Contract, account_key
from tests.inverse import ETH_USD, inverse_protocol
from tests.prices import sign
from tests.protocol import BUY, NANO, SELL, WAD, World
from tests.surfaces import DEFAULT_CONFIG, RULES, SurfaceUpdate, surface_digest

__all__ = [
    "DEPLOYED",
    "GUARDED",
    "OWNED",
    "PAUSABLE",
    "READERS",
    "RISK_MODEL",
    "SCALE_RULES",
    "Stage",
    "stage",
]

DEPLOYED = (
    "Vault",
    "Ledger",
    "Exchange",
    "Liquidator",
    "InsuranceFund",
    "Oracle",
    "Instruments",
    "CrossMargin",
    "IsolatedMargin",
    "RiskModel",
    "RiskBasedMargin",
    "DynamicMargin",
    "Surface",
    "EngineSwitch",
    "CreditMargin",
    "CreditDesk",
    "CoinPool",
    "SolvencyGuard",
    "Timelock",
)
"""Contracts that hold state, and RiskBasedMargin, which has that of RiskModel."""
READERS = ("Lens", "OptionGreeks")
"""Contracts that hold none."""
OWNED = tuple(name for name in DEPLOYED if name not in ("RiskBasedMargin", "Timelock"))
"""Those with an owner."""
RISK_MODEL = (
    [(feed, 25_000_000, 40_000_000, 50, 300, 100, 10_000_000) for feed in (1, 2)],
    [800_000_000, -300_000_000, -200_000_000, -200_000_000, -300_000_000, 700_000_000],
    (30_000, 22_000, 2_000, 500),
)
"""Underlyings, correlations and quantiles of risk-based margin."""
SCALE_RULES = (3_600_000, 5_000, 40_000, 500, 100, 2_500)
"""Of dynamic margin."""
PAUSABLE = {
    "Vault": (1, 2, 16),
    "Ledger": (4,),
    "Exchange": (4, 8),
    "InsuranceFund": (32,),
    "CreditDesk": (16, 32),
}
"""The bits that each contract lets its guardian pause."""
GUARDED = (*PAUSABLE, "Oracle", "Instruments")
"""Contracts with a guardian."""
ZERO_HASH = b"\0" * 32
DELAY = 60


class Stage(World):
    """Accounts by what can be done with them, operations by what stands next for them."""

    def __init__(self) -> None:
        super().__init__(
            replace(
                inverse_protocol(),
                liquidation=LiquidationSpec(window=86_400),
                credit=CreditSpec(),
                engine_delay=600,
                solvency_guard=SolvencyGuardSpec(),
            ),
            artifacts={"CashToken": "ReentrantToken", "Token:WETH": "ReentrantToken"},
        )
        owner = self.env.address("owner")
        self.contracts["Timelock"] = self.env.deploy("Timelock", DELAY, [owner], [owner], "0x" + "00" * 20)
        self.timelock = self.contracts["Timelock"]
        self.prices(ETH=2_000, BTC=30_000)
        self.keeper = self.account("keeper", cash=500_000)
        self.maker = self.account("maker", cash=500_000)
        self.trader = self.account("trader", cash=50_000)
        self.flat = self.account("trader", cash=1_000)
        self.borrower = self.account("trader")
        self.deposit("trader", self.flat, 1, WAD)
        self.deposit("trader", self.borrower, 1, 10 * WAD)
        address = self.env.address("trader")
        self.vault.withdraw(self.borrower, 0, 1_000 * 10**6, address, sender=address)
        for account in (self.trader, self.flat, self.borrower):
            for delegate in (self.env.address("delegate"), self.cash.address, self.token(1).address):
                self.vault.set_delegate(account, delegate, True, sender=address)
        self.trade(self.trader, self.maker, 1, 2_000, 1)
        # Ten ETH each: what they keep in cash decides what a price of 1,800 and then 1,795 makes of them.
        self.callable = self._long(3_100)
        self.escalatable = self._long(3_100)
        self.curable = self._long(3_100)
        self.startable = self._long(2_850)
        self.auctioned = self._long(2_850)
        self.restored = self._long(2_850)
        self.sinking = self._long(2_060)
        self.insolvent = self._long(2_040)
        self.deleveraged = self._long(2_040)
        self.drowned = self.account("debtor")
        self.deposit("debtor", self.drowned, 2, 10**8)
        debtor = self.env.address("debtor")
        self.vault.withdraw(self.drowned, 0, 23_900 * 10**6, debtor, sender=debtor)
        self._invert()
        self._fall()
        self._fund()
        self._lend()
        self._rest()
        self._schedule()
        self._date()
        self.env.advance(3_601)
        self.prices(ETH=1_795, BTC=23_000)
        self.env.advance(10)
        self._list()
        self._margin()
        for name in OWNED:
            self.contracts[name].transfer_ownership(self.env.address("heir"))

    def _date(self) -> None:
        """A series to trade, and two that expire and settle, one under a position; mocked prices."""
        pricing = self.env.deploy("MockPricing")
        self.instruments.wire(pricing.address, pricing.address, self.ledger.address)
        self.terms = (1, self.env.timestamp + 10**7, *(10**7, 10**6) * 2, 10**12, 10**12)
        self.instruments.list_series(self.terms)
        for series in (2, 3):
            self.instruments.list_series((1, self.env.timestamp + 3_600, *self.terms[2:]))
            pricing.set_settlement(series, 1_800 * NANO)
        pricing.set_forward(2, 1_800 * NANO, 10**8, True)
        engine = int(self.vault.register_engine(self.env.deploy("MockEngine").address).value)
        self.dated = self.account("trader", cash=1_000, engine=engine)
        other = self.account("maker", cash=1_000, engine=engine)
        for role, account, is_bid in (("maker", other, SELL), ("trader", self.dated, BUY)):
            self.exchange.place(account, 512, is_bid, 180_000, 100, 0, 0, 16, sender=self.env.address(role))

    def _long(self, cash: float) -> int:
        account = self.account("debtor", cash=cash)
        self.trade(account, self.maker, 1, 2_000, 10)
        return account

    def _invert(self) -> None:
        """Inverse longs of 10,000 contracts: one that will lose and has the coin, one that has nothing."""
        self.loser, self.owing = self.account("trader", cash=5_000), self.account("debtor", cash=1_047)
        self.deposit("trader", self.loser, 1, WAD)
        self.winner = self.account("maker", cash=50_000)
        for account in (self.loser, self.owing):
            self.trade(account, self.winner, ETH_USD, 2_000, 10_000)

    def _close(self) -> None:
        for account in (self.loser, self.owing):
            self.trade(self.winner, account, ETH_USD, 1_800, 10_000)

    def _fall(self) -> None:
        """Prices fall in two steps while the fund is still empty."""
        keeper = self.env.address("keeper")
        self.advance(60, ETH=1_800, BTC=23_000)
        self._close()
        for account in (self.auctioned, self.restored, self.sinking, self.drowned, self.owing):
            self.liquidator.start(account, sender=keeper)
        self.liquidator.mark_deleverage(self.drowned)
        self.liquidator.bid(self.drowned, self.keeper, WAD, 2**200, sender=keeper)
        self.advance(60, ETH=1_795, BTC=23_000)
        for account in (self.insolvent, self.deleveraged):
            self.liquidator.start(account, sender=keeper)
        self.liquidator.mark_deleverage(self.deleveraged)
        self.deposit("debtor", self.restored, 0, 5_000 * 10**6)
        for account in (self.escalatable, self.curable):
            self.liquidator.call_margin(account)
        self.deposit("debtor", self.curable, 0, 5_000 * 10**6)

    def _fund(self) -> None:
        """Shares for the trader and for both tokens; allowances of every role, contracts included."""
        trader = self.env.address("trader")
        self.cash.mint(trader, 10**12)
        self.cash.allow(trader, self.fund.address, 2**256 - 1)
        for receiver in (trader, self.cash.address, self.token(1).address):
            self.fund.deposit(20_000 * 10**6, receiver, sender=trader)
        for spender in (self.env.address("delegate"), self.cash.address, self.token(1).address):
            self.fund.approve(spender, 10**9, sender=trader)
        # Tokens that nobody deposited, for what the Liquidator may cover with.
        self.cash.mint(self.vault.address, 1_000)
        holders = [self.cash.address, self.token(1).address, *self.roles_by_name().values()]
        for token in (self.cash, self.token(1)):
            for holder in holders:
                token.mint(holder, 10**12)
                for spender in (self.vault, self.fund, self.contracts["CreditDesk"]):
                    token.allow(holder, spender.address, 2**256 - 1)

    def _lend(self) -> None:
        """A line that owes fees, shares of both tranches, a change of engine that is due; after `_fund`."""
        trader, desk = self.env.address("trader"), self.contracts["CreditDesk"]
        for tranche in (1, 2):
            for receiver in (trader, self.cash.address, self.token(1).address):
                desk.deposit(tranche, 20_000 * 10**6, receiver, sender=trader)
        desk.set_underwriter(self.env.address("guardian"))
        self.credited = self.account("trader", cash=1_000, engine=3)
        self.vault.set_delegate(self.credited, desk.address, True, sender=trader)
        term = self.env.timestamp + 86_400
        desk.grant(self.credited, 1_000 * 10**6, term, sender=self.env.address("guardian"))
        self.contracts["EngineSwitch"].request(self.flat, 3, sender=trader)

    def _rest(self) -> None:
        self.order, _ = self.place("trader", self.trader, 2, BUY, 22_000, 0.01)
        self.expired, _ = self.place(
            "maker", self.maker, 2, SELL, 24_000, 0.01, expiry=self.env.timestamp + 60
        )
        self.place("maker", self.maker, 1, BUY, 1_790, 1)
        self.place("maker", self.maker, 1, SELL, 1_810, 1)

    def _schedule(self) -> None:
        """One operation for each of what may be done with one."""
        call = self.vault.encode("set_stable_feed", 0)
        self.operation = (self.timelock.address, 0, self.timelock.encode("update_delay", DELAY))
        self.batch = ([self.timelock.address], [0], [self.operation[2]])
        self.timelock.schedule(*self.operation, ZERO_HASH, ZERO_HASH, DELAY)
        self.timelock.schedule_batch(*self.batch, ZERO_HASH, ZERO_HASH, DELAY)
        self.pending = (self.vault.address, 0, call)
        self.timelock.schedule(*self.pending, ZERO_HASH, ZERO_HASH, 10**6)
        self.scheduled = self.timelock.hash_operation(*self.pending, ZERO_HASH, ZERO_HASH)

    def _list(self) -> None:
        """A series in its window and one that can be settled."""
        self.surface = self.env.deploy("Surface", self.oracle.address, astuple(RULES))
        self.contracts["Surface"] = self.surface
        registry = self.env.deploy("MockSeries")
        registry.list_series(1, 1, self.env.timestamp + 900)
        registry.list_series(2, 2, self.env.timestamp - 2 * RULES.patience)
        self.surface.wire(registry.address)
        self.oracle.set_signer(account_key("signer").address, True)
        for series in (1, 2):
            self.surface.set_surface(series, DEFAULT_CONFIG.row())

    def _margin(self) -> None:
        """Margin systems beside those of the plan, with parameters for both feeds."""
        contingency = tuple(self.contracts["CrossMargin"].contingency())
        model = self.env.deploy("RiskModel", self.instruments, contingency)
        model.set_model(*RISK_MODEL)
        greeks = self.env.deploy("MockRiskSource")
        dynamic = self.env.deploy(
            "DynamicMargin", self.contracts["CrossMargin"], self.oracle, self.instruments
        )
        for feed in (1, 2):
            dynamic.set_scale_rules(feed, SCALE_RULES)
        for contract in (model, dynamic):
            contract.admit_markets([1, 2])
            self.contracts[contract.name] = contract
        self.contracts["RiskBasedMargin"] = self.env.deploy("RiskBasedMargin", model, greeks)
        boards = self.env.deploy("MockRiskBoard")
        boards.set_board(2, 1, 0, 2_000 * NANO, [2_000 * NANO])
        self.contracts["OptionGreeks"] = self.env.deploy("OptionGreeks", boards)

    def signed_surface(self) -> tuple[Any, Any]:
        """A surface of the first series and its signatures."""
        update = SurfaceUpdate(timestamp=self.env.timestamp, deadline=self.env.timestamp + 3_600)
        return update.row(), sign(surface_digest(self.surface.address, update), "signer")

    def roles_by_name(self) -> dict[str, str]:
        """Senders of the role table: people and contracts."""
        people = ("owner", "heir", "guardian", "trader", "delegate", "stranger")
        parts = ("Exchange", "Ledger", "Liquidator", "InsuranceFund", "Vault", "CoinPool")
        addresses = {role: self.env.address(role) for role in people}
        return addresses | {name: self.contracts[name].address for name in parts}

    def contract(self, name: str) -> Contract:
        return self.contracts[name]

    def signed_price(self) -> tuple[Any, Any]:
        """A newer price of the first feed and its signatures."""
        now = self.env.timestamp
        update = (1, 1_796 * NANO, 1_796 * NANO, 10**8, now, now + 3_600)
        return update, self.signer.sign(*update)


@cache
def stage() -> Stage:
    """The stage, built once a process; tests that send transactions must rewind it themselves."""
    return Stage()
