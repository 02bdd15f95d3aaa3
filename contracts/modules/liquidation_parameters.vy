# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Parameters of margin calls and auctions, each within a bound that no owner can pass
@license AGPL-3.0-only
@notice The owner is the Timelock. Live auctions follow a change at once, margin calls keep the times of their notice.
"""

from contracts.interfaces import ILiquidator
from contracts.math import auction_math
from snekmate.auth import ownable

uses: ownable

OUT_OF_BOUND: constant(String[32]) = "liquidator: out of bound"

WAD: constant(uint256) = 10**18
# What an owner can lose at once when a liquidation starts: first discount, fee and reward together.
MAX_PENALTY: constant(uint256) = 3 * 10**17
# A buffer of nothing would leave accounts a lot short of health, with a slice too small to be sold.
MIN_BUFFER: constant(uint256) = 10**16
# A slow phase shorter than this would let a short outage of keepers give portfolios away.
MIN_SLOW: constant(uint256) = 600
# In less nobody can answer, and the buffer would become part of the maintenance margin.
MIN_GRACE: constant(uint256) = 600
MAX_LENGTH: constant(uint256) = 7 * 86_400
MAX_CUTOFF: constant(uint256) = 10_000 * 10**18
MAX_REWARD: constant(uint256) = 10_000 * 10**18


settings: ILiquidator.Parameters


@deploy
def __init__():
    """
    @notice Conservative parameters.
    """
    self._set(
        ILiquidator.Parameters(
            start=95 * 10**16,
            cut=70 * 10**16,
            fast=900,
            slow=43_200,
            insolvent_length=3_600,
            buffer=15 * 10**16,
            fee=10 * 10**16,
            equity_cutoff=100 * 10**18,
            reward_rate=10**16,
            reward_cap=100 * 10**18,
            grace=3_600,
            window=3_600,
            early_auction=True,
        )
    )


@external
def set_parameters(parameters: ILiquidator.Parameters):
    """
    @notice Replaces all parameters, each within its bound. Owner only. Live auctions follow at once.
    """
    ownable._check_owner()
    self._set(parameters)


@external
@view
def parameters() -> ILiquidator.Parameters:
    """
    @notice The parameters in force.
    """
    return self.settings


@internal
@view
def _curve() -> auction_math.Curve:
    return auction_math.Curve(
        start=self.settings.start, cut=self.settings.cut, fast=self.settings.fast, slow=self.settings.slow
    )


@internal
def _set(parameters: ILiquidator.Parameters):
    assert parameters.start <= WAD and parameters.cut <= parameters.start and parameters.cut != 0, OUT_OF_BOUND
    assert WAD - parameters.start + parameters.fee + parameters.reward_rate <= MAX_PENALTY, OUT_OF_BOUND
    assert parameters.fast <= MAX_LENGTH, OUT_OF_BOUND
    assert parameters.slow >= MIN_SLOW and parameters.slow <= MAX_LENGTH, OUT_OF_BOUND
    assert parameters.insolvent_length != 0 and parameters.insolvent_length <= MAX_LENGTH, OUT_OF_BOUND
    assert parameters.buffer >= MIN_BUFFER and parameters.buffer <= WAD, OUT_OF_BOUND
    assert parameters.equity_cutoff <= MAX_CUTOFF and parameters.reward_cap <= MAX_REWARD, OUT_OF_BOUND
    assert parameters.grace >= MIN_GRACE and parameters.grace <= MAX_LENGTH, OUT_OF_BOUND
    assert parameters.window <= MAX_LENGTH, OUT_OF_BOUND
    self.settings = parameters
    log ILiquidator.ParametersSet(parameters=parameters)
