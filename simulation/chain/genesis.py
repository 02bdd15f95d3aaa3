# SPDX-License-Identifier: Apache-2.0
"""What happens before the first block of a run: deployment, tokens, accounts, first prices.

Every step is a transaction on the chain itself, so both backends arrive at the same state and every balance
has its event. Setup blocks cost no gas price and share one timestamp. Imports: chain, messages, errors.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from simulation.chain.artifacts import Artifact, load_artifact
from simulation.chain.deployment import Deploy, Step, run
from simulation.chain.events import EventDecoder
from simulation.chain.protocol import TX_GAS_LIMIT_CAP, Chain
from simulation.errors import ChainError
from simulation.messages import EventColumns
from simulation.messages.chain import BlockEnv, BlockResult, Outcome, Transaction

__all__ = ["DEPLOYER", "Genesis", "address_named"]

DEPLOYER_NAME = "deployer"
BLOCK_GAS = 2**40
"""Setup blocks are as large as they need to be."""
BATCH = 512
"""Transactions of a setup block."""
MAX_AMOUNT = 2**256 - 1


def address_named(name: str) -> bytes:
    """The 20-byte address that belongs to a name; nobody needs its key."""
    return keccak(b"plimsoll address " + name.encode())[12:]


DEPLOYER = address_named(DEPLOYER_NAME)


def _type(item: Mapping[str, Any]) -> str:
    kind = str(item["type"])
    if kind.startswith("tuple"):
        return f"({','.join(_type(part) for part in item['components'])}){kind[5:]}"
    return kind


@dataclass(slots=True)
class _Blocks:
    """Setup blocks of one chain: what is done, and what waits."""

    timestamp: int
    number: int = 0
    nonces: dict[bytes, int] = field(default_factory=dict)
    queue: list[Transaction] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    results: list[BlockResult] = field(default_factory=list)


class Genesis:
    """Drives a chain through its setup, one instance of the protocol or several.

    Args:
        chain: empty.
        timestamp: unix seconds of every setup block.
        coinbase: of every setup block.
    """

    def __init__(self, chain: Chain, timestamp: int, coinbase: bytes) -> None:
        self.chain = chain
        self.addresses: dict[str, bytes] = {}
        """Of this instance, by the names of its plan."""
        self._artifacts: dict[str, Artifact] = {}
        self._coinbase = coinbase
        self._blocks = _Blocks(timestamp)

    @property
    def number(self) -> int:
        """Of the latest setup block."""
        return self._blocks.number

    def beside(self, common: Collection[str]) -> Genesis:
        """Another instance on the same chain, which so far has nothing but these contracts of this one."""
        other = copy.copy(self)
        other.addresses = {name: self.addresses[name] for name in common}
        other._artifacts = {name: self._artifacts[name] for name in common}
        return other

    def deploy(self, steps: Sequence[Step]) -> None:
        """Runs a deployment plan; addresses are kept under the plan's names."""
        self.addresses = run(tuple(steps), self._deploy, self._call_address, DEPLOYER, self.addresses)
        for step in steps:
            if isinstance(step, Deploy):
                self._artifacts[step.name] = load_artifact(step.artifact)

    def at(self, timestamp: int) -> None:
        """Later setup blocks have this time, unix seconds."""
        self.flush()
        self._blocks.timestamp = timestamp

    def call(self, sender: bytes, target: str, function: str, *args: Any) -> None:
        """Queues a call of a deployed contract; `flush` executes what is queued."""
        self._enqueue(sender, target, self._artifacts[target], self.addresses[target], function, args)

    def flush(self) -> None:
        """Executes what is queued. Raises ChainError naming the call that reverted."""
        blocks = self._blocks
        while blocks.queue:
            queue, blocks.queue = blocks.queue[:BATCH], blocks.queue[BATCH:]
            labels, blocks.labels = blocks.labels[:BATCH], blocks.labels[BATCH:]
            self._execute(queue, labels)

    def decoder(self) -> EventDecoder:
        """Decodes the logs of everything that this instance has."""
        return EventDecoder(
            {name: (self.addresses[name], self._artifacts[name].abi) for name in self.addresses}
        )

    def events(self, decode: EventDecoder) -> list[list[EventColumns]]:
        """The events of all setup blocks so far, block by block."""
        return [decode(result.logs) for result in self._blocks.results]

    def env(self) -> BlockEnv:
        """The environment of the latest setup block."""
        return BlockEnv(self.number, self._blocks.timestamp, self._coinbase, BLOCK_GAS, 0, bytes(32))

    def _deploy(self, artifact_name: str, args: tuple[Any, ...]) -> bytes:
        artifact = load_artifact(artifact_name)
        types = next(
            (
                [_type(part) for part in item["inputs"]]
                for item in artifact.abi
                if item["type"] == "constructor"
            ),
            [],
        )
        data = bytes.fromhex(artifact.bytecode.removeprefix("0x")) + encode(types, _plain(args))
        self._add(DEPLOYER, None, data)
        result = self._execute([self._blocks.queue.pop()], [f"deployment of {artifact_name}"])
        address = result.created_by(0)
        if address is None:
            raise ChainError(f"deployment of {artifact_name}: no contract; expected one")
        return address

    def _call_address(self, artifact_name: str, address: bytes, function: str, args: tuple[Any, ...]) -> None:
        self._enqueue(DEPLOYER, artifact_name, load_artifact(artifact_name), address, function, args)
        self.flush()

    def _enqueue(
        self,
        sender: bytes,
        label: str,
        artifact: Artifact,
        to: bytes,
        function: str,
        args: Sequence[Any],
    ) -> None:
        item = next(
            item
            for item in artifact.abi
            if item["type"] == "function" and item["name"] == function and len(item["inputs"]) == len(args)
        )
        types = [_type(part) for part in item["inputs"]]
        selector = keccak(f"{function}({','.join(types)})".encode())[:4]
        self._add(sender, to, selector + encode(types, _plain(args)))
        self._blocks.labels.append(f"{label}.{function}")

    def _add(self, sender: bytes, to: bytes | None, data: bytes) -> None:
        nonce = self._blocks.nonces.get(sender, 0)
        self._blocks.nonces[sender] = nonce + 1
        self._blocks.queue.append(Transaction(sender, to, nonce, 0, TX_GAS_LIMIT_CAP, 0, 0, data))

    def _execute(self, transactions: Sequence[Transaction], labels: Sequence[str]) -> BlockResult:
        self._blocks.number += 1
        result = self.chain.execute_block(self.env(), transactions)
        for row, label in enumerate(labels):
            if result.outcome(row) is not Outcome.SUCCESS:
                output = result.output(row)
                text = output[68:].rstrip(b"\0").decode("utf-8", "replace") if len(output) > 68 else ""
                raise ChainError(f"set-up: {label} failed, {text or result.reason_of(row)}")
        self._blocks.results.append(result)
        return result


def _plain(value: Any) -> Any:
    """Arguments as the ABI encoder wants them: 20 bytes become an address."""
    if isinstance(value, bytes) and len(value) == 20:
        return to_checksum_address(value)
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value
