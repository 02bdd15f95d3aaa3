# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The state of auctions, one word an account, and the shortfall of the insolvent ones
@license AGPL-3.0-only
@notice Auction word: reserved uint128 bits 0..127 | started uint64 bits 128..191 | phase bits 192..199 |
        paused uint56 bits 200..255. A word of 0 is an account without an auction.

        An auction has two clocks, one for the solvent phase and one for those below. Only one of them runs; the other
        stands still. An account whose equity crosses zero to and fro changes phase as often, but sets
        no clock back: what a phase asks falls with the time spent in it, however that time was cut up.
"""

from contracts.interfaces import ILiquidator

struct State:
    phase: ILiquidator.Phase
    started: uint256    # unix seconds, at which the running clock would have begun had it never stood still
    reserved: uint256   # wad, cash that earlier bidders paid
    paused: uint256     # seconds on the clock that stands still

words: HashMap[uint256, uint256]
# Wad, the maintenance shortfall of an account as it entered `total_insolvent`.
shortfalls: HashMap[uint256, uint256]
total_insolvent: public(uint256)


@deploy
def __init__():
    pass


@internal
@view
def _load(account: uint256) -> State:
    word: uint256 = self.words[account]
    if word == 0:
        return State(phase=ILiquidator.Phase.IDLE, started=0, reserved=0, paused=0)
    return State(
        phase=convert((word >> 192) & 255, ILiquidator.Phase),
        started=(word >> 128) & (2**64 - 1),
        reserved=word & (2**128 - 1),
        paused=word >> 200,
    )


@internal
def _save(account: uint256, state: State):
    # Shifts cut silently; the checked bound makes an absurd payment revert instead.
    assert state.reserved < 2**128, "auction_store: reserved overflow"
    # Neither time can outgrow its field: both are at most the block's time.
    self.words[account] = (
        (state.paused << 200) | (convert(state.phase, uint256) << 192) | (state.started << 128) | state.reserved
    )


@internal
def _swap(account: uint256, state: State, phase: ILiquidator.Phase):
    """
    @dev Into `phase` with the other clock. What earlier bidders paid is for sale again.
    """
    self._save(
        account,
        State(
            phase=phase,
            started=block.timestamp - state.paused,
            reserved=0,
            paused=block.timestamp - state.started,
        ),
    )


@internal
def _clear(account: uint256):
    """
    @dev No auction, nothing missing.
    """
    self.words[account] = 0
    self._set_shortfall(account, 0)


@internal
def _set_shortfall(account: uint256, shortfall: uint256):
    """
    @dev Replaces what the account adds to `total_insolvent`.
    """
    old: uint256 = self.shortfalls[account]
    if old != shortfall:
        self.shortfalls[account] = shortfall
        self.total_insolvent = self.total_insolvent - old + shortfall
