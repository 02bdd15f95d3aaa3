# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Cross margin that follows volatility
@license AGPL-3.0-only
@notice The requirements of CrossMargin, with its parameters, times a scale by feed
        (modules/dynamic_scale.vy):
            linear perpetual    tiers(|size| * mark) * ratio * scale, at most the notional
            inverse perpetual, dated future     their charge by the standard rules * scale
            options             by the standard rules, not scaled: their charge is bounded by what they can
                                lose, and a multiple of that is not; their marks hold the market's volatility
            haircut             value * haircut * the scale of the collateral's feed, at most the value
            confidence, depeg   as in CrossMargin
        Scales move no faster than their limit, so nobody becomes liquidatable at once by a jump of the
        variance.
        Equity = cash + unrealised + collateral values.
@dev As in tiered_margin, sizes, prices and amounts out of range are refused, so that nothing below can wrap.
"""

from contracts.interfaces import IDynamicScale
from contracts.interfaces import IInstruments
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IOracle
from contracts.interfaces import IStandardOptions
from contracts.math import margin_math
from contracts.math import scale_math
from contracts.modules import dynamic_scale
from contracts.modules import tiered_margin
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: IMarginEngine
implements: IDynamicScale

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: dynamic_scale[ownable := ownable]

exports: (
    # scales
    dynamic_scale.scale,
    dynamic_scale.target,
    dynamic_scale.scale_rules,
    dynamic_scale.feed_table,
    dynamic_scale.market_feed,
    dynamic_scale.mapped_feed,
    dynamic_scale.refresh,
    dynamic_scale.set_scale_rules,
    dynamic_scale.admit_markets,
    dynamic_scale.map_collaterals,
    # ownership in two steps
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

interface Standard:
    def table() -> address: view
    def charges(portfolio: IMarginEngine.Portfolio) -> DynArray[IStandardOptions.Charge, 64]: view
    def permits(account: uint256, market: uint256, listed: uint256) -> bool: view

OUT_OF_RANGE: constant(String[40]) = "dynamic_margin: portfolio out of range"
BAD_MARKET: constant(String[40]) = "dynamic_margin: market out of range"

BPS: constant(uint256) = 10_000
ONE: constant(uint256) = scale_math.ONE
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_128: constant(uint256) = 2**128 - 1
LAST_LINEAR: constant(uint256) = 127
RISK_BYTES: constant(uint256) = tiered_margin.TABLE_BYTES
FEED_BYTES: constant(uint256) = dynamic_scale.TABLE_BYTES
FULL_CHARGE: constant(uint256) = tiered_margin.FULL_CHARGE
SIZE_BITS: constant(uint256) = tiered_margin.SIZE_BITS
SIZE_BIAS: constant(uint256) = tiered_margin.SIZE_BIAS
PRICE_BITS: constant(uint256) = tiered_margin.PRICE_BITS
AMOUNT_BITS: constant(uint256) = tiered_margin.AMOUNT_BITS
AMOUNT_BIAS: constant(uint256) = tiered_margin.AMOUNT_BIAS
# A byte is read as the lowest of a word that ends with it.
SERIES: constant(uint256) = 32 * dynamic_scale.SERIES_WORD - 31
ASSETS: constant(uint256) = 32 * dynamic_scale.ASSET_WORD - 31

STANDARD: public(immutable(Standard))

struct Charge:
    initial: uint256
    maintenance: uint256
    confidence: uint256
    depeg: uint256


@deploy
def __init__(standard: address, oracle: IOracle, instruments: IInstruments):
    """
    @notice The deployer becomes the owner. Nothing is permitted before `set_scale_rules` and `admit_markets`.
    @param standard The CrossMargin whose parameters hold at the reference volatility.
    @param oracle Where variances come from.
    @param instruments The registry, which says which feed a market has.
    """
    ownable.__init__()
    ownable_2step.__init__()
    dynamic_scale.__init__(oracle, instruments)
    STANDARD = Standard(standard)


@external
@view
def assess(portfolio: IMarginEngine.Portfolio) -> IMarginEngine.Assessment:
    """
    @notice What a portfolio must keep and what it is worth.
    @param portfolio As IMarginEngine describes it.
    @return Requirements in wad USD rounded up, equity in wad USD; worst_scenario is 0, there is one case.
    """
    risks: Bytes[RISK_BYTES] = self._risks()
    feeds: Bytes[FEED_BYTES] = self._feeds()
    contingency: uint256 = extract32(risks, 0, output_type=uint256) >> 128
    scales: uint256[256] = empty(uint256[256])
    answer: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    answer.equity = portfolio.cash
    assert self._is_amount(portfolio.cash), OUT_OF_RANGE
    others: bool = False
    for position: IMarginEngine.PositionRisk in portfolio.positions:
        self._check(position)
        answer.equity = unsafe_add(answer.equity, position.unrealised)
        if unsafe_sub(position.market, 1) >= LAST_LINEAR:
            assert position.market != 0, BAD_MARKET
            others = True
            continue
        feed: uint256 = self._perpetual_feed(
            position.market,
            extract32(feeds, unsafe_mul(32, position.market // 32), output_type=uint256),
        )
        if scales[feed] == 0:
            scales[feed] = self._scale_of(feed)
        charge: Charge = self._linear(
            position,
            MASK_128 & extract32(risks, unsafe_mul(unsafe_sub(position.market, 1), 16), output_type=uint256),
            contingency,
            scales[feed],
            portfolio.stable_price,
        )
        answer.initial_margin = unsafe_add(
            answer.initial_margin,
            unsafe_add(charge.initial, unsafe_add(charge.confidence, charge.depeg)),
        )
        answer.maintenance_margin = unsafe_add(answer.maintenance_margin, charge.maintenance)
    if others:
        for charge: IStandardOptions.Charge in staticcall STANDARD.charges(portfolio):
            scale: uint256 = ONE
            if not charge.options:
                scale = self._scale_of(self._charge_feed(charge.subject, feeds))
            answer.initial_margin += (
                scale_math._amount_up(charge.initial_margin, scale) + charge.confidence + charge.depeg
            )
            answer.maintenance_margin += scale_math._amount_up(charge.maintenance_margin, scale)
    for collateral: IMarginEngine.CollateralRisk in portfolio.collaterals:
        haircuts: uint256[3] = self._haircuts(collateral, contingency, feeds)
        answer.initial_margin += haircuts[0] + haircuts[2]
        answer.maintenance_margin += haircuts[1]
        answer.equity = unsafe_add(answer.equity, convert(collateral.value, int256))
    return answer


@external
@view
def explain(portfolio: IMarginEngine.Portfolio) -> DynArray[IMarginEngine.Term, 256]:
    """
    @notice The terms of `assess`, which sum to it exactly: cash, each linear perpetual, everything else that
            the standard rules charge, each collateral. Contingencies that are zero are left out.
    @param portfolio As IMarginEngine describes it.
    @return At most 1 + 3 * 64 + 2 * 8 terms.
    """
    risks: Bytes[RISK_BYTES] = self._risks()
    feeds: Bytes[FEED_BYTES] = self._feeds()
    contingency: uint256 = extract32(risks, 0, output_type=uint256) >> 128
    assert self._is_amount(portfolio.cash), OUT_OF_RANGE
    terms: DynArray[IMarginEngine.Term, 256] = [
        IMarginEngine.Term(
            label="cash", subject=0, initial_margin=0, maintenance_margin=0, equity=portfolio.cash
        )
    ]
    others: bool = False
    for position: IMarginEngine.PositionRisk in portfolio.positions:
        self._check(position)
        if unsafe_sub(position.market, 1) >= LAST_LINEAR:
            assert position.market != 0, BAD_MARKET
            others = True
            continue
        charge: Charge = self._linear(
            position,
            MASK_128 & extract32(risks, 16 * (position.market - 1), output_type=uint256),
            contingency,
            self._scale_of(
                self._perpetual_feed(
                    position.market,
                    extract32(feeds, 32 * (position.market // 32), output_type=uint256),
                )
            ),
            portfolio.stable_price,
        )
        terms.append(
            IMarginEngine.Term(
                label="position",
                subject=position.market,
                initial_margin=charge.initial,
                maintenance_margin=charge.maintenance,
                equity=position.unrealised,
            )
        )
        if charge.confidence != 0:
            terms.append(self._initial_term("confidence", position.market, charge.confidence))
        if charge.depeg != 0:
            terms.append(self._initial_term("depeg", position.market, charge.depeg))
    if others:
        for charge: IStandardOptions.Charge in staticcall STANDARD.charges(portfolio):
            scale: uint256 = ONE
            if not charge.options:
                scale = self._scale_of(self._charge_feed(charge.subject, feeds))
            terms.append(
                IMarginEngine.Term(
                    label="options" if charge.options else "position",
                    subject=charge.subject,
                    initial_margin=scale_math._amount_up(charge.initial_margin, scale),
                    maintenance_margin=scale_math._amount_up(charge.maintenance_margin, scale),
                    equity=charge.unrealised,
                )
            )
            if charge.confidence != 0:
                terms.append(self._initial_term("confidence", charge.subject, charge.confidence))
            if charge.depeg != 0:
                terms.append(self._initial_term("depeg", charge.subject, charge.depeg))
    for collateral: IMarginEngine.CollateralRisk in portfolio.collaterals:
        haircuts: uint256[3] = self._haircuts(collateral, contingency, feeds)
        terms.append(
            IMarginEngine.Term(
                label="haircut",
                subject=collateral.asset,
                initial_margin=haircuts[0],
                maintenance_margin=haircuts[1],
                equity=convert(collateral.value, int256),
            )
        )
        if haircuts[2] != 0:
            terms.append(self._initial_term("collateral confidence", collateral.asset, haircuts[2]))
    return terms


@external
@view
def permits(account: uint256, market: uint256, listed: uint256) -> bool:
    """
    @notice Whether an account may list one more market. Any number of markets, each admitted here and
            permitted by CrossMargin.
    @param account Number of the account; all are treated alike.
    @param market The market to be listed.
    @param listed How many other markets the account has listed.
    @return True when it may.
    """
    return dynamic_scale._market_feed(market) != 0 and staticcall STANDARD.permits(account, market, listed)


@internal
@view
def _risks() -> Bytes[RISK_BYTES]:
    return slice((staticcall STANDARD.table()).code, 1, RISK_BYTES)


@internal
@view
def _feeds() -> Bytes[FEED_BYTES]:
    return slice(dynamic_scale.feed_table.code, 1, FEED_BYTES)


@internal
@view
def _scale_of(feed: uint256) -> uint256:
    """
    @dev One for a market or a collateral that has no feed here.
    """
    if feed == 0:
        return ONE
    return dynamic_scale._scale(feed)


@internal
@pure
def _perpetual_feed(market: uint256, word: uint256) -> uint256:
    """
    @dev Byte `market` of the feed table, out of the word that holds it.
    """
    return (word >> unsafe_mul(8, unsafe_sub(31, market & 31))) & MASK_8


@internal
@pure
def _charge_feed(market: uint256, feeds: Bytes[FEED_BYTES]) -> uint256:
    """
    @dev Feed of an inverse perpetual or of a series.
    """
    at: uint256 = market - 31
    if market > MASK_8:
        at = SERIES + (market >> 8)
    return extract32(feeds, at, output_type=uint256) & MASK_8


@internal
@pure
def _is_amount(amount: int256) -> bool:
    return unsafe_add(convert(convert(amount, bytes32), uint256), AMOUNT_BIAS) >> AMOUNT_BITS == 0


@internal
@pure
def _check(position: IMarginEngine.PositionRisk):
    sizes: uint256 = (
        position.bids
        | position.asks
        | unsafe_add(convert(convert(position.size, bytes32), uint256), SIZE_BIAS)
    )
    assert sizes >> SIZE_BITS == 0 and (position.mark | position.spot) >> PRICE_BITS == 0, OUT_OF_RANGE
    assert self._is_amount(position.unrealised), OUT_OF_RANGE


@internal
@pure
def _linear(
    position: IMarginEngine.PositionRisk,
    entry: uint256,
    contingency: uint256,
    scale: uint256,
    stable_price: uint256,
) -> Charge:
    """
    @dev A linear perpetual by the tiers of CrossMargin, scaled; `entry` is its risk entry, 0 for none.
    """
    risk: uint256 = entry
    if risk == 0:
        risk = FULL_CHARGE
    held: uint256 = convert(abs(position.size), uint256)
    worst: uint256 = held
    notional: uint256 = unsafe_mul(held, position.mark)
    weighted: uint256 = margin_math._weighted(notional, risk)
    charge: Charge = empty(Charge)
    charge.maintenance = min(notional, scale_math._scaled_up(weighted, (risk >> 16) & MASK_16, scale))
    if position.bids | position.asks != 0:
        worst = margin_math._worst_size(position.size, position.bids, position.asks)
        notional = unsafe_mul(worst, position.mark)
        weighted = margin_math._weighted(notional, risk)
    charge.initial = min(notional, scale_math._scaled_up(weighted, risk & MASK_16, scale))
    charge.confidence = margin_math._confidence_up(
        unsafe_mul(worst, position.spot),
        position.confidence,
        contingency & MASK_28,
        (contingency >> 28) & MASK_16,
    )
    charge.depeg = margin_math._depeg_up(
        unsafe_mul(worst, position.spot), stable_price, contingency >> 60, (contingency >> 44) & MASK_16
    )
    return charge


@internal
@view
def _haircuts(
    collateral: IMarginEngine.CollateralRisk, contingency: uint256, feeds: Bytes[FEED_BYTES]
) -> uint256[3]:
    """
    @dev Initial and maintenance haircut, scaled, and the confidence charge that fits into what is left of the
         value.
    """
    assert collateral.value < AMOUNT_BIAS, OUT_OF_RANGE
    assert max(collateral.initial_haircut, collateral.maintenance_haircut) <= BPS, OUT_OF_RANGE
    feed: uint256 = 0
    if collateral.asset < dynamic_scale.MAX_ASSETS:
        feed = extract32(feeds, ASSETS + collateral.asset, output_type=uint256) & MASK_8
    scale: uint256 = self._scale_of(feed)
    highest: uint256 = max(collateral.initial_haircut, collateral.maintenance_haircut)
    initial: uint256 = min(
        collateral.value, scale_math._share_up(collateral.value, highest, scale)
    )
    maintenance: uint256 = min(
        collateral.value, scale_math._share_up(collateral.value, collateral.maintenance_haircut, scale)
    )
    charge: uint256 = margin_math._confidence_up(
        collateral.value, collateral.confidence, contingency & MASK_28, (contingency >> 28) & MASK_16
    )
    return [initial, maintenance, min(charge, unsafe_sub(collateral.value, initial))]


@internal
@pure
def _initial_term(label: String[24], subject: uint256, charge: uint256) -> IMarginEngine.Term:
    return IMarginEngine.Term(
        label=label, subject=subject, initial_margin=charge, maintenance_margin=0, equity=0
    )
