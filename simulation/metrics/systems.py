# SPDX-License-Identifier: Apache-2.0
"""The accounts of a run by their margin system. Imports: metrics.margin_calls, metrics.tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from simulation.metrics.margin_calls import margin_calls_of
from simulation.metrics.tables import RunTables

__all__ = ["SystemResult", "systems"]


OWN = """
    SELECT s.account, s.engine FROM systems s JOIN owners o USING (account)
    WHERE o.role IN ('trader', 'maker')
"""


@dataclass(frozen=True, slots=True)
class SystemResult:
    """What became of the accounts of traders and makers under one margin system. USD, shares of 1."""

    engine: str
    accounts: int
    equity_usd: float
    """At the start."""
    lost_usd: float
    """Sum over accounts of what was recognised as bad debt or forgone for it, and open at the end."""
    liquidated: int
    """Accounts with at least one auction."""
    taken_usd: float
    """Notional that bidders took over."""
    efficiency: float | None
    """Mean over sampled blocks of notional over equity of all these accounts together."""
    called: int
    """Notices of margin calls."""
    cured: int
    """Of them cured before they lapsed or an auction began."""
    escalated: int
    """Of them escalated."""


def systems(run: RunTables) -> tuple[SystemResult, ...]:
    """One row for each margin system, in the order of their first accounts; keepers and bots are left out."""
    rows = run.rows(
        f"WITH own AS ({OWN}),"
        """
        ends AS (SELECT min(block) AS first, max(block) AS last FROM blocks),
        lost AS (
            SELECT account, sum(usd) AS usd FROM (
                SELECT account, amount_usd AS usd FROM realised
                UNION ALL SELECT account, forgone_usd FROM deleveraged
                UNION ALL SELECT account, greatest(-equity_usd, 0) FROM accounts, ends WHERE block = last
            ) GROUP BY account
        ),
        started AS (SELECT account, equity_usd AS usd FROM accounts, ends WHERE block = first),
        auctioned AS (SELECT DISTINCT account FROM starts),
        sold AS (SELECT account, sum(notional_usd) AS usd FROM bids GROUP BY account),
        used AS (
            SELECT engine, avg(notional / nullif(equity, 0)) AS ratio FROM (
                SELECT engine, block, sum(notional_usd) AS notional, sum(equity_usd) AS equity
                FROM accounts JOIN own USING (account) WHERE block IN (SELECT block FROM sampled)
                GROUP BY engine, block
            ) GROUP BY engine
        )
        SELECT own.engine, count(*), coalesce(sum(started.usd), 0), coalesce(sum(lost.usd), 0),
               count(auctioned.account), coalesce(sum(sold.usd), 0), any_value(used.ratio)
        FROM own LEFT JOIN started USING (account) LEFT JOIN lost USING (account)
            LEFT JOIN auctioned USING (account) LEFT JOIN sold USING (account) LEFT JOIN used USING (engine)
        GROUP BY own.engine ORDER BY min(own.account)
        """
    )
    engines = dict(run.rows(f"SELECT account, engine FROM ({OWN})"))
    called: Counter[str] = Counter()
    cured: Counter[str] = Counter()
    escalated: Counter[str] = Counter()
    for call in margin_calls_of(run):
        engine = engines.get(call.account, "nobody's")
        called[engine] += 1
        cured[engine] += call.cured is not None
        escalated[engine] += call.escalated is not None
    counted = [(*row, called[row[0]], cured[row[0]], escalated[row[0]]) for row in rows]
    return tuple(SystemResult(*row) for row in counted)
