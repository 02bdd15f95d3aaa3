# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Exposes math/normal, math/black76 and math/svi to the differential tests
@license AGPL-3.0-only
"""

from contracts.math import black76
from contracts.math import normal
from contracts.math import svi
from snekmate.utils import math


@external
@pure
def wad_exp(x: int256) -> int256:
    """
    @notice See snekmate's math._wad_exp.
    """
    return math._wad_exp(x)


@external
@pure
def wad_ln(x: int256) -> int256:
    """
    @notice See snekmate's math._wad_ln.
    """
    return math._wad_ln(x)


@external
@pure
def mills(t: uint256) -> uint256:
    """
    @notice See normal._mills.
    """
    return normal._mills(t)


@external
@pure
def density(t: uint256) -> uint256:
    """
    @notice See normal._density.
    """
    return normal._density(t)


@external
@pure
def pdf(x: int256) -> uint256:
    """
    @notice See normal._pdf.
    """
    return normal._pdf(x)


@external
@pure
def cdf(x: int256) -> uint256:
    """
    @notice See normal._cdf.
    """
    return normal._cdf(x)


@external
@pure
def log_moneyness(forward: uint256, strike: uint256) -> int256:
    """
    @notice See black76._log_moneyness.
    """
    return black76._log_moneyness(forward, strike)


@external
@pure
def root_time(seconds: uint256) -> uint256:
    """
    @notice See black76._root_time.
    """
    return black76._root_time(seconds)


@external
@pure
def total_vol(vol: uint256, root: uint256) -> uint256:
    """
    @notice See black76._total_vol.
    """
    return black76._total_vol(vol, root)


@external
@pure
def discount(rate: uint256, seconds: uint256) -> uint256:
    """
    @notice See black76._discount.
    """
    return black76._discount(rate, seconds)


@external
@pure
def time_value(smaller: uint256, moneyness: int256, width: uint256) -> uint256:
    """
    @notice See black76._time_value.
    """
    return black76._time_value(smaller, moneyness, width)


@external
@pure
def prices_from_log(
    forward: uint256, strike: uint256, moneyness: int256, width: uint256, factor: uint256
) -> (uint256, uint256):
    """
    @notice See black76._prices_from_log.
    """
    return black76._prices_from_log(forward, strike, moneyness, width, factor)


@external
@pure
def prices(forward: uint256, strike: uint256, width: uint256, factor: uint256) -> (uint256, uint256):
    """
    @notice See black76._prices.
    """
    return black76._prices(forward, strike, width, factor)


@external
@pure
def greeks(
    is_call: bool, forward: uint256, strike: uint256, vol: uint256, seconds: uint256, rate: uint256
) -> black76.Greeks:
    """
    @notice See black76._greeks.
    """
    return black76._greeks(is_call, forward, strike, vol, seconds, rate)


@external
@pure
def check(params: svi.Params):
    """
    @notice See svi._check.
    """
    svi._check(params)


@external
@pure
def log_strike(params: svi.Params, forward: uint256, strike: uint256) -> int256:
    """
    @notice See svi._log_strike.
    """
    return svi._log_strike(params, forward, strike)


@external
@pure
def total_variance(params: svi.Params, k: int256) -> int256:
    """
    @notice See svi._total_variance.
    """
    return svi._total_variance(params, k)


@external
@pure
def vol(params: svi.Params, forward: uint256, reference_time: uint256, strike: uint256) -> uint256:
    """
    @notice See svi._vol.
    """
    return svi._vol(params, forward, reference_time, strike)


@external
@view
def gas_of_time_value(smaller: uint256, moneyness: int256, width: uint256) -> uint256:
    """
    @notice Gas that one call of black76._time_value takes inside a contract.
    """
    before: uint256 = msg.gas
    black76._time_value(smaller, moneyness, width)
    return before - msg.gas


@external
@view
def gas_of_prices_from_log(
    forward: uint256, strike: uint256, moneyness: int256, width: uint256, factor: uint256
) -> uint256:
    """
    @notice Gas that one call of black76._prices_from_log takes inside a contract.
    """
    before: uint256 = msg.gas
    call: uint256 = 0
    put: uint256 = 0
    call, put = black76._prices_from_log(forward, strike, moneyness, width, factor)
    return before - msg.gas


@external
@view
def gas_of_prices(forward: uint256, strike: uint256, width: uint256, factor: uint256) -> uint256:
    """
    @notice Gas that one call of black76._prices takes inside a contract.
    """
    before: uint256 = msg.gas
    call: uint256 = 0
    put: uint256 = 0
    call, put = black76._prices(forward, strike, width, factor)
    return before - msg.gas


@external
@view
def gas_of_vol(params: svi.Params, forward: uint256, reference_time: uint256, strike: uint256) -> uint256:
    """
    @notice Gas that one call of svi._vol takes inside a contract.
    """
    before: uint256 = msg.gas
    found: uint256 = svi._vol(params, forward, reference_time, strike)
    return before - msg.gas
