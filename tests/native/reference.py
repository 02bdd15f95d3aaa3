# SPDX-License-Identifier: Apache-2.0
"""py-evm's own chain with signed transactions: what the native EVM must agree with, to the wei.

Nothing of the project is used here. Transactions are signed with real keys, executed by py-evm's Cancun VM on
its own tries, and every header is stored, so that BLOCKHASH finds its ancestors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eth.chains.base import Chain
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.cancun.blocks import CancunBlockHeader
from eth_keys import keys
from eth_utils import ValidationError

CHAIN_ID = 1337
Row = tuple[bytes, bytes | None, int, int, int, int, int, bytes]
Log = tuple[bytes, tuple[bytes, ...], bytes]


def key_of(name: str) -> keys.PrivateKey:
    """The private key of a role."""
    return keys.PrivateKey(name.encode().rjust(32, b"\x01"))


def address_of(name: str) -> bytes:
    """The address of a role."""
    return key_of(name).public_key.to_canonical_address()


@dataclass(frozen=True, slots=True)
class Block:
    """The fields of a block that a test sets."""

    number: int
    timestamp: int
    coinbase: bytes
    gas_limit: int
    base_fee: int
    prevrandao: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one transaction did; `included` is False when it was invalid."""

    included: bool
    success: bool = False
    gas_used: int = 0
    output: bytes = b""
    logs: tuple[Log, ...] = ()
    created: bytes = bytes(20)


class Reference:
    """A chain of py-evm whose genesis gives each role its balance."""

    def __init__(self, balances: Mapping[str, int]) -> None:
        kind = Chain.configure("Reference", vm_configuration=((0, CancunVM),), chain_id=CHAIN_ID)
        state = {
            address_of(name): {"balance": balance, "nonce": 0, "code": b"", "storage": {}}
            for name, balance in balances.items()
        }
        genesis = {
            "difficulty": 0,
            "gas_limit": 30_000_000,
            "timestamp": 1,
            "base_fee_per_gas": 7,
            "withdrawals_root": BLANK_ROOT_HASH,
            "parent_beacon_block_root": BLANK_ROOT_HASH,
        }
        self._chain = kind.from_genesis(AtomicDB(), genesis, state)
        self._head = self._chain.get_canonical_head()
        self._keys = {address_of(name): key_of(name) for name in balances}

    @property
    def hash(self) -> bytes:
        """The hash of the newest header."""
        return bytes(self._head.hash)

    def execute_block(self, block: Block, rows: Iterable[Row]) -> list[Outcome]:
        """Executes the valid ones of `rows` and makes the block the head."""
        header = CancunBlockHeader(
            parent_hash=self._head.hash,
            difficulty=0,
            block_number=block.number,
            gas_limit=block.gas_limit,
            timestamp=block.timestamp,
            coinbase=block.coinbase,
            state_root=self._head.state_root,
            mix_hash=block.prevrandao,
            base_fee_per_gas=block.base_fee,
            withdrawals_root=BLANK_ROOT_HASH,
            blob_gas_used=0,
            excess_blob_gas=0,
            parent_beacon_block_root=BLANK_ROOT_HASH,
        )
        outcomes = []
        for row in rows:
            header, outcome = self._execute(header, row)
            outcomes.append(outcome)
        self._head = header
        self._chain.chaindb.persist_header(header)
        return outcomes

    def _execute(self, header, row: Row):  # type: ignore[no-untyped-def]
        # py-evm finds some faults only after it has taken the fee, so each transaction starts from stored
        # tries and an invalid one leaves nothing behind.
        vm = self._chain.get_vm(header)
        sender, to, nonce, value, gas_limit, max_fee, priority_fee, data = row
        unsigned = vm.get_transaction_builder().new_unsigned_dynamic_fee_transaction(
            chain_id=CHAIN_ID,
            nonce=nonce,
            max_priority_fee_per_gas=priority_fee,
            max_fee_per_gas=max_fee,
            gas=gas_limit,
            to=to or b"",
            value=value,
            data=data,
            access_list=(),
        )
        transaction = unsigned.as_signed_transaction(self._keys[sender])
        try:
            receipt, computation = vm.apply_transaction(header, transaction)
        except ValidationError:
            return header, Outcome(included=False)
        vm.state.persist()
        success = computation.is_success
        return header.copy(gas_used=receipt.gas_used, state_root=vm.state.state_root), Outcome(
            included=True,
            success=success,
            gas_used=receipt.gas_used - header.gas_used,
            # Of a creation the output is the code it left, which neither receipt nor binding gives.
            output=b"" if to is None and success else bytes(computation.output),
            logs=tuple(
                (
                    bytes(log.address),
                    tuple(topic.to_bytes(32, "big") for topic in log.topics),
                    bytes(log.data),
                )
                for log in receipt.logs
            ),
            created=bytes(computation.msg.storage_address) if to is None and success else bytes(20),
        )

    def account(self, address: bytes) -> tuple[int, int, bytes]:
        """Balance, nonce and code at the head."""
        state = self._chain.get_vm(self._head).state
        return state.get_balance(address), state.get_nonce(address), bytes(state.get_code(address))

    def storage(self, address: bytes, slots: Sequence[int]) -> list[int]:
        """Slots at the head."""
        state = self._chain.get_vm(self._head).state
        return [state.get_storage(address, slot) for slot in slots]
