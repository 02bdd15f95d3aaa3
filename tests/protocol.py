# SPDX-License-Identifier: Apache-2.0
"""The whole protocol in a test EVM, deployed by the same plan as every simulation.

world = World()                                  # two markets, ETH and BTC; WETH as collateral
world.prices(ETH=2_000, BTC=30_000)
trader = world.account("trader", cash=10_000)
order, filled = world.place("trader", trader, 1, BUY, price=2_000, size=1)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from eth_utils import to_canonical_address

from simulation.agents.signing import TypedDataSigner, address_of, signing_key
from simulation.chain.deployment import CROSS, ISOLATED, Call, Deploy, Ref, Step, feed_numbers, plan, run
from simulation.config import load_scenario
from simulation.config.scenario import InverseSpec, MarketSpec, ProtocolSpec
from simulation.domain.ledger_math import coin
from tests.evm import Contract, Env, Receipt, reverts

__all__ = [
    "BUY",
    "CROSS",
    "FIRST_INVERSE",
    "IMMEDIATE",
    "ISOLATED",
    "NANO",
    "POST_ONLY",
    "REDUCE_ONLY",
    "SELL",
    "WAD",
    "World",
    "default_protocol",
    "fresh_world",
    "many_markets",
    "with_decimals",
]

BUY, SELL = True, False
FIRST_INVERSE = 128
NANO = 10**9
WAD = 10**18
POST_ONLY, IMMEDIATE, REDUCE_ONLY = 1, 2, 4
SCENARIO = Path(__file__).parent / "protocol.toml"


def default_protocol() -> ProtocolSpec:
    """The parameters of tests/protocol.toml."""
    return load_scenario(str(SCENARIO)).protocol


def many_markets(count: int) -> ProtocolSpec:
    """The default protocol with `count` markets, each on a feed of its own (A1, A2, ...)."""
    base = default_protocol()
    first: MarketSpec = next(iter(base.markets.values()))
    markets = {f"M{i}": replace(first, asset=f"A{i}") for i in range(1, count + 1)}
    return replace(base, markets=markets, collaterals={})


def with_decimals(cash: int, collateral: int) -> ProtocolSpec:
    """The default protocol with tokens of other decimals."""
    base = default_protocol()
    collaterals = {name: replace(spec, decimals=collateral) for name, spec in base.collaterals.items()}
    return replace(base, cash=replace(base.cash, decimals=cash), collaterals=collaterals)


class World:
    """A deployed protocol with named roles. Amounts in the chain's units unless a keyword says otherwise.

    `wiring` puts roles or mocks in the place of wired contracts: {"Ledger": ("MockCaller", "liquidator")}
    lets the role `liquidator` call what is the Liquidator's. `artifacts` deploys other code under a name.
    """

    def __init__(
        self,
        protocol: ProtocolSpec | None = None,
        env: Env | None = None,
        wiring: Mapping[str, tuple[str, ...]] | None = None,
        artifacts: Mapping[str, str] | None = None,
    ) -> None:
        self.protocol = protocol or default_protocol()
        self.env = env or Env()
        self.feeds = feed_numbers(self.protocol)
        self.keys = [signing_key(f"feed signer {i}") for i in range(self.protocol.oracle.signers)]
        signers = tuple("0x" + address_of(key).hex() for key in self.keys)
        self.mocks: dict[str, Contract] = {}
        steps = plan(self.protocol, self.env.address("guardian"), signers, start=self.env.timestamp)
        self.steps = tuple(self._altered(step, wiring or {}, artifacts or {}) for step in steps)
        self.contracts: dict[str, Contract] = run(
            self.steps,
            lambda artifact, args: self.env.deploy(artifact, *args),
            lambda _artifact, contract, function, args: getattr(contract, function)(*args),
        )
        self.vault = self.contracts["Vault"]
        self.ledger = self.contracts["Ledger"]
        self.exchange = self.contracts["Exchange"]
        self.liquidator = self.contracts["Liquidator"]
        self.fund = self.contracts["InsuranceFund"]
        self.oracle = self.contracts["Oracle"]
        self.instruments = self.contracts["Instruments"]
        self.lens = self.contracts["Lens"]
        self.cash = self.contracts["CashToken"]
        self.signer = TypedDataSigner(self.keys, 1337, to_canonical_address(self.oracle.address))
        self.cash_unit = 10**self.protocol.cash.decimals

    def _altered(
        self, step: Step, wiring: Mapping[str, tuple[str, ...]], artifacts: Mapping[str, str]
    ) -> Step:
        if isinstance(step, Deploy):
            return replace(step, artifact=artifacts.get(step.name, step.artifact))
        if isinstance(step, Call) and step.function == "wire" and step.target in wiring:
            return replace(step, args=tuple(self._stand_in(name) for name in wiring[step.target]))
        return step

    def _stand_in(self, name: str) -> Ref | Contract | str:
        """A mock, a contract of the plan, or a role."""
        if name.startswith("Mock"):
            return self.mocks.setdefault(name, self.env.deploy(name))
        return Ref(name) if name[0].isupper() else self.env.address(name)

    # -- prices

    def prices(self, **assets: float) -> None:
        """Signs and sends one price (USD, spot = mark) for each named asset."""
        for asset, price in assets.items():
            nano = round(price * NANO)
            self.price(asset, nano, nano)

    def price(self, asset: str, spot: int, mark: int, confidence: int = 10**8, age: int = 0) -> Receipt:
        """One update of a feed, nano USD."""
        feed = self.feeds[asset]
        timestamp = self.env.timestamp - age
        deadline = self.env.timestamp + 3_600
        update = (feed, spot, mark, confidence, timestamp, deadline)
        return self.oracle.update(update, self.signer.sign(*update), sender=self.env.address("relayer"))

    def advance(self, seconds: int, **assets: float) -> None:
        """Moves time on and sends prices."""
        self.env.advance(seconds)
        self.prices(**assets)

    # -- accounts

    def account(self, role: str, cash: float = 0, engine: int = CROSS) -> int:
        """A new subaccount of a role, funded with whole units of the cash token."""
        sender = self.env.address(role)
        account = int(self.vault.create_account(engine, sender=sender).value)
        if cash:
            self.deposit(role, account, 0, round(cash * self.cash_unit))
        return account

    def deposit(self, role: str, account: int, asset: int, amount: int) -> Receipt:
        """Mints what is needed and deposits it."""
        sender = self.env.address(role)
        token = self.token(asset)
        token.mint(sender, amount)
        token.approve(self.vault.address, 2**256 - 1, sender=sender)
        return self.vault.deposit(account, asset, amount, sender=sender)

    def token(self, asset: int) -> Contract:
        """The token of an asset; 0 is cash."""
        if asset == 0:
            return self.cash
        return self.contracts[f"Token:{list(self.protocol.collaterals)[asset - 1]}"]

    def market(self, number: int) -> MarketSpec | InverseSpec:
        if number >= FIRST_INVERSE:
            return list(self.protocol.inverse.values())[number - FIRST_INVERSE]
        return list(self.protocol.markets.values())[number - 1]

    def perpetuals(self) -> list[int]:
        """Numbers of the linear and the inverse perpetuals."""
        inverse = range(FIRST_INVERSE, FIRST_INVERSE + len(self.protocol.inverse))
        return [*range(1, len(self.protocol.markets) + 1), *inverse]

    def coin(self, account: int, market: int) -> int:
        """Coin balance of an inverse position, nano coin."""
        return coin(self.ledger.position(account, market).entry_price)

    # -- trading

    def place(
        self,
        role: str,
        account: int,
        market: int,
        is_bid: bool,
        price: float,
        size: float,
        options: int = 0,
        expiry: int = 0,
        max_fills: int = 16,
    ) -> tuple[int, int]:
        """Places an order at a price in USD and a size in units of base; returns (id, lots filled)."""
        receipt = self.place_receipt(role, account, market, is_bid, price, size, options, expiry, max_fills)
        return tuple(receipt.value)  # type: ignore[return-value]

    def place_receipt(
        self,
        role: str,
        account: int,
        market: int,
        is_bid: bool,
        price: float,
        size: float,
        options: int = 0,
        expiry: int = 0,
        max_fills: int = 16,
    ) -> Receipt:
        """As `place`, the whole receipt."""
        spec = self.market(market)
        tick = round(price * NANO / spec.tick)
        lots = round(size * NANO / spec.lot)
        sender = self.env.address(role)
        return self.exchange.place(
            account, market, is_bid, tick, lots, options, expiry, max_fills, sender=sender
        )

    def trade(self, buyer: int, seller: int, market: int, price: float, size: float) -> Receipt:
        """The seller rests, the buyer takes, at one price."""
        self.place(self.owner(seller), seller, market, SELL, price, size)
        return self.place_receipt(self.owner(buyer), buyer, market, BUY, price, size, IMMEDIATE)

    def as_exchange(self, *calls: tuple[Any, ...]) -> Receipt:
        """Calls of the Ledger in one transaction of what stands for the Exchange: (function, arguments ...).

        The receipt's value is the first word that each answered.
        """
        encoded = [self.ledger.encode(name, *args) for name, *args in calls]
        return self.mocks["MockCaller"].run(self.ledger.address, encoded)

    def match(self, taker: int, maker: int, market: int, price: int, size: int, fee: int = 0) -> Receipt:
        """One fill, each side paying `fee` wad; size in nano base, the taker's, and price in nano USD."""
        caller = self.vault.account(taker).owner
        return self.as_exchange(
            ("fill_maker", maker, market, -size, price, fee, False),
            ("fill_taker", caller, taker, market, size, size * price, fee, 0),
        )

    def owner(self, account: int) -> str:
        """The role that owns an account."""
        return self.roles()[self.vault.account(account).owner]

    def roles(self) -> dict[str, str]:
        return {address: role for role, address in self.env.roles().items()}

    # -- the books

    def state(self) -> tuple[Any, ...]:
        """Everything the protocol stores about accounts, money and markets, as the contracts tell it."""
        count = self.vault.account_count()
        markets = self.perpetuals()
        assets = range(1, len(self.protocol.collaterals) + 1)
        tokens = [self.token(asset) for asset in (0, *assets)]
        return (
            [self.vault.account(i) for i in range(1, count + 1)],
            self.vault.words_of(1, count, len(assets)),
            self.ledger.words_of(1, count, markets),
            self.vault.reconcile(),
            self.vault.interest_indexes(),
            [self.vault.collateral_held(asset) for asset in assets],
            [
                (self.ledger.open_interest(m), self.instruments.funding(m), self.exchange.best(m))
                for m in markets
            ],
            [(token.balanceOf(self.vault.address), token.balanceOf(self.fund.address)) for token in tokens],
            [self.contracts["CoinPool"].pool(market) for market in markets if market >= FIRST_INVERSE],
            (self.fund.totalAssets(), self.fund.totalSupply(), self.liquidator.total_insolvent()),
        )

    @contextmanager
    def refuses(self, reason: str | None) -> Iterator[None]:
        """Expects a revert with this reason that leaves everything as it was."""
        before = self.state()
        with reverts(reason):
            yield
        assert self.state() == before

    def claims(self) -> dict[str, Any]:
        """Both sides of the ledger identity, recomputed from every account; wad."""
        count = self.vault.account_count()
        cash = sum(self.vault.account(i).cash for i in range(1, count + 1))
        settled = 0
        skew: dict[int, int] = {}
        longs: dict[int, int] = {}
        for account in range(1, count + 1):
            for market in self.ledger.markets_of(account):
                position = self.ledger.position(account, market)
                entry = 0 if FIRST_INVERSE <= market < 256 else position.entry_price
                settled += position.size * entry - position.size * position.funding_index
                (word,) = self.instruments.words([market])
                if word >> 253 & 1:
                    # One side may be settled before the other: the books hold what is owed between them.
                    settled -= position.size * (word % 2**72)
                else:
                    skew[market] = skew.get(market, 0) + position.size
                longs[market] = longs.get(market, 0) + max(position.size, 0)
        books = self.vault.reconcile()
        return {"cash": cash, "settled": settled, "skew": skew, "longs": longs, "books": books}

    def check(self) -> None:
        """The ledger identity, zero-sum positions and open interest, exactly."""
        found = self.claims()
        books = found["books"]
        assert all(size == 0 for size in found["skew"].values()), found["skew"]
        for market, size in found["longs"].items():
            assert self.ledger.open_interest(market) == size, (market, size)
        for market in range(FIRST_INVERSE, FIRST_INVERSE + len(self.protocol.inverse)):
            owed = sum(self.coin(account, market) for account in range(1, self.vault.account_count() + 1))
            assert owed == self.contracts["CoinPool"].pool(market), (market, owed)
        assert found["settled"] == books.net_settled, (found["settled"], books.net_settled)
        assert found["cash"] + books.fees + books.interest_reserve == (
            books.assets + books.net_settled + books.deficit
        )
        scale = 10 ** (18 - self.protocol.cash.decimals)
        assert self.cash.balanceOf(self.vault.address) * scale >= books.assets


EXCHANGE_AND_LIQUIDATOR = (
    ("Vault", ("Ledger", "liquidator", "InsuranceFund")),
    ("Ledger", ("MockCaller", "liquidator")),
)
"""Wiring of a world where `as_exchange` and the role `liquidator` call the Ledger and the Vault by hand."""


@cache
def _deployed(wiring: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[World, Any]:
    world = World(wiring=dict(wiring))
    world.prices(ETH=2_000, BTC=30_000)
    return world, world.env.snapshot()


def fresh_world(wiring: tuple[tuple[str, tuple[str, ...]], ...] = ()) -> World:
    """The default protocol at 2,000 and 30,000 USD, no accounts; deployed once a process, rewound here."""
    world, snapshot = _deployed(wiring)
    world.env.revert(snapshot)
    return world
