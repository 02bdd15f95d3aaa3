# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Exposures of a portfolio by underlying
@license AGPL-3.0-only
@notice What risk-based margin adds up before it prices anything. Deltas, gammas and vegas are wad USD for a
        relative move of one:
            linear perpetual, future    size * mark
            inverse perpetual           its coin balance at mark: unrealised PnL plus contracts. The value is
                                        linear in the price of the coin, so there is no gamma: the convexity
                                        of the contract in coin is the price risk of coin that is pledged,
                                        which a mapped collateral brings in as a delta of its own
            option                      size times the sensitivities of IGreeks; vegas of every expiry are
                                        brought to 30 days by sqrt(30 days / time)
            mapped collateral           its value
        Orders: at most the larger of what all bids and what all asks of an underlying could add to its delta.
        Margin is a norm of the exposures with convex charges on top, so margin after any fills is at most the
        margin before them plus that of the orders alone, which is what they are charged, and the value of
        long options that they buy.
"""

from contracts.interfaces import IMarginEngine
from contracts.math import margin_math
from contracts.math import market_math
from contracts.math import risk_math
from contracts.math import risk_table

OUT_OF_RANGE: constant(String[40]) = "exposures: portfolio out of range"
BAD_MARKET: constant(String[40]) = "exposures: market out of range"

NANO: constant(uint256) = 10**9
BPS: constant(uint256) = 10_000
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_31: constant(uint256) = 2**31 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_72: constant(uint256) = 2**72 - 1

# As tiered_margin: signed numbers are checked with a bias, as unsigned.
SIZE_BITS: constant(uint256) = 81
SIZE_BIAS: constant(uint256) = 2**80
PRICE_BITS: constant(uint256) = 80
AMOUNT_BITS: constant(uint256) = 200
AMOUNT_BIAS: constant(uint256) = 2**199

# Bytes are read as the lowest of a word that ends with them.
PERPETUALS: constant(uint256) = 32 * risk_table.PERPETUAL_WORD - 31
SERIES: constant(uint256) = 32 * risk_table.SERIES_WORD - 31
COLLATERALS: constant(uint256) = 32 * risk_table.COLLATERAL_WORD - 31
# What belongs to no underlying has a line of its own, place 0.
LINES: constant(uint256) = risk_table.MAX_UNDERLYINGS + 1

struct Line:
    long: uint256           # deltas that gain when the price rises
    short: uint256          # deltas that gain when it falls
    gamma: int256
    vega: int256
    shorts: uint256         # short options, at spot
    option_long: uint256    # the part of long options in each of the first four
    option_short: uint256
    option_gamma: uint256
    option_vega: uint256
    option_value: uint256   # of long options, at mark
    long_options: bool
    up: uint256             # delta that fills could add, and take away
    down: uint256
    order_gamma: uint256    # gamma that fills could sell
    order_vega_up: uint256
    order_vega_down: uint256
    order_shorts: uint256   # options that fills could leave short, beyond those that are, at spot
    confidence: uint256     # charges
    depeg: uint256
    initial: uint256        # what a market that was not admitted is charged
    maintenance: uint256


@internal
@pure
def _place_byte(market: uint256) -> uint256:
    """
    @dev Where in the table a word starts that ends with the place of a market's underlying.
    """
    if market <= MASK_8:
        return unsafe_add(PERPETUALS, market)
    assert market <= market_math.MAX_MARKET, BAD_MARKET
    return unsafe_add(SERIES, market >> 8)


@internal
@pure
def _mapped_byte(asset: uint256) -> uint256:
    """
    @dev The same of a collateral; of one that cannot be mapped, a byte that is always 0.
    """
    return unsafe_add(COLLATERALS, asset) if asset < 32 else PERPETUALS


@internal
@pure
def _is_amount(amount: int256) -> bool:
    return unsafe_add(convert(convert(amount, bytes32), uint256), AMOUNT_BIAS) >> AMOUNT_BITS == 0


@internal
@pure
def _added(
    before: Line,
    position: IMarginEngine.PositionRisk,
    admitted: bool,
    word: uint256,
    stable_price: uint256,
    contingency: uint256,
) -> Line:
    """
    @dev The line of an underlying with one more position.
    @param admitted Whether the line is that of an underlying.
    @param word Sensitivities of an option (IGreeks), 0 for all else.
    @param contingency Its fields as in word 0 of the table, from bit 0.
    """
    line: Line = before
    kind: uint256 = market_math._kind(position.market)
    assert kind != 0, BAD_MARKET
    sizes: uint256 = (
        position.bids | position.asks | unsafe_add(convert(convert(position.size, bytes32), uint256),
        SIZE_BIAS)
    )
    assert sizes >> SIZE_BITS == 0 and self._is_amount(position.unrealised), OUT_OF_RANGE
    assert (position.mark | position.spot) >> PRICE_BITS == 0, OUT_OF_RANGE
    held: uint256 = convert(abs(position.size), uint256)
    # Notional at spot that pays for low confidence and a depeg.
    charged: uint256 = 0

    if kind == market_math.OPTION:
        # An option that is settled has its payoff in its unrealised PnL and no risk.
        if word >> 255 != 0 and (word >> 224) & MASK_31 == 0:
            return line
        written: uint256 = convert(max(unsafe_sub(0, position.size), 0), uint256)
        after: uint256 = convert(max(unsafe_sub(convert(position.asks, int256), position.size), 0), uint256)
        charged = unsafe_mul(after, position.spot)
        if not admitted or word == 0:
            price: uint256 = max(position.mark, position.spot)
            bought: uint256 = convert(
                max(unsafe_add(position.size, convert(position.bids, int256)), 0), uint256
            )
            line.initial = unsafe_add(
                line.initial, max(unsafe_mul(bought, position.mark), unsafe_mul(after, price))
            )
            if position.size > 0:
                price = position.mark
            line.maintenance = unsafe_add(line.maintenance, unsafe_mul(held, price))
        else:
            delta: int256 = convert(convert(word << 176, bytes32), int256) >> 176
            slope: uint256 = convert(abs(delta), uint256)
            gamma: uint256 = (word >> 80) & MASK_72
            vega: uint256 = unsafe_div(
                unsafe_mul((word >> 152) & MASK_72, risk_math._term_scale((word >> 224) & MASK_31)), NANO
            )
            rising: bool = delta >= 0
            if rising == (position.size >= 0):
                line.long = unsafe_add(line.long, unsafe_mul(held, slope))
            else:
                line.short = unsafe_add(line.short, unsafe_mul(held, slope))
            line.gamma = unsafe_add(line.gamma, unsafe_mul(position.size, convert(gamma, int256)))
            line.vega = unsafe_add(line.vega, unsafe_mul(position.size, convert(vega, int256)))
            if position.size > 0:
                line.long_options = True
                line.option_value = unsafe_add(line.option_value, unsafe_mul(held, position.mark))
                if rising:
                    line.option_long = unsafe_add(line.option_long, unsafe_mul(held, slope))
                else:
                    line.option_short = unsafe_add(line.option_short, unsafe_mul(held, slope))
                line.option_gamma = unsafe_add(line.option_gamma, unsafe_mul(held, gamma))
                line.option_vega = unsafe_add(line.option_vega, unsafe_mul(held, vega))
            else:
                line.shorts = unsafe_add(line.shorts, unsafe_mul(written, position.spot))
            if position.bids | position.asks != 0:
                if rising:
                    line.up = unsafe_add(line.up, unsafe_mul(position.bids, slope))
                    line.down = unsafe_add(line.down, unsafe_mul(position.asks, slope))
                else:
                    line.up = unsafe_add(line.up, unsafe_mul(position.asks, slope))
                    line.down = unsafe_add(line.down, unsafe_mul(position.bids, slope))
                line.order_gamma = unsafe_add(line.order_gamma, unsafe_mul(position.asks, gamma))
                line.order_vega_up = unsafe_add(line.order_vega_up, unsafe_mul(position.bids, vega))
                line.order_vega_down = unsafe_add(line.order_vega_down, unsafe_mul(position.asks, vega))
                line.order_shorts = unsafe_add(
                    line.order_shorts, unsafe_mul(unsafe_sub(after, written), position.spot)
                )
    else:
        exposure: int256 = unsafe_mul(position.size, convert(position.mark, int256))
        price: uint256 = position.mark
        at_spot: uint256 = position.spot
        if kind == market_math.INVERSE_PERPETUAL:
            exposure = unsafe_add(position.unrealised, unsafe_mul(position.size, convert(NANO, int256)))
            price = NANO
            at_spot = NANO
        worst: uint256 = held
        if position.bids | position.asks != 0:
            worst = margin_math._worst_size(position.size, position.bids, position.asks)
            line.up = unsafe_add(line.up, unsafe_mul(position.bids, price))
            line.down = unsafe_add(line.down, unsafe_mul(position.asks, price))
        charged = unsafe_mul(worst, at_spot)
        if not admitted:
            line.initial = unsafe_add(line.initial, unsafe_mul(worst, price))
            line.maintenance = unsafe_add(line.maintenance, unsafe_mul(held, price))
        elif exposure >= 0:
            line.long = unsafe_add(line.long, convert(exposure, uint256))
        else:
            line.short = unsafe_add(line.short, convert(unsafe_sub(0, exposure), uint256))

    if position.confidence < contingency & MASK_28:
        line.confidence = unsafe_add(
            line.confidence,
            margin_math._confidence_up(
                charged, position.confidence, contingency & MASK_28, (contingency >> 28) & MASK_16
            ),
        )
    if stable_price < (contingency >> 60) & MASK_32:
        line.depeg = unsafe_add(
            line.depeg,
            margin_math._depeg_up(
                charged, stable_price, (contingency >> 60) & MASK_32, (contingency >> 44) & MASK_16
            ),
        )
    return line


@internal
@pure
def _collateral_charges(
    collateral: IMarginEngine.CollateralRisk, underlying: uint256, quantile: uint256, contingency: uint256
) -> uint256[3]:
    """
    @dev Initial haircut, maintenance haircut, and the charge for confidence that fits into what is left of
         the value. A mapped collateral pays no haircut; what is left for it is what its price risk at the
         quantile, basis and concentration can never take.
    @param underlying Word of the underlying in the table, 0 for a collateral that is not mapped.
    """
    assert collateral.value < AMOUNT_BIAS, OUT_OF_RANGE
    assert max(collateral.initial_haircut, collateral.maintenance_haircut) <= BPS, OUT_OF_RANGE
    charge: uint256 = margin_math._confidence_up(
        collateral.value, collateral.confidence, contingency & MASK_28, (contingency >> 28) & MASK_16
    )
    if underlying != 0:
        taken: uint256 = unsafe_add(
            unsafe_mul(underlying & MASK_32, quantile),
            unsafe_mul(unsafe_add((underlying >> 64) & MASK_16, (underlying >> 96) & MASK_16), NANO),
        )
        # RiskModel keeps what is taken within one.
        left: uint256 = unsafe_div(
            unsafe_mul(collateral.value, unsafe_sub(risk_math.MOVE_ONE, taken)), risk_math.MOVE_ONE
        )
        return [0, 0, min(charge, left)]
    initial: uint256 = margin_math._haircut_up(
        collateral.value, max(collateral.initial_haircut, collateral.maintenance_haircut)
    )
    return [
        initial,
        margin_math._haircut_up(collateral.value, collateral.maintenance_haircut),
        min(charge, unsafe_sub(collateral.value, initial)),
    ]
