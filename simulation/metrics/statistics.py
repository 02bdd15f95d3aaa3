# SPDX-License-Identifier: Apache-2.0
"""Estimates over many runs with their confidence intervals, each with the number of runs behind it.

Imports: numpy and scipy only. Every random draw comes from a generator seeded by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["Estimate", "expected_shortfall", "mean", "paired_difference", "proportion", "quantile"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic of n runs and its confidence interval."""

    value: float
    low: float | None
    """None: n runs cannot bound it from below at this level."""
    high: float | None
    """None: n runs cannot bound it from above at this level."""
    runs: int
    level: float
    """Of the interval, 0.95 say."""

    @property
    def excludes_zero(self) -> bool:
        """The interval is bounded on both sides and zero lies outside."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def mean(values: Sequence[float], level: float = 0.95) -> Estimate:
    """Mean with Student's t interval: mean ± t * s / sqrt(n). One run has no interval.

    Raises:
        ValueError: no values.
    """
    n = _count(values)
    centre = float(np.mean(values))
    if n < 2:
        return Estimate(centre, None, None, n, level)
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * float(np.std(values, ddof=1)) / n**0.5
    return Estimate(centre, centre - half, centre + half, n, level)


def paired_difference(treated: Sequence[float], baseline: Sequence[float], level: float = 0.95) -> Estimate:
    """Mean of treated - baseline, pair by pair: with the same seeds in both arms common noise cancels.

    Raises:
        ValueError: no values, or different numbers of them.
    """
    if len(treated) != len(baseline):
        raise ValueError(f"{len(treated)} treated and {len(baseline)} baseline values cannot be paired")
    return mean([a - b for a, b in zip(treated, baseline, strict=True)], level)


def quantile(values: Sequence[float], q: float, level: float = 0.95) -> Estimate:
    """The q-quantile (inverse of the empirical distribution) with an interval between two order statistics.

    The number of values below the true quantile is binomial(n, q), so the interval [x_(l), x_(u)] holds it
    with probability >= level whatever the distribution. A side that needs more runs than there are is None.

    Raises:
        ValueError: no values.
    """
    n = _count(values)
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    centre = float(np.quantile(ordered, q, method="inverted_cdf"))
    tail = (1 - level) / 2
    lower = int(stats.binom.ppf(tail, n, q))
    if stats.binom.cdf(lower, n, q) > tail:
        lower -= 1
    upper = int(stats.binom.ppf(1 - tail, n, q)) + 1
    return Estimate(
        centre,
        float(ordered[lower]) if lower >= 0 else None,
        float(ordered[upper - 1]) if upper <= n else None,
        n,
        level,
    )


def expected_shortfall(
    values: Sequence[float], q: float, level: float = 0.95, resamples: int = 2_000, seed: int = 0
) -> Estimate:
    """Mean of the worst (largest) ceil((1 - q) * n) values, with a percentile bootstrap interval.

    With fewer than 1 / (1 - q) runs the tail is the single worst value and no interval is given.

    Raises:
        ValueError: no values.
    """
    n = _count(values)
    sample = np.asarray(values, dtype=np.float64)
    worst = max(1, int(np.ceil((1 - q) * n - 1e-9)))
    centre = float(np.sort(sample)[-worst:].mean())
    if n * (1 - q) < 1 - 1e-9 or n < 2:
        return Estimate(centre, None, None, n, level)
    draws = np.random.default_rng(seed).integers(0, n, size=(resamples, n))
    tails = np.partition(sample[draws], n - worst, axis=1)[:, n - worst :].mean(axis=1)
    low, high = np.quantile(tails, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(centre, float(low), float(high), n, level)


def proportion(successes: int, runs: int, level: float = 0.95) -> Estimate:
    """Share of runs with Wilson's interval, which stays inside [0, 1] and is not empty at 0 or 1.

    Raises:
        ValueError: no runs.
    """
    if runs < 1:
        raise ValueError("a share of no runs")
    z = float(stats.norm.ppf((1 + level) / 2))
    share = successes / runs
    centre = (share + z**2 / (2 * runs)) / (1 + z**2 / runs)
    half = z / (1 + z**2 / runs) * (share * (1 - share) / runs + z**2 / (4 * runs**2)) ** 0.5
    return Estimate(
        share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)), runs, level
    )


def _count(values: Sequence[float]) -> int:
    if not len(values):
        raise ValueError("a statistic of no values")
    return len(values)
