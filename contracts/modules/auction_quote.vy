# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What an auction asks: price and largest slice of an account in each phase
@license AGPL-3.0-only
@notice The one calculator behind the view, the bid and every change of phase. Knows accounts only by what
        their margin engine answers.
"""

from contracts.interfaces import ILedger
from contracts.interfaces import ILiquidator
from contracts.interfaces import IMarginEngine
from contracts.math import auction_math
from contracts.modules import auction_store
from contracts.modules import liquidation_parameters

uses: auction_store
uses: liquidation_parameters

STALE_PRICE: constant(String[32]) = "liquidator: stale price"

WAD: constant(uint256) = 10**18


struct Quote:
    buffer_margin: int256
    price: int256           # of the whole, wad; negative: the bidder is paid
    max_fraction: uint256   # wad


LEDGER: immutable(ILedger)


@deploy
def __init__(ledger: address):
    LEDGER = ILedger(ledger)


@external
@view
def auction(account: uint256) -> ILiquidator.Auction:
    """
    @notice The auction as the next bid would meet it, at the last prices even when they are stale.
    """
    state: auction_store.State = auction_store._load(account)
    now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    valid: bool = False
    now, valid = staticcall LEDGER.assess(account)
    quote: Quote = self._quote(state, now)
    return ILiquidator.Auction(
        phase=state.phase,
        started=state.started,
        reserved=state.reserved,
        equity=now.equity,
        maintenance_margin=now.maintenance_margin,
        buffer_margin=quote.buffer_margin,
        bid_price=quote.price,
        max_fraction=quote.max_fraction,
        paused=state.paused,
    )


@internal
@view
def _assess(account: uint256) -> IMarginEngine.Assessment:
    """
    @dev Refuses stale prices: a liquidation at a wrong price cannot be undone, a late one can be made good.
    """
    now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    valid: bool = False
    now, valid = staticcall LEDGER.assess(account)
    assert valid, STALE_PRICE
    return now


@internal
@view
def _buffer_margin(now: IMarginEngine.Assessment) -> int256:
    return auction_math._buffer_margin(
        now.equity, now.maintenance_margin, liquidation_parameters.settings.buffer
    )


@internal
@view
def _has_run_out(seconds: uint256) -> bool:
    """
    @dev Whether so long on the clock of the solvent phase has brought its price to zero.
    """
    return seconds >= liquidation_parameters.settings.fast + liquidation_parameters.settings.slow


@internal
@view
def _is_over(state: auction_store.State) -> bool:
    """
    @dev Of a solvent auction: nobody paid any price.
    """
    return self._has_run_out(block.timestamp - state.started)


@internal
@view
def _is_recovered(state: auction_store.State, now: IMarginEngine.Assessment) -> bool:
    """
    @dev An account beyond the solvent phase that owns something again, and that nobody has declined at every
         price yet: it must not be given away, nor be paid or deleveraged for. `start` offers it as solvent.
    """
    return (
        state.phase in (ILiquidator.Phase.INSOLVENT | ILiquidator.Phase.DELEVERAGE)
        and now.equity > 0
        and not self._has_run_out(state.paused)
    )


@internal
@view
def _quote(state: auction_store.State, now: IMarginEngine.Assessment) -> Quote:
    """
    @dev Of a recovered account it is the price from which `start` goes on, and nothing may be taken before.
    """
    margin: int256 = self._buffer_margin(now)
    if state.phase == ILiquidator.Phase.IDLE:
        return Quote(buffer_margin=margin, price=0, max_fraction=0)
    elapsed: uint256 = block.timestamp - state.started
    recovered: bool = self._is_recovered(state, now)
    if state.phase != ILiquidator.Phase.SOLVENT and not recovered:
        price: int256 = auction_math._insolvent_price_up(
            now.equity, now.maintenance_margin, elapsed, liquidation_parameters.settings.insolvent_length
        )
        return Quote(buffer_margin=margin, price=price, max_fraction=WAD if margin < 0 else 0)
    if recovered:
        elapsed = state.paused
    discount: uint256 = auction_math._discount(elapsed, liquidation_parameters._curve())
    return Quote(
        buffer_margin=margin,
        price=auction_math._bid_price_up(now.equity, state.reserved, discount),
        max_fraction=0 if recovered else self._max_fraction(margin, now.equity, state.reserved, discount),
    )


@internal
@view
def _max_fraction(margin: int256, equity: int256, reserved: uint256, discount: uint256) -> uint256:
    """
    @dev The whole of a small account, whose lots and gas are not worth a second slice.
    """
    if margin < 0 and equity < convert(liquidation_parameters.settings.equity_cutoff, int256):
        return WAD
    return auction_math._max_fraction_up(margin, equity, reserved, discount)
