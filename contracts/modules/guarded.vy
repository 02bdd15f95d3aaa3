# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A guardian that can pause by action
@license AGPL-3.0-only
@notice Ownership in two steps is snekmate's. The guardian can pause single actions at once, the owner
        (behind the timelock) alone can lift a pause or replace the guardian. What may be paused is a
        closed set of bits, named by each contract when it is deployed: a function without a bit can never be
        stopped, and a bit that would stop nothing is refused, so that no guardian is deceived by a pause of the wrong contract.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

event GuardianSet:
    guardian: indexed(address)

event PauseSet:
    action: indexed(uint256)
    paused: bool

NOT_GUARDIAN: constant(String[32]) = "guarded: caller is not guardian"
NOT_PAUSABLE: constant(String[32]) = "guarded: action not pausable"
PAUSED: constant(String[32]) = "guarded: action is paused"

# Every bit that exists.
DEPOSIT: constant(uint256) = 1
WITHDRAW: constant(uint256) = 2      # of accounts that hold positions or a loan; never of flat accounts
TRADE: constant(uint256) = 4         # trades that add risk
PLACE: constant(uint256) = 8         # resting orders
CREATE: constant(uint256) = 16       # new accounts
FUND_DEPOSIT: constant(uint256) = 32 # new insurance-fund shares

# The bits that name actions of this contract.
PAUSABLE: immutable(uint256)

guardian: public(address)
paused: public(uint256)


@deploy
def __init__(guardian: address, pausable: uint256):
    PAUSABLE = pausable
    ownable.__init__()
    ownable_2step.__init__()
    self.guardian = guardian


@external
def set_guardian(guardian: address):
    """
    @notice Replaces the guardian. Owner only.
    """
    ownable._check_owner()
    self.guardian = guardian
    log GuardianSet(guardian=guardian)


@external
def pause(action: uint256):
    """
    @notice Pauses one action (a single bit of PAUSABLE). Guardian or owner.
    """
    assert msg.sender == self.guardian or msg.sender == ownable.owner, NOT_GUARDIAN
    assert action != 0 and action & (action - 1) == 0 and action & PAUSABLE == action, NOT_PAUSABLE
    self.paused = self.paused | action
    log PauseSet(action=action, paused=True)


@external
def unpause(action: uint256):
    """
    @notice Lifts the pause of one action. Owner only.
    """
    ownable._check_owner()
    assert action != 0 and action & (action - 1) == 0 and action & PAUSABLE == action, NOT_PAUSABLE
    self.paused = self.paused & ~action
    log PauseSet(action=action, paused=False)


@internal
@view
def _check_active(action: uint256):
    assert self.paused & action == 0, PAUSED
