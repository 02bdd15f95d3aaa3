# SPDX-License-Identifier: Apache-2.0
"""What somebody must do once a series has expired: purge its orders, fix its price, settle every account.

Imports: messages, NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulation.messages import Fees, FinaliseSeries, Intent, Purge, SettleExpired, View

__all__ = ["settlement_steps"]

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
