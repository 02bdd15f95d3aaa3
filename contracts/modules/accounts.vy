# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Accounts: owners, numbered subaccounts, delegates and the account word
@license AGPL-3.0-only
@notice Accounts are numbered from 1; an owner's subaccounts from 0. The owner word is
        owner uint160 | engine id uint8 | subaccount uint32.
"""

from contracts.interfaces import IVault

NOT_AUTHORISED: constant(String[32]) = "vault: caller not authorised"
NO_ACCOUNT: constant(String[32]) = "vault: no such account"
TOO_MANY_ACCOUNTS: constant(String[32]) = "vault: too many accounts"

# Orders carry the account in 32 bits.
MAX_ACCOUNTS: constant(uint256) = 2**32 - 1
MASK_160: constant(uint256) = 2**160 - 1

account_count: uint256
words: HashMap[uint256, uint256]
owner_words: HashMap[uint256, uint256]
subaccounts: HashMap[address, uint256]
delegates: HashMap[uint256, HashMap[address, bool]]


@internal
def _create(owner: address, engine_id: uint256, engine: address) -> uint256:
    account: uint256 = self.account_count + 1
    assert account <= MAX_ACCOUNTS, TOO_MANY_ACCOUNTS
    number: uint256 = self.subaccounts[owner]
    self.account_count = account
    self.subaccounts[owner] = number + 1
    self.owner_words[account] = convert(owner, uint256) | (engine_id << 160) | (number << 168)
    log IVault.AccountCreated(account=account, owner=owner, engine=engine, subaccount=number)
    return account


@internal
@view
def _owner(account: uint256) -> address:
    return convert(self.owner_words[account] & MASK_160, address)


@internal
@view
def _engine_id(account: uint256) -> uint256:
    return (self.owner_words[account] >> 160) & 255


@internal
def _set_engine(account: uint256, engine_id: uint256):
    self.owner_words[account] = (self.owner_words[account] & ~convert(255 << 160, uint256)) | (engine_id << 160)
    log IVault.EngineChanged(account=account, engine_id=engine_id)


@internal
@view
def _subaccount(account: uint256) -> uint256:
    return self.owner_words[account] >> 168


@internal
@view
def _is_authorised(account: uint256, caller: address) -> bool:
    owner: address = self._owner(account)
    return owner != empty(address) and (owner == caller or self.delegates[account][caller])


@internal
@view
def _check_authorised(account: uint256, caller: address):
    assert self._is_authorised(account, caller), NOT_AUTHORISED


@internal
@view
def _check_exists(account: uint256):
    assert self.owner_words[account] != 0, NO_ACCOUNT


@internal
def _set_delegate(account: uint256, delegate: address, allowed: bool):
    self.delegates[account][delegate] = allowed
    log IVault.DelegateSet(account=account, delegate=delegate, allowed=allowed)
