# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Risk-based (parametric) margin
@license AGPL-3.0-only
@notice Requirement of a portfolio from sensitivities and a covariance matrix, all terms >= 0 and rounded up:
            VaR             quantile * sqrt(x' R x) over the prices and volatilities of all underlyings,
                            under the worst of the given correlations, all moved together, all moved apart
            curvature       what short gamma loses at the quantile, at least a minimum for short options
            basis           matched notional of different instruments on one underlying
            concentration   gross notional above a bound
        Initial margin also has what resting orders could add, and the charges for confidence and depeg of
        linear positions and short options. modules/exposures.vy adds a portfolio up by underlying,
        modules/parametric_risk.vy prices the sums, RiskModel keeps the parameters.
        A market that was not admitted is charged in full.
        Equity = cash + unrealised + collateral values.
"""

from contracts.interfaces import IGreeks
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IRiskModel
from contracts.math import market_math
from contracts.math import risk_table
from contracts.modules import exposures
from contracts.modules import parametric_risk

implements: IMarginEngine

TABLE_BYTES: constant(uint256) = risk_table.TABLE_BYTES
MAX_UNDERLYINGS: constant(uint256) = risk_table.MAX_UNDERLYINGS
MAX_FACTORS: constant(uint256) = risk_table.MAX_FACTORS
LINES: constant(uint256) = exposures.LINES
# Byte of the word of the underlying at place 0, were there one; places count from 1.
UNDERLYINGS: constant(uint256) = 32 * (risk_table.UNDERLYING_WORD - 1)
MASK_8: constant(uint256) = 2**8 - 1
MASK_32: constant(uint256) = 2**32 - 1

# Kinds of terms; the first eight come in this order for each underlying.
PRICE: constant(uint256) = 0
VOLATILITY: constant(uint256) = 1
CURVATURE: constant(uint256) = 2
BASIS: constant(uint256) = 3
CONCENTRATION: constant(uint256) = 4
ORDERS: constant(uint256) = 5
CONFIDENCE: constant(uint256) = 6
DEPEG: constant(uint256) = 7
LONG_OPTIONS: constant(uint256) = 8
COLLATERAL_CONFIDENCE: constant(uint256) = 9
NOT_ADMITTED: constant(uint256) = 10

MODEL: public(immutable(IRiskModel))
BOARD: public(immutable(IGreeks))


@deploy
def __init__(model: IRiskModel, board: IGreeks):
    """
    @notice Nothing here is owned or can change.
    @param model The parameters.
    @param board Sensitivities of options.
    """
    MODEL = model
    BOARD = board


@external
@view
def assess(portfolio: IMarginEngine.Portfolio) -> IMarginEngine.Assessment:
    """
    @notice What a portfolio must keep and what it is worth.
    @param portfolio As IMarginEngine describes it.
    @return Requirements in wad USD rounded up, equity in wad USD; worst_scenario is 0 where the given
            correlations are the worst for initial margin, 1 where those moved together are, 2 those moved
            apart.
    """
    assert exposures._is_amount(portfolio.cash), exposures.OUT_OF_RANGE
    answer: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    answer.equity = portfolio.cash
    table: Bytes[TABLE_BYTES] = self._table()
    quantiles: uint256 = extract32(table, 0, output_type=uint256)
    words: DynArray[uint256, 64] = []
    for position: IMarginEngine.PositionRisk in portfolio.positions:
        if market_math._kind(position.market) == market_math.OPTION:
            words.append(position.market)
    if len(words) != 0:
        words = staticcall BOARD.greeks(words)
    lines: exposures.Line[LINES] = empty(exposures.Line[LINES])
    option: uint256 = 0
    for position: IMarginEngine.PositionRisk in portfolio.positions:
        place: uint256 = extract32(
            table, exposures._place_byte(position.market), output_type=uint256
        ) & MASK_8
        word: uint256 = 0
        if market_math._kind(position.market) == market_math.OPTION:
            word = words[option]
            option = unsafe_add(option, 1)
            if word == 0:
                place = 0
        lines[place] = exposures._added(
            lines[place], position, place != 0, word, portfolio.stable_price, quantiles >> 96
        )
        answer.equity = unsafe_add(answer.equity, position.unrealised)
    for collateral: IMarginEngine.CollateralRisk in portfolio.collaterals:
        place: uint256 = extract32(
            table, exposures._mapped_byte(collateral.asset), output_type=uint256
        ) & MASK_8
        word: uint256 = 0
        if place != 0:
            word = extract32(table, UNDERLYINGS + 32 * place, output_type=uint256)
            lines[place].long += collateral.value
        charges: uint256[3] = exposures._collateral_charges(
            collateral, word, quantiles & MASK_32, quantiles >> 96
        )
        answer.initial_margin += charges[0] + charges[2]
        answer.maintenance_margin += charges[1]
        answer.equity = unsafe_add(answer.equity, convert(collateral.value, int256))

    initial: parametric_risk.Requirement = empty(parametric_risk.Requirement)
    maintenance: parametric_risk.Requirement = empty(parametric_risk.Requirement)
    initial, maintenance = parametric_risk._requirements(lines, table)
    answer.initial_margin += initial.total + lines[0].initial
    answer.maintenance_margin += maintenance.total + lines[0].maintenance
    answer.worst_scenario = initial.scenario
    for i: uint256 in range((quantiles >> 188) + 1, bound=LINES):
        line: exposures.Line = lines[i]
        # Asks of an option that is worth nothing have no sensitivities, and still a minimum.
        if i != 0 and (
            line.up | line.down | line.order_gamma | line.order_vega_up | line.order_vega_down | line.order_shorts
            != 0
        ):
            answer.initial_margin += parametric_risk._orders_up(
                line,
                extract32(table, UNDERLYINGS + 32 * i, output_type=uint256),
                quantiles & MASK_32,
            )
        answer.initial_margin += line.confidence + line.depeg
    return answer


@external
@view
def explain(portfolio: IMarginEngine.Portfolio) -> DynArray[IMarginEngine.Term, 256]:
    """
    @notice The terms of `assess`, which sum to it exactly: cash, each position's equity, then by underlying
            (the subject is its feed) its share of the VaR by price and by volatility, and its other charges.
            A hedge has a share of nothing rather than a negative one. Terms that are zero are left out.
    @param portfolio As IMarginEngine describes it.
    @return At most 1 + 64 + 8 * 17 + 2 + 2 * 8 terms.
    """
    terms: DynArray[IMarginEngine.Term, 256] = [
        IMarginEngine.Term(
            label="cash", subject=0, initial_margin=0, maintenance_margin=0, equity=portfolio.cash
        )
    ]
    assert exposures._is_amount(portfolio.cash), exposures.OUT_OF_RANGE
    # The same additions as in `assess`: a function of the portfolio would copy it, 18 kB of memory for every
    # check.
    table: Bytes[TABLE_BYTES] = self._table()
    quantiles: uint256 = extract32(table, 0, output_type=uint256)
    words: DynArray[uint256, 64] = []
    for position: IMarginEngine.PositionRisk in portfolio.positions:
        if market_math._kind(position.market) == market_math.OPTION:
            words.append(position.market)
    if len(words) != 0:
        words = staticcall BOARD.greeks(words)
    lines: exposures.Line[LINES] = empty(exposures.Line[LINES])
    option: uint256 = 0
    for position: IMarginEngine.PositionRisk in portfolio.positions:
        place: uint256 = extract32(
            table, exposures._place_byte(position.market), output_type=uint256
        ) & MASK_8
        word: uint256 = 0
        if market_math._kind(position.market) == market_math.OPTION:
            word = words[option]
            option = unsafe_add(option, 1)
            if word == 0:
                place = 0
        lines[place] = exposures._added(
            lines[place], position, place != 0, word, portfolio.stable_price, quantiles >> 96
        )
        terms.append(
            IMarginEngine.Term(
                label="position",
                subject=position.market,
                initial_margin=0,
                maintenance_margin=0,
                equity=position.unrealised,
            )
        )
    haircuts: DynArray[uint256[3], 8] = []
    for collateral: IMarginEngine.CollateralRisk in portfolio.collaterals:
        place: uint256 = extract32(
            table, exposures._mapped_byte(collateral.asset), output_type=uint256
        ) & MASK_8
        word: uint256 = 0
        if place != 0:
            word = extract32(table, UNDERLYINGS + 32 * place, output_type=uint256)
            lines[place].long += collateral.value
        charges: uint256[3] = exposures._collateral_charges(
            collateral, word, quantiles & MASK_32, quantiles >> 96
        )
        haircuts.append(charges)

    initial: parametric_risk.Requirement = empty(parametric_risk.Requirement)
    maintenance: parametric_risk.Requirement = empty(parametric_risk.Requirement)
    initial, maintenance = parametric_risk._requirements(lines, table)
    shares: uint256[MAX_FACTORS] = parametric_risk._shares(initial, table)
    low_shares: uint256[MAX_FACTORS] = parametric_risk._shares(maintenance, table)
    for i: uint256 in range(quantiles >> 188, bound=MAX_UNDERLYINGS):
        word: uint256 = extract32(table, UNDERLYINGS + 32 * (i + 1), output_type=uint256)
        line: exposures.Line = lines[i + 1]
        charges: uint256[2][8] = [
            [shares[i], low_shares[i]],
            [shares[MAX_UNDERLYINGS + i], low_shares[MAX_UNDERLYINGS + i]],
            [initial.curvature[i], maintenance.curvature[i]],
            [initial.basis[i], maintenance.basis[i]],
            [initial.concentration[i], maintenance.concentration[i]],
            [parametric_risk._orders_up(line, word, quantiles & MASK_32), 0],
            [line.confidence, 0],
            [line.depeg, 0],
        ]
        for j: uint256 in range(8):
            if charges[j][0] | charges[j][1] != 0:
                terms.append(self._term(j, (word >> 144) & MASK_8, charges[j][0], charges[j][1]))
    if lines[0].confidence != 0:
        terms.append(self._term(CONFIDENCE, 0, lines[0].confidence, 0))
    if lines[0].depeg != 0:
        terms.append(self._term(DEPEG, 0, lines[0].depeg, 0))
    if initial.option_value | maintenance.option_value != 0:
        terms.append(self._term(LONG_OPTIONS, 0, initial.option_value, maintenance.option_value))
    for i: uint256 in range(len(haircuts), bound=8):
        collateral: IMarginEngine.CollateralRisk = portfolio.collaterals[i]
        charges: uint256[3] = haircuts[i]
        terms.append(
            IMarginEngine.Term(
                label="haircut",
                subject=collateral.asset,
                initial_margin=charges[0],
                maintenance_margin=charges[1],
                equity=convert(collateral.value, int256),
            )
        )
        if charges[2] != 0:
            terms.append(self._term(COLLATERAL_CONFIDENCE, collateral.asset, charges[2], 0))
    if lines[0].initial | lines[0].maintenance != 0:
        terms.append(self._term(NOT_ADMITTED, 0, lines[0].initial, lines[0].maintenance))
    return terms


@external
@view
def permits(account: uint256, market: uint256, listed: uint256) -> bool:
    """
    @notice Whether an account may list one more market. Any number of markets, each admitted here.
    @param account Number of the account; all are treated alike.
    @param market The market to be listed.
    @param listed How many other markets the account has listed.
    @return True when it may.
    """
    return (staticcall MODEL.underlying_of(market)) != 0


@internal
@view
def _table() -> Bytes[TABLE_BYTES]:
    return slice((staticcall MODEL.table()).code, 1, TABLE_BYTES)


@internal
@pure
def _term(kind: uint256, subject: uint256, initial: uint256, maintenance: uint256) -> IMarginEngine.Term:
    return IMarginEngine.Term(
        label=self._label(kind),
        subject=subject,
        initial_margin=initial,
        maintenance_margin=maintenance,
        equity=0,
    )


@internal
@pure
def _label(kind: uint256) -> String[24]:
    if kind == PRICE:
        return "price"
    if kind == VOLATILITY:
        return "volatility"
    if kind == CURVATURE:
        return "curvature"
    if kind == BASIS:
        return "basis"
    if kind == CONCENTRATION:
        return "concentration"
    if kind == ORDERS:
        return "orders"
    if kind == CONFIDENCE:
        return "confidence"
    if kind == DEPEG:
        return "depeg"
    if kind == LONG_OPTIONS:
        return "long options"
    if kind == COLLATERAL_CONFIDENCE:
        return "collateral confidence"
    return "not admitted"
