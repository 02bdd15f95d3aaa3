# SPDX-License-Identifier: Apache-2.0
"""The world as one batch of views returns it, decoded into integers."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.domain.ledger_math import coin
from simulation.domain.market_math import is_inverse

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
    "StateReader",
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


class StateReader:
    """Decodes the answers to the rig's batch; equal words of an account become one object."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], Account] = {}

    def decode(self, raw: tuple[bytes, ...]) -> State:
        system = _words(raw[0])
        place = 16 + 2 * len(ASSETS)
        ticks = _words(raw[3])
        holders = len(HOLDERS)
        first = 8 + holders
        fundings = raw[first : first + len(PERPETUALS)]
        first += len(PERPETUALS)
        pools = {market: int.from_bytes(raw[first + i], "big") for i, market in enumerate(INVERSE)}
        first += len(INVERSE)
        desk = _desk(raw[first : first + DESK_VIEWS])
        first += DESK_VIEWS
        dated, series = self._dated(raw[first:], ticks)
        quotes = raw[first : first + 1 + 2 * len(SERIES)]
        markets = {}
        for number in PERPETUALS:
            tick, word, rate, index, interest = system[place : place + 5]
            place += 5
            sides = []
            for _ in range(2):
                count = system[place]
                levels = system[place + 1 : place + 1 + count]
                sides.append(tuple((level >> 64, level & (2**64 - 1)) for level in levels))
                place += 1 + count
            markets[number] = Market(
                tick=tick,
                mark=word & (2**72 - 1),
                spot=(word >> 72) & (2**72 - 1),
                index=signed((word >> 144) & (2**80 - 1), 80),
                confidence=(word >> 224) & (2**28 - 1),
                valid=word >> 255 == 1,
                rate=signed(rate, 256),
                stored_index=signed(index, 256),
                open_interest=interest,
                bids=sides[0],
                asks=sides[1],
            )
        markets |= dated
        return State(
            raw=raw,
            time=system[0],
            account_count=system[1],
            backing=system[2],
            deficit=system[4],
            net_settled=signed(system[5], 256),
            fees=system[6],
            reserve=signed(system[7], 256),
            total_supply=system[8],
            total_borrow=system[9],
            borrow_index=system[10],
            supply_index=system[11],
            vault_cash_tokens=system[12],
            fund_assets=system[13],
            total_insolvent=system[14],
            exchange_rate=system[15],
            held=tuple(system[16 : 16 + 2 * len(ASSETS) : 2]),
            vault_tokens=tuple(system[17 : 17 + 2 * len(ASSETS) : 2]),
            markets=markets,
            accounts=self._accounts(raw[1], raw[2]),
            feeds=dict(zip(FEEDS, ticks, strict=True)),
            shares=int.from_bytes(raw[4], "big"),
            share_balances=tuple(int.from_bytes(raw[5 + i], "big") for i in range(holders)),
            fund_tokens=int.from_bytes(raw[5 + holders], "big"),
            share_value=int.from_bytes(raw[6 + holders], "big"),
            stable_feed=int.from_bytes(raw[7 + holders], "big"),
            accrued_until=tuple(int.from_bytes(funding[64:96], "big") for funding in fundings),
            series=series,
            quotes=quotes,
            pools=pools,
            desk=desk,
        )

    def _dated(self, raw: tuple[bytes, ...], ticks: list[int]) -> tuple[dict[int, Market], dict[int, Series]]:
        """Market words; forward and settlement of each series; interest and both sides of each market."""
        series = {}
        for place, number in enumerate(SERIES):
            parts, settlement = (_plain(answer) for answer in raw[1 + 2 * place : 3 + 2 * place])
            series[number] = Series(parts[0], parts[1], settlement[0] if settlement[1] else None)
        rest = raw[1 + 2 * len(SERIES) :]
        markets = {}
        for place, (number, word) in enumerate(zip(DATED, _words(raw[0]), strict=True)):
            interest, bids, asks = rest[3 * place : 3 * place + 3]
            markets[number] = Market(
                tick=ticks[FEEDS.index(SERIES_FEEDS[number >> 8])],
                mark=word & (2**72 - 1),
                spot=(word >> 72) & (2**72 - 1),
                index=signed((word >> 144) & (2**80 - 1), 80),
                confidence=(word >> 224) & (2**28 - 1),
                valid=word >> 255 == 1,
                rate=0,
                stored_index=0,
                open_interest=int.from_bytes(interest, "big"),
                bids=_levels(bids),
                asks=_levels(asks),
                expired=word >> 252 & 1 == 1,
                settled=word >> 253 & 1 == 1,
            )
        return markets, series

    def _accounts(self, money: bytes, books: bytes) -> tuple[Account, ...]:
        money_width, book_width = 32 * (1 + len(ASSETS)), 32 * (1 + 2 * len(MARKETS))
        accounts = []
        last = self._known
        for i in range(ACCOUNTS):
            start, first = 64 + i * money_width, 64 + i * book_width
            words = money[start : start + money_width] + books[first : first + book_width]
            found = last.get((i, words))
            if found is None:
                found = last[i, words] = _decode_account(words)
            accounts.append(found)
        return tuple(accounts)


DESK_VIEWS = 3 + len(TRANCHES) * (4 + len(LENDERS)) + ACCOUNTS


def _desk(raw: tuple[bytes, ...]) -> Desk:
    """Tokens, commitments, calls; four figures and the shares of each tranche; the line of each account."""
    plain = [int.from_bytes(answer, "big") for answer in raw[: DESK_VIEWS - ACCOUNTS]]
    width = 4 + len(LENDERS)
    tranches = [plain[3 + i * width : 3 + (i + 1) * width] for i in range(len(TRANCHES))]
    return Desk(
        *plain[:3],
        *(tuple(tranche[place] for tranche in tranches) for place in range(4)),
        tuple(tuple(tranche[4:]) for tranche in tranches),
        tuple(Line(*_plain(answer)) for answer in raw[DESK_VIEWS - ACCOUNTS :]),
    )


def _plain(answer: bytes) -> list[int]:
    """Returned values of a word each."""
    return [int.from_bytes(answer[i : i + 32], "big") for i in range(0, len(answer), 32)]


def _levels(answer: bytes) -> tuple[tuple[int, int], ...]:
    """(tick, lots) of what `depth` returned."""
    words = _words(answer)
    return tuple(zip(words[0::3], words[1::3], strict=True))


def _words(answer: bytes) -> list[int]:
    """A returned dynamic array."""
    return [int.from_bytes(answer[i : i + 32], "big") for i in range(64, len(answer), 32)]


def _decode_account(data: bytes) -> Account:
    words = [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
    money, header = words[0], words[1 + len(ASSETS)]
    positions = {}
    for i, market in enumerate(MARKETS):
        word, orders = words[2 + len(ASSETS) + 2 * i : 4 + len(ASSETS) + 2 * i]
        if word:
            field = (word >> 80) & (2**80 - 1)
            positions[market] = Position(
                size=signed(word & (2**80 - 1), 80),
                entry=0 if is_inverse(market) else field,
                funding_index=signed((word >> 160) & (2**80 - 1), 80),
                bids=orders & (2**128 - 1),
                asks=orders >> 128,
                coin=coin(field) if is_inverse(market) else 0,
            )
    return Account(
        cash=signed(money & (2**128 - 1), 128),
        cash_index=(money >> 128) & (2**96 - 1),
        bitmap=(money >> 224) & 255,
        units=tuple(words[1 : 1 + len(ASSETS)]),
        liquidating=header & 1 != 0,
        listed=(header >> 8) & 255,
        positions=positions,
    )
