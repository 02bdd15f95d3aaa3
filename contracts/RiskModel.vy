# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Parameters of risk-based margin in one table
@license AGPL-3.0-only
@notice The model that RiskBasedMargin reads; a contract of its own because both would not fit in one.
        Everything that risk-based margin needs is the code of one contract without functions, so that
        reading it costs one cold account; a change writes a new table and is atomic. For the bytes of the
        table see math/risk_table.vy. An underlying keeps its place: a new model has the same feeds in the
        same places, or more.
"""

from contracts.interfaces import IInstruments
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IRiskModel
from contracts.math import risk_math
from contracts.math import risk_table
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: IRiskModel

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    # ownership in two steps
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

NOT_DEFINITE: constant(String[48]) = "risk_model: matrix not positive semi-definite"
BAD_CORRELATION: constant(String[48]) = "risk_model: correlation out of range"
LENGTH_MISMATCH: constant(String[48]) = "risk_model: length mismatch"
BAD_QUANTILE: constant(String[48]) = "risk_model: quantile out of range"
BAD_VOLATILITY: constant(String[48]) = "risk_model: volatility out of range"
BAD_RATIO: constant(String[48]) = "risk_model: ratio out of range"
BAD_BOUND: constant(String[48]) = "risk_model: bound out of range"
BAD_FEED: constant(String[48]) = "risk_model: feed out of range"
MOVED: constant(String[48]) = "risk_model: underlying moved"
UNKNOWN_FEED: constant(String[48]) = "risk_model: no underlying of this feed"
BAD_MARKET: constant(String[48]) = "risk_model: market out of range"
BAD_ASSET: constant(String[48]) = "risk_model: asset out of range"
BAD_CONTINGENCY: constant(String[48]) = "risk_model: contingency out of range"

BPS: constant(uint256) = 10_000
NANO: constant(uint256) = 10**9
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_96: constant(uint256) = 2**96 - 1
MASK_188: constant(uint256) = 2**188 - 1
BOUND_UNIT: constant(uint256) = 1_000

MAX_UNDERLYINGS: constant(uint256) = risk_table.MAX_UNDERLYINGS
MAX_CORRELATIONS: constant(uint256) = 496
MAX_QUANTILE: constant(uint256) = 100_000
MAX_MARKET: constant(uint256) = 65_535

UNDERLYING_WORD: constant(uint256) = risk_table.UNDERLYING_WORD
PERPETUAL_WORD: constant(uint256) = risk_table.PERPETUAL_WORD
SERIES_WORD: constant(uint256) = risk_table.SERIES_WORD
COLLATERAL_WORD: constant(uint256) = risk_table.COLLATERAL_WORD
CORRELATION_WORD: constant(uint256) = risk_table.CORRELATION_WORD
TABLE_WORDS: constant(uint256) = risk_table.TABLE_WORDS
TABLE_BYTES: constant(uint256) = risk_table.TABLE_BYTES
CORRELATION_SHIFT: constant(int256) = risk_table.CORRELATION_SHIFT
# Returns what follows it as code; the STOP that stands before the data makes a call of the table do nothing.
TABLE_PREFIX: constant(Bytes[12]) = x"600b5981380380925939f300"

INSTRUMENTS: immutable(IInstruments)

# Contract whose code is the table.
table: public(address)


@deploy
def __init__(instruments: IInstruments, contingency: IMarginEngine.Contingency):
    """
    @notice The deployer becomes the owner. Nothing is permitted before `set_model` and `admit_markets`.
    @param instruments The registry, which says which feed a market has.
    @param contingency Parameters of the confidence and depeg terms; bounded as in `set_contingency`.
    """
    ownable.__init__()
    ownable_2step.__init__()
    INSTRUMENTS = instruments
    words: uint256[TABLE_WORDS] = empty(uint256[TABLE_WORDS])
    words[0] = self._checked_contingency(contingency) << 96
    self._store(words)
    log IMarginEngine.ContingencySet(contingency=contingency)


# --- parameters


@external
@view
def quantiles() -> IRiskModel.Quantiles:
    """
    @notice The quantiles and stresses in force.
    @return All in bps; all zero before the first model.
    """
    word: uint256 = self._word(0)
    return IRiskModel.Quantiles(
        initial=word & MASK_32,
        maintenance=(word >> 32) & MASK_32,
        together=(word >> 64) & MASK_16,
        apart=(word >> 80) & MASK_16,
    )


@external
@view
def underlyings() -> DynArray[IRiskModel.Underlying, MAX_UNDERLYINGS]:
    """
    @notice The underlyings of the model, in their places.
    @return Units as in IRiskModel.
    """
    found: DynArray[IRiskModel.Underlying, MAX_UNDERLYINGS] = []
    for i: uint256 in range(self._word(0) >> 188, bound=MAX_UNDERLYINGS):
        word: uint256 = self._word(UNDERLYING_WORD + i)
        found.append(
            IRiskModel.Underlying(
                feed=(word >> 144) & MASK_8,
                volatility=word & MASK_32,
                vol_volatility=(word >> 32) & MASK_32,
                basis=(word >> 64) & MASK_16,
                short_option=(word >> 80) & MASK_16,
                concentration_ratio=(word >> 96) & MASK_16,
                concentration_bound=((word >> 112) & MASK_32) * BOUND_UNIT,
            )
        )
    return found


@external
@view
def correlation(row: uint256, column: uint256) -> int256:
    """
    @notice The correlation of two risk factors.
    @param row Number of a factor: the place of an underlying for its price, 16 more for its volatility.
    @param column As `row`.
    @return In 1e-9; 0 for underlyings that the model does not have.
    """
    assert max(row, column) < 2 * MAX_UNDERLYINGS, LENGTH_MISMATCH
    if row == column:
        return 10**9
    return self._correlation(max(row, column), min(row, column))


@external
@view
def contingency() -> IMarginEngine.Contingency:
    """
    @notice The parameters of the confidence and depeg terms.
    @return Threshold of confidence in 1e-8, factors in bps, the depeg threshold in nano USD.
    """
    packed: uint256 = (self._word(0) & MASK_188) >> 96
    return IMarginEngine.Contingency(
        confidence_threshold=packed & (2**28 - 1),
        confidence_factor=(packed >> 28) & MASK_16,
        depeg_threshold=packed >> 60,
        depeg_factor=(packed >> 44) & MASK_16,
    )


@external
@view
def underlying_of(market: uint256) -> uint256:
    """
    @notice The feed whose underlying a market belongs to.
    @param market Number of the market, 1 to 65,535.
    @return 0 where the market is not admitted.
    """
    place: uint256 = self._place_of(market)
    if place == 0:
        return 0
    return (self._word(UNDERLYING_WORD + place - 1) >> 144) & MASK_8


@external
@view
def mapped_feed(asset: uint256) -> uint256:
    """
    @notice The feed whose price risk a collateral carries.
    @param asset Number of the collateral, 0 to 31.
    @return 0 where it pays its haircut instead.
    """
    assert asset < 32, BAD_ASSET
    place: uint256 = (self._word(COLLATERAL_WORD) >> (8 * (31 - asset))) & MASK_8
    if place == 0:
        return 0
    return (self._word(UNDERLYING_WORD + place - 1) >> 144) & MASK_8


@external
def set_model(
    underlyings: DynArray[IRiskModel.Underlying, MAX_UNDERLYINGS],
    correlations: DynArray[int256, MAX_CORRELATIONS],
    quantiles: IRiskModel.Quantiles,
):
    """
    @notice Sets volatilities, correlations and quantiles, all at once. Owner only.
    @param underlyings Bounded: volatility times initial quantile, concentration ratio and basis together at
           most 100 %, so that no deposit of a mapped collateral makes an account worse; vol_volatility below
           4.29; an underlying keeps its place and its feed.
    @param correlations Lower triangle by rows, without the diagonal, of all n prices and then all n
           volatilities, in 1e-9; positive semi-definite (a least eigenvalue of -1e-7 is still taken).
    @param quantiles 1 <= maintenance <= initial <= 100,000 bps; shares at most 10,000 bps.
    """
    ownable._check_owner()
    count: uint256 = len(underlyings)
    factors: uint256 = 2 * count
    assert count != 0 and len(correlations) == count * (factors - 1), LENGTH_MISMATCH
    assert quantiles.maintenance != 0 and quantiles.maintenance <= quantiles.initial, BAD_QUANTILE
    assert quantiles.initial <= MAX_QUANTILE, BAD_QUANTILE
    assert max(quantiles.together, quantiles.apart) <= BPS, BAD_QUANTILE
    for entry: int256 in correlations:
        assert entry >= -(10**9) and entry <= 10**9, BAD_CORRELATION
    assert risk_math._is_positive_definite(correlations, factors), NOT_DEFINITE

    words: uint256[TABLE_WORDS] = self._load()
    before: uint256 = words[0] >> 188
    assert count >= before, MOVED
    words[0] = (
        quantiles.initial
        | (quantiles.maintenance << 32)
        | (quantiles.together << 64)
        | (quantiles.apart << 80)
        | ((words[0] & MASK_188) >> 96 << 96)
        | (count << 188)
    )
    for i: uint256 in range(count, bound=MAX_UNDERLYINGS):
        word: uint256 = self._checked_underlying(underlyings[i], quantiles.initial)
        assert i >= before or words[UNDERLYING_WORD + i] >> 144 == word >> 144, MOVED
        for j: uint256 in range(i, bound=MAX_UNDERLYINGS):
            assert words[UNDERLYING_WORD + j] >> 144 != word >> 144, BAD_FEED
        words[UNDERLYING_WORD + i] = word
    at: uint256 = 0
    for i: uint256 in range(factors, bound=2 * MAX_UNDERLYINGS):
        row: uint256 = self._factor(i, count)
        for j: uint256 in range(i, bound=2 * MAX_UNDERLYINGS):
            place: uint256 = row * (row - 1) // 2 + self._factor(j, count)
            place_shift: uint256 = 32 * (7 - place % 8)
            entry: uint256 = convert(correlations[at] + CORRELATION_SHIFT, uint256)
            word: uint256 = words[CORRELATION_WORD + place // 8]
            words[CORRELATION_WORD + place // 8] = (word & ~(MASK_32 << place_shift)) | (entry << place_shift)
            at += 1
    self._store(words)
    log IRiskModel.ModelSet(
        table=self.table, underlyings=underlyings, correlations=correlations, quantiles=quantiles
    )


@external
def admit_markets(markets: DynArray[uint256, 64]):
    """
    @notice Admits perpetuals, and series by any of their markets. The registry says which feed, hence which
            underlying, each has, so that none can be admitted under another's risk. Owner only.
    @param markets Numbers of listed markets; the model must have an underlying of the feed of each.
    """
    ownable._check_owner()
    words: uint256[TABLE_WORDS] = self._load()
    for market: uint256 in markets:
        assert market != 0 and market <= MAX_MARKET, BAD_MARKET
        feed: uint256 = (staticcall INSTRUMENTS.spec(market)).feed
        place: uint256 = self._place_of_feed(words, feed)
        at: uint256 = 32 * PERPETUAL_WORD + market
        if market > MASK_8:
            at = 32 * SERIES_WORD + (market >> 8)
        words[at // 32] = self._with_byte(words[at // 32], at % 32, place)
        log IRiskModel.MarketAdmitted(market=market, feed=feed)
    self._store(words)


@external
def map_collaterals(assets: DynArray[uint256, 8], feeds: DynArray[uint256, 8]):
    """
    @notice Lets the price risk of collaterals count with that of their underlying, instead of a haircut.
            Owner only.
    @param assets Numbers of collaterals, 0 to 31.
    @param feeds Feed of each; 0 goes back to the haircut.
    """
    ownable._check_owner()
    assert len(assets) == len(feeds), LENGTH_MISMATCH
    words: uint256[TABLE_WORDS] = self._load()
    for i: uint256 in range(len(assets), bound=8):
        assert assets[i] < 32, BAD_ASSET
        place: uint256 = 0
        if feeds[i] != 0:
            place = self._place_of_feed(words, feeds[i])
        words[COLLATERAL_WORD] = self._with_byte(words[COLLATERAL_WORD], assets[i], place)
        log IRiskModel.CollateralMapped(asset=assets[i], feed=feeds[i])
    self._store(words)


@external
def set_contingency(contingency: IMarginEngine.Contingency):
    """
    @notice Sets the parameters of the confidence and depeg terms. Owner only.
    @param contingency Bounded: threshold and factor of confidence at most 1x, depeg threshold at most
           1 USD, depeg factor at most 5x.
    """
    ownable._check_owner()
    words: uint256[TABLE_WORDS] = self._load()
    words[0] = (
        (words[0] & MASK_96) | (self._checked_contingency(contingency) << 96) | (words[0] >> 188 << 188)
    )
    self._store(words)
    log IMarginEngine.ContingencySet(contingency=contingency)


# --- internals


@internal
@view
def _table() -> Bytes[TABLE_BYTES]:
    return slice(self.table.code, 1, TABLE_BYTES)


@internal
@view
def _word(index: uint256) -> uint256:
    return convert(slice(self.table.code, 1 + 32 * index, 32), uint256)


@internal
@view
def _load() -> uint256[TABLE_WORDS]:
    return abi_decode(self._table(), uint256[TABLE_WORDS])


@internal
def _store(words: uint256[TABLE_WORDS]):
    self.table = raw_create(concat(TABLE_PREFIX, abi_encode(words)))


@internal
@view
def _place_of(market: uint256) -> uint256:
    """
    @dev Place of a market's underlying, counted from 1; 0 for one that is not admitted.
    """
    if market == 0 or market > MAX_MARKET:
        return 0
    at: uint256 = 32 * PERPETUAL_WORD + market
    if market > MASK_8:
        at = 32 * SERIES_WORD + (market >> 8)
    return (self._word(at // 32) >> (8 * (31 - at % 32))) & MASK_8


@internal
@view
def _correlation(row: uint256, column: uint256) -> int256:
    """
    @dev row > column. A field of zero is a pair that no model has set.
    """
    place: uint256 = row * (row - 1) // 2 + column
    field: uint256 = (self._word(CORRELATION_WORD + place // 8) >> (32 * (7 - place % 8))) & MASK_32
    if field == 0:
        return 0
    return convert(field, int256) - CORRELATION_SHIFT


@internal
@pure
def _place_of_feed(words: uint256[TABLE_WORDS], feed: uint256) -> uint256:
    for i: uint256 in range(words[0] >> 188, bound=MAX_UNDERLYINGS):
        if words[UNDERLYING_WORD + i] >> 144 == feed:
            return i + 1
    raise UNKNOWN_FEED


@internal
@pure
def _factor(index: uint256, count: uint256) -> uint256:
    """
    @dev Number in the table of factor `index` of a model of `count` underlyings.
    """
    if index < count:
        return index
    return MAX_UNDERLYINGS + index - count


@internal
@pure
def _with_byte(word: uint256, at: uint256, entry: uint256) -> uint256:
    """
    @dev The word with one byte replaced, counted from the highest, as in the code.
    """
    place_shift: uint256 = 8 * (31 - at)
    return (word & ~(MASK_8 << place_shift)) | (entry << place_shift)


@internal
@pure
def _checked_underlying(underlying: IRiskModel.Underlying, initial: uint256) -> uint256:
    assert underlying.feed != 0 and underlying.feed <= MASK_8, BAD_FEED
    assert underlying.volatility != 0 and underlying.volatility <= NANO, BAD_VOLATILITY
    assert underlying.vol_volatility <= MASK_32, BAD_VOLATILITY
    assert max(underlying.basis, underlying.concentration_ratio) <= BPS, BAD_RATIO
    assert underlying.short_option <= BPS, BAD_RATIO
    assert (
        underlying.volatility * initial + (underlying.basis + underlying.concentration_ratio) * NANO
        <= risk_math.MOVE_ONE
    ), BAD_RATIO
    assert underlying.concentration_bound % BOUND_UNIT == 0, BAD_BOUND
    assert underlying.concentration_bound // BOUND_UNIT <= MASK_32, BAD_BOUND
    return (
        underlying.volatility
        | (underlying.vol_volatility << 32)
        | (underlying.basis << 64)
        | (underlying.short_option << 80)
        | (underlying.concentration_ratio << 96)
        | (underlying.concentration_bound // BOUND_UNIT << 112)
        | (underlying.feed << 144)
    )


@internal
@pure
def _checked_contingency(contingency: IMarginEngine.Contingency) -> uint256:
    assert contingency.confidence_threshold <= 10**8, BAD_CONTINGENCY
    assert contingency.confidence_factor <= BPS, BAD_CONTINGENCY
    assert contingency.depeg_threshold <= 10**9, BAD_CONTINGENCY
    assert contingency.depeg_factor <= 5 * BPS, BAD_CONTINGENCY
    return (
        contingency.confidence_threshold
        | (contingency.confidence_factor << 28)
        | (contingency.depeg_factor << 44)
        | (contingency.depeg_threshold << 60)
    )
