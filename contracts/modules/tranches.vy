# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What lenders own: two tranches, their shares, income and losses
@license AGPL-3.0-only
@notice Order of losses: the junior tranche loses all it has before the senior one loses anything; within a
        tranche every share loses alike. Income is split by a parameter; a tranche without shares gets none
        while the other has some.

        Assets are counted inside, in token units: what is sent here without `deposit` belongs to nobody. Shares
        have six decimals more than the token, and one virtual unit of each side, as in InsuranceFund; they
        cannot be transferred. A tranche that has lost everything begins a new series: its old
        shares are void, so that who lends afterwards shares with nobody.
"""

from contracts.interfaces import ICreditDesk
from contracts.math import credit_math

NO_TRANCHE: constant(String[32]) = "credit_desk: no such tranche"
TOO_MANY_SHARES: constant(String[32]) = "credit_desk: too many shares"

JUNIOR: constant(uint256) = 1
SENIOR: constant(uint256) = 2
BPS: constant(uint256) = 10_000

# tranche -> token units
assets: HashMap[uint256, uint256]
# tranche -> number of wipe-outs
series: HashMap[uint256, uint256]
# tranche, series -> shares
supply: HashMap[uint256, HashMap[uint256, uint256]]
shares: HashMap[uint256, HashMap[uint256, HashMap[address, uint256]]]


@external
@view
def tranche_assets(tranche: uint256) -> uint256:
    """
    @notice Token units that belong to a tranche: 1 junior, 2 senior.
    """
    return self.assets[tranche]


@external
@view
def tranche_supply(tranche: uint256) -> uint256:
    """
    @notice Shares of a tranche that are not void.
    """
    return self._supply(tranche)


@external
@view
def tranche_series(tranche: uint256) -> uint256:
    """
    @notice How often a tranche has lost everything.
    """
    return self.series[tranche]


@external
@view
def shares_of(tranche: uint256, holder: address) -> uint256:
    """
    @notice Shares of a lender that are not void.
    """
    return self.shares[tranche][self.series[tranche]][holder]


@external
@view
def convert_to_shares(tranche: uint256, amount: uint256) -> uint256:
    """
    @notice Shares that a deposit of token units mints now, rounded down.
    """
    return credit_math._shares_down(amount, self._supply(tranche), self.assets[tranche])


@external
@view
def convert_to_assets(tranche: uint256, shares: uint256) -> uint256:
    """
    @notice Token units that shares are worth now, rounded down.
    """
    return credit_math._assets_down(shares, self._supply(tranche), self.assets[tranche])


@internal
@view
def _supply(tranche: uint256) -> uint256:
    return self.supply[tranche][self.series[tranche]]


@internal
@view
def _total() -> uint256:
    return self.assets[JUNIOR] + self.assets[SENIOR]


@internal
def _mint(tranche: uint256, amount: uint256, receiver: address) -> uint256:
    """
    @return uint256 Shares for token units that have come in, rounded down.
    """
    assert tranche == JUNIOR or tranche == SENIOR, NO_TRANCHE
    supply: uint256 = self._supply(tranche)
    minted: uint256 = credit_math._shares_down(amount, supply, self.assets[tranche])
    # Far above what any sum of money needs, far below where a product of shares and assets could not be divided.
    assert supply + minted < 2**160, TOO_MANY_SHARES
    series: uint256 = self.series[tranche]
    self.assets[tranche] += amount
    self.supply[tranche][series] = supply + minted
    self.shares[tranche][series][receiver] += minted
    return minted


@internal
def _burn(tranche: uint256, burnt: uint256, holder: address) -> uint256:
    """
    @return uint256 Token units that have to go out, rounded down.
    """
    supply: uint256 = self._supply(tranche)
    series: uint256 = self.series[tranche]
    amount: uint256 = credit_math._assets_down(burnt, supply, self.assets[tranche])
    self.shares[tranche][series][holder] -= burnt
    self.supply[tranche][series] = supply - burnt
    self.assets[tranche] -= amount
    return amount


@internal
def _earn(amount: uint256, junior_income: uint256) -> (uint256, uint256):
    """
    @return (token units for the junior, for the senior tranche); the junior part is rounded down.
    """
    junior: uint256 = amount * junior_income // BPS
    if self._supply(SENIOR) == 0:
        junior = amount
    if self._supply(JUNIOR) == 0:
        junior = 0
    self.assets[JUNIOR] += junior
    self.assets[SENIOR] += amount - junior
    return junior, amount - junior


@internal
def _lose(amount: uint256) -> (uint256, uint256):
    """
    @dev The one place where lenders lose. The caller keeps `amount` within all assets.
    @return (token units that the junior, that the senior tranche loses)
    """
    junior: uint256 = min(amount, self.assets[JUNIOR])
    self._reduce(JUNIOR, junior)
    self._reduce(SENIOR, amount - junior)
    return junior, amount - junior


@internal
def _reduce(tranche: uint256, amount: uint256):
    left: uint256 = self.assets[tranche] - amount
    self.assets[tranche] = left
    if amount != 0 and left == 0:
        series: uint256 = self.series[tranche] + 1
        self.series[tranche] = series
        log ICreditDesk.TrancheWiped(tranche=tranche, series=series)
