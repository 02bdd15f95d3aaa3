# SPDX-License-Identifier: Apache-2.0
"""A portfolio on deployed contracts: the protocol, its prices, an account that holds what the file says.

Every block has the time of the valuation. Prices were observed a second before, so that a moved price,
observed now, is newer; time itself never moves, and neither funding, interest nor options age between a
portfolio and the same portfolio at other prices. Trades are made at the same prices in full confidence.

The account is on an engine that asks for nothing (MockEngine): under another one a portfolio below its
initial margin could not be opened. The engines are asked about the portfolio that the Ledger gives for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isqrt

from eth_utils.address import to_checksum_address

from simulation.agents.signing import TypedDataSigner, address_of, signing_key
from simulation.agents.surface_signing import SurfaceSigner, SurfaceUpdate
from simulation.analysis.contracts import Contracts, Query
from simulation.analysis.load import surface_of
from simulation.analysis.portfolio import YEAR, Instrument, Portfolio
from simulation.chain.backends import open_chain
from simulation.chain.deployment import VARIANCE_WINDOW, Call, Deploy, Ref, feed_numbers, plan
from simulation.chain.genesis import DEPLOYER, MAX_AMOUNT, Genesis, address_named
from simulation.config.scenario import FeeSpec
from simulation.domain.margin_math import CollateralRisk, PositionRisk
from simulation.domain.margin_math import Portfolio as Holdings
from simulation.domain.svi import Params
from simulation.domain.units import BPS, FULL_CONFIDENCE, NANO, WAD, round_to
from simulation.errors import ChainError

__all__ = ["Stage", "Surface", "open_stage"]

IMMEDIATE = 2
"""IExchange.Option.IMMEDIATE."""
DEADLINE = 60
"""Seconds for which a signed price may be stored."""
WARM_UP = 30 * 86_400
"""Seconds between deployment and valuation: time for what moves at a limited speed to have arrived."""
CONFIDENCE_UNIT = FULL_CONFIDENCE // BPS


@dataclass(frozen=True, slots=True)
class Surface:
    """What the signers say of one series."""

    difference: int
    """Forward minus spot, nano USD."""
    params: Params


@dataclass(frozen=True, slots=True)
class Stage:
    """Contracts with the portfolio on them; every question leaves them as they were."""

    portfolio: Portfolio
    contracts: Contracts
    addresses: Mapping[str, bytes]
    signer: TypedDataSigner
    surface_signer: SurfaceSigner
    surfaces: Mapping[str, Surface]
    """By series, as they are in the file."""

    @property
    def account(self) -> int:
        """Number of the account that is valued; the desk's is the next."""
        return account_of(self.portfolio)

    def query(self, contract: str, function: str, *args: object) -> Query:
        """A view or transaction of a deployed contract."""
        return Query(
            "MockToken" if contract.startswith("Token:") else contract,
            self.addresses[contract],
            function,
            args,
        )

    def holdings(self) -> Holdings:
        """The portfolio at present prices, as an engine is asked about it."""
        found, _ = self.contracts.one(self.query("Ledger", "portfolio", self.account))
        cash, stable_price, positions, collaterals = found
        return Holdings(
            cash,
            stable_price,
            tuple(PositionRisk(*row) for row in positions),
            tuple(CollateralRisk(*row) for row in collaterals),
        )

    def entry_of(self, market: int) -> int:
        """Entry price of the account's position, nano USD; not of an inverse one, which has none."""
        return int(self.contracts.one(self.query("Ledger", "position", self.account, market))[1])

    def coins_of(self, market: int) -> tuple[int, int]:
        """Coin balance of an inverse position and its PnL in coin at the present mark, nano coin."""
        view = self.contracts.one(self.query("CoinPool", "view", self.account, market))
        return int(view[1]), int(view[2])

    def quotes(self, instruments: Sequence[Instrument]) -> dict[int, PositionRisk]:
        """Mark, spot and confidence of instruments at present, by market, as positions of size 0."""
        markets = [one.market for one in instruments]
        found: dict[int, PositionRisk] = {}
        for start in range(0, len(markets), 64):
            some = markets[start : start + 64]
            words = self.contracts.one(self.query("Instruments", "words", some))
            for market, word in zip(some, words, strict=True):
                mark, spot, confidence = word % 2**72, (word >> 72) % 2**72, (word >> 224) % 2**27
                found[market] = PositionRisk(market, 0, mark, spot, confidence, 0)
        return found

    @contextmanager
    def moved(self, spots: Mapping[str, int], volatility: int = WAD) -> Iterator[str]:
        """The contracts after new prices; they are taken back at the end.

        Args:
            spots: nano USD by asset; the others stay. Marks keep their ratio, forwards their distance.
            volatility: factor of every volatility, wad.

        Yields:
            Why the contracts would not take them; "" when they did.
        """
        chain = self.contracts.chain
        snapshot = chain.snapshot()
        try:
            yield self._push(spots, volatility)
        finally:
            chain.revert(snapshot)

    @contextmanager
    def traded(self, trades: Sequence[tuple[Instrument, int, int]]) -> Iterator[str]:
        """The contracts after trades of the account on the Exchange; they are taken back at the end.

        Args:
            trades: instrument, size (nano base, positive buys), price (nano USD, on a tick) of each. The desk
                quotes it, the account takes it and pays its fee.

        Yields:
            Why the contracts would not have one of them; "" when all were made.
        """
        chain = self.contracts.chain
        snapshot = chain.snapshot()
        try:
            yield next((reason for trade in trades if (reason := self._trade(*trade))), "")
        finally:
            chain.revert(snapshot)

    def _trade(self, one: Instrument, size: int, price: int) -> str:
        for account, sender, bid, options in trade_orders(self.portfolio, size):
            order = (account, one.market, bid, price // one.tick, abs(size) // one.lot, options, 0, 1)
            reason = self.contracts.send([self.query("Exchange", "place", *order)], sender)[0]
            if reason:
                return reason
        return ""

    def _push(self, spots: Mapping[str, int], volatility: int) -> str:
        portfolio, now = self.portfolio, self.portfolio.money.time
        queries = []
        for symbol, spot in spots.items():
            asset = portfolio.assets[symbol]
            mark = spot if asset.mark is None else asset.mark * spot // asset.spot
            price = (self._feed(symbol), spot, mark, asset.confidence * CONFIDENCE_UNIT, now, now + DEADLINE)
            queries.append(self.query("Oracle", "update", price, self.signer.sign(*price)))
        numbers = [place for place, _ in enumerate(portfolio.series, start=1)]
        if volatility != WAD:
            for number, name in zip(numbers, portfolio.series, strict=True):
                surface = self.surfaces[name]
                params = replace(
                    surface.params,
                    a=surface.params.a * volatility**2 // WAD**2,
                    b=surface.params.b * volatility**2 // WAD**2,
                )
                update = surface_update(portfolio, number, replace(surface, params=params), now)
                queries.append(self.query("Surface", "update", update, self.surface_signer.sign(update)))
        queries += [self.query("RiskBoard", "refresh", number) for number in numbers]
        return next((reason for reason in self.contracts.send(queries) if reason), "")

    def _feed(self, asset: str) -> int:
        return feed_numbers(self.portfolio.protocol)[asset]


def surface_update(portfolio: Portfolio, number: int, surface: Surface, timestamp: int) -> SurfaceUpdate:
    """What is signed for a series, observed at `timestamp`; fitted to the file's own forward and time."""
    series = list(portfolio.series.values())[number - 1]
    spot = portfolio.assets[series.asset].spot
    confidence = series.confidence * CONFIDENCE_UNIT
    params = surface.params
    return SurfaceUpdate(
        series=number,
        forward_difference=surface.difference,
        rate=series.rate,
        a=params.a,
        b=params.b,
        rho=params.rho,
        m=params.m,
        sigma=params.sigma,
        reference_forward=spot + surface.difference,
        reference_tau=series.expiry - portfolio.money.time,
        forward_confidence=confidence,
        vol_confidence=confidence,
        rate_confidence=confidence,
        timestamp=timestamp,
        deadline=portfolio.money.time + DEADLINE,
    )


def price_before(spot: int, volatility: int) -> int:
    """The price before two of `spot` that leaves the Oracle's EWMA variance at volatility², nano USD.

    All a second apart: the first price of a feed has no variance, the second one's is
    year * r**2 / (window + 1), and the third leaves window / (window + 1) of it.
    """
    scaled = volatility**2 * (VARIANCE_WINDOW + 1) ** 2 // (VARIANCE_WINDOW * YEAR * WAD)
    return spot * WAD // (WAD + isqrt(scaled * WAD))


def open_stage(portfolio: Portfolio, backend: str = "revm") -> Stage:
    """Deploys the protocol, prices it and puts the portfolio on it.

    Raises:
        ChainError: the contracts refused a step, by name and reason.
    """
    now = portfolio.money.time
    genesis = Genesis(open_chain(backend), now - WARM_UP, address_named("coinbase"))
    protocol = replace(portfolio.protocol, fees=FeeSpec(maker=0, taker=0))
    keys = [signing_key(f"feed signer {place}") for place in range(protocol.oracle.signers)]
    signers = tuple(to_checksum_address(address_of(key)) for key in keys)
    guardian = to_checksum_address(address_named("guardian"))
    steps = (
        *plan(protocol, guardian, signers, start=now),
        Deploy("MockEngine", "MockEngine"),
        Call("Vault", "register_engine", (Ref("MockEngine"),)),
    )
    genesis.deploy(steps)
    genesis.at(now)
    open_engine = len(protocol.engines) + 1
    signer = TypedDataSigner(keys, genesis.chain.chain_id, genesis.addresses["Oracle"])
    surface_signer = SurfaceSigner(keys, genesis.chain.chain_id, genesis.addresses["Surface"])
    surfaces = {
        name: Surface(
            (series.forward or portfolio.assets[series.asset].spot) - portfolio.assets[series.asset].spot,
            surface_of(series, now),
        )
        for name, series in portfolio.series.items()
    }
    contracts = Contracts(genesis.chain, genesis.env(), address_named("valuation"))
    stage = Stage(portfolio, contracts, genesis.addresses, signer, surface_signer, surfaces)
    _price_before(genesis, stage)
    _price(genesis, stage, age=2, sure=True)
    _fund(genesis, portfolio, open_engine)
    marks = stage.quotes(list(portfolio.instruments.values()))
    for position in portfolio.positions:
        one = portfolio.instruments[position.instrument]
        entry = max(round_to(marks[one.market].mark, one.tick), one.tick)
        _trade(genesis, portfolio, one, position.size.amount, position.entry or entry)
    genesis.flush()
    _settle_cash(genesis, portfolio)
    _price(genesis, stage, age=1, sure=False)
    genesis.call(DEPLOYER, "DynamicMargin", "refresh", list(feed_numbers(protocol).values()))
    fees = portfolio.protocol.fees
    genesis.call(DEPLOYER, "Exchange", "set_fees", fees.maker, fees.taker)
    genesis.flush()
    return stage


def _price(genesis: Genesis, stage: Stage, age: int, sure: bool) -> None:
    """Prices and surfaces of the file, observed `age` seconds before the valuation.

    Args:
        sure: at full confidence, whatever the file says.
    """
    portfolio = stage.portfolio
    now, feeds = portfolio.money.time, feed_numbers(portfolio.protocol)
    for symbol, asset in portfolio.assets.items():
        mark = asset.spot if asset.mark is None else asset.mark
        confidence = FULL_CONFIDENCE if sure else asset.confidence * CONFIDENCE_UNIT
        update = (feeds[symbol], asset.spot, mark, confidence, now - age, now + DEADLINE)
        genesis.call(DEPLOYER, "Oracle", "update", update, stage.signer.sign(*update))
    for number, name in enumerate(portfolio.series, start=1):
        surface = surface_update(portfolio, number, stage.surfaces[name], now - age)
        if sure:
            full = FULL_CONFIDENCE
            surface = surface._replace(forward_confidence=full, vol_confidence=full, rate_confidence=full)
        genesis.call(DEPLOYER, "Surface", "update", surface, stage.surface_signer.sign(surface))
        genesis.call(DEPLOYER, "RiskBoard", "refresh", number)
    genesis.flush()


def _price_before(genesis: Genesis, stage: Stage) -> None:
    """The first price of every feed, which gives the next one its variance."""
    portfolio = stage.portfolio
    now, feeds = portfolio.money.time, feed_numbers(portfolio.protocol)
    for symbol, asset in portfolio.assets.items():
        before = price_before(asset.spot, asset.volatility)
        update = (feeds[symbol], before, before, FULL_CONFIDENCE, now - 3, now + DEADLINE)
        genesis.call(DEPLOYER, "Oracle", "update", update, stage.signer.sign(*update))
    genesis.flush()


def _fund(genesis: Genesis, portfolio: Portfolio, open_engine: int) -> None:
    """Two accounts, cash for both, collateral for the one that is valued."""
    unit = 10 ** (18 - portfolio.protocol.cash.decimals)
    owner, desk = address_named("owner"), address_named("desk")
    cash, valued = portfolio.money.cash, account_of(portfolio)
    for account, sender, amount in ((valued, owner, max(cash, 0)), (valued + 1, desk, max(-cash, 0))):
        genesis.call(sender, "Vault", "create_account", open_engine)
        _deposit(genesis, sender, account, 0, "CashToken", amount // unit)
    for held in portfolio.collaterals:
        asset = list(portfolio.protocol.collaterals).index(held.asset) + 1
        decimals = portfolio.protocol.collaterals[held.asset].decimals
        units = held.amount * 10**decimals // NANO
        _deposit(genesis, owner, valued, asset, f"Token:{held.asset}", units)
    genesis.flush()


def _deposit(genesis: Genesis, sender: bytes, account: int, asset: int, token: str, units: int) -> None:
    if units:
        genesis.call(DEPLOYER, token, "mint", sender, units)
        genesis.call(sender, token, "approve", genesis.addresses["Vault"], MAX_AMOUNT)
        genesis.call(sender, "Vault", "deposit", account, asset, units)


def _trade(genesis: Genesis, portfolio: Portfolio, one: Instrument, size: int, price: int) -> None:
    """The desk rests, the owner takes; both at one price."""
    if price % one.tick:
        raise ChainError(f"{one.name}: no trade at {price} nano USD; expected a multiple of its tick")
    tick, lots = price // one.tick, abs(size) // one.lot
    for account, sender, bid, options in trade_orders(portfolio, size):
        genesis.call(sender, "Exchange", "place", account, one.market, bid, tick, lots, options, 0, 1)


def account_of(portfolio: Portfolio) -> int:
    """Number of the account that is valued: the first, or the one after the pool of inverse perpetuals."""
    return 2 if portfolio.protocol.inverse else 1


def trade_orders(portfolio: Portfolio, size: int) -> tuple[tuple[int, bytes, bool, int], ...]:
    """Account, sender, side and options of the two orders of a trade: the desk's, then the account's."""
    account = account_of(portfolio)
    return (
        (account + 1, address_named("desk"), size < 0, 0),
        (account, address_named("owner"), size > 0, IMMEDIATE),
    )


def _settle_cash(genesis: Genesis, portfolio: Portfolio) -> None:
    """A loan is drawn once there is collateral and positions that stand for it."""
    unit = 10 ** (18 - portfolio.protocol.cash.decimals)
    if portfolio.money.cash < 0:
        owner = address_named("owner")
        genesis.call(
            owner, "Vault", "withdraw", account_of(portfolio), 0, -portfolio.money.cash // unit, owner
        )
        genesis.flush()
