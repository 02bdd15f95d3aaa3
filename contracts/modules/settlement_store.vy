# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The settlement price of a series, accumulated by whoever comes
@license AGPL-3.0-only
@notice The mean of the Oracle's spot over the last 1,800 seconds before expiry (math/settlement_math.vy). The
        Oracle keeps its latest price alone, so prices are recorded here while they are in force: anyone may,
        as often as they like. What is recorded is the price with the timestamp that its signers gave it, so
        the time of the call weighs nothing, and recording one price twice is recording it once.
        The price is fixed by the first `finalise` that finds it determined:
        1. the Oracle has gone past expiry, so the window cannot change any more, and enough of it is covered;
        2. too little was covered: the average runs on after expiry until enough is;
        3. `patience` seconds after expiry still too little: the mean of what was covered; where nothing was,
           the last price that the Oracle has.
        No parameter can be changed, nobody is asked, and nothing here can be paused.
"""

from contracts.interfaces import IOracle
from contracts.interfaces import ISurface
from contracts.math import oracle_math
from contracts.math import settlement_math
from snekmate.auth import ownable

uses: ownable

# The registry of series; what IInstruments.series returns begins with these two.
struct Terms:
    feed: uint256
    expiry: uint256

interface SeriesRegistry:
    def series(series: uint256) -> Terms: view

ALREADY_WIRED: constant(String[32]) = "surface: already wired"
NOT_WIRED: constant(String[32]) = "surface: not wired"
BAD_ADDRESS: constant(String[32]) = "surface: address is zero"
UNKNOWN_SERIES: constant(String[32]) = "surface: unknown series"
BAD_GAP: constant(String[32]) = "surface: gap out of range"
BAD_COVERAGE: constant(String[32]) = "surface: coverage out of range"
BAD_PATIENCE: constant(String[32]) = "surface: patience out of range"
NOT_EXPIRED: constant(String[32]) = "surface: not expired"
NOT_DETERMINED: constant(String[40]) = "surface: price not determined yet"
NO_PRICE: constant(String[32]) = "surface: no price at all"

WINDOW: constant(uint256) = settlement_math.WINDOW
PRICE_MASK: constant(uint256) = settlement_math.PRICE_MASK
MASK_84: constant(uint256) = settlement_math.MASK_84
MASK_32: constant(uint256) = settlement_math.MASK_32
MASK_12: constant(uint256) = settlement_math.MASK_12
MASK_8: constant(uint256) = settlement_math.MASK_8
SETTLED: constant(uint256) = settlement_math.SETTLED

# A mark out of bound says nothing about spot; a doubtful spot is no observation.
UNFIT: constant(uint256) = oracle_math.FLAG_CONFIDENCE | oracle_math.FLAG_BOUND | oracle_math.FLAG_JUMP

MAX_SERIES: constant(uint256) = 255
SERIES_SLOTS: constant(uint256) = MAX_SERIES + 1
MAX_BATCH: constant(uint256) = 32
MAX_GAP: constant(uint256) = 900
# Less than half of the window is no average of it.
MIN_COVERAGE: constant(uint256) = WINDOW // 2
MIN_PATIENCE: constant(uint256) = 3_600
MAX_PATIENCE: constant(uint256) = 7 * 86_400

ORACLE: immutable(IOracle)
RULES: immutable(settlement_math.Rules)

instruments: public(address)

# Series words (settlement_math); zero until a series is first seen here.
_words: uint256[SERIES_SLOTS]


@deploy
def __init__(oracle: address, parameters: ISurface.SettlementParameters):
    assert oracle != empty(address), BAD_ADDRESS
    assert parameters.max_gap != 0 and parameters.max_gap <= MAX_GAP, BAD_GAP
    assert parameters.coverage >= MIN_COVERAGE and parameters.coverage <= WINDOW, BAD_COVERAGE
    assert parameters.patience >= MIN_PATIENCE and parameters.patience <= MAX_PATIENCE, BAD_PATIENCE
    ORACLE = IOracle(oracle)
    RULES = settlement_math.Rules(
        max_gap=parameters.max_gap, required=parameters.coverage, patience=parameters.patience
    )


@external
def wire(instruments: address):
    """
    @notice Names the registry of series, once. Owner only.
    @param instruments Answers `series(series)` with a struct that begins with feed and expiry; a series that it
           has answered for must keep both for ever.
    """
    ownable._check_owner()
    assert self.instruments == empty(address), ALREADY_WIRED
    assert instruments != empty(address), BAD_ADDRESS
    self.instruments = instruments
    log ISurface.InstrumentsWired(instruments=instruments)


@external
def accumulate(series: DynArray[uint256, MAX_BATCH]) -> uint256:
    """
    @notice Records the Oracle's price in force for the settlement average of each series. For anyone. Nothing
            happens to a series whose window is not near, that is covered or settled, or whose price is
            recorded already, of low confidence, at its feed's bound or an unconfirmed jump.
    @param series Numbers of series, repeats allowed.
    @return How many recorded a price.
    """
    recorded: uint256 = 0
    for number: uint256 in series:
        word: uint256 = self._word(number)
        next: uint256 = self._with_tick(word, staticcall ORACLE.word((word >> 200) & MASK_8))
        if next != word:
            self._words[number] = next
            recorded = unsafe_add(recorded, 1)
            log ISurface.PriceObserved(
                series=number,
                spot=(next >> 96) & PRICE_MASK,
                timestamp=(next >> 168) & MASK_32,
                accumulated=next & MASK_84,
                covered=(next >> 84) & MASK_12,
            )
    return recorded


@external
def finalise(series: uint256) -> uint256:
    """
    @notice Fixes the settlement price as soon as it is determined. For anyone; once fixed it never changes, and
            further calls return it.
    @param series Number of the series.
    @return Nano USD, floored: one price for both sides of every position, so what rounding takes from one it
            gives to the other.
    """
    word: uint256 = self._word(series)
    if word & SETTLED != 0:
        return (word >> 96) & PRICE_MASK
    expiry: uint256 = (word >> 208) & MASK_32
    assert block.timestamp >= expiry, NOT_EXPIRED

    tick: uint256 = staticcall ORACLE.word((word >> 200) & MASK_8)
    word = self._with_tick(word, tick)
    last: uint256 = (word >> 168) & MASK_32
    # The Oracle's timestamps only grow, so nothing before its latest one can be recorded any more, whether that
    # price is fit or not.
    until: uint256 = max(last, oracle_math._timestamp(tick))
    late: bool = block.timestamp > expiry + RULES.patience
    if late:
        until = block.timestamp
    accumulated: uint256 = 0
    covered: uint256 = 0
    accumulated, covered = settlement_math._totals(word, until, RULES)
    assert late or (until >= expiry and covered >= RULES.required), NOT_DETERMINED

    price: uint256 = 0
    if covered != 0:
        price = accumulated // covered
    else:
        price = tick & PRICE_MASK
        assert price != 0, NO_PRICE
    self._words[series] = (
        accumulated
        | (covered << 84)
        | (price << 96)
        | (last << 168)
        | (word & settlement_math.IDENTITY_MASK)
        | SETTLED
    )
    log ISurface.SettlementPriceSet(series=series, price=price, covered=covered)
    return price


@external
@view
def settlement(series: uint256) -> (uint256, bool):
    """
    @notice The settlement price of a series.
    @param series Number of the series.
    @return Nano USD and True once it is fixed; 0 and False before.
    """
    assert series <= MAX_SERIES, UNKNOWN_SERIES
    word: uint256 = self._words[series]
    if word & SETTLED == 0:
        return 0, False
    return (word >> 96) & PRICE_MASK, True


@external
@view
def accumulator(series: uint256) -> ISurface.Accumulator:
    """
    @notice What is recorded for the settlement average of a series.
    @param series Number of the series.
    @return All zero for one that was never seen.
    """
    assert series <= MAX_SERIES, UNKNOWN_SERIES
    word: uint256 = self._words[series]
    return ISurface.Accumulator(
        accumulated=word & MASK_84,
        covered=(word >> 84) & MASK_12,
        spot=(word >> 96) & PRICE_MASK,
        timestamp=(word >> 168) & MASK_32,
        settled=word & SETTLED != 0,
    )


@external
@view
def settlement_parameters() -> ISurface.SettlementParameters:
    """
    @notice The rules of the settlement average, fixed at deployment.
    @return Seconds.
    """
    return ISurface.SettlementParameters(
        max_gap=RULES.max_gap, coverage=RULES.required, patience=RULES.patience
    )


@internal
@view
def _word(series: uint256) -> uint256:
    """
    @dev The series' word; of a series never seen here one with its feed and expiry from the registry.
    """
    assert series != 0 and series <= MAX_SERIES, UNKNOWN_SERIES
    word: uint256 = self._words[series]
    if word != 0:
        return word
    assert self.instruments != empty(address), NOT_WIRED
    terms: Terms = staticcall SeriesRegistry(self.instruments).series(series)
    assert terms.feed != 0 and terms.feed <= MASK_8, UNKNOWN_SERIES
    assert terms.expiry >= WINDOW and terms.expiry <= MASK_32, UNKNOWN_SERIES
    return (terms.feed << 200) | (terms.expiry << 208)


@internal
def _remember(series: uint256):
    """
    @dev Stores what the registry says of the series, so that nothing here asks for it again.
    """
    self._words[series] = self._word(series)


@internal
@view
def _with_tick(word: uint256, tick: uint256) -> uint256:
    """
    @dev The series' word once the Oracle's tick is recorded; the same where the tick is no observation.
    """
    if oracle_math._flags(tick) & UNFIT != 0 or tick & PRICE_MASK == 0:
        return word
    return settlement_math._observed(word, tick & PRICE_MASK, oracle_math._timestamp(tick), RULES)


@internal
@view
def _parts(word: uint256, tick: uint256, forward: uint256) -> (uint256, uint256):
    """
    @dev (fixed, variable) of the settlement price as of now, the Oracle's tick counted as if it were recorded and
         carried to now; `forward` is what the price to come will be worth. (0, forward) before the window.
    """
    expiry: uint256 = (word >> 208) & MASK_32
    if block.timestamp <= unsafe_sub(expiry, WINDOW):
        return 0, forward
    accumulated: uint256 = 0
    covered: uint256 = 0
    accumulated, covered = settlement_math._totals(self._with_tick(word, tick), block.timestamp, RULES)
    remaining: uint256 = 0
    if expiry > block.timestamp:
        remaining = unsafe_sub(expiry, block.timestamp)
    return settlement_math._split(accumulated, covered, remaining, RULES.required, forward)
