# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Registry and life cycle of instruments
@license AGPL-3.0-only
@notice A market's number tells its kind (contracts/math/market_math.vy): perpetuals below 256, from there the future
        and the options of dated series. Questions are answered here for every kind; perpetuals and their
        funding are modules/perpetuals.vy, series modules/series_registry.vy and series_prices.vy.
        A market is active, or it allows reducing trades only; a dated one allows none from its expiry.
"""

from contracts.interfaces import IInstruments
from contracts.interfaces import IOracle
from contracts.math import funding_math
from contracts.math import market_math
from contracts.modules import guarded
from contracts.modules import perpetuals
from contracts.modules import series_prices
from contracts.modules import series_registry
from snekmate.auth import ownable

implements: IInstruments

uses: ownable
initializes: guarded
initializes: perpetuals[ownable := ownable]
initializes: series_registry[guarded := guarded, ownable := ownable]
initializes: series_prices[series_registry := series_registry]

exports: (
    # ownership in two steps
    guarded.owner,
    guarded.pending_owner,
    guarded.transfer_ownership,
    guarded.accept_ownership,
    # the guardian
    guarded.guardian,
    guarded.set_guardian,
    # perpetuals
    perpetuals.ORACLE,
    perpetuals.market_count,
    perpetuals.funding,
    perpetuals.list_market,
    perpetuals.set_funding,
    perpetuals.set_open_interest_cap,
    # dated series
    series_registry.surface,
    series_registry.risk_board,
    series_registry.ledger,
    series_registry.series_count,
    series_registry.series,
    series_registry.strikes,
    series_registry.wire,
    series_registry.list_series,
    series_registry.add_strikes,
    series_registry.set_series_caps,
    series_registry.set_series_active,
    series_prices.delist_series,
)

NOT_PERMITTED: constant(String[40]) = "instruments: caller not permitted"

PRICE_MASK: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_8: constant(uint256) = 2**8 - 1
VALID: constant(uint256) = 1 << 255
# Subtracted, it takes the bias off a step and puts that of the index on (funding_math).
STEP_TO_NANO: constant(uint256) = funding_math.ACCRUAL_BIAS - funding_math.INDEX_OFFSET
NANO_SPAN: constant(uint256) = funding_math.HIGHEST_BIASED - funding_math.LOWEST_BIASED


@deploy
def __init__(oracle: IOracle, guardian: address):
    """
    @notice The deployer becomes the owner.
    @param oracle Where all prices come from, for good.
    @param guardian May set a market to reducing trades only.
    """
    guarded.__init__(guardian, 0)
    perpetuals.__init__(oracle)
    series_registry.__init__(oracle)


# --- for everyone


@external
def touch(market: uint256) -> (uint256, uint256):
    """
    @notice Brings a market to now. A perpetual accrues funding and sets the rate in force from now on; a second
            call at the same time and price changes nothing. A dated market has nothing to accrue.
    @param market Number of the market.
    @return The market word (IInstruments), and the open-interest cap in nano base, 0 where only reducing
            trades are allowed or none.
    """
    if market_math._series(market) != 0:
        # Through a call of its own for the same reason as in `words`.
        cap: uint256 = series_registry._cap_in_force(market)
        return (staticcall IInstruments(self).dated_words([market], skip_contract_check=True))[0], cap
    return perpetuals._touch(market)


@external
@view
def words(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    """
    @notice The market words of several markets, as `touch` would return them now.
    @param markets Numbers of markets; one without a market gives a word that is not valid. Dated markets of one
           series are read together where they follow each other.
    @return One word for each, in order.
    """
    found: DynArray[uint256, 64] = markets
    dated_count: uint256 = 0
    i: uint256 = 0
    for market: uint256 in markets:
        if market >> 8 != 0:
            dated_count = unsafe_add(dated_count, 1)
            i = unsafe_add(i, 1)
            continue
        if market > market_math.LAST_LINEAR:
            found[i] = staticcall IInstruments(self).inverse_word(market, skip_contract_check=True)
            i = unsafe_add(i, 1)
            continue
        packed: uint256 = perpetuals.fundings[market]
        # A market is listed only after ORACLE has answered (list_market), so there is code; to look again
        # would cost every position of every margin check.
        tick: uint256 = staticcall perpetuals.ORACLE.word((packed >> 208) & MASK_8, skip_contract_check=True)
        spot: uint256 = tick & PRICE_MASK
        word: uint256 = ((tick >> 72) & PRICE_MASK) | (spot << 72) | (((tick >> 144) & MASK_28) << 224)
        # The rest is _accrual_end, oracle_math._is_valid, perpetuals._index_at and funding_math._index_nano in one
        # piece, because a margin check runs it for every position; a test holds it against `touch`.
        elapsed: uint256 = (packed >> 176) & MASK_32
        fresh_until: uint256 = unsafe_add((tick >> 172) & MASK_32, (tick >> 236) & MASK_16)
        if block.timestamp <= fresh_until:
            if tick >> 252 == 0 and spot != 0:
                word |= VALID
            elapsed = unsafe_sub(block.timestamp, elapsed)
        elif elapsed < fresh_until:
            elapsed = unsafe_sub(fresh_until, elapsed)
        else:
            elapsed = 0
        step: uint256 = unsafe_div(
            unsafe_add(
                unsafe_mul(
                    convert(convert(convert(convert(packed << 80, bytes32), int256) >> 192, bytes32), uint256),
                    unsafe_mul(elapsed, spot),
                ),
                funding_math.ACCRUAL_OFFSET,
            ),
            funding_math.RATE_DIVISOR,
        )
        index: uint256 = convert(
            convert(convert(convert(packed << 144, bytes32), int256) >> 144, bytes32), uint256
        )
        nano: uint256 = unsafe_div(unsafe_sub(unsafe_add(index, step), STEP_TO_NANO), 10**9)
        if unsafe_sub(nano, funding_math.LOWEST_BIASED) > NANO_SPAN:
            nano = self._limited(nano)
        # The bias is a multiple of 2**80 and falls to the mask.
        found[i] = word | ((nano & MASK_80) << 144)
        i = unsafe_add(i, 1)
    if dated_count != 0:
        # A call of its own, because its 20 kB of memory would cost every question about perpetuals 2,500 gas.
        dated: DynArray[uint256, 64] = staticcall IInstruments(self).dated_words(markets, skip_contract_check=True)
        if dated_count == len(markets):
            return dated
        for place: uint256 in range(len(markets), bound=64):
            if markets[place] >> 8 != 0:
                found[place] = dated[place]
    return found


@external
@view
def inverse_word(market: uint256) -> uint256:
    """
    @notice The part of `words` that is about an inverse perpetual; a call of its own for the same reason as below.
    @param market Number of the market.
    @return Its word; not valid without a market.
    """
    return perpetuals._word(market)


@external
@view
def dated_words(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    """
    @notice The part of `words` that is about dated markets.
    @param markets Numbers of markets; dated markets of one series are read together where they follow each other.
    @return One word for each, in order; 0 for a perpetual and without a market.
    """
    return series_prices._words(markets)


@external
@view
def lot_sizes(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    """
    @notice The lot sizes of several markets.
    @param markets Numbers of markets, of any kind.
    @return Nano base for each, in order; 0 without a market.
    """
    found: DynArray[uint256, 64] = markets
    for i: uint256 in range(len(markets), bound=64):
        if market_math._series(markets[i]) != 0:
            found[i] = series_registry._lot_size(markets[i])
        else:
            found[i] = (perpetuals.contracts[markets[i]] >> 48) & MASK_64
    return found


@external
@view
def is_active(market: uint256) -> bool:
    """
    @notice Whether a market takes trades that add risk.
    @param market Number of the market.
    @return False where only reducing trades are allowed, or none.
    """
    if market_math._series(market) != 0:
        return series_registry._is_active(market)
    return perpetuals._funding_of(market) >> 216 != 0


@external
@view
def is_expired(market: uint256) -> bool:
    """
    @notice Whether a market takes no trade any more.
    @param market Number of the market.
    @return Never true of a perpetual.
    """
    if market_math._series(market) != 0:
        return series_registry._is_expired(market)
    perpetuals._funding_of(market)
    return False


@external
@view
def spec(market: uint256) -> IInstruments.MarketSpec:
    """
    @notice What a market is.
    @param market Number of the market.
    @return Its specification; sizes in nano base, tick size in nano USD.
    """
    if market_math._series(market) != 0:
        return series_registry._spec(market)
    return perpetuals._spec(market)


@external
@view
def terms(market: uint256) -> IInstruments.MarketTerms:
    """
    @notice What a market is settled by.
    @param market Number of the market.
    @return Kind and, of a dated market, series, expiry in unix seconds, strike in nano USD, call or put.
    """
    if market_math._series(market) != 0:
        return series_registry._terms(market)
    terms: IInstruments.MarketTerms = empty(IInstruments.MarketTerms)
    terms.kind = perpetuals._spec(market).kind
    return terms


# --- the owner and the guardian


@external
def set_active(market: uint256, active: bool):
    """
    @notice Allows risk-adding trades in a perpetual, or reducing ones only; for a series see `set_series_active`. The
            owner does either; the guardian can only restrict.
    @param market Number of the market.
    @param active False: reducing trades only.
    """
    assert msg.sender == ownable.owner or (msg.sender == guarded.guardian and not active), NOT_PERMITTED
    perpetuals._set_active(market, active)


# --- internals


@internal
@pure
def _limited(nano: uint256) -> uint256:
    """
    @dev An index in nano, biased, brought back to the limit that it passed.
    """
    if nano > funding_math.INDEX_BIAS:
        return funding_math.HIGHEST_BIASED
    return funding_math.LOWEST_BIASED
