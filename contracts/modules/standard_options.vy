# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Margin of options, dated futures and inverse perpetuals by the standard rules
@license AGPL-3.0-only
@notice Charges that are added to those of linear perpetuals (modules/tiered_margin.vy), all >= 0 and rounded up:
            option      by series, the smaller of two amounts, never below zero:
                        isolated      each short option by itself (math/option_margin_math.vy), and of each long
                                      one its mark: its value secures nothing but itself
                        maximum loss  value at mark less the worst payoff at expiry, taken at zero and at every
                                      strike held, and not above zero; where calls are short on balance, a multiple
                                      of the forward for each besides, because above the last strike nothing bounds them
            future      by tiers of |size| * mark, as a linear perpetual. The rules give no offset between a future and
                        the options of its series, so there is none
            inverse     by tiers of |size| contracts of one USD, or of what the coins of its entry are worth by
                        now, size + unrealised, where that is more: with those it moves as spot does
            confidence  initial only, below a threshold: (1 - confidence) * factor of the notional at spot, of
                        options of the short ones
            depeg       initial only, cash token below a threshold: (threshold - price) * factor of the same
        Resting orders, initial only. A future and an inverse perpetual count at their worst size. The isolated charge
        of an option is the larger of those after all its bids and after all its asks; the maximum loss takes
        all bids for the value and all asks for the payoff. Each bounds every way in which orders may fill, at mark.
        Standard margin of Derive (StandardManager) with requirements in place of margin numbers: equity already
        holds every option at its mark.
@dev Bounds on which the unchecked arithmetic rests: with the ranges that `assess` checks a size with its orders is below
     2**82, a sum of them below 2**88, prices below 2**81; a sum of payoffs, values or notionals is then below 2**170,
     and the widest product, a notional with lack of confidence and a factor, below 2**212.
     Strikes and forwards are read from the series' board, the code that RiskBoard wrote (IRiskBoard).
     `charges` is a call of its own, made by the engine to itself, because its tables would move the engine's memory up
     and make portfolios of perpetuals pay for it.
"""

from contracts.interfaces import IMarginEngine
from contracts.interfaces import IStandardOptions
from contracts.math import margin_math
from contracts.math import market_math
from contracts.math import option_margin_math
from contracts.modules import option_parameters
from contracts.modules import tiered_margin

uses: option_parameters
uses: tiered_margin

BAD_MARKET: constant(String[40]) = "standard_options: market out of range"
NO_BOARD: constant(String[40]) = "standard_options: no board"
NO_STRIKE: constant(String[40]) = "standard_options: no such strike"

BPS: constant(uint256) = 10_000
BPS_SQUARED: constant(uint256) = BPS * BPS
NANO: constant(uint256) = 10**9
MAX_POSITIONS: constant(uint256) = 64
MAX_STRIKES: constant(uint256) = 127
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_72: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1

# Where a board keeps what is read here (IRiskBoard): a STOP, 12 words of the series, a word of each strike.
BOARD_HEAD: constant(uint256) = 1
BOARD_STRIKES: constant(uint256) = 1 + 32 * 12

# 2 is a primitive root of this prime, so the powers 2**0 .. 2**126 leave 127 different remainders: the
# place of a strike in a table follows from its bit in a bitmap.
STRIKE_SLOTS: constant(uint256) = 131

struct Sums:
    bitmap: uint256             # of the strikes held
    isolated_initial: uint256   # wad
    isolated_maintenance: uint256
    value: int256               # wad
    payoff: int256              # at a price of zero, wad
    slope: int256               # of the payoff by the price, from zero to the first strike, nano base
    calls: int256               # slope above the last strike
    shorts: uint256             # nano base, with all asks filled
    spot: uint256
    confidence: uint256
    unrealised: int256
    ordered: bool
    bids_value: uint256         # wad
    put_asks_payoff: uint256    # at a price of zero, wad
    put_asks: uint256
    call_asks: uint256

# --- the question


@external
@view
def charges(portfolio: IMarginEngine.Portfolio) -> DynArray[IStandardOptions.Charge, MAX_POSITIONS]:
    """
    @notice What the engine's `assess` and `explain` add for markets that are not linear perpetuals. Those two
            refuse what is out of range before they ask; who asks directly gets an answer only within it.
    @param portfolio As IMarginEngine describes it; linear perpetuals are passed over.
    @return One charge for each inverse perpetual, each future and the options of each series.
    """
    found: DynArray[IStandardOptions.Charge, MAX_POSITIONS] = []
    contingency: uint256 = tiered_margin._entry(0)

    # Positions of one series are chained: `first` holds the place of the last one seen plus one, `others` that of the
    # one before.
    first: uint256[market_math.MAX_SERIES + 1] = empty(uint256[market_math.MAX_SERIES + 1])
    others: uint256[MAX_POSITIONS] = empty(uint256[MAX_POSITIONS])
    series: DynArray[uint256, MAX_POSITIONS] = []
    for i: uint256 in range(len(portfolio.positions), bound=MAX_POSITIONS):
        market: uint256 = portfolio.positions[i].market
        if market >= market_math.FIRST_DATED:
            number: uint256 = market >> 8
            assert number <= market_math.MAX_SERIES and market & MASK_8 != market_math.UNPAIRED, BAD_MARKET
            before: uint256 = first[number]
            first[number] = unsafe_add(i, 1)
            if before == 0:
                series.append(number)
            else:
                others[i] = before
        elif market >= market_math.FIRST_INVERSE:
            found.append(
                self._tiered(
                    portfolio.positions[i],
                    tiered_margin._entry(market),
                    contingency,
                    portfolio.stable_price,
                )
            )
    if len(series) == 0:
        return found

    assert option_parameters.risk_board != empty(address), NO_BOARD
    grid: address = empty(address)
    boards: DynArray[address, MAX_POSITIONS] = []
    grid, boards = staticcall option_parameters.Boards(option_parameters.risk_board).boards(series)
    strikes: uint256[STRIKE_SLOTS] = empty(uint256[STRIKE_SLOTS])
    sizes: int256[STRIKE_SLOTS] = empty(int256[STRIKE_SLOTS])
    asks: int256[STRIKE_SLOTS] = empty(int256[STRIKE_SLOTS])
    for n: uint256 in range(len(series), bound=MAX_POSITIONS):
        board: address = boards[n]
        assert board != empty(address), NO_BOARD
        head: Bytes[64] = slice(board.code, BOARD_HEAD, 64)
        word: uint256 = extract32(head, 0, output_type=uint256)
        feed: uint256 = (word >> 72) & MASK_8
        listed: uint256 = (word >> 80) & MASK_8
        # Eight strikes are read at a time; behind the last ones stand their values, so that much is always there.
        read: uint256 = max_value(uint256)
        eight: Bytes[256] = b""
        risk: uint256 = 0
        sums: Sums = empty(Sums)
        sums.confidence = margin_math.FULL_CONFIDENCE
        place: uint256 = first[series[n]]
        for _: uint256 in range(MAX_POSITIONS):
            if place == 0:
                break
            place = unsafe_sub(place, 1)
            position: IMarginEngine.PositionRisk = portfolio.positions[place]
            place = others[place]
            index: uint256 = position.market & MASK_8
            if index == 0:
                found.append(
                    self._tiered(position, option_parameters.future_risks[feed], contingency, portfolio.stable_price)
                )
                continue
            if risk == 0:
                risk = option_parameters._option_risk(feed)
            is_call: bool = index & 1 != 0
            index = unsafe_sub(index, 1) >> 1
            assert index < listed, NO_STRIKE
            if index >> 3 != read:
                read = index >> 3
                eight = slice(board.code, unsafe_add(BOARD_STRIKES, unsafe_mul(256, read)), 256)
            strike: uint256 = MASK_72 & extract32(eight, unsafe_mul(32, index & 7), output_type=uint256)
            index = 1 << index
            sums.bitmap |= index
            index = index % STRIKE_SLOTS
            strikes[index] = strike

            # Calls and puts have the same kink: at a strike the payoff's slope grows by the size.
            sizes[index] = unsafe_add(sizes[index], position.size)
            if is_call:
                sums.calls = unsafe_add(sums.calls, position.size)
            else:
                sums.slope = unsafe_sub(sums.slope, position.size)
                sums.payoff = unsafe_add(
                    sums.payoff, unsafe_mul(position.size, convert(strike, int256))
                )
            sums.value = unsafe_add(sums.value, unsafe_mul(position.size, convert(position.mark, int256)))
            sums.unrealised = unsafe_add(sums.unrealised, position.unrealised)
            sums.spot = position.spot
            if position.confidence < sums.confidence:
                sums.confidence = position.confidence

            low: int256 = position.size
            high: int256 = position.size
            if position.bids | position.asks != 0:
                sums.ordered = True
                low = unsafe_sub(low, convert(position.asks, int256))
                high = unsafe_add(high, convert(position.bids, int256))
                asks[index] = unsafe_add(asks[index], convert(position.asks, int256))
                sums.bids_value = unsafe_add(sums.bids_value, unsafe_mul(position.bids, position.mark))
                if is_call:
                    sums.call_asks = unsafe_add(sums.call_asks, position.asks)
                else:
                    sums.put_asks = unsafe_add(sums.put_asks, position.asks)
                    sums.put_asks_payoff = unsafe_add(
                        sums.put_asks_payoff, unsafe_mul(position.asks, strike)
                    )

            # What is isolated is convex in the size: the worst of all fills is at one end.
            worst: uint256 = 0
            if high > 0:
                worst = unsafe_mul(convert(high, uint256), position.mark)
                if position.size > 0:
                    sums.isolated_maintenance = unsafe_add(
                        sums.isolated_maintenance, unsafe_mul(convert(position.size, uint256), position.mark)
                    )
            if low < 0:
                short_initial: uint256 = 0
                short_maintenance: uint256 = 0
                short_initial, short_maintenance = option_margin_math._short(
                    is_call, strike, position.spot, position.mark, risk
                )
                short: uint256 = convert(unsafe_sub(0, low), uint256)
                sums.shorts = unsafe_add(sums.shorts, short)
                worst = max(
                    worst,
                    unsafe_div(unsafe_add(unsafe_mul(short, short_initial), BPS_SQUARED - 1), BPS_SQUARED),
                )
                if position.size < 0:
                    short = convert(unsafe_sub(0, position.size), uint256)
                    sums.isolated_maintenance = unsafe_add(
                        sums.isolated_maintenance,
                        unsafe_div(unsafe_add(unsafe_mul(short, short_maintenance), BPS - 1), BPS),
                    )
            sums.isolated_initial = unsafe_add(sums.isolated_initial, worst)
        if sums.bitmap == 0:
            continue

        # Along the strikes from the lowest; with orders once more, all asks filled. What was used of the
        # tables is zero again for the next series.
        worst: int256 = 0
        worst_held: int256 = 0
        payoff: int256 = sums.payoff
        slope: int256 = sums.slope
        for pass_: uint256 in range(2):
            left: uint256 = sums.bitmap
            previous: uint256 = 0
            worst = min(0, payoff)
            for _: uint256 in range(MAX_STRIKES):
                if left == 0:
                    break
                slot: uint256 = (left & unsafe_sub(0, left)) % STRIKE_SLOTS
                left &= unsafe_sub(left, 1)
                strike: uint256 = strikes[slot]
                payoff = unsafe_add(
                    payoff, unsafe_mul(slope, convert(unsafe_sub(strike, previous), int256))
                )
                previous = strike
                if payoff < worst:
                    worst = payoff
                slope = unsafe_add(slope, sizes[slot])
                if sums.ordered:
                    sizes[slot] = unsafe_sub(sizes[slot], asks[slot])
                    asks[slot] = 0
                else:
                    sizes[slot] = 0
            if pass_ == 0:
                worst_held = worst
            if not sums.ordered:
                break
            sums.ordered = False
            payoff = unsafe_sub(sums.payoff, convert(sums.put_asks_payoff, int256))
            slope = unsafe_add(sums.slope, convert(sums.put_asks, int256))

        word = extract32(head, 32, output_type=uint256)
        forward: uint256 = unsafe_add(word & MASK_80, (word >> 80) & MASK_80)
        maintenance: uint256 = self._smaller(
            sums.isolated_maintenance,
            unsafe_sub(sums.value, worst_held),
            option_margin_math._unpaired_up(sums.calls, forward, (risk >> 112) & MASK_16),
        )
        initial: uint256 = self._smaller(
            sums.isolated_initial,
            unsafe_sub(unsafe_add(sums.value, convert(sums.bids_value, int256)), worst),
            option_margin_math._unpaired_up(
                unsafe_sub(sums.calls, convert(sums.call_asks, int256)), forward, (risk >> 96) & MASK_16
            ),
        )
        notional: uint256 = unsafe_mul(sums.shorts, sums.spot)
        found.append(
            IStandardOptions.Charge(
                subject=series[n] << 8,
                options=True,
                initial_margin=max(initial, maintenance),
                maintenance_margin=maintenance,
                confidence=margin_math._confidence_up(
                    notional, sums.confidence, (risk >> 128) & MASK_28, (risk >> 156) & MASK_16
                ),
                depeg=self._depeg_up(notional, portfolio.stable_price, contingency),
                unrealised=sums.unrealised,
            )
        )
    return found


# --- internals


@internal
@pure
def _smaller(isolated: uint256, loss: int256, unpaired: uint256) -> uint256:
    """
    @dev The smaller of the isolated charge and the maximum loss, at least zero. A surface may value a portfolio below
         its worst payoff; then nothing is charged.
    """
    total: int256 = unsafe_add(loss, convert(unpaired, int256))
    return min(isolated, convert(max(total, 0), uint256))


@internal
@pure
def _tiered(
    position: IMarginEngine.PositionRisk, entry: uint256, contingency: uint256, stable_price: uint256
) -> IStandardOptions.Charge:
    """
    @dev A future or an inverse perpetual. The notional of an inverse one is below 2**201 (tiered_margin bounds what is
         unrealised), so its widest product, with lack of confidence and a factor, is below 2**242.
    """
    risk: uint256 = entry
    if risk == 0:
        risk = tiered_margin.FULL_CHARGE
    held: uint256 = convert(abs(position.size), uint256)
    worst: uint256 = margin_math._worst_size(position.size, position.bids, position.asks)
    notional: uint256 = unsafe_mul(held, position.mark)
    worst_notional: uint256 = unsafe_mul(worst, position.mark)
    at_spot: uint256 = unsafe_mul(worst, position.spot)
    if position.market < market_math.FIRST_DATED:
        contracts: int256 = unsafe_mul(position.size, convert(NANO, int256))
        coins: int256 = unsafe_add(contracts, position.unrealised)
        bids: uint256 = unsafe_mul(position.bids, NANO)
        asks: uint256 = unsafe_mul(position.asks, NANO)
        notional = convert(max(abs(contracts), abs(coins)), uint256)
        worst_notional = max(
            margin_math._worst_size(contracts, bids, asks), margin_math._worst_size(coins, bids, asks)
        )
        at_spot = worst_notional
    return IStandardOptions.Charge(
        subject=position.market,
        options=False,
        initial_margin=margin_math._requirement_up(
            margin_math._weighted(worst_notional, risk), risk & MASK_16
        ),
        maintenance_margin=margin_math._requirement_up(
            margin_math._weighted(notional, risk), (risk >> 16) & MASK_16
        ),
        confidence=margin_math._confidence_up(
            at_spot, position.confidence, contingency & MASK_28, (contingency >> 28) & MASK_16
        ),
        depeg=self._depeg_up(at_spot, stable_price, contingency),
        unrealised=position.unrealised,
    )


@internal
@pure
def _depeg_up(notional: uint256, stable_price: uint256, contingency: uint256) -> uint256:
    return margin_math._depeg_up(notional, stable_price, contingency >> 60, (contingency >> 44) & MASK_16)
