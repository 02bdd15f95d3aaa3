# SPDX-License-Identifier: Apache-2.0
"""The raw world: one batch of views a block, decoded straight into arrays. Imports: engine.abi, messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.engine.abi import encode_call
from simulation.engine.terms import Protocol
from simulation.messages import Books, Limbs, Wide, field, int128, limbs, small

__all__ = ["RawWorld", "WorldReader"]

MAX_LEDGER_WORDS = 16_384
MAX_VAULT_WORDS = 8_192
MAX_ACCOUNTS = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class RawWorld:
    """What the contracts say, exact."""

    cash: Wide
    cash_index: Wide
    collateral: Wide
    """(accounts, assets 1..), token units."""
    liquidating: NDArray[np.bool_]
    size: Wide
    """(accounts, markets), nano base."""
    entry: Wide
    funding: Wide
    bids: Wide
    asks: Wide
    mark: NDArray[np.int64]
    """By market, nano USD."""
    spot: NDArray[np.int64]
    funding_index: Wide
    """Nano USD per unit of base, accrued to now."""
    confidence: NDArray[np.int64]
    valid: NDArray[np.bool_]
    funding_rate: Wide
    """Wad per hour."""
    best: NDArray[np.int64]
    """(markets, 2), ticks of best bid and ask, 0: none."""
    open_interest: Wide
    ticks: Limbs
    """Words of the feeds (IOracle)."""
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


class WorldReader:
    """The calls of one block's read, and what their answers mean.

    Args:
        protocol: the deployed contracts.
        accounts: number of accounts of the Vault.
    """

    def __init__(self, protocol: Protocol, accounts: int) -> None:
        self._accounts = accounts
        self._markets = len(protocol.markets)
        self._assets = len(protocol.assets) - 1
        self._feeds = len(protocol.feeds)
        self.calls = tuple(self._calls(protocol))
        """Target address and calldata, in the order in which `decode` takes the answers."""

    def _calls(self, protocol: Protocol) -> Iterator[tuple[bytes, bytes]]:
        at = protocol.addresses
        markets = list(range(1, self._markets + 1))
        for first, count in self._chunks(1 + 2 * self._markets, MAX_LEDGER_WORDS):
            yield at["Ledger"], encode_call("words_of(uint256,uint256,uint256[])", first, count, markets)
        for first, count in self._chunks(1 + self._assets, MAX_VAULT_WORDS):
            yield at["Vault"], encode_call("words_of(uint256,uint256,uint256)", first, count, self._assets)
        yield at["Instruments"], encode_call("words(uint256[])", markets)
        yield at["Oracle"], encode_call("words(uint256[])", [feed.feed for feed in protocol.feeds])
        yield at["Vault"], encode_call("reconcile()")
        for market in markets:
            yield at["Instruments"], encode_call("funding(uint256)", market)
            yield at["Exchange"], encode_call("best(uint256)", market)
            yield at["Ledger"], encode_call("open_interest(uint256)", market)
        vault = int.from_bytes(at["Vault"], "big")
        for number, asset in enumerate(protocol.assets):
            yield at[asset.contract], encode_call("balanceOf(address)", vault)
            if number:
                yield at["Vault"], encode_call("collateral_held(uint256)", number)
        for name in ("capacity", "totalSupply", "locked"):
            yield at["InsuranceFund"], encode_call(f"{name}()")

    def _chunks(self, words: int, most: int) -> Iterator[tuple[int, int]]:
        step = min(MAX_ACCOUNTS, most // words)
        for first in range(1, self._accounts + 1, step):
            yield first, min(step, self._accounts + 1 - first)

    def decode(self, answers: Sequence[bytes]) -> RawWorld:
        """The world from the answers to `calls`."""
        rest = iter(answers)
        rows, markets = self._accounts, self._markets
        ledger = self._table(rest, 1 + 2 * markets, MAX_LEDGER_WORDS)
        vault = self._table(rest, 1 + self._assets, MAX_VAULT_WORDS)
        positions = ledger[:, 1:].reshape(rows, markets, 2, 4)
        market_words, ticks = _array(next(rest)), _array(next(rest))
        books = Books(*int128(limbs(next(rest))).ints())
        funding, best, interest = [], [], []
        for _ in range(markets):
            funding.append(limbs(next(rest))[1])
            best.append(limbs(next(rest)))
            interest.append(limbs(next(rest))[0])
        balances, held = [], []
        for asset in range(self._assets + 1):
            balances.append(_number(next(rest)))
            if asset:
                held.append(_number(next(rest)))
        return RawWorld(
            cash=field(vault[:, 0], 0, 128, signed=True),
            cash_index=field(vault[:, 0], 128, 96),
            collateral=int128(vault[:, 1:]),
            liquidating=small(ledger[:, 0], 0, 1) != 0,
            size=field(positions[:, :, 0], 0, 80, signed=True),
            entry=field(positions[:, :, 0], 80, 80),
            funding=field(positions[:, :, 0], 160, 80, signed=True),
            bids=field(positions[:, :, 1], 0, 128),
            asks=field(positions[:, :, 1], 128, 128),
            mark=field(market_words, 0, 72).int64(),
            spot=field(market_words, 72, 72).int64(),
            funding_index=field(market_words, 144, 80, signed=True),
            confidence=small(market_words, 224, 16),
            valid=small(market_words, 240, 16) == 1,
            funding_rate=int128(np.stack(funding)),
            best=small(np.stack(best), 0, 63),
            open_interest=int128(np.stack(interest)),
            ticks=ticks,
            books=books,
            held=tuple(held),
            balances=tuple(balances),
            fund_capacity=_number(next(rest)),
            fund_supply=_number(next(rest)),
            fund_locked=_number(next(rest)) != 0,
        )

    def _table(self, rest: Iterator[bytes], words: int, most: int) -> Limbs:
        parts = [_array(next(rest)).reshape(count, words, 4) for _, count in self._chunks(words, most)]
        return np.concatenate(parts) if len(parts) != 1 else parts[0]


def _array(answer: bytes) -> Limbs:
    """A returned dynamic array: offset, length, items."""
    return limbs(memoryview(answer)[64:])


def _number(answer: bytes) -> int:
    return int.from_bytes(answer[:32], "big")
