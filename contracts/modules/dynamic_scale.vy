# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Scales of feeds: rules, state, refresh
@license AGPL-3.0-only
@notice The scale of a feed follows the square root of the Oracle's EWMA variance over the variance its
        ratios are meant for, within a floor and a cap, with a buffer and a speed limit (math/scale_math.vy).
        Anyone stores it with `refresh`; what is read in between is what a refresh would store at that moment.
        Which feed a market or a collateral has is the code of one contract without functions: 256 bytes for
        perpetuals, 256 for series, 32 for collaterals, then a word of zeros.
"""

from contracts.interfaces import IDynamicScale
from contracts.interfaces import IInstruments
from contracts.interfaces import IOracle
from contracts.math import scale_math
from snekmate.auth import ownable

uses: ownable

UNKNOWN_FEED: constant(String[40]) = "dynamic_scale: unknown feed"
BAD_FEED: constant(String[40]) = "dynamic_scale: feed out of range"
BAD_REFERENCE: constant(String[40]) = "dynamic_scale: reference out of range"
BAD_BOUND: constant(String[40]) = "dynamic_scale: bound out of range"
BAD_SPEED: constant(String[40]) = "dynamic_scale: speed out of range"
BAD_BUFFER: constant(String[40]) = "dynamic_scale: buffer out of range"
BAD_MARKET: constant(String[40]) = "dynamic_scale: market out of range"
BAD_ASSET: constant(String[40]) = "dynamic_scale: asset out of range"
LENGTH_MISMATCH: constant(String[40]) = "dynamic_scale: length mismatch"

BPS: constant(uint256) = scale_math.BPS
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_72: constant(uint256) = 2**72 - 1
MASK_176: constant(uint256) = 2**176 - 1
MAX_FEED: constant(uint256) = 255
MAX_MARKET: constant(uint256) = 65_535
MAX_ASSETS: constant(uint256) = 32
MIN_FLOOR: constant(uint256) = 1_000
MAX_CAP: constant(uint256) = 100_000

SERIES_WORD: constant(uint256) = 8
ASSET_WORD: constant(uint256) = 16
TABLE_WORDS: constant(uint256) = 18
TABLE_BYTES: constant(uint256) = 32 * TABLE_WORDS
# Returns what follows it as code; the STOP that stands before the data makes a call of the table do nothing.
TABLE_PREFIX: constant(Bytes[12]) = x"600b5981380380925939f300"

ORACLE: immutable(IOracle)
INSTRUMENTS: immutable(IInstruments)

# Contract whose code says which feed markets and collaterals have.
feed_table: public(address)

# State of each feed, see math/scale_math.vy; 0 is a feed without rules.
_states: uint256[MAX_FEED + 1]


@deploy
def __init__(oracle: IOracle, instruments: IInstruments):
    ORACLE = oracle
    INSTRUMENTS = instruments
    self._store(empty(uint256[TABLE_WORDS]))


@external
@view
def scale(feed: uint256) -> uint256:
    """
    @notice The scale of a feed now: what a refresh would store.
    @param feed Number of the feed.
    @return 36,000,000 is one; 0 for a feed without rules.
    """
    assert feed <= MAX_FEED, BAD_FEED
    if self._states[feed] == 0:
        return 0
    return self._scale(feed)


@external
@view
def target(feed: uint256) -> uint256:
    """
    @notice Where the scale of a feed is going.
    @param feed Number of a feed with rules.
    @return 36,000,000 is one.
    """
    assert feed <= MAX_FEED and self._states[feed] != 0, UNKNOWN_FEED
    return self._target(feed, self._states[feed])


@external
@view
def scale_rules(feed: uint256) -> IDynamicScale.ScaleRules:
    """
    @notice The rules of a feed.
    @param feed Number of the feed.
    @return All zero where there are none.
    """
    assert feed <= MAX_FEED, BAD_FEED
    word: uint256 = self._states[feed]
    return IDynamicScale.ScaleRules(
        reference_variance=word & MASK_32,
        floor=(word >> 32) & MASK_32,
        cap=(word >> 64) & MASK_32,
        rise=(word >> 96) & MASK_32,
        fall=(word >> 128) & MASK_32,
        buffer=(word >> 160) & MASK_16,
    )


@external
@view
def market_feed(market: uint256) -> uint256:
    """
    @notice The feed by which a market is scaled.
    @param market Number of the market.
    @return 0 where it was not admitted.
    """
    return self._market_feed(market)


@external
@view
def mapped_feed(asset: uint256) -> uint256:
    """
    @notice The feed by which the haircut of a collateral is scaled.
    @param asset Number of the collateral, 0 to 31.
    @return 0 where it is not.
    """
    assert asset < MAX_ASSETS, BAD_ASSET
    return convert(slice(self.feed_table.code, 1 + 32 * ASSET_WORD + asset, 1), uint256)


@external
def refresh(feeds: DynArray[uint256, 64]):
    """
    @notice Stores the scales of feeds as they are now. Anyone may, as often as they like: a scale moves by
            the time that has passed, exactly.
    @param feeds Numbers of feeds with rules.
    """
    for feed: uint256 in feeds:
        assert feed <= MAX_FEED, BAD_FEED
        word: uint256 = self._states[feed]
        assert word != 0, UNKNOWN_FEED
        target: uint256 = self._target(feed, word)
        scale: uint256 = scale_math._moved(word, target, block.timestamp)
        self._states[feed] = (word & MASK_176) | (scale << 176) | (block.timestamp << 208)
        log IDynamicScale.ScaleRefreshed(feed=feed, scale=scale, target=target)


@external
def set_scale_rules(feed: uint256, rules: IDynamicScale.ScaleRules):
    """
    @notice Gives a feed its rules, or new ones; a scale that there is moves on from where it is, within the
            limit. A new one starts at one and the buffer. Owner only.
    @param feed Number of the feed, 1 to 255.
    @param rules Bounded: reference below 2**32 and not 0; 1,000 <= floor <= 10,000 <= cap <= 100,000 bps;
           rise and fall 1 to 100,000 bps per hour; buffer at most 10,000 bps.
    """
    ownable._check_owner()
    assert feed != 0 and feed <= MAX_FEED, BAD_FEED
    assert rules.reference_variance != 0 and rules.reference_variance <= MASK_32, BAD_REFERENCE
    assert rules.floor >= MIN_FLOOR and rules.floor <= BPS, BAD_BOUND
    assert rules.cap >= BPS and rules.cap <= MAX_CAP, BAD_BOUND
    assert rules.rise != 0 and rules.rise <= MAX_CAP, BAD_SPEED
    assert rules.fall != 0 and rules.fall <= MAX_CAP, BAD_SPEED
    assert rules.buffer <= BPS, BAD_BUFFER
    scale: uint256 = min(BPS + rules.buffer, rules.cap) * scale_math.HOUR
    if self._states[feed] != 0:
        scale = self._scale(feed)
    self._states[feed] = (
        rules.reference_variance
        | (rules.floor << 32)
        | (rules.cap << 64)
        | (rules.rise << 96)
        | (rules.fall << 128)
        | (rules.buffer << 160)
        | (scale << 176)
        | (block.timestamp << 208)
    )
    log IDynamicScale.ScaleRulesSet(feed=feed, rules=rules)


@external
def admit_markets(markets: DynArray[uint256, 64]):
    """
    @notice Admits perpetuals, and series by any of their markets, under the feed that the registry has for
            each. Owner only.
    @param markets Numbers of listed markets; their feeds must have rules.
    """
    ownable._check_owner()
    words: uint256[TABLE_WORDS] = self._load()
    for market: uint256 in markets:
        assert market != 0 and market <= MAX_MARKET, BAD_MARKET
        feed: uint256 = (staticcall INSTRUMENTS.spec(market)).feed
        assert feed != 0 and feed <= MAX_FEED and self._states[feed] != 0, UNKNOWN_FEED
        at: uint256 = market
        if market > MASK_8:
            at = 32 * SERIES_WORD + (market >> 8)
        words[at // 32] = self._with_byte(words[at // 32], at % 32, feed)
        log IDynamicScale.MarketAdmitted(market=market, feed=feed)
    self._store(words)


@external
def map_collaterals(assets: DynArray[uint256, 8], feeds: DynArray[uint256, 8]):
    """
    @notice Scales the haircuts of collaterals by the volatility of their feeds. Owner only.
    @param assets Numbers of collaterals, 0 to 31.
    @param feeds Feed of each, with rules; 0 leaves the haircut as it is.
    """
    ownable._check_owner()
    assert len(assets) == len(feeds), LENGTH_MISMATCH
    words: uint256[TABLE_WORDS] = self._load()
    for i: uint256 in range(len(assets), bound=8):
        assert assets[i] < MAX_ASSETS, BAD_ASSET
        assert feeds[i] == 0 or (feeds[i] <= MAX_FEED and self._states[feeds[i]] != 0), UNKNOWN_FEED
        words[ASSET_WORD] = self._with_byte(words[ASSET_WORD], assets[i], feeds[i])
        log IDynamicScale.CollateralMapped(asset=assets[i], feed=feeds[i])
    self._store(words)


# --- internals


@internal
@view
def _scale(feed: uint256) -> uint256:
    """
    @dev For a feed with rules.
    """
    word: uint256 = self._states[feed]
    return scale_math._moved(word, self._target(feed, word), block.timestamp)


@internal
@view
def _target(feed: uint256, word: uint256) -> uint256:
    """
    @dev A feed without a price says nothing about its volatility: its scale stays.
    """
    tick: uint256 = staticcall ORACLE.word(feed, skip_contract_check=True)
    if tick & MASK_72 == 0:
        return (word >> 176) & MASK_32
    return scale_math._target_up((tick >> 204) & MASK_32, word)


@internal
@view
def _market_feed(market: uint256) -> uint256:
    if market == 0 or market > MAX_MARKET:
        return 0
    at: uint256 = market
    if market > MASK_8:
        at = 32 * SERIES_WORD + (market >> 8)
    return convert(slice(self.feed_table.code, 1 + at, 1), uint256)


@internal
@view
def _load() -> uint256[TABLE_WORDS]:
    return abi_decode(slice(self.feed_table.code, 1, TABLE_BYTES), uint256[TABLE_WORDS])


@internal
def _store(words: uint256[TABLE_WORDS]):
    self.feed_table = raw_create(concat(TABLE_PREFIX, abi_encode(words)))


@internal
@pure
def _with_byte(word: uint256, at: uint256, entry: uint256) -> uint256:
    """
    @dev The word with one byte replaced, counted from the highest, as in the code.
    """
    place: uint256 = 8 * (31 - at)
    return (word & ~(MASK_8 << place)) | (entry << place)
