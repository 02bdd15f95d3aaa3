# SPDX-License-Identifier: Apache-2.0
"""The world in integers: accounts, markets, orders, lines as they stand after a call."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ACCOUNTS",
    "ASSETS",
    "ATTACKER",
    "COINS",
    "DATED",
    "FEEDS",
    "HOLDERS",
    "INVERSE",
    "KEEPER",
    "LENDERS",
    "LINEAR",
    "MARKETS",
    "PERPETUALS",
    "POOL",
    "RIVAL",
    "SERIES",
    "SERIES_FEEDS",
    "TRANCHES",
    "Account",
    "Desk",
    "Event",
    "Line",
    "Market",
    "Outcome",
    "Position",
    "Series",
    "State",
    "signed",
]

ACCOUNTS = 15
"""Accounts that exist at most; a read covers them all."""
POOL, KEEPER, RIVAL, ATTACKER = 1, 8, 9, 10
"""Accounts of the CoinPool, which nobody owns, and of those who come after the traders."""
LINEAR = (1, 2, 3)
INVERSE = (128, 129)
COINS = {128: 1, 129: 2}
"""Collateral in which an inverse perpetual is settled."""
PERPETUALS = (*LINEAR, *INVERSE)
SERIES = {1: 2, 2: 1}
"""How many strikes each dated series has."""
SERIES_FEEDS = {1: 1, 2: 2}
DATED = tuple(256 * series + index for series, strikes in SERIES.items() for index in range(2 * strikes + 1))
"""Future, calls and puts of each series."""
MARKETS = (*PERPETUALS, *DATED)
ASSETS = (1, 2, 3)
FEEDS = (1, 2, 3, 4, 5)
"""ETH, BTC, SOL, EUR and, for the cash token, USD."""
HOLDERS = ("depositor", "keeper", "attacker", "rival")
"""Who may hold shares of the fund."""
TRANCHES = (1, 2)
LENDERS = ("depositor", "rival", "attacker")
"""Who may lend to the CreditDesk."""


@dataclass(frozen=True, slots=True)
class Position:
    size: int
    entry: int
    funding_index: int
    bids: int
    asks: int
    coin: int = 0
    """Of an inverse position, which has no entry; nano coin."""


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """What is stored for an account; equal states of one account are one object."""

    cash: int
    cash_index: int
    bitmap: int
    units: tuple[int, ...]
    liquidating: bool
    listed: int
    positions: dict[int, Position]
    """Only markets that the account has listed."""


@dataclass(frozen=True, slots=True)
class Market:
    tick: int
    mark: int
    spot: int
    index: int
    """Funding index now, nano USD per unit of base."""
    confidence: int
    valid: bool
    rate: int
    """In force, wad per hour."""
    stored_index: int
    open_interest: int
    bids: tuple[tuple[int, int], ...]
    """(tick, lots) from the best outward."""
    asks: tuple[tuple[int, int], ...]
    expired: bool = False
    settled: bool = False
    """The mark is the payoff."""


@dataclass(frozen=True, slots=True)
class Series:
    fixed: int
    variable: int
    """The forward in two parts, nano USD."""
    price: int | None
    """Settlement price once it is fixed."""


@dataclass(frozen=True, slots=True)
class Line:
    """ICreditDesk.Line: token units, wad and unix seconds."""

    granted: int
    committed: int
    term: int
    stage: int
    called: int
    used: int
    owed: int
    accrued: int
    paid: int


@dataclass(frozen=True, slots=True)
class Desk:
    """What lenders own and what it is bound for, token units."""

    tokens: int
    committed: int
    open_calls: int
    assets: tuple[int, ...]
    """By tranche, junior first, as is all that follows."""
    supply: tuple[int, ...]
    wiped: tuple[int, ...]
    redeemable: tuple[int, ...]
    shares: tuple[tuple[int, ...], ...]
    """By tranche and lender."""
    lines: tuple[Line, ...]
    """By account, from the first."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    raw: tuple[bytes, ...]
    """The answers themselves: two states are equal iff these are."""
    time: int
    account_count: int
    backing: int
    deficit: int
    net_settled: int
    fees: int
    reserve: int
    total_supply: int
    total_borrow: int
    borrow_index: int
    supply_index: int
    vault_cash_tokens: int
    fund_assets: int
    total_insolvent: int
    exchange_rate: int
    held: tuple[int, ...]
    vault_tokens: tuple[int, ...]
    markets: dict[int, Market]
    accounts: tuple[Account, ...]
    """Account n is at place n - 1."""
    feeds: dict[int, int]
    """Tick word of each feed."""
    shares: int
    share_balances: tuple[int, ...]
    fund_tokens: int
    share_value: int
    """Token units that 10**12 shares are worth, down."""
    stable_feed: int
    accrued_until: tuple[int, ...]
    """Of the perpetuals."""
    series: dict[int, Series]
    quotes: tuple[bytes, ...]
    """Everything that prices dated markets, as answered."""
    pools: dict[int, int]
    """Nano coin that the CoinPool holds for each inverse market."""
    desk: Desk

    def account(self, number: int) -> Account:
        return self.accounts[number - 1]


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    args: dict[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    ok: bool
    halted: bool
    """Out of gas or an invalid instruction, which nothing may ever run into."""
    gas: int
    changed_slots: int
    """Storage slots of any contract that are not what they were before."""
    output: bytes
    events: tuple[Event, ...]

    @property
    def reason(self) -> str:
        """The revert string; empty when there is none."""
        if self.ok or self.output[:4] != bytes.fromhex("08c379a0"):
            return ""
        length = int.from_bytes(self.output[36:68], "big")
        return self.output[68 : 68 + length].decode()

    def word(self, place: int = 0) -> int:
        return int.from_bytes(self.output[32 * place : 32 * place + 32], "big")

    def signed(self, place: int = 0) -> int:
        return signed(self.word(place), 256)


def signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
