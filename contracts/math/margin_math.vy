# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Margin of linear positions: size tiers, contingencies, haircuts
@license AGPL-3.0-only
@notice Every requirement is rounded up by itself, so that a sum of terms is the requirement to the wei.
        Money is wad USD, ratios are bps, confidence is 1e-8, sizes nano base, prices nano USD.
        Risk entry of a market: initial 16 | maintenance 16 | first multiplier 16 | second multiplier 16 |
        first bound 32 | second bound 32 from the lowest bit; ratios and multipliers in bps, bounds in
        thousand USD.
@dev Bounds on which the unchecked arithmetic rests, asserted by the callers: |size| <= 2**80, bids, asks < 2**81 and
     prices < 2**80, so a worst size is below 2**82 and a notional below 2**162; bps < 2**16, confidence <= 10**8 < 2**27, so the widest
     product, notional times lack of confidence times a factor, is below 2**(162 + 27 + 14) = 2**203; the largest
     term is below 2**180, and a sum of 64 of them below 2**186.
"""

BPS: constant(uint256) = 10_000
BPS_SQUARED: constant(uint256) = BPS * BPS
NANO: constant(uint256) = 10**9
FULL_CONFIDENCE: constant(uint256) = 10**8
BOUND_UNIT: constant(uint256) = 1_000
BOUND_WAD: constant(uint256) = BOUND_UNIT * 10**18
MASK_16: constant(uint256) = 2**16 - 1
MASK_32: constant(uint256) = 2**32 - 1


@internal
@pure
def _worst_size(size: int256, bids: uint256, asks: uint256) -> uint256:
    """
    @dev The larger of |size + bids| and |size - asks|: the position if every order of one side filled.
         Never below |size|.
    """
    up: int256 = unsafe_add(size, convert(bids, int256))
    down: int256 = unsafe_sub(size, convert(asks, int256))
    return convert(max(abs(up), abs(down)), uint256)


@internal
@pure
def _weighted(notional: uint256, risk: uint256) -> uint256:
    """
    @dev Notional times the multiplier of each tier, wad * bps: one up to the first bound, the first
         multiplier from there to the second bound, the second multiplier above. Continuous and, because
         multipliers do not fall, convex: splitting a position never raises its margin, merging never lowers it.
    """
    weighted: uint256 = unsafe_mul(notional, BPS)
    first_bound: uint256 = unsafe_mul((risk >> 64) & MASK_32, BOUND_WAD)
    if notional > first_bound:
        first: uint256 = (risk >> 32) & MASK_16
        weighted = unsafe_add(weighted, unsafe_mul(unsafe_sub(notional, first_bound), unsafe_sub(first, BPS)))
        second_bound: uint256 = unsafe_mul(risk >> 96, BOUND_WAD)
        if notional > second_bound:
            second: uint256 = (risk >> 48) & MASK_16
            weighted = unsafe_add(
                weighted, unsafe_mul(unsafe_sub(notional, second_bound), unsafe_sub(second, first))
            )
    return weighted


@internal
@pure
def _requirement_up(weighted: uint256, ratio: uint256) -> uint256:
    """
    @dev A ratio in bps of a weighted notional.
    """
    return unsafe_div(unsafe_add(unsafe_mul(weighted, ratio), BPS_SQUARED - 1), BPS_SQUARED)


@internal
@pure
def _confidence_up(notional: uint256, confidence: uint256, threshold: uint256, factor: uint256) -> uint256:
    """
    @dev (1 - confidence) * factor of a notional at spot, where confidence is below the threshold; both in 1e-8,
         threshold <= 10**8.
    """
    if confidence >= threshold:
        return 0
    share: uint256 = unsafe_mul(unsafe_sub(FULL_CONFIDENCE, confidence), factor)
    return unsafe_div(
        unsafe_add(unsafe_mul(notional, share), FULL_CONFIDENCE * BPS - 1), FULL_CONFIDENCE * BPS
    )


@internal
@pure
def _depeg_up(notional: uint256, stable_price: uint256, threshold: uint256, factor: uint256) -> uint256:
    """
    @dev (threshold - price) * factor of a notional at spot, where the cash token's price is below the
         threshold; both in nano USD, threshold <= 10**9.
    """
    if stable_price >= threshold:
        return 0
    share: uint256 = unsafe_mul(unsafe_sub(threshold, stable_price), factor)
    return unsafe_div(unsafe_add(unsafe_mul(notional, share), NANO * BPS - 1), NANO * BPS)


@internal
@pure
def _haircut_up(amount: uint256, haircut: uint256) -> uint256:
    """
    @dev A share in bps of an amount in wad.
    """
    return unsafe_div(unsafe_add(unsafe_mul(amount, haircut), BPS - 1), BPS)


@internal
@pure
def _pack_risk(
    initial: uint256,
    maintenance: uint256,
    first_multiplier: uint256,
    second_multiplier: uint256,
    first_bound: uint256,
    second_bound: uint256,
) -> uint256:
    """
    @dev Every argument must already fit its field; nothing is masked.
    """
    return (
        initial
        | (maintenance << 16)
        | (first_multiplier << 32)
        | (second_multiplier << 48)
        | (first_bound << 64)
        | (second_bound << 96)
    )
