# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Scale of margin by volatility: target, buffer, speed limit
@license AGPL-3.0-only
@notice A scale is in units of 1 / 36,000,000, a bps being 3,600 of them. State of a feed, from the lowest
        bit: reference variance 32 | floor 32 | cap 32 | rise 32 | fall 32 | buffer 16 | scale 32 | refreshed 40.
        The buffer is the first of the three ways against procyclicality of Commission Delegated Regulation
        (EU) 153/2013, article 28: a share, 25 % there, on top of what is calculated, which may be used up
        while what is calculated rises. Here it is whole up to the reference volatility, and what volatility
        rises above that is taken from it until nothing is left.
"""

from contracts.math import fixed_point

BPS: constant(uint256) = 10_000
HOUR: constant(uint256) = 3_600
ONE: constant(uint256) = BPS * HOUR
# A scale moves at once by what ten minutes allow at most, however long nobody has refreshed it: a jump of the
# variance after a silence is followed at the speed of the limit, not at once for all of the silence.
LONGEST: constant(uint256) = 600

MASK_16: constant(uint256) = 2**16 - 1
MASK_32: constant(uint256) = 2**32 - 1


@internal
@pure
def _target_up(variance: uint256, word: uint256) -> uint256:
    """
    @dev clamp(max(v, min(v, 1) * (1 + buffer)), floor, cap), v = sqrt(variance / reference), rounded up.
         variance < 2**32 and 36e6**2 < 2**51, so no product overflows.
    """
    square: uint256 = fixed_point._div_up(variance * (ONE * ONE), word & MASK_32)
    ratio: uint256 = isqrt(square)
    if ratio * ratio < square:
        ratio += 1
    held: uint256 = fixed_point._div_up(min(ratio, ONE) * (BPS + ((word >> 160) & MASK_16)), BPS)
    target: uint256 = max(max(ratio, held), ((word >> 32) & MASK_32) * HOUR)
    return min(target, ((word >> 64) & MASK_32) * HOUR)


@internal
@pure
def _moved(word: uint256, target: uint256, timestamp: uint256) -> uint256:
    """
    @dev The scale, moved toward its target by no more than the limit allows for the time since it was
         refreshed.
    """
    scale: uint256 = (word >> 176) & MASK_32
    elapsed: uint256 = min(timestamp - (word >> 208), LONGEST)
    if target >= scale:
        return min(target, scale + elapsed * ((word >> 96) & MASK_32))
    fall: uint256 = elapsed * ((word >> 128) & MASK_32)
    return max(target, scale - min(fall, scale))


@internal
@pure
def _scaled_up(weighted: uint256, ratio: uint256, scale: uint256) -> uint256:
    """
    @dev A ratio in bps of a weighted notional (margin_math._weighted), scaled. weighted < 2**178, ratio <
         2**16, scale < 2**32.
    """
    return fixed_point._div_up(unsafe_mul(unsafe_mul(weighted, ratio), scale), BPS * BPS * ONE)


@internal
@pure
def _amount_up(amount: uint256, scale: uint256) -> uint256:
    """
    @dev An amount, scaled. amount < 2**200.
    """
    return fixed_point._div_up(unsafe_mul(amount, scale), ONE)


@internal
@pure
def _share_up(amount: uint256, ratio: uint256, scale: uint256) -> uint256:
    """
    @dev A ratio in bps of an amount, scaled. amount < 2**200, ratio < 2**16.
    """
    return fixed_point._div_up(unsafe_mul(unsafe_mul(amount, ratio), scale), BPS * ONE)
