# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title An account siloed to one market, or to one series
@license AGPL-3.0-only
@notice The same requirements as CrossMargin for an account that may hold one perpetual only, or the future and the options
        of one underlying and expiry: what it can lose is what it holds, and nothing of any other account.
        The margin itself is modules/tiered_margin.vy and modules/standard_options.vy.
"""

from contracts.interfaces import ILedger
from contracts.interfaces import IMarginEngine
from contracts.math import market_math
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
    @notice Whether an account may list one more market: one perpetual, or the markets of one series, with
            parameters here. To know the series of an account it asks its caller, the Ledger, for the markets.
    @param account Number of the account; all are treated alike.
    @param market The market to be listed.
    @param listed How many other markets the account has listed.
    @return True when it may.
    """
    if not option_parameters._permits(market):
        return False
    if listed == 0:
        return True
    series: uint256 = market_math._series(market)
    if series == 0 or msg.sender.codesize == 0:
        return False
    for other: uint256 in staticcall ILedger(msg.sender).markets_of(account):
        if market_math._series(other) != series:
            return False
    return True
