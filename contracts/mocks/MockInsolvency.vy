# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A Liquidator that only says how much insolvent auctions lack, for tests of the InsuranceFund
@license AGPL-3.0-only
"""

from contracts.interfaces import IInsuranceFund

total_insolvent: public(uint256)


@external
def set_total_insolvent(amount: uint256):
    """
    @notice Wad.
    """
    self.total_insolvent = amount


@external
def draw(fund: address, account: uint256, amount: uint256) -> uint256:
    """
    @notice Draws from the fund as its Liquidator.
    """
    return extcall IInsuranceFund(fund).draw(account, amount)
