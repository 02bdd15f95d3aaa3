# SPDX-License-Identifier: Apache-2.0
"""Margin of accounts in a state, worked out by the twins of all engines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulation.domain import (
    credit_math,
    dynamic_margin,
    option_greeks,
    portfolio_math,
    risk_board,
    risk_margin,
    standard_options,
)
from simulation.domain.dynamic_margin import Scale
from simulation.domain.interest_math import with_interest
from simulation.domain.margin_math import (
    Assessment,
    CollateralRisk,
    Portfolio,
    PositionRisk,
    assess,
)
from simulation.domain.market_math import is_call, is_inverse, strike_index
from simulation.domain.oracle_math import is_valid, unpack_tick
from simulation.domain.risk_model import Greeks, Model
from tests.stateful.options import board_inputs
from tests.stateful.parameters import Parameters
from tests.stateful.rig import Rig
from tests.stateful.world_state import (
    ASSETS,
    COINS,
    LINEAR,
    SERIES,
    SERIES_FEEDS,
    Account,
    Line,
    Position,
    State,
)

__all__ = [
    "CREDIT",
    "CROSS",
    "DYNAMIC",
    "ENGINES",
    "ISOLATED",
    "ONE_USD",
    "PORTFOLIO",
    "RISK",
    "UNDERLYING_FEEDS",
    "Margin",
    "Margins",
]

ENGINES = CROSS, ISOLATED, PORTFOLIO, RISK, DYNAMIC, CREDIT = (1, 2, 3, 4, 5, 6)
"""Ids in the Vault."""
ONE_USD = 10**9
BPS = 10_000
DEFAULTED = 8
UNDERLYING_FEEDS = (
    {market: market for market in LINEAR}
    | dict(COINS)
    | {256 * series: feed for series, feed in SERIES_FEEDS.items()}
)
"""By perpetual, and by 256 times the series; a coin has the feed of its number here."""
SURFACE = (
    *("feed", "expiry", "forward_difference", "rate", "a", "b", "rho", "m", "sigma"),
    *("reference_forward", "reference_tau", "forward_confidence", "vol_confidence", "rate_confidence"),
)
"""ISurface.SeriesSurface in its order, as far as a board needs it."""
SIGNED = {"forward_difference", "rate", "a", "b", "rho", "m", "sigma"}
SPOT = 2**72 - 1


@dataclass(frozen=True, slots=True)
class Margin:
    equity: int
    initial: int
    maintenance: int
    valid: bool

    @property
    def shortfall(self) -> int:
        """IM - equity, signed."""
        return self.initial - self.equity

    @property
    def missing(self) -> int:
        """(MM - equity)+."""
        return max(self.maintenance - self.equity, 0)


class Margins:
    """What engines say of any account in any state, at the parameters, boards and scales of now."""

    def __init__(self, rig: Rig, parameters: Parameters) -> None:
        assert tuple(rig.engines.values()) == ENGINES
        self.rig = rig
        self.parameters = parameters
        self.engines: dict[int, int] = {}
        """Engine of each account."""
        self.boards: dict[int, risk_board.Board] = {}
        """What each series was valued at when its board was last made."""
        self.inputs: dict[int, risk_board.Series] = {}
        """And with what."""
        specs = list(rig.protocol.series.values())
        self.strikes = {series: specs[series - 1].strikes for series in SERIES}
        self.model: Model = rig.deployed.model(UNDERLYING_FEEDS)
        self.scales: dict[int, Scale] = rig.deployed.scales(rig.time)
        self.market_feeds, self.asset_feeds = rig.deployed.scaled(UNDERLYING_FEEDS)
        self._found: dict[tuple[int, int, Account, Line], Margin] = {}
        self._key: tuple[Any, ...] = ()
        self._made = 0

    # --- what calls change

    def refresh_board(self, series: int, state: State) -> None:
        """A board has just been made."""
        words = self.rig.view("Surface", "surface(uint256)", series)
        stored = {
            name: words.signed(place) if name in SIGNED else words.word(place)
            for place, name in enumerate(SURFACE)
        }
        found = self.rig.view("Surface", "forward_parts(uint256)", series)
        tick = unpack_tick(state.feeds[SERIES_FEEDS[series]])
        parts = (found.word(0), found.word(1), found.word(2))
        inputs = board_inputs(stored, parts, tick.confidence, state.time)
        deployed = self.rig.deployed
        self.inputs[series] = inputs
        self.boards[series] = risk_board.valued(inputs, self.strikes[series], deployed.grid, deployed.shocks)
        self._made += 1

    def refresh_scales(self, feeds: Iterable[int], state: State) -> None:
        """Scales have just been stored."""
        for feed in feeds:
            self.scales[feed] = Scale(self.scales[feed].rules, self.scale(state, feed), state.time)
        self._made += 1

    # --- parts of a margin

    def cash_now(self, state: State, account: Account) -> int:
        """Cash with interest to the state's time."""
        if account.cash == 0:
            return 0
        index = state.supply_index if account.cash > 0 else state.borrow_index
        return with_interest(account.cash, account.cash_index, index)

    def unrealised(self, state: State, market: int, position: Position) -> int:
        """PnL at mark less funding that is due, wad."""
        quoted = state.markets[market]
        funding = quoted.index - position.funding_index
        if is_inverse(market):
            return position.coin * quoted.mark - position.size * (ONE_USD + funding)
        return position.size * (quoted.mark - position.entry - funding)

    def scale(self, state: State, feed: int) -> int:
        """By which dynamic margin multiplies what depends on a feed."""
        tick = unpack_tick(state.feeds[feed])
        stored = self.scales[feed]
        target = dynamic_margin.target_up(tick.variance, stored.rules) if tick.spot else stored.scale
        return dynamic_margin.moved(stored, target, state.time)

    def greeks(self, state: State, markets: Iterable[int]) -> dict[int, Greeks]:
        """Sensitivities of options as the last boards have them."""
        found = {}
        for market in markets:
            series = market // 256
            if market % 256 and series in self.boards:
                place, call = strike_index(market), is_call(market)
                one = option_greeks.greeks(self.inputs[series], self.boards[series], place, call, state.time)
                if one is not None:
                    found[market] = one
        return found

    def line(self, state: State, number: int) -> credit_math.Line:
        """What the account's line stands for: nothing after a default or in liquidation."""
        line = state.desk.lines[number - 1]
        if line.stage == DEFAULTED or state.accounts[number - 1].liquidating:
            return credit_math.Line()
        called_in = line.granted < line.committed or state.time >= line.term
        scale = 10 ** (18 - self.rig.protocol.cash.decimals)
        return credit_math.Line(line.committed * scale, BPS if called_in else 0)

    def portfolio(self, state: State, number: int) -> tuple[Portfolio, bool]:
        """The account as its engine sees it, and whether all prices it needs are valid."""
        account = state.accounts[number - 1]
        valid = True
        positions = []
        for market_id, position in account.positions.items():
            market = state.markets[market_id]
            valid = valid and market.valid
            positions.append(
                PositionRisk(
                    market_id,
                    position.size,
                    market.mark,
                    market.spot,
                    market.confidence,
                    self.unrealised(state, market_id, position),
                    position.bids,
                    position.asks,
                )
            )
        collaterals = []
        for asset in ASSETS:
            units = account.units[asset - 1]
            if units == 0:
                continue
            tick = state.feeds[self.parameters.collateral_feeds[asset]]
            valid = valid and is_valid(unpack_tick(tick), state.time)
            value = units * (tick & SPOT) * 10**9 // 10 ** self.parameters.decimals[asset]
            haircuts = self.parameters.haircuts[asset]
            collaterals.append(CollateralRisk(asset, value, unpack_tick(tick).confidence, *haircuts))
        stable = ONE_USD
        if state.stable_feed:
            tick = state.feeds[state.stable_feed]
            stable = tick & SPOT
            valid = valid and is_valid(unpack_tick(tick), state.time)
        cash = self.cash_now(state, account)
        return Portfolio(cash, stable, tuple(positions), tuple(collaterals)), valid

    def setting(self, state: State, parameters: portfolio_math.Parameters) -> portfolio_math.Setting:
        """What portfolio margin is worked out with, besides the portfolio."""
        deployed = self.rig.deployed
        return portfolio_math.Setting(
            state.time,
            parameters,
            deployed.grid,
            self.boards,
            deployed.market_feeds,
            deployed.coin_feeds,
        )

    # --- margin

    def required(self, state: State, portfolio: Portfolio, engine: int) -> Assessment:
        """What an engine's twin says of a portfolio, lines left out."""
        if engine == PORTFOLIO:
            return portfolio_math.assess(portfolio, self.setting(state, self.rig.deployed.portfolio))
        if engine == RISK:
            held = (position.market for position in portfolio.positions)
            return risk_margin.assess(portfolio, self.model, self.greeks(state, held))
        base = ISOLATED if engine == ISOLATED else CROSS
        risks, contingency = self.parameters.risks[base], self.parameters.contingency[base]
        if engine != DYNAMIC and all(position.market < 128 for position in portfolio.positions):
            return assess(portfolio, risks, contingency)
        boards = {
            number: standard_options.Board(
                SERIES_FEEDS[number], quoted.fixed, quoted.variable, self.strikes[number]
            )
            for number, quoted in state.series.items()
        }
        deployed = self.rig.deployed
        parameters = standard_options.Parameters(risks, contingency, deployed.options, deployed.futures)
        if engine != DYNAMIC:
            return standard_options.assess(portfolio, boards, parameters)
        scales = {feed: self.scale(state, feed) for feed in self.scales}
        return dynamic_margin.assess(
            portfolio,
            boards,
            parameters,
            {market: scales[feed] for market, feed in self.market_feeds.items()},
            {asset: scales[feed] for asset, feed in self.asset_feeds.items()},
        )

    def bare(self, state: State, number: int) -> tuple[Margin, Assessment]:
        """Of an account without its line."""
        portfolio, valid = self.portfolio(state, number)
        found = self.required(state, portfolio, self.engines.get(number, CROSS))
        return Margin(found.equity, found.initial_margin, found.maintenance_margin, valid), found

    def margin(self, state: State, number: int) -> Margin:
        """Of an account in a state; kept while nothing it needs changes."""
        account, line = state.accounts[number - 1], state.desk.lines[number - 1]
        key = (
            state.time,
            state.borrow_index,
            state.supply_index,
            state.raw[3],
            state.quotes,
            self._made,
            tuple(market.index for market in state.markets.values()),
            state.stable_feed,
            self.parameters.version,
        )
        if key != self._key:
            self._key = key
            self._found = {}
        place = (number, self.engines.get(number, CROSS), account, line)
        found = self._found.get(place)
        if found is None:
            found = self._found[place] = self._margin(state, number)
        return found

    def _margin(self, state: State, number: int) -> Margin:
        found, assessment = self.bare(state, number)
        if self.engines.get(number) != CREDIT:
            return found
        whole = credit_math.assess(assessment, self.line(state, number), *self.rig.deployed.credit)
        return Margin(whole.equity, whole.initial_margin, whole.maintenance_margin, found.valid)
