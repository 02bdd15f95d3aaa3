# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Dated series: one underlying and one expiry, a future and options
@license AGPL-3.0-only
@notice A series is listed once with a feed, an expiry and the terms of its markets; its future is there at once, its
        options come with strikes. It is active, or takes reducing trades only, until expiry; from then on it
        takes none. Expiry needs no transaction: it is a matter of the clock.
        What its markets are worth: modules/series_prices.vy.
"""

from contracts.interfaces import IInstruments
from contracts.interfaces import IOracle
from contracts.math import market_math
from contracts.modules import guarded
from contracts.modules import market_terms
from snekmate.auth import ownable

uses: guarded
uses: ownable

NOT_PERMITTED: constant(String[40]) = "instruments: caller not permitted"
ALREADY_WIRED: constant(String[32]) = "instruments: already wired"
NOT_WIRED: constant(String[32]) = "instruments: not wired"
BAD_ADDRESS: constant(String[32]) = "instruments: zero address"
UNKNOWN_SERIES: constant(String[32]) = "instruments: unknown series"
TOO_MANY_SERIES: constant(String[32]) = "instruments: too many series"
TOO_MANY_STRIKES: constant(String[32]) = "instruments: too many strikes"
NOT_ASCENDING: constant(String[40]) = "instruments: strikes not ascending"
BAD_STRIKE: constant(String[40]) = "instruments: strike out of range"
BAD_EXPIRY: constant(String[40]) = "instruments: expiry out of range"
HAS_EXPIRED: constant(String[40]) = "instruments: series has expired"

MAX_SERIES: constant(uint256) = market_math.MAX_SERIES
SERIES_SLOTS: constant(uint256) = MAX_SERIES + 1
# What one board of the RiskBoard holds; market numbers would allow 127.
MAX_STRIKES: constant(uint256) = 64
# Three strikes of 72 bits to a word.
STRIKE_WORDS: constant(uint256) = 22
# The settlement average covers the last 1,800 seconds, and what is listed must be tradable before.
MIN_LIFE: constant(uint256) = 3_600

PRICE_MASK: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_48: constant(uint256) = 2**48 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_8: constant(uint256) = 2**8 - 1

# Bits of a series word.
ACTIVE: constant(uint256) = 1 << 48
DELISTED: constant(uint256) = 1 << 49

ORACLE: immutable(IOracle)

# Prices forwards and settlement, options, and counts open interest.
surface: public(address)
risk_board: public(address)
ledger: public(address)

series_count: public(uint256)

# expiry 32 | feed 8 | strikes 8 | active 1 | delisted 1 | free 14 | cap of the future 80 | cap of each option 80,
# from the lowest bit; zero where there is no series.
words: uint256[SERIES_SLOTS]

# future: tick size 48 | lot size 64, options: tick size 48 | lot size 64, from the lowest bit. Never changes.
_sizes: uint256[SERIES_SLOTS]

_strikes: uint256[SERIES_SLOTS * STRIKE_WORDS]


@deploy
def __init__(oracle: IOracle):
    ORACLE = oracle


# --- for everyone


@external
@view
def series(series: uint256) -> IInstruments.SeriesSpec:
    """
    @notice What a series is.
    @param series Number of the series, 1 to 255.
    @return All zero where there is none; sizes in nano base, tick sizes in nano USD, expiry in unix seconds.
    """
    assert series <= MAX_SERIES, UNKNOWN_SERIES
    packed: uint256 = self.words[series]
    sizes: uint256 = self._sizes[series]
    return IInstruments.SeriesSpec(
        feed=(packed >> 32) & MASK_8,
        expiry=packed & MASK_32,
        strikes=(packed >> 40) & MASK_8,
        active=packed & ACTIVE != 0,
        delisted=packed & DELISTED != 0,
        future_tick_size=sizes & MASK_48,
        future_lot_size=(sizes >> 48) & MASK_64,
        option_tick_size=(sizes >> 112) & MASK_48,
        option_lot_size=(sizes >> 160) & MASK_64,
        future_max_open_interest=(packed >> 64) & MASK_80,
        option_max_open_interest=(packed >> 144) & MASK_80,
    )


@external
@view
def strikes(series: uint256) -> DynArray[uint256, 127]:
    """
    @notice The strikes of a series; option n >> 1 of its numbers belongs to place n >> 1 (market_math).
    @param series Number of the series, 1 to 255.
    @return Nano USD, ascending; at most 64.
    """
    assert series <= MAX_SERIES, UNKNOWN_SERIES
    count: uint256 = (self.words[series] >> 40) & MASK_8
    found: DynArray[uint256, 127] = []
    for place: uint256 in range(count, bound=MAX_STRIKES):
        found.append(self._strike(series, place))
    return found


# --- the owner


@external
def wire(surface: address, risk_board: address, ledger: address):
    """
    @notice Names, once, who prices dated markets and who counts their open interest. Owner only.
    @param surface Answers `forward` and `settlement` of a series (ISurface).
    @param risk_board Answers `marks` of options (IRiskBoard).
    @param ledger Answers `open_interest` of a market.
    """
    ownable._check_owner()
    assert self.surface == empty(address), ALREADY_WIRED
    for named: address in [surface, risk_board, ledger]:
        assert named != empty(address), BAD_ADDRESS
    self.surface = surface
    self.risk_board = risk_board
    self.ledger = ledger
    log IInstruments.SeriesWired(surface=surface, risk_board=risk_board, ledger=ledger)


@external
def list_series(terms: IInstruments.SeriesTerms) -> uint256:
    """
    @notice Lists a series with its future, active at once. Owner only.
    @param terms Bounded: an existing feed; expiry an hour ahead at least, below 2**32; tick sizes 1 to 2**48 - 1,
           lot sizes 1 to 2**64 - 1, caps below 2**79.
    @return The series' number; its future is the market of 256 times that.
    """
    ownable._check_owner()
    assert self.surface != empty(address), NOT_WIRED
    market_terms._check_feed(ORACLE, terms.feed)
    assert terms.expiry >= block.timestamp + MIN_LIFE and terms.expiry <= MASK_32, BAD_EXPIRY
    market_terms._check_sizes(terms.future_tick_size, terms.future_lot_size)
    market_terms._check_sizes(terms.option_tick_size, terms.option_lot_size)
    series: uint256 = self.series_count + 1
    assert series <= MAX_SERIES, TOO_MANY_SERIES

    self.series_count = series
    self._sizes[series] = (
        terms.future_tick_size
        | (terms.future_lot_size << 48)
        | (terms.option_tick_size << 112)
        | (terms.option_lot_size << 160)
    )
    self.words[series] = self._with_caps(
        terms.expiry | (terms.feed << 32) | ACTIVE,
        terms.future_max_open_interest,
        terms.option_max_open_interest,
    )
    log IInstruments.SeriesListed(series=series, terms=terms)
    return series


@external
def add_strikes(series: uint256, strikes: DynArray[uint256, MAX_STRIKES]):
    """
    @notice Adds strikes above those there are, each a call and a put, before expiry. Owner only. In between there is
            no place: the place of a strike is part of the numbers of its options.
    @param series Number of the series.
    @param strikes Nano USD, ascending, below 2**72; at most 64 in all.
    """
    ownable._check_owner()
    packed: uint256 = self._known(series)
    assert block.timestamp < packed & MASK_32, HAS_EXPIRED
    count: uint256 = (packed >> 40) & MASK_8
    assert count + len(strikes) <= MAX_STRIKES, TOO_MANY_STRIKES
    last: uint256 = 0
    if count != 0:
        last = self._strike(series, count - 1)
    for strike: uint256 in strikes:
        assert strike > last, NOT_ASCENDING
        assert strike <= PRICE_MASK, BAD_STRIKE
        last = strike
        slot: uint256 = series * STRIKE_WORDS + count // 3
        self._strikes[slot] = self._strikes[slot] | (strike << (72 * (count % 3)))
        count += 1
    self.words[series] = (packed & ~(MASK_8 << 40)) | (count << 40)
    log IInstruments.StrikesAdded(series=series, strikes=strikes)


@external
def set_series_caps(series: uint256, future_max_open_interest: uint256, option_max_open_interest: uint256):
    """
    @notice Changes the caps, also below what is open: then only trades that lower it pass. Owner only.
    @param series Number of the series.
    @param future_max_open_interest Nano base of one side, below 2**79.
    @param option_max_open_interest The same, of each option.
    """
    ownable._check_owner()
    self.words[series] = self._with_caps(
        self._known(series), future_max_open_interest, option_max_open_interest
    )
    log IInstruments.SeriesCapsSet(
        series=series,
        future_max_open_interest=future_max_open_interest,
        option_max_open_interest=option_max_open_interest,
    )


@external
def set_series_active(series: uint256, active: bool):
    """
    @notice Allows risk-adding trades in all markets of a series, or reducing ones only. The owner does either; the
            guardian can only restrict.
    @param series Number of the series.
    @param active False: reducing trades only.
    """
    assert msg.sender == ownable.owner or (msg.sender == guarded.guardian and not active), NOT_PERMITTED
    packed: uint256 = self._known(series)
    assert packed & DELISTED == 0, UNKNOWN_SERIES
    self.words[series] = (packed & ~ACTIVE) | (ACTIVE if active else 0)
    log IInstruments.SeriesActiveSet(series=series, active=active)


# --- internals


@internal
@view
def _spec(market: uint256) -> IInstruments.MarketSpec:
    """
    @dev As Instruments.spec, for a dated market.
    """
    packed: uint256 = self._word_of(market)
    kind: IInstruments.Kind = IInstruments.Kind.OPTION
    tick_shift: uint256 = 112
    if market & MASK_8 == 0:
        kind = IInstruments.Kind.DATED_FUTURE
        tick_shift = 0
    sizes: uint256 = self._sizes[market >> 8] >> tick_shift
    return IInstruments.MarketSpec(
        kind=kind,
        feed=(packed >> 32) & MASK_8,
        tick_size=sizes & MASK_48,
        lot_size=(sizes >> 48) & MASK_64,
        max_open_interest=self._cap(market, packed),
        active=packed & ACTIVE != 0 and block.timestamp < packed & MASK_32,
    )


@internal
@view
def _terms(market: uint256) -> IInstruments.MarketTerms:
    """
    @dev As Instruments.terms, for a dated market.
    """
    packed: uint256 = self._word_of(market)
    terms: IInstruments.MarketTerms = empty(IInstruments.MarketTerms)
    terms.kind = IInstruments.Kind.DATED_FUTURE
    terms.series = market >> 8
    terms.expiry = packed & MASK_32
    if market & MASK_8 != 0:
        terms.kind = IInstruments.Kind.OPTION
        terms.strike = self._strike(market >> 8, market_math._strike_index(market))
        terms.is_call = market_math._is_call(market)
    return terms


@internal
@view
def _lot_size(market: uint256) -> uint256:
    """
    @dev Nano base; 0 without a market.
    """
    if market >> 8 > MAX_SERIES:
        return 0
    if market & MASK_8 == 0:
        return (self._sizes[market >> 8] >> 48) & MASK_64
    if market_math._strike_index(market) >= (self.words[market >> 8] >> 40) & MASK_8:
        return 0
    return self._sizes[market >> 8] >> 160


@internal
@view
def _is_active(market: uint256) -> bool:
    packed: uint256 = self._word_of(market)
    return packed & ACTIVE != 0 and block.timestamp < packed & MASK_32


@internal
@view
def _is_expired(market: uint256) -> bool:
    return block.timestamp >= self._word_of(market) & MASK_32


@internal
@view
def _cap_in_force(market: uint256) -> uint256:
    """
    @dev Open-interest cap of a market that is there; 0 where only reducing trades are allowed, or none.
    """
    packed: uint256 = self._word_of(market)
    if packed & ACTIVE != 0 and block.timestamp < packed & MASK_32:
        return self._cap(market, packed)
    return 0


@internal
@pure
def _cap(market: uint256, packed: uint256) -> uint256:
    if market & MASK_8 == 0:
        return (packed >> 64) & MASK_80
    return (packed >> 144) & MASK_80


@internal
@view
def _strike(series: uint256, place: uint256) -> uint256:
    """
    @dev Nano USD; `place` below the number of strikes.
    """
    return (self._strikes[series * STRIKE_WORDS + place // 3] >> (72 * (place % 3))) & PRICE_MASK


@internal
@view
def _known(series: uint256) -> uint256:
    """
    @dev The word of a series that is there.
    """
    assert series <= MAX_SERIES, UNKNOWN_SERIES
    packed: uint256 = self.words[series]
    assert packed != 0, UNKNOWN_SERIES
    return packed


@internal
@view
def _word_of(market: uint256) -> uint256:
    """
    @dev The series word of a dated market that is there.
    """
    series: uint256 = market >> 8
    assert series <= MAX_SERIES, market_terms.UNKNOWN_MARKET
    packed: uint256 = self.words[series]
    assert packed != 0, market_terms.UNKNOWN_MARKET
    if market & MASK_8 != 0:
        assert market_math._strike_index(market) < (packed >> 40) & MASK_8, market_terms.UNKNOWN_MARKET
    return packed


@internal
@pure
def _with_caps(packed: uint256, future: uint256, option: uint256) -> uint256:
    market_terms._check_cap(future)
    market_terms._check_cap(option)
    return (packed & MASK_64) | (future << 64) | (option << 144)
