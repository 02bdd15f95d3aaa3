# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Parameters of the credit desk, each within a bound that no owner can pass
@license AGPL-3.0-only
@notice The owner is the Timelock; the underwriter, whom it names, grants lines within them. Rates apply from the last
        review of a line on, grace and periods at once.
"""

from contracts.interfaces import ICreditDesk
from contracts.modules import guarded

uses: guarded

OUT_OF_BOUND: constant(String[32]) = "credit_desk: out of bound"

WAD: constant(uint256) = 10**18
BPS: constant(uint256) = 10_000
# Shorter, and one outage of a borrower's keepers or of the oracle would be a default.
MIN_GRACE: constant(uint256) = 600
MAX_GRACE: constant(uint256) = 7 * 86_400
MIN_FEE_PERIOD: constant(uint256) = 86_400
MAX_FEE_PERIOD: constant(uint256) = 90 * 86_400
# Lenders wait for lines to end: no line may bind them for ever.
MAX_TERM: constant(uint256) = 365 * 86_400

settings: ICreditDesk.Parameters
underwriter: public(address)


@deploy
def __init__():
    """
    @notice 8 % a year on use, 1 % on what is kept ready, a third of it to the junior tranche, which is to be a quarter
            of all lines; a day of grace.
    """
    self._set(
        ICreditDesk.Parameters(
            use_rate=8 * 10**16,
            commitment_rate=10**16,
            junior_income=3_333,
            subordination=2_500,
            grace=86_400,
            fee_period=30 * 86_400,
            max_term=180 * 86_400,
        )
    )


@external
@view
def parameters() -> ICreditDesk.Parameters:
    """
    @notice The parameters in force.
    """
    return self.settings


@external
def set_parameters(parameters: ICreditDesk.Parameters):
    """
    @notice Replaces all parameters, each within its bound. Owner only.
    """
    guarded.ownable._check_owner()
    self._set(parameters)


@external
def set_underwriter(underwriter: address):
    """
    @notice Names who grants lines; the zero address: nobody. Owner only.
    """
    guarded.ownable._check_owner()
    self.underwriter = underwriter
    log ICreditDesk.UnderwriterSet(underwriter=underwriter)


@internal
def _set(parameters: ICreditDesk.Parameters):
    assert parameters.use_rate <= WAD and parameters.commitment_rate <= WAD, OUT_OF_BOUND
    assert parameters.junior_income <= BPS and parameters.subordination <= BPS, OUT_OF_BOUND
    assert parameters.grace >= MIN_GRACE and parameters.grace <= MAX_GRACE, OUT_OF_BOUND
    assert parameters.fee_period >= MIN_FEE_PERIOD and parameters.fee_period <= MAX_FEE_PERIOD, OUT_OF_BOUND
    assert parameters.max_term <= MAX_TERM, OUT_OF_BOUND
    self.settings = parameters
    log ICreditDesk.ParametersSet(parameters=parameters)
