# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What a market number says
@license AGPL-3.0-only
@notice A number tells a market's kind, series and strike without a storage read:
            1..127      linear perpetual
            128..255    inverse perpetual
            256..65535  dated: series = market >> 8, index = market & 255
                        index 0         the future of the series
                        index 2 k + 1   call of strike k, k = 0..126
                        index 2 k + 2   put of strike k
        No market: 0, index 255 of a series, and what needs more than 16 bits, the width of a market in the
        Ledger's lists and in order words.
"""

# Values of the flag IInstruments.Kind; 0 is no market.
LINEAR_PERPETUAL: constant(uint256) = 1
INVERSE_PERPETUAL: constant(uint256) = 2
DATED_FUTURE: constant(uint256) = 4
OPTION: constant(uint256) = 8

LAST_LINEAR: constant(uint256) = 127
FIRST_INVERSE: constant(uint256) = 128
# market >> 7 of every inverse perpetual and of nothing else: what trades and margin checks ask of each position.
INVERSE_BLOCK: constant(uint256) = 1
FIRST_DATED: constant(uint256) = 256
MAX_MARKET: constant(uint256) = 2**16 - 1
MAX_SERIES: constant(uint256) = 255
MASK_8: constant(uint256) = 255
# Nano USD of an inverse contract, and the unit of nano.
NANO: constant(uint256) = 10**9
# The one index that is neither the future nor one of a pair.
UNPAIRED: constant(uint256) = 255


@internal
@pure
def _kind(market: uint256) -> uint256:
    """
    @dev Kind of a market number, 0 where no market can have it.
    """
    if market < FIRST_DATED:
        if market >= FIRST_INVERSE:
            return INVERSE_PERPETUAL
        return min(market, LINEAR_PERPETUAL)
    if market > MAX_MARKET or market & MASK_8 == UNPAIRED:
        return 0
    if market & MASK_8 == 0:
        return DATED_FUTURE
    return OPTION


@internal
@pure
def _coins_down(size: uint256, price: uint256) -> uint256:
    """
    @dev Nano coin of `size` (nano contracts of one USD) at a price in nano USD, rounded down. Both sides of a fill
         take this one amount, so the rounding makes no coin. `size` is below 2**112, `price` not zero.
    """
    return unsafe_div(unsafe_mul(size, NANO), price)


@internal
@pure
def _series(market: uint256) -> uint256:
    """
    @dev Series of a dated market, 0 for a perpetual.
    """
    return market >> 8


@internal
@pure
def _strike_index(market: uint256) -> uint256:
    """
    @dev Which strike of its series an option has, from 0. Options only.
    """
    return unsafe_sub(market & MASK_8, 1) >> 1


@internal
@pure
def _is_call(market: uint256) -> bool:
    """
    @dev Call or put. Options only.
    """
    return market & 1 != 0


@internal
@pure
def _option(series: uint256, strike_index: uint256, is_call: bool) -> uint256:
    """
    @dev Number of an option; series <= 255, strike_index <= 126.
    """
    return unsafe_add((series << 8) | (strike_index << 1), 1 if is_call else 2)


@internal
@pure
def _payoff(price: uint256, strike: uint256, is_call: bool) -> uint256:
    """
    @dev What an option pays per unit of base at a settlement price: (price - strike)+ or (strike - price)+, exact.
    """
    if is_call:
        return unsafe_sub(max(price, strike), strike)
    return unsafe_sub(max(price, strike), price)
