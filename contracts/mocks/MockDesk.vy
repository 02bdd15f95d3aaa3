# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A credit desk that misbehaves, for tests
@license AGPL-3.0-only
@notice Reverts, burns all its gas, answers nothing or answers what it was told, as set.
"""

from contracts.interfaces import ICreditDesk

REVERTS: constant(uint256) = 1
BURNS: constant(uint256) = 2
ANSWERS: constant(uint256) = 3

manner: public(uint256)
answer: public(uint256)


@deploy
def __init__(asset: address, vault: address, ledger: address, engine: address, guardian: address):
    """
    @notice Takes what a desk takes, and needs none of it.
    """
    pass


@external
def wire(liquidator: address):
    """
    @notice As CreditDesk; does nothing.
    """
    pass


@external
def set_parameters(parameters: ICreditDesk.Parameters):
    """
    @notice As CreditDesk; does nothing.
    """
    pass


@external
def set_underwriter(underwriter: address):
    """
    @notice As CreditDesk; does nothing.
    """
    pass


@external
def behave(manner: uint256, answer: uint256):
    """
    @notice Sets what every question meets from now on.
    """
    self.manner = manner
    self.answer = answer


@external
@view
def line_word(account: uint256) -> uint256:
    """
    @notice As ICreditDesk.
    """
    return self._react()


@external
@view
def capacity(account: uint256) -> uint256:
    """
    @notice As ICreditDesk.
    """
    return self._react()


@external
def draw(account: uint256, amount: uint256) -> uint256:
    """
    @notice As ICreditDesk, but sends nothing.
    """
    return self._react()


@internal
@view
def _react() -> uint256:
    if self.manner == REVERTS:
        raise "mock_desk: refused"
    if self.manner == BURNS:
        for i: uint256 in range(2**40):
            if i * i == 2:
                break
    if self.manner != ANSWERS:
        raw_revert(b"")
    return self.answer
