# SPDX-License-Identifier: Apache-2.0
"""Every operation that is measured: name -> what to do in a world where the trader holds n positions.

Each measurement starts from the same snapshot and is one transaction, so all storage is cold and every access
is paid for as on a real chain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.evm import Receipt
from tests.protocol import BUY, IMMEDIATE, NANO, SELL, World, many_markets

__all__ = ["OPERATIONS", "UNPRICED", "Bench", "Operation"]

MARKETS = 64
PRICE = 2_000
YEAR = 365 * 86_400

UNPRICED: Mapping[str, str] = {
    "Ledger.fill_maker": "part of Exchange.place",
    "Ledger.fill_taker": "part of Exchange.place",
    "Ledger.release_orders": "part of Exchange.cancel",
    "Ledger.begin_liquidation": "part of Liquidator.start",
    "Ledger.end_liquidation": "part of Liquidator.bid",
    "Ledger.transfer_slice": "part of Liquidator.bid",
    "Ledger.deleverage": "part of Liquidator.deleverage",
    "Ledger.settle_coin": "part of CoinPool.settle",
    "Vault.move_collateral": "part of CoinPool.settle",
    "Vault.apply_trade": "part of Exchange.place",
    "CreditDesk.draw": "part of Liquidator.bid",
    "SolvencyGuard.observe_trade": "part of Exchange.place",
    "SolvencyGuard.observe_outflow": "part of Vault.withdraw",
    "Vault.move_slice": "part of Liquidator.bid",
    "Vault.move_cash": "part of Liquidator.bid",
    "Vault.cover": "part of Liquidator.write_off",
    "Vault.write_off": "part of Liquidator.write_off",
    "Vault.set_engine": "part of EngineSwitch.change",
    "InsuranceFund.draw": "part of Liquidator.write_off",
    "InsuranceFund.contribute": "part of Vault.sweep_fees",
}
"""Functions that only another contract may call, and where their gas is counted."""


class Bench:
    """A world with 64 markets in which `trader` holds n positions and `maker` rests an ask in market 1."""

    def __init__(self, positions: int) -> None:
        protocol = many_markets(MARKETS)
        liquidation = replace(protocol.liquidation, slow=3_600, insolvent=600, window=3_600)
        self.n = positions
        self.world = world = World(replace(protocol, liquidation=liquidation))
        self.everything = {f"A{i}": PRICE for i in range(1, MARKETS + 1)}
        world.prices(**self.everything)
        self.house = world.account("house", 10**9)
        self.trader = world.account("trader", 1_000 * MARKETS)
        self.maker = world.account("maker", 10**6)
        self.keeper = world.account("keeper", 10**8)
        for market in range(1, positions + 1):
            world.place("house", self.house, market, SELL, PRICE, 1)
            world.place("trader", self.trader, market, BUY, PRICE, 1, IMMEDIATE)
        world.place("house", self.house, 1, BUY, PRICE - 50, 1)
        world.place("maker", self.maker, 1, BUY, PRICE - 50, 1)
        world.place("house", self.house, 1, SELL, PRICE - 50, 1, IMMEDIATE)
        world.place("maker", self.maker, 1, SELL, PRICE, 4)
        self.fund_deposit(200_000)
        self.later()

    def later(self, price: float = PRICE, seconds: int = 60) -> None:
        """Time passes and every feed is fresh again."""
        self.world.advance(seconds, **dict.fromkeys(self.everything, price))

    def sender(self, role: str) -> str:
        return self.world.env.address(role)

    def fund_deposit(self, whole: int, role: str = "depositor") -> Receipt:
        world, sender = self.world, self.sender(role)
        amount = whole * world.cash_unit
        world.cash.mint(sender, 2 * amount)
        world.cash.approve(world.fund.address, 2**256 - 1, sender=sender)
        return world.fund.deposit(amount, sender, sender=sender)

    def thin(self) -> None:
        """Takes the trader's cash down to about initial margin."""
        state = self.world.ledger.assess(self.trader)[0]
        self.withdraw((state.equity - state.initial_margin) // 10**12 - 10**6)

    def withdraw(self, units: int) -> Receipt:
        return self.world.vault.withdraw(
            self.trader, 0, units, self.sender("trader"), sender=self.sender("trader")
        )

    def distress(self, price: float) -> None:
        """The trader is thin and every price falls."""
        self.thin()
        self.later(price)

    def auction(self, price: float = PRICE * 0.935) -> Receipt:
        self.distress(price)
        return self.world.liquidator.start(self.trader, sender=self.sender("keeper"))

    def bid(self, share: int) -> Receipt:
        return self.world.liquidator.bid(
            self.trader, self.keeper, share, 2**200, sender=self.sender("keeper")
        )

    def insolvent(self, settled: bool = False) -> None:
        """With a loan already, which bears interest, or with a loss that nobody has settled."""
        self.distress(PRICE * 0.8)
        if settled:
            self.world.ledger.settle(self.trader)
        self.world.liquidator.start(self.trader, sender=self.sender("keeper"))

    def deleveraging(self, settled: bool = False) -> None:
        """An insolvent account and an empty insurance fund."""
        fund, depositor = self.world.fund, self.sender("depositor")
        fund.redeem(fund.balanceOf(depositor), depositor, depositor, sender=depositor)
        self.insolvent(settled)
        self.later(PRICE * 0.8)
        self.world.liquidator.mark_deleverage(self.trader, sender=self.sender("keeper"))


def _view(bench: Bench) -> Receipt:
    ledger = bench.world.ledger
    return bench.world.env.send(ledger.address, ledger.encode("assess", bench.trader))


def _settle(bench: Bench) -> Receipt:
    bench.later(PRICE + 1, 3_600)
    return bench.world.ledger.settle(bench.trader, sender=bench.sender("keeper"))


def _start_for(bench: Bench) -> Receipt:
    bench.distress(PRICE * 0.935)
    return bench.world.liquidator.start_for(bench.trader, bench.keeper, sender=bench.sender("keeper"))


def _deposit(bench: Bench) -> Receipt:
    return bench.world.deposit("trader", bench.trader, 0, 10**9)


def _withdraw(bench: Bench) -> Receipt:
    return bench.withdraw(10**7)


def _transfer(bench: Bench) -> Receipt:
    vault = bench.world.vault
    return vault.transfer_cash(bench.trader, bench.maker, 10**18, sender=bench.sender("trader"))


def _trade(bench: Bench) -> Receipt:
    return bench.world.place_receipt("trader", bench.trader, 1, BUY, PRICE, 1, IMMEDIATE)


def _trade_both(bench: Bench) -> Receipt:
    world = bench.world
    for market in range(2, bench.n + 1):
        world.place("house", bench.house, market, SELL, PRICE, 1)
        world.place("maker", bench.maker, market, BUY, PRICE, 1, IMMEDIATE)
    return _trade(bench)


def _rest(bench: Bench, price: float = PRICE - 20) -> Receipt:
    return bench.world.place_receipt("trader", bench.trader, 1, BUY, price, 1)


def _quote(bench: Bench) -> None:
    """A book in use: others rest around the price, and the trader has an order too."""
    for step in range(3):
        bench.world.place("house", bench.house, 1, BUY, PRICE - 20 - step / 100, 1)
    _rest(bench, PRICE - 20.01)


def _rest_new_level(bench: Bench) -> Receipt:
    _quote(bench)
    return _rest(bench, PRICE - 20.05)


def _rest_empty_level(bench: Bench) -> Receipt:
    _quote(bench)
    order = bench.world.place("house", bench.house, 1, BUY, PRICE - 20.05, 1)[0]
    bench.world.exchange.cancel(order, sender=bench.sender("house"))
    return _rest(bench, PRICE - 20.05)


def _rest_again(bench: Bench) -> Receipt:
    _quote(bench)
    return _rest(bench)


def _cancel(bench: Bench) -> Receipt:
    order = _rest_again(bench).value[0]
    return bench.world.exchange.cancel(order, sender=bench.sender("trader"))


def _cancel_level(bench: Bench) -> Receipt:
    order = _rest_new_level(bench).value[0]
    return bench.world.exchange.cancel(order, sender=bench.sender("trader"))


def _replace(bench: Bench) -> Receipt:
    order = _rest_again(bench).value[0]
    tick = round((PRICE - 21) * NANO / bench.world.market(1).tick)
    return bench.world.exchange.replace(order, tick, 1_000, 0, 0, 4, sender=bench.sender("trader"))


def _cancel_all(count: int) -> Callable[[Bench], Receipt]:
    def measure(bench: Bench) -> Receipt:
        for step in range(count):
            _rest(bench, PRICE - 20 - step)
        return bench.world.exchange.cancel_all(bench.trader, sender=bench.sender("trader"))

    return measure


def _purge(bench: Bench) -> Receipt:
    expiry = bench.world.env.timestamp + 30
    order = bench.world.place("trader", bench.trader, 1, BUY, PRICE - 20, 1, expiry=expiry)[0]
    bench.later()
    return bench.world.exchange.purge([order], sender=bench.sender("keeper"))


def _call_margin(bench: Bench) -> Receipt:
    bench.distress(PRICE * 0.97)
    return bench.world.liquidator.call_margin(bench.trader, sender=bench.sender("keeper"))


def _escalate(bench: Bench) -> Receipt:
    _call_margin(bench)
    bench.later(PRICE * 0.97, 3_600)
    return bench.world.liquidator.escalate(bench.trader, sender=bench.sender("keeper"))


def _cure(bench: Bench) -> Receipt:
    _call_margin(bench)
    bench.later(PRICE)
    return bench.world.liquidator.cure(bench.trader, sender=bench.sender("keeper"))


def _first_bid(bench: Bench) -> Receipt:
    bench.auction()
    bench.later(PRICE * 0.935)
    return bench.bid(10**17)


def _last_bid(bench: Bench) -> Receipt:
    _first_bid(bench)
    return bench.bid(10**18)


def _stop(bench: Bench) -> Receipt:
    bench.auction()
    _deposit(bench)
    bench.world.deposit("trader", bench.trader, 0, 10**12)
    return bench.world.liquidator.stop(bench.trader, sender=bench.sender("keeper"))


def _refresh(bench: Bench) -> Receipt:
    bench.insolvent()
    return bench.world.liquidator.refresh(bench.trader, sender=bench.sender("keeper"))


def _mark_insolvent(bench: Bench) -> Receipt:
    bench.auction()
    bench.later(PRICE * 0.8)
    return bench.world.liquidator.mark_insolvent(bench.trader, sender=bench.sender("keeper"))


def _bid_insolvent(bench: Bench) -> Receipt:
    bench.insolvent()
    bench.later(PRICE * 0.8)
    return bench.bid(10**18)


def _mark_deleverage(bench: Bench) -> Receipt:
    fund, depositor = bench.world.fund, bench.sender("depositor")
    fund.redeem(fund.balanceOf(depositor), depositor, depositor, sender=depositor)
    bench.insolvent()
    return bench.world.liquidator.mark_deleverage(bench.trader, sender=bench.sender("keeper"))


def _deleverage(bench: Bench) -> Receipt:
    bench.deleveraging()
    return bench.world.liquidator.deleverage(bench.trader, 1, [bench.house], sender=bench.sender("keeper"))


def _write_off(bench: Bench) -> Receipt:
    # The interest is wei that no price of a closing divides into: so much is left to write off.
    bench.deleveraging(settled=True)
    for market in range(1, bench.n + 1):
        bench.world.liquidator.deleverage(bench.trader, market, [bench.house], sender=bench.sender("keeper"))
    return bench.world.liquidator.write_off(bench.trader, sender=bench.sender("keeper"))


def _fund_call(function: str, *args: int) -> Callable[[Bench], Receipt]:
    def measure(bench: Bench) -> Receipt:
        sender = bench.sender("depositor")
        parties = [sender] if function in ("deposit", "mint") else [sender, sender]
        return getattr(bench.world.fund, function)(*args, *parties, sender=sender)

    return measure


def _oracle(bench: Bench) -> Receipt:
    bench.world.env.advance(12)
    return bench.world.price("A1", PRICE * NANO, PRICE * NANO)


def _oracle_many(bench: Bench) -> Receipt:
    world = bench.world
    world.env.advance(12)
    now = world.env.timestamp
    updates = [(feed, PRICE * NANO, PRICE * NANO, 10**8, now, now + 600) for feed in (1, 2)]
    signatures = [world.signer.sign(*update) for update in updates]
    return world.oracle.update_many(updates, signatures, sender=bench.sender("relayer"))


def _touch(bench: Bench) -> Receipt:
    return bench.world.instruments.touch(1, sender=bench.sender("keeper"))


def _vault(function: str, *args: object) -> Callable[[Bench], Receipt]:
    return lambda bench: getattr(bench.world.vault, function)(*args, sender=bench.sender("trader"))


Operation = Callable[[Bench], Receipt]
OPERATIONS: Mapping[str, Operation] = {
    "Ledger.assess": _view,
    "Ledger.settle": _settle,
    "Vault.create_account": _vault("create_account", 1),
    "Vault.set_delegate": lambda bench: bench.world.vault.set_delegate(
        bench.trader, bench.sender("delegate"), True, sender=bench.sender("trader")
    ),
    "Vault.deposit cash": _deposit,
    "Vault.withdraw cash": _withdraw,
    "Vault.transfer_cash": _transfer,
    "Vault.accrue_interest": _vault("accrue_interest"),
    "Vault.sweep_fees": _vault("sweep_fees"),
    "Exchange.place trade": _trade,
    "Exchange.place trade, maker holds as many": _trade_both,
    "Exchange.place resting": _rest_again,
    "Exchange.place resting, level was empty": _rest_empty_level,
    "Exchange.place resting, level never used": _rest_new_level,
    "Exchange.place resting, first order in an empty book": _rest,
    "Exchange.cancel": _cancel,
    "Exchange.cancel, last of its level": _cancel_level,
    "Exchange.replace": _replace,
    "Exchange.cancel_all of 1": _cancel_all(1),
    "Exchange.cancel_all of 32": _cancel_all(32),
    "Exchange.purge of 1": _purge,
    "Liquidator.call_margin": _call_margin,
    "Liquidator.escalate": _escalate,
    "Liquidator.cure": _cure,
    "Liquidator.start": lambda bench: bench.auction(),
    "Liquidator.start_for": _start_for,
    "Liquidator.bid 10 %": _first_bid,
    "Liquidator.bid the rest": _last_bid,
    "Liquidator.bid insolvent": _bid_insolvent,
    "Liquidator.stop": _stop,
    "Liquidator.refresh": _refresh,
    "Liquidator.mark_insolvent": _mark_insolvent,
    "Liquidator.mark_deleverage": _mark_deleverage,
    "Liquidator.deleverage": _deleverage,
    "Liquidator.write_off": _write_off,
    "InsuranceFund.deposit": _fund_call("deposit", 10**9),
    "InsuranceFund.mint": _fund_call("mint", 10**9),
    "InsuranceFund.withdraw": _fund_call("withdraw", 10**9),
    "InsuranceFund.redeem": _fund_call("redeem", 10**9),
    "Oracle.update": _oracle,
    "Oracle.update_many of 2": _oracle_many,
    "Instruments.touch": _touch,
}
