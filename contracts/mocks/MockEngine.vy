# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A margin engine that asks for nothing, for tests
@license AGPL-3.0-only
@notice Permits every market and every portfolio, so that the Ledger's own bounds are what refuses.
"""

from contracts.interfaces import IMarginEngine

implements: IMarginEngine


@external
@view
def assess(portfolio: IMarginEngine.Portfolio) -> IMarginEngine.Assessment:
    """
    @notice Nothing is required of anybody.
    """
    return empty(IMarginEngine.Assessment)


@external
@view
def explain(portfolio: IMarginEngine.Portfolio) -> DynArray[IMarginEngine.Term, 256]:
    """
    @notice No terms: they sum to nothing.
    """
    return []


@external
@view
def permits(account: uint256, market: uint256, listed: uint256) -> bool:
    """
    @notice Always.
    """
    return True
