# SPDX-License-Identifier: Apache-2.0
"""Events and raw answers made by hand: a chain that is nothing but its books."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simulation.engine import AssetTerms, FeedTerms, MarketTerms, Protocol
from simulation.messages import AuctionRules, EventColumns, limbs

NAMES = (
    "Vault",
    "Ledger",
    "Instruments",
    "Oracle",
    "Exchange",
    "Liquidator",
    "InsuranceFund",
    "CashToken",
    "Token:WETH",
    "Surface",
    "RiskBoard",
    "Lens",
    "CoinPool",
    "CreditDesk",
    "SolvencyGuard",
)
ADDRESSES = {name: bytes([place + 1]) * 20 for place, name in enumerate(NAMES)}
VAULT = ADDRESSES["Vault"]

PROTOCOL = Protocol(
    addresses=ADDRESSES,
    markets=(
        MarketTerms("ETH", 1, 10_000_000, 1_000_000, 0.05, 0.03),
        MarketTerms("BTC", 2, 100_000_000, 100_000, 0.05, 0.03),
    ),
    assets=(AssetTerms("CashToken", "USDC", 6), AssetTerms("Token:WETH", "WETH", 18, 1, 0.2, 0.1)),
    feeds=(FeedTerms(1, "ETH"), FeedTerms(2, "BTC")),
    auction=AuctionRules(0.95, 0.7, 900, 43_200, 3_600, 0.15),
    share_decimals=12,
    gas_symbol="ETH",
)


def owner(account: int) -> bytes:
    """Address of the owner of an account."""
    return bytes([100 + account]) * 20


def word(value: int | bool | bytes) -> bytes:
    """One 32-byte word."""
    if isinstance(value, bytes):
        return value.rjust(32, b"\0")
    return int(value).to_bytes(32, "big", signed=int(value) < 0)


def _type(value: int | bool | bytes) -> str:
    if isinstance(value, bytes):
        return "address"
    return "bool" if isinstance(value, bool) else "int256" if value < 0 else "uint256"


def events(contract: str, name: str, rows: list[dict[str, Any]], first_log: int = 0) -> EventColumns:
    """Logs of one event; every row has the same fields."""
    names = list(rows[0])
    data = b"".join(word(row[field]) for row in rows for field in names)
    return EventColumns(
        contract,
        name,
        np.zeros(len(rows), np.int64),
        np.arange(first_log, first_log + len(rows)),
        {field: place for place, field in enumerate(names)},
        tuple(_type(rows[0][field]) for field in names),
        limbs(data).reshape(len(rows), len(names), 4),
    )


@dataclass
class Position:
    size: int = 0
    entry: int = 0
    funding: int = 0
    bids: int = 0
    asks: int = 0


@dataclass
class Account:
    cash: int = 0
    weth: int = 0
    liquidating: bool = False
    positions: list[Position] = field(default_factory=lambda: [Position(), Position()])


@dataclass
class Chain:
    """State as the contracts would keep it; `answers` packs it the way their views do, an account a view."""

    accounts: list[Account]
    best: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0), (0, 0)])
    mark: tuple[int, int] = (200 * 10**9, 8_000 * 10**9)
    backing: int = 0
    deficit: int = 0
    fees: int = 0
    reserve: int = 0
    fund: int = 0
    fund_shares: int = 0
    pools: dict[int, int] = field(default_factory=dict)
    """Nano coin by column of an inverse market, where entries are coin balances."""

    def net_settled(self) -> int:
        return sum(
            p.size * ((0 if column in self.pools else p.entry) - p.funding)
            for account in self.accounts
            for column, p in enumerate(account.positions)
        )

    def open_interest(self, market: int) -> int:
        return sum(max(account.positions[market].size, 0) for account in self.accounts)

    def answers(self) -> bytes:
        ledger, vault = [], []
        for account in self.accounts:
            row = [word(int(account.liquidating))]
            for p in account.positions:
                packed = (p.size % 2**80) | (p.entry % 2**80 << 80) | ((p.funding % 2**80) << 160)
                row += [word(packed), word(p.bids | p.asks << 128)]
            ledger.append(_array(row))
            vault.append(_array([word((account.cash % 2**128) | 10**18 << 128), word(account.weth)]))
        ticks = [mark | mark << 72 | 10**8 << 144 | 1_000 << 172 | 3_600 << 236 for mark in self.mark]
        words = [mark | mark << 72 | 10**8 << 224 | 1 << 255 for mark in self.mark]
        found = [
            *ledger,
            *vault,
            _array([word(item) for item in words]),
            _array([word(item) for item in ticks]),
            b"".join(
                map(
                    word,
                    (
                        self.backing,
                        self.backing + self.deficit,
                        self.deficit,
                        self.net_settled(),
                        self.fees,
                        self.reserve,
                        0,
                        0,
                    ),
                )
            ),
        ]
        for market in range(2):
            found.append(b"".join(map(word, (0, -(10**15), 0, 8, 0, 10**16))))
            found.append(b"".join(map(word, self.best[market])))
            found.append(word(self.open_interest(market)))
            if market in self.pools:
                found.append(word(self.pools[market]))
        weth = sum(account.weth for account in self.accounts)
        found += [word(self.backing // 10**12), word(weth), word(weth)]
        return b"".join([*found, word(self.fund), word(self.fund_shares), word(False)])


def _array(items: list[bytes]) -> bytes:
    return word(32) + word(len(items)) + b"".join(items)


def created(count: int) -> EventColumns:
    """AccountCreated of accounts 1 to `count`."""
    rows = [{"account": n, "owner": owner(n), "engine": VAULT, "subaccount": 0} for n in range(1, count + 1)]
    return events("Vault", "AccountCreated", rows)
