# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Volatility from the raw SVI parametrisation
@license AGPL-3.0-only
@notice J. Gatheral's stochastic-volatility-inspired total variance of a log-strike k = ln(K/F):
        w(k) = a + b (rho (k - m) + sqrt((k - m)**2 + sigma**2)). Parameters, log-strikes, total variances and
        volatilities are wad, prices nano USD below 2**80, times seconds (a year has 365 days).
        Log-strikes are cut at four standard deviations at the money on either side, as in Derive's vol feed.
"""

from contracts.math import fixed_point
from snekmate.utils import math

WAD: constant(int256) = 10**18
SECONDS_PER_YEAR: constant(uint256) = 365 * 86_400
MAX_PRICE: constant(uint256) = 2**80
MAX_SECONDS: constant(uint256) = 2**40
MAX_PARAMETER: constant(int256) = 1_000 * 10**18
MAX_VARIANCE: constant(int256) = 144 * 10**18

# `_total_variance` is at most 1 + b <= 3 units too low: a surface that passes the check is never refused when read.
MIN_VARIANCE: constant(int256) = 4

# Total variance may not grow faster than twice the log-strike (R. Lee, 2004).
MAX_WING: constant(int256) = 2 * 10**18

PARAMETER_OUT_OF_RANGE: constant(String[32]) = "svi: parameter out of range"
SIGMA_OUT_OF_RANGE: constant(String[32]) = "svi: sigma out of range"
NEGATIVE_SLOPE: constant(String[32]) = "svi: negative slope"
RHO_OUT_OF_RANGE: constant(String[32]) = "svi: rho out of range"
WING_TOO_STEEP: constant(String[32]) = "svi: wing too steep"
NEGATIVE_VARIANCE: constant(String[32]) = "svi: negative variance"
PRICE_OUT_OF_RANGE: constant(String[32]) = "svi: price out of range"
TIME_OUT_OF_RANGE: constant(String[32]) = "svi: time out of range"


struct Params:
    a: int256     # level of total variance
    b: int256     # slope of the wings, >= 0
    rho: int256   # tilt, within -1 and 1
    m: int256     # log-strike of the vertex
    sigma: int256 # width of the vertex, > 0


@internal
@pure
def _check(params: Params):
    """
    @dev Reverts unless variance is everywhere positive and its wings obey Lee's bound. Butterfly arbitrage near the money
         is not excluded by this.
    """
    assert params.a >= -MAX_PARAMETER and params.a <= MAX_PARAMETER, PARAMETER_OUT_OF_RANGE
    assert params.m >= -MAX_PARAMETER and params.m <= MAX_PARAMETER, PARAMETER_OUT_OF_RANGE
    assert params.b <= MAX_PARAMETER, PARAMETER_OUT_OF_RANGE
    assert params.sigma > 0 and params.sigma <= MAX_PARAMETER, SIGMA_OUT_OF_RANGE
    assert params.b >= 0, NEGATIVE_SLOPE
    assert params.rho > -WAD and params.rho < WAD, RHO_OUT_OF_RANGE
    assert params.b * (WAD + abs(params.rho)) <= MAX_WING * WAD, WING_TOO_STEEP
    # The least variance is a + b sigma sqrt(1 - rho**2).
    root: int256 = convert(isqrt(convert(WAD * WAD - params.rho * params.rho, uint256)), int256)
    assert params.a * WAD + params.b * params.sigma * root // WAD >= MIN_VARIANCE * WAD, NEGATIVE_VARIANCE


@internal
@pure
def _log_strike(params: Params, forward: uint256, strike: uint256) -> int256:
    """
    @dev ln(K / F), cut at 4 sqrt(a + b sigma) on either side. A strike of 0 is at the lower cut, a forward of 0
         at the upper one.
    @return int256 wad, rounded toward zero.
    """
    assert forward < MAX_PRICE and strike < MAX_PRICE, PRICE_OUT_OF_RANGE
    variance: int256 = params.a * WAD + params.b * params.sigma
    assert variance >= 0, NEGATIVE_VARIANCE
    limit: int256 = 4 * convert(isqrt(convert(variance, uint256)), int256)
    if strike == 0:
        return -limit
    if forward == 0:
        return limit
    if strike >= forward:
        return min(limit, math._wad_ln(convert(strike, int256) * WAD // convert(forward, int256)))
    return -min(limit, math._wad_ln(convert(forward, int256) * WAD // convert(strike, int256)))


@internal
@pure
def _total_variance(params: Params, k: int256) -> int256:
    """
    @dev w(k), floored, at most 144. Reverts where it is negative.
    """
    distance: int256 = k - params.m
    square: int256 = distance * distance + params.sigma * params.sigma
    root: int256 = convert(isqrt(convert(square, uint256)), int256)
    slope: int256 = root * WAD + params.rho * distance
    variance: int256 = params.a + fixed_point._div_floor(params.b * slope, WAD * WAD)
    assert variance >= 0, NEGATIVE_VARIANCE
    return min(variance, MAX_VARIANCE)


@internal
@pure
def _vol(params: Params, forward: uint256, reference_time: uint256, strike: uint256) -> uint256:
    """
    @dev Volatility at a strike: sqrt(total variance / reference time), floored.
    @param forward The forward at which the parameters were fitted.
    @param reference_time Seconds to expiry when they were fitted.
    """
    assert reference_time > 0 and reference_time < MAX_SECONDS, TIME_OUT_OF_RANGE
    variance: int256 = self._total_variance(params, self._log_strike(params, forward, strike))
    return isqrt(convert(variance * WAD, uint256) * SECONDS_PER_YEAR // reference_time)
