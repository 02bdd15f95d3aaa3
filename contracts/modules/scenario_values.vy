# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The options of one series in all cases
@license AGPL-3.0-only
@notice Sums of sizes times the values that RiskBoard holds (IRiskBoard), and the least terminal payoff.
@dev A word of a board holds four 64-bit values. One product of it, masked to the values 0 and 2 or to 1 and 3, with a size
     serves two cases, in lanes of 128 bits. A size may be negative: the word is then the sum of signed lanes,
     low + high * 2**128 modulo 2**256, from which both come back exactly while each is within +-2**127.
     That is so: the gross size of an account's options is below 2**61 (the caller refuses more). It bounds the sum of
     the net sizes of all strikes, and the size of the puts that multiplies the forwards, so the sums of both are
     below 2**62 times values below 2**64. Discounted strikes are below 2**64 too (RiskBoard refuses others), what
     they add is below 2**125. Together below 2**127. The twin adds each case by itself, without lanes; tests
     hold both together up to the bound.
"""

from contracts.math import portfolio_math

MAX_STRIKES: constant(uint256) = 64
HEADER_WORDS: constant(uint256) = 12
STRIKE_WORDS: constant(uint256) = 10
LANES: constant(uint256) = (2**64 - 1) | ((2**64 - 1) << 128)
BOTH_LANES: constant(uint256) = 2**128 + 1
TO_UNIT: constant(uint256) = portfolio_math.TO_UNIT

struct Held:
    nets: int256[MAX_STRIKES]   # calls and puts of each strike, nano base
    puts: int256[MAX_STRIKES]
    above: uint256              # places of strikes held are below it
    first: uint256              # and from here on
    put_size: int256
    future: int256
    gross: uint256              # of options
    marks: uint256              # or of all
    marked: int256              # options at mark, wad USD
    slope: int256               # of the terminal payoff at a price of zero

struct Valued:
    lanes: uint256[18]          # without the discounted strikes of the puts
    with_strikes: uint256       # those, to be added to every word
    least: int256               # terminal payoff, wad USD
    slope: int256               # of it beyond the last strike
    naked: uint256              # nano base


@internal
@view
def _valued(board: address, header: Bytes[32 * HEADER_WORDS], count: uint256, held: Held) -> Valued:
    """
    @dev The options of one series: their values in all cases, by strike one product of the net size for four
         cases in two lanes, and the terminal payoff.
    """
    valued: Valued = empty(Valued)
    # Two's complement: sums and products modulo 2**256 are those of signed numbers.
    size: uint256 = convert(convert(unsafe_sub(0, held.put_size), bytes32), uint256)
    lanes: uint256[18] = empty(uint256[18])
    if size != 0:
        word: uint256 = 0
        word = extract32(header, 96, output_type=uint256)
        lanes[0] = unsafe_mul(size, word & LANES)
        lanes[1] = unsafe_mul(size, (word >> 64) & LANES)
        word = extract32(header, 128, output_type=uint256)
        lanes[2] = unsafe_mul(size, word & LANES)
        lanes[3] = unsafe_mul(size, (word >> 64) & LANES)
        word = extract32(header, 160, output_type=uint256)
        lanes[4] = unsafe_mul(size, word & LANES)
        lanes[5] = unsafe_mul(size, (word >> 64) & LANES)
        word = extract32(header, 192, output_type=uint256)
        lanes[6] = unsafe_mul(size, word & LANES)
        lanes[7] = unsafe_mul(size, (word >> 64) & LANES)
        word = extract32(header, 224, output_type=uint256)
        lanes[8] = unsafe_mul(size, word & LANES)
        lanes[9] = unsafe_mul(size, (word >> 64) & LANES)
        word = extract32(header, 256, output_type=uint256)
        lanes[10] = unsafe_mul(size, word & LANES)
        lanes[11] = unsafe_mul(size, (word >> 64) & LANES)
        word = extract32(header, 288, output_type=uint256)
        lanes[12] = unsafe_mul(size, word & LANES)
        lanes[13] = unsafe_mul(size, (word >> 64) & LANES)
        word = extract32(header, 320, output_type=uint256)
        lanes[14] = unsafe_mul(size, word & LANES)
        lanes[15] = unsafe_mul(size, (word >> 64) & LANES)
        word = extract32(header, 352, output_type=uint256)
        lanes[16] = unsafe_mul(size, word & LANES)
        lanes[17] = unsafe_mul(size, (word >> 64) & LANES)
    # Terminal payoff relative to that at a price of zero, along the strikes.
    payoff: int256 = 0
    least: int256 = 0
    slope: int256 = held.slope
    last: int256 = 0
    put_strikes: int256 = 0
    records: uint256 = unsafe_add(1 + 32 * HEADER_WORDS, unsafe_mul(32, count))
    for k: uint256 in range(held.first, max(held.first, held.above), bound=MAX_STRIKES):
        net: int256 = held.nets[k]
        put: int256 = held.puts[k]
        if net == 0 and put == 0:
            continue
        record: uint256[STRIKE_WORDS] = abi_decode(
            slice(
                board.code,
                unsafe_add(records, unsafe_mul(32 * STRIKE_WORDS, k)),
                32 * STRIKE_WORDS,
            ),
            uint256[STRIKE_WORDS],
        )
        strike: int256 = convert(record[9] >> 192, int256)
        put_strikes = unsafe_add(put_strikes, unsafe_mul(put, strike))
        if net == 0:
            continue
        if net < 0:
            valued.naked = unsafe_add(valued.naked, convert(unsafe_sub(0, net), uint256))
        payoff = unsafe_add(payoff, unsafe_mul(slope, unsafe_sub(strike, last)))
        least = min(least, payoff)
        slope = unsafe_add(slope, net)
        last = strike
        size = convert(convert(net, bytes32), uint256)
        lanes[0] = unsafe_add(lanes[0], unsafe_mul(size, record[1] & LANES))
        lanes[1] = unsafe_add(lanes[1], unsafe_mul(size, (record[1] >> 64) & LANES))
        lanes[2] = unsafe_add(lanes[2], unsafe_mul(size, record[2] & LANES))
        lanes[3] = unsafe_add(lanes[3], unsafe_mul(size, (record[2] >> 64) & LANES))
        lanes[4] = unsafe_add(lanes[4], unsafe_mul(size, record[3] & LANES))
        lanes[5] = unsafe_add(lanes[5], unsafe_mul(size, (record[3] >> 64) & LANES))
        lanes[6] = unsafe_add(lanes[6], unsafe_mul(size, record[4] & LANES))
        lanes[7] = unsafe_add(lanes[7], unsafe_mul(size, (record[4] >> 64) & LANES))
        lanes[8] = unsafe_add(lanes[8], unsafe_mul(size, record[5] & LANES))
        lanes[9] = unsafe_add(lanes[9], unsafe_mul(size, (record[5] >> 64) & LANES))
        lanes[10] = unsafe_add(lanes[10], unsafe_mul(size, record[6] & LANES))
        lanes[11] = unsafe_add(lanes[11], unsafe_mul(size, (record[6] >> 64) & LANES))
        lanes[12] = unsafe_add(lanes[12], unsafe_mul(size, record[7] & LANES))
        lanes[13] = unsafe_add(lanes[13], unsafe_mul(size, (record[7] >> 64) & LANES))
        lanes[14] = unsafe_add(lanes[14], unsafe_mul(size, record[8] & LANES))
        lanes[15] = unsafe_add(lanes[15], unsafe_mul(size, (record[8] >> 64) & LANES))
        lanes[16] = unsafe_add(lanes[16], unsafe_mul(size, record[9] & LANES))
        lanes[17] = unsafe_add(lanes[17], unsafe_mul(size, (record[9] >> 64) & LANES))
    valued.slope = slope
    valued.least = unsafe_add(put_strikes, least)
    discount: int256 = convert(extract32(header, 32, output_type=uint256) >> 160, int256)
    if put_strikes != 0:
        # In both lanes; the upper one borrows what the lower one is short of.
        valued.with_strikes = unsafe_mul(
            convert(
                convert(
                    portfolio_math._divided_down(unsafe_mul(put_strikes, discount), TO_UNIT), bytes32
                ),
                uint256,
            ),
            BOTH_LANES,
        )
    valued.lanes = lanes
    return valued
