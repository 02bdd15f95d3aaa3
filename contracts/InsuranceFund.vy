# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title InsuranceFund: first-loss capital in the cash token
@license AGPL-3.0-only
@notice An ERC-4626 vault on snekmate's ERC-20. Depositors earn the liquidation and trading fees that the Vault sweeps
        in, and bear first what liquidated accounts could not pay.

        Assets are counted inside: deposits and contributions in, withdrawals and draws out. Tokens sent here
        directly belong to nobody and move no share price, so the first depositor cannot be inflated
        out; the six extra decimals of the shares keep the rounding below any amount worth a transaction.
        While the maintenance shortfall of insolvent auctions exceeds the assets nobody can withdraw:
        those who would leave before the loss is drawn stay and bear it.
        What has been wiped out stays wiped out: old shares keep their share of one virtual token unit.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from ethereum.ercs import IERC4626

from contracts.interfaces import IInsuranceFund
from contracts.interfaces import ILiquidator
from contracts.modules import guarded
from snekmate.auth import ownable
from snekmate.tokens import erc20
from snekmate.utils import math

implements: IERC20
implements: IERC4626
implements: IInsuranceFund

uses: ownable
initializes: guarded
initializes: erc20[ownable := ownable]

exports: (
    erc20.name,
    erc20.symbol,
    erc20.decimals,
    erc20.totalSupply,
    erc20.balanceOf,
    erc20.allowance,
    erc20.transfer,
    erc20.transferFrom,
    erc20.approve,
    erc20.permit,
    erc20.nonces,
    erc20.DOMAIN_SEPARATOR,
    erc20.eip712Domain,
    guarded.owner,
    guarded.pending_owner,
    guarded.transfer_ownership,
    guarded.accept_ownership,
    guarded.guardian,
    guarded.set_guardian,
    guarded.paused,
    guarded.pause,
    guarded.unpause,
)

ABOVE_MAXIMUM: constant(String[32]) = "insurance_fund: above maximum"
ZERO_AMOUNT: constant(String[32]) = "insurance_fund: zero amount"
NO_ADDRESS: constant(String[32]) = "insurance_fund: zero address"
WIRED: constant(String[32]) = "insurance_fund: already wired"
NOT_VAULT: constant(String[36]) = "insurance_fund: caller is not vault"
NOT_LIQUIDATOR: constant(String[41]) = "insurance_fund: caller is not liquidator"
TRANSFER_FAILED: constant(String[32]) = "insurance_fund: transfer failed"
UNDELIVERED: constant(String[32]) = "insurance_fund: not delivered"

# Extra decimals of the shares over the token's.
DECIMALS_OFFSET: constant(uint8) = 6
VIRTUAL_SHARES: constant(uint256) = 10**6
VIRTUAL_ASSETS: constant(uint256) = 1

event Wired:
    vault: address
    liquidator: address

TOKEN: immutable(IERC20)
# Wad per token unit.
SCALE: immutable(uint256)

vault: public(address)
liquidator: public(address)
# Token units that count.
assets: uint256


@deploy
def __init__(asset: address, guardian: address):
    """
    @notice Deploys an empty fund owned by the deployer.
    @param asset The Vault's cash token, at most 18 decimals.
    """
    TOKEN = IERC20(asset)
    token_decimals: uint8 = staticcall IERC20Detailed(asset).decimals()
    SCALE = 10 ** convert(18 - token_decimals, uint256)
    guarded.__init__(guardian, guarded.FUND_DEPOSIT)
    erc20.__init__("Plimsoll Insurance Fund", "PLIF", token_decimals + DECIMALS_OFFSET, "Plimsoll Insurance Fund", "1")


@external
def wire(vault: address, liquidator: address):
    """
    @notice Names the Vault, which contributes, and the Liquidator, which draws; once. Owner only.
    """
    ownable._check_owner()
    assert self.vault == empty(address), WIRED
    assert vault != empty(address) and liquidator != empty(address), NO_ADDRESS
    self.vault = vault
    self.liquidator = liquidator
    log Wired(vault=vault, liquidator=liquidator)


# ---------------------------------------------------------------- the protocol


@external
@nonreentrant
def contribute(amount: uint256):
    """
    @notice Counts `amount` token units that the Vault has just transferred. Vault only.
    """
    assert msg.sender == self.vault, NOT_VAULT
    total: uint256 = self.assets + amount
    # Whatever the token did on the way, the fund never counts what it does not hold.
    assert staticcall TOKEN.balanceOf(self) >= total, UNDELIVERED
    self.assets = total
    log IInsuranceFund.Contributed(amount=amount, left=total)


@external
@nonreentrant
def draw(account: uint256, amount: uint256) -> uint256:
    """
    @notice Sends up to `amount` token units to the Vault for an account's deficit. Liquidator only.
    @return uint256 Token units sent: `amount`, or all there is.
    """
    assert msg.sender == self.liquidator, NOT_LIQUIDATOR
    paid: uint256 = min(amount, self.assets)
    self.assets -= paid
    self._send(self.vault, paid)
    log IInsuranceFund.Drawn(account=account, amount=paid, left=self.assets)
    return paid


# ---------------------------------------------------------------- shares


@external
@nonreentrant
def deposit(assets: uint256, receiver: address) -> uint256:
    """
    @notice Takes exactly `assets` token units and mints shares, rounded down.
    @return uint256 Shares minted.
    """
    guarded._check_active(guarded.FUND_DEPOSIT)
    shares: uint256 = self._to_shares(assets, False)
    self._take(assets, shares, receiver)
    return shares


@external
@nonreentrant
def mint(shares: uint256, receiver: address) -> uint256:
    """
    @notice Mints exactly `shares` and takes token units, rounded up.
    @return uint256 Token units taken.
    """
    guarded._check_active(guarded.FUND_DEPOSIT)
    assets: uint256 = self._to_assets(shares, True)
    self._take(assets, shares, receiver)
    return assets


@external
@nonreentrant
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Sends exactly `assets` token units and burns shares, rounded up. Refused while locked.
    @return uint256 Shares burnt.
    """
    assert assets <= self._max_withdraw(owner), ABOVE_MAXIMUM
    shares: uint256 = self._to_shares(assets, True)
    self._give(assets, shares, receiver, owner)
    return shares


@external
@nonreentrant
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Burns exactly `shares` and sends token units, rounded down. Refused while locked.
    @return uint256 Token units sent.
    """
    assert shares <= self._max_redeem(owner), ABOVE_MAXIMUM
    assets: uint256 = self._to_assets(shares, False)
    self._give(assets, shares, receiver, owner)
    return assets


# ---------------------------------------------------------------- views


@external
@view
def asset() -> address:
    """
    @notice The cash token.
    """
    return TOKEN.address


@external
@view
def totalAssets() -> uint256:
    """
    @notice Token units that belong to the shares; unsolicited transfers do not count.
    """
    return self.assets


@external
@view
def capacity() -> uint256:
    """
    @notice Token units that the Liquidator can draw.
    """
    return self.assets


@external
@view
def locked() -> bool:
    """
    @notice Whether insolvent auctions lack more than the fund has.
    """
    return self._locked()


@external
@view
def convertToShares(assets: uint256) -> uint256:
    """
    @notice Shares for token units, rounded down.
    """
    return self._to_shares(assets, False)


@external
@view
def convertToAssets(shares: uint256) -> uint256:
    """
    @notice Token units for shares, rounded down.
    """
    return self._to_assets(shares, False)


@external
@view
def maxDeposit(receiver: address) -> uint256:
    """
    @notice 0 while deposits are paused, else no limit.
    """
    return self._max_deposit()


@external
@view
def maxMint(receiver: address) -> uint256:
    """
    @notice 0 while deposits are paused, else no limit.
    """
    return self._max_deposit()


@external
@view
def maxWithdraw(owner: address) -> uint256:
    """
    @notice Token units that `owner` can withdraw now; 0 while locked.
    """
    return self._max_withdraw(owner)


@external
@view
def maxRedeem(owner: address) -> uint256:
    """
    @notice Shares that `owner` can redeem now; 0 while locked.
    """
    return self._max_redeem(owner)


@external
@view
def previewDeposit(assets: uint256) -> uint256:
    """
    @notice Shares that a deposit mints, rounded down.
    """
    return self._to_shares(assets, False)


@external
@view
def previewMint(shares: uint256) -> uint256:
    """
    @notice Token units that a mint takes, rounded up.
    """
    return self._to_assets(shares, True)


@external
@view
def previewWithdraw(assets: uint256) -> uint256:
    """
    @notice Shares that a withdrawal burns, rounded up.
    """
    return self._to_shares(assets, True)


@external
@view
def previewRedeem(shares: uint256) -> uint256:
    """
    @notice Token units that a redemption sends, rounded down.
    """
    return self._to_assets(shares, False)


# ---------------------------------------------------------------- internal


@internal
@view
def _to_shares(assets: uint256, roundup: bool) -> uint256:
    return math._mul_div(assets, erc20.totalSupply + VIRTUAL_SHARES, self.assets + VIRTUAL_ASSETS, roundup)


@internal
@view
def _to_assets(shares: uint256, roundup: bool) -> uint256:
    return math._mul_div(shares, self.assets + VIRTUAL_ASSETS, erc20.totalSupply + VIRTUAL_SHARES, roundup)


@internal
@view
def _locked() -> bool:
    liquidator: address = self.liquidator
    if liquidator == empty(address):
        return False
    return staticcall ILiquidator(liquidator).total_insolvent() > self.assets * SCALE


@internal
@view
def _max_deposit() -> uint256:
    return 0 if guarded.paused & guarded.FUND_DEPOSIT != 0 else max_value(uint256)


@internal
@view
def _max_withdraw(owner: address) -> uint256:
    return 0 if self._locked() else self._to_assets(erc20.balanceOf[owner], False)


@internal
@view
def _max_redeem(owner: address) -> uint256:
    return 0 if self._locked() else erc20.balanceOf[owner]


@internal
def _take(assets: uint256, shares: uint256, receiver: address):
    """
    @dev Measures what arrives: a token that takes a fee cannot mint shares for what it kept.
    """
    assert assets != 0 and shares != 0, ZERO_AMOUNT
    before: uint256 = staticcall TOKEN.balanceOf(self)
    assert extcall TOKEN.transferFrom(msg.sender, self, assets, default_return_value=True), TRANSFER_FAILED
    assert staticcall TOKEN.balanceOf(self) == before + assets, UNDELIVERED
    self.assets += assets
    erc20._mint(receiver, shares)
    log IERC4626.Deposit(sender=msg.sender, owner=receiver, assets=assets, shares=shares)


@internal
def _give(assets: uint256, shares: uint256, receiver: address, owner: address):
    assert shares != 0, ZERO_AMOUNT
    if msg.sender != owner:
        erc20._spend_allowance(owner, msg.sender, shares)
    erc20._burn(owner, shares)
    self.assets -= assets
    self._send(receiver, assets)
    log IERC4626.Withdraw(sender=msg.sender, receiver=receiver, owner=owner, assets=assets, shares=shares)


@internal
def _send(receiver: address, amount: uint256):
    assert extcall TOKEN.transfer(receiver, amount, default_return_value=True), TRANSFER_FAILED
