# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Bounds that the terms of every market keep
@license AGPL-3.0-only
@notice Shared by perpetuals and dated series. Holds nothing.
"""

from contracts.interfaces import IOracle

UNKNOWN_MARKET: constant(String[32]) = "instruments: unknown market"
UNKNOWN_FEED: constant(String[32]) = "instruments: unknown feed"
BAD_TICK_SIZE: constant(String[40]) = "instruments: tick size out of range"
BAD_LOT_SIZE: constant(String[40]) = "instruments: lot size out of range"
BAD_CAP: constant(String[40]) = "instruments: open interest cap too large"

MAX_FEED: constant(uint256) = 255
# A tick number has 24 bits (IExchange): with a tick size below 2**48 every price fits in 72 bits.
MAX_TICK_SIZE: constant(uint256) = 2**48 - 1
MAX_LOT_SIZE: constant(uint256) = 2**64 - 1
# A position's size has 80 bits with its sign, so |size| < 2**79 holds if the whole market does.
MAX_OPEN_INTEREST: constant(uint256) = 2**79 - 1


@internal
@view
def _check_feed(oracle: IOracle, feed: uint256):
    """
    @dev An existing feed; a call that comes back also shows that there is code, which later reads rely on.
    """
    assert feed != 0 and feed <= MAX_FEED, UNKNOWN_FEED
    assert staticcall oracle.word(feed) != 0, UNKNOWN_FEED


@internal
@pure
def _check_sizes(tick_size: uint256, lot_size: uint256):
    assert tick_size != 0 and tick_size <= MAX_TICK_SIZE, BAD_TICK_SIZE
    assert lot_size != 0 and lot_size <= MAX_LOT_SIZE, BAD_LOT_SIZE


@internal
@pure
def _check_cap(max_open_interest: uint256):
    assert max_open_interest <= MAX_OPEN_INTEREST, BAD_CAP
