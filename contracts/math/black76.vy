# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title European options on a forward
@license AGPL-3.0-only
@notice F. Black, "The pricing of commodity contracts" (1976): call = D (F N(d1) - K N(d2)),
        d1 = ln(F/K)/w + w/2, d2 = d1 - w, with total volatility w = vol * sqrt(time).
        Prices in are nano USD below 2**80, prices out wad USD per unit of base. Volatilities, logarithms, discounts and
        rates (per year of 365 days) are wad, times are seconds. Only what is out of the money is computed; the other
        side follows from parity, which is therefore exact.
        Many scenarios of one option: its logarithm moves by ln(shock), a constant of the scenario, and `_root_time` is
        that of its expiry, so each price costs `_time_value` and a product.
"""

from contracts.math import normal
from snekmate.utils import math

WAD: constant(uint256) = 10**18
NANO: constant(uint256) = 10**9
SECONDS_PER_YEAR: constant(uint256) = 365 * 86_400

# From here on a call is worth its forward and a put its strike: what is left, N(-9) of it, is below the error.
MAX_TOTAL_VOL: constant(uint256) = 24 * 10**18

MAX_PRICE: constant(uint256) = 2**80
MAX_SECONDS: constant(uint256) = 2**40
MAX_VOL: constant(uint256) = 2**128
MAX_LOG: constant(int256) = 2**128
MAX_DISCOUNT: constant(uint256) = 2**80
MAX_RATE: constant(uint256) = 2**128

# exp(-50) is below 1e-18.
MAX_EXPONENT: constant(uint256) = 50 * 10**18

PRICE_OUT_OF_RANGE: constant(String[32]) = "black76: price out of range"
MONEYNESS_OUT_OF_RANGE: constant(String[32]) = "black76: moneyness out of range"
DISCOUNT_OUT_OF_RANGE: constant(String[32]) = "black76: discount out of range"
TIME_OUT_OF_RANGE: constant(String[32]) = "black76: time out of range"
RATE_OUT_OF_RANGE: constant(String[32]) = "black76: rate out of range"


struct Greeks:
    delta: int256  # by the forward, wad; negative for a put
    gamma: uint256 # of delta by the forward, wad per USD, floor
    vega: uint256  # by volatility, wad USD per 1e18 of it, floor
    theta: int256  # by passing time, forward and volatility unchanged, wad USD per year


@internal
@pure
def _log_moneyness(forward: uint256, strike: uint256) -> int256:
    """
    @dev ln(F / K), odd in exchange of the two; 0 when either is 0, where no price depends on it.
    @return int256 wad, error below 3.
    """
    assert forward < MAX_PRICE and strike < MAX_PRICE, PRICE_OUT_OF_RANGE
    if forward == 0 or strike == 0:
        return 0
    # The ratio of the larger to the smaller keeps all digits; below 2**140.
    if forward >= strike:
        return math._wad_ln(convert(unsafe_div(unsafe_mul(forward, WAD), strike), int256))
    return unsafe_sub(0, math._wad_ln(convert(unsafe_div(unsafe_mul(strike, WAD), forward), int256)))


@internal
@pure
def _root_time(seconds: uint256) -> uint256:
    """
    @dev The square root of the time in years, base 2**96, floor. Below 2**104.
    """
    assert seconds < MAX_SECONDS, TIME_OUT_OF_RANGE
    return isqrt((seconds << 192) // SECONDS_PER_YEAR)


@internal
@pure
def _total_vol(vol: uint256, root_time: uint256) -> uint256:
    """
    @dev vol * sqrt(time), floor. Above 2**128 a volatility is as good as 2**128: one second then exceeds
         MAX_TOTAL_VOL.
    @param root_time What `_root_time` gave, below 2**104.
    @return uint256 wad.
    """
    return unsafe_mul(min(vol, MAX_VOL), root_time) >> 96


@internal
@pure
def _discount(rate: uint256, seconds: uint256) -> uint256:
    """
    @dev exp(-rate * time), floored; 1e18 at most.
    @param rate Wad per year, continuously compounded.
    """
    assert seconds < MAX_SECONDS, TIME_OUT_OF_RANGE
    assert rate < MAX_RATE, RATE_OUT_OF_RANGE
    exponent: uint256 = min(rate * seconds // SECONDS_PER_YEAR, MAX_EXPONENT)
    return convert(math._wad_exp(-convert(exponent, int256)), uint256)


@internal
@pure
def _time_value(smaller: uint256, log_moneyness: int256, total_vol: uint256) -> uint256:
    """
    @dev Undiscounted price of whichever of call and put is out of the money. At most `smaller`; 0 at no
         volatility. Undirected, error below 3e-18 of `smaller` and one unit.
         With h = w/2 and r = |ln(F/K)|/w, near = |h - r| and far = h + r, both terms of the formula share one
         density, because F n(d1) = K n(d2): the price is smaller * n(near) * (mills(near) - mills(far)),
         or smaller * (1 - n(near) * (mills(near) + mills(far))) where h > r.
    @param smaller The smaller of forward and strike, nano USD.
    @param log_moneyness ln(F / K) in wad, whatever its sign; must belong to the two prices.
    @return uint256 wad USD per unit of base.
    """
    assert smaller < MAX_PRICE, PRICE_OUT_OF_RANGE
    assert log_moneyness < MAX_LOG and log_moneyness > -MAX_LOG, MONEYNESS_OUT_OF_RANGE
    if smaller == 0 or total_vol == 0:
        return 0
    ceiling: uint256 = unsafe_mul(smaller, NANO)
    if total_vol >= MAX_TOTAL_VOL:
        return ceiling
    # half <= 12 * 2**96; the logarithm is below 2**128, so ratio is below 2**224.
    half: uint256 = unsafe_div(total_vol << 95, WAD)
    ratio: uint256 = unsafe_div(convert(abs(log_moneyness), uint256) << 96, total_vol)
    # mills <= 1.26 * 2**96 and density < 2**144, so their product has at most 242 bits; shifted by 101 it is in
    # base 2**140 and at most 1.01, so that times `ceiling`, below 2**110, it has at most 251 bits.
    if half > ratio:
        near: uint256 = unsafe_sub(half, ratio)
        both: uint256 = unsafe_add(normal._mills(near), normal._mills(unsafe_add(half, ratio)))
        share: uint256 = unsafe_mul(normal._density(near), both) >> 101
        return unsafe_sub(ceiling, min(ceiling, unsafe_mul(ceiling, share) >> 140))
    near: uint256 = unsafe_sub(ratio, half)
    if near >= normal.FAR:
        return 0
    # far = near + w < 13 + 24, the range of mills.
    nearer: uint256 = normal._mills(near)
    farther: uint256 = normal._mills(unsafe_add(half, ratio))
    if farther >= nearer:
        return 0
    share: uint256 = unsafe_mul(normal._density(near), unsafe_sub(nearer, farther)) >> 101
    return unsafe_mul(ceiling, share) >> 140


@internal
@pure
def _prices_from_log(
    forward: uint256, strike: uint256, log_moneyness: int256, total_vol: uint256, discount: uint256
) -> (uint256, uint256):
    """
    @dev Call and put, from a logarithm that is known. The smaller is the discounted time value, rounded down; the larger
         exceeds it by |F - K| * discount, rounded down. So in integers parity is exact, call <= F * discount and
         put <= K * discount (both rounded down), and neither is negative.
    @param discount Wad, below 2**80.
    @return uint256 The call, wad USD per unit of base.
    @return uint256 The put, wad USD per unit of base.
    """
    assert forward < MAX_PRICE and strike < MAX_PRICE, PRICE_OUT_OF_RANGE
    assert discount < MAX_DISCOUNT, DISCOUNT_OUT_OF_RANGE
    # Undiscounted prices are below 2**110, so the products are below 2**190.
    if forward >= strike:
        put: uint256 = unsafe_div(unsafe_mul(self._time_value(strike, log_moneyness, total_vol), discount), WAD)
        intrinsic: uint256 = unsafe_mul(unsafe_sub(forward, strike), NANO)
        return unsafe_add(put, unsafe_div(unsafe_mul(intrinsic, discount), WAD)), put
    call: uint256 = unsafe_div(unsafe_mul(self._time_value(forward, log_moneyness, total_vol), discount), WAD)
    intrinsic: uint256 = unsafe_mul(unsafe_sub(strike, forward), NANO)
    return call, unsafe_add(call, unsafe_div(unsafe_mul(intrinsic, discount), WAD))


@internal
@pure
def _prices(forward: uint256, strike: uint256, total_vol: uint256, discount: uint256) -> (uint256, uint256):
    """
    @dev Call and put; as `_prices_from_log`, with the logarithm computed.
    """
    return self._prices_from_log(forward, strike, self._log_moneyness(forward, strike), total_vol, discount)


@internal
@pure
def _greeks(is_call: bool, forward: uint256, strike: uint256, vol: uint256, seconds: uint256, rate: uint256) -> Greeks:
    """
    @dev Derivatives of the discounted price. Where the price is the discounted payoff (no forward, strike, time
         or volatility, or a total volatility of 24) gamma and vega are 0 and delta is that of the payoff: 0 at the
         strike.
    """
    root_time: uint256 = self._root_time(seconds)
    total_vol: uint256 = self._total_vol(vol, root_time)
    discount: uint256 = self._discount(rate, seconds)
    log_moneyness: int256 = self._log_moneyness(forward, strike)
    call: uint256 = 0
    put: uint256 = 0
    call, put = self._prices_from_log(forward, strike, log_moneyness, total_vol, discount)
    carry: int256 = convert(rate * (call if is_call else put) // WAD, int256)
    full_delta: int256 = convert(discount, int256) if is_call else -convert(discount, int256)
    if forward == 0 or strike == 0 or total_vol == 0:
        exercised: bool = forward > strike if is_call else strike > forward
        return Greeks(delta=full_delta if exercised else 0, gamma=0, vega=0, theta=carry)
    if total_vol >= MAX_TOTAL_VOL:
        return Greeks(delta=full_delta if is_call else 0, gamma=0, vega=0, theta=carry)
    ratio: int256 = convert(convert(abs(log_moneyness), uint256) * WAD // total_vol, int256)
    d1: int256 = convert(total_vol // 2, int256) + (ratio if log_moneyness >= 0 else -ratio)
    chance: int256 = convert(normal._cdf(d1 if is_call else -d1) * discount // WAD, int256)
    weight: uint256 = normal._pdf(d1) * discount // WAD
    vega: uint256 = (forward * NANO * weight // WAD) * root_time >> 96
    decay: uint256 = vega * vol * SECONDS_PER_YEAR // (2 * seconds * WAD)
    return Greeks(
        delta=chance if is_call else -chance,
        gamma=weight * WAD * NANO // (forward * total_vol),
        vega=vega,
        theta=carry - convert(decay, int256),
    )
