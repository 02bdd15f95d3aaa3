# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Boards with a feed, a forward and strikes but no values, for unit tests of engines
@license AGPL-3.0-only
@notice As code, in the places that IRiskBoard names.
"""

PREFIX: constant(Bytes[12]) = x"600b5981380380925939f300"
HEAD_WORDS: constant(uint256) = 12
STRIKE_WORDS: constant(uint256) = 10
MAX_WORDS: constant(uint256) = HEAD_WORDS + 64 * (1 + STRIKE_WORDS)

_boards: address[256]


@external
def set_board(series: uint256, feed: uint256, fixed: uint256, variable: uint256, strikes: DynArray[uint256, 64]):
    """
    @notice Writes a board.
    """
    words: DynArray[uint256, MAX_WORDS] = [(feed << 72) | (len(strikes) << 80), fixed | (variable << 80)]
    for _: uint256 in range(HEAD_WORDS - 2):
        words.append(0)
    for strike: uint256 in strikes:
        words.append(strike)
    for _: uint256 in range(len(strikes) * STRIKE_WORDS, bound=64 * STRIKE_WORDS):
        words.append(max_value(uint256))
    encoded: Bytes[64 + 32 * MAX_WORDS] = abi_encode(words)
    self._boards[series] = raw_create(concat(PREFIX, slice(encoded, 64, 32 * len(words))))


@external
@view
def boards(series: DynArray[uint256, 64]) -> (address, DynArray[address, 64]):
    """
    @notice No grid, and the board of each series.
    """
    found: DynArray[address, 64] = []
    for number: uint256 in series:
        found.append(self._boards[number])
    return empty(address), found
