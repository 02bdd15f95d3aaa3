# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Collateral tokens: parameters, balances, and the only place where tokens move
@license AGPL-3.0-only
@notice Asset 0 is the cash token, assets 1..8 are other collaterals. Balances are internal accounting:
        a token sent to the contract without `deposit` credits nothing, and a token that delivers less than
        was asked reverts.
        Parameter word: feed uint16 | decimals uint8 | maintenance haircut uint16 | initial haircut uint16 | cap uint128.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

MAX_ASSETS: constant(uint256) = 8
BPS: constant(uint256) = 10_000

NO_ASSET: constant(String[32]) = "vault: no such asset"
SHORT_TRANSFER: constant(String[32]) = "vault: token delivered less"
REFUSED: constant(String[32]) = "vault: token refused"
OVER_CAP: constant(String[32]) = "vault: collateral cap"
HAIRCUT_BOUND: constant(String[32]) = "vault: haircut out of bound"
DECIMALS_BOUND: constant(String[32]) = "vault: decimals out of bound"
TOO_MANY_ASSETS: constant(String[32]) = "vault: too many assets"
INSUFFICIENT: constant(String[32]) = "vault: insufficient collateral"

event CollateralSet:
    asset: indexed(uint256)
    token: indexed(address)
    feed: uint256
    maintenance_haircut: uint256
    initial_haircut: uint256
    cap: uint256

CASH_TOKEN: immutable(IERC20)
CASH_SCALE: immutable(uint256)      # wad USD per unit of the cash token

asset_count: uint256
tokens: HashMap[uint256, IERC20]
params: HashMap[uint256, uint256]
held: HashMap[uint256, uint256]     # asset -> token units held for accounts
balances: HashMap[uint256, uint256] # account << 8 | asset -> token units


@deploy
def __init__(cash_token: address):
    CASH_TOKEN = IERC20(cash_token)
    decimals: uint256 = convert(staticcall IERC20Detailed(cash_token).decimals(), uint256)
    assert decimals <= 18, DECIMALS_BOUND
    CASH_SCALE = 10 ** (18 - decimals)


@internal
def _list(token: address, feed: uint256, maintenance_haircut: uint256, initial_haircut: uint256, cap: uint256) -> uint256:
    asset: uint256 = self.asset_count + 1
    assert asset <= MAX_ASSETS, TOO_MANY_ASSETS
    decimals: uint256 = convert(staticcall IERC20Detailed(token).decimals(), uint256)
    assert decimals <= 24, DECIMALS_BOUND
    self.asset_count = asset
    self.tokens[asset] = IERC20(token)
    self.params[asset] = decimals << 16
    self._set(asset, feed, maintenance_haircut, initial_haircut, cap)
    return asset


@internal
def _set(asset: uint256, feed: uint256, maintenance_haircut: uint256, initial_haircut: uint256, cap: uint256):
    assert asset != 0 and asset <= self.asset_count, NO_ASSET
    assert maintenance_haircut <= initial_haircut and initial_haircut <= BPS, HAIRCUT_BOUND
    assert feed < 2**16 and cap < 2**128, HAIRCUT_BOUND
    decimals: uint256 = (self.params[asset] >> 16) & 255
    self.params[asset] = feed | (decimals << 16) | (maintenance_haircut << 24) | (initial_haircut << 40) | (cap << 56)
    log CollateralSet(
        asset=asset,
        token=self.tokens[asset].address,
        feed=feed,
        maintenance_haircut=maintenance_haircut,
        initial_haircut=initial_haircut,
        cap=cap,
    )


@internal
@view
def _balance(account: uint256, asset: uint256) -> uint256:
    return self.balances[(account << 8) | asset]


@internal
@view
def _token(asset: uint256) -> IERC20:
    if asset == 0:
        return CASH_TOKEN
    token: IERC20 = self.tokens[asset]
    assert token.address != empty(address), NO_ASSET
    return token


@internal
def _add(account: uint256, asset: uint256, units: uint256) -> uint256:
    """
    @return uint256 The balance after it, token units.
    """
    key: uint256 = (account << 8) | asset
    total: uint256 = self.balances[key] + units
    self.balances[key] = total
    return total


@internal
def _take(account: uint256, asset: uint256, units: uint256) -> uint256:
    """
    @return uint256 The balance after it, token units.
    """
    key: uint256 = (account << 8) | asset
    had: uint256 = self.balances[key]
    assert had >= units, INSUFFICIENT
    self.balances[key] = had - units
    return had - units


@internal
def _pull(token: IERC20, sender: address, amount: uint256):
    """
    @dev Exact or nothing: what a fee-on-transfer token would keep makes the call revert.
    """
    before: uint256 = staticcall token.balanceOf(self)
    assert extcall token.transferFrom(sender, self, amount, default_return_value=True), REFUSED
    assert staticcall token.balanceOf(self) - before == amount, SHORT_TRANSFER


@internal
def _push(token: IERC20, receiver: address, amount: uint256):
    assert extcall token.transfer(receiver, amount, default_return_value=True), REFUSED


@internal
def _add_held(asset: uint256, amount: uint256):
    total: uint256 = self.held[asset] + amount
    assert total <= self.params[asset] >> 56, OVER_CAP
    self.held[asset] = total


@internal
@pure
def _value_down(amount: uint256, price: uint256, params: uint256) -> uint256:
    """
    @dev Wad USD of `amount` token units at `price` (nano USD per whole token), rounded down.
    """
    return amount * price * 10**9 // 10 ** ((params >> 16) & 255)
