# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A Ledger that knows which markets an account has listed and no more, for unit tests of engines
@license AGPL-3.0-only
"""

from contracts.interfaces import IMarginEngine

_markets: DynArray[uint256, 64]


@external
def set_markets(markets: DynArray[uint256, 64]):
    """
    @notice Sets what `markets_of` answers for every account.
    """
    self._markets = markets


@external
@view
def markets_of(account: uint256) -> DynArray[uint256, 64]:
    """
    @notice What was set.
    """
    return self._markets


@external
@view
def permits(engine: IMarginEngine, account: uint256, market: uint256) -> bool:
    """
    @notice The question as the Ledger asks it.
    """
    return staticcall engine.permits(account, market, len(self._markets))
