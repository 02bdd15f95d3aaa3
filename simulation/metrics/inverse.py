# SPDX-License-Identifier: Apache-2.0
"""Inverse markets: what agents hold and earn there, in coin and in USD. None of it where there are none.

An inverse position is N contracts of one USD and a coin balance c (docs/terminology.md). Imports:
metrics.registry, metrics.tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulation.metrics.registry import metric
from simulation.metrics.tables import RunTables

__all__ = ["InverseResult", "positions"]

# Every change of an inverse position. What it brought in coin: of a fill what the coin balance moved by, of a
# slice or of deleveraging the contracts at mark, because coin that came with them was paid for in cash; a
# settlement in coin has no contracts and brings nothing. Funding is what the contracts held before received.
_CHANGES = """
    WITH raw AS (
        SELECT e.block, e.index, e.log_index, e.account, e.market,
               json_extract_string(fields, 'delta')::DOUBLE / 1e9 AS delta,
               json_extract_string(fields, 'size')::DOUBLE / 1e9 AS contracts,
               json_extract_string(fields, 'entry_price')::HUGEINT AS word,
               json_extract_string(fields, 'funding_index')::DOUBLE / 1e9 AS paid
        FROM events e WHERE event = 'PositionModified' AND market BETWEEN 128 AND 255
    ),
    decoded AS (
        -- Two's complement in 80 bits.
        SELECT *, (word - CASE WHEN word < 604462909807314587353088 THEN 0 ELSE 1208925819614629174706176 END)
            ::DOUBLE / 1e9 AS coin
        FROM raw
    ),
    handed AS (
        SELECT DISTINCT block, index, account FROM events WHERE event IN ('AuctionBid', 'Deleveraged')
        UNION
        SELECT DISTINCT block, index, counterparty FROM events WHERE event IN ('AuctionBid', 'Deleveraged')
    ),
    stepped AS (
        SELECT d.*, h.block IS NOT NULL AS is_handed,
               lag(coin, 1, 0) OVER own AS coin_before,
               lag(contracts, 1, 0) OVER own AS contracts_before,
               lag(paid, 1, 0) OVER own AS paid_before
        FROM decoded d LEFT JOIN handed h ON h.block = d.block AND h.index = d.index AND h.account = d.account
        WINDOW own AS (PARTITION BY d.account, d.market ORDER BY d.block, d.log_index)
    )
    SELECT s.block, s.log_index, s.account, s.market, s.contracts, s.coin, s.is_handed,
           CASE WHEN delta = 0 THEN 0 WHEN is_handed THEN delta / m.mark ELSE coin - coin_before END
               AS coin_got,
           -contracts_before * (paid - paid_before) AS funding_usd,
           CASE WHEN is_handed THEN abs(delta) ELSE 0 END AS handed_usd
    FROM stepped s JOIN markets m ON m.block = s.block AND m.market = s.market
"""

# PnL in coin is what trades brought in coin, less what closing the contracts at the last mark would take.
_POSITIONS = f"""
    WITH changes AS ({_CHANGES}),
    sums AS (
        SELECT account, market, arg_max(contracts, (block, log_index)) AS contracts,
               arg_max(coin, (block, log_index)) AS coin, sum(coin_got) AS traded_coin,
               sum(funding_usd) AS funding_usd, sum(handed_usd) AS handed_usd
        FROM changes GROUP BY account, market
    ),
    settled AS (
        SELECT account, market, sum(json_extract_string(fields, 'coin')::DOUBLE) / 1e9 AS coin
        FROM events WHERE event = 'CoinSettled' GROUP BY account, market
    ),
    started AS (SELECT DISTINCT account FROM starts),
    last AS (SELECT market, mark FROM markets WHERE block = (SELECT max(block) FROM blocks))
    SELECT coalesce(o.agent, '') AS agent, any_value(specs.symbol) AS symbol,
           sum(s.contracts) AS contracts, sum(s.coin) AS coin, sum(coalesce(t.coin, 0)) AS settled_coin,
           sum(s.traded_coin - s.contracts / last.mark) AS profit_coin,
           sum((s.traded_coin - s.contracts / last.mark) * last.mark) AS profit_usd,
           sum(s.funding_usd) AS funding_usd,
           sum(CASE WHEN b.account IS NULL THEN 0 ELSE s.handed_usd END) AS taken_over_usd
    FROM sums s JOIN last USING (market) JOIN specs USING (market)
    LEFT JOIN settled t ON t.account = s.account AND t.market = s.market
    LEFT JOIN owners o ON o.account = s.account
    LEFT JOIN started b ON b.account = s.account
    GROUP BY o.agent, s.market ORDER BY s.market, agent
"""


@dataclass(frozen=True, slots=True)
class InverseResult:
    """All accounts of one agent in one inverse market, over the whole run."""

    agent: str
    symbol: str
    contracts: float
    """Held at the end, of one USD, signed."""
    coin: float
    """Coin balance at the end, signed."""
    settled_coin: float
    """Paid out in coin, less what was paid in."""
    profit_coin: float
    """PnL: coin of all trades, less what the contracts held are at the last mark. Before fees and funding."""
    profit_usd: float
    """The same at the last mark."""
    funding_usd: float
    """Received, signed."""
    taken_over_usd: float
    """Contracts that bidders and counterparties took over from accounts put up for auction."""


def positions(run: RunTables) -> tuple[InverseResult, ...]:
    """By market and agent; agents that never held a position are left out."""
    return run.remember("inverse", lambda: tuple(InverseResult(*row) for row in run.rows(_POSITIONS)))


def _there(run: RunTables) -> bool:
    """Whether the run has an inverse market."""
    return any(128 <= market < 256 for market in run.symbols)


@metric(
    "Open interest of inverse markets, maximum",
    "USD",
    "Largest value over all blocks of contracts of one USD (one side), summed over inverse markets.",
)
def inverse_open_interest_peak(run: RunTables) -> float | None:
    return run.scalar(
        "SELECT max(usd) FROM (SELECT sum(open_interest) AS usd FROM markets "
        "WHERE market BETWEEN 128 AND 255 GROUP BY block)"
    )


@metric(
    "PnL of inverse longs and shorts, absolute",
    "USD",
    "Sum over agents of |PnL in coin at the last mark| over two: what inverse markets moved between agents. "
    "PnL in coin: coin of all trades less contracts held over mark, before fees and funding.",
)
def inverse_profit_moved(run: RunTables) -> float | None:
    return sum(abs(one.profit_usd) for one in positions(run)) / 2 if _there(run) else None


@metric(
    "Settled in coin",
    "USD",
    "Coin that losers of inverse markets paid into the pool out of their collateral, at the mark of the "
    "block.",
)
def coin_paid(run: RunTables) -> float | None:
    if not _there(run):
        return None
    return run.total(
        "SELECT sum(greatest(-json_extract_string(fields, 'coin')::DOUBLE, 0) / 1e9 * m.mark) FROM events e "
        "JOIN markets m ON m.block = e.block AND m.market = e.market WHERE event = 'CoinSettled'"
    )


@metric(
    "Inverse contracts liquidated",
    "USD",
    "Contracts of one USD that bidders and counterparties took over from accounts put up for auction.",
    better="lower",
)
def inverse_liquidated(run: RunTables) -> float | None:
    return sum(one.taken_over_usd for one in positions(run)) if _there(run) else None
