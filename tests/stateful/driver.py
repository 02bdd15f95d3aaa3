# SPDX-License-Identifier: Apache-2.0
"""One run of the protocol under drawn calls: what was called, what it changed, what events alone say.

A rule (actions.py) makes calls through `Driver.call`; each becomes a `Step`, world before and after, that
every observer sees at once. The driver itself judges nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from simulation.domain import portfolio_math, risk_board, standard_options
from simulation.domain.interest_math import with_interest
from simulation.domain.margin_math import (
    Assessment,
    CollateralRisk,
    Portfolio,
    PositionRisk,
    assess,
)
from simulation.domain.oracle_math import is_valid, unpack_tick
from tests.stateful import options
from tests.stateful.parameters import initial_parameters
from tests.stateful.rig import Rig, calldata
from tests.stateful.world_state import ASSETS, SERIES, SERIES_FEEDS, Account, Event, Outcome, State

__all__ = ["Auction", "Driver", "Margin", "Order", "Step"]

IDLE, SOLVENT, INSOLVENT, DELEVERAGE = 1, 2, 4, 8
ONE_USD = 10**9
SURFACE = (
    "feed",
    "expiry",
    "forward_difference",
    "rate",
    "a",
    "b",
    "rho",
    "m",
    "sigma",
    "reference_forward",
    "reference_tau",
    "forward_confidence",
    "vol_confidence",
    "rate_confidence",
)
SIGNED = {"forward_difference", "rate", "a", "b", "rho", "m", "sigma"}
"""ISurface.SeriesSurface in its order, as far as a board needs it."""
SPOT = 2**72 - 1


@dataclass(frozen=True, slots=True)
class Order:
    """A resting order as its events tell it."""

    order_id: int
    account: int
    market: int
    is_bid: bool
    tick: int
    lots: int
    placed: int
    """Lots when it came to rest."""
    expiry: int
    reduce_only: bool
    age: int


@dataclass(frozen=True, slots=True)
class Auction:
    """The state of an auction as its events tell it."""

    phase: int
    started: int
    """By the clock that runs."""
    reserved: int = 0
    paused: int = 0
    """Seconds on the clock that stands still."""

    def turned(self, phase: int, now: int) -> Auction:
        """In another phase, with the other clock."""
        return Auction(phase, now - self.paused, 0, now - self.started)


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


@dataclass(frozen=True, slots=True)
class Step:
    """One contract call and the world on both sides of it, at one time."""

    rule: str
    caller: str
    contract: str
    function: str
    args: tuple[Any, ...]
    outcome: Outcome
    before: State
    after: State
    auctions: dict[int, Auction]
    """Before the call."""
    orders: dict[int, Order]
    """Before the call."""
    paused: dict[str, int]
    forbidden: bool
    """The caller has no right to this call."""

    @property
    def ok(self) -> bool:
        return self.outcome.ok

    def named(self, name: str) -> list[dict[str, int]]:
        return [event.args for event in self.outcome.events if event.name == name]


class Driver:
    """State of a run.

    Args:
        rng: where every draw comes from.
        observers: called after each step.
        rig: a chain of its own; a fresh one if none is given.
    """

    def __init__(
        self, rng: Random, observers: tuple[Callable[[Driver, Step], None], ...] = (), rig: Rig | None = None
    ) -> None:
        self.rng = rng
        self.observers = observers
        self.rig = rig or Rig()
        self.scale = 10 ** (18 - self.rig.protocol.cash.decimals)
        self.parameters = initial_parameters(self.rig)
        self.state = self.rig.read()
        self.rule = "setup"
        self.succeeded: Counter[str] = Counter()
        self.attempted: Counter[str] = Counter()
        self.owners: dict[int, str] = {}
        self.engines: dict[int, int] = {}
        self.delegates: defaultdict[int, set[str]] = defaultdict(set)
        self.orders: dict[int, Order] = {}
        self.auctions: dict[int, Auction] = {}
        self.donated: Counter[tuple[str, str]] = Counter()
        self.prices: dict[int, tuple[int, int]] = {}
        """Spot and mark that were last sent to each feed, nano USD."""
        self.boards: dict[int, risk_board.Board] = {}
        """What each series was valued at when its board was last made."""
        specs = list(self.rig.protocol.series.values())
        self.strikes = {series: specs[series - 1].strikes for series in SERIES}
        self.expiries = {
            series: self.rig.view("Instruments", "series(uint256)", series).word(1) for series in SERIES
        }
        self.last_update: tuple[Any, ...] | None = None
        self.age = 0
        self.time_observers: list[Callable[[Driver, State, State], None]] = []
        self._margins: dict[tuple[int, Account], Margin] = {}
        self._margin_key: tuple[Any, ...] = ()

    # --- acting

    def call(
        self, caller: str, contract: str, signature: str, *args: Any, forbidden: bool = False
    ) -> Outcome:
        """One transaction, observed."""
        before = self.state
        outcome = self.rig.send(self.rig.roles[caller], contract, calldata(signature, *args))
        # What reverts changes no slot anywhere (the checker asserts it), so the world is the one before.
        after = self.rig.read() if outcome.ok else before
        function = signature.split("(", 1)[0]
        step = Step(
            rule=self.rule,
            caller=caller,
            contract=contract,
            function=function,
            args=args,
            outcome=outcome,
            before=before,
            after=after,
            auctions=dict(self.auctions),
            orders=dict(self.orders),
            paused=dict(self.parameters.paused),
            forbidden=forbidden,
        )
        self.attempted[self.rule] += 1
        if outcome.ok:
            self.succeeded[self.rule] += 1
            self._note(step)
        self.state = after
        for observer in self.observers:
            observer(self, step)
        return outcome

    def advance(self, seconds: int) -> None:
        """Time passes, nothing is called."""
        if seconds == 0:
            return
        before = self.state
        self.rig.time += seconds
        self.state = self.rig.read()
        for observer in self.time_observers:
            observer(self, before, self.state)

    # --- what events and calls tell

    def _note(self, step: Step) -> None:
        for event in step.outcome.events:
            self._note_event(step, event)
        function, args = step.function, step.args
        parameters = self.parameters
        if function == "create_account":
            account = step.outcome.word()
            self.owners[account] = step.caller
            self.engines[account] = args[0]
        elif function == "set_delegate":
            role = self.role_of(args[1])
            (self.delegates[args[0]].add if args[2] else self.delegates[args[0]].discard)(role)
        elif function == "transfer" and step.contract in (
            "CashToken",
            "Token:WETH",
            "Token:WBTC",
            "Token:EURC",
        ):
            self.donated[step.contract, self._name_of(args[0])] += args[1]
        elif step.contract == "RiskBoard":
            if step.outcome.word():
                self.boards[args[0]] = self._valued(args[0], step.after)
        elif step.contract != "Oracle":
            parameters.note(step.contract, function, args)

    def _note_event(self, step: Step, event: Event) -> None:
        args = event.args
        if event.name == "OrderPlaced":
            self.age += 1
            self.orders[args["order_id"]] = Order(
                args["order_id"],
                args["account"],
                args["market"],
                bool(args["is_bid"]),
                args["tick"],
                args["lots"],
                args["lots"],
                args["expiry"],
                bool(args["options"] & 4),
                self.age,
            )
        elif event.name == "OrderFilled":
            order = self.orders.get(args["order_id"])
            if order is not None:
                if args["remaining"] == 0:
                    del self.orders[args["order_id"]]
                else:
                    self.orders[args["order_id"]] = replace(order, lots=args["remaining"])
        elif event.name == "OrderRemoved":
            self.orders.pop(args["order_id"], None)
        elif event.name in ("AuctionStarted", "AuctionInsolvent", "DeleverageStarted"):
            self._note_phase(event, step.after.time)
        elif event.name == "AuctionBid":
            auction = self.auctions[args["account"]]
            paid = max(args["price"], 0)
            self.auctions[args["account"]] = replace(auction, reserved=auction.reserved + paid)
        elif event.name == "AuctionEnded":
            self.auctions.pop(args["account"], None)

    def _note_phase(self, event: Event, now: int) -> None:
        account = event.args["account"]
        known = self.auctions.get(account)
        if known is None:
            insolvent = event.name == "AuctionStarted" and event.args["insolvent"]
            self.auctions[account] = Auction(INSOLVENT if insolvent else SOLVENT, now)
        elif event.name == "DeleverageStarted":
            self.auctions[account] = Auction(DELEVERAGE, now, 0, known.paused)
        elif event.name == "AuctionInsolvent":
            # A new auction without equity says so twice.
            if known.phase == SOLVENT:
                self.auctions[account] = known.turned(INSOLVENT, now)
        elif known.phase == SOLVENT:
            self.auctions[account] = Auction(SOLVENT, now, 0, known.paused)
        else:
            self.auctions[account] = known.turned(SOLVENT, now)

    def _valued(self, series: int, state: State) -> risk_board.Board:
        """The board that a refresh has just made, by its twin."""
        words = self.rig.view("Surface", "surface(uint256)", series)
        stored = {
            name: words.signed(place) if name in SIGNED else words.word(place)
            for place, name in enumerate(SURFACE)
        }
        found = self.rig.view("Surface", "forward_parts(uint256)", series)
        tick = unpack_tick(state.feeds[SERIES_FEEDS[series]])
        parts = (found.word(0), found.word(1), found.word(2))
        return options.valued_board(stored, parts, tick.confidence, self.strikes[series], state.time)

    def role_of(self, address: bytes) -> str:
        return next(role for role, known in self.rig.roles.items() if known == address)

    def _name_of(self, address: bytes) -> str:
        return next((name for name, known in self.rig.at.items() if known == address), "")

    # --- valuation

    def authorised(self, account: int, role: str) -> bool:
        return self.owners.get(account) == role or (
            account in self.owners and role in self.delegates[account]
        )

    def caller_for(self, account: int) -> str:
        """The owner, sometimes a delegate."""
        delegates = sorted(self.delegates[account])
        if delegates and self.rng.random() < 0.3:
            return self.rng.choice(delegates)
        return self.owners[account]

    def cash_now(self, state: State, account: Account) -> int:
        """Cash with interest to the state's time."""
        if account.cash == 0:
            return 0
        index = state.supply_index if account.cash > 0 else state.borrow_index
        return with_interest(account.cash, account.cash_index, index)

    def margin(self, state: State, number: int) -> Margin:
        """Margin of an account in a state, by the engines' twin; kept while nothing it needs changes."""
        account = state.accounts[number - 1]
        key = (
            state.time,
            state.borrow_index,
            state.supply_index,
            state.raw[3],
            state.quotes,
            len(self.boards),
            id(self.boards.get(1)),
            id(self.boards.get(2)),
            tuple(market.index for market in state.markets.values()),
            state.stable_feed,
            self.parameters.version,
        )
        if key != self._margin_key:
            self._margin_key = key
            self._margins = {}
        found = self._margins.get((number, account))
        if found is None:
            found = self._margins[number, account] = self._assess(state, number, account)
        return found

    def portfolio(self, state: State, number: int) -> tuple[Portfolio, bool]:
        """The account as its engine sees it, and whether all prices it needs are valid."""
        account = state.accounts[number - 1]
        valid = True
        positions = []
        for market_id, position in account.positions.items():
            market = state.markets[market_id]
            valid = valid and market.valid
            unrealised = position.size * (
                market.mark - position.entry - (market.index - position.funding_index)
            )
            positions.append(
                PositionRisk(
                    market_id,
                    position.size,
                    market.mark,
                    market.spot,
                    market.confidence,
                    unrealised,
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
        return portfolio_math.Setting(
            state.time,
            parameters,
            options.GRID,
            self.boards,
            options.MARKET_FEEDS,
            options.COIN_FEEDS,
        )

    def required(self, state: State, portfolio: Portfolio, engine: int) -> Assessment:
        """What an engine's twin says of a portfolio."""
        if engine == options.SCENARIO:
            return portfolio_math.assess(portfolio, self.setting(state, options.PORTFOLIO))
        risks, contingency = self.parameters.risks[engine], self.parameters.contingency[engine]
        if all(position.market < 256 for position in portfolio.positions):
            return assess(portfolio, risks, contingency)
        boards = {
            number: standard_options.Board(
                SERIES_FEEDS[number], quoted.fixed, quoted.variable, self.strikes[number]
            )
            for number, quoted in state.series.items()
        }
        feeds = options.OPTION_FEEDS
        parameters = standard_options.Parameters(
            risks,
            contingency,
            dict.fromkeys(feeds, options.OPTION_RISK),
            dict.fromkeys(feeds, options.FUTURE_RISK),
        )
        return standard_options.assess(portfolio, boards, parameters)

    def _assess(self, state: State, number: int, account: Account) -> Margin:
        if not account.positions and not any(account.units):
            cash = self.cash_now(state, account)
            valid = not state.stable_feed or is_valid(unpack_tick(state.feeds[state.stable_feed]), state.time)
            return Margin(cash, 0, 0, valid)
        portfolio, valid = self.portfolio(state, number)
        found = self.required(state, portfolio, self.engines.get(number, 1))
        return Margin(found.equity, found.initial_margin, found.maintenance_margin, valid)
