# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/auction_math.vy: the Dutch auction of a slice of a portfolio, in exact integers.

E equity, M maintenance requirement (>= 0), R cash that earlier bidders paid, d the share of the value asked.
Money in wad USD, fractions and d in wad, time in seconds. What rounds, rounds against the bidder.
Imports nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Curve",
    "bid_price_up",
    "buffer_margin",
    "discount",
    "insolvent_price_up",
    "liquidation_fee_down",
    "max_fraction_up",
    "shortfall",
    "slice_price_up",
]

WAD = 10**18


@dataclass(frozen=True, slots=True)
class Curve:
    """How the share of the value that is asked falls with time."""

    start: int
    """Share at the start, wad."""
    cut: int
    """Share where the fast part ends, wad, at most `start`."""
    fast: int
    """Seconds from `start` to `cut`."""
    slow: int
    """Seconds from `cut` to 0."""


def _ceil(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def discount(elapsed: int, curve: Curve) -> int:
    """d(t) in wad, rounded up: linear from start to cut over `fast`, then to 0 over `slow`, then 0."""
    if elapsed < curve.fast:
        return _ceil(curve.start * curve.fast - (curve.start - curve.cut) * elapsed, curve.fast)
    later = elapsed - curve.fast
    return _ceil(curve.cut * (curve.slow - later), curve.slow) if later < curve.slow else 0


def buffer_margin(equity: int, maintenance_margin: int, buffer: int) -> int:
    """E - M (1 + buffer) in wad, rounded down; a completed liquidation brings it to zero."""
    return (equity * WAD - maintenance_margin * (WAD + buffer)) // WAD


def max_fraction_up(buffer_margin: int, equity: int, reserved: int, discount: int) -> int:
    """f = B / (B - E d - R (1 - d)) with B = min(buffer margin, 0), in wad, rounded up; 0 when B is 0."""
    missing = max(-buffer_margin, 0) * WAD
    if missing == 0:
        return 0
    return _ceil(missing * WAD, missing + equity * discount + reserved * (WAD - discount))


def bid_price_up(equity: int, reserved: int, discount: int) -> int:
    """(E - R) d in wad, the price of the whole, rounded up."""
    return _ceil((equity - reserved) * discount, WAD)


def insolvent_price_up(equity: int, maintenance_margin: int, elapsed: int, length: int) -> int:
    """min(E, 0) moving linearly to E - M at `length`, in wad, rounded up; negative: the bidder is paid."""
    first = min(equity, 0)
    last = min(equity - maintenance_margin, first)
    return _ceil(first * length + (last - first) * min(elapsed, length), length)


def slice_price_up(price: int, fraction: int) -> int:
    """price * fraction in wad, rounded up."""
    return _ceil(price * fraction, WAD)


def liquidation_fee_down(fraction: int, equity: int, rate: int) -> int:
    """fraction * E * rate in wad, each product rounded down; 0 when E <= 0."""
    return max(equity, 0) * fraction // WAD * rate // WAD


def shortfall(equity: int, maintenance_margin: int) -> int:
    """(M - E)+ in wad."""
    return max(maintenance_margin - equity, 0)
