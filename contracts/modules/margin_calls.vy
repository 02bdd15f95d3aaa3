# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Margin calls: notice, half-time, escalation, cure
@license AGPL-3.0-only
@notice For accounts below initial margin under whatever engine they have, each step at valid prices and by anyone:

            QUIET -> NOTICE by `call_margin` -> HALF_TIME by another one after half of the grace -> ESCALATED by
            `escalate` after all of it; back to QUIET by `cure` once E >= IM, by the start of an auction, and
            by itself when the window after the deadline is over.

        An escalation cancels the account's resting orders and, while it is in force, admits the account to auction
        from B = E - M (1 + buffer) < 0 on. Below maintenance margin anyone may start at once, call or no call.
        No step waits for somebody's goodwill: a call that nobody cured is void after its window, so
        that one that an account has long outlived cannot cut its grace short. Who is called meets the
        deadline that the notice stated: new parameters are for new calls.
        Nobody is paid for a call. Who gains by an escalation, as the starter of an auction or a bidder, makes it.

        Call word: called uint64 bits 0..63 | deadline uint64 << 64 | lapses uint64 << 128 | stage uint8 << 192. 0: no call.
"""

from contracts.interfaces import IExchange
from contracts.interfaces import ILiquidator
from contracts.interfaces import IMarginEngine
from contracts.modules import auction_phases
from contracts.modules import auction_quote
from contracts.modules import auction_store
from contracts.modules import liquidation_parameters

uses: auction_quote
uses: auction_store
uses: liquidation_parameters

CALLED: constant(String[32]) = "liquidator: called too recently"
NOT_CALLED: constant(String[32]) = "liquidator: no call in force"
IN_GRACE: constant(String[32]) = "liquidator: grace is not over"

MASK_64: constant(uint256) = 2**64 - 1

EXCHANGE: immutable(IExchange)

words: HashMap[uint256, uint256]


@deploy
def __init__(exchange: address):
    EXCHANGE = IExchange(exchange)


@external
@nonreentrant
def call_margin(account: uint256):
    """
    @notice Gives notice to an account below initial margin, and after half of the grace reminds it once; anyone.
    """
    assert auction_store._load(account).phase == ILiquidator.Phase.IDLE, auction_phases.WRONG_PHASE
    call: ILiquidator.MarginCall = self._load(account)
    if call.stage == ILiquidator.CallStage.QUIET:
        call.stage = ILiquidator.CallStage.NOTICE
        call.called = block.timestamp
        call.deadline = block.timestamp + liquidation_parameters.settings.grace
        call.lapses = call.deadline + liquidation_parameters.settings.window
    else:
        half_time: uint256 = (call.called + call.deadline) // 2
        assert call.stage == ILiquidator.CallStage.NOTICE and block.timestamp >= half_time, CALLED
        call.stage = ILiquidator.CallStage.HALF_TIME
    now: IMarginEngine.Assessment = self._assess_below(account)
    self._save(account, call)
    log ILiquidator.MarginCalled(
        account=account,
        stage=call.stage,
        deadline=call.deadline,
        lapses=call.lapses,
        equity=now.equity,
        initial_margin=now.initial_margin,
        maintenance_margin=now.maintenance_margin,
    )


@external
@nonreentrant
def escalate(account: uint256):
    """
    @notice Escalates a call whose grace is over and whose account is still below initial margin: cancels its resting
            orders and, where parameters say so, admits it to auction until the call lapses; anyone.
            An account that the cancelling brings back to initial margin is cured.
    """
    call: ILiquidator.MarginCall = self._load(account)
    assert call.stage in (ILiquidator.CallStage.NOTICE | ILiquidator.CallStage.HALF_TIME), NOT_CALLED
    assert block.timestamp >= call.deadline, IN_GRACE
    now: IMarginEngine.Assessment = self._assess_below(account)
    call.stage = ILiquidator.CallStage.ESCALATED
    self._save(account, call)
    extcall EXCHANGE.cancel_all(account)
    log ILiquidator.MarginCallEscalated(
        account=account,
        equity=now.equity,
        initial_margin=now.initial_margin,
        maintenance_margin=now.maintenance_margin,
    )
    now = auction_quote._assess(account)
    if now.equity >= convert(now.initial_margin, int256):
        self._cure(account, now)


@external
@nonreentrant
def cure(account: uint256):
    """
    @notice Ends the call of an account that meets initial margin again; anyone.
    """
    assert self._load(account).stage != ILiquidator.CallStage.QUIET, NOT_CALLED
    now: IMarginEngine.Assessment = auction_quote._assess(account)
    assert now.equity >= convert(now.initial_margin, int256), auction_phases.UNHEALTHY
    self._cure(account, now)


@external
@view
def margin_call(account: uint256) -> ILiquidator.MarginCall:
    """
    @notice The call in force; QUIET and zeros where there is none, or where it has lapsed.
    """
    return self._load(account)


@internal
@view
def _load(account: uint256) -> ILiquidator.MarginCall:
    word: uint256 = self.words[account]
    lapses: uint256 = (word >> 128) & MASK_64
    if block.timestamp >= lapses:
        return ILiquidator.MarginCall(stage=ILiquidator.CallStage.QUIET, called=0, deadline=0, lapses=0)
    return ILiquidator.MarginCall(
        stage=convert(word >> 192, ILiquidator.CallStage),
        called=word & MASK_64,
        deadline=(word >> 64) & MASK_64,
        lapses=lapses,
    )


@internal
def _save(account: uint256, call: ILiquidator.MarginCall):
    # No time can outgrow its field: each is the block's time and at most two bounded periods.
    self.words[account] = (
        call.called | (call.deadline << 64) | (call.lapses << 128) | (convert(call.stage, uint256) << 192)
    )


@internal
@view
def _assess_below(account: uint256) -> IMarginEngine.Assessment:
    now: IMarginEngine.Assessment = auction_quote._assess(account)
    assert now.equity < convert(now.initial_margin, int256), auction_phases.HEALTHY
    return now


@internal
def _cure(account: uint256, now: IMarginEngine.Assessment):
    self.words[account] = 0
    log ILiquidator.MarginCallCured(account=account, equity=now.equity, initial_margin=now.initial_margin)


@internal
def _take_up(account: uint256, now: IMarginEngine.Assessment):
    """
    @dev A new auction: due below maintenance margin, or below the buffer while escalated. It ends the call, so
         that each auction above maintenance margin has had a notice and a grace of its own.
    """
    if now.equity >= convert(now.maintenance_margin, int256):
        assert (
            liquidation_parameters.settings.early_auction
            and self._load(account).stage == ILiquidator.CallStage.ESCALATED
            and auction_quote._buffer_margin(now) < 0
        ), auction_phases.HEALTHY
    self.words[account] = 0
