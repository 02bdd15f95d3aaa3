# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What a portfolio loses in the worst scenario
@license AGPL-3.0-only
@notice Scenario margin of Derive (PMRM_2) over values that RiskBoard holds. For each underlying:
            profit of a series  value of its options in the scenario, times the static discount of assets or of debts by
                                its sign, less their mark; minus its absolute amount in a skew scenario
            scenario            damping * (sum over series + linear exposure * (spot shock - 1)); the exposure is
                                that of perpetuals, of futures by the variable part of their forward, of inverse
                                perpetuals by their coin at mark, of coin collateral by its value
            basis contingency   sum over series of min(loss up, loss down, 0) * weight
            loss                minus the smallest of all these, at least 0
        Losses of several underlyings add up.
@dev A series' values are added in two 128-bit lanes of one word: a word holds four 64-bit values, and one product of it,
     masked to the values 0 and 2 or 1 and 3, with a size serves two cases. A size may be negative: the word is then the sum
     of signed lanes, low + high * 2**128 modulo 2**256, from which both come back exactly while each is
     within +-2**127. That is so: gross size of a series is below 2**62 (refused above), which bounds the sum of
     the net sizes by strike and of the puts' size that multiplies the forwards, together below 2**63, and every value
     is below 2**64. What follows from the lanes: strikes are below 2**64 in the unit of values (RiskBoard), so a value
     of a series is below 2**128, times a discount below 2**192; exposures are below 2**170, times a shock and a
     damping below 10 each 2**235. A mark times a size is below 2**162.
     An account never comes to hold what is refused: every change of it that adds risk asks here first.
"""

from contracts.interfaces import IMarginEngine
from contracts.interfaces import IRiskBoard
from contracts.math import market_math

OUT_OF_RANGE: constant(String[40]) = "portfolio_margin: out of range"
NO_VALUES: constant(String[40]) = "portfolio_margin: no values"
NO_FEED: constant(String[40]) = "portfolio_margin: market without feed"
BAD_PARAMETERS: constant(String[40]) = "portfolio_margin: bad parameters"
FEED_IS_SET: constant(String[40]) = "portfolio_margin: feed is set"

BPS: constant(uint256) = 10_000
FULL: constant(uint256) = 10**8
WAD: constant(uint256) = 10**18
NANO: constant(uint256) = 10**9

MAX_POSITIONS: constant(uint256) = 64
MAX_UNDERLYINGS: constant(uint256) = 16
MAX_STRIKES: constant(uint256) = 64
MAX_SCENARIOS: constant(uint256) = 33
HEADER_WORDS: constant(uint256) = 12
STRIKE_WORDS: constant(uint256) = 11
SHOCK_WORDS: constant(uint256) = 26
BASIS: constant(uint256) = 34
BOUNDED_BIT: constant(uint256) = 188
MAX_RATIO: constant(uint256) = 50_000
IWAD: constant(int256) = 10**18
BPS_TO_WAD: constant(uint256) = 10**14
# nano USD times wad, in the unit of values
TO_UNIT: constant(uint256) = 10**15

LANES: constant(uint256) = (2**64 - 1) | ((2**64 - 1) << 128)
BOTH_LANES: constant(uint256) = 2**128 + 1
MASK_8: constant(uint256) = 2**8 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_72: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1

# A value times a size is in 1e-21 USD; times a discount in wad it takes this to wad USD.
TO_WAD: constant(uint256) = 10**21
TO_WAD_SIGNED: constant(int256) = 10**21
# Added before an unsigned division, its quotient taken off after it: the division then floors. Multiples of the
# divisor, above everything that is divided.
OFFSET: constant(uint256) = TO_WAD * 2**184
OFFSET_WAD: constant(uint256) = WAD * 2**190
SIZE_BIAS: constant(uint256) = 2**80
AMOUNT_BIAS: constant(uint256) = 2**199
MAX_GROSS: constant(uint256) = 2**61
MAX_OPTION_MARK: constant(uint256) = 2**56

# Terms, in the order in which they are explained.
SCENARIO: constant(uint256) = 0
DEPEG: constant(uint256) = 1
LINEAR: constant(uint256) = 2
NAKED: constant(uint256) = 3
CONFIDENCE: constant(uint256) = 4
HAIRCUT: constant(uint256) = 5
ORDERS: constant(uint256) = 6
TERMS: constant(uint256) = 7

struct Held:
    nets: int256[MAX_STRIKES]   # calls and puts of each strike, nano base
    puts: int256[MAX_STRIKES]
    put_size: int256
    future: int256
    gross: uint256              # of options
    marks: uint256              # or of all
    marked: int256              # options at mark, wad USD
    slope: int256               # of the terminal payoff at a price of zero

struct Valued:
    lanes: uint256[18]
    least: int256               # terminal payoff, wad USD
    slope: int256               # of it beyond the last strike
    naked: uint256              # nano base

struct Order:
    size: uint256
    loss: uint256               # of a unit, 1e-12 USD
    linear: uint256             # notional of a unit, nano USD
    naked: uint256
    missing: uint256            # of full confidence, 1e-8

struct Parameters:
    initial_loss: uint256           # bps of the loss in the worst scenario, >= maintenance_loss
    maintenance_loss: uint256
    depeg_threshold: uint256        # nano USD
    depeg_factor: uint256           # bps
    confidence_threshold: uint256   # 1e-8
    confidence_factor: uint256      # bps
    linear_maintenance: uint256     # bps of notional at spot, perpetuals and futures
    linear_initial: uint256         # bps on top of it in initial margin
    naked_maintenance: uint256      # bps of notional at spot, naked short options
    naked_initial: uint256          # bps on top of it in initial margin
    bounded: bool                   # requirements held at the most that can be lost

struct Charges:
    equity: int256
    worst: uint256
    profits: int256[MAX_SCENARIOS + 1]  # in each scenario, and the basis contingency; of all underlyings
    initial: uint256[7]             # scenario, depeg, linear, naked, confidence, haircut, orders
    maintenance: uint256[7]
    initial_limit: uint256          # the most that can be lost, if all orders filled
    maintenance_limit: uint256      # the most that can be lost

event ParametersSet:
    parameters: Parameters

event MarketFeedSet:
    market: indexed(uint256)
    feed: uint256

event AssetFeedSet:
    asset: indexed(uint256)
    feed: uint256

RISK_BOARD: public(immutable(IRiskBoard))

# initial_loss 16 | maintenance_loss 16 | depeg_factor 16 | confidence_factor 16 | linear 16, 16 | naked 16, 16 |
# depeg_threshold 32 | confidence_threshold 28 | bounded 1, from the lowest bit
_parameters: uint256
# feed of each perpetual, 8 bits, 32 to a word
_market_feeds: uint256[8]
# feed of each collateral that cancels risk, 8 bits
_asset_feeds: uint256


@deploy
def __init__(board: address, parameters: Parameters):
    RISK_BOARD = IRiskBoard(board)
    self._set_parameters(parameters)


@internal
@view
def _charges(portfolio: IMarginEngine.Portfolio) -> Charges:
    """
    @dev Everything that is charged, and the limit of it.
    """
    parameters: uint256 = self._parameters
    charges: Charges = empty(Charges)
    charges.equity = portfolio.cash
    # Ranges are checked once, at the end of the loop.
    sizes: uint256 = 0
    prices: uint256 = 0
    amounts: uint256 = unsafe_add(convert(convert(portfolio.cash, bytes32), uint256), AMOUNT_BIAS)

    # By underlying, in order of appearance.
    underlyings: uint256 = 0
    exposures: int256[MAX_UNDERLYINGS] = empty(int256[MAX_UNDERLYINGS])
    coins: int256[MAX_UNDERLYINGS] = empty(int256[MAX_UNDERLYINGS])
    notionals: uint256[MAX_UNDERLYINGS] = empty(uint256[MAX_UNDERLYINGS])
    # What is missing of full confidence: in perpetuals, and in everything that is held.
    confidences: uint256[MAX_UNDERLYINGS] = empty(uint256[MAX_UNDERLYINGS])
    doubts: uint256[MAX_UNDERLYINGS] = empty(uint256[MAX_UNDERLYINGS])
    coin_values: int256[MAX_UNDERLYINGS] = empty(int256[MAX_UNDERLYINGS])
    spots: uint256[MAX_UNDERLYINGS] = empty(uint256[MAX_UNDERLYINGS])

    # At the number of a series: its last position 8 | its place 8; at that of a feed: place of the underlying, from
    # bit 16. All from 1.
    index: uint256[256] = empty(uint256[256])
    # Of each position: the one of the same series before it, from 1.
    before: uint256[MAX_POSITIONS] = empty(uint256[MAX_POSITIONS])
    series: DynArray[uint256, MAX_POSITIONS] = []
    has_orders: bool = False

    i: uint256 = 0
    for position: IMarginEngine.PositionRisk in portfolio.positions:
        i = unsafe_add(i, 1)
        sizes |= (
            position.bids
            | position.asks
            | unsafe_add(convert(convert(position.size, bytes32), uint256), SIZE_BIAS)
        )
        prices |= position.mark | position.spot
        amounts |= unsafe_add(convert(convert(position.unrealised, bytes32), uint256), AMOUNT_BIAS)
        charges.equity = unsafe_add(charges.equity, position.unrealised)
        if position.bids | position.asks != 0:
            has_orders = True
        if position.market >= market_math.FIRST_DATED:
            one: uint256 = position.market >> 8
            assert one <= market_math.MAX_SERIES, OUT_OF_RANGE
            entry: uint256 = index[one]
            if entry & MASK_8 == 0:
                series.append(one)
                entry |= len(series) << 8
            before[unsafe_sub(i, 1)] = entry & MASK_8
            index[one] = (entry & ~MASK_8) | i
            continue
        feed: uint256 = self._feed(position.market)
        assert feed != 0, NO_FEED
        at: uint256 = index[feed] >> 16
        if at == 0:
            underlyings = unsafe_add(underlyings, 1)
            at = underlyings
            index[feed] |= at << 16
        at = unsafe_sub(at, 1)
        spots[at] = position.spot
        held: uint256 = convert(abs(position.size), uint256)
        if position.market < market_math.FIRST_INVERSE:
            exposures[at] = unsafe_add(
                exposures[at], unsafe_mul(position.size, convert(position.mark, int256))
            )
            coins[at] = unsafe_add(coins[at], position.size)
            notionals[at] = unsafe_add(notionals[at], unsafe_mul(held, position.spot))
        else:
            # The coin at mark: unrealised = coin * mark - contracts of one USD.
            coin: int256 = unsafe_add(
                position.unrealised, unsafe_mul(position.size, convert(NANO, int256))
            )
            exposures[at] = unsafe_add(exposures[at], coin)
            coins[at] = unsafe_add(coins[at], self._divided_down(coin, position.mark))
            notionals[at] = unsafe_add(notionals[at], unsafe_mul(held, NANO))
        confidences[at] = max(
            confidences[at], unsafe_sub(FULL, min(position.confidence, FULL))
        )
    assert sizes >> 81 == 0 and prices >> 80 == 0, OUT_OF_RANGE

    lost: int256 = 0
    asset_feeds: uint256 = self._asset_feeds
    for collateral: IMarginEngine.CollateralRisk in portfolio.collaterals:
        assert collateral.value < AMOUNT_BIAS and collateral.asset < 32, OUT_OF_RANGE
        worth: int256 = convert(collateral.value, int256)
        charges.equity = unsafe_add(charges.equity, worth)
        haircuts: uint256[3] = self._haircuts(collateral, parameters)
        charges.initial[HAIRCUT] = unsafe_add(
            charges.initial[HAIRCUT], unsafe_add(haircuts[0], haircuts[2])
        )
        charges.maintenance[HAIRCUT] = unsafe_add(charges.maintenance[HAIRCUT], haircuts[1])
        feed: uint256 = (asset_feeds >> unsafe_mul(collateral.asset, 8)) & MASK_8
        if feed == 0:
            lost = unsafe_add(lost, worth)
            continue
        at: uint256 = index[feed] >> 16
        if at == 0:
            underlyings = unsafe_add(underlyings, 1)
            at = underlyings
            index[feed] |= at << 16
        coin_values[unsafe_sub(at, 1)] = unsafe_add(coin_values[unsafe_sub(at, 1)], worth)

    grid: address = empty(address)
    data: Bytes[32 * MAX_SCENARIOS] = b""
    boards: DynArray[address, MAX_POSITIONS] = []
    if underlyings != 0 or len(series) != 0:
        grid, boards = staticcall RISK_BOARD.boards(series, skip_contract_check=True)
        assert grid != empty(address), NO_VALUES
        data = slice(grid.code, 1 + 32 * SHOCK_WORDS, 32 * MAX_SCENARIOS)
    # Places of the series' underlyings, from 0.
    owners: DynArray[uint256, MAX_POSITIONS] = []
    for board: address in boards:
        assert board != empty(address), NO_VALUES
        feed: uint256 = (convert(slice(board.code, 1, 32), uint256) >> 72) & MASK_8
        at: uint256 = index[feed] >> 16
        if at == 0:
            underlyings = unsafe_add(underlyings, 1)
            at = underlyings
            index[feed] |= at << 16
        owners.append(unsafe_sub(at, 1))

    factor: uint256 = self._loss_factor(parameters, portfolio.stable_price)
    limited: bool = parameters >> BOUNDED_BIT != 0
    gross: uint256 = 0
    loss: uint256 = 0
    worst_loss: uint256 = 0
    linear: uint256 = 0
    naked: uint256 = 0
    unsure: uint256 = 0     # sum of gross notional * (1 - confidence), where that counts
    for owner: uint256 in range(underlyings, bound=MAX_UNDERLYINGS):
        totals: int256[MAX_SCENARIOS] = empty(int256[MAX_SCENARIOS])
        costs: int256 = 0
        basis: int256 = 0
        exposure: int256 = unsafe_add(exposures[owner], coin_values[owner])
        # At a price of zero all of it is gone.
        gone: int256 = exposure
        alone: uint256 = 0
        for place: uint256 in owners:
            if place == owner:
                alone = unsafe_add(alone, 1)
        spot: uint256 = spots[owner]
        j: uint256 = 0
        for place: uint256 in owners:
            one: uint256 = series[j]
            board: address = boards[j]
            j = unsafe_add(j, 1)
            if place != owner:
                continue
            header: Bytes[32 * HEADER_WORDS] = slice(board.code, 1, 32 * HEADER_WORDS)
            word: uint256 = extract32(header, 0, output_type=uint256)
            count: uint256 = (word >> 80) & MASK_8
            missing: uint256 = max(
                confidences[owner], unsafe_sub(FULL, min((word >> 184) & MASK_28, FULL))
            )
            word = extract32(header, 32, output_type=uint256)
            variable: uint256 = (word >> 80) & MASK_80
            discount: uint256 = word >> 160
            held: Held = empty(Held)
            at: uint256 = index[one] & MASK_8
            for _: uint256 in range(MAX_POSITIONS):
                if at == 0:
                    break
                position: IMarginEngine.PositionRisk = portfolio.positions[unsafe_sub(at, 1)]
                at = before[unsafe_sub(at, 1)]
                spot = position.spot
                missing = max(missing, unsafe_sub(FULL, min(position.confidence, FULL)))
                worth: int256 = unsafe_mul(position.size, convert(position.mark, int256))
                k: uint256 = position.market & MASK_8
                if k == 0:
                    held.future = position.size
                    lost = unsafe_add(lost, worth)
                    continue
                k = unsafe_sub(k, 1) >> 1
                assert k < count, NO_VALUES
                held.marks |= position.mark
                held.marked = unsafe_add(held.marked, worth)
                held.gross = unsafe_add(held.gross, convert(abs(position.size), uint256))
                held.nets[k] = unsafe_add(held.nets[k], position.size)
                if position.market & 1 == 0:
                    held.puts[k] = unsafe_add(held.puts[k], position.size)
                    held.put_size = unsafe_add(held.put_size, position.size)
            gross = unsafe_add(gross, held.gross)
            doubts[owner] = max(doubts[owner], missing)
            assert gross < MAX_GROSS and held.marks < MAX_OPTION_MARK, OUT_OF_RANGE
            futures: uint256 = unsafe_mul(convert(abs(held.future), uint256), spot)
            linear = unsafe_add(linear, futures)
            unsure = unsafe_add(
                unsure,
                self._unsure(
                    unsafe_add(futures, unsafe_mul(held.gross, spot)), missing, parameters
                ),
            )
            exposure = unsafe_add(exposure, unsafe_mul(held.future, convert(variable, int256)))
            held.slope = unsafe_sub(held.future, held.put_size)
            if alone == 1:
                # Coin goes with the options of the only series: its price is theirs when they expire.
                held.slope = unsafe_add(
                    held.slope, self._coins(coins[owner], coin_values[owner], spot)
                )
                lost = unsafe_add(lost, gone)
            valued: Valued = self._valued(board, header, count, held)
            naked = unsafe_add(naked, unsafe_mul(valued.naked, spot))
            limited = limited and valued.slope >= 0
            lost = unsafe_add(lost, unsafe_sub(held.marked, valued.least))

            word = extract32(header, 64, output_type=uint256)
            assets: int256 = convert(word & MASK_64, int256)
            debts: int256 = convert((word >> 64) & MASK_64, int256)
            cost: int256 = unsafe_mul(held.marked, TO_WAD_SIGNED)
            costs = unsafe_add(costs, cost)
            # Assets are worth less by the discount and debts more, whichever it is the smaller product. The low lane
            # n is case 2 n - n % 2, the high one the second case after it.
            sum: uint256 = 0
            low: int256 = 0
            high: int256 = 0
            sum = valued.lanes[0]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[0] = unsafe_add(totals[0], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[2] = unsafe_add(totals[2], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[1]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[1] = unsafe_add(totals[1], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[3] = unsafe_add(totals[3], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[2]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[4] = unsafe_add(totals[4], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[6] = unsafe_add(totals[6], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[3]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[5] = unsafe_add(totals[5], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[7] = unsafe_add(totals[7], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[4]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[8] = unsafe_add(totals[8], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[10] = unsafe_add(totals[10], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[5]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[9] = unsafe_add(totals[9], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[11] = unsafe_add(totals[11], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[6]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[12] = unsafe_add(totals[12], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[14] = unsafe_add(totals[14], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[7]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[13] = unsafe_add(totals[13], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[15] = unsafe_add(totals[15], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[8]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[16] = unsafe_add(totals[16], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[18] = unsafe_add(totals[18], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[9]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[17] = unsafe_add(totals[17], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[19] = unsafe_add(totals[19], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[10]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[20] = unsafe_add(totals[20], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[22] = unsafe_add(totals[22], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[11]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[21] = unsafe_add(totals[21], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[23] = unsafe_add(totals[23], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[12]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[24] = unsafe_add(totals[24], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[26] = unsafe_add(totals[26], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[13]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[25] = unsafe_add(totals[25], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[27] = unsafe_add(totals[27], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[14]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[28] = unsafe_add(totals[28], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[30] = unsafe_add(totals[30], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = valued.lanes[15]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[29] = unsafe_add(totals[29], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            # In a skew, cases 31 and 32, a gain counts as a loss; it rotates either way.
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            high = unsafe_sub(min(unsafe_mul(high, assets), unsafe_mul(high, debts)), cost)
            totals[31] = unsafe_add(totals[31], min(high, unsafe_sub(0, high)))
            sum = valued.lanes[16]
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            # Case 34, spot down for the basis; 33 is spot up.
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            low = unsafe_sub(min(unsafe_mul(low, assets), unsafe_mul(low, debts)), cost)
            totals[32] = unsafe_add(totals[32], min(low, unsafe_sub(0, low)))
            low = convert(convert(valued.lanes[17] << 128, bytes32), int256) >> 128
            basis = unsafe_add(
                basis,
                unsafe_mul(
                    min(unsafe_sub(unsafe_mul(min(low, high), IWAD), cost), 0),
                    convert((word >> 128) & MASK_64, int256),
                ),
            )

        worst: uint256 = 0
        least: int256 = self._wad_down(self._to_wad(basis))
        charges.profits[MAX_SCENARIOS] = unsafe_add(charges.profits[MAX_SCENARIOS], least)
        if least < 0:
            worst = BASIS
        # A skew's cost is in it; it moves no spot.
        totals[31] = unsafe_add(totals[31], costs)
        totals[32] = unsafe_add(totals[32], costs)
        exposure = unsafe_mul(exposure, 1_000)
        case: uint256 = 0
        for total: int256 in totals:
            word: uint256 = extract32(data, unsafe_mul(case, 32), output_type=uint256)
            case = unsafe_add(case, 1)
            floored: uint256 = unsafe_div(
                unsafe_add(
                    convert(
                        convert(
                            unsafe_add(
                                unsafe_sub(total, costs),
                                unsafe_mul(exposure, unsafe_sub(convert(word & MASK_64, int256), IWAD)),
                            ),
                            bytes32,
                        ),
                        uint256,
                    ),
                    OFFSET,
                ),
                TO_WAD,
            )
            # Times the damping and floored again, by one that is not negative at most 2**184 * 2**64.
            floored = unsafe_div(
                unsafe_add(
                    unsafe_mul(unsafe_sub(floored, OFFSET // TO_WAD), (word >> 64) & MASK_64),
                    OFFSET_WAD,
                ),
                WAD,
            )
            profit: int256 = convert(
                convert(unsafe_sub(floored, OFFSET_WAD // WAD), bytes32), int256
            )
            charges.profits[unsafe_sub(case, 1)] = unsafe_add(
                charges.profits[unsafe_sub(case, 1)], profit
            )
            if profit < least:
                least = profit
                worst = case
        loss = unsafe_add(loss, convert(unsafe_sub(0, least), uint256))
        if convert(unsafe_sub(0, least), uint256) > worst_loss:
            worst_loss = convert(unsafe_sub(0, least), uint256)
            charges.worst = worst

        linear = unsafe_add(linear, notionals[owner])
        unsure = unsafe_add(
            unsure, self._unsure(notionals[owner], confidences[owner], parameters)
        )
        doubts[owner] = max(doubts[owner], confidences[owner])
        if alone != 1:
            # Without options, or with those of several expiries, coin is lost by itself.
            lost = unsafe_add(lost, max(gone, 0))
            limited = limited and self._coins(coins[owner], coin_values[owner], spot) >= 0

    assert prices >> 80 == 0 and amounts >> 200 == 0, OUT_OF_RANGE

    ordered: uint256 = 0
    ordered_lost: int256 = 0
    ordered_limited: bool = True
    if has_orders:
        fractions: uint256[2] = self._fractions(data)
        for position: IMarginEngine.PositionRisk in portfolio.positions:
            if position.bids | position.asks == 0:
                continue
            order: Order = Order(
                size=position.bids,
                loss=0,
                linear=position.spot,
                naked=0,
                missing=0,
            )
            losses: uint256[2] = fractions
            lost_bid: uint256 = position.mark
            lost_ask: uint256 = max_value(uint256)
            if position.market < market_math.FIRST_DATED:
                order.missing = doubts[unsafe_sub(index[self._feed(position.market)] >> 16, 1)]
                if position.market >= market_math.FIRST_INVERSE:
                    order.linear = NANO
                    lost_bid = NANO
            else:
                board: address = boards[unsafe_sub((index[position.market >> 8] >> 8) & MASK_8, 1)]
                word: uint256 = convert(slice(board.code, 1, 32), uint256)
                order.missing = doubts[unsafe_sub(index[(word >> 72) & MASK_8] >> 16, 1)]
                if position.market & MASK_8 != 0:
                    k: uint256 = unsafe_sub(position.market & MASK_8, 1) >> 1
                    record: Bytes[64] = slice(
                        board.code,
                        unsafe_add(1 + 32 * HEADER_WORDS, unsafe_mul(32 * STRIKE_WORDS, k)),
                        64,
                    )
                    word = extract32(record, 32, output_type=uint256)
                    if position.market & 1 == 0:
                        word = word >> 128
                        strike: uint256 = extract32(record, 0, output_type=uint256) & MASK_72
                        lost_ask = unsafe_sub(max(strike, position.mark), position.mark)
                    losses = [word & MASK_64, (word >> 64) & MASK_64]
                    order.linear = 0
            if order.linear != 0:
                # Fractions of a unit's value at mark, in the unit of values: nano USD times wad over 1e15.
                losses = [
                    self._up(unsafe_mul(lost_bid, losses[0]), TO_UNIT),
                    self._up(unsafe_mul(lost_bid, losses[1]), TO_UNIT),
                ]
            order.loss = losses[0]
            bid: uint256 = self._order_charge(order, position.spot, factor, parameters)
            order.size = position.asks
            order.loss = losses[1]
            if order.linear == 0:
                order.naked = position.spot
            ordered = unsafe_add(
                ordered, max(bid, self._order_charge(order, position.spot, factor, parameters))
            )
            if position.asks == 0:
                lost_ask = 0
            ordered_limited = ordered_limited and lost_ask != max_value(uint256)
            ordered_lost = unsafe_add(
                ordered_lost,
                convert(
                    max(
                        unsafe_mul(position.bids, lost_bid),
                        unsafe_mul(position.asks, min(lost_ask, MASK_80)),
                    ),
                    int256,
                ),
            )

    charges.initial[SCENARIO] = self._wad_up(unsafe_mul(loss, unsafe_mul(parameters & MASK_16, BPS_TO_WAD)))
    charges.maintenance[SCENARIO] = self._wad_up(
        unsafe_mul(loss, unsafe_mul((parameters >> 16) & MASK_16, BPS_TO_WAD))
    )
    charges.initial[DEPEG] = self._wad_up(
        unsafe_mul(loss, unsafe_sub(factor, unsafe_mul(parameters & MASK_16, BPS_TO_WAD)))
    )
    share: uint256 = (parameters >> 64) & MASK_16
    charges.maintenance[LINEAR] = self._up(unsafe_mul(linear, share), BPS)
    charges.initial[LINEAR] = self._up(
        unsafe_mul(linear, unsafe_add(share, (parameters >> 80) & MASK_16)), BPS
    )
    share = (parameters >> 96) & MASK_16
    charges.maintenance[NAKED] = self._up(unsafe_mul(naked, share), BPS)
    charges.initial[NAKED] = self._up(
        unsafe_mul(naked, unsafe_add(share, (parameters >> 112) & MASK_16)), BPS
    )
    charges.initial[CONFIDENCE] = self._up(
        unsafe_mul(unsure, (parameters >> 48) & MASK_16), FULL * BPS
    )
    charges.initial[ORDERS] = ordered
    charges.initial_limit = max_value(uint256)
    charges.maintenance_limit = max_value(uint256)
    if limited:
        charges.maintenance_limit = convert(max(lost, 0), uint256)
        if ordered_limited:
            charges.initial_limit = convert(max(unsafe_add(lost, ordered_lost), 0), uint256)
    return charges


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
        for i: uint256 in range(9):
            word: uint256 = extract32(
                header, unsafe_add(96, unsafe_mul(i, 32)), output_type=uint256
            )
            lanes[unsafe_mul(i, 2)] = unsafe_mul(size, word & LANES)
            lanes[unsafe_add(unsafe_mul(i, 2), 1)] = unsafe_mul(size, (word >> 64) & LANES)
    # Terminal payoff relative to that at a price of zero, along the strikes.
    payoff: int256 = 0
    least: int256 = 0
    slope: int256 = held.slope
    last: int256 = 0
    put_strikes: int256 = 0
    for k: uint256 in range(count, bound=MAX_STRIKES):
        net: int256 = held.nets[k]
        put: int256 = held.puts[k]
        if net == 0 and put == 0:
            continue
        record: uint256[STRIKE_WORDS] = abi_decode(
            slice(
                board.code,
                unsafe_add(1 + 32 * HEADER_WORDS, unsafe_mul(32 * STRIKE_WORDS, k)),
                32 * STRIKE_WORDS,
            ),
            uint256[STRIKE_WORDS],
        )
        strike: int256 = convert(record[0] & MASK_72, int256)
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
        lanes[0] = unsafe_add(lanes[0], unsafe_mul(size, record[2] & LANES))
        lanes[1] = unsafe_add(lanes[1], unsafe_mul(size, (record[2] >> 64) & LANES))
        lanes[2] = unsafe_add(lanes[2], unsafe_mul(size, record[3] & LANES))
        lanes[3] = unsafe_add(lanes[3], unsafe_mul(size, (record[3] >> 64) & LANES))
        lanes[4] = unsafe_add(lanes[4], unsafe_mul(size, record[4] & LANES))
        lanes[5] = unsafe_add(lanes[5], unsafe_mul(size, (record[4] >> 64) & LANES))
        lanes[6] = unsafe_add(lanes[6], unsafe_mul(size, record[5] & LANES))
        lanes[7] = unsafe_add(lanes[7], unsafe_mul(size, (record[5] >> 64) & LANES))
        lanes[8] = unsafe_add(lanes[8], unsafe_mul(size, record[6] & LANES))
        lanes[9] = unsafe_add(lanes[9], unsafe_mul(size, (record[6] >> 64) & LANES))
        lanes[10] = unsafe_add(lanes[10], unsafe_mul(size, record[7] & LANES))
        lanes[11] = unsafe_add(lanes[11], unsafe_mul(size, (record[7] >> 64) & LANES))
        lanes[12] = unsafe_add(lanes[12], unsafe_mul(size, record[8] & LANES))
        lanes[13] = unsafe_add(lanes[13], unsafe_mul(size, (record[8] >> 64) & LANES))
        lanes[14] = unsafe_add(lanes[14], unsafe_mul(size, record[9] & LANES))
        lanes[15] = unsafe_add(lanes[15], unsafe_mul(size, (record[9] >> 64) & LANES))
        lanes[16] = unsafe_add(lanes[16], unsafe_mul(size, record[10] & LANES))
        lanes[17] = unsafe_add(lanes[17], unsafe_mul(size, (record[10] >> 64) & LANES))
    valued.slope = slope
    valued.least = unsafe_add(put_strikes, least)
    discount: int256 = convert(extract32(header, 32, output_type=uint256) >> 160, int256)
    if put_strikes != 0:
        # Both lanes at once; the upper one borrows what the lower one is short of.
        size = unsafe_mul(
            convert(
                convert(
                    self._divided_down(unsafe_mul(put_strikes, discount), TO_UNIT), bytes32
                ),
                uint256,
            ),
            BOTH_LANES,
        )
        for i: uint256 in range(18):
            lanes[i] = unsafe_add(lanes[i], size)
    valued.lanes = lanes
    return valued


@internal
@pure
def _fractions(data: Bytes[32 * MAX_SCENARIOS]) -> uint256[2]:
    """
    @dev The share of its value that a unit of a linear instrument loses in the worst scenario: long, short; wad, up.
    """
    fractions: uint256[2] = [0, 0]
    for case: uint256 in range(MAX_SCENARIOS):
        word: uint256 = extract32(data, unsafe_mul(case, 32), output_type=uint256)
        shock: uint256 = word & MASK_64
        damping: uint256 = (word >> 64) & MASK_64
        if shock < WAD:
            fractions[0] = max(
                fractions[0], self._wad_up(unsafe_mul(unsafe_sub(WAD, shock), damping))
            )
        else:
            fractions[1] = max(
                fractions[1], self._wad_up(unsafe_mul(unsafe_sub(shock, WAD), damping))
            )
    return fractions


@internal
@pure
def _order_charge(order: Order, spot: uint256, factor: uint256, parameters: uint256) -> uint256:
    """
    @dev Initial margin of resting orders of one side as if they were all of the portfolio.
    """
    charge: uint256 = self._wad_up(
        unsafe_mul(self._up(unsafe_mul(order.size, order.loss), 1_000), factor)
    )
    share: uint256 = unsafe_add((parameters >> 64) & MASK_16, (parameters >> 80) & MASK_16)
    charge = unsafe_add(
        charge, self._up(unsafe_mul(unsafe_mul(order.size, order.linear), share), BPS)
    )
    share = unsafe_add((parameters >> 96) & MASK_16, (parameters >> 112) & MASK_16)
    charge = unsafe_add(
        charge, self._up(unsafe_mul(unsafe_mul(order.size, order.naked), share), BPS)
    )
    gross: uint256 = order.linear
    if gross == 0:
        gross = spot
    return unsafe_add(
        charge,
        self._up(
            unsafe_mul(
                self._unsure(unsafe_mul(order.size, gross), order.missing, parameters),
                (parameters >> 48) & MASK_16,
            ),
            FULL * BPS,
        ),
    )


@internal
@pure
def _unsure(notional: uint256, missing: uint256, parameters: uint256) -> uint256:
    """
    @dev Notional times what is missing of confidence, where confidence is below the threshold.
    """
    if unsafe_add(missing, (parameters >> 160) & MASK_28) <= FULL:
        return 0
    return unsafe_mul(notional, missing)


@internal
@pure
def _loss_factor(parameters: uint256, stable_price: uint256) -> uint256:
    """
    @dev Initial loss factor with the depeg term, wad.
    """
    factor: uint256 = unsafe_mul(parameters & MASK_16, BPS_TO_WAD)
    threshold: uint256 = (parameters >> 128) & MASK_32
    if stable_price < threshold:
        # Nano USD times bps is 1e-13.
        factor = unsafe_add(
            factor,
            unsafe_mul(
                unsafe_mul(unsafe_sub(threshold, stable_price), (parameters >> 32) & MASK_16), 10**5
            ),
        )
    return factor


@internal
@pure
def _haircuts(collateral: IMarginEngine.CollateralRisk, parameters: uint256) -> uint256[3]:
    """
    @dev Initial and maintenance haircut, and the confidence charge that fits into what is left of the value.
    """
    assert max(collateral.initial_haircut, collateral.maintenance_haircut) <= BPS, OUT_OF_RANGE
    initial: uint256 = self._up(
        unsafe_mul(
            collateral.value, max(collateral.initial_haircut, collateral.maintenance_haircut)
        ),
        BPS,
    )
    missing: uint256 = unsafe_sub(FULL, min(collateral.confidence, FULL))
    charge: uint256 = self._up(
        unsafe_mul(
            self._unsure(collateral.value, missing, parameters), (parameters >> 48) & MASK_16
        ),
        FULL * BPS,
    )
    return [
        initial,
        self._up(unsafe_mul(collateral.value, collateral.maintenance_haircut), BPS),
        min(charge, unsafe_sub(collateral.value, initial)),
    ]


@internal
@pure
def _coins(coins: int256, worth: int256, spot: uint256) -> int256:
    """
    @dev Units of base that an account is long with its perpetuals and its coin, floored.
    """
    if worth == 0 or spot == 0:
        return coins
    return unsafe_add(coins, convert(unsafe_div(convert(worth, uint256), spot), int256))


@internal
@pure
def _requirements(charges: Charges) -> (uint256, uint256):
    """
    @dev Sums of the terms. Each is below 2**247.
    """
    initial: uint256 = 0
    maintenance: uint256 = 0
    for i: uint256 in range(TERMS):
        initial = unsafe_add(initial, charges.initial[i])
        maintenance = unsafe_add(maintenance, charges.maintenance[i])
    return initial, maintenance


@internal
@pure
def _divided_down(amount: int256, divisor: uint256) -> int256:
    """
    @dev Floored; 0 where the divisor is 0. |amount| < 2**254, divisor < 2**80.
    """
    if divisor == 0:
        return 0
    quotient: int256 = unsafe_div(amount, convert(divisor, int256))
    if unsafe_mul(quotient, convert(divisor, int256)) > amount:
        return unsafe_sub(quotient, 1)
    return quotient


@internal
@pure
def _to_wad(amount: int256) -> int256:
    """
    @dev A value in 1e-21 USD times a ratio in wad, in wad USD, floored. |amount| < 2**199.
    """
    return convert(
        convert(
            unsafe_sub(
                unsafe_div(
                    unsafe_add(convert(convert(amount, bytes32), uint256), OFFSET), TO_WAD
                ),
                OFFSET // TO_WAD,
            ),
            bytes32,
        ),
        int256,
    )


@internal
@pure
def _wad_down(amount: int256) -> int256:
    """
    @dev An amount times a ratio in wad, floored. |amount| < 2**249.
    """
    return convert(
        convert(
            unsafe_sub(
                unsafe_div(
                    unsafe_add(convert(convert(amount, bytes32), uint256), OFFSET_WAD), WAD
                ),
                OFFSET_WAD // WAD,
            ),
            bytes32,
        ),
        int256,
    )


@internal
@pure
def _wad_up(amount: uint256) -> uint256:
    return unsafe_div(unsafe_add(amount, WAD - 1), WAD)


@internal
@pure
def _up(amount: uint256, divisor: uint256) -> uint256:
    return unsafe_div(unsafe_add(amount, unsafe_sub(divisor, 1)), divisor)


@internal
@view
def _feed(market: uint256) -> uint256:
    return (self._market_feeds[market >> 5] >> unsafe_mul(8, market & 31)) & MASK_8


# --- parameters


@external
@view
def parameters() -> Parameters:
    """
    @notice The parameters in force.
    @return Ratios in bps, the depeg threshold in nano USD, that of confidence in 1e-8.
    """
    packed: uint256 = self._parameters
    return Parameters(
        initial_loss=packed & MASK_16,
        maintenance_loss=(packed >> 16) & MASK_16,
        depeg_threshold=(packed >> 128) & MASK_32,
        depeg_factor=(packed >> 32) & MASK_16,
        confidence_threshold=(packed >> 160) & MASK_28,
        confidence_factor=(packed >> 48) & MASK_16,
        linear_maintenance=(packed >> 64) & MASK_16,
        linear_initial=(packed >> 80) & MASK_16,
        naked_maintenance=(packed >> 96) & MASK_16,
        naked_initial=(packed >> 112) & MASK_16,
        bounded=packed >> BOUNDED_BIT != 0,
    )


@external
@view
def market_feed(market: uint256) -> uint256:
    """
    @notice The underlying of a perpetual.
    @param market 1 to 255.
    @return Number of the oracle's feed; 0 where none is set.
    """
    assert market < market_math.FIRST_DATED, OUT_OF_RANGE
    return self._feed(market)


@external
@view
def asset_feed(asset: uint256) -> uint256:
    """
    @notice The underlying whose risk a collateral cancels.
    @param asset 0 to 31.
    @return Number of the oracle's feed; 0 where it cancels none.
    """
    assert asset < 32, OUT_OF_RANGE
    return (self._asset_feeds >> (8 * asset)) & MASK_8


@internal
@view
def _permits(market: uint256) -> bool:
    if market == 0 or market > market_math.MAX_MARKET:
        return False
    if market < market_math.FIRST_DATED:
        return self._feed(market) != 0
    grid: address = empty(address)
    boards: DynArray[address, MAX_POSITIONS] = []
    grid, boards = staticcall RISK_BOARD.boards([market >> 8])
    if boards[0] == empty(address):
        return False
    count: uint256 = (convert(slice(boards[0].code, 1, 32), uint256) >> 80) & MASK_8
    return market & MASK_8 == 0 or unsafe_sub(market & MASK_8, 1) >> 1 < count


@internal
def _set_parameters(parameters: Parameters):
    assert parameters.initial_loss <= MAX_RATIO and parameters.maintenance_loss <= parameters.initial_loss, BAD_PARAMETERS
    assert parameters.depeg_threshold <= NANO and parameters.depeg_factor <= MAX_RATIO, BAD_PARAMETERS
    assert parameters.confidence_threshold <= FULL and parameters.confidence_factor <= MAX_RATIO, BAD_PARAMETERS
    assert max(parameters.linear_maintenance, parameters.linear_initial) <= BPS, BAD_PARAMETERS
    assert max(parameters.naked_maintenance, parameters.naked_initial) <= BPS, BAD_PARAMETERS
    self._parameters = (
        parameters.initial_loss
        | (parameters.maintenance_loss << 16)
        | (parameters.depeg_factor << 32)
        | (parameters.confidence_factor << 48)
        | (parameters.linear_maintenance << 64)
        | (parameters.linear_initial << 80)
        | (parameters.naked_maintenance << 96)
        | (parameters.naked_initial << 112)
        | (parameters.depeg_threshold << 128)
        | (parameters.confidence_threshold << 160)
        | (convert(parameters.bounded, uint256) << BOUNDED_BIT)
    )
    log ParametersSet(parameters=parameters)


@internal
def _set_market_feed(market: uint256, feed: uint256):
    assert market != 0 and market < market_math.FIRST_DATED and feed != 0 and feed <= MASK_8, OUT_OF_RANGE
    assert self._feed(market) == 0, FEED_IS_SET
    self._market_feeds[market >> 5] |= feed << (8 * (market & 31))
    log MarketFeedSet(market=market, feed=feed)


@internal
def _set_asset_feed(asset: uint256, feed: uint256):
    assert asset < 32 and feed <= MASK_8, OUT_OF_RANGE
    self._asset_feeds = (self._asset_feeds & ~(MASK_8 << (8 * asset))) | (feed << (8 * asset))
    log AssetFeedSet(asset=asset, feed=feed)
