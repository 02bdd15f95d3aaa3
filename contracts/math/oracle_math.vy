# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The tick word: packing, validity, bounds and variance
@license AGPL-3.0-only
@notice Layout of a tick (IOracle): spot 72 | mark 72 | confidence 28 | timestamp 32 | variance 32 |
        heartbeat 16 | flags 4, from the lowest bit.
@dev Bounds on which every unchecked operation below rests: prices < 2**72, confidence <= 10**8 < 2**27,
     ratios <= 10_000 < 2**14, timestamps < 2**32 (until the year 2106), windows < 2**24.
"""

BPS: constant(uint256) = 10_000
# Confidence has eight decimals, as the published vectors have.
FULL_CONFIDENCE: constant(uint256) = 10**8
YEAR: constant(uint256) = 365 * 86_400

PRICE_MASK: constant(uint256) = 2**72 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_16: constant(uint256) = 2**16 - 1

# Variance is stored in units of 1e-7, annualised: 32 bits reach a volatility of 2,000 %.
VARIANCE_ONE: constant(uint256) = 10**7
# Annualises a squared return and brings it to the unit of the variance. 3.2e14 < 2**49.
VARIANCE_SCALE: constant(uint256) = YEAR * VARIANCE_ONE

FLAG_DEVIATION: constant(uint256) = 1
FLAG_CONFIDENCE: constant(uint256) = 2
FLAG_BOUND: constant(uint256) = 4
FLAG_JUMP: constant(uint256) = 8


@internal
@pure
def _is_valid(word: uint256, timestamp: uint256) -> bool:
    """
    @dev Whether a tick may be used by actions that add risk: no flag, a price, and fresh.
    """
    return (
        word >> 252 == 0
        and word & PRICE_MASK != 0
        and timestamp <= unsafe_add((word >> 172) & MASK_32, (word >> 236) & MASK_16)
    )


@internal
@pure
def _fresh_until(word: uint256) -> uint256:
    """
    @dev Last second at which the tick is fresh; timestamp + heartbeat.
    """
    return unsafe_add((word >> 172) & MASK_32, (word >> 236) & MASK_16)


@internal
@pure
def _timestamp(word: uint256) -> uint256:
    """
    @dev When the signers observed the price.
    """
    return (word >> 172) & MASK_32


@internal
@pure
def _flags(word: uint256) -> uint256:
    """
    @dev FLAG_... bits.
    """
    return word >> 252


@internal
@pure
def _bounded_mark(spot: uint256, mark: uint256, max_deviation: uint256) -> uint256:
    """
    @dev The mark clamped to spot * (1 +- max_deviation), the upper edge rounded down and the lower up, so
         that the bound holds exactly. Differs from `mark` iff that was out of bound. spot, mark < 2**72.
    """
    highest: uint256 = unsafe_div(unsafe_mul(spot, unsafe_add(BPS, max_deviation)), BPS)
    if mark > highest:
        return min(highest, PRICE_MASK)
    # max_deviation < BPS, so the numerator is at least BPS - 1 and the lowest mark at least 1.
    lowest: uint256 = unsafe_div(
        unsafe_add(unsafe_mul(spot, unsafe_sub(BPS, max_deviation)), unsafe_sub(BPS, 1)), BPS
    )
    return max(mark, lowest)


@internal
@pure
def _jumped(spot: uint256, last_spot: uint256, max_jump: uint256) -> bool:
    """
    @dev Whether spot moved by more than `max_jump` bps of the last one; never when the bound is 0 (off).
    """
    if max_jump == 0 or last_spot == 0:
        return False
    difference: uint256 = unsafe_sub(max(spot, last_spot), min(spot, last_spot))
    return unsafe_mul(difference, BPS) > unsafe_mul(last_spot, max_jump)


@internal
@pure
def _variance(variance: uint256, last_spot: uint256, spot: uint256, elapsed: uint256, window: uint256) -> uint256:
    """
    @dev EWMA of the annualised squared return with the weight elapsed / (elapsed + window):
             (window * variance + elapsed * (r**2 * YEAR / elapsed)) / (elapsed + window), r = spot / last_spot - 1.
         The elapsed time cancels in the second term, so a burst of updates weighs no more than the time
         that it covers. Rounded down, saturating at 32 bits. window > 0, last_spot > 0.
         No overflow: difference**2 * VARIANCE_SCALE < 2**(144 + 49), window * variance < 2**(24 + 32).
    """
    difference: uint256 = unsafe_sub(max(spot, last_spot), min(spot, last_spot))
    gain: uint256 = unsafe_div(
        unsafe_mul(unsafe_mul(difference, difference), VARIANCE_SCALE), unsafe_mul(last_spot, last_spot)
    )
    return min(
        unsafe_div(unsafe_add(unsafe_mul(window, variance), gain), unsafe_add(elapsed, window)), MASK_32
    )


@internal
@pure
def _pack_tick(
    spot: uint256,
    mark: uint256,
    confidence: uint256,
    timestamp: uint256,
    variance: uint256,
    heartbeat: uint256,
    flags: uint256,
) -> uint256:
    """
    @dev Every argument must already fit its field; nothing is masked.
    """
    return (
        spot
        | (mark << 72)
        | (confidence << 144)
        | (timestamp << 172)
        | (variance << 204)
        | (heartbeat << 236)
        | (flags << 252)
    )
