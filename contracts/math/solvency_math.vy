# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What of a delta its account does not cover
@license AGPL-3.0-only
@notice Deltas and money in nano USD, at most MAX_SIDE each, so that totals of 2**32 accounts fit 112 bits; ratios in
        bps. With the larger side r of each underlying, stress s and capital C >= 0 of an account:
            loss L = sum of s * r          deficit = max(L - C, 0)       uncovered side = side * deficit / L
        so the stressed uncovered sides, the larger of each underlying, sum to the deficit (rounded up).
"""

BPS: constant(uint256) = 10_000
NANO: constant(uint256) = 10**9
MAX_SIDE: constant(uint256) = 2**80 - 1
# Above any amount of a portfolio (exposures), small enough for sums.
MAX_WAD: constant(uint256) = 2**240


@internal
@pure
def _nano_up(amount: uint256) -> uint256:
    """
    @dev Nano USD of wad, at most MAX_SIDE: more than the world is worth.
    """
    return min(unsafe_div(unsafe_add(min(amount, MAX_WAD), NANO - 1), NANO), MAX_SIDE)


@internal
@pure
def _sides_up(net: int256, up: uint256, down: uint256, unknown: uint256) -> uint256:
    """
    @dev Both sides of an underlying with resting orders at their worst for each, packed: long | short << 128.
    @param net Delta, wad, positive gains when the price rises.
    @param up, down What fills could add to it, and take away.
    @param unknown Exposure of options of which nothing is known, on either side.
    """
    long: uint256 = convert(max(net + convert(up, int256), 0), uint256)
    short: uint256 = convert(max(convert(down, int256) - net, 0), uint256)
    return self._nano_up(long + unknown) | (self._nano_up(short + unknown) << 128)


@internal
@pure
def _stressed_up(side: uint256, stress: uint256) -> uint256:
    """
    @dev What a side loses at the stress; below 2**126 for sides below 2**112.
    """
    return unsafe_div(unsafe_add(unsafe_mul(side, stress), BPS - 1), BPS)


@internal
@pure
def _uncovered_up(side: uint256, deficit: uint256, loss: uint256) -> uint256:
    """
    @dev side * deficit / loss for deficit <= loss < 2**100 and loss != 0: at most the side.
    """
    return unsafe_div(unsafe_add(unsafe_mul(side, deficit), unsafe_sub(loss, 1)), loss)


@internal
@pure
def _buffer_down(assets: uint256, owed: uint256, share: uint256) -> uint256:
    """
    @dev Share of what is left of the assets once all that is owed already has been paid.
    """
    if owed >= assets:
        return 0
    return unsafe_sub(assets, owed) * share // BPS


@internal
@pure
def _charge_up(past: uint256, rate: uint256) -> uint256:
    """
    @dev Wad, for nano USD of stressed exposure past the buffer.
    """
    return (past * NANO * rate + BPS - 1) // BPS
