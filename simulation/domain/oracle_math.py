# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/oracle_math.vy: the tick word, its validity, price bounds and variance.

Prices are nano USD, ratios bps, confidence 1e-8, times unix seconds, variances annualised in units of 1e-7.
Exact integers. May import nothing but domain modules.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulation.domain.fixed_point import field

__all__ = [
    "FLAG_BOUND",
    "FLAG_CONFIDENCE",
    "FLAG_DEVIATION",
    "FLAG_JUMP",
    "VARIANCE_ONE",
    "YEAR",
    "FeedConfig",
    "Tick",
    "bounded_mark",
    "fresh_until",
    "is_valid",
    "jumped",
    "next_tick",
    "pack_tick",
    "unpack_tick",
    "variance",
]

BPS = 10_000
YEAR = 365 * 86_400
VARIANCE_ONE = 10**7
PRICE_LIMIT = 2**72
FIELD_32 = 2**32

FLAG_DEVIATION = 1
FLAG_CONFIDENCE = 2
FLAG_BOUND = 4
FLAG_JUMP = 8


@dataclass(frozen=True, slots=True)
class Tick:
    """The state of a feed."""

    spot: int = 0
    """Nano USD; 0 before the first price."""
    mark: int = 0
    """Nano USD, within the deviation bound of spot."""
    confidence: int = 0
    """Unit 1e-8."""
    timestamp: int = 0
    """When the signers observed the price."""
    variance: int = 0
    """Annualised EWMA variance of spot, unit 1e-7."""
    heartbeat: int = 0
    """Seconds for which the price stays fresh."""
    flags: int = 0
    """FLAG_... bits; a tick with any is not valid for risk."""


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """The configuration of a feed, as IOracle.FeedConfig."""

    heartbeat: int
    max_deviation: int
    """Bps of spot by which the mark may differ."""
    confidence_threshold: int
    """Unit 1e-8."""
    max_jump: int
    """Bps of the stored spot; 0 is off."""
    variance_window: int
    """Seconds, time constant of the EWMA."""
    floor: int
    """Nano USD; spot at or below it is not valid."""
    ceiling: int
    """Nano USD; spot at or above it is not valid."""


def pack_tick(tick: Tick) -> int:
    """The word that the Oracle stores."""
    return (
        tick.spot
        | tick.mark << 72
        | tick.confidence << 144
        | tick.timestamp << 172
        | tick.variance << 204
        | tick.heartbeat << 236
        | tick.flags << 252
    )


def unpack_tick(word: int) -> Tick:
    """The fields of a tick word."""
    return Tick(
        spot=field(word, 0, 72),
        mark=field(word, 72, 72),
        confidence=field(word, 144, 28),
        timestamp=field(word, 172, 32),
        variance=field(word, 204, 32),
        heartbeat=field(word, 236, 16),
        flags=field(word, 252, 4),
    )


def fresh_until(tick: Tick) -> int:
    """The last second at which the tick is fresh."""
    return tick.timestamp + tick.heartbeat


def is_valid(tick: Tick, timestamp: int) -> bool:
    """Whether actions that add risk may use the tick at this time."""
    return tick.flags == 0 and tick.spot > 0 and timestamp <= fresh_until(tick)


def bounded_mark(spot: int, mark: int, max_deviation: int) -> int:
    """clamp(mark, spot * (1 -+ max_deviation)), the edges rounded inward."""
    highest = spot * (BPS + max_deviation) // BPS
    lowest = -(-spot * (BPS - max_deviation) // BPS)
    return min(max(mark, lowest), highest, PRICE_LIMIT - 1)


def jumped(spot: int, last_spot: int, max_jump: int) -> bool:
    """Whether spot moved by more than `max_jump` bps of the last one; never where the bound is 0."""
    return max_jump != 0 and last_spot != 0 and abs(spot - last_spot) * BPS > last_spot * max_jump


def variance(stored: int, last_spot: int, spot: int, elapsed: int, window: int) -> int:
    """(window * stored + YEAR * r**2) / (window + elapsed) r = spot / last_spot - 1; floored, 32 bits."""
    squared_return = (spot - last_spot) ** 2 * YEAR * VARIANCE_ONE // last_spot**2
    return min((window * stored + squared_return) // (elapsed + window), FIELD_32 - 1)


def next_tick(
    last: Tick, config: FeedConfig, spot: int, mark: int, confidence: int, timestamp: int
) -> Tick | None:
    """What an update stores; None when the stored price is as new or newer."""
    if timestamp <= last.timestamp:
        return None
    clamped = bounded_mark(spot, mark, config.max_deviation)
    flags = 0
    if clamped != mark:
        flags |= FLAG_DEVIATION
    if confidence < config.confidence_threshold:
        flags |= FLAG_CONFIDENCE
    if not config.floor < spot < config.ceiling:
        flags |= FLAG_BOUND
    if jumped(spot, last.spot, config.max_jump):
        flags |= FLAG_JUMP
    estimate = 0
    if last.spot:
        elapsed = timestamp - last.timestamp
        estimate = variance(last.variance, last.spot, spot, elapsed, config.variance_window)
    return Tick(spot, clamped, confidence, timestamp, estimate, config.heartbeat, flags)
