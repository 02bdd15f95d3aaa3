# SPDX-License-Identifier: Apache-2.0
"""What somebody must do for books to be settled: series that have expired, inverse positions in their coin.

Imports: messages, NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulation.messages import Fees, FinaliseSeries, Intent, Purge, SettleCoin, SettleExpired, View

__all__ = ["CoinRounds", "settlement_steps"]

ORDERS = 32
"""That one purge may name."""


def settlement_steps(view: View, account: int, fees: Fees) -> Iterator[Intent]:
    """What `account` can do for series that have expired, the most urgent first."""
    observed = {feed.feed: feed.timestamp for feed in view.feeds}
    expired = [series for series in view.series if series.expiry <= view.timestamp]
    if not expired:
        return
    for series in expired:
        # The price is determined once the oracle has gone past expiry.
        if not series.settlement and observed[series.feed] >= series.expiry:
            yield FinaliseSeries(account=account, series=series.series, fees=fees)
    numbers = np.array([market.market for market in view.markets])
    over = np.array([0 < market.expiry <= view.timestamp for market in view.markets])
    orders = view.orders.order_id[np.isin(view.orders.market, numbers[over])]
    if len(orders):
        yield Purge(account=account, order_ids=tuple(orders[:ORDERS].tolist()), fees=fees)
    settled = np.array([market.settled for market in view.markets])
    held = (view.accounts.size != 0.0) & settled
    for row in np.flatnonzero(held.any(axis=1)).tolist():
        for series_number in dict.fromkeys((numbers[held[row]] // 256).tolist()):
            yield SettleExpired(account=account, target=row + 1, series=series_number, fees=fees)


class CoinRounds:
    """Settles inverse positions in coin, all in a round and a round now and then: losers first, then winners.

    Args:
        every: seconds between two rounds.
        least: PnL in USD below which a position waits for the next round.
    """

    def __init__(self, every: int, least: float) -> None:
        self._every, self._least = every, least
        self._next = 0
        self._queue: list[tuple[int, int]] = []

    def steps(self, view: View, account: int, fees: Fees, most: int) -> Iterator[Intent]:
        """At most `most` settlements of the round that is open; one is opened when its time has come."""
        if view.timestamp >= self._next:
            if self._next:
                self._queue = self._due(view)
            self._next = view.timestamp + self._every
        now, self._queue = self._queue[:most], self._queue[most:]
        for target, market in now:
            if not view.accounts.liquidating[target - 1]:
                yield SettleCoin(account=account, target=target, market=market, fees=fees)

    def _due(self, view: View) -> list[tuple[int, int]]:
        """Account and market: who owes coin and has some by falling loss, then winners by falling profit."""
        accounts, losers, winners = view.accounts, [], []
        for column, market in enumerate(view.markets):
            if not market.inverse or not market.valid:
                continue
            profit = accounts.delta[:, column] - accounts.size[:, column] / market.mark
            held = accounts.collateral[:, market.settled_in - 1]
            worth = profit * market.mark
            for row in np.flatnonzero((worth <= -self._least) & (held > 0.0)).tolist():
                losers.append((float(worth[row]), row + 1, market.market))
            paid = market.pool + float(np.minimum(-profit, held)[profit < 0.0].sum())
            for row in np.flatnonzero(worth >= self._least).tolist() if paid > 0.0 else []:
                winners.append((-float(worth[row]), row + 1, market.market))
        return [(target, market) for _, target, market in (*sorted(losers), *sorted(winners))]
