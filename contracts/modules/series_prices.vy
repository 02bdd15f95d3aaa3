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
MASK_8: constant(uint256) = 2**8 - 1
BPS: constant(uint256) = 10_000
FULL_CONFIDENCE: constant(uint256) = oracle_math.FULL_CONFIDENCE

# Bits of a market word (IInstruments).
VALID: constant(uint256) = 1 << 255
SETTLED: constant(uint256) = 1 << 253
EXPIRED: constant(uint256) = 1 << 252
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
def _words(markets: DynArray[uint256, 64], first: uint256) -> DynArray[uint256, 64]:
    """
    @dev Market words of the markets from place `first` on that belong to one series, as many as follow each other.
         The Surface is asked once, the RiskBoard once. A market that is not there has a word of 0.
    """
    series: uint256 = markets[first] >> 8
    packed: uint256 = 0
    if series <= MAX_SERIES:
        packed = series_registry.words[series]
    count: uint256 = (packed >> 40) & MASK_8
    found: DynArray[uint256, 64] = []
    options: DynArray[uint256, 64] = []
    has_future: bool = False
    for place: uint256 in range(first, len(markets), bound=64):
        market: uint256 = markets[place]
        if market >> 8 != series:
            break
        if market & MASK_8 == 0:
            has_future = packed != 0
        elif unsafe_sub(market & MASK_8, 1) >> 1 < count:
            options.append(market)
        found.append(market)
    if packed == 0:
        for place: uint256 in range(len(found), bound=64):
            found[place] = 0
        return found

    price: uint256 = self._settlement_of(series, packed)
    if price != 0:
        read: uint256 = max_value(uint256)
        strikes: uint256 = 0
        for i: uint256 in range(len(found), bound=64):
            market: uint256 = found[i]
            mark: uint256 = price
            if market & MASK_8 != 0:
                # `place` is below 127, so its word is inside the array (series <= 255) and its shift below 216.
                place: uint256 = unsafe_sub(market & MASK_8, 1) >> 1
                slot: uint256 = unsafe_div(place, 3)
                if slot != read and place < count:
                    strikes = series_registry._strikes[unsafe_add(unsafe_mul(series, STRIKE_WORDS), slot)]
                    read = slot
                mark = market_math._payoff(
                    price,
                    (strikes >> unsafe_mul(72, unsafe_sub(place, unsafe_mul(3, slot)))) & PRICE_MASK,
                    market & 1 != 0,
                )
                if place >= count:
                    found[i] = 0
                    continue
            # Payoff as mark, settlement price as spot, in full confidence: nothing about it can change any more.
            found[i] = mark | (price << 72) | SETTLED_PART
        return found

    tick: uint256 = staticcall series_registry.ORACLE.word((packed >> 32) & MASK_8, skip_contract_check=True)
    shared: uint256 = (tick & PRICE_MASK) << 72
    if block.timestamp >= packed & MASK_32:
        shared |= EXPIRED
    future: uint256 = 0
    if has_future:
        future = shared | self._future_part(series, tick)
    marks: DynArray[uint256, 64] = []
    if len(options) != 0:
        marks = staticcall Board(series_registry.risk_board).marks(options)
    # What options of one board share is made once.
    next: uint256 = 0
    board: uint256 = max_value(uint256)
    part: uint256 = 0
    for place: uint256 in range(len(found), bound=64):
        market: uint256 = found[place]
        if market & MASK_8 == 0:
            found[place] = future
        elif unsafe_sub(market & MASK_8, 1) >> 1 < count:
            mark: uint256 = marks[next]
            next = unsafe_add(next, 1)
            if mark >> 72 != board:
                board = mark >> 72
                part = shared | self._option_part(mark & ~PRICE_MASK, tick)
            found[place] = part | (mark & PRICE_MASK)
        else:
            found[place] = 0
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
    @dev The same of an option from its mark word (IRiskBoard): valid while board and spot are fresh and spot has not
         moved too far from where the board was made. A mark of 0 is a price like others.
    """
    part: uint256 = (mark & PRICE_MASK) | (
        min((mark >> 144) & MASK_28, (tick >> 144) & MASK_28) << 224
    )
    spot: uint256 = tick & PRICE_MASK
    then: uint256 = (mark >> 72) & PRICE_MASK
    moved: uint256 = unsafe_sub(max(spot, then), min(spot, then))
    if (
        block.timestamp <= (mark >> 172) & MASK_40
        and unsafe_mul(moved, BPS) <= unsafe_mul(then, mark >> 212)
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
