# SPDX-License-Identifier: Apache-2.0
"""The model of simulation/domain/model beside a run: the same calls, and everything compared after each."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simulation.domain.interest_math import RateParams
from simulation.domain.margin_math import Contingency, MarketRisk
from simulation.domain.model import (
    AuctionRules,
    Collateral,
    DatedMarket,
    Engine,
    Feed,
    Fund,
    Liquidation,
    Markets,
    MarketState,
    Money,
    Positions,
    ProtocolModel,
    Quote,
    Refused,
    ScenarioEngine,
    Series,
)
from simulation.domain.oracle_math import FeedConfig, Tick, pack_tick
from simulation.domain.order_book import OrderBook
from simulation.domain.orders import Market, NewOrder, Option
from tests.stateful import options
from tests.stateful.driver import Driver, Step
from tests.stateful.rig import ROLES, WEALTH
from tests.stateful.world_state import (
    ASSETS,
    DATED,
    FEEDS,
    HOLDERS,
    MARKETS,
    PERPETUALS,
    SERIES,
    SERIES_FEEDS,
    State,
)

__all__ = ["Mirror"]

TOKENS = ("CashToken", "Token:WETH", "Token:WBTC", "Token:EURC")
MAX_PENALTY = 3 * 10**17
"""Wad: what a start may cost an owner, first discount included."""
Handler = Callable[["Mirror", Step], Any]


def new_model(driver: Driver) -> ProtocolModel:
    """What has been deployed, before its first price."""
    protocol, parameters = driver.rig.protocol, driver.parameters
    start = driver.rig.time
    heartbeat = protocol.oracle.heartbeat
    config = FeedConfig(heartbeat, protocol.oracle.max_spread, 5 * 10**7, 0, 86_400, 1, 2**72 - 1)
    feeds = {feed: Feed(config, protocol.oracle.threshold, Tick(heartbeat=heartbeat)) for feed in FEEDS[:4]}
    usd = FeedConfig(3_600, 500, 5 * 10**7, 0, 86_400, 1, 2**72 - 1)
    feeds[FEEDS[4]] = Feed(usd, 2, Tick(heartbeat=3_600))
    markets = {
        number: MarketState(
            feed=number,
            lot_size=spec.lot,
            cap=spec.open_interest_cap,
            convergence_hours=max(1, round(spec.funding.convergence / 3_600)),
            static_rate=spec.funding.static_rate,
            max_rate=spec.funding.max_rate,
            accrued_until=start,
        )
        for number, spec in zip(PERPETUALS, protocol.markets.values(), strict=True)
    }
    curve = protocol.interest
    rates = RateParams(curve.minimum, curve.slope, curve.high_slope, curve.optimal * 10**14)
    money = Money(rates, curve.reserve_fee * 10**14, start)
    collaterals = {
        asset: Collateral(
            parameters.collateral_feeds[asset],
            spec.decimals,
            spec.maintenance_haircut,
            spec.initial_haircut,
            min(spec.cap * 10**spec.decimals, 2**128 - 1),
        )
        for asset, spec in zip(ASSETS, protocol.collaterals.values(), strict=True)
    }
    engines: dict[int, Engine | ScenarioEngine] = {
        engine: Engine(
            dict(parameters.risks[engine]),
            parameters.contingency[engine],
            dict.fromkeys(options.OPTION_FEEDS, options.OPTION_RISK),
            dict.fromkeys(options.OPTION_FEEDS, options.FUTURE_RISK),
            isolated=engine == 2,
        )
        for engine in (1, 2)
    }
    engines[options.SCENARIO] = ScenarioEngine(
        options.PORTFOLIO, options.GRID, options.MARKET_FEEDS, options.COIN_FEEDS
    )
    series = {
        number: Series(SERIES_FEEDS[number], driver.expiries[number], driver.strikes[number])
        for number in SERIES
    }
    listed = list(protocol.series.values())
    dated = {}
    for market in DATED:
        spec = listed[market // 256 - 1]
        cap = spec.option_open_interest_cap if market % 256 else spec.future_open_interest_cap
        dated[market] = DatedMarket(driver.rig.sizes[market][1], cap)
    state = Markets(feeds, markets, series, dated, options.RULES)
    ledger = Positions(money, state, engines, collaterals, now=start)
    fund = Fund()
    book = OrderBook(
        {
            number: Market(*sizes, expiry=0 if number in PERPETUALS else series[number // 256].expiry)
            for number, sizes in driver.rig.sizes.items()
        },
        protocol.fees.maker,
        protocol.fees.taker,
    )
    liquidation = Liquidation(ledger, fund, AuctionRules(*parameters.liquidation), driver.scale)
    model = ProtocolModel(money, state, ledger, book, liquidation, fund, driver.scale)
    decimals = [protocol.cash.decimals, *(spec.decimals for spec in protocol.collaterals.values())]
    for asset, places in enumerate(decimals):
        for role in ROLES:
            model.wallets[asset, role] = WEALTH * 10**places
    return model


class Mirror:
    """Observes a driver; raises AssertionError at the first difference."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.model = new_model(driver)
        self.calls = 0
        self.refused: Counter[str] = Counter()
        driver.observers = (*driver.observers, self)

    def __call__(self, driver: Driver, step: Step) -> None:
        self.calls += 1
        self.model.advance(step.after.time)
        # No call changes the engine of scenarios, and its many values would be most of a copy.
        engines = self.model.ledger.engines
        scenario = engines.pop(options.SCENARIO)
        before = pickle.dumps(self.model)
        engines[options.SCENARIO] = scenario
        self.give(step.before)
        refusal = ""
        try:
            self.follow(step)
        except Refused as error:
            refusal = str(error)
            self.refused[refusal] += 1
            self.model = pickle.loads(before)
            self.model.ledger.engines[options.SCENARIO] = scenario
        told = f"call {self.calls}: {step.caller} -> {step.contract}.{step.function}{step.args}"
        assert step.ok == (not refusal), f"{told}\ncontract: {step.outcome.reason!r}\nmodel: {refusal!r}"
        if step.ok:
            differences = list(self.compare(step.after))
            assert not differences, f"{told}\n" + "\n".join(differences)

    def follow(self, step: Step) -> None:
        """The same call to the model."""
        if step.forbidden:
            raise Refused("not allowed")
        name = "transfer_token" if step.contract in TOKENS else step.function
        if step.contract in ("Surface", "RiskBoard") and name in ("update", "refresh"):
            return  # What they price is given; that an unsigned surface is refused is checked elsewhere.
        if step.contract == "InsuranceFund" and name in ("deposit", "mint", "withdraw", "redeem"):
            name = f"fund_{name}"
        HANDLERS[name](self, step)

    def give(self, state: State) -> None:
        """Forwards, marks of options and boards: what the model does not work out."""
        markets = self.model.markets
        for number, quoted in state.series.items():
            markets.series[number].fixed, markets.series[number].variable = quoted.fixed, quoted.variable
        for market in DATED:
            found = state.markets[market]
            markets.dated[market].given = Quote(found.mark, found.spot, found.confidence, found.valid)
        scenario = self.model.ledger.engines[options.SCENARIO]
        assert isinstance(scenario, ScenarioEngine)
        scenario.boards = dict(self.driver.boards)

    def role(self, address: bytes) -> str:
        known = {found: role for role, found in self.driver.rig.roles.items()}
        return known.get(address, "somebody")

    # --- everything, exactly

    def compare(self, state: State) -> list[str]:
        model, found = self.model, []

        def same(what: str, expected: Any, actual: Any) -> None:
            if expected != actual:
                found.append(f"{what}: model {expected}, contract {actual}")

        money = model.money
        for name, attribute in (
            ("backing", "backing"),
            ("deficit", "deficit"),
            ("net_settled", "net_settled"),
            ("fees", "fees"),
            ("reserve", "reserve"),
            ("total_supply", "total_supply"),
            ("total_borrow", "total_borrow"),
        ):
            same(name, getattr(money, attribute), getattr(state, name))
        same("interest indexes", money.indexes(state.time)[:2], (state.borrow_index, state.supply_index))
        same("exchange rate", money.exchange_rate(), state.exchange_rate)
        same("accounts", len(model.ledger.accounts), state.account_count)
        for number, account in model.ledger.accounts.items():
            actual = state.accounts[number - 1]
            name = f"account {number}"
            same(f"{name}: cash", (account.cash, account.cash_index), (actual.cash, actual.cash_index))
            same(f"{name}: collateral", tuple(account.units[asset] for asset in ASSETS), actual.units)
            same(f"{name}: in liquidation", account.in_liquidation, actual.liquidating)
            expected = {
                market: (held.size, held.entry, held.funding_index, held.bids, held.asks)
                for market, held in account.positions.items()
            }
            positions = {
                market: (held.size, held.entry, held.funding_index, held.bids, held.asks)
                for market, held in actual.positions.items()
            }
            same(f"{name}: positions", expected, positions)
        for place, market in enumerate(PERPETUALS):
            quoted, funding = state.markets[market], model.markets.markets[market]
            same(
                f"market {market}: funding",
                (funding.index, funding.rate, funding.accrued_until),
                (quoted.stored_index, quoted.rate, state.accrued_until[place]),
            )
        for number in SERIES:
            same(f"series {number}", model.markets.series[number].price, state.series[number].price)
        for market in MARKETS:
            quoted, known = state.markets[market], model.markets.terms(market)
            same(f"market {market}: settled", model.markets.is_settled(market), quoted.settled)
            if quoted.settled:
                payoff = model.markets.quote(market, state.time)
                priced = Quote(quoted.mark, quoted.spot, quoted.confidence, quoted.valid)
                same(f"market {market}: payoff", payoff, priced)
            same(f"market {market}: index now", model.markets.index(market, state.time), quoted.index)
            same(f"market {market}: open interest", known.open_interest, quoted.open_interest)
            for is_bid, side in ((True, quoted.bids), (False, quoted.asks)):
                levels = tuple((level.tick, level.lots) for level in model.book.depth(market, is_bid))
                same(f"market {market}: book", levels, side)
        for feed in FEEDS:
            same(f"feed {feed}", pack_tick(model.markets.feeds[feed].tick), state.feeds[feed])
        for asset in ASSETS:
            same(f"asset {asset} held", model.ledger.collaterals[asset].held, state.held[asset - 1])
        fund = model.fund
        same("fund", (fund.assets, fund.supply), (state.fund_assets, state.shares))
        same("shares", tuple(fund.shares[role] for role in HOLDERS), state.share_balances)
        same("insolvent", model.liquidation.total_insolvent, state.total_insolvent)
        auctions = {
            number: (auction.phase, auction.started, auction.reserved, auction.paused)
            for number, auction in self.driver.auctions.items()
        }
        expected_auctions = {
            number: (int(auction.phase), auction.started, auction.reserved, auction.paused)
            for number, auction in model.liquidation.auctions.items()
        }
        same("auctions", expected_auctions, auctions)
        return found


# --- how each function of the contracts reaches the model


def _pause(mirror: Mirror, step: Step, on: bool) -> None:
    model, bit = mirror.model, step.args[0]
    if step.contract == "Vault":
        name = {1: "deposits_paused", 2: "withdrawals_paused", 16: "accounts_paused"}[bit]
        setattr(model, name, on)
    elif step.contract == "Ledger":
        model.ledger.trading_paused = on
    elif step.contract == "Exchange":
        setattr(model.book, {4: "trade_paused", 8: "place_paused"}[bit], on)
    else:
        model.fund.paused = on


def _place(mirror: Mirror, step: Step) -> None:
    account, market, is_bid, tick, lots, options, expiry, fills = step.args
    if not 0 <= account < 2**32 or options > 7:
        raise Refused("exchange: order out of range")
    new = NewOrder(account, market, bool(is_bid), tick, lots, Option(options), expiry, fills)
    mirror.model.place(step.caller, new)


def _replace(mirror: Mirror, step: Step) -> None:
    order_id, tick, lots, options, expiry, fills = step.args
    mirror.model.replace(step.caller, order_id, tick, lots, Option(options), expiry, fills)


def _update(mirror: Mirror, step: Step) -> None:
    mirror.model.markets.store(step.args[0], len(step.args[1]), mirror.model.now)


def _update_many(mirror: Mirror, step: Step) -> None:
    for price, signatures in zip(*step.args, strict=True):
        mirror.model.markets.store(price, len(signatures), mirror.model.now)


def _set_feed(mirror: Mirror, step: Step) -> None:
    feed, (heartbeat, deviation, confidence, jump, window, signers, floor, ceiling) = step.args
    config = FeedConfig(heartbeat, deviation, confidence, jump, window, floor, ceiling)
    mirror.model.markets.configure(feed, config, signers)


def _set_funding(mirror: Mirror, step: Step) -> None:
    market, hours, static, most = step.args
    state = mirror.model.markets.markets[market]
    state.convergence_hours, state.static_rate, state.max_rate = hours, static, most
    mirror.model.markets.touch(market, mirror.model.now)


def _set_active(mirror: Mirror, step: Step) -> None:
    market, active = step.args
    mirror.model.markets.markets[market].active = bool(active)
    mirror.model.book.markets[market] = replace(mirror.model.book.markets[market], active=bool(active))


def _set_series_active(mirror: Mirror, step: Step) -> None:
    number, active = step.args
    mirror.model.markets.series[number].active = bool(active)
    for market, listed in mirror.model.book.markets.items():
        if market // 256 == number:
            mirror.model.book.markets[market] = replace(listed, active=bool(active))


def _set_collateral(mirror: Mirror, step: Step) -> None:
    asset, feed, maintenance, initial, cap = step.args
    terms = mirror.model.ledger.collaterals[asset]
    terms.feed, terms.maintenance_haircut, terms.initial_haircut, terms.cap = feed, maintenance, initial, cap


def _set_interest(mirror: Mirror, step: Step) -> None:
    minimum, slope, high_slope, optimal, fee = step.args
    mirror.model.set_interest(RateParams(minimum, slope, high_slope, optimal), fee)


def _engine(mirror: Mirror, step: Step) -> Engine:
    found = mirror.model.ledger.engines[1 if step.contract == "CrossMargin" else 2]
    assert isinstance(found, Engine)
    return found


def _set_markets(mirror: Mirror, step: Step) -> None:
    for market, risk in zip(*step.args, strict=True):
        if risk[1] > risk[0]:
            raise Refused("tiered_margin: ratio out of range")
        _engine(mirror, step).risks[market] = MarketRisk(*risk)


def _set_contingency(mirror: Mirror, step: Step) -> None:
    _engine(mirror, step).contingency = Contingency(*step.args[0])


def _set_fees(mirror: Mirror, step: Step) -> None:
    if max(step.args) > 100:
        raise Refused("exchange: fee out of range")
    mirror.model.book.maker_fee_bps, mirror.model.book.taker_fee_bps = step.args


def _set_parameters(mirror: Mirror, step: Step) -> None:
    rules = AuctionRules(*step.args[0])
    penalty = 10**18 - rules.start + rules.fee + rules.reward_rate
    if rules.cut > rules.start or penalty > MAX_PENALTY:
        raise Refused("liquidator: out of bound")
    mirror.model.liquidation.rules = rules


def _transfer_token(mirror: Mirror, step: Step) -> None:
    asset = TOKENS.index(step.contract)
    if mirror.model.wallets[asset, step.caller] < step.args[1]:
        raise Refused("erc20: insufficient")
    mirror.model.wallets[asset, step.caller] -= step.args[1]


def _deposit(mirror: Mirror, step: Step) -> None:
    account, asset, amount = step.args
    if asset not in (0, *ASSETS):
        raise Refused("vault: no such asset")
    mirror.model.deposit(step.caller, account, asset, amount)


def _withdraw(mirror: Mirror, step: Step) -> None:
    account, asset, amount, receiver = step.args
    if asset not in (0, *ASSETS):
        raise Refused("vault: no such asset")
    mirror.model.withdraw(step.caller, account, asset, amount, mirror.role(receiver))


def _delegate(mirror: Mirror, step: Step) -> None:
    account, address, allowed = step.args
    mirror.model.set_delegate(step.caller, account, mirror.role(address), bool(allowed))


def _set_cap(mirror: Mirror, step: Step) -> None:
    market, cap = step.args
    mirror.model.markets.markets[market].cap = cap


HANDLERS: dict[str, Handler] = {
    "create_account": lambda m, s: m.model.create_account(s.caller, *s.args),
    "set_delegate": _delegate,
    "deposit": _deposit,
    "withdraw": _withdraw,
    "transfer_cash": lambda m, s: m.model.transfer_cash(s.caller, *s.args),
    "transfer_token": _transfer_token,
    "accrue_interest": lambda m, s: m.model.accrue_interest(),
    "sweep_fees": lambda m, s: m.model.sweep_fees(),
    "settle": lambda m, s: m.model.settle(*s.args),
    "settle_expired": lambda m, s: m.model.settle_expired(*s.args),
    "accumulate": lambda m, s: m.model.markets.accumulate(*s.args),
    "finalise": lambda m, s: m.model.markets.finalise(s.args[0], m.model.now),
    "set_series_active": _set_series_active,
    "place": _place,
    "replace": _replace,
    "cancel": lambda m, s: m.model.cancel(s.caller, *s.args),
    "cancel_all": lambda m, s: m.model.cancel_all(s.caller, *s.args),
    "purge": lambda m, s: m.model.purge(*s.args),
    "call_margin": lambda m, s: m.model.liquidation.call_margin(*s.args),
    "start": lambda m, s: m.model.start(*s.args),
    "start_for": lambda m, s: m.model.start(*s.args),
    "bid": lambda m, s: m.model.bid(s.caller, s.args[0], s.args[1], s.args[2], _int256(s.args[3])),
    "mark_insolvent": lambda m, s: m.model.liquidation.mark_insolvent(*s.args),
    "mark_deleverage": lambda m, s: m.model.liquidation.mark_deleverage(*s.args),
    "deleverage": lambda m, s: m.model.liquidation.deleverage(*s.args),
    "write_off": lambda m, s: m.model.liquidation.write_off(*s.args),
    "stop": lambda m, s: m.model.liquidation.stop(*s.args),
    "refresh": lambda m, s: m.model.liquidation.refresh(*s.args),
    "fund_deposit": lambda m, s: m.model.fund_deposit(s.caller, s.args[0]),
    "fund_mint": lambda m, s: m.model.fund_mint(s.caller, s.args[0]),
    "fund_withdraw": lambda m, s: m.model.fund_withdraw(s.caller, s.args[0]),
    "fund_redeem": lambda m, s: m.model.fund_redeem(s.caller, s.args[0]),
    "touch": lambda m, s: m.model.markets.touch(s.args[0], m.model.now),
    "update": _update,
    "update_many": _update_many,
    "set_feed": _set_feed,
    "set_funding": _set_funding,
    "set_active": _set_active,
    "set_open_interest_cap": _set_cap,
    "set_collateral": _set_collateral,
    "set_interest": _set_interest,
    "set_stable_feed": lambda m, s: setattr(m.model.ledger, "stable_feed", s.args[0]),
    "set_markets": _set_markets,
    "set_contingency": _set_contingency,
    "set_fees": _set_fees,
    "set_parameters": _set_parameters,
    "pause": lambda m, s: _pause(m, s, True),
    "unpause": lambda m, s: _pause(m, s, False),
}


def _int256(value: int) -> int:
    """As the contract reads a drawn argument."""
    value %= 2**256
    return value - 2**256 if value >> 255 else value
