# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/market_math.vy: what a market number says.

1..127 linear perpetuals, 128..255 inverse ones; from 256 dated markets, series = market >> 8 and index =
market & 255: 0 the future, 2 k + 1 the call and 2 k + 2 the put of strike k. May import nothing.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "MAX_MARKET",
    "MAX_SERIES",
    "Kind",
    "coins_down",
    "future",
    "is_call",
    "is_inverse",
    "kind",
    "option",
    "payoff",
    "series",
    "strike_index",
]

MAX_MARKET = 2**16 - 1
"""The Ledger's lists and the order words hold a market in 16 bits."""
MAX_SERIES = 255


class Kind(IntEnum):
    """IInstruments.Kind, as flag values; NONE is no market."""

    NONE = 0
    LINEAR_PERPETUAL = 1
    INVERSE_PERPETUAL = 2
    DATED_FUTURE = 4
    OPTION = 8


def kind(market: int) -> Kind:
    """Kind of a market number, NONE where no market can have it."""
    if not 0 < market <= MAX_MARKET:
        return Kind.NONE
    if market < 256:
        return Kind.LINEAR_PERPETUAL if market < 128 else Kind.INVERSE_PERPETUAL
    index = market % 256
    if index == 255:
        return Kind.NONE
    return Kind.OPTION if index else Kind.DATED_FUTURE


def is_inverse(market: int) -> bool:
    """Whether a number is an inverse perpetual's."""
    return 128 <= market < 256


def coins_down(size: int, price: int) -> int:
    """Nano coin of `size` >= 0 (nano contracts of one USD) at a price in nano USD, rounded down."""
    return size * 10**9 // price


def series(market: int) -> int:
    """Series of a dated market, 0 for a perpetual."""
    return market // 256


def strike_index(market: int) -> int:
    """Which strike of its series an option has, from 0."""
    return (market % 256 - 1) // 2


def is_call(market: int) -> bool:
    """Call or put, of an option."""
    return market % 2 == 1


def future(series_number: int) -> int:
    """Number of the dated future of a series."""
    return series_number * 256


def option(series_number: int, strike: int, call: bool) -> int:
    """Number of the option with the strike of this place in its series."""
    return series_number * 256 + 2 * strike + (1 if call else 2)


def payoff(price: int, strike: int, call: bool) -> int:
    """max(price - strike, 0) of a call, max(strike - price, 0) of a put; nano USD per unit of base."""
    return max(price - strike, 0) if call else max(strike - price, 0)
