# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Perpetuals: their terms, caps and funding
@license AGPL-3.0-only
@notice Linear perpetuals are numbered 1 to 127 as they are listed, inverse ones 128 to 255. An inverse perpetual is
        traded in contracts of one USD: its sizes are nano contracts, its index nano USD per contract, and what
        accrues is the rate on one USD where that of a linear perpetual is the rate on spot.
        Funding. Each `touch` accrues the index with the rate in force and the spot price of now, then sets
        the rate in force from now on from the premium of the mark over spot:
            rate = clamp(premium / convergence + static rate, +- maximum)    per hour
        When the price is not fresh, accrual stops at the last second at which it was and catches up, at the
        rate in force, once a fresh price is there: however often a market is touched in between, the sum is
        the same. The rate in force is only replaced from a price that is valid for risk, so neither a stale
        premium nor a clamped mark sets one. `Instruments.words` computes the same index without storing it.
"""

from contracts.interfaces import IInstruments
from contracts.interfaces import IOracle
from contracts.math import funding_math
from contracts.math import market_math
from contracts.math import oracle_math
from contracts.modules import market_terms
from snekmate.auth import ownable

uses: ownable

KIND_NOT_SUPPORTED: constant(String[32]) = "instruments: kind not supported"
TOO_MANY_MARKETS: constant(String[32]) = "instruments: too many markets"
BAD_CONVERGENCE: constant(String[40]) = "instruments: convergence out of range"
BAD_RATE: constant(String[40]) = "instruments: funding rate out of range"

MARKET_SLOTS: constant(uint256) = market_math.FIRST_DATED
MAX_LINEAR: constant(uint256) = market_math.FIRST_INVERSE - 1
MAX_INVERSE: constant(uint256) = market_math.FIRST_DATED - market_math.FIRST_INVERSE
# A week: slower convergence would let a premium stand for longer than any feed allows.
MAX_CONVERGENCE_HOURS: constant(uint256) = 168
# 2 % an hour, wad: five times the widest cap in use (Derive 0.4 %), 48 % a day.
MAX_FUNDING_RATE: constant(uint256) = 2 * 10**16

MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_64: constant(uint256) = 2**64 - 1
PRICE_MASK: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1
MASK_112: constant(uint256) = 2**112 - 1
VALID: constant(uint256) = 1 << 255
# Everything but index, rate and time, which are what an accrual replaces.
IDENTITY_MASK: constant(uint256) = MASK_16 << 208

ORACLE: public(immutable(IOracle))

# Linear perpetuals, which are markets 1 to `market_count`.
market_count: public(uint256)

# Inverse perpetuals, which are markets 128 to 127 + `inverse_count`.
inverse_count: uint256

# funding index int112 | rate in force int64 | accrued until uint32 | feed uint8 | active uint8, from the
# lowest bit. All that `words` needs; zero where there is no market, since feeds count from 1.
fundings: uint256[MARKET_SLOTS]

# open-interest cap 80 | static rate int64 | maximum rate 64 | convergence hours 16, from the lowest bit.
limits: uint256[MARKET_SLOTS]

# tick size 48 | lot size 64 | kind 8, from the lowest bit. Never changes.
contracts: uint256[MARKET_SLOTS]


@deploy
def __init__(oracle: IOracle):
    ORACLE = oracle


@external
@view
def funding(market: uint256) -> IInstruments.Funding:
    """
    @notice The stored state of a market's funding and its parameters.
    @param market Number of the market.
    @return Index in 1e-18 USD per unit base as of `accrued_until`, rates in wad per hour.
    """
    packed: uint256 = self._funding_of(market)
    limits: uint256 = self.limits[market]
    return IInstruments.Funding(
        index=self._index(packed),
        rate=self._rate(packed),
        accrued_until=(packed >> 176) & MASK_32,
        convergence_hours=limits >> 208,
        static_rate=self._signed_64(limits >> 80),
        max_rate=(limits >> 144) & MASK_64,
    )


@external
def list_market(
    kind: IInstruments.Kind,
    feed: uint256,
    tick_size: uint256,
    lot_size: uint256,
    max_open_interest: uint256,
    convergence_hours: uint256,
    static_rate: int256,
    max_rate: uint256,
) -> uint256:
    """
    @notice Lists a perpetual, active at once. Owner only.
    @param kind LINEAR_PERPETUAL or INVERSE_PERPETUAL; dated markets come with their series.
    @param feed An existing feed of the oracle.
    @param tick_size Nano USD, 1 to 2**48 - 1.
    @param lot_size Nano base, or nano contracts of an inverse perpetual, 1 to 2**64 - 1.
    @param max_open_interest The same, of one side, below 2**79.
    @param convergence_hours Hours over which a premium is paid, 1 to 168.
    @param static_rate Interest part of the rate, wad per hour, within +-max_rate.
    @param max_rate Bound of the rate, wad per hour, at most 2 %.
    @return The market's number.
    """
    ownable._check_owner()
    assert (
        kind == IInstruments.Kind.LINEAR_PERPETUAL or kind == IInstruments.Kind.INVERSE_PERPETUAL
    ), KIND_NOT_SUPPORTED
    market_terms._check_feed(ORACLE, feed)
    market_terms._check_sizes(tick_size, lot_size)
    market: uint256 = self.market_count + 1
    if kind == IInstruments.Kind.LINEAR_PERPETUAL:
        assert market <= MAX_LINEAR, TOO_MANY_MARKETS
        self.market_count = market
    else:
        count: uint256 = self.inverse_count
        assert count < MAX_INVERSE, TOO_MANY_MARKETS
        self.inverse_count = count + 1
        market = market_math.FIRST_INVERSE + count
    self.contracts[market] = tick_size | (lot_size << 48) | (convert(kind, uint256) << 112)
    self.limits[market] = self._checked_limits(max_open_interest, convergence_hours, static_rate, max_rate)
    self.fundings[market] = (block.timestamp << 176) | (feed << 208) | (1 << 216)
    log IInstruments.MarketListed(market=market, kind=kind, feed=feed, tick_size=tick_size, lot_size=lot_size)
    log IInstruments.FundingSet(
        market=market, convergence_hours=convergence_hours, static_rate=static_rate, max_rate=max_rate
    )
    log IInstruments.OpenInterestCapSet(market=market, max_open_interest=max_open_interest)
    return market


@external
def set_funding(market: uint256, convergence_hours: uint256, static_rate: int256, max_rate: uint256):
    """
    @notice Changes how the rate is made. What has passed is accrued at the rate in force until now; the rate
            from now on obeys the new parameters, or the new bound alone while there is no valid price. Owner only.
    @param market Number of the market.
    @param convergence_hours 1 to 168.
    @param static_rate Wad per hour, within +-max_rate.
    @param max_rate Wad per hour, at most 2 %.
    """
    ownable._check_owner()
    packed: uint256 = self._funding_of(market)
    limits: uint256 = self._checked_limits(
        self.limits[market] & MASK_80, convergence_hours, static_rate, max_rate
    )
    self.limits[market] = limits
    log IInstruments.FundingSet(
        market=market, convergence_hours=convergence_hours, static_rate=static_rate, max_rate=max_rate
    )
    self._accrue(market, packed, limits, staticcall ORACLE.word((packed >> 208) & MASK_8))


@external
def set_open_interest_cap(market: uint256, max_open_interest: uint256):
    """
    @notice Changes the cap, also below what is open: then only trades that lower it pass. Owner only.
    @param market Number of the market.
    @param max_open_interest Nano base of one side, below 2**79.
    """
    ownable._check_owner()
    self._funding_of(market)
    market_terms._check_cap(max_open_interest)
    self.limits[market] = (self.limits[market] & ~MASK_80) | max_open_interest
    log IInstruments.OpenInterestCapSet(market=market, max_open_interest=max_open_interest)


# --- internals


@internal
def _touch(market: uint256) -> (uint256, uint256):
    """
    @dev As Instruments.touch, for a perpetual.
    """
    packed: uint256 = self._funding_of(market)
    limits: uint256 = self.limits[market]
    tick: uint256 = staticcall ORACLE.word((packed >> 208) & MASK_8)
    accrued: uint256 = self._accrue(market, packed, limits, tick)
    cap: uint256 = 0
    if accrued >> 216 != 0:
        cap = limits & MASK_80
    return self._market_word(self._index(accrued), tick), cap


@internal
@view
def _word(market: uint256) -> uint256:
    """
    @dev The market word as of now without storing it; not valid without a market.
    """
    packed: uint256 = self.fundings[market]
    tick: uint256 = staticcall ORACLE.word((packed >> 208) & MASK_8, skip_contract_check=True)
    return self._market_word(self._index_at(market, packed, tick, self._accrual_end(packed, tick)), tick)


@internal
@view
def _spec(market: uint256) -> IInstruments.MarketSpec:
    """
    @dev As Instruments.spec, for a perpetual.
    """
    packed: uint256 = self._funding_of(market)
    terms: uint256 = self.contracts[market]
    return IInstruments.MarketSpec(
        kind=convert(terms >> 112, IInstruments.Kind),
        feed=(packed >> 208) & MASK_8,
        tick_size=terms & (2**48 - 1),
        lot_size=(terms >> 48) & MASK_64,
        max_open_interest=self.limits[market] & MASK_80,
        active=packed >> 216 != 0,
    )


@internal
def _set_active(market: uint256, active: bool):
    """
    @dev As Instruments.set_active, for a perpetual; no check of access.
    """
    packed: uint256 = self._funding_of(market)
    self.fundings[market] = (packed & (2**216 - 1)) | (convert(active, uint256) << 216)
    log IInstruments.ActiveSet(market=market, active=active)


@internal
@view
def _funding_of(market: uint256) -> uint256:
    assert market < MARKET_SLOTS, market_terms.UNKNOWN_MARKET
    packed: uint256 = self.fundings[market]
    assert packed != 0, market_terms.UNKNOWN_MARKET
    return packed


@internal
@pure
def _checked_limits(
    max_open_interest: uint256, convergence_hours: uint256, static_rate: int256, max_rate: uint256
) -> uint256:
    market_terms._check_cap(max_open_interest)
    assert convergence_hours != 0 and convergence_hours <= MAX_CONVERGENCE_HOURS, BAD_CONVERGENCE
    assert max_rate <= MAX_FUNDING_RATE, BAD_RATE
    limit: int256 = convert(max_rate, int256)
    assert static_rate <= limit and static_rate >= -limit, BAD_RATE
    return (
        max_open_interest
        | ((convert(convert(static_rate, bytes32), uint256) & MASK_64) << 80)
        | (max_rate << 144)
        | (convergence_hours << 208)
    )


@internal
def _accrue(market: uint256, packed: uint256, limits: uint256, tick: uint256) -> uint256:
    """
    @dev Stores and returns the funding word of now; logs when it changed the index or the rate.
    """
    until: uint256 = self._accrual_end(packed, tick)
    index: int256 = self._index_at(market, packed, tick, until)
    limit: int256 = convert((limits >> 144) & MASK_64, int256)
    rate: int256 = max(min(self._rate(packed), limit), -limit)
    if oracle_math._is_valid(tick, block.timestamp):
        spot: uint256 = tick & PRICE_MASK
        mark: uint256 = (tick >> 72) & PRICE_MASK
        rate = funding_math._rate(
            funding_math._premium(mark, mark, spot),
            limits >> 208,
            self._signed_64(limits >> 80),
            (limits >> 144) & MASK_64,
        )
    accrued: uint256 = (
        (packed & IDENTITY_MASK)
        | (convert(convert(index, bytes32), uint256) & MASK_112)
        | ((convert(convert(rate, bytes32), uint256) & MASK_64) << 112)
        | (until << 176)
    )
    if accrued != packed:
        self.fundings[market] = accrued
        log IInstruments.FundingAccrued(
            market=market, funding_index=index, funding_rate=rate, timestamp=until
        )
    return accrued


@internal
@view
def _market_word(index: int256, tick: uint256) -> uint256:
    """
    @dev mark 72 | spot 72 | funding index 80 | confidence 28 | free 3 | valid 1 of an index of now and a tick.
    """
    word: uint256 = (
        ((tick >> 72) & PRICE_MASK)
        | ((tick & PRICE_MASK) << 72)
        | ((convert(convert(funding_math._index_nano(index), bytes32), uint256) & MASK_80) << 144)
        | (((tick >> 144) & MASK_28) << 224)
    )
    if oracle_math._is_valid(tick, block.timestamp):
        word |= VALID
    return word


@internal
@view
def _accrual_end(packed: uint256, tick: uint256) -> uint256:
    """
    @dev Until when funding accrues: now, or the end of the tick's freshness; never before what is accrued.
    """
    return max(min(block.timestamp, oracle_math._fresh_until(tick)), (packed >> 176) & MASK_32)


@internal
@pure
def _index_at(market: uint256, packed: uint256, tick: uint256, until: uint256) -> int256:
    # `until` is at least the stored time (_accrual_end).
    return funding_math._accrue(
        self._index(packed),
        self._rate(packed),
        unsafe_sub(until, (packed >> 176) & MASK_32),
        market_math.NANO if market >= market_math.FIRST_INVERSE else tick & PRICE_MASK,
    )


@internal
@pure
def _index(packed: uint256) -> int256:
    return convert(convert(packed << 144, bytes32), int256) >> 144


@internal
@pure
def _rate(packed: uint256) -> int256:
    return self._signed_64(packed >> 112)


@internal
@pure
def _signed_64(bits: uint256) -> int256:
    """
    @dev The lowest 64 bits as two's complement.
    """
    return convert(convert(bits << 192, bytes32), int256) >> 192
