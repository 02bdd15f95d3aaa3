# SPDX-License-Identifier: Apache-2.0
"""The model of simulation/domain/model as the protocol of a run is deployed."""

from __future__ import annotations

from simulation.domain.interest_math import RateParams
from simulation.domain.model import (
    Account,
    AnyEngine,
    AuctionRules,
    CoinPool,
    Collateral,
    CreditEngine,
    CreditRules,
    DatedMarket,
    Desk,
    DynamicEngine,
    Engine,
    Feed,
    Fund,
    Liquidation,
    Markets,
    MarketState,
    Money,
    Positions,
    ProtocolModel,
    RiskEngine,
    ScenarioEngine,
    Series,
    Switch,
)
from simulation.domain.oracle_math import FeedConfig, Tick
from simulation.domain.order_book import OrderBook
from simulation.domain.orders import Market
from tests.stateful.driver import Driver
from tests.stateful.margins import (
    CREDIT,
    CROSS,
    DYNAMIC,
    ISOLATED,
    PORTFOLIO,
    RISK,
    UNDERLYING_FEEDS,
)
from tests.stateful.rig import ROLES, WEALTH
from tests.stateful.world_state import ASSETS, COINS, DATED, FEEDS, PERPETUALS, POOL, SERIES, SERIES_FEEDS

__all__ = ["new_model"]

COIN_POOL = "the CoinPool"


def new_model(driver: Driver) -> ProtocolModel:
    """What has been deployed, before its first price."""
    protocol, parameters = driver.rig.protocol, driver.parameters
    start = driver.rig.time
    heartbeat = protocol.oracle.heartbeat
    config = FeedConfig(heartbeat, protocol.oracle.max_spread, 5 * 10**7, 0, 86_400, 1, 2**72 - 1)
    feeds = {feed: Feed(config, protocol.oracle.threshold, Tick(heartbeat=heartbeat)) for feed in FEEDS[:4]}
    usd = FeedConfig(3_600, 500, 5 * 10**7, 0, 86_400, 1, 2**72 - 1)
    feeds[FEEDS[4]] = Feed(usd, 2, Tick(heartbeat=3_600))
    specs = (*protocol.markets.values(), *protocol.inverse.values())
    markets = {
        number: MarketState(
            feed=UNDERLYING_FEEDS[number],
            lot_size=spec.lot,
            cap=spec.open_interest_cap,
            convergence_hours=max(1, round(spec.funding.convergence / 3_600)),
            static_rate=spec.funding.static_rate,
            max_rate=spec.funding.max_rate,
            accrued_until=start,
        )
        for number, spec in zip(PERPETUALS, specs, strict=True)
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
    series = {
        number: Series(SERIES_FEEDS[number], driver.expiries[number], driver.margins.strikes[number])
        for number in SERIES
    }
    listed = list(protocol.series.values())
    dated = {}
    for market in DATED:
        spec = listed[market // 256 - 1]
        cap = spec.option_open_interest_cap if market % 256 else spec.future_open_interest_cap
        dated[market] = DatedMarket(driver.rig.sizes[market][1], cap)
    state = Markets(feeds, markets, series, dated, driver.rig.deployed.settlement)
    ledger = Positions(money, state, _engines(driver), collaterals, desk=_desk(driver), now=start)
    ledger.accounts[POOL] = Account(COIN_POOL, CROSS, number=POOL)
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
    pool = CoinPool(ledger, POOL, dict(COINS))
    switch = Switch(ledger, driver.rig.deployed.engine_delay)
    model = ProtocolModel(money, state, ledger, book, liquidation, fund, driver.scale, pool, switch)
    decimals = [protocol.cash.decimals, *(spec.decimals for spec in protocol.collaterals.values())]
    for asset, places in enumerate(decimals):
        for role in ROLES:
            model.wallets[asset, role] = WEALTH * 10**places
    return model


def _engines(driver: Driver) -> dict[int, AnyEngine]:
    deployed, parameters = driver.rig.deployed, driver.parameters
    cross, isolated = (
        Engine(
            dict(parameters.risks[engine]),
            parameters.contingency[engine],
            dict(deployed.options),
            dict(deployed.futures),
            isolated=engine == ISOLATED,
        )
        for engine in (CROSS, ISOLATED)
    )
    return {
        CROSS: cross,
        ISOLATED: isolated,
        PORTFOLIO: ScenarioEngine(
            deployed.portfolio, deployed.grid, deployed.market_feeds, deployed.coin_feeds
        ),
        RISK: RiskEngine(deployed.model(UNDERLYING_FEEDS)),
        DYNAMIC: DynamicEngine(cross, deployed.scales(driver.rig.time), *deployed.scaled(UNDERLYING_FEEDS)),
        CREDIT: CreditEngine(cross, *deployed.credit),
    }


def _desk(driver: Driver) -> Desk:
    deployed = driver.rig.deployed
    return Desk(CreditRules(*deployed.credit, *deployed.desk), driver.scale, now=driver.rig.time)
