# SPDX-License-Identifier: Apache-2.0
"""What keepers earned and lost, gas of every transaction included.

Imports: metrics.registry, metrics.tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulation.metrics.registry import metric
from simulation.metrics.tables import RunTables

__all__ = ["KeeperResult", "keepers"]

# Deposits less withdrawals after the first block; other collateral than cash at its spot of the block.
_NET_DEPOSITS = """
    WITH moves AS (
        SELECT e.block, o.agent, (CASE e.event WHEN 'Deposited' THEN 1 ELSE -1 END)
                   * json_extract_string(e.fields, 'amount')::DOUBLE AS amount,
               json_extract_string(e.fields, 'asset')::INTEGER AS asset
        FROM events e JOIN owners o USING (account)
        WHERE e.event IN ('Deposited', 'Withdrawn') AND e.block > (SELECT min(block) FROM blocks)
    )
    SELECT agent, sum(amount / unit * coalesce(m.spot, 1)) AS net_usd
    FROM moves JOIN assets USING (asset)
    LEFT JOIN markets m ON m.block = moves.block AND m.market = assets.market
    GROUP BY agent
"""

_RESULTS = f"""
    WITH names AS (
        SELECT agent FROM owners WHERE role = 'keeper' UNION SELECT agent FROM bids
        UNION SELECT agent FROM transactions WHERE role = 'keeper'
    ), equity AS (
        SELECT agent,
               coalesce(sum(equity_usd) FILTER (block = (SELECT min(block) FROM blocks)), 0) AS first_usd,
               coalesce(sum(equity_usd) FILTER (block = (SELECT max(block) FROM blocks)), 0) AS last_usd
        FROM accounts GROUP BY agent
    ), spent AS (
        SELECT agent, sum(fee_eth * eth_usd) AS gas_usd,
               coalesce(sum(fee_eth * eth_usd) FILTER (status = 'reverted'), 0) AS wasted_usd,
               count(*) FILTER (status IN ('success', 'reverted')) AS executed,
               count(*) FILTER (status = 'reverted') AS reverted,
               count(*) FILTER ("function" = 'Liquidator.bid') AS bids_sent,
               count(*) FILTER ("function" = 'Liquidator.bid' AND status = 'success') AS bids_won
        FROM transactions JOIN eth USING (block) GROUP BY agent
    ), won AS (
        SELECT agent, sum(notional_usd) AS notional_usd FROM bids GROUP BY agent
    ), net AS ({_NET_DEPOSITS})
    SELECT agent, coalesce(first_usd, 0), coalesce(last_usd, 0), coalesce(net_usd, 0), coalesce(gas_usd, 0),
           coalesce(wasted_usd, 0), coalesce(executed, 0), coalesce(reverted, 0), coalesce(bids_sent, 0),
           coalesce(bids_won, 0), coalesce(notional_usd, 0)
    FROM names LEFT JOIN equity USING (agent) LEFT JOIN spent USING (agent) LEFT JOIN won USING (agent)
               LEFT JOIN net USING (agent)
    WHERE agent <> '' ORDER BY agent
"""


@dataclass(frozen=True, slots=True)
class KeeperResult:
    """One keeper over one run, in USD."""

    agent: str
    start_usd: float
    """Equity of its accounts after the first block."""
    end_usd: float
    """Equity of its accounts after the last block, what it still holds valued at mark."""
    deposits_usd: float
    """Deposits less withdrawals after the first block."""
    gas_usd: float
    """Fees of all its executed transactions, reverted ones included, at the reference price of ETH."""
    wasted_usd: float
    """The part of `gas_usd` spent on reverted transactions."""
    executed: int
    reverted: int
    bids_sent: int
    """Bid transactions that left the pool, executed or not."""
    bids_won: int
    notional_usd: float
    """Positions taken over, at mark."""

    @property
    def profit_usd(self) -> float:
        """end - start - deposits - gas."""
        return self.end_usd - self.start_usd - self.deposits_usd - self.gas_usd

    @property
    def win_rate(self) -> float | None:
        """Successful bids over bids sent."""
        return self.bids_won / self.bids_sent if self.bids_sent else None

    @property
    def revert_rate(self) -> float | None:
        """Reverted over executed transactions."""
        return self.reverted / self.executed if self.executed else None


def keepers(run: RunTables) -> tuple[KeeperResult, ...]:
    """Every agent with the role keeper, and every other agent that bid, by name."""
    return run.remember("keepers", lambda: tuple(KeeperResult(*row) for row in run.rows(_RESULTS)))


@metric(
    "Keeper profit after gas",
    "USD",
    "Sum over keepers of: equity at the end - equity at the start - net deposits - gas of all their "
    "transactions, reverted ones included. What they still hold counts at mark; exit slippage, fees and "
    "funding are in equity.",
    headline=True,
)
def keeper_profit(run: RunTables) -> float | None:
    results = keepers(run)
    return sum(result.profit_usd for result in results) if results else None


@metric(
    "Keepers in profit",
    "share",
    "Share of keepers whose profit after gas is positive.",
    better="higher",
)
def keepers_in_profit(run: RunTables) -> float | None:
    results = keepers(run)
    return sum(result.profit_usd > 0 for result in results) / len(results) if results else None


@metric(
    "Keeper gas",
    "USD",
    "Fees of all executed transactions of keepers, at the reference price of ETH in their block.",
    better="lower",
)
def keeper_gas(run: RunTables) -> float | None:
    return float(sum(result.gas_usd for result in keepers(run)))


@metric(
    "Keeper gas wasted",
    "USD",
    "Fees of reverted transactions of keepers, at the reference price of ETH in their block.",
    better="lower",
)
def keeper_gas_wasted(run: RunTables) -> float | None:
    return float(sum(result.wasted_usd for result in keepers(run)))


@metric(
    "Keeper win rate",
    "share",
    "Successful bids over bids sent, of all keepers; bids replaced, expired or dropped count as sent.",
    better="higher",
)
def keeper_win_rate(run: RunTables) -> float | None:
    results = keepers(run)
    sent = sum(result.bids_sent for result in results)
    return sum(result.bids_won for result in results) / sent if sent else None


@metric(
    "Keeper revert rate",
    "share",
    "Reverted over executed transactions of all keepers.",
    better="lower",
)
def keeper_revert_rate(run: RunTables) -> float | None:
    results = keepers(run)
    executed = sum(result.executed for result in results)
    return sum(result.reverted for result in results) / executed if executed else None
