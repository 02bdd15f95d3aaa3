# SPDX-License-Identifier: Apache-2.0
"""Accounts for py-evm in plain dictionaries with one undo log, instead of tries.

py-evm computes a Merkle root of every block and reads cold slots through it, which takes much of its time.
Nobody asks for that root here, so accounts live in dictionaries; the EVM itself, gas and all, is py-evm's.
The undo log serves the frames of a call and the snapshots of a run alike.
"""

from __future__ import annotations

import copy
from typing import Any

from eth.abc import AccountDatabaseAPI
from eth.constants import EMPTY_SHA3

from simulation.chain.hashing import keccak

__all__ = ["FlatAccounts"]

_MASK = 2**256 - 1
_NO_CODE = (b"", EMPTY_SHA3)
_BALANCE, _NONCE, _CODE, _SLOT, _WARM, _TRANSIENT = range(6)


class FlatAccounts(AccountDatabaseAPI):
    """The account database of py-evm's state; an account exists when it is not empty (EIP-161)."""

    def __init__(self) -> None:
        self._balances: dict[bytes, int] = {}
        self._nonces: dict[bytes, int] = {}
        self._codes: dict[bytes, tuple[bytes, bytes]] = {}
        self._storage: dict[bytes, dict[int, int]] = {}
        self._log: list[tuple[int, Any, Any]] = []
        self._warm: set[Any] = set()
        self._originals: dict[tuple[bytes, int], int] = {}
        self._transient: dict[tuple[bytes, int], bytes] = {}
        self._digest = 0
        self._stale_slots: dict[tuple[bytes, int], int] = {}
        self._stale_accounts: dict[bytes, tuple[int, int, bytes]] = {}

    # Storage

    def get_storage(self, address: bytes, slot: int, from_journal: bool = True) -> int:
        """A slot; without the journal, as it was when the transaction began."""
        if not from_journal:
            original = self._originals.get((address, slot))
            if original is not None:
                return original
        slots = self._storage.get(address)
        return slots.get(slot, 0) if slots else 0

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Writes a slot."""
        old = self.get_storage(address, slot)
        self._originals.setdefault((address, slot), old)
        if old != value:
            self._log.append((_SLOT, (address, slot), old))
            self._put_slot(address, slot, value, old)

    def _put_slot(self, address: bytes, slot: int, value: int, old: int) -> None:
        self._stale_slots.setdefault((address, slot), old)
        slots = self._storage.setdefault(address, {})
        if value:
            slots[slot] = value
        else:
            slots.pop(slot, None)

    def delete_storage(self, address: bytes) -> None:
        """Clears every slot of an account."""
        for slot in list(self._storage.get(address, ())):
            self.set_storage(address, slot, 0)

    def get_transient(self, address: bytes, slot: int) -> bytes:
        """A word that lasts as long as the transaction (EIP-1153)."""
        return self._transient.get((address, slot), b"")

    def set_transient(self, address: bytes, slot: int, value: bytes) -> None:
        """Writes such a word."""
        self._log.append((_TRANSIENT, (address, slot), self.get_transient(address, slot)))
        self._transient[address, slot] = value

    def slots(self, address: bytes) -> dict[int, int]:
        """All slots of an account that are not zero."""
        return dict(self._storage.get(address, {}))

    # Accounts

    def _note(self, address: bytes) -> None:
        if address not in self._stale_accounts:
            self._stale_accounts[address] = self._info(address)

    def _info(self, address: bytes) -> tuple[int, int, bytes]:
        return self.get_nonce(address), self.get_balance(address), self.get_code_hash(address)

    def get_balance(self, address: bytes) -> int:
        """Wei."""
        return self._balances.get(address, 0)

    def set_balance(self, address: bytes, balance: int) -> None:
        """Overwrites a balance. Raises OverflowError outside 256 bits."""
        if not 0 <= balance <= _MASK:
            raise OverflowError(f"balance {balance} does not fit in 256 bits")
        self._note(address)
        self._log.append((_BALANCE, address, self.get_balance(address)))
        self._balances[address] = balance

    def get_nonce(self, address: bytes) -> int:
        """The next nonce."""
        return self._nonces.get(address, 0)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Overwrites a nonce."""
        self._note(address)
        self._log.append((_NONCE, address, self.get_nonce(address)))
        self._nonces[address] = nonce

    def increment_nonce(self, address: bytes) -> None:
        """One more."""
        self.set_nonce(address, self.get_nonce(address) + 1)

    def get_code(self, address: bytes) -> bytes:
        """Deployed code."""
        return self._codes.get(address, _NO_CODE)[0]

    def get_code_hash(self, address: bytes) -> Any:
        """Its hash."""
        return self._codes.get(address, _NO_CODE)[1]

    def set_code(self, address: bytes, code: bytes) -> None:
        """Overwrites code."""
        self._note(address)
        self._log.append((_CODE, address, self._codes.get(address, _NO_CODE)))
        self._codes[address] = (code, keccak(code))

    def delete_code(self, address: bytes) -> None:
        """Removes code."""
        self.set_code(address, b"")

    def delete_account(self, address: bytes) -> None:
        """Removes an account and its storage."""
        self.delete_storage(address)
        self.set_balance(address, 0)
        self.set_nonce(address, 0)
        self.set_code(address, b"")

    def account_has_code_or_nonce(self, address: bytes) -> bool:
        """Whether a creation at this address collides."""
        return self.get_nonce(address) != 0 or self.get_code_hash(address) != EMPTY_SHA3

    def account_is_empty(self, address: bytes) -> bool:
        """No balance, nonce or code."""
        return not self.account_has_code_or_nonce(address) and self.get_balance(address) == 0

    def account_exists(self, address: bytes) -> bool:
        """The opposite of empty."""
        return not self.account_is_empty(address)

    def touch_account(self, address: bytes) -> None:
        """Nothing to do: an empty account is none."""

    # Warm addresses and slots of the transaction

    def is_address_warm(self, address: bytes) -> bool:
        """Accessed before in this transaction (EIP-2929)."""
        return address in self._warm

    def mark_address_warm(self, address: bytes) -> None:
        """Now accessed."""
        self._mark(address)

    def is_storage_warm(self, address: bytes, slot: int) -> bool:
        """Accessed before in this transaction."""
        return (address, slot) in self._warm

    def mark_storage_warm(self, address: bytes, slot: int) -> None:
        """Now accessed."""
        self._mark((address, slot))

    def _mark(self, key: Any) -> None:
        if key not in self._warm:
            self._warm.add(key)
            self._log.append((_WARM, key, None))

    # Undo

    def record(self) -> Any:
        """A point to go back to."""
        return len(self._log)

    def discard(self, checkpoint: Any) -> None:
        """Goes back to the point."""
        log = self._log
        while len(log) > checkpoint:
            kind, key, old = log.pop()
            if kind == _WARM:
                self._warm.discard(key)
            elif kind == _TRANSIENT:
                self._transient[key] = old
            elif kind == _SLOT:
                address, slot = key
                self._put_slot(address, slot, old, self.get_storage(address, slot))
            else:
                self._note(key)
                (self._balances, self._nonces, self._codes)[kind][key] = old

    def commit(self, checkpoint: Any) -> None:
        """Keeps what happened since the point; an enclosing one still undoes it."""

    def lock_changes(self) -> None:
        """A transaction ends: all is cold again, transient words are gone, present values are original."""
        self._warm.clear()
        self._transient.clear()
        self._originals.clear()

    def forget_log(self) -> None:
        """Drops the undo log; no point recorded before can be gone back to."""
        self._log.clear()

    # Hash and copies

    def state_hash(self) -> bytes:
        """See Chain.state_hash; costs what has changed since the last call."""
        for (address, slot), old in self._stale_slots.items():
            new = self.get_storage(address, slot)
            self._digest += _slot_term(address, slot, new) - _slot_term(address, slot, old)
        for address, info in self._stale_accounts.items():
            self._digest += _info_term(address, self._info(address)) - _info_term(address, info)
        self._stale_slots.clear()
        self._stale_accounts.clear()
        self._digest &= _MASK
        return keccak(self._digest.to_bytes(32, "big"))

    def replica(self) -> FlatAccounts:
        """An independent copy without anything to undo."""
        other = copy.copy(self)
        other.__dict__ = {
            name: (
                {key: dict(slots) for key, slots in value.items()} if name == "_storage" else copy.copy(value)
            )
            for name, value in self.__dict__.items()
        }
        other.forget_log()
        return other

    # Roots, of which there are none

    @property
    def state_root(self) -> Any:
        """Always zero."""
        return bytes(32)

    @state_root.setter
    def state_root(self, value: Any) -> None:
        pass

    def has_root(self, state_root: bytes) -> bool:
        """Only the one."""
        return state_root == bytes(32)

    def make_state_root(self) -> Any:
        """Always zero."""
        return bytes(32)

    def persist(self) -> Any:
        """Nothing to store."""


def _slot_term(address: bytes, slot: int, value: int) -> int:
    if value == 0:
        return 0
    entry = b"s" + address + slot.to_bytes(32, "big") + value.to_bytes(32, "big")
    return int.from_bytes(keccak(entry), "big")


def _info_term(address: bytes, info: tuple[int, int, bytes]) -> int:
    nonce, balance, code_hash = info
    if nonce == 0 and balance == 0 and code_hash == EMPTY_SHA3:
        return 0
    entry = b"a" + address + nonce.to_bytes(8, "big") + balance.to_bytes(32, "big") + code_hash
    return int.from_bytes(keccak(entry), "big")
