# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Shocks of volatility, static discounts and lanes of a scenario grid
@license AGPL-3.0-only
@notice Scenario margin of Derive (PMRM_2): what one expiry's time, rate and log-strikes make of the parameters.
        Ratios, rates and times in years are wad.
@dev Parameters are bounded where they are set (RiskBoard): at most 100 wad each, powers at most 1; times
     below 2**40 seconds, rates below 2**64. The operations are checked: this runs once a refresh.
"""

from contracts.math import fixed_point
from snekmate.utils import math

WAD: constant(uint256) = 10**18
IWAD: constant(int256) = 10**18
SECONDS_PER_YEAR: constant(uint256) = 365 * 86_400
MONTH: constant(uint256) = 30 * 86_400


@internal
@pure
def _vol_shock(seconds: uint256, least: uint256, short_power: uint256, long_power: uint256) -> uint256:
    """
    @dev (30 days / max(time, floor))**power: how much larger the relative shocks of a shorter expiry are.
    """
    power: uint256 = short_power
    if seconds > MONTH:
        power = long_power
    ratio: int256 = math._wad_ln(convert(MONTH * WAD // max(seconds, least), int256))
    return convert(math._wad_exp(fixed_point._div_floor(convert(power, int256) * ratio, IWAD)), uint256)


@internal
@pure
def _scaled_down(amount: int256, factor: int256) -> int256:
    """
    @dev amount * factor, the factor in wad, floored.
    """
    return fixed_point._div_floor(amount * factor, IWAD)


@internal
@pure
def _skew(log_strike: int256, cap: int256, width: int256) -> uint256:
    """
    @dev Factor of the volatility at a log-strike: 1 + log-strike * cap / width, held at 1 +- cap, not below 0.
    """
    slope: int256 = fixed_point._div_floor(log_strike * cap, width)
    if log_strike >= 0:
        slope = min(cap, slope)
    else:
        slope = max(-cap, slope)
    return convert(max(IWAD + slope, 0), uint256)


@internal
@pure
def _width(root: int256, least: uint256, scale: uint256, static: uint256, slope: int256) -> int256:
    """
    @dev Log-strike at which a skew reaches its cap: root * scale * (static + root * slope), `root` the square
         root of the years.
    """
    inner: int256 = convert(static, int256) + self._scaled_down(root, slope)
    return max(
        convert(least, int256),
        self._scaled_down(self._scaled_down(root, convert(scale, int256)), inner),
    )


@internal
@pure
def _growth(rate: uint256, scale: uint256, add: uint256, seconds: uint256) -> int256:
    """
    @dev Exponent of a static discount: time * (rate * scale + add), floored.
    """
    return convert((rate * scale // WAD + add) * seconds // SECONDS_PER_YEAR, int256)
