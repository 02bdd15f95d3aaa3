# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The bitmap of ticks alone, for tests
@license AGPL-3.0-only
"""

from contracts.modules import tick_bitmap

initializes: tick_bitmap


@external
def set(side: uint256, tick: uint256):
    tick_bitmap._set(side, tick)


@external
def clear(side: uint256, tick: uint256):
    tick_bitmap._clear(side, tick)


@external
@view
def beyond(side: uint256, tick: uint256) -> uint256:
    return tick_bitmap._beyond(side, tick)
