# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Lines, their fees and the clock of a call
@license AGPL-3.0-only
@notice Line word, all that a margin check reads: committed uint96 | granted uint96 << 96 | term uint40 << 192 | stage uint8 << 232,
        token units and unix seconds. A word of 0 is no line.

        QUIET -> NOTICE when a review finds the use above the limit -> HALF_TIME after half of the grace -> DEFAULTED
        after all of it; back to QUIET as soon as a review finds the use within the limit. Nothing of a
        call waits for anybody: a default may be declared although nobody announced half-time, which
        is then announced with it.
        A fee grows with the use of the last review and with what is left of the commitment; anyone may review.
"""

from contracts.interfaces import ICreditDesk
from contracts.math import credit_math
from contracts.modules import credit_parameters

uses: credit_parameters

TOO_LARGE: constant(String[32]) = "credit_desk: line too large"

MASK_96: constant(uint256) = 2**96 - 1
MASK_40: constant(uint256) = 2**40 - 1

struct Dues:
    used: uint256       # wad
    owed: uint256       # wad
    accrued: uint256    # unix seconds
    paid: uint256       # unix seconds
    called: uint256     # unix seconds; 0 without a call

words: HashMap[uint256, uint256]
dues: HashMap[uint256, Dues]
# Token units of all lines, and how many of them are called or defaulted.
total_committed: public(uint256)
open_calls: public(uint256)


@external
@view
def line(account: uint256) -> ICreditDesk.Line:
    """
    @notice The account's line as stored: fees up to the last review.
    """
    found: ICreditDesk.Line = self._load(account)
    return found


@internal
@view
def _load(account: uint256) -> ICreditDesk.Line:
    word: uint256 = self.words[account]
    dues: Dues = self.dues[account]
    return ICreditDesk.Line(
        granted=(word >> 96) & MASK_96,
        committed=word & MASK_96,
        term=(word >> 192) & MASK_40,
        stage=self._stage(word),
        called=dues.called,
        used=dues.used,
        owed=dues.owed,
        accrued=dues.accrued,
        paid=dues.paid,
    )


@internal
@pure
def _stage(word: uint256) -> ICreditDesk.Stage:
    return convert(max(word >> 232, 1), ICreditDesk.Stage)


@internal
def _save(account: uint256, line: ICreditDesk.Line):
    """
    @dev Books the change of the commitment and of open calls as well. A line without a commitment is no line.
    """
    word: uint256 = self.words[account]
    self.total_committed = self.total_committed - (word & MASK_96) + line.committed
    was_open: bool = self._stage(word) != ICreditDesk.Stage.QUIET
    if line.committed == 0:
        self.words[account] = 0
        self.dues[account] = empty(Dues)
        if was_open:
            self.open_calls -= 1
        if word != 0:
            log ICreditDesk.LineClosed(account=account)
        return
    is_open: bool = line.stage != ICreditDesk.Stage.QUIET
    if is_open and not was_open:
        self.open_calls += 1
    elif was_open and not is_open:
        self.open_calls -= 1
    assert line.committed <= MASK_96 and line.granted <= MASK_96 and line.term <= MASK_40, TOO_LARGE
    self.words[account] = (
        line.committed | (line.granted << 96) | (line.term << 192) | (convert(line.stage, uint256) << 232)
    )
    self.dues[account] = Dues(
        used=line.used, owed=line.owed, accrued=line.accrued, paid=line.paid, called=line.called
    )


@internal
@view
def _accrued(line: ICreditDesk.Line, scale: uint256) -> ICreditDesk.Line:
    """
    @dev The line with fees to this block; `scale` is wad per token unit. After a default nothing more is charged.
    """
    now: ICreditDesk.Line = line
    if line.stage != ICreditDesk.Stage.DEFAULTED:
        used: uint256 = min(line.used, line.committed * scale)
        now.owed += credit_math._fee_up(
            used,
            line.committed * scale - used,
            credit_parameters.settings.use_rate,
            credit_parameters.settings.commitment_rate,
            block.timestamp - line.accrued,
        )
    now.accrued = block.timestamp
    return now


@internal
@view
def _ceiling(line: ICreditDesk.Line) -> uint256:
    """
    @dev Token units that the line is to be now: nothing after its term, with fees overdue, or after a default.
    """
    if line.stage == ICreditDesk.Stage.DEFAULTED or block.timestamp >= line.term:
        return 0
    if block.timestamp >= line.paid + credit_parameters.settings.fee_period:
        return 0
    return line.granted


@internal
@view
def _judged(line: ICreditDesk.Line, use: uint256, limit: uint256) -> ICreditDesk.Line:
    """
    @dev The line after a review that found `use` and `limit` (wad): the one place where a call begins, moves on
         and is cured. Its events are `_announce`.
    """
    now: ICreditDesk.Line = line
    if line.stage == ICreditDesk.Stage.DEFAULTED:
        return now
    if use <= limit:
        now.stage = ICreditDesk.Stage.QUIET
        now.called = 0
        now.committed = min(line.committed, self._ceiling(line))
    elif line.stage == ICreditDesk.Stage.QUIET:
        now.stage = ICreditDesk.Stage.NOTICE
        now.called = block.timestamp
    elif line.stage == ICreditDesk.Stage.NOTICE and block.timestamp >= self._half_time(line.called):
        now.stage = ICreditDesk.Stage.HALF_TIME
    return now


@internal
@view
def _half_time(called: uint256) -> uint256:
    return called + credit_parameters.settings.grace // 2


@internal
@view
def _deadline(called: uint256) -> uint256:
    return called + credit_parameters.settings.grace


@internal
def _announce(account: uint256, before: ICreditDesk.Stage, now: ICreditDesk.Line, use: uint256, limit: uint256):
    if now.stage == before:
        return
    if now.stage == ICreditDesk.Stage.QUIET:
        log ICreditDesk.CallCured(account=account, use=use, limit=limit)
        return
    log ICreditDesk.LineCalled(
        account=account, stage=now.stage, use=use, limit=limit, deadline=self._deadline(now.called)
    )
