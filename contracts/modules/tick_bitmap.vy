# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Which ticks hold orders: a three-level bitmap for each side of each market
@license AGPL-3.0-only
@notice A bottom word has a bit for each of 256 ticks, a middle word for each of 256 bottom words, the top word for
        each of 256 middle words. A bit is set iff what it stands for is not empty, so the neighbour of
        a tick is found in at most five reads, however wide the gap.
"""

from contracts.math import book_math

BOTTOM: constant(uint256) = 0
MIDDLE: constant(uint256) = 1 << 16
TOP: constant(uint256) = 2 << 16

words: HashMap[uint256, uint256]    # side << 18 | layer | index


@internal
def _set(side: uint256, tick: uint256):
    key: uint256 = (side << 18) | (tick >> 8)
    word: uint256 = self.words[key]
    self.words[key] = word | (1 << (tick & 255))
    if word != 0:
        return
    key = (side << 18) | MIDDLE | (tick >> 16)
    word = self.words[key]
    self.words[key] = word | (1 << ((tick >> 8) & 255))
    if word != 0:
        return
    key = (side << 18) | TOP
    self.words[key] = self.words[key] | (1 << (tick >> 16))


@internal
def _clear(side: uint256, tick: uint256):
    """
    @dev The bit of `tick` must be set.
    """
    key: uint256 = (side << 18) | (tick >> 8)
    word: uint256 = self.words[key] ^ (1 << (tick & 255))
    self.words[key] = word
    if word != 0:
        return
    key = (side << 18) | MIDDLE | (tick >> 16)
    word = self.words[key] ^ (1 << ((tick >> 8) & 255))
    self.words[key] = word
    if word != 0:
        return
    key = (side << 18) | TOP
    self.words[key] = self.words[key] ^ (1 << (tick >> 16))


@internal
@view
def _beyond(side: uint256, tick: uint256) -> uint256:
    """
    @dev The next tick of the side that is worse than `tick`: lower for bids (odd sides), higher for asks. 0: none.
    """
    if side & 1 != 0:
        return self._below(side, tick)
    return self._above(side, tick)


@internal
@view
def _below(side: uint256, tick: uint256) -> uint256:
    word: uint256 = self.words[(side << 18) | (tick >> 8)] & book_math._lower_bits(tick & 255)
    if word != 0:
        return ((tick >> 8) << 8) | book_math._msb(word)

    word = self.words[(side << 18) | MIDDLE | (tick >> 16)] & book_math._lower_bits((tick >> 8) & 255)
    bottom: uint256 = 0
    if word != 0:
        bottom = ((tick >> 16) << 8) | book_math._msb(word)
    else:
        word = self.words[(side << 18) | TOP] & book_math._lower_bits(tick >> 16)
        if word == 0:
            return 0
        bottom = book_math._msb(word)
        bottom = (bottom << 8) | book_math._msb(self.words[(side << 18) | MIDDLE | bottom])
    return (bottom << 8) | book_math._msb(self.words[(side << 18) | bottom])


@internal
@view
def _above(side: uint256, tick: uint256) -> uint256:
    word: uint256 = self.words[(side << 18) | (tick >> 8)] & book_math._higher_bits(tick & 255)
    if word != 0:
        return ((tick >> 8) << 8) | book_math._lsb(word)

    word = self.words[(side << 18) | MIDDLE | (tick >> 16)] & book_math._higher_bits((tick >> 8) & 255)
    bottom: uint256 = 0
    if word != 0:
        bottom = ((tick >> 16) << 8) | book_math._lsb(word)
    else:
        word = self.words[(side << 18) | TOP] & book_math._higher_bits(tick >> 16)
        if word == 0:
            return 0
        bottom = book_math._lsb(word)
        bottom = (bottom << 8) | book_math._lsb(self.words[(side << 18) | MIDDLE | bottom])
    return (bottom << 8) | book_math._lsb(self.words[(side << 18) | bottom])
