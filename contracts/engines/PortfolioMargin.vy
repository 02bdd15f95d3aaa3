# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Scenario margin of portfolios
@license AGPL-3.0-only
@notice What an account must keep is what it loses in the worst of a grid of scenarios (modules/scenario_margin),
        plus contingencies. Terms, wad USD, each rounded up:
            scenario    loss in the worst scenario times the loss factor of initial or maintenance margin
            depeg       initial only, cash token below a threshold: (threshold - price) * factor of that loss
            linear      a share of the notional at spot of perpetuals and futures; of inverse ones the larger of
                        contracts and coin at mark
            naked       a share of the notional at spot of short options, net of the other options at their strike
            confidence  initial only, below a threshold: (1 - confidence) * factor of gross notional
            haircut     of collaterals; with their confidence charge never more than their value
            orders      initial only: for each market with resting orders the larger of what its bids and its asks would
                        need alone. Margins of parts never add up to less than that of the whole, so
                        whichever orders fill, the account has its initial margin
        With `bounded` (the default) neither requirement exceeds what the account can lose at all: the worst terminal
        payoff of each series, coin with them. An account that cannot owe anything is then never liquidated. A
        perpetual has no terminal payoff: with one (coin of an inverse one still to be settled included) nothing
        is bounded, with resting orders in one initial margin is not. Published margins of Derive
        (PMRM_2), which count gains of a skew as losses, are those without the bound.
        Equity = cash + unrealised + collateral values.
"""

from contracts.interfaces import IMarginEngine
from contracts.modules import scenario_margin
from contracts.modules import scenario_parameters
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: IMarginEngine

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: scenario_parameters
initializes: scenario_margin[scenario_parameters := scenario_parameters]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    scenario_parameters.RISK_BOARD,
    scenario_parameters.parameters,
    scenario_parameters.market_feed,
    scenario_parameters.asset_feed,
)


@deploy
def __init__(board: address, parameters: scenario_parameters.Parameters):
    """
    @notice The deployer becomes the owner.
    @param board The RiskBoard.
    @param parameters As in `set_parameters`.
    """
    ownable.__init__()
    ownable_2step.__init__()
    scenario_parameters.__init__(board, parameters)


@external
@view
def assess(portfolio: IMarginEngine.Portfolio) -> IMarginEngine.Assessment:
    """
    @notice What a portfolio must keep and what it is worth.
    @param portfolio As IMarginEngine describes it.
    @return Requirements in wad USD rounded up, equity in wad USD; worst_scenario counts the scenarios of the
            grid from 1, 34 is the basis contingency, 0 when nothing can be lost.
    """
    charges: scenario_margin.Charges = scenario_margin._charges(portfolio, False)
    initial: uint256 = 0
    maintenance: uint256 = 0
    initial, maintenance = scenario_margin._requirements(charges)
    return IMarginEngine.Assessment(
        initial_margin=min(initial, charges.initial_limit),
        maintenance_margin=min(maintenance, charges.maintenance_limit),
        equity=charges.equity,
        worst_scenario=charges.worst,
    )


@external
@view
def explain(portfolio: IMarginEngine.Portfolio) -> DynArray[IMarginEngine.Term, 256]:
    """
    @notice The terms of `assess`, which sum to it exactly. Where a requirement is held at the most that can be lost, the
            term `maximum loss` is all of it and the others say nothing of it.
    @param portfolio As IMarginEngine describes it.
    @return Cash, unrealised profit of each market, value of each collateral, then the terms of the contract's notice;
            those that are zero are left out.
    """
    charges: scenario_margin.Charges = scenario_margin._charges(portfolio, False)
    initial: uint256 = 0
    maintenance: uint256 = 0
    initial, maintenance = scenario_margin._requirements(charges)
    terms: DynArray[IMarginEngine.Term, 256] = [self._term("cash", 0, 0, 0, portfolio.cash)]
    for position: IMarginEngine.PositionRisk in portfolio.positions:
        if position.unrealised != 0:
            terms.append(self._term("unrealised", position.market, 0, 0, position.unrealised))
    for collateral: IMarginEngine.CollateralRisk in portfolio.collaterals:
        terms.append(
            self._term("collateral", collateral.asset, 0, 0, convert(collateral.value, int256))
        )
    counts_initial: uint256 = convert(initial <= charges.initial_limit, uint256)
    counts_maintenance: uint256 = convert(maintenance <= charges.maintenance_limit, uint256)
    for i: uint256 in range(scenario_margin.TERMS):
        if charges.initial[i] | charges.maintenance[i] != 0:
            terms.append(
                self._term(
                    self._label(i),
                    charges.worst if i == scenario_margin.SCENARIO else 0,
                    charges.initial[i] * counts_initial,
                    charges.maintenance[i] * counts_maintenance,
                    0,
                )
            )
    if counts_initial & counts_maintenance == 0:
        terms.append(
            self._term(
                "maximum loss",
                0,
                charges.initial_limit * (1 - counts_initial),
                charges.maintenance_limit * (1 - counts_maintenance),
                0,
            )
        )
    return terms


@external
@view
def profits(portfolio: IMarginEngine.Portfolio) -> int256[scenario_margin.MAX_SCENARIOS + 1]:
    """
    @notice What the portfolio gains or loses in each scenario, several underlyings added up.
    @param portfolio As IMarginEngine describes it.
    @return Wad USD: 31 scenarios of spot and volatility, linear skew, absolute skew, basis contingency; damped.
    """
    return scenario_margin._charges(portfolio, True).profits


@external
@view
def permits(account: uint256, market: uint256, listed: uint256) -> bool:
    """
    @notice Whether an account may list one more market. Any number of dated markets that have values, and of
            perpetuals with a feed here.
    @param account Number of the account; all are treated alike.
    @param market The market to be listed.
    @param listed How many other markets the account has listed.
    @return True when it may.
    """
    return scenario_parameters._permits(market)


@external
def set_parameters(parameters: scenario_parameters.Parameters):
    """
    @notice Sets factors and contingencies. Owner only.
    @param parameters Bounded: ratios at most 500 %, the initial loss factor at least the maintenance one,
           thresholds at most 1.
    """
    ownable._check_owner()
    scenario_parameters._set_parameters(parameters)


@external
def set_market_feed(market: uint256, feed: uint256):
    """
    @notice Tells which underlying a perpetual belongs to; once, so that no held position loses it. Owner only.
    @param market 1 to 255.
    @param feed The oracle's feed, 1 to 255.
    """
    ownable._check_owner()
    scenario_parameters._set_market_feed(market, feed)


@external
def set_asset_feed(asset: uint256, feed: uint256):
    """
    @notice Makes a collateral cancel risk: it moves with that underlying in the scenarios. Owner only.
    @param asset 0 to 31.
    @param feed The oracle's feed; 0: it cancels none.
    """
    ownable._check_owner()
    scenario_parameters._set_asset_feed(asset, feed)


@internal
@pure
def _label(term: uint256) -> String[24]:
    if term == scenario_margin.SCENARIO:
        return "scenario"
    if term == scenario_margin.DEPEG:
        return "depeg"
    if term == scenario_margin.LINEAR:
        return "linear"
    if term == scenario_margin.NAKED:
        return "naked"
    if term == scenario_margin.CONFIDENCE:
        return "confidence"
    if term == scenario_margin.HAIRCUT:
        return "haircut"
    return "orders"


@internal
@pure
def _term(
    label: String[24], subject: uint256, initial: uint256, maintenance: uint256, equity: int256
) -> IMarginEngine.Term:
    return IMarginEngine.Term(
        label=label,
        subject=subject,
        initial_margin=initial,
        maintenance_margin=maintenance,
        equity=equity,
    )
