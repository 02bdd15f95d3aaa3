# SPDX-License-Identifier: Apache-2.0
"""Calls of deployed contracts by name, encoded and decoded by their ABIs. Imports: chain and below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from eth_abi.abi import decode, encode
from eth_hash.auto import keccak
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address

from simulation.chain.artifacts import load_artifact
from simulation.chain.protocol import TX_GAS_LIMIT_CAP, Chain
from simulation.errors import ChainError
from simulation.messages.chain import BlockEnv, Call, Outcome, Transaction

__all__ = ["Answer", "Contracts", "Query"]


class Query(NamedTuple):
    """A view of one contract."""

    artifact: str
    address: bytes
    function: str
    args: tuple[Any, ...] = ()
    data: bytes = b""
    """The whole calldata, where whoever asks has encoded it already."""


class Answer(NamedTuple):
    """What a view returned, or why it reverted."""

    value: Any
    """One value as it is, several as a tuple; None of a view that reverted."""
    reason: str = ""


class Contracts:
    """Deployed contracts on a chain at one moment.

    Args:
        chain: on which they are.
        env: of every block and view from now on; its number counts on.
        sender: 20 bytes, of every transaction; needs no balance.
    """

    def __init__(self, chain: Chain, env: BlockEnv, sender: bytes) -> None:
        self.chain, self._env, self._sender = chain, env, sender

    def ask(self, queries: Sequence[Query]) -> list[Answer]:
        """Views at the present state, in order."""
        outputs = self.ask_raw(queries)
        return [
            Answer(_decoded(query, answer.value)) if not answer.reason else answer
            for query, answer in zip(queries, outputs, strict=True)
        ]

    def ask_raw(self, queries: Sequence[Query]) -> list[Answer]:
        """The same, each value as the bytes that came: for answers that are asked for thousands of times."""
        calls = [Call(query.address, _calldata(query)) for query in queries]
        result = self.chain.call_many(self._env, calls)
        answers = []
        for row in range(len(queries)):
            output = result.output(row)
            if result.outcome(row) is Outcome.SUCCESS:
                answers.append(Answer(output))
            else:
                answers.append(Answer(None, _why(output, result.reason_of(row))))
        return answers

    def one(self, query: Query) -> Any:
        """One view that must not revert. Raises ChainError."""
        answer = self.ask([query])[0]
        if answer.reason:
            raise ChainError(f"{query.artifact}.{query.function} failed, {answer.reason}")
        return answer.value

    def send(self, queries: Sequence[Query], sender: bytes | None = None) -> list[str]:
        """Transactions in a block of their own; "" or why each reverted."""
        sender = sender or self._sender
        nonce = self.chain.nonce(sender)
        transactions = [
            Transaction(sender, query.address, nonce + place, 0, TX_GAS_LIMIT_CAP, 0, 0, _calldata(query))
            for place, query in enumerate(queries)
        ]
        result = self.chain.execute_block(self._env, transactions)
        return [
            "" if result.outcome(row) is Outcome.SUCCESS else _why(result.output(row), result.reason_of(row))
            for row in range(len(queries))
        ]


def _entry(query: Query) -> dict[str, Any]:
    return next(
        item
        for item in load_artifact(query.artifact).abi
        if item["type"] == "function"
        and item["name"] == query.function
        and (query.data or len(item["inputs"]) == len(query.args))
    )


def _calldata(query: Query) -> bytes:
    if query.data:
        return query.data
    types = [collapse_if_tuple(part) for part in _entry(query)["inputs"]]
    selector = keccak(f"{query.function}({','.join(types)})".encode())[:4]
    return selector + encode(types, [_plain(value) for value in query.args])


def _decoded(query: Query, output: bytes) -> Any:
    values = decode([collapse_if_tuple(part) for part in _entry(query)["outputs"]], output)
    return values[0] if len(values) == 1 else values


def _plain(value: Any) -> Any:
    if isinstance(value, bytes) and len(value) == 20:
        return to_checksum_address(value)
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value


def _why(output: bytes, halted: str) -> str:
    """The reason of a revert, or of a halt; never empty."""
    if len(output) <= 68:
        return "no reason given" if halted == "none" else halted
    length = int.from_bytes(output[36:68], "big")
    return output[68 : 68 + length].decode("utf-8", "replace")
