# SPDX-License-Identifier: Apache-2.0
"""Vault, Ledger and CoinPool with inverse perpetuals against the model, equal to the wei after every call.

Random trades, prices with a premium (so funding), settlement in cash and in coin, slices, deleveraging and
debts that become cash, in a linear market and two inverse ones, among accounts with and without the coin.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from simulation.chain.deployment import CONTINGENCY
from simulation.domain.interest_math import RateParams
from simulation.domain.margin_math import Contingency, MarketRisk
from simulation.domain.market_math import is_inverse
from simulation.domain.model import Collateral, Engine, Feed, Markets, MarketState, Money, Positions
from simulation.domain.model.coin_pool import CoinPool
from simulation.domain.model.state import Account, Position
from simulation.domain.oracle_math import FeedConfig, Tick
from simulation.domain.orders import Refused
from tests.evm import Reverted
from tests.inverse import BTC_USD, ETH_USD, WBTC, WETH, InverseWorld, fresh_inverse_world
from tests.protocol import NANO, WAD

CALLS = 160
ROLES = ("trader", "maker", "keeper", "depositor", "debtor")
"""The last never has a coin and does nothing but run into debt."""
MARKETS = (1, ETH_USD, BTC_USD)
START = {"ETH": 2_000 * NANO, "BTC": 30_000 * NANO}
LIQUIDATOR = "liquidator"
ACTIONS = (*["trade"] * 3, "close", "settle", *["coin"] * 3, "shut", *["end"] * 3, "ruin")


class Pair:
    """The contracts and the model, asked the same."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.desk: InverseWorld = fresh_inverse_world()
        self.ledger, self.pool = self._model()
        self.prices = dict(START)
        self.outcomes: Counter[str] = Counter()
        for role in ROLES:
            account = self.desk.account(role, cash=20_000)
            self.ledger.accounts[account] = known = Account(role, 1)
            self._fund(known, 20_000 * WAD)
            if role != ROLES[-1]:
                self.deposit(account, role, WETH, 2 * 10**18)
                self.deposit(account, role, WBTC, 10**7)
        for market in (ETH_USD, BTC_USD):
            self.desk.instruments.set_funding(market, 8, 0, 10**16)
            state = self.ledger.markets.markets[market]
            state.convergence_hours, state.max_rate, state.static_rate = 8, 10**16, 0
            self.ledger.now = self.desk.env.timestamp
            self.ledger.markets.touch(market, self.ledger.now)

    def _model(self) -> tuple[Positions, CoinPool]:
        desk, protocol = self.desk, self.desk.protocol
        config = FeedConfig(
            protocol.oracle.heartbeat, protocol.oracle.max_spread, 5 * 10**7, 0, 86_400, 1, 2**72 - 1
        )
        feeds = {
            feed: Feed(config, protocol.oracle.threshold, Tick(heartbeat=protocol.oracle.heartbeat))
            for feed in (1, 2)
        }
        now = desk.env.timestamp
        markets = {}
        for market in MARKETS:
            spec, funding = desk.instruments.spec(market), desk.instruments.funding(market)
            markets[market] = MarketState(
                feed=spec.feed,
                lot_size=spec.lot_size,
                cap=spec.max_open_interest,
                convergence_hours=funding.convergence_hours,
                static_rate=funding.static_rate,
                max_rate=funding.max_rate,
                accrued_until=funding.accrued_until,
            )
        curve = protocol.interest
        money = Money(
            RateParams(curve.minimum, curve.slope, curve.high_slope, curve.optimal * 10**14),
            curve.reserve_fee * 10**14,
            now,
        )
        risk = MarketRisk(1_000, 500, *_tiers(desk))
        collaterals = {
            asset: Collateral(asset, spec.decimals, spec.maintenance_haircut, spec.initial_haircut, 2**127)
            for asset, spec in enumerate(protocol.collaterals.values(), 1)
        }
        engines = {1: Engine(dict.fromkeys((1, 2, ETH_USD, BTC_USD), risk), Contingency(*CONTINGENCY))}
        ledger = Positions(money, Markets(feeds, markets), engines, collaterals, now=now)
        own = desk.pool.account()
        ledger.accounts[own] = Account("pool", 1)
        return ledger, CoinPool(ledger, own, {ETH_USD: WETH, BTC_USD: WBTC})

    def _fund(self, account: Account, amount: int) -> None:
        self.ledger.now = self.desk.env.timestamp
        self.ledger.money.change(account, amount, self.ledger.now)
        self.ledger.money.backing += amount

    def deposit(self, account: int, role: str, asset: int, units: int) -> None:
        self.desk.deposit(role, account, asset, units)
        self.ledger.accounts[account].units[asset] += units

    # -- calls

    def move_prices(self) -> None:
        self.desk.env.advance(self.rng.choice((1, 60, 600)))
        for asset, price in self.prices.items():
            price = round(price * self.rng.uniform(0.97, 1.03))
            price = min(max(price, START[asset] // 2), START[asset] * 2)
            mark = round(price * self.rng.uniform(0.995, 1.005))
            self.prices[asset] = price
            self.desk.price(asset, price, mark)
            now = self.desk.env.timestamp
            update = (self.desk.feeds[asset], price, mark, 10**8, now, now + 3_600)
            self.ledger.markets.store(update, 3, now)

    def both(self, name: str, chain: Callable[[], object], model: Callable[[], object]) -> None:
        """One call; refused by both or by none."""
        self.ledger.now, self.ledger.opened_interest = self.desk.env.timestamp, None
        kept = copy.deepcopy((self.ledger, self.pool.pools))
        try:
            expected, refused = model(), ""
        except Refused as error:
            expected, refused = None, str(error)
            self.ledger, pools = kept
            self.pool.ledger, self.pool.pools = self.ledger, pools
        try:
            found = chain()
        except Reverted as error:
            assert refused == str(error), (name, refused, str(error))
        else:
            assert not refused, (name, refused)
            if expected is not None:
                assert found == expected, (name, found, expected)
        self.outcomes[f"{name} {refused or 'done'}"] += 1
        self.compare(name)

    def step(self) -> None:
        rng, desk = self.rng, self.desk
        *accounts, debtor = [account for account in self.ledger.accounts if account != self.pool.account]
        one, other = rng.sample(accounts, 2)
        market = rng.choice(MARKETS)
        action = rng.choice(ACTIONS)
        shut = [account for account in accounts if self.ledger.accounts[account].in_liquidation]
        if action == "end" and shut:
            one = rng.choice(shut)
            other = rng.choice([account for account in accounts if account != one])
            owing = [
                number
                for number, each in self.ledger.accounts[one].positions.items()
                if each.size or each.coin
            ]
            market = rng.choice(owing or MARKETS)
        known, them = self.ledger.accounts[one], self.ledger.accounts[other]
        held = known.positions.get(market, Position())
        liquidator = desk.env.address(LIQUIDATOR)
        mark = self.ledger.markets.mark(market, self.ledger.now)
        if action == "trade":
            size = rng.randint(1, 8_000) * NANO if is_inverse(market) else rng.randint(1, 2_000) * 10**6
            self.trade(one, other, market, rng.choice((-1, 1)) * size)
        elif action == "close" and held.size:
            self.trade(one, other, market, -held.size)
        elif action == "ruin":
            self.ruin(debtor, accounts)
        elif action == "settle":
            self.both("settle", lambda: desk.ledger.settle(one), lambda: self.settle(known))
        elif action == "coin":
            market = rng.choice((ETH_USD, BTC_USD))
            self.both(
                "coin", lambda: desk.pool.settle(one, market).value, lambda: self.pool.settle(one, market)
            )
        elif action == "shut" and not known.in_liquidation:
            desk.ledger.begin_liquidation(one, sender=liquidator)
            known.in_liquidation = True
            fraction = rng.choice((WAD, WAD // 3, rng.randint(1, WAD // 10)))
            self.both(
                "slice",
                lambda: desk.ledger.transfer_slice(one, other, fraction, 0, sender=liquidator),
                lambda: self.ledger.slice(known, them, fraction, 0),
            )
        elif action == "end" and known.in_liquidation:
            theirs = them.positions.get(market, Position())
            closed = min(abs(held.size), abs(theirs.size))
            if not them.in_liquidation and held.size * theirs.size < 0:
                size = -closed if held.size > 0 else closed
                self.both(
                    "deleverage",
                    lambda: desk.ledger.deleverage(one, other, market, size, mark, sender=liquidator),
                    lambda: self.ledger.close(known, them, market, size, mark),
                )
            self.debt(one, other, market)
            desk.ledger.end_liquidation(one, sender=liquidator)
            self.ledger.accounts[one].in_liquidation = False

    def ruin(self, one: int, others: list[int]) -> None:
        """An account without coin closes at a loss and is shut: others take the debt."""
        live = [account for account in others if not self.ledger.in_liquidation(account)]
        market = self.rng.choice((ETH_USD, BTC_USD))
        if not live:
            return
        partner = self.rng.choice(live)
        # In above the mark and out below it.
        self.trade(one, partner, market, 2_000 * NANO, 1.01)
        held = self.ledger.position(one, market)
        if held:
            self.trade(one, partner, market, -held, 0.99)
        left = self.ledger.accounts[one].positions.get(market, Position())
        if left.size or left.coin >= 0:
            return
        self.desk.ledger.begin_liquidation(one, sender=self.desk.env.address(LIQUIDATOR))
        self.ledger.accounts[one].in_liquidation = True
        for other in live:
            self.debt(one, other, market)
        self.desk.ledger.end_liquidation(one, sender=self.desk.env.address(LIQUIDATOR))
        self.ledger.accounts[one].in_liquidation = False

    def debt(self, one: int, other: int, market: int) -> None:
        self.both(
            "debt",
            lambda: self.desk.pool.close_debt(one, other, market).value,
            lambda: self.pool.close_debt(one, other, market),
        )

    def settle(self, account: Account) -> None:
        if account.in_liquidation:
            raise Refused("ledger: account in liquidation")
        self.ledger.settle(account)

    def trade(self, taker: int, maker: int, market: int, size: int, off: float = 0) -> None:
        off = off or self.rng.uniform(0.99, 1.01)
        price = round(self.ledger.markets.mark(market, self.ledger.now) * off)
        fee = self.rng.randint(0, WAD)
        call = self.desk.fill if is_inverse(market) else self.desk.match

        def model() -> None:
            if not self.ledger.fill_maker(maker, market, -size, price, fee, False):
                # Its fill is missing from the taker's.
                liquidated = self.ledger.in_liquidation(taker)
                raise Refused(
                    "ledger: account in liquidation" if liquidated else "ledger: trade is not zero-sum"
                )
            coins = abs(size) * NANO // price
            quote = (coins if size > 0 else -coins) if is_inverse(market) else size * price
            self.ledger.fill_taker(taker, market, size, quote, fee, 0)

        self.both("trade", lambda: call(taker, maker, market, price, size, fee), model)

    # -- equal

    def compare(self, name: str) -> None:
        desk, money = self.desk, self.ledger.money
        books = desk.vault.reconcile()
        assert (books.assets, books.net_settled, books.fees) == (
            money.backing,
            money.net_settled,
            money.fees,
        ), name
        for number, account in self.ledger.accounts.items():
            assert desk.vault.account(number).cash == account.cash, (name, number)
            for asset in (WETH, WBTC):
                assert desk.vault.collateral(number, asset) == account.units[asset], (name, number, asset)
            assert set(desk.ledger.markets_of(number)) == set(account.positions), (name, number)
            for market, held in account.positions.items():
                entry = held.coin % 2**80 if is_inverse(market) else held.entry
                assert tuple(desk.ledger.position(number, market))[:3] == (
                    held.size,
                    entry,
                    held.funding_index,
                ), (name, number, market)
            assert tuple(desk.ledger.assess(number)[0])[:3] == _figures(self.ledger, account), (name, number)
        for market in (ETH_USD, BTC_USD):
            assert desk.pool.pool(market) == self.pool.pools[market], name
        desk.check()


def _figures(ledger: Positions, account: Account) -> tuple[int, int, int]:
    found, _ = ledger.assess(account)
    return found.initial_margin, found.maintenance_margin, found.equity


def _tiers(desk: InverseWorld) -> tuple[int, int, int, int]:
    tiers = desk.market(ETH_USD).tiers
    return (
        tiers.first_multiplier,
        tiers.second_multiplier,
        tiers.first_bound // WAD,
        tiers.second_bound // WAD,
    )


TOTAL: Counter[str] = Counter()


@pytest.mark.parametrize("seed", range(4))
def test_the_contracts_do_what_the_model_does(seed: int) -> None:
    pair = Pair(seed)
    for _ in range(CALLS):
        pair.move_prices()
        pair.step()
    TOTAL.update(pair.outcomes)
    assert pair.outcomes["trade done"] > 10 and pair.outcomes["coin done"] > 10, pair.outcomes


def test_every_kind_of_call_was_made() -> None:
    if not TOTAL:
        pytest.skip("the runs above were not selected")
    for name in ("trade", "settle", "coin", "slice", "deleverage", "debt"):
        assert TOTAL[f"{name} done"], TOTAL
