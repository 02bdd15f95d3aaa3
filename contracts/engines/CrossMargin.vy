# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Cross margin
@license AGPL-3.0-only
@notice All positions and collaterals of an account stand for each other; margins of markets add up.
        The margin itself is modules/tiered_margin.vy, of options, dated futures and inverse perpetuals
        modules/standard_options.vy.
"""

from contracts.interfaces import IMarginEngine
from contracts.modules import option_parameters
from contracts.modules import standard_options
from contracts.modules import tiered_margin
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: IMarginEngine

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: tiered_margin[ownable := ownable]
initializes: option_parameters[ownable := ownable, tiered_margin := tiered_margin]
initializes: standard_options[option_parameters := option_parameters, tiered_margin := tiered_margin]

exports: (
    # the question
    tiered_margin.assess,
    tiered_margin.explain,
    standard_options.charges,
    # parameters
    tiered_margin.market_risk,
    tiered_margin.contingency,
    tiered_margin.table,
    tiered_margin.set_markets,
    tiered_margin.set_contingency,
    option_parameters.option_risk,
    option_parameters.future_risk,
    option_parameters.set_options,
    option_parameters.set_futures,
    option_parameters.risk_board,
    option_parameters.wire,
    # ownership in two steps
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)


@deploy
def __init__(contingency: IMarginEngine.Contingency):
    """
    @notice The deployer becomes the owner.
    @param contingency Parameters of the confidence and depeg terms; bounded as in `set_contingency`.
    """
    ownable.__init__()
    ownable_2step.__init__()
    tiered_margin.__init__(contingency)


@external
@view
def permits(account: uint256, market: uint256, listed: uint256) -> bool:
    """
    @notice Whether an account may list one more market. Any number of markets, each with parameters here.
    @param account Number of the account; all are treated alike.
    @param market The market to be listed.
    @param listed How many other markets the account has listed.
    @return True when it may.
    """
    return option_parameters._permits(market)
