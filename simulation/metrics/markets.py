# SPDX-License-Identifier: Apache-2.0
"""Trading and prices: open interest, volume, fees, slippage, funding, the oracle's error and age.

Imports: metrics.registry, metrics.tables.
"""

from __future__ import annotations

from simulation.metrics.registry import metric
from simulation.metrics.tables import RunTables

__all__: list[str] = []

_OPEN_INTEREST = "SELECT block, sum(notional(market, open_interest, mark)) AS usd FROM markets GROUP BY block"

# A taker's fills of one transaction in one market, against mark after the block; positive is a cost.
_SLIPPAGE = """
    SELECT any_value(o.role) AS role, sum(f.notional_usd) AS notional_usd,
           sum((CASE WHEN f.taker_buys THEN 1 ELSE -1 END) * (f.price - m.mark) / m.mark
                   * notional(f.market, f.size, m.mark))
               / sum(notional(f.market, f.size, m.mark)) * 10000 AS bps
    FROM fills f JOIN markets m ON m.block = f.block AND m.market = f.market
                 LEFT JOIN owners o ON o.account = f.taker
    GROUP BY f.block, f.index, f.market, f.taker
"""


@metric(
    "Open interest, maximum",
    "USD",
    "Largest value over all blocks of: open interest (one side) at mark, summed over markets.",
    headline=True,
)
def open_interest_peak(run: RunTables) -> float | None:
    return run.scalar(f"SELECT max(usd) FROM ({_OPEN_INTEREST})")


@metric(
    "Open interest at the end",
    "USD",
    "Open interest (one side) at mark after the last block, summed over markets.",
)
def open_interest_end(run: RunTables) -> float | None:
    return run.scalar(f"SELECT usd FROM ({_OPEN_INTEREST}) ORDER BY block DESC LIMIT 1")


@metric(
    "Capital efficiency",
    "ratio",
    "Mean over blocks of open interest (one side, at mark) over the equity of all accounts.",
    better="higher",
)
def capital_efficiency(run: RunTables) -> float | None:
    return run.scalar(
        f"SELECT avg(usd / equity_usd) FROM ({_OPEN_INTEREST}) JOIN blocks USING (block) WHERE equity_usd > 0"
    )


@metric("Volume", "USD", "Sum over fills of price times size, each trade counted once.", headline=True)
def volume(run: RunTables) -> float | None:
    return run.total("SELECT sum(notional_usd) FROM fills")


@metric("Fills", "count", "Trades on the book: OrderFilled events.")
def fills(run: RunTables) -> float | None:
    return run.total("SELECT count(*) FROM fills")


@metric("Trading fees", "USD", "Maker and taker fees of all fills.")
def trading_fees(run: RunTables) -> float | None:
    return run.total("SELECT sum(maker_fee_usd + taker_fee_usd) FROM fills")


@metric(
    "Slippage, mean",
    "bps",
    "Mean over taker transactions, weighted by notional, of the average fill price against mark after the "
    "block, signed so that a cost is positive.",
    better="lower",
)
def slippage_mean(run: RunTables) -> float | None:
    return run.scalar(f"SELECT sum(bps * notional_usd) / sum(notional_usd) FROM ({_SLIPPAGE})")


@metric(
    "Slippage, 99 %",
    "bps",
    "99 % quantile over taker transactions of the average fill price against mark after the block, a cost "
    "positive.",
    better="lower",
)
def slippage_p99(run: RunTables) -> float | None:
    return run.scalar(f"SELECT quantile_cont(bps, 0.99) FROM ({_SLIPPAGE})")


@metric(
    "Slippage of keepers, mean",
    "bps",
    "As the mean slippage, of taker transactions by keepers only: what closing the slices they took over "
    "cost.",
    better="lower",
)
def keeper_slippage_mean(run: RunTables) -> float | None:
    return run.scalar(
        f"SELECT sum(bps * notional_usd) / sum(notional_usd) FROM ({_SLIPPAGE}) WHERE role = 'keeper'"
    )


@metric(
    "Thinnest book",
    "USD",
    "Smallest value over perpetuals and blocks, from the first two-sided one on, of the resting bids, or "
    "asks, within 1 % of the mid.",
    better="higher",
)
def depth_minimum(run: RunTables) -> float | None:
    return run.scalar(
        """
        SELECT min(least(bid_depth_usd, ask_depth_usd)) FROM markets JOIN (
            SELECT market, min(block) AS first FROM markets
            WHERE bid_depth_usd > 0 AND ask_depth_usd > 0 AND market < 256 GROUP BY market
        ) USING (market) WHERE block >= first
        """
    )


@metric(
    "Oracle error, maximum",
    "bps",
    "Largest value over blocks and perpetuals of |spot on chain / reference price - 1|.",
    better="lower",
)
def oracle_error_peak(run: RunTables) -> float | None:
    return run.scalar(
        "SELECT max(abs(spot / reference - 1)) * 10000 FROM markets WHERE spot > 0 AND market < 256"
    )


@metric(
    "Oracle error, mean",
    "bps",
    "Mean over blocks and perpetuals of |spot on chain / reference price - 1|.",
    better="lower",
)
def oracle_error_mean(run: RunTables) -> float | None:
    return run.scalar(
        "SELECT avg(abs(spot / reference - 1)) * 10000 FROM markets WHERE spot > 0 AND market < 256"
    )


@metric(
    "Oracle age, maximum",
    "s",
    "Largest value over blocks and markets of the time of the block less the time the price on chain was "
    "observed.",
    better="lower",
)
def oracle_age_peak(run: RunTables) -> float | None:
    return run.scalar(
        "SELECT max(timestamp::DOUBLE - oracle_time::DOUBLE) FROM markets JOIN blocks USING (block) "
        "WHERE oracle_time > 0"
    )


@metric(
    "Oracle refused",
    "share",
    "Share of blocks and markets after which the price on chain may not be used by actions that add risk.",
    better="lower",
)
def oracle_invalid_share(run: RunTables) -> float | None:
    return run.scalar("SELECT avg((NOT oracle_valid)::INTEGER) FROM markets")


@metric(
    "Funding rate, mean",
    "bps/h",
    "Mean over blocks and perpetuals of the funding rate in force; positive: longs pay shorts.",
)
def funding_mean(run: RunTables) -> float | None:
    return run.scalar("SELECT avg(funding_rate) * 10000 FROM markets WHERE market < 256")


@metric(
    "Funding rate, maximum",
    "bps/h",
    "Largest absolute value over blocks and perpetuals of the funding rate in force.",
)
def funding_peak(run: RunTables) -> float | None:
    return run.scalar("SELECT max(abs(funding_rate)) * 10000 FROM markets WHERE market < 256")
