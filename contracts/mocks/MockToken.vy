# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title An ERC-20 that anyone may mint, for tests and simulations
@license AGPL-3.0-only
@notice snekmate's token with any number of decimals. Never to be deployed where value is at stake.
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
    erc20.transfer,
    erc20.approve,
    erc20.transferFrom,
)


@deploy
def __init__(name: String[25], symbol: String[5], decimals: uint8):
    """
    @param name Of the token.
    @param symbol Of the token.
    @param decimals Decimal places, any number.
    """
    ownable.__init__()
    erc20.__init__(name, symbol, decimals, name, "1")


@external
def mint(receiver: address, amount: uint256):
    """
    @notice Creates tokens out of nothing; anyone.
    @param receiver Gets the tokens.
    @param amount In the token's smallest unit.
    """
    erc20._mint(receiver, amount)
