# SPDX-License-Identifier: Apache-2.0
"""The books of one block held against each other; the first difference stops the run.

Compared: every balance, position and resting total of the chain with the mirror that events alone have
built; tokens at the Vault with what it owes; the ledger identity; positions of a market, which sum to zero;
open interest; the best prices of the book; coin balances of an inverse market, which sum to its pool, and the
collateral that the pool holds for them. Imports: engine.mirror, engine.reader, messages, errors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulation.engine.credit import DESK, reconcile_desk
from simulation.engine.mirror import ENTRY, FUNDING, SIZE, Mirror
from simulation.engine.reader import RawWorld, union
from simulation.engine.terms import Protocol
from simulation.errors import ReconciliationError
from simulation.messages import Wide

__all__ = ["reconcile"]


def reconcile(block: int, mirror: Mirror, raw: RawWorld, protocol: Protocol) -> None:
    """Raises ReconciliationError naming block, account, asset or market, and both figures.

    Every account is read in every block; one whose words on chain are those of the block before and that no
    event names is equal still, so figures are compared for the others.
    """
    check = _Check(block)
    check.number("number of accounts", mirror.accounts, len(raw.cash))
    rows = union(raw.changed, mirror.touched, mirror.accounts)
    if len(rows):
        _compare_accounts(check, rows, mirror, raw, protocol)
        _compare_resting(check, rows, mirror, raw, protocol)
    _compare_markets(check, mirror, raw, protocol)
    _compare_money(check, mirror, raw, protocol)
    if protocol.inverse:
        _compare_pools(check, mirror, raw, protocol)
    if raw.desk is not None:
        cash = mirror.tokens[protocol.assets[0].contract].balances
        reconcile_desk(check.number, mirror.desk, raw.desk, cash.get(protocol.addresses[DESK], 0))


class _Check:
    def __init__(self, block: int) -> None:
        self._block = block

    def number(self, what: str, expected: object, found: object) -> None:
        if expected != found:
            raise ReconciliationError(f"block {self._block}: {what}: expected {expected}, found {found}")

    def column(
        self,
        name: Callable[..., str],
        expected: Wide,
        found: Wide,
        only: NDArray[np.bool_] | None = None,
    ) -> None:
        differs = expected.differs(found)
        if only is not None:
            differs &= only
        if differs.any():
            place = tuple(int(index) for index in np.argwhere(differs)[0])
            self.number(name(*place), expected.item(place), found.item(place))


def _compare_accounts(
    check: _Check, rows: NDArray[np.int64], mirror: Mirror, raw: RawWorld, protocol: Protocol
) -> None:
    assets, markets, numbers = protocol.assets, protocol.markets, protocol.numbers

    def of_market(what: str) -> Callable[[int, int], str]:
        return lambda row, column: (
            f"account {rows[row] + 1}: {what} in market {numbers[column]} ({markets[column].symbol})"
        )

    check.column(lambda row: f"account {rows[row] + 1}: cash (wad)", mirror.cash[rows], raw.cash[rows])
    check.column(
        lambda row, column: f"account {rows[row] + 1}: collateral {assets[column + 1].symbol} (token units)",
        mirror.collateral[rows],
        raw.collateral[rows],
    )
    expected, found = mirror.positions[rows], raw.positions[rows]
    if expected.differs(found).any():
        size = expected[..., SIZE]
        check.column(of_market("position (nano base)"), size, found[..., SIZE])
        # What a closed position leaves in the other two figures is of no account; a coin balance outlasts it.
        held, inverse = ~size.is_zero(), np.zeros(len(markets), np.bool_)
        inverse[list(protocol.inverse)] = True
        coin = of_market("coin balance (nano coin)")
        check.column(coin, expected[..., ENTRY], found[..., ENTRY], np.broadcast_to(inverse, held.shape))
        entry = of_market("entry price (nano USD)")
        check.column(entry, expected[..., ENTRY], found[..., ENTRY], held & ~inverse)
        check.column(of_market("funding index (nano USD)"), expected[..., FUNDING], found[..., FUNDING], held)
    for row in rows[mirror.liquidating[rows] != raw.liquidating[rows]][:1].tolist():
        check.number(
            f"account {row + 1}: in liquidation", int(mirror.liquidating[row]), int(raw.liquidating[row])
        )


def _compare_resting(
    check: _Check, rows: NDArray[np.int64], mirror: Mirror, raw: RawWorld, protocol: Protocol
) -> None:
    lot_sizes = np.array([market.lot_size for market in protocol.markets], dtype=np.int64)
    bids, asks = mirror.book.reserved(rows, mirror.accounts)
    resting = raw.resting[rows]
    for side, lots, found in (("bids", bids, resting[..., 1]), ("asks", asks, resting[..., 0])):
        check.column(
            lambda row, column, side=side: (
                f"account {rows[row] + 1}: {side} in market {protocol.numbers[column]} (nano base)"
            ),
            Wide.of_int64(lots * lot_sizes),
            found,
        )


def _compare_markets(check: _Check, mirror: Mirror, raw: RawWorld, protocol: Protocol) -> None:
    for column, (number, market) in enumerate(zip(protocol.numbers, protocol.markets, strict=True)):
        name, found = f"market {number} ({market.symbol})", raw.markets[column]
        # One side of a settled market may be closed before the other.
        if column in mirror.payoffs:
            check.number(f"{name}: payoff (nano USD)", mirror.payoffs[column], found.mark)
        else:
            check.number(f"{name}: sum of positions (nano base)", 0, mirror.size_sum[column])
        check.number(f"{name}: open interest (nano base)", mirror.long_sum[column], found.open_interest)
        for side, is_bid, best in (("bid", True, found.best_bid), ("ask", False, found.best_ask)):
            ticks, _ = mirror.book.levels(number, is_bid)
            check.number(f"{name}: best {side} (tick)", int(ticks[0]) if len(ticks) else 0, best)
        if market.settled_in:
            check.number(f"{name}: sum of coin balances (nano coin)", found.pool, mirror.coin_sum[column])
            check.number(f"{name}: coin in the pool (nano coin)", mirror.pools.get(column, 0), found.pool)


def _compare_pools(check: _Check, mirror: Mirror, raw: RawWorld, protocol: Protocol) -> None:
    """What the pool owes in an asset, over all markets settled in it, and what its account holds."""
    owed: dict[int, int] = {}
    for column in protocol.inverse:
        number = protocol.markets[column].settled_in
        owed[number] = owed.get(number, 0) + raw.markets[column].pool
    row = mirror.owners.index(protocol.addresses["CoinPool"])
    for number, coin in owed.items():
        asset = protocol.assets[number]
        held = raw.collateral.item((row, number - 1))
        # In the finer of the two units, so that neither is rounded.
        nano, unit = 10 ** max(asset.decimals - 9, 0), 10 ** max(9 - asset.decimals, 0)
        missing = max(coin * nano - held * unit, 0)
        check.number(f"{asset.symbol} missing in the pool (units of its token or nano coin)", 0, missing)


def _compare_money(check: _Check, mirror: Mirror, raw: RawWorld, protocol: Protocol) -> None:
    books, vault = raw.books, protocol.addresses["Vault"]
    check.number("net settled (wad)", mirror.net_settled - mirror.owed, books.net_settled)
    check.number(
        "sum of cash + fees + interest reserve (wad)",
        books.assets + books.net_settled + books.deficit,
        mirror.cash.total() + books.fees + books.interest_reserve,
    )
    check.number("claims (wad)", books.assets + books.deficit, books.claims)
    for number, asset in enumerate(protocol.assets):
        balance = mirror.tokens[asset.contract].balances.get(vault, 0)
        check.number(f"{asset.symbol} at the vault (token units)", balance, raw.balances[number])
        if number == 0:
            backing = raw.balances[0] * 10 ** (18 - asset.decimals)
            check.number(f"{asset.symbol} at the vault (wad)", books.assets, backing)
        else:
            held = mirror.collateral[:, number - 1].total()
            check.number(f"{asset.symbol} held for accounts (token units)", held, raw.held[number - 1])
            check.number(f"{asset.symbol} at the vault (token units)", held, raw.balances[number])
    check.number("insurance fund shares", mirror.tokens["InsuranceFund"].supply, raw.fund_supply)
