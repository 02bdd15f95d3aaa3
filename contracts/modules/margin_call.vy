# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Margin calls
@license AGPL-3.0-only
@notice A call informs and forces nothing.
"""

from contracts.interfaces import ILiquidator
from contracts.interfaces import IMarginEngine
from contracts.modules import auction_phases
from contracts.modules import auction_quote
from contracts.modules import liquidation_parameters

uses: auction_quote
uses: liquidation_parameters

CALLED: constant(String[32]) = "liquidator: called too recently"

# When an account was last called for margin, unix seconds.
last_call: public(HashMap[uint256, uint256])


@external
@nonreentrant
def call_margin(account: uint256):
    """
    @notice Announces that the account is below initial margin; anyone, once per `call_interval`. Only informs.
    """
    assert not staticcall auction_quote.LEDGER.in_liquidation(account), auction_phases.WRONG_PHASE
    last: uint256 = self.last_call[account]
    assert last == 0 or block.timestamp >= last + liquidation_parameters.settings.call_interval, CALLED
    now: IMarginEngine.Assessment = auction_quote._assess(account)
    assert now.equity < convert(now.initial_margin, int256), auction_phases.HEALTHY
    self.last_call[account] = block.timestamp
    log ILiquidator.MarginCalled(
        account=account,
        equity=now.equity,
        initial_margin=now.initial_margin,
        maintenance_margin=now.maintenance_margin,
    )
