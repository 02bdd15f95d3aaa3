# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What an account's own capital does not cover
@license AGPL-3.0-only
@notice Reads an account from the Ledger, adds its deltas up as risk-based margin does (modules/exposures.vy) and measures both
        sides of every underlying, as it stands and as it will once a trade is booked.
"""

from contracts.interfaces import IInstruments
from contracts.interfaces import ILedger
from contracts.interfaces import IMarginEngine
from contracts.interfaces import ISolvencyGuard
from contracts.math import ledger_math
from contracts.math import market_math
from contracts.math import solvency_math
from contracts.modules import exposures
from contracts.modules import solvency_records

uses: solvency_records

LINES: constant(uint256) = exposures.LINES
BPS: constant(uint256) = solvency_math.BPS
NANO: constant(uint256) = solvency_math.NANO
INANO: constant(int256) = 10**9
GREEKS_BYTES: constant(uint256) = 64 + 32 * 64
MASK_16: constant(uint256) = 2**16 - 1
MASK_72: constant(uint256) = 2**72 - 1
MASK_128: constant(uint256) = 2**128 - 1

INSTRUMENTS: immutable(IInstruments)

ledger: public(ILedger)
# Sensitivities of options (IGreeks); without it they are exposed in full.
greeks: public(address)


@deploy
def __init__(instruments: address):
    INSTRUMENTS = IInstruments(instruments)


@internal
@view
def _adds_size(account: uint256, trade: ISolvencyGuard.Trade) -> bool:
    """
    @dev As the Ledger decides whether risk is added: a position that grows or changes side, or a worst size that grows.
    """
    now: ILedger.Position = staticcall self.ledger.position(account, trade.market)
    after: int256 = now.size + trade.size
    bids: uint256 = now.bids + convert(max(trade.resting, 0), uint256)
    asks: uint256 = now.asks + convert(max(-trade.resting, 0), uint256)
    return (
        max(after, 0) > max(now.size, 0)
        or min(after, 0) < min(now.size, 0)
        or ledger_math._worst_size(after, bids, asks) > ledger_math._worst_size(now.size, now.bids, now.asks)
    )


@internal
@view
def _measured(account: uint256, trade: ISolvencyGuard.Trade) -> (solvency_records.Measure, solvency_records.Measure, bool):
    """
    @dev Contributions as the account stands and after the trade, at the same prices, and whether all are valid.
    """
    view: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
    valid: bool = False
    view, valid = staticcall self.ledger.portfolio(account)
    options: DynArray[uint256, 64] = []
    traded: IMarginEngine.PositionRisk = empty(IMarginEngine.PositionRisk)
    capital: int256 = view.cash
    for position: IMarginEngine.PositionRisk in view.positions:
        capital += position.unrealised
        if market_math._kind(position.market) == market_math.OPTION:
            options.append(position.market)
        if position.market == trade.market:
            traded = position
    is_option: bool = market_math._kind(trade.market) == market_math.OPTION
    unlisted: bool = traded.market == 0 and trade.market != 0
    if unlisted and is_option and len(options) < 64:
        options.append(trade.market)
    words: DynArray[uint256, 64] = self._sensitivities(options)
    lines: exposures.Line[LINES] = empty(exposures.Line[LINES])
    option: uint256 = 0
    traded_word: uint256 = 0
    for position: IMarginEngine.PositionRisk in view.positions:
        word: uint256 = 0
        if market_math._kind(position.market) == market_math.OPTION:
            word = words[option]
            option += 1
        if position.market == trade.market:
            traded_word = word
            continue
        place: uint256 = solvency_records._place_of(position.market)
        if place != 0:
            lines[place] = exposures._added(lines[place], position, True, word, 0, 0)
    for collateral: IMarginEngine.CollateralRisk in view.collaterals:
        # A credit line is the last of them and has no place.
        capital += convert(collateral.value, int256)
        place: uint256 = solvency_records._place_of_collateral(collateral.asset)
        if place != 0:
            lines[place].long += collateral.value
    place: uint256 = 0
    if trade.market != 0:
        place = solvency_records._place_of(trade.market)
    rest: exposures.Line = lines[place]
    if place != 0 and traded.market != 0:
        lines[place] = exposures._added(rest, traded, True, traded_word, 0, 0)
    reaches: uint256[LINES] = empty(uint256[LINES])
    for i: uint256 in range(1, solvency_records._end(), bound=LINES):
        reaches[i] = self._sides(lines[i])
    before: solvency_records.Measure = self._covered(reaches, capital)
    if trade.market == 0:
        return before, before, valid

    market_word: uint256 = 0
    inverse: bool = trade.market >> 7 == market_math.INVERSE_BLOCK
    if unlisted or inverse:
        market_word = (staticcall INSTRUMENTS.words([trade.market]))[0]
    if unlisted:
        valid = valid and market_word >> 255 == 1
        traded.market = trade.market
        traded.mark = market_word & MASK_72
        traded.spot = (market_word >> 72) & MASK_72
        if is_option and option < len(words):
            traded_word = words[option]
    mark: int256 = convert(traded.mark, int256)
    if trade.size == 0:
        pass
    elif inverse:
        # A trade settles the funding that is due: out of the coin's part and out of cash, the same amount.
        gained: int256 = trade.quote * mark - trade.size * INANO
        index: int256 = (staticcall self.ledger.position(account, trade.market)).funding_index
        now: int256 = convert(convert(market_word << 32, bytes32), int256) >> 176
        traded.unrealised += gained + traded.size * (now - index)
        capital += gained
    else:
        capital += trade.size * mark - trade.quote
    capital -= convert(trade.fee, int256)
    traded.size += trade.size
    traded.bids += convert(max(trade.resting, 0), uint256)
    traded.asks += convert(max(-trade.resting, 0), uint256)
    if place != 0:
        reaches[place] = self._sides(exposures._added(rest, traded, True, traded_word, 0, 0))
    return before, self._covered(reaches, capital), valid


@internal
@view
def _sensitivities(options: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    """
    @dev Words of IGreeks; all zero, exposed in full, where the contract is missing or fails.
    """
    markets: DynArray[uint256, 64] = []
    words: DynArray[uint256, 64] = []
    for market: uint256 in options:
        markets.append(market)
        words.append(0)
    greeks: address = self.greeks
    if len(markets) == 0 or greeks == empty(address):
        return words
    success: bool = False
    answer: Bytes[GREEKS_BYTES] = b""
    success, answer = raw_call(
        greeks,
        abi_encode(markets, method_id=method_id("greeks(uint256[])")),
        max_outsize=GREEKS_BYTES,
        is_static_call=True,
        revert_on_failure=False,
    )
    if success and len(answer) == 64 + 32 * len(markets):
        words = abi_decode(answer, DynArray[uint256, 64])
    return words


@internal
@pure
def _sides(line: exposures.Line) -> uint256:
    """
    @dev `initial` of a line holds the options of which nothing is known.
    """
    if line.long | line.short | line.up | line.down | line.initial == 0:
        return 0
    return solvency_math._sides_up(
        convert(line.long, int256) - convert(line.short, int256), line.up, line.down, line.initial
    )


@internal
@view
def _covered(reaches: uint256[LINES], capital: int256) -> solvency_records.Measure:
    """
    @dev Of each side what the capital does not cover when every underlying moves against its larger side.
    """
    found: solvency_records.Measure = empty(solvency_records.Measure)
    end: uint256 = solvency_records._end()
    # bps of nano USD: 16 underlyings, sides below 2**80, stresses up to 10_000
    loss: uint256 = 0
    for i: uint256 in range(1, end, bound=LINES):
        if reaches[i] != 0:
            stress: uint256 = (solvency_records.totals[i] >> 224) & MASK_16
            loss += stress * max(reaches[i] & MASK_128, reaches[i] >> 128)
    cover: uint256 = 0
    if capital < 0:
        found.owed = solvency_math._nano_up(convert(-capital, uint256))
    else:
        cover = convert(capital, uint256) // NANO * BPS
    if loss <= cover:
        return found
    for i: uint256 in range(1, end, bound=LINES):
        if reaches[i] != 0 and (solvency_records.totals[i] >> 224) & MASK_16 != 0:
            long: uint256 = solvency_math._uncovered_up(reaches[i] & MASK_128, loss - cover, loss)
            short: uint256 = solvency_math._uncovered_up(reaches[i] >> 128, loss - cover, loss)
            found.sides[i] = long | (short << 128)
    return found
