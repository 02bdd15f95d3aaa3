# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A registry with the strikes of series, for unit tests of the RiskBoard
@license AGPL-3.0-only
"""

_strikes: HashMap[uint256, DynArray[uint256, 127]]


@external
def set_strikes(series: uint256, strikes: DynArray[uint256, 127]):
    """
    @notice Sets what `strikes` answers.
    """
    self._strikes[series] = strikes


@external
@view
def strikes(series: uint256) -> DynArray[uint256, 127]:
    """
    @notice What was set; empty where nothing was.
    """
    return self._strikes[series]
