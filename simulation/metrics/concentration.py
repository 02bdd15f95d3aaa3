# SPDX-License-Identifier: Apache-2.0
"""Counterparty concentration: owners who spread over venues against twins who keep the same book at one.

Nothing here is defined for a run in which nobody spreads. Imports: metrics.registry, metrics.tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulation.metrics.registry import metric
from simulation.metrics.tables import RunTables

__all__ = ["OWNED", "Population", "populations"]

# One row for each owner and recorded block. A venue without an opinion in the summary does not exist.
OWNED = """
    SELECT block, agent, book, account, count(*) AS venues,
           sum(posted_usd) AS posted_usd, sum(claim_usd) AS claim_usd,
           sum(initial_margin_usd) AS initial_margin_usd,
           max(claim_usd) / nullif(sum(claim_usd), 0) AS largest,
           sum(claim_usd * claim_usd) / nullif(sum(claim_usd) * sum(claim_usd), 0) AS herfindahl,
           sum(alone_usd) - any_value(merged_usd) AS given_up_usd, any_value(merged_usd) AS merged_usd,
           sum(cash_claim_usd * (1 - exchange_rate) + forgone_usd) AS realised_usd,
           max(claim_usd * (1 - recovery)) AS stressed_usd,
           sum(claim_usd * (1 - recovery) * default_probability) AS expected_usd
    FROM holdings JOIN venues USING (venue) GROUP BY block, agent, book, account
"""


@dataclass(frozen=True, slots=True)
class Population:
    """One population that spreads, or a twin of one."""

    agent: str
    venues: str
    """Names, with commas."""
    spreads: bool
    realised: float | None
    """Share of the claims at the start: lost at the exchange rates of the end and to deleveraging."""
    stressed: float | None
    """Share of claims, mean over recorded blocks: lost if the worst venue for the owner failed."""
    expected: float | None
    """Share of claims, mean over recorded blocks: expected loss of a year."""


def populations(run: RunTables) -> Sequence[Population]:
    """Those that spread first, then their twins, by name."""

    def make() -> list[Population]:
        rows = run.rows(
            f"""
            WITH owned AS ({OWNED}), ends AS (SELECT min(block) AS first, max(block) AS last FROM owned)
            SELECT agent, max(venues) > 1 AS spreads,
                   sum(realised_usd) FILTER (block = ends.last)
                       / nullif(sum(claim_usd) FILTER (block = ends.first), 0),
                   sum(stressed_usd) / nullif(sum(claim_usd), 0),
                   sum(expected_usd) / nullif(sum(claim_usd), 0)
            FROM owned, ends GROUP BY agent ORDER BY spreads DESC, agent
            """
        )
        names = dict(
            run.rows("SELECT agent, string_agg(DISTINCT venue, ', ' ORDER BY venue) FROM holdings GROUP BY 1")
        )
        return [Population(agent, names[agent], spreads, *shares) for agent, spreads, *shares in rows]

    return run.remember("populations", make)


def _mean(run: RunTables, what: str) -> float | None:
    return run.scalar(f"SELECT avg({what}) FROM ({OWNED}) WHERE venues > 1")


def _of(run: RunTables, what: str, spreads: bool) -> list[float]:
    found = [getattr(item, what) for item in populations(run) if item.spreads is spreads]
    return [value for value in found if value is not None]


def _spread(run: RunTables, what: str) -> float | None:
    found = _of(run, what, True)
    return sum(found) / len(found) if found else None


def _worst_twin(run: RunTables, what: str) -> float | None:
    return max(_of(run, what, False), default=None)


def _shed(run: RunTables, what: str) -> float | None:
    own, twin = _spread(run, what), _worst_twin(run, what)
    return None if own is None or twin is None else twin - own


@metric(
    "Herfindahl index of claims",
    "ratio",
    "Sum over venues of the squared share that each has in an owner's claims, a claim being max(0, equity): "
    "1 with everything at one venue, 1/n when spread evenly over n. Mean over owners with accounts at "
    "several venues and recorded blocks.",
)
def concentration_index(run: RunTables) -> float | None:
    return _mean(run, "herfindahl")


@metric(
    "Largest share of claims",
    "share",
    "Claims on the venue that owes an owner most over its claims on all; mean over owners with accounts at "
    "several venues and recorded blocks.",
)
def largest_claim_share(run: RunTables) -> float | None:
    return _mean(run, "largest")


@metric(
    "Netting given up",
    "USD",
    "Initial margin of an owner's portfolios, each for itself, less that of all of them merged into one, "
    "both asked of the engine that the owner has at its first venue; sum over owners with accounts at "
    "several venues, mean over recorded blocks.",
)
def netting_given_up(run: RunTables) -> float | None:
    by_block = f"SELECT sum(given_up_usd) AS usd FROM ({OWNED}) WHERE venues > 1 GROUP BY block"
    return run.scalar(f"SELECT avg(usd) FROM ({by_block})")


@metric(
    "Netting given up over merged margin",
    "ratio",
    "Netting given up over the initial margin of the merged portfolios, both summed over owners with "
    "accounts at several venues and recorded blocks.",
)
def netting_given_up_share(run: RunTables) -> float | None:
    return run.scalar(
        f"SELECT sum(given_up_usd) / nullif(sum(merged_usd), 0) FROM ({OWNED}) WHERE venues > 1"
    )


@metric(
    "Venue loss realised, spread",
    "share",
    "What failures of venues cost owners with accounts at several, over their claims at the start: claims on "
    "cash times (1 - exchange rate) after the last block, and what deleveraging took from them at mark.",
    better="lower",
)
def venue_loss_realised(run: RunTables) -> float | None:
    return _spread(run, "realised")


@metric(
    "Default risk shed, realised",
    "share",
    "Venue loss realised of the twins that lost most by keeping the same book at one venue, less that of the "
    "owners who spread it; negative: spreading cost more.",
    better="higher",
)
def default_risk_shed_realised(run: RunTables) -> float | None:
    return _shed(run, "realised")


@metric(
    "Venue loss stressed, spread",
    "share",
    "Largest over venues of claim times (1 - recovery), the loss if that venue failed, over all claims of "
    "the owners; of owners with accounts at several venues, over recorded blocks.",
    better="lower",
)
def venue_loss_stressed(run: RunTables) -> float | None:
    return _spread(run, "stressed")


@metric(
    "Default risk shed, stressed",
    "share",
    "Venue loss stressed of the twins whose one venue would cost them most, less that of the owners who "
    "spread.",
    better="higher",
)
def default_risk_shed_stressed(run: RunTables) -> float | None:
    return _shed(run, "stressed")


@metric(
    "Expected venue loss, spread",
    "share",
    "Sum over venues of default probability times claim times (1 - recovery), of a year, over all claims; of "
    "owners with accounts at several venues, over recorded blocks.",
    better="lower",
)
def expected_venue_loss(run: RunTables) -> float | None:
    return _spread(run, "expected")


@metric(
    "Expected venue loss, mean of twins",
    "share",
    "Expected venue loss of those who keep the same book at one venue, mean over their populations: what "
    "spreading does not change on average, it takes from the worst case.",
    better="lower",
)
def expected_venue_loss_twins(run: RunTables) -> float | None:
    found = _of(run, "expected", False)
    return sum(found) / len(found) if found else None
