# SPDX-License-Identifier: Apache-2.0
"""Auctions from start to end, and how fast, how far and by whom accounts were liquidated.

Imports: metrics.registry, metrics.tables.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.metrics.registry import metric
from simulation.metrics.tables import RunTables

__all__ = ["Auction", "auctions", "concentration"]


@dataclass(frozen=True, slots=True)
class Auction:
    """One liquidation of one account."""

    account: int
    agent: str
    """Whose account it is."""
    started: int
    """Block of AuctionStarted."""
    ended: int | None
    """Block of AuctionEnded; None when still open at the end of the run."""
    reason: int | None
    """1 buffer restored, 2 nothing left, 3 written off; None while open."""
    insolvent: bool
    """Started with negative equity, or turned so while it ran."""
    equity_usd: float
    """At the start."""
    maintenance_margin_usd: float
    """At the start."""
    bids: int
    notional_usd: float
    """Positions taken over by bidders, at mark."""
    excess_usd: float | None
    """Equity - maintenance margin after the last bid of an auction that ended with the buffer restored."""
    delay_blocks: int
    """Blocks from the first block of the unbroken stretch under maintenance to the start; 0 means that it was
    started in the block that made it liquidatable."""


def auctions(run: RunTables) -> tuple[Auction, ...]:
    """All auctions of a run in the order of their starts."""
    return run.remember("auctions", lambda: _auctions(run))


def _auctions(run: RunTables) -> tuple[Auction, ...]:
    owners = {account: agent for account, agent, _ in run.rows("SELECT account, agent, role FROM owners")}
    ends = _by_account(run, "SELECT account, block, index, reason FROM ends ORDER BY block, log_index")
    insolvent = _by_account(
        run,
        "SELECT account, block, index, 0 FROM events WHERE event = 'AuctionInsolvent' ORDER BY block, "
        "log_index",
    )
    bids = _by_account(
        run,
        "SELECT account, block, index, notional_usd, equity_usd - maintenance_margin_usd FROM bids "
        "ORDER BY block, log_index",
    )
    streaks = _streaks(run)
    found = []
    starts = run.rows(
        "SELECT account, block, index, equity_usd, maintenance_margin_usd, insolvent FROM starts "
        "ORDER BY block, log_index"
    )
    for account, block, index, equity, maintenance, born_insolvent in starts:
        since = (block, index)
        end = next((row for row in ends[account] if row[:2] >= since), None)
        until = end[:2] if end else (2**63, 0)
        own = [row for row in bids[account] if since <= row[:2] <= until]
        found.append(
            Auction(
                account=account,
                agent=owners.get(account, ""),
                started=block,
                ended=end[0] if end else None,
                reason=end[2] if end else None,
                insolvent=born_insolvent or any(since <= row[:2] <= until for row in insolvent[account]),
                equity_usd=equity,
                maintenance_margin_usd=maintenance,
                bids=len(own),
                notional_usd=sum(row[2] for row in own),
                excess_usd=own[-1][3] if own and end and end[2] == 1 else None,
                delay_blocks=block - _first_of_streak(streaks.get(account, []), block),
            )
        )
    return tuple(found)


def concentration(amounts: list[float]) -> float | None:
    """Herfindahl-Hirschman index: sum of squared shares, 1 / n for n equal ones; None of nothing."""
    total = sum(amounts)
    return None if total <= 0 else sum((amount / total) ** 2 for amount in amounts)


def _by_account(run: RunTables, sql: str) -> defaultdict[int, list[tuple[Any, ...]]]:
    grouped: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for account, *rest in run.rows(sql):
        grouped[account].append(tuple(rest))
    return grouped


def _streaks(run: RunTables) -> dict[int, list[tuple[int, int]]]:
    """Account to its stretches of consecutive blocks (first, last) after which it is liquidatable."""
    streaks: dict[int, list[tuple[int, int]]] = {}
    rows = run.rows(
        "SELECT account, block FROM accounts WHERE equity_usd < maintenance_margin_usd AND NOT "
        "in_liquidation ORDER BY account, block"
    )
    for account, block in rows:
        own = streaks.setdefault(account, [])
        if own and own[-1][1] == block - 1:
            own[-1] = (own[-1][0], block)
        else:
            own.append((block, block))
    return streaks


def _first_of_streak(streaks: list[tuple[int, int]], start: int) -> int:
    place = bisect_right(streaks, (start - 1, 2**63)) - 1
    if place >= 0 and streaks[place][1] == start - 1:
        return streaks[place][0]
    return start


@metric(
    "Liquidations",
    "count",
    "Auctions begun: AuctionStarted events of accounts without a live auction.",
    better="lower",
    headline=True,
)
def liquidations(run: RunTables) -> float | None:
    return run.total("SELECT count(*) FROM starts")


@metric(
    "Liquidated notional",
    "USD",
    "Positions that bidders took over: |size| at the mark of the block, summed over the bids of all "
    "auctions.",
    better="lower",
    headline=True,
)
def liquidated_notional(run: RunTables) -> float | None:
    return run.total("SELECT sum(notional_usd) FROM bids")


@metric("Liquidated accounts", "count", "Distinct accounts with at least one auction.", better="lower")
def liquidated_accounts(run: RunTables) -> float | None:
    return run.total("SELECT count(DISTINCT account) FROM starts")


@metric(
    "Partial liquidations",
    "share",
    "Share of ended auctions that ended with the buffer margin restored, not with an empty account.",
    better="higher",
)
def partial_liquidation_share(run: RunTables) -> float | None:
    return run.scalar("SELECT avg((reason = 1)::INTEGER) FROM ends")


@metric(
    "Auctions left open",
    "count",
    "Auctions started and not ended when the run ends.",
    better="lower",
)
def open_auctions(run: RunTables) -> float | None:
    return float(sum(auction.ended is None for auction in auctions(run)))


@metric(
    "Insolvent auctions",
    "count",
    "Auctions that started with negative equity or turned insolvent while they ran.",
    better="lower",
)
def insolvent_auctions(run: RunTables) -> float | None:
    return float(sum(auction.insolvent for auction in auctions(run)))


@metric(
    "Liquidation delay, mean",
    "blocks",
    "Mean over auctions of the blocks from the first block of the unbroken stretch with equity < maintenance "
    "margin to the start of the auction; 0 when started in the block that made the account liquidatable.",
    better="lower",
    headline=True,
)
def liquidation_delay_mean(run: RunTables) -> float | None:
    delays = [auction.delay_blocks for auction in auctions(run)]
    return float(np.mean(delays)) if delays else None


@metric(
    "Liquidation delay, 99 %",
    "blocks",
    "99 % quantile over auctions of the delay, by the higher of the two neighbouring values.",
    better="lower",
)
def liquidation_delay_p99(run: RunTables) -> float | None:
    delays = [auction.delay_blocks for auction in auctions(run)]
    return float(np.quantile(delays, 0.99, method="higher")) if delays else None


@metric(
    "Auction duration, mean",
    "blocks",
    "Mean over ended auctions of the blocks from start to end.",
    better="lower",
)
def auction_duration_mean(run: RunTables) -> float | None:
    durations = [auction.ended - auction.started for auction in auctions(run) if auction.ended is not None]
    return float(np.mean(durations)) if durations else None


@metric(
    "Over-liquidation",
    "USD",
    "Sum over auctions that ended with the buffer restored of max(0, equity - maintenance margin) after "
    "their last bid: margin freed beyond the requirement. The buffer is part of it by design.",
    better="lower",
)
def over_liquidation(run: RunTables) -> float | None:
    return float(
        sum(max(0.0, auction.excess_usd) for auction in auctions(run) if auction.excess_usd is not None)
    )


@metric(
    "Concentration of liquidations",
    "index",
    "Herfindahl-Hirschman index of liquidated notional by bidding agent: 1 is one bidder, 1/n is n equal "
    "ones.",
    better="lower",
)
def liquidation_hhi(run: RunTables) -> float | None:
    return concentration([row[0] for row in run.rows("SELECT sum(notional_usd) FROM bids GROUP BY agent")])
