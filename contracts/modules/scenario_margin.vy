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
        Losses of several underlyings add up. A series that has expired since its board was made loses nothing in
        any scenario. With `bounded` coin collateral loses at most what haircut and confidence charge leave of its
        value, in equal shares of each fall, so that no deposit makes an account worse.
@dev What is unchecked rests on the lanes (scenario_values) and on: a value of a series below 2**127 and marks of options
     below 2**56, so both times a wad and a weight below 2**251; amounts below 2**169, so exposures below 2**176, times
     a shock and a thousand below 2**250. An account never comes to hold what is refused: every change of it that adds risk
     asks here first.
     One function, because a call that takes a portfolio copies 17 kB, and what is called lies below the caller
     in memory and makes all of it dearer.
"""

from contracts.interfaces import IMarginEngine
from contracts.math import market_math
from contracts.math import portfolio_math
from contracts.modules import scenario_parameters
from contracts.modules import scenario_values

uses: scenario_parameters

OUT_OF_RANGE: constant(String[40]) = portfolio_math.OUT_OF_RANGE
NO_VALUES: constant(String[40]) = "portfolio_margin: no values"
NO_FEED: constant(String[40]) = "portfolio_margin: market without feed"
TOO_MANY: constant(String[40]) = "portfolio_margin: too many underlyings"

BPS: constant(uint256) = portfolio_math.BPS
FULL: constant(uint256) = portfolio_math.FULL
WAD: constant(uint256) = portfolio_math.WAD
NANO: constant(uint256) = portfolio_math.NANO

MAX_POSITIONS: constant(uint256) = 64
MAX_TRADED: constant(uint256) = 16
MAX_UNDERLYINGS: constant(uint256) = MAX_TRADED + 8
MAX_SCENARIOS: constant(uint256) = portfolio_math.MAX_SCENARIOS
HEADER_WORDS: constant(uint256) = 12
STRIKE_WORDS: constant(uint256) = 10
SHOCK_WORDS: constant(uint256) = 26
BASIS: constant(uint256) = 34
BOUNDED_BIT: constant(uint256) = portfolio_math.BOUNDED_BIT
IWAD: constant(int256) = portfolio_math.IWAD
BPS_TO_WAD: constant(uint256) = portfolio_math.BPS_TO_WAD
TO_UNIT: constant(uint256) = portfolio_math.TO_UNIT

MASK_8: constant(uint256) = 2**8 - 1
MASK_28: constant(uint256) = portfolio_math.MASK_28
MASK_16: constant(uint256) = portfolio_math.MASK_16
MASK_40: constant(uint256) = 2**40 - 1
MASK_64: constant(uint256) = portfolio_math.MASK_64
MASK_72: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1
TO_WAD: constant(uint256) = portfolio_math.TO_WAD
TO_WAD_SIGNED: constant(int256) = 10**21
OFFSET: constant(uint256) = portfolio_math.OFFSET
OFFSET_WAD: constant(uint256) = portfolio_math.OFFSET_WAD
SIZE_BIAS: constant(uint256) = 2**80
AMOUNT_BIAS: constant(uint256) = 2**169
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

struct Charges:
    equity: int256
    worst: uint256
    profits: int256[MAX_SCENARIOS + 1]  # in each scenario, and the basis contingency; of all underlyings
    initial: uint256[7]             # scenario, depeg, linear, naked, confidence, haircut, orders
    maintenance: uint256[7]
    initial_limit: uint256          # the most that can be lost, if all orders filled
    maintenance_limit: uint256      # the most that can be lost


@internal
@view
def _charges(portfolio: IMarginEngine.Portfolio, itemised: bool) -> Charges:
    """
    @dev Everything that is charged, and the limit of it; the profit in each scenario only if `itemised`.
    """
    parameters: uint256 = scenario_parameters._parameters
    charges: Charges = empty(Charges)
    charges.equity = portfolio.cash
    # Ranges are checked once, at the end of the loop.
    sizes: uint256 = 0
    prices: uint256 = 0
    amounts: uint256 = unsafe_add(convert(convert(portfolio.cash, bytes32), uint256), AMOUNT_BIAS)

    # By underlying, in order of appearance.
    underlyings: uint256 = 0
    exposures: int256[MAX_UNDERLYINGS] = empty(int256[MAX_UNDERLYINGS])
    notionals: uint256[MAX_UNDERLYINGS] = empty(uint256[MAX_UNDERLYINGS])
    # What is missing of full confidence: in perpetuals, and in everything that is held.
    confidences: uint256[MAX_UNDERLYINGS] = empty(uint256[MAX_UNDERLYINGS])
    doubts: uint256[MAX_UNDERLYINGS] = empty(uint256[MAX_UNDERLYINGS])
    coin_values: uint256[MAX_UNDERLYINGS] = empty(uint256[MAX_UNDERLYINGS])
    # Of coin collateral, what takes no part in a fall.
    reliefs: uint256[MAX_UNDERLYINGS] = empty(uint256[MAX_UNDERLYINGS])

    # At the number of a series: its last position 8 | its place 8; at that of a feed: place of the underlying, from
    # bit 16. All from 1.
    index: uint256[256] = empty(uint256[256])
    # Of each position: the one of the same series before it, from 1.
    before: uint256[MAX_POSITIONS] = empty(uint256[MAX_POSITIONS])
    series: DynArray[uint256, MAX_POSITIONS] = []
    has_orders: bool = False
    # A perpetual has no expiry at which it would be worth what it hedges, and pays funding for as long as it is held:
    # nothing bounds what an account with one can lose.
    limited: bool = parameters >> BOUNDED_BIT != 0
    ordered_limited: bool = True

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
        feed: uint256 = scenario_parameters._feed(position.market)
        assert feed != 0, NO_FEED
        at: uint256 = index[feed] >> 16
        if at == 0:
            underlyings = unsafe_add(underlyings, 1)
            assert underlyings <= MAX_TRADED, TOO_MANY
            at = underlyings
            index[feed] |= at << 16
        at = unsafe_sub(at, 1)
        if position.size != 0 or position.unrealised != 0:
            limited = False
        if position.bids | position.asks != 0:
            ordered_limited = False
        held: uint256 = convert(abs(position.size), uint256)
        if position.market < market_math.FIRST_INVERSE:
            exposures[at] = unsafe_add(
                exposures[at], unsafe_mul(position.size, convert(position.mark, int256))
            )
            notionals[at] = unsafe_add(notionals[at], unsafe_mul(held, position.spot))
        else:
            # The coin at mark: unrealised = coin * mark - contracts of one USD.
            coin: int256 = unsafe_add(
                position.unrealised, unsafe_mul(position.size, convert(NANO, int256))
            )
            exposures[at] = unsafe_add(exposures[at], coin)
            # After a loss or a gain the coin is not worth what the contracts say: the larger of both.
            notionals[at] = unsafe_add(
                notionals[at], max(unsafe_mul(held, NANO), convert(abs(coin), uint256))
            )
        confidences[at] = max(
            confidences[at], unsafe_sub(FULL, min(position.confidence, FULL))
        )
    assert sizes >> 81 == 0 and prices >> 80 == 0, OUT_OF_RANGE

    # Collateral alone must never be too much: it comes in without asking here.
    traded: uint256 = underlyings
    lost: int256 = 0
    asset_feeds: uint256 = 0
    has_coin: bool = False
    if len(portfolio.collaterals) != 0:
        asset_feeds = scenario_parameters._asset_feeds
    for collateral: IMarginEngine.CollateralRisk in portfolio.collaterals:
        assert collateral.value < AMOUNT_BIAS and collateral.asset < 32, OUT_OF_RANGE
        # At a price of zero all of it is gone.
        lost = unsafe_add(lost, convert(collateral.value, int256))
        feed: uint256 = (asset_feeds >> unsafe_mul(collateral.asset, 8)) & MASK_8
        if feed == 0:
            continue
        at: uint256 = index[feed] >> 16
        if at == 0:
            underlyings = unsafe_add(underlyings, 1)
            at = underlyings
            index[feed] |= at << 16
        coin_values[unsafe_sub(at, 1)] = unsafe_add(coin_values[unsafe_sub(at, 1)], collateral.value)
        has_coin = True
    charges.equity = unsafe_add(charges.equity, lost)

    grid: address = empty(address)
    data: Bytes[32 * MAX_SCENARIOS] = b""
    boards: DynArray[address, MAX_POSITIONS] = []
    if underlyings != 0 or len(series) != 0:
        grid, boards = staticcall scenario_parameters.RISK_BOARD.boards(series, skip_contract_check=True)
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
            traded = unsafe_add(traded, 1)
            assert traded <= MAX_TRADED, TOO_MANY
            at = underlyings
            index[feed] |= at << 16
        owners.append(unsafe_sub(at, 1))

    factor: uint256 = portfolio_math._loss_factor(parameters, portfolio.stable_price)
    fractions: uint256[2] = [0, 0]
    if has_orders or has_coin:
        fractions = portfolio_math._fractions(data)
    for collateral: IMarginEngine.CollateralRisk in portfolio.collaterals:
        haircuts: uint256[3] = portfolio_math._haircuts(collateral, parameters)
        charge: uint256 = unsafe_add(haircuts[0], haircuts[2])
        charges.initial[HAIRCUT] = unsafe_add(charges.initial[HAIRCUT], charge)
        charges.maintenance[HAIRCUT] = unsafe_add(charges.maintenance[HAIRCUT], haircuts[1])
        feed: uint256 = (asset_feeds >> unsafe_mul(collateral.asset, 8)) & MASK_8
        if feed != 0 and parameters >> BOUNDED_BIT != 0:
            at: uint256 = unsafe_sub(index[feed] >> 16, 1)
            reliefs[at] = unsafe_add(
                reliefs[at],
                portfolio_math._relief(
                    collateral.value, unsafe_sub(collateral.value, charge), fractions[0], factor
                ),
            )

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
        exposure: int256 = unsafe_add(exposures[owner], convert(coin_values[owner], int256))
        alone: uint256 = 0
        for place: uint256 in owners:
            if place == owner:
                alone = unsafe_add(alone, 1)
        spot: uint256 = 0
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
            sure: uint256 = min((word >> 184) & MASK_28, FULL)
            # Its payoffs are fixed, or as good as, and the board does not know it yet: nothing of it moves.
            outdated: bool = (
                block.timestamp >= (word >> 128) & MASK_40 and (word >> 88) & MASK_40 < (word >> 128) & MASK_40
            )
            variable: uint256 = (extract32(header, 32, output_type=uint256) >> 80) & MASK_80
            if outdated:
                variable = 0
            held: scenario_values.Held = empty(scenario_values.Held)
            held.first = count
            at: uint256 = index[one] & MASK_8
            for _: uint256 in range(MAX_POSITIONS):
                if at == 0:
                    break
                position: IMarginEngine.PositionRisk = portfolio.positions[unsafe_sub(at, 1)]
                at = before[unsafe_sub(at, 1)]
                spot = position.spot
                if position.confidence < sure:
                    sure = position.confidence
                worth: int256 = unsafe_mul(position.size, convert(position.mark, int256))
                k: uint256 = position.market & MASK_8
                if k == 0:
                    held.future = position.size
                    lost = unsafe_add(lost, worth)
                    continue
                k = unsafe_sub(k, 1) >> 1
                assert k < count, NO_VALUES
                if k < held.first:
                    held.first = k
                if k >= held.above:
                    held.above = unsafe_add(k, 1)
                held.marks |= position.mark
                held.marked = unsafe_add(held.marked, worth)
                held.gross = unsafe_add(held.gross, convert(abs(position.size), uint256))
                held.nets[k] = unsafe_add(held.nets[k], position.size)
                if position.market & 1 == 0:
                    held.puts[k] = unsafe_add(held.puts[k], position.size)
                    held.put_size = unsafe_add(held.put_size, position.size)
            missing: uint256 = max(confidences[owner], unsafe_sub(FULL, sure))
            gross = unsafe_add(gross, held.gross)
            doubts[owner] = max(doubts[owner], missing)
            assert gross < MAX_GROSS and held.marks < MAX_OPTION_MARK, OUT_OF_RANGE
            futures: uint256 = unsafe_mul(convert(abs(held.future), uint256), spot)
            linear = unsafe_add(linear, futures)
            unsure = unsafe_add(
                unsure,
                portfolio_math._unsure(
                    unsafe_add(futures, unsafe_mul(held.gross, spot)), missing, parameters
                ),
            )
            exposure = unsafe_add(exposure, unsafe_mul(held.future, convert(variable, int256)))
            held.slope = unsafe_sub(held.future, held.put_size)
            if alone == 1:
                # Coin goes with the options of the only series: its price is theirs when they expire.
                held.slope = unsafe_add(
                    held.slope, convert(portfolio_math._base(coin_values[owner], spot), int256)
                )
            valued: scenario_values.Valued = scenario_values._valued(board, header, count, held)
            naked = unsafe_add(naked, unsafe_mul(valued.naked, spot))
            limited = limited and valued.slope >= 0
            lost = unsafe_add(lost, unsafe_sub(held.marked, valued.least))

            word = extract32(header, 64, output_type=uint256)
            if outdated:
                word = 0
                held.marked = 0
            assets: int256 = convert(word & MASK_64, int256)
            debts: int256 = convert((word >> 64) & MASK_64, int256)
            cost: int256 = unsafe_mul(held.marked, TO_WAD_SIGNED)
            costs = unsafe_add(costs, cost)
            # Assets are worth less by the discount and debts more, whichever it is the smaller product. The low lane
            # n is case 2 n - n % 2, the high one the second case after it.
            sum: uint256 = 0
            low: int256 = 0
            high: int256 = 0
            sum = unsafe_add(valued.lanes[0], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[0] = unsafe_add(totals[0], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[2] = unsafe_add(totals[2], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[1], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[1] = unsafe_add(totals[1], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[3] = unsafe_add(totals[3], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[2], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[4] = unsafe_add(totals[4], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[6] = unsafe_add(totals[6], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[3], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[5] = unsafe_add(totals[5], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[7] = unsafe_add(totals[7], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[4], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[8] = unsafe_add(totals[8], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[10] = unsafe_add(totals[10], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[5], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[9] = unsafe_add(totals[9], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[11] = unsafe_add(totals[11], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[6], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[12] = unsafe_add(totals[12], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[14] = unsafe_add(totals[14], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[7], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[13] = unsafe_add(totals[13], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[15] = unsafe_add(totals[15], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[8], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[16] = unsafe_add(totals[16], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[18] = unsafe_add(totals[18], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[9], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[17] = unsafe_add(totals[17], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[19] = unsafe_add(totals[19], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[10], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[20] = unsafe_add(totals[20], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[22] = unsafe_add(totals[22], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[11], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[21] = unsafe_add(totals[21], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[23] = unsafe_add(totals[23], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[12], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[24] = unsafe_add(totals[24], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[26] = unsafe_add(totals[26], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[13], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[25] = unsafe_add(totals[25], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[27] = unsafe_add(totals[27], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[14], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[28] = unsafe_add(totals[28], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            totals[30] = unsafe_add(totals[30], min(unsafe_mul(high, assets), unsafe_mul(high, debts)))
            sum = unsafe_add(valued.lanes[15], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            totals[29] = unsafe_add(totals[29], min(unsafe_mul(low, assets), unsafe_mul(low, debts)))
            # In a skew, cases 31 and 32, a gain counts as a loss; it rotates either way.
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            high = unsafe_sub(min(unsafe_mul(high, assets), unsafe_mul(high, debts)), cost)
            totals[31] = unsafe_add(totals[31], min(high, unsafe_sub(0, high)))
            sum = unsafe_add(valued.lanes[16], valued.with_strikes)
            low = convert(convert(sum << 128, bytes32), int256) >> 128
            # Case 34, spot down for the basis; 33 is spot up.
            high = unsafe_sub(convert(convert(sum, bytes32), int256), low) >> 128
            low = unsafe_sub(min(unsafe_mul(low, assets), unsafe_mul(low, debts)), cost)
            totals[32] = unsafe_add(totals[32], min(low, unsafe_sub(0, low)))
            low = convert(convert(unsafe_add(valued.lanes[17], valued.with_strikes) << 128, bytes32), int256) >> 128
            basis = unsafe_add(
                basis,
                unsafe_mul(
                    min(unsafe_sub(unsafe_mul(min(low, high), IWAD), cost), 0),
                    convert((word >> 128) & MASK_64, int256),
                ),
            )

        worst: uint256 = 0
        least: int256 = portfolio_math._wad_down(portfolio_math._to_wad(basis))
        charges.profits[MAX_SCENARIOS] = unsafe_add(charges.profits[MAX_SCENARIOS], least)
        if least < 0:
            worst = BASIS
        # A skew's cost is in it; it moves no spot.
        totals[31] = unsafe_add(totals[31], costs)
        totals[32] = unsafe_add(totals[32], costs)
        exposure = unsafe_mul(exposure, 1_000)
        case: uint256 = 0
        if reliefs[owner] != 0:
            relief: uint256 = unsafe_mul(reliefs[owner], 1_000)
            for fallen: uint256 in range(MAX_SCENARIOS):
                shock: uint256 = MASK_64 & extract32(data, unsafe_mul(fallen, 32), output_type=uint256)
                if shock < WAD:
                    totals[fallen] = unsafe_add(
                        totals[fallen], convert(unsafe_mul(relief, unsafe_sub(WAD, shock)), int256)
                    )
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
            if itemised:
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
            unsure, portfolio_math._unsure(notionals[owner], confidences[owner], parameters)
        )
        doubts[owner] = max(doubts[owner], confidences[owner])

    assert prices >> 80 == 0 and amounts >> 170 == 0, OUT_OF_RANGE

    ordered: uint256 = 0
    ordered_lost: int256 = 0
    if has_orders:
        for position: IMarginEngine.PositionRisk in portfolio.positions:
            if position.bids | position.asks == 0:
                continue
            order: portfolio_math.Order = portfolio_math.Order(
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
                order.missing = doubts[unsafe_sub(index[scenario_parameters._feed(position.market)] >> 16, 1)]
                if position.market >= market_math.FIRST_INVERSE:
                    order.linear = NANO
                    lost_bid = NANO
            else:
                board: address = boards[unsafe_sub((index[position.market >> 8] >> 8) & MASK_8, 1)]
                word: uint256 = convert(slice(board.code, 1, 32), uint256)
                order.missing = doubts[unsafe_sub(index[(word >> 72) & MASK_8] >> 16, 1)]
                if position.market & MASK_8 != 0:
                    k: uint256 = unsafe_sub(position.market & MASK_8, 1) >> 1
                    table: uint256 = 1 + 32 * HEADER_WORDS
                    word = convert(
                        slice(
                            board.code,
                            unsafe_add(
                                unsafe_add(table, unsafe_mul(32, (word >> 80) & MASK_8)),
                                unsafe_mul(32 * STRIKE_WORDS, k),
                            ),
                            32,
                        ),
                        uint256,
                    )
                    if position.market & 1 == 0:
                        word = word >> 128
                        strike: uint256 = MASK_72 & convert(
                            slice(board.code, unsafe_add(table, unsafe_mul(32, k)), 32), uint256
                        )
                        lost_ask = unsafe_sub(max(strike, position.mark), position.mark)
                    losses = [word & MASK_64, (word >> 64) & MASK_64]
                    order.linear = 0
            if order.linear != 0:
                # Fractions of a unit's value at mark, in the unit of values: nano USD times wad over 1e15.
                losses = [
                    portfolio_math._up(unsafe_mul(lost_bid, losses[0]), TO_UNIT),
                    portfolio_math._up(unsafe_mul(lost_bid, losses[1]), TO_UNIT),
                ]
            order.loss = losses[0]
            bid: uint256 = portfolio_math._order_charge(order, position.spot, factor, parameters)
            order.size = position.asks
            order.loss = losses[1]
            if order.linear == 0:
                order.naked = position.spot
            ordered = unsafe_add(
                ordered, max(bid, portfolio_math._order_charge(order, position.spot, factor, parameters))
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

    charges.initial[SCENARIO] = portfolio_math._wad_up(unsafe_mul(loss, unsafe_mul(parameters & MASK_16, BPS_TO_WAD)))
    charges.maintenance[SCENARIO] = portfolio_math._wad_up(
        unsafe_mul(loss, unsafe_mul((parameters >> 16) & MASK_16, BPS_TO_WAD))
    )
    charges.initial[DEPEG] = portfolio_math._wad_up(
        unsafe_mul(loss, unsafe_sub(factor, unsafe_mul(parameters & MASK_16, BPS_TO_WAD)))
    )
    share: uint256 = (parameters >> 64) & MASK_16
    charges.maintenance[LINEAR] = portfolio_math._up(unsafe_mul(linear, share), BPS)
    charges.initial[LINEAR] = portfolio_math._up(
        unsafe_mul(linear, unsafe_add(share, (parameters >> 80) & MASK_16)), BPS
    )
    share = (parameters >> 96) & MASK_16
    charges.maintenance[NAKED] = portfolio_math._up(unsafe_mul(naked, share), BPS)
    charges.initial[NAKED] = portfolio_math._up(
        unsafe_mul(naked, unsafe_add(share, (parameters >> 112) & MASK_16)), BPS
    )
    charges.initial[CONFIDENCE] = portfolio_math._up(
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
@pure
def _requirements(charges: Charges) -> (uint256, uint256):
    """
    @dev Sums of the terms. Each is below 2**247.
    """
    initial: uint256 = unsafe_add(
        unsafe_add(
            unsafe_add(charges.initial[SCENARIO], charges.initial[DEPEG]),
            unsafe_add(charges.initial[LINEAR], charges.initial[NAKED]),
        ),
        unsafe_add(
            unsafe_add(charges.initial[CONFIDENCE], charges.initial[HAIRCUT]), charges.initial[ORDERS]
        ),
    )
    maintenance: uint256 = unsafe_add(
        unsafe_add(
            unsafe_add(charges.maintenance[SCENARIO], charges.maintenance[DEPEG]),
            unsafe_add(charges.maintenance[LINEAR], charges.maintenance[NAKED]),
        ),
        unsafe_add(
            unsafe_add(charges.maintenance[CONFIDENCE], charges.maintenance[HAIRCUT]), charges.maintenance[ORDERS]
        ),
    )
    return initial, maintenance
