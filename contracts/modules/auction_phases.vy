# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Phases of an auction: what moves it on, what ends it
@license AGPL-3.0-only
@notice Who may move it: anyone. What decides is equity, the buffer margin and the clocks, never the caller.
"""

from contracts.interfaces import ILiquidator
from contracts.interfaces import IMarginEngine
from contracts.math import auction_math
from contracts.modules import auction_quote
from contracts.modules import auction_store

uses: auction_quote
uses: auction_store

HEALTHY: constant(String[32]) = "liquidator: account is healthy"
UNHEALTHY: constant(String[32]) = "liquidator: margin not restored"
WRONG_PHASE: constant(String[32]) = "liquidator: wrong phase"
RESTART: constant(String[32]) = "liquidator: needs a restart"

# Reasons of AuctionEnded (ILiquidator).
RESTORED: constant(uint256) = 1
NOTHING_LEFT: constant(uint256) = 2
WRITTEN_OFF: constant(uint256) = 3

WAD: constant(uint256) = 10**18


@external
@nonreentrant
def mark_insolvent(account: uint256):
    """
    @notice Turns an auction insolvent once equity is gone or nobody paid any price; anyone.
    """
    state: auction_store.State = auction_store._load(account)
    assert state.phase == ILiquidator.Phase.SOLVENT, WRONG_PHASE
    now: IMarginEngine.Assessment = auction_quote._assess(account)
    assert auction_quote._buffer_margin(now) < 0, HEALTHY
    assert now.equity <= 0 or auction_quote._is_over(state), UNHEALTHY
    self._enter_insolvent(account, state, now)


@external
@nonreentrant
def stop(account: uint256):
    """
    @notice Ends the auction of an account whose buffer margin is restored; anyone.
    """
    assert auction_store._load(account).phase != ILiquidator.Phase.IDLE, WRONG_PHASE
    assert auction_quote._buffer_margin(auction_quote._assess(account)) >= 0, UNHEALTHY
    self._end(account, RESTORED)


@external
@nonreentrant
def refresh(account: uint256):
    """
    @notice Brings the account's part of `total_insolvent` to present prices; anyone.
    """
    phase: ILiquidator.Phase = auction_store._load(account).phase
    assert phase in (ILiquidator.Phase.INSOLVENT | ILiquidator.Phase.DELEVERAGE), WRONG_PHASE
    now: IMarginEngine.Assessment = auction_quote._assess(account)
    self._count_shortfall(account, now)


@internal
def _enter_solvent(account: uint256, state: auction_store.State):
    """
    @dev A new auction, a solvent one anew, or one whose account has recovered: that one goes on where its
         solvent clock stood.
    """
    if state.phase in (ILiquidator.Phase.IDLE | ILiquidator.Phase.SOLVENT):
        auction_store._save(
            account,
            auction_store.State(
                phase=ILiquidator.Phase.SOLVENT, started=block.timestamp, reserved=0, paused=state.paused
            ),
        )
        return
    auction_store._swap(account, state, ILiquidator.Phase.SOLVENT)
    auction_store._set_shortfall(account, 0)


@internal
def _enter_insolvent(account: uint256, state: auction_store.State, now: IMarginEngine.Assessment):
    if state.phase == ILiquidator.Phase.IDLE:
        auction_store._save(
            account,
            auction_store.State(
                phase=ILiquidator.Phase.INSOLVENT, started=block.timestamp, reserved=0, paused=0
            ),
        )
    else:
        auction_store._swap(account, state, ILiquidator.Phase.INSOLVENT)
    self._count_shortfall(account, now)
    log ILiquidator.AuctionInsolvent(account=account, equity=now.equity)


@internal
def _enter_deleverage(account: uint256, state: auction_store.State, now: IMarginEngine.Assessment):
    auction_store._save(
        account,
        auction_store.State(
            phase=ILiquidator.Phase.DELEVERAGE, started=block.timestamp, reserved=0, paused=state.paused
        ),
    )
    self._count_shortfall(account, now)
    log ILiquidator.DeleverageStarted(account=account, equity=now.equity)


@internal
def _count_shortfall(account: uint256, now: IMarginEngine.Assessment):
    auction_store._set_shortfall(account, auction_math._shortfall(now.equity, now.maintenance_margin))


@internal
def _conclude(
    account: uint256, phase: ILiquidator.Phase, after: IMarginEngine.Assessment, capped: bool, taken: uint256
):
    """
    @dev Ends what is done, else counts what is still missing. A bid of the full cap ends a solvent auction
         although lots may have left the buffer a trifle short, as long as maintenance is met.
    """
    if auction_quote._buffer_margin(after) >= 0:
        self._end(account, NOTHING_LEFT if taken == WAD else RESTORED)
    elif phase == ILiquidator.Phase.SOLVENT:
        if capped and after.equity >= convert(after.maintenance_margin, int256):
            self._end(account, RESTORED)
    else:
        self._count_shortfall(account, after)


@internal
def _end(account: uint256, reason: uint256):
    auction_store._clear(account)
    extcall auction_quote.LEDGER.end_liquidation(account)
    log ILiquidator.AuctionEnded(account=account, reason=reason)
