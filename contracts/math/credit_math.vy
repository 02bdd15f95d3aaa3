# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What a credit line stands for, what it costs, and how lenders share
@license AGPL-3.0-only
@notice Pure. Money is wad USD or token units as named, shares of margin and equity are bps, rates wad per year of 365 days.
        Credit is rounded down and fees up: margin and lenders come first.
"""

from contracts.math import fixed_point
from snekmate.utils import math

WAD: constant(uint256) = 10**18
BPS: constant(uint256) = 10_000
SECONDS_PER_YEAR: constant(uint256) = 365 * 86_400
# As those of the InsuranceFund: shares have six decimals more than assets.
VIRTUAL_SHARES: constant(uint256) = 10**6
VIRTUAL_ASSETS: constant(uint256) = 1


@internal
@pure
def _use(margin: uint256, equity: int256) -> uint256:
    """
    @dev The part of an initial margin that own equity does not meet, wad.
    """
    return convert(max(convert(margin, int256) - equity, 0), uint256)


@internal
@pure
def _cap_down(margin: uint256, equity: int256, share: uint256, multiple: uint256) -> uint256:
    """
    @dev The most that any line may stand for, wad: `share` of the initial margin, `multiple` of own equity (bps).
    """
    return min(margin * share // BPS, convert(max(equity, 0), uint256) * multiple // BPS)


@internal
@pure
def _maintenance_credit_down(line: uint256, margin: uint256, share: uint256) -> uint256:
    """
    @dev Of a maintenance margin a line stands for at most `share` (bps): some own equity is always needed.
    """
    return min(line, margin * share // BPS)


@internal
@pure
def _fee_up(used: uint256, idle: uint256, use_rate: uint256, commitment_rate: uint256, elapsed: uint256) -> uint256:
    """
    @dev Simple interest of `elapsed` seconds on what is used and on what is only kept ready, wad.
    """
    return fixed_point._div_up((used * use_rate + idle * commitment_rate) * elapsed, WAD * SECONDS_PER_YEAR)


@internal
@pure
def _shares_down(assets: uint256, supply: uint256, total: uint256) -> uint256:
    """
    @dev Shares for `assets` of a tranche of `total` token units and `supply` shares.
    """
    return math._mul_div(assets, supply + VIRTUAL_SHARES, total + VIRTUAL_ASSETS, False)


@internal
@pure
def _assets_down(shares: uint256, supply: uint256, total: uint256) -> uint256:
    """
    @dev Token units for `shares`.
    """
    return math._mul_div(shares, total + VIRTUAL_ASSETS, supply + VIRTUAL_SHARES, False)


@internal
@pure
def _first_loss_up(committed: uint256, subordination: uint256) -> uint256:
    """
    @dev Token units of junior assets that lines of `committed` token units ask for; `subordination` in bps.
    """
    return fixed_point._div_up(committed * subordination, BPS)
