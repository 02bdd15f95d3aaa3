# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What the markets of dated series are worth
@license AGPL-3.0-only
@notice Until it is settled, also after expiry, a series is valued by the Surface (its future) and the RiskBoard (its
        options); settled, every market of it is worth its payoff at the one settlement price, for ever and with
        no price to wait for. The settlement price is the Surface's, read and not copied, so that there is one.
        A settled series is delisted once no long position is left; whoever is still short can be settled all
        the same.
"""

from contracts.interfaces import IInstruments
from contracts.math import market_math
from contracts.math import oracle_math
from contracts.modules import series_registry

uses: series_registry

interface Surface:
    def forward(series: uint256) -> (uint256, uint256, bool): view
    def settlement(series: uint256) -> (uint256, bool): view

interface Board:
    def marks(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]: view

interface OpenInterest:
    def open_interest(market: uint256) -> uint256: view

PRICE_TOO_LARGE: constant(String[40]) = "instruments: price out of range"
NOT_SETTLED: constant(String[40]) = "instruments: series is not settled"
STILL_OPEN: constant(String[40]) = "instruments: positions are open"

MAX_SERIES: constant(uint256) = series_registry.MAX_SERIES
STRIKE_WORDS: constant(uint256) = series_registry.STRIKE_WORDS
MAX_STRIKES: constant(uint256) = series_registry.MAX_STRIKES

PRICE_MASK: constant(uint256) = 2**72 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_8: constant(uint256) = 2**8 - 1
BPS: constant(uint256) = 10_000
FULL_CONFIDENCE: constant(uint256) = oracle_math.FULL_CONFIDENCE

# Bits of a market word (IInstruments).
VALID: constant(uint256) = 1 << 255
SETTLED: constant(uint256) = 1 << 253
EXPIRED: constant(uint256) = 1 << 252
# Bit of a mark word (IRiskBoard).
MARK_EXPIRED: constant(uint256) = 1 << 236
SETTLED_PART: constant(uint256) = (FULL_CONFIDENCE << 224) | VALID | SETTLED | EXPIRED


@external
def delist_series(series: uint256):
    """
    @notice Marks a settled series without open interest as gone, for those who read all series. Anyone may.
            Its markets keep their payoffs.
    @param series Number of the series.
    """
    packed: uint256 = series_registry._known(series)
    assert self._settlement_of(series, packed) != 0, NOT_SETTLED
    ledger: OpenInterest = OpenInterest(series_registry.ledger)
    for index: uint256 in range(2 * ((packed >> 40) & MASK_8) + 1, bound=2 * MAX_STRIKES + 1):
        assert staticcall ledger.open_interest((series << 8) | index) == 0, STILL_OPEN
    series_registry.words[series] = (packed & ~series_registry.ACTIVE) | series_registry.DELISTED
    log IInstruments.SeriesDelisted(series=series)


# --- internals


@internal
@view
def _words(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    """
    @dev Market words of the dated markets among these, 0 for the others. The RiskBoard is asked once for all options;
         what options of one board or markets of one series share is made once where they follow each other.
    """
    found: DynArray[uint256, 64] = markets
    marks: DynArray[uint256, 64] = []
    # What options of one board share, and of which mark words it was made; no mark word has the topmost bits.
    board: uint256 = max_value(uint256)
    part: uint256 = 0
    # The tick of the feed at hand; none has the number 0.
    feed: uint256 = 0
    tick: uint256 = 0
    # Of the series at hand, where the registry must be asked; there is none of number 0.
    series: uint256 = 0
    packed: uint256 = 0
    price: uint256 = 0
    shared: uint256 = 0
    slot: uint256 = 0
    strikes: uint256 = 0
    i: uint256 = 0
    for market: uint256 in markets:
        mark: uint256 = 0
        # An option: both of its parts are there.
        if unsafe_mul(market & MASK_8, market >> 8) != 0:
            if len(marks) == 0:
                marks = staticcall Board(series_registry.risk_board).marks(markets, skip_contract_check=True)
            mark = marks[i]
            if mark >> 72 == board:
                found[i] = part | (mark & PRICE_MASK)
                i = unsafe_add(i, 1)
                continue
            # Before expiry a board says all that the registry would: feed and strikes of a series never change.
            if mark != 0 and mark & MARK_EXPIRED == 0:
                if (mark >> 228) & MASK_8 != feed:
                    feed = (mark >> 228) & MASK_8
                    tick = staticcall series_registry.ORACLE.word(feed, skip_contract_check=True)
                board = mark >> 72
                part = ((tick & PRICE_MASK) << 72) | self._option_part(mark, tick)
                found[i] = part | (mark & PRICE_MASK)
                i = unsafe_add(i, 1)
                continue
        if market >> 8 != series:
            series = market >> 8
            packed = 0
            if unsafe_sub(series, 1) < MAX_SERIES:
                packed = series_registry.words[series]
            if packed != 0:
                price = self._settlement_of(series, packed)
                slot = max_value(uint256)
                shared = 0
                if block.timestamp >= packed & MASK_32:
                    shared = EXPIRED
        word: uint256 = 0
        place: uint256 = unsafe_sub(market & MASK_8, 1) >> 1
        if packed != 0 and (market & MASK_8 == 0 or place < (packed >> 40) & MASK_8):
            if price == 0:
                if (packed >> 32) & MASK_8 != feed:
                    feed = (packed >> 32) & MASK_8
                    tick = staticcall series_registry.ORACLE.word(feed, skip_contract_check=True)
                word = shared | ((tick & PRICE_MASK) << 72) | (mark & PRICE_MASK)
                if market & MASK_8 == 0:
                    word |= self._future_part(series, tick)
                else:
                    word |= self._option_part(mark, tick)
            else:
                # Payoff as mark, settlement price as spot, in full confidence: nothing about it can change any more.
                word = (price << 72) | SETTLED_PART
                if market & MASK_8 == 0:
                    word |= price
                else:
                    # `place` is below 64, so its word is inside the array (series <= 255) and its shift below 216.
                    if unsafe_div(place, 3) != slot:
                        slot = unsafe_div(place, 3)
                        strikes = series_registry._strikes[unsafe_add(unsafe_mul(series, STRIKE_WORDS), slot)]
                    word |= market_math._payoff(
                        price,
                        (strikes >> unsafe_mul(72, unsafe_sub(place, unsafe_mul(3, slot)))) & PRICE_MASK,
                        market & 1 != 0,
                    )
        found[i] = word
        i = unsafe_add(i, 1)
    return found


@internal
@view
def _future_part(series: uint256, tick: uint256) -> uint256:
    """
    @dev Mark, confidence and validity of a future: the forward's, and no more confidence than spot has.
    """
    forward: uint256 = 0
    confidence: uint256 = 0
    valid: bool = False
    forward, confidence, valid = staticcall Surface(series_registry.surface).forward(series)
    # Prices have 72 bits everywhere; a larger one would run into the fields beside it.
    assert forward <= PRICE_MASK, PRICE_TOO_LARGE
    part: uint256 = forward | (min(confidence, (tick >> 144) & MASK_28) << 224)
    if valid and forward != 0 and oracle_math._is_valid(tick, block.timestamp):
        part |= VALID
    return part


@internal
@view
def _option_part(mark: uint256, tick: uint256) -> uint256:
    """
    @dev Confidence and validity of an option from its mark word (IRiskBoard): valid while board and spot are fresh and spot has not
         moved too far from where the board was made. A mark of 0 is a price like others.
    """
    part: uint256 = min((mark >> 144) & MASK_28, (tick >> 144) & MASK_28) << 224
    spot: uint256 = tick & PRICE_MASK
    then: uint256 = (mark >> 72) & PRICE_MASK
    moved: uint256 = unsafe_sub(max(spot, then), min(spot, then))
    if (
        block.timestamp <= (mark >> 172) & MASK_40
        and unsafe_mul(moved, BPS) <= unsafe_mul(then, (mark >> 212) & MASK_16)
        and oracle_math._is_valid(tick, block.timestamp)
    ):
        part |= VALID
    return part


@internal
@view
def _settlement_of(series: uint256, packed: uint256) -> uint256:
    """
    @dev Settlement price of a series, nano USD; 0 before there is one. No price is 0: the Oracle refuses it.
    """
    if block.timestamp < packed & MASK_32:
        return 0
    price: uint256 = 0
    settled: bool = False
    price, settled = staticcall Surface(series_registry.surface).settlement(series)
    assert price <= PRICE_MASK, PRICE_TOO_LARGE
    return price if settled else 0
