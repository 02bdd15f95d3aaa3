# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Margin of short options by the standard rules
@license AGPL-3.0-only
@notice Standard margin of Derive (StandardManager), as an amount to keep instead of a number to be positive.
        Risk word of an underlying, from the lowest bit: initial spot 16 | least initial spot 16 | maintenance call 16 |
        maintenance put 16 | maintenance put mark 16 | put offset 16 | initial unpaired 16 | maintenance unpaired 16 |
        confidence threshold 28 | confidence factor 16.
@dev Bounds on which the unchecked arithmetic rests: sizes below 2**83, prices below 2**81, so amounts below 2**164;
     ratios below 2**16, so what a unit must keep is below 2**114 and the widest product below 2**197.
"""

BPS: constant(uint256) = 10_000
BPS_SQUARED: constant(uint256) = BPS * BPS
MASK_16: constant(uint256) = 2**16 - 1
MASK_28: constant(uint256) = 2**28 - 1


@internal
@pure
def _short(is_call: bool, strike: uint256, spot: uint256, mark: uint256, risk: uint256) -> (uint256, uint256):
    """
    @dev What a short option must keep beyond its mark, for each unit of base:
         call   initial      max(initial * S - (K - S)+, least * S)
                maintenance  share * S
         put    initial      the larger of the same with (S - K)+ and (mark + maintenance) * offset - mark
                maintenance  max(share * S, share of mark * mark)
    @return uint256 Initial, nano USD * bps**2.
    @return uint256 Maintenance, nano USD * bps; at most the initial one.
    """
    full: uint256 = unsafe_mul(spot, risk & MASK_16)
    least: uint256 = unsafe_mul(spot, (risk >> 16) & MASK_16)
    higher: uint256 = max(strike, spot)
    if is_call:
        credit: uint256 = unsafe_mul(unsafe_sub(higher, spot), BPS)
        return (
            unsafe_mul(max(least, unsafe_sub(max(full, credit), credit)), BPS),
            unsafe_mul(spot, (risk >> 32) & MASK_16),
        )
    credit: uint256 = unsafe_mul(unsafe_sub(higher, strike), BPS)
    maintenance: uint256 = max(
        unsafe_mul(spot, (risk >> 48) & MASK_16), unsafe_mul(mark, (risk >> 64) & MASK_16)
    )
    offset: uint256 = (risk >> 80) & MASK_16
    return (
        max(
            unsafe_mul(max(least, unsafe_sub(max(full, credit), credit)), BPS),
            unsafe_add(
                unsafe_mul(unsafe_mul(mark, BPS), unsafe_sub(offset, BPS)), unsafe_mul(maintenance, offset)
            ),
        ),
        maintenance,
    )


@internal
@pure
def _unpaired_up(calls: int256, forward: uint256, scale: uint256) -> uint256:
    """
    @dev What short calls without a long one are charged above the last strike, where their loss has no bound; 0 where
         the calls are not short on balance.
    @param calls Sum of the sizes of all calls, nano base.
    """
    if calls >= 0:
        return 0
    short: uint256 = convert(unsafe_sub(0, calls), uint256)
    return unsafe_div(unsafe_add(unsafe_mul(unsafe_mul(short, forward), scale), BPS - 1), BPS)
