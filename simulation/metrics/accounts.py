# SPDX-License-Identifier: Apache-2.0
"""Leverage and margin of accounts, from the blocks in which every account was recorded.

Imports: metrics.registry, metrics.tables.
"""

from __future__ import annotations

from simulation.metrics.registry import metric
from simulation.metrics.tables import RunTables

__all__ = ["LEVERAGE"]

LEVERAGE = """
    SELECT block, account, agent, role, notional_usd / equity_usd AS leverage FROM accounts
    WHERE notional_usd > 0 AND equity_usd > 0 AND block IN (SELECT block FROM sampled)
"""
"""Notional over equity of every account with a position and positive equity, where all are recorded."""


@metric(
    "Leverage, median",
    "ratio",
    "Median over accounts with a position and sampled blocks of the sum of |size| at mark over equity; "
    "accounts with equity <= 0 are left out.",
)
def leverage_median(run: RunTables) -> float | None:
    return run.scalar(f"SELECT median(leverage) FROM ({LEVERAGE})")


@metric(
    "Leverage, 95 %",
    "ratio",
    "95 % quantile over accounts with a position and sampled blocks of the sum of |size| at mark over "
    "equity; accounts with equity <= 0 are left out.",
)
def leverage_p95(run: RunTables) -> float | None:
    return run.scalar(f"SELECT quantile_cont(leverage, 0.95) FROM ({LEVERAGE})")


@metric(
    "Loss of traders",
    "USD",
    "Sum over accounts of the role trader of equity at the start plus net cash deposits less equity at the "
    "end; negative: they gained. Trading gas is not in it.",
)
def trader_loss(run: RunTables) -> float | None:
    return run.scalar(
        """
        WITH ends AS (SELECT min(block) AS first, max(block) AS last FROM blocks),
        net AS (
            SELECT coalesce(sum((CASE event WHEN 'Deposited' THEN 1 ELSE -1 END)
                * json_extract_string(fields, 'amount')::DOUBLE / unit), 0) AS usd
            FROM events JOIN owners USING (account), assets, ends
            WHERE event IN ('Deposited', 'Withdrawn') AND role = 'trader' AND block > first
                AND assets.asset = 0 AND json_extract_string(fields, 'asset') = '0'
        )
        SELECT sum((CASE WHEN block = first THEN 1 ELSE -1 END) * equity_usd) + any_value(net.usd)
        FROM accounts, ends, net WHERE role = 'trader' AND block IN (first, last)
        """
    )


@metric(
    "Borrowed share",
    "share",
    "Largest value over blocks of total borrow over total supply of cash.",
)
def borrow_share_peak(run: RunTables) -> float | None:
    return run.scalar(
        "SELECT max(total_borrow_usd::DOUBLE / total_supply_usd::DOUBLE) FROM blocks WHERE total_supply_usd "
        "> 0"
    )
