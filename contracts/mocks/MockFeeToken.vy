# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title An ERC-20 that takes a fee of every transfer, for tests
@license AGPL-3.0-only
@notice The receiver gets less than was sent; the fee is burnt. Anyone may mint.
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

BPS: constant(uint256) = 10_000

# Share of every transfer that is burnt, in bps.
FEE_BPS: public(immutable(uint256))


@deploy
def __init__(name: String[25], symbol: String[5], decimals: uint8, fee_bps: uint256):
    """
    @param name Of the token.
    @param symbol Of the token.
    @param decimals Decimal places, any number.
    @param fee_bps Share of a transfer that is burnt, at most 10_000.
    """
    assert fee_bps <= BPS, "mock_fee_token: fee"
    FEE_BPS = fee_bps
    ownable.__init__()
    erc20.__init__(name, symbol, decimals, name, "1")


@external
def mint(receiver: address, amount: uint256):
    """
    @notice Creates tokens out of nothing; anyone.
    @param receiver Gets the tokens, all of them.
    @param amount In the token's smallest unit.
    """
    erc20._mint(receiver, amount)


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Sends `amount` less the fee.
    @param to The receiver.
    @param amount Taken from the caller.
    @return True.
    """
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice Sends `amount` of the owner less the fee.
    @param owner Who approved the caller.
    @param to The receiver.
    @param amount Taken from the owner.
    @return True.
    """
    erc20._spend_allowance(owner, msg.sender, amount)
    self._move(owner, to, amount)
    return True


@internal
def _move(owner: address, to: address, amount: uint256):
    fee: uint256 = amount * FEE_BPS // BPS
    erc20._transfer(owner, to, amount - fee)
    erc20._burn(owner, fee)
