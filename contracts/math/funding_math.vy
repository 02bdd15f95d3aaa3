# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Premium-based funding of perpetuals
@license AGPL-3.0-only
@notice Positive rates are paid by longs to shorts. Rates are wad per hour, the index is 1e-18 USD per unit
        base, prices are nano USD. All divisions floor, the index included: both sides of a position read
        the same index, so what one pays the other receives exactly.
@dev Bounds: prices < 2**72, |rate| < 2**63, seconds < 2**32, |index| <= INDEX_LIMIT.
"""

from contracts.math import fixed_point

WAD: constant(int256) = 10**18
# One hour, times the factor that takes (wad rate) * (nano USD) down to 1e-18 USD.
RATE_DIVISOR: constant(uint256) = 3_600 * 10**9
NANO_PER_INDEX: constant(int256) = 10**9

# The index in nano must fit in an int80 field: 2**108 // 10**9 < 2**79. At 1 % an hour of a price of
# 100,000 USD it takes 37 million years to get there; it then stays there rather than revert, because a
# revert would block liquidations.
INDEX_LIMIT: constant(int256) = 2**108

# Floors by an unsigned division: x // d == (x + K * d) // d - K for any integer K, and the sum is positive
# because |x| < K * d. |rate * seconds * price| < 2**(63 + 32 + 72) = 2**167.
ACCRUAL_BIAS: constant(uint256) = 2**168
ACCRUAL_OFFSET: constant(uint256) = ACCRUAL_BIAS * 3_600 * 10**9
# |index + step| < 2**108 + 2**126 < 2**139 in `_index_now`, also before it is limited.
INDEX_BIAS: constant(uint256) = 2**110
INDEX_OFFSET: constant(uint256) = INDEX_BIAS * 10**9
# floor(INDEX_LIMIT / 10**9) and floor(-INDEX_LIMIT / 10**9), biased.
HIGHEST_BIASED: constant(uint256) = INDEX_BIAS + 2**108 // 10**9
LOWEST_BIASED: constant(uint256) = INDEX_BIAS - 2**108 // 10**9 - 1


@internal
@pure
def _premium(impact_bid: uint256, impact_ask: uint256, spot: uint256) -> int256:
    """
    @dev ((bid - spot)+ - (spot - ask)+) / spot in wad, floored. spot > 0.
    """
    above: uint256 = 0
    if impact_bid > spot:
        above = unsafe_sub(impact_bid, spot)
    below: uint256 = 0
    if spot > impact_ask:
        below = unsafe_sub(spot, impact_ask)
    difference: int256 = unsafe_sub(convert(above, int256), convert(below, int256))
    return fixed_point._div_floor(unsafe_mul(difference, WAD), convert(spot, int256))


@internal
@pure
def _rate(premium: int256, convergence_hours: uint256, static_rate: int256, max_rate: uint256) -> int256:
    """
    @dev clamp(premium / convergence_hours + static_rate, +-max_rate), wad per hour. convergence_hours > 0.
    """
    limit: int256 = convert(max_rate, int256)
    rate: int256 = fixed_point._div_floor(premium, convert(convergence_hours, int256)) + static_rate
    return max(min(rate, limit), unsafe_sub(0, limit))


@internal
@pure
def _accrue(index: int256, rate: int256, seconds: uint256, spot: uint256) -> int256:
    """
    @dev index + floor(rate * seconds / 3600 * spot), kept within +-INDEX_LIMIT.
    """
    product: uint256 = unsafe_mul(self._bits(rate), unsafe_mul(seconds, spot))
    step: uint256 = unsafe_sub(
        unsafe_div(unsafe_add(product, ACCRUAL_OFFSET), RATE_DIVISOR), ACCRUAL_BIAS
    )
    accrued: int256 = convert(convert(unsafe_add(self._bits(index), step), bytes32), int256)
    return max(min(accrued, INDEX_LIMIT), -INDEX_LIMIT)


@internal
@pure
def _index_nano(index: int256) -> int256:
    """
    @dev The index in nano USD per unit base, floored; fits in 80 bits.
    """
    return fixed_point._div_floor(index, NANO_PER_INDEX)


@internal
@pure
def _bits(amount: int256) -> uint256:
    """
    @dev Two's complement as it stands; additions and products modulo 2**256 are the same for both signs.
    """
    return convert(convert(amount, bytes32), uint256)
