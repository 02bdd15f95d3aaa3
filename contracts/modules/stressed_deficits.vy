# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What accounts would owe after one relative move of all underlyings
@license AGPL-3.0-only
@notice Stressed equity of an account: its equity and what the move does to it. By kind:
            linear perpetual    size * mark * shock
            inverse perpetual   coin balance * mark * shock: its value in USD is linear in the price of the coin
            dated future        size * change of the forward, of which the part that is fixed does not move
            option              size * (value by Black at the moved forward - mark), with strike, volatility, time and
                                discount of the board that made the mark
            collateral          value * shock
            settled series      nothing
        Cash is a USD amount and does not move; a credit line is a guarantee and no equity. Orders do not count.
        The stressed deficit is the sum over accounts of max(0, -stressed equity).
"""

from contracts.interfaces import IInstruments
from contracts.interfaces import ILedger
from contracts.interfaces import ILens
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IRiskBoard
from contracts.interfaces import ISurface
from contracts.interfaces import IVault
from contracts.math import black76
from contracts.math import ledger_math
from contracts.math import market_math
from contracts.math import stress_math

interface Series:
    def surface() -> address: view
    def risk_board() -> address: view

interface Desk:
    def credit_desk() -> address: view

NOT_DATED: constant(String[32]) = "lens: not a dated market"

NANO: constant(uint256) = 10**9
MASK_8: constant(uint256) = 2**8 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_72: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1

MAX_SHOCKS: constant(uint256) = 16
# Dated markets whose changes are worked out once for all accounts; those beyond it are for each position.
MAX_KNOWN: constant(uint256) = 256
# Above the assets of the Vault: a credit line (CreditMargin).
FIRST_LINE: constant(uint256) = 9
# Where a board keeps its strikes (IRiskBoard).
HEADER_WORDS: constant(uint256) = 12

VAULT: immutable(IVault)
LEDGER: immutable(ILedger)
INSTRUMENTS: immutable(IInstruments)
LIQUIDATOR: immutable(Desk)
# Wad USD per unit of the cash token.
SCALE: immutable(uint256)


@deploy
def __init__(vault: address, ledger: address, instruments: address, liquidator: address, scale: uint256):
    VAULT = IVault(vault)
    LEDGER = ILedger(ledger)
    INSTRUMENTS = IInstruments(instruments)
    LIQUIDATOR = Desk(liquidator)
    SCALE = scale


@external
@view
def stressed(shocks: DynArray[int256, MAX_SHOCKS], first: uint256, count: uint256) -> ILens.Stressed:
    """
    @notice Stressed deficits of accounts first..first+count-1; beyond the newest account it stops. Pages add up.
    @param shocks Relative moves of all underlyings together, bps, -10,000 to 100,000.
    @param first Number of an account, from 1.
    @param count At most 1,024.
    @return One row for each shock, in order (ILens.Stressed).
    """
    return self._stressed(shocks, first, count)


@external
@view
def dated_changes(
    markets: DynArray[uint256, 64], shocks: DynArray[int256, MAX_SHOCKS]
) -> DynArray[int256, 1024]:
    """
    @notice What the marks of dated markets change by after each shock: the same that `stressed` counts.
    @param markets Numbers of futures and options.
    @param shocks As in `stressed`.
    @return Nano USD per unit of base, signed: for each market, in order, one for each shock.
    """
    for shock: int256 in shocks:
        stress_math._check(shock)
    found: DynArray[int256, 1024] = []
    for market: uint256 in markets:
        assert market_math._series(market) != 0, NOT_DATED
        changes: DynArray[int256, MAX_SHOCKS] = self._changes(market, shocks)
        for change: int256 in changes:
            found.append(change)
    return found


@internal
@view
def _stressed(shocks: DynArray[int256, MAX_SHOCKS], first: uint256, count: uint256) -> ILens.Stressed:
    """
    @dev The one calculator. An account is read as its margin engine reads it.
    """
    found: ILens.Stressed = ILens.Stressed(accounts=0, valid=True, rows=[])
    for shock: int256 in shocks:
        stress_math._check(shock)
        found.rows.append(ILens.StressedDeficit(shock=shock, deficit=0, lines=0, insolvent=0))
    known: DynArray[uint256, MAX_KNOWN] = []
    changes: DynArray[int256, MAX_KNOWN * MAX_SHOCKS] = []
    last: uint256 = staticcall VAULT.account_count()
    for account: uint256 in range(first, first + count, bound=1024):
        if account > last:
            break
        found.accounts += 1
        portfolio: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
        valid: bool = False
        portfolio, valid = staticcall LEDGER.portfolio(account)
        if not valid:
            found.valid = False
        equity: int256 = portfolio.cash
        # Wad USD for a move of one.
        exposure: int256 = 0
        has_line: bool = False
        for collateral: IMarginEngine.CollateralRisk in portfolio.collaterals:
            if collateral.asset >= FIRST_LINE:
                has_line = True
                continue
            equity += convert(collateral.value, int256)
            exposure += convert(collateral.value, int256)
        gains: int256[MAX_SHOCKS] = empty(int256[MAX_SHOCKS])
        for position: IMarginEngine.PositionRisk in portfolio.positions:
            equity += position.unrealised
            if market_math._series(position.market) == 0:
                size: int256 = position.size
                if position.market >> 7 == market_math.INVERSE_BLOCK:
                    size = ledger_math._coin((staticcall LEDGER.position(account, position.market)).entry_price)
                exposure += size * convert(position.mark, int256)
                continue
            if position.size == 0:
                continue
            place: uint256 = 0
            for market: uint256 in known:
                if market == position.market:
                    break
                place += 1
            if place < len(known):
                place *= len(shocks)
                for i: uint256 in range(len(shocks), bound=MAX_SHOCKS):
                    gains[i] += position.size * changes[place + i]
                continue
            fresh: DynArray[int256, MAX_SHOCKS] = self._changes(position.market, shocks)
            for i: uint256 in range(len(shocks), bound=MAX_SHOCKS):
                gains[i] += position.size * fresh[i]
            if len(known) < MAX_KNOWN:
                known.append(position.market)
                for change: int256 in fresh:
                    changes.append(change)
        line: uint256 = 0
        for i: uint256 in range(len(shocks), bound=MAX_SHOCKS):
            after: int256 = equity + gains[i] + stress_math._change(exposure, shocks[i])
            if after >= 0:
                continue
            owed: uint256 = convert(-after, uint256)
            found.rows[i].deficit += owed
            found.rows[i].insolvent += 1
            if has_line:
                line = self._line(account)
                has_line = False
            found.rows[i].lines += min(owed, line)
    return found


@internal
@view
def _changes(market: uint256, shocks: DynArray[int256, MAX_SHOCKS]) -> DynArray[int256, MAX_SHOCKS]:
    """
    @dev Changes of a dated market's mark, nano USD. Options are valued by their board alone, at the time it was made, so
         that without a move they are worth their mark; without a board, or without the strike on it, they have none.
    """
    found: DynArray[int256, MAX_SHOCKS] = []
    series: uint256 = market_math._series(market)
    surface: ISurface = ISurface(staticcall Series(INSTRUMENTS.address).surface())
    price: uint256 = 0
    settled: bool = False
    price, settled = staticcall surface.settlement(series)
    if not settled and market & MASK_8 == 0:
        variable: int256 = convert((staticcall surface.forward_parts(series)).variable, int256)
        for shock: int256 in shocks:
            found.append(stress_math._change(variable, shock))
        return found

    place: uint256 = market_math._strike_index(market)
    board: address = empty(address)
    if not settled:
        grid: address = empty(address)
        boards: DynArray[address, 64] = []
        grid, boards = staticcall IRiskBoard(staticcall Series(INSTRUMENTS.address).risk_board()).boards([series])
        board = boards[0]
    first: uint256 = 0
    if board != empty(address):
        first = convert(slice(board.code, 1, 32), uint256)
    if place >= (first >> 80) & MASK_8:
        for shock: int256 in shocks:
            found.append(0)
        return found

    parts: uint256 = convert(slice(board.code, 33, 32), uint256)
    word: uint256 = convert(slice(board.code, 1 + 32 * (HEADER_WORDS + place), 32), uint256)
    is_call: bool = market_math._is_call(market)
    expiry: uint256 = (first >> 128) & MASK_40
    refreshed: uint256 = (first >> 88) & MASK_40
    total_vol: uint256 = black76._total_vol(
        (word >> 216) * NANO, black76._root_time(max(expiry, refreshed) - refreshed)
    )
    for shock: int256 in shocks:
        found.append(
            stress_math._option_change(
                is_call,
                word & MASK_72,
                (word >> 72) & MASK_72 if is_call else (word >> 144) & MASK_72,
                parts & MASK_80,
                (parts >> 80) & MASK_80,
                total_vol,
                (parts >> 160) & MASK_64,
                shock,
            )
        )
    return found


@internal
@view
def _line(account: uint256) -> uint256:
    """
    @dev What the credit desk would pay for the account, wad USD; a desk that fails is passed over, as in a liquidation.
    """
    desk: address = staticcall LIQUIDATOR.credit_desk()
    if desk == empty(address):
        return 0
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        desk,
        abi_encode(account, method_id=method_id("capacity(uint256)")),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    return min(convert(answer, uint256), 2**128 - 1) * SCALE if success else 0
