# SPDX-License-Identifier: Apache-2.0
"""The raw world: one batch of views a block, decoded straight into arrays. Imports: engine.abi, messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.engine.abi import encode_call
from simulation.engine.credit import RawDesk, desk_calls, desk_words
from simulation.engine.stress import DatedChanges
from simulation.engine.terms import Protocol
from simulation.messages import Books, Wide, int128

__all__ = ["RawFeed", "RawMarket", "RawWorld", "WorldReader", "union"]

MAX_LEDGER_WORDS = 2_048
MAX_VAULT_WORDS = 8_192
PARTS = 32
"""Views over which all accounts are spread. The native EVM answers again at no cost what has not changed, so
one account that has changed shall not have many others read."""
HEADER = 2
"""Words before those of a list: where it begins, and its length."""
FUNDING_WORDS, BEST_WORDS, INTEREST_WORDS, POOL_WORDS = 6, 2, 1, 1
"""Of the answers about a market: funding, best prices, open interest, coin; dated ones have no funding, and
inverse ones alone a pool of coin."""
SUMMARY_WORDS = 8
"""Of an account in ILens.AccountSummary."""
BOOKS_WORDS = 8
POSITION_SIGNS = np.array([2**15, 0, 2**15])
"""Sign bits of the upper sixteen of a position's 80-bit figures; the entry price has no sign."""
INVERSE_SIGNS = np.array([2**15, 2**15, 2**15])
"""Of an inverse position: in the place of the entry price it has a coin balance."""
MASK_28, MASK_32, MASK_72, MASK_80 = (2**bits - 1 for bits in (28, 32, 72, 80))


@dataclass(frozen=True, slots=True)
class RawMarket:
    """A market as the contracts have it."""

    mark: int
    """Nano USD."""
    spot: int
    """Nano USD."""
    funding_index: int
    """Nano USD per unit of base, accrued to now."""
    confidence: int
    """Bps."""
    valid: bool
    funding_rate: int
    """Wad per hour."""
    settled: bool
    """The mark is what positions are closed at."""
    best_bid: int
    """Tick; 0: none."""
    best_ask: int
    open_interest: int
    """Nano base, one side."""
    pool: int = 0
    """Nano coin that the CoinPool has of an inverse market."""


@dataclass(frozen=True, slots=True)
class RawFeed:
    """The tick of a feed (IOracle)."""

    spot: int
    """Nano USD."""
    mark: int
    timestamp: int
    flags: int


@dataclass(slots=True, eq=False)
class RawWorld:
    """What the contracts say, exact. One object for a whole run: every read brings it up to date."""

    table: Wide
    """All figures of all accounts, a row each: cash, cash index, collateral, positions, resting; what follows
    are windows on it."""
    cash: Wide
    """By account, stored: without interest since the last touch, wad."""
    cash_index: Wide
    collateral: Wide
    """(accounts, assets 1..), token units."""
    liquidating: NDArray[np.bool_]
    positions: Wide
    """(accounts, markets, 3): funding index and entry price, nano USD, and size, nano base; of an inverse
    market coin balance, nano coin, for entry price, and nano contracts."""
    resting: Wide
    """(accounts, markets, 2): resting sell and buy size, nano base."""
    changed: NDArray[np.int64]
    """Rows of accounts of which any word differs from the read before; all of them at first."""
    markets: tuple[RawMarket, ...]
    feeds: tuple[RawFeed, ...]
    books: Books
    held: tuple[int, ...]
    """Token units of assets 1.. that the Vault holds for accounts."""
    balances: tuple[int, ...]
    """Token units of assets 0.. at the Vault's address."""
    fund_capacity: int
    """Cash-token units."""
    fund_supply: int
    """Shares."""
    fund_locked: bool
    margins: NDArray[np.float64] | None = None
    """(accounts, 3): equity, initial and maintenance margin as the engines answer, USD; None: not asked."""
    dated_changes: NDArray[np.float64] | None = None
    """(dated markets, shocks of the ladder): what their marks would change by, USD; None: no such markets."""
    desk: RawDesk | None = None
    """None: none is deployed."""

    @property
    def size(self) -> Wide:
        """(accounts, markets), nano base; a window on `positions`."""
        return self.positions[..., 2]

    @property
    def entry(self) -> Wide:
        """(accounts, markets), nano USD, or nano coin of an inverse market; a window on `positions`."""
        return self.positions[..., 1]

    @property
    def funding(self) -> Wide:
        """(accounts, markets), nano USD; a window on `positions`."""
        return self.positions[..., 0]

    @property
    def bids(self) -> Wide:
        """(accounts, markets), resting buy size, nano base; a window on `resting`."""
        return self.resting[..., 1]

    @property
    def asks(self) -> Wide:
        """(accounts, markets), resting sell size, nano base; a window on `resting`."""
        return self.resting[..., 0]


class WorldReader:
    """The calls of one block's read, and what their answers mean.

    Args:
        protocol: the deployed contracts.
        accounts: number of accounts of the Vault.
    """

    def __init__(self, protocol: Protocol, accounts: int) -> None:
        self._accounts = accounts
        self._markets = len(protocol.markets)
        self._perpetuals = protocol.perpetuals
        self._inverse = frozenset(protocol.inverse)
        self._signs = POSITION_SIGNS
        if self._inverse:
            self._signs = np.tile(POSITION_SIGNS, (self._markets, 1))
            self._signs[list(protocol.inverse)] = INVERSE_SIGNS
        self._assets = len(protocol.assets) - 1
        self._feeds = len(protocol.feeds)
        self._words = [np.zeros(0, np.uint64)] * 2
        ends = np.cumsum((2, self._assets, 3 * self._markets, 2 * self._markets)).tolist()
        table = Wide.zeros((accounts, ends[-1]))
        shape = (accounts, self._markets)
        self._world = RawWorld(
            table=table,
            cash=table[:, 0],
            cash_index=table[:, 1],
            collateral=table[:, ends[0] : ends[1]],
            liquidating=np.zeros(accounts, np.bool_),
            positions=table[:, ends[1] : ends[2]].reshape(*shape, 3),
            resting=table[:, ends[2] : ends[3]].reshape(*shape, 2),
            changed=np.zeros(0, np.int64),
            markets=(),
            feeds=(),
            books=Books(0, 0, 0, 0, 0, 0, 0, 0),
            held=(),
            balances=(),
            fund_capacity=0,
            fund_supply=0,
            fund_locked=False,
        )
        self._ledger_chunks = tuple(self._chunks(1 + 2 * self._markets, MAX_LEDGER_WORDS))
        self._vault_chunks = tuple(self._chunks(1 + self._assets, MAX_VAULT_WORDS))
        self._ledger_places, start = _places(self._ledger_chunks, 1 + 2 * self._markets, 0)
        self._vault_places, start = _places(self._vault_chunks, 1 + self._assets, start)
        self._rest = 32 * start
        """Where the figures begin that belong to no account."""
        of_markets = (HEADER + self._markets) + self._markets * (BEST_WORDS + INTEREST_WORDS)
        of_markets += self._perpetuals * FUNDING_WORDS + len(self._inverse) * POOL_WORDS
        of_others = (HEADER + self._feeds) + BOOKS_WORDS + (1 + 2 * self._assets) + 3
        self._length = self._rest + 32 * (of_markets + of_others)
        self._summaries = self._length // 32
        """Place of the first word about margins."""
        self._margin_chunks = (
            tuple(self._chunks(SUMMARY_WORDS, MAX_VAULT_WORDS)) if protocol.asks_margins else ()
        )
        self._length += 32 * sum(HEADER + SUMMARY_WORDS * count for _, count in self._margin_chunks)
        self._dated = DatedChanges(protocol)
        self._changes = self._length // 32
        """Place of the first word about what shocks do to dated markets."""
        self._length += 32 * self._dated.words
        self._desk, self._borrowers = (
            self._length,
            () if protocol.credit is None else protocol.credit.accounts,
        )
        self._length += 32 * desk_words(protocol)
        self.calls = tuple(self._calls(protocol))
        """Target address and calldata, in the order in which `decode` takes the answers."""

    def _calls(self, protocol: Protocol) -> Iterator[tuple[bytes, bytes]]:
        at = protocol.addresses
        markets = protocol.numbers
        for first, count in self._ledger_chunks:
            yield at["Ledger"], encode_call("words_of(uint256,uint256,uint256[])", first, count, markets)
        for first, count in self._vault_chunks:
            yield at["Vault"], encode_call("words_of(uint256,uint256,uint256)", first, count, self._assets)
        yield at["Instruments"], encode_call("words(uint256[])", markets)
        yield at["Oracle"], encode_call("words(uint256[])", [feed.feed for feed in protocol.feeds])
        yield at["Vault"], encode_call("reconcile()")
        for column, market in enumerate(markets):
            if column < self._perpetuals:
                yield at["Instruments"], encode_call("funding(uint256)", market)
            yield at["Exchange"], encode_call("best(uint256)", market)
            yield at["Ledger"], encode_call("open_interest(uint256)", market)
            if column in self._inverse:
                yield at["CoinPool"], encode_call("pool(uint256)", market)
        vault = int.from_bytes(at["Vault"], "big")
        for number, asset in enumerate(protocol.assets):
            yield at[asset.contract], encode_call("balanceOf(address)", vault)
            if number:
                yield at["Vault"], encode_call("collateral_held(uint256)", number)
        for name in ("capacity", "totalSupply", "locked"):
            yield at["InsuranceFund"], encode_call(f"{name}()")
        for first, count in self._margin_chunks:
            yield at["Lens"], encode_call("accounts(uint256,uint256)", first, count)
        yield from self._dated.calls()
        yield from desk_calls(protocol)

    def _chunks(self, words: int, most: int) -> Iterator[tuple[int, int]]:
        step = min(-(-self._accounts // PARTS), most // words)
        for first in range(1, self._accounts + 1, max(step, 1)):
            yield first, min(step, self._accounts + 1 - first)

    def decode(self, answers: bytes) -> RawWorld:
        """The world from the answers to `calls`, end to end; of accounts, only what has changed is decoded.

        Raises:
            ValueError: the answers are longer or shorter than those of `calls`.
        """
        if len(answers) != self._length:
            raise ValueError(f"answers of {len(answers)} bytes; expected {self._length}")
        world, markets, assets = self._world, self._markets, self._assets
        words = np.frombuffer(answers, np.uint64).reshape(-1, 4)
        ledger = words.take(self._ledger_places, axis=0).reshape(self._accounts, -1)
        vault = words.take(self._vault_places, axis=0).reshape(self._accounts, -1)
        world.changed = union(self._update_ledger(ledger), self._update_vault(vault), self._accounts)
        whole = int.from_bytes
        rest = [whole(answers[at : at + 32], "big") for at in range(self._rest, 32 * self._summaries, 32)]
        ticks = HEADER + markets + HEADER
        books = ticks + self._feeds
        at = books + BOOKS_WORDS
        found = []
        for column, word in enumerate(rest[HEADER : HEADER + markets]):
            rate = pool = 0
            if column < self._perpetuals:
                rate, at = rest[at + 1], at + FUNDING_WORDS
            bid, ask, interest = rest[at : at + BEST_WORDS + INTEREST_WORDS]
            at += BEST_WORDS + INTEREST_WORDS
            if column in self._inverse:
                pool, at = rest[at], at + POOL_WORDS
            found.append(self._market(word, rate, bid, ask, interest, pool))
        world.markets = tuple(found)
        world.feeds = tuple(
            [
                RawFeed(tick & MASK_72, (tick >> 72) & MASK_72, (tick >> 172) & MASK_32, tick >> 252)
                for tick in rest[ticks:books]
            ]
        )
        world.books = Books(*map(_signed, rest[books : books + BOOKS_WORDS]))
        tokens = rest[at : at + 1 + 2 * assets]
        world.balances, world.held = (tokens[0], *tokens[1::2]), tuple(tokens[2::2])
        world.fund_capacity, world.fund_supply, locked = rest[-3:]
        world.fund_locked = locked != 0
        if self._margin_chunks:
            world.margins = self._margins(words)
        world.dated_changes = self._dated.decode(words[self._changes : self._desk // 32])
        if self._length > self._desk:
            figures = [whole(answers[at : at + 32], "big") for at in range(self._desk, self._length, 32)]
            world.desk = RawDesk.of(figures, self._borrowers)
        return world

    def _margins(self, words: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Equity, initial and maintenance margin from the summaries of all accounts."""
        parts, at = [], self._summaries
        for _, count in self._margin_chunks:
            end = at + HEADER + SUMMARY_WORDS * count
            parts.append(words[at + HEADER : end].reshape(count, SUMMARY_WORDS, 4)[:, 2:5])
            at = end
        return int128(np.concatenate(parts).byteswap()).floats(1e-18)

    @staticmethod
    def _market(
        word: int, rate: int, best_bid: int, best_ask: int, open_interest: int, pool: int
    ) -> RawMarket:
        index = (word >> 144) & MASK_80
        return RawMarket(
            mark=word & MASK_72,
            spot=(word >> 72) & MASK_72,
            funding_index=index - (index >> 79 << 80),
            confidence=(word >> 224) & MASK_28,
            valid=word >> 255 == 1,
            settled=word >> 253 & 1 == 1,
            funding_rate=_signed(rate),
            best_bid=best_bid,
            best_ask=best_ask,
            open_interest=open_interest,
            pool=pool,
        )

    def _fresh(self, table: int, words: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Rows that differ from the read before, and their words, big-endian as they came."""
        before = self._words[table]
        if before.shape == words.shape:
            rows = (before != words).any(axis=1).nonzero()[0]
        else:
            rows = np.arange(len(words))
        self._words[table] = words
        return rows, words[rows]

    def _update_ledger(self, words: NDArray[np.uint64]) -> NDArray[np.int64]:
        rows, fresh = self._fresh(0, words)
        if len(rows):
            world, shape = self._world, (len(rows), self._markets)
            world.liquidating[rows] = (fresh[:, 3].byteswap() & np.uint64(1)).astype(np.bool_)
            pairs = fresh[:, 4:].reshape(*shape, 2, 4)
            # Three fields of ten bytes behind two that are free, each widened to sixteen.
            packed = np.ascontiguousarray(pairs[:, :, 0]).view(np.uint8)[..., 2:].reshape(*shape, 3, 10)
            wide = np.zeros((*shape, 3, 16), np.uint8)
            wide[..., 6:] = packed
            halves = wide.view(np.uint64).byteswap()
            high = (halves[..., 0].view(np.int64) ^ self._signs) - self._signs
            world.positions.put(rows, Wide(high, halves[..., 1]))
            halves = pairs[:, :, 1].byteswap().reshape(*shape, 2, 2)
            world.resting.put(rows, Wide(halves[..., 0].view(np.int64), halves[..., 1]))
        return rows

    def _update_vault(self, words: NDArray[np.uint64]) -> NDArray[np.int64]:
        rows, fresh = self._fresh(1, words)
        if len(rows):
            world, fresh = self._world, fresh.byteswap()
            world.cash.put(rows, Wide(fresh[:, 2].view(np.int64), fresh[:, 3]))
            index = fresh[:, 0] & np.uint64(MASK_32)
            world.cash_index.put(rows, Wide(index.view(np.int64), fresh[:, 1]))
            world.collateral.put(rows, int128(fresh[:, 4:].reshape(len(rows), -1, 4)))
        return rows


def union(some: NDArray[np.int64], others: NDArray[np.int64], accounts: int) -> NDArray[np.int64]:
    """Rows that are in either, rising."""
    named = np.zeros(accounts, np.bool_)
    named[some] = named[others] = True
    return named.nonzero()[0]


def _places(chunks: Iterable[tuple[int, int]], words: int, start: int) -> tuple[NDArray[np.int64], int]:
    """Places of the words of all accounts among those of all answers, and of the word after the last."""
    places = [np.zeros(0, np.int64)]
    for _, count in chunks:
        end = start + HEADER + count * words
        places.append(np.arange(start + HEADER, end))
        start = end
    return np.concatenate(places), start


def _signed(word: int) -> int:
    return word - (word >> 255 << 256)
