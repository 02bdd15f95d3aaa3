# SPDX-License-Identifier: Apache-2.0
"""The settlement average, written from its definition: a model of contracts/math/settlement_math.vy.

The contract keeps a running sum; this looks at all observations at once. A published price is in force from
its timestamp until the next recorded one, at most `max_gap` seconds. A second of the window, the last 1,800
before expiry, counts when a price is in force in it; where fewer than `required` seconds count, seconds after
expiry count too until there are as many. Prices are nano USD, times unix seconds. Exact integers. May import
nothing but domain modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = [
    "WINDOW",
    "Observation",
    "Rules",
    "forward_parts",
    "settlement_price",
    "split",
    "totals",
]

WINDOW = 1_800
"""Seconds before expiry whose mean price settles a series."""


@dataclass(frozen=True, slots=True)
class Rules:
    """As ISurface.SettlementParameters, in its order."""

    max_gap: int = 180
    """Seconds for which a published price stays in force."""
    required: int = 1_620
    """Seconds that must count."""
    patience: int = 86_400
    """Seconds after expiry that may count."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A recorded price."""

    spot: int
    """Nano USD."""
    timestamp: int
    """When the oracle's signers observed it."""


def _stretches(
    observations: Sequence[Observation], until: int, rules: Rules
) -> Iterator[tuple[int, int, int]]:
    """(price, first second, end) of the time in which each observation is in force, up to `until`."""
    for place, observation in enumerate(observations):
        ends = [observation.timestamp + rules.max_gap, until]
        ends += [later.timestamp for later in observations[place + 1 : place + 2]]
        yield observation.spot, observation.timestamp, min(ends)


def totals(observations: Sequence[Observation], until: int, expiry: int, rules: Rules) -> tuple[int, int]:
    """(sum of prices over the seconds that count, how many count) before `until`.

    Args:
        observations: in ascending order of timestamp, each once.
    """
    stretches = list(_stretches(observations, until, rules))
    accumulated = covered = 0
    for spot, first, end in stretches:
        seconds = max(0, min(end, expiry) - max(first, expiry - WINDOW))
        accumulated += spot * seconds
        covered += seconds
    missing = max(0, rules.required - covered)
    for spot, first, end in stretches:
        seconds = min(missing, max(0, min(end, expiry + rules.patience) - max(first, expiry)))
        accumulated += spot * seconds
        covered += seconds
        missing -= seconds
    return accumulated, covered


def settlement_price(
    observations: Sequence[Observation],
    latest: Observation,
    now: int,
    expiry: int,
    rules: Rules,
) -> int | None:
    """The price at which the series settles, floored; None while it is not determined.

    Args:
        observations: what is recorded, the oracle's latest price included when it is fit for it.
        latest: the oracle's latest price, fit or not; its time says what can still change.
    """
    if now < expiry:
        return None
    late = now > expiry + rules.patience
    times = [latest.timestamp, *(observation.timestamp for observation in observations)]
    until = now if late else max(times)
    accumulated, covered = totals(observations, until, expiry, rules)
    if until >= expiry and covered >= rules.required:
        return accumulated // covered
    if not late:
        return None
    return accumulated // covered if covered else latest.spot or None


def split(accumulated: int, covered: int, remaining: int, required: int, forward: int) -> tuple[int, int]:
    """(fixed, variable) part of the forward, each floored: what is accumulated, `forward` for the rest."""
    seconds = max(covered + remaining, required)
    return accumulated // seconds, forward * (seconds - covered) // seconds


def forward_parts(
    observations: Sequence[Observation], forward: int, now: int, expiry: int, rules: Rules
) -> tuple[int, int]:
    """(fixed, variable) as of `now`, the last observation carried to now. (0, forward) before the window."""
    accumulated, covered = totals(observations, now, expiry, rules)
    return split(accumulated, covered, min(max(expiry - now, 0), WINDOW), rules.required, forward)
