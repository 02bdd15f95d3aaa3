# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/funding_math.vy: premium-based funding of perpetuals.

Positive rates are paid by longs to shorts. Rates and premiums are wad (a rate per hour), prices nano USD,
the index 1e-18 USD per unit base. Exact integers, every division floored. May import nothing but domain
modules.
"""

from __future__ import annotations

from simulation.domain.fixed_point import div_floor

__all__ = ["INDEX_LIMIT", "accrue", "index_nano", "premium", "rate"]

WAD = 10**18
HOUR = 3_600
NANO = 10**9
INDEX_LIMIT = 2**108
"""The index stays within this, so that it fits a position's 80 bits in nano."""


def premium(impact_bid: int, impact_ask: int, spot: int) -> int:
    """((bid - spot)+ - (spot - ask)+) / spot, wad."""
    difference = max(impact_bid - spot, 0) - max(spot - impact_ask, 0)
    return div_floor(difference * WAD, spot)


def rate(premium_wad: int, convergence_hours: int, static_rate: int, max_rate: int) -> int:
    """clamp(premium / convergence_hours + static_rate, +-max_rate), wad per hour."""
    return max(-max_rate, min(div_floor(premium_wad, convergence_hours) + static_rate, max_rate))


def accrue(index: int, rate_wad: int, seconds: int, spot: int) -> int:
    """index + rate * seconds / 3600 * spot, within +-INDEX_LIMIT."""
    step = div_floor(rate_wad * seconds * spot, HOUR * NANO)
    return max(-INDEX_LIMIT, min(index + step, INDEX_LIMIT))


def index_nano(index: int) -> int:
    """The index in nano USD per unit base."""
    return div_floor(index, NANO)
