# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Sensitivities of options, read off the boards of RiskBoard
@license AGPL-3.0-only
@notice Delta and gamma are those of the parabola through three values that a board holds: at spot and at the
        two basis shocks, some percent up and down. So they are wide ones: near expiry they stay finite, and
        they see the part of the forward that is fixed already. With relative moves a upward and b downward,
        A and B the changes of value:
            delta = (A b**2 - B a**2) / (a b (a + b))
            gamma = 2 (A b + B a) / (a b (a + b))
            vega  = gamma * volatility * time       (Black's model: vega = F**2 * gamma * vol * time)
        Holds no state and is owned by nobody.
"""

from contracts.interfaces import IGreeks
from contracts.interfaces import IRiskBoard
from contracts.math import market_math

implements: IGreeks

NOT_AN_OPTION: constant(String[40]) = "option_greeks: not an option"

NANO: constant(uint256) = 10**9
YEAR: constant(uint256) = 365 * 86_400
# Nano USD in the unit of a board's values, 1e-12 USD; nano USD times a wad in it.
UNITS: constant(uint256) = 1_000
IUNITS: constant(int256) = 1_000
TO_UNIT: constant(uint256) = 10**15
MASK_8: constant(uint256) = 2**8 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_72: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1
KNOWN: constant(uint256) = 2**255

# Where a board keeps what is read here (IRiskBoard): behind a STOP, 12 words of the series, 11 of each
# strike. The basis shocks are cases 33 and 34: lanes 1 and 2 of the ninth of the words that hold cases.
HEADER_WORDS: constant(uint256) = 12
STRIKE_WORDS: constant(uint256) = 10
LAST_WORD: constant(uint256) = 9

RISK_BOARD: public(immutable(IRiskBoard))

struct Header:
    count: uint256      # strikes
    seconds: uint256    # to expiry
    up: uint256         # discounted forward after the basis shock upward, 1e-12 USD
    down: uint256
    forward: uint256    # discounted, 1e-12 USD
    variable: uint256   # its part that moves with spot
    discount: uint256   # wad


@deploy
def __init__(risk_board: IRiskBoard):
    """
    @notice Reads one RiskBoard for good.
    @param risk_board Where boards are found.
    """
    RISK_BOARD = risk_board


@external
@view
def greeks(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    """
    @notice Sensitivities as the last boards have them. Cheapest when markets of one series follow each other.
    @param markets Numbers of option markets.
    @return A word for each (IGreeks), in order; 0 where a series has no board, no such strike or too small basis
         shocks.
    """
    series: DynArray[uint256, 64] = []
    for market: uint256 in markets:
        assert market_math._kind(market) == market_math.OPTION, NOT_AN_OPTION
        if len(series) == 0 or series[len(series) - 1] != market >> 8:
            series.append(market >> 8)
    boards: DynArray[address, 64] = (staticcall RISK_BOARD.boards(series))[1]
    found: DynArray[uint256, 64] = []
    run: uint256 = 0
    last: uint256 = 0
    board: address = empty(address)
    header: Header = empty(Header)
    for market: uint256 in markets:
        if market >> 8 != last:
            last = market >> 8
            board = boards[run]
            header = self._header(board)
            run = unsafe_add(run, 1)
        place: uint256 = market_math._strike_index(market)
        word: uint256 = 0
        if place < header.count:
            table: uint256 = 1 + 32 * HEADER_WORDS
            last_word: uint256 = unsafe_add(
                unsafe_add(table + 32 * LAST_WORD, unsafe_mul(32, header.count)),
                unsafe_mul(32 * STRIKE_WORDS, place),
            )
            word = self._word(
                header,
                convert(slice(board.code, unsafe_add(table, unsafe_mul(32, place)), 32), uint256),
                convert(slice(board.code, last_word, 32), uint256),
                market_math._is_call(market),
            )
        found.append(word)
    return found


@internal
@view
def _header(board: address) -> Header:
    if board == empty(address):
        return empty(Header)
    words: Bytes[32 * HEADER_WORDS] = slice(board.code, 1, 32 * HEADER_WORDS)
    first: uint256 = extract32(words, 0, output_type=uint256)
    parts: uint256 = extract32(words, 32, output_type=uint256)
    cases: uint256 = extract32(words, 32 * (HEADER_WORDS - 1), output_type=uint256)
    discount: uint256 = parts >> 160
    expiry: uint256 = (first >> 128) & MASK_40
    return Header(
        count=(first >> 80) & MASK_8,
        seconds=max(expiry, block.timestamp) - block.timestamp,
        up=(cases >> 64) & MASK_64,
        down=(cases >> 128) & MASK_64,
        forward=((parts & MASK_80) + ((parts >> 80) & MASK_80)) * discount // TO_UNIT,
        variable=((parts >> 80) & MASK_80) * discount // TO_UNIT,
        discount=discount,
    )


@internal
@pure
def _word(header: Header, first: uint256, last: uint256, is_call: bool) -> uint256:
    """
    @dev Moves are kept as changes of the discounted forward: a = relative move * variable. Values and
         forwards of a board are below 2**64, so products of three are below 2**193. Moves are above a
         thousandth, so slope and bend are below 2**76, and delta and gamma as well.
    """
    if header.seconds == 0 or header.variable == 0:
        # The payoff is fixed, or nothing that spot does changes it.
        return KNOWN | (header.seconds << 224)
    # Shocks of less than a thousandth tell nothing; with more, what is divided by them stays small.
    least: uint256 = unsafe_div(header.variable, 1_000)
    if header.up <= unsafe_add(header.forward, least) or unsafe_add(header.down, least) >= header.forward:
        return 0
    mark: int256 = convert(unsafe_mul((first >> 72) & MASK_72, UNITS), int256)
    up: int256 = convert((last >> 64) & MASK_64, int256)
    down: int256 = convert((last >> 128) & MASK_64, int256)
    if not is_call:
        strike: int256 = convert(unsafe_div(unsafe_mul(first & MASK_72, header.discount), TO_UNIT), int256)
        mark = convert(unsafe_mul((first >> 144) & MASK_72, UNITS), int256)
        up = max(unsafe_sub(unsafe_add(up, strike), convert(header.up, int256)), 0)
        down = max(unsafe_sub(unsafe_add(down, strike), convert(header.down, int256)), 0)
    up = unsafe_sub(up, mark)
    down = unsafe_sub(down, mark)
    a: int256 = convert(unsafe_sub(header.up, header.forward), int256)
    b: int256 = convert(unsafe_sub(header.forward, header.down), int256)
    variable: int256 = convert(header.variable, int256)
    area: int256 = unsafe_mul(a, b)
    slope: int256 = self._div_floor(
        unsafe_sub(unsafe_mul(unsafe_mul(up, b), b), unsafe_mul(unsafe_mul(down, a), a)), area
    )
    span: int256 = unsafe_mul(unsafe_add(a, b), IUNITS)
    delta: int256 = self._div_floor(unsafe_mul(slope, variable), span)
    bend: int256 = self._div_floor(
        unsafe_mul(unsafe_add(unsafe_mul(up, b), unsafe_mul(down, a)), variable), area
    )
    gamma: uint256 = 0
    if bend > 0:
        gamma = convert(unsafe_div(unsafe_mul(unsafe_mul(2, bend), variable), span), uint256)
    vega: uint256 = unsafe_div(
        unsafe_mul(unsafe_mul(gamma, first >> 216), header.seconds), NANO * YEAR
    )
    return (
        (convert(convert(delta, bytes32), uint256) & MASK_80)
        | (min(gamma, MASK_72) << 80)
        | (min(vega, MASK_72) << 152)
        | (min(header.seconds, 2**31 - 1) << 224)
        | KNOWN
    )


@internal
@pure
def _div_floor(numerator: int256, denominator: int256) -> int256:
    """
    @dev Toward minus infinity, for a denominator above zero.
    """
    quotient: int256 = unsafe_div(numerator, denominator)
    if unsafe_mul(quotient, denominator) > numerator:
        return unsafe_sub(quotient, 1)
    return quotient
