# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title An ERC-20 that calls back, for tests
@license AGPL-3.0-only
@notice Inside the next transfer it makes one call of the tester's choice, before the balances move or after, and
        keeps the outcome. It can also refuse transfers by answering False. Anyone may mint and set the call.
"""

from snekmate.auth import ownable
from snekmate.tokens import erc20

initializes: ownable
initializes: erc20[ownable := ownable]

exports: (
    erc20.name,
    erc20.symbol,
    erc20.decimals,
    erc20.totalSupply,
    erc20.balanceOf,
    erc20.allowance,
    erc20.approve,
)

# Answers are cut here; the longest view of the protocol within a test world is far below.
MAX_ANSWER: constant(uint256) = 16_384

target: public(address)     # zero: no call waits
payload: public(Bytes[4096])
before: public(bool)        # call before the balances move
calls: public(uint256)      # made so far
succeeded: public(bool)     # the last one
answer: public(Bytes[16_384])
refused: public(bool)


@deploy
def __init__(name: String[25], symbol: String[5], decimals: uint8):
    """
    @param name Of the token.
    @param symbol Of the token.
    @param decimals Decimal places.
    """
    ownable.__init__()
    erc20.__init__(name, symbol, decimals, name, "1")


@external
def mint(receiver: address, amount: uint256):
    """
    @notice Creates tokens out of nothing; anyone.
    """
    erc20._mint(receiver, amount)


@external
def allow(owner: address, spender: address, amount: uint256):
    """
    @notice Sets an allowance in the owner's name; anyone.
    """
    erc20._approve(owner, spender, amount)


@external
def arm(target: address, payload: Bytes[4096], before: bool):
    """
    @notice Sets the one call that the next transfer makes.
    """
    self.target = target
    self.payload = payload
    self.before = before
    self.calls = 0


@external
def refuse(refused: bool):
    """
    @notice From now on transfers answer False and move nothing, or no longer.
    """
    self.refused = refused


@external
def invoke(target: address, payload: Bytes[4096]):
    """
    @notice Calls anything in the token's name.
    """
    raw_call(target, payload)


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice As ERC-20, with the call.
    """
    if self.refused:
        return False
    if self.before:
        self._call()
    erc20._transfer(msg.sender, receiver, amount)
    if not self.before:
        self._call()
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice As ERC-20, with the call.
    """
    if self.refused:
        return False
    if self.before:
        self._call()
    erc20._spend_allowance(owner, msg.sender, amount)
    erc20._transfer(owner, receiver, amount)
    if not self.before:
        self._call()
    return True


@internal
def _call():
    """
    @dev Once: the call it makes may move this token too.
    """
    target: address = self.target
    if target == empty(address):
        return
    self.target = empty(address)
    self.calls += 1
    success: bool = False
    answer: Bytes[MAX_ANSWER] = b""
    success, answer = raw_call(target, self.payload, max_outsize=MAX_ANSWER, revert_on_failure=False)
    self.succeeded = success
    self.answer = answer
