# SPDX-License-Identifier: Apache-2.0
"""A small EVM for contract tests: deploy by name, call by attribute, reverts as exceptions with their reason.

    env = Env()
    oracle = env.deploy("Oracle", env.address("guardian"))
    receipt = oracle.set_signer(signer, True)            # a transaction; sender is the owner unless named
    receipt.gas_used, receipt.events[0].name, receipt.events[0].args["signer"], receipt.value
    oracle.tick(1).spot                                   # a view; structs come back as named tuples
    with reverts("ownable: caller is not the owner"):
        oracle.set_signer(signer, True, sender=env.address("attacker"))

Time moves only by `env.advance(seconds)`; every transaction is a block of its own, cold, at base fee 0.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from eth_abi import decode, encode
from eth_account import Account
from eth_utils import keccak, to_canonical_address, to_checksum_address

from simulation.chain.artifacts import Artifact, load_artifact
from tests.backends import Outcome, new_backend

__all__ = ["NOBODY", "Contract", "Env", "Event", "Receipt", "Reverted", "account_key", "reverts"]

NOBODY = "0x" + "00" * 20
GENESIS_TIME = 1_700_000_000
GAS_LIMIT = 16_777_216


class Reverted(Exception):
    """A call or transaction that reverted; `reason` is the revert string, empty when there is none."""

    def __init__(self, reason: str, data: bytes = b"") -> None:
        super().__init__(reason or f"no reason (0x{data[:36].hex()})")
        self.reason = reason
        self.data = data


@contextmanager
def reverts(reason: str | None = None) -> Iterator[None]:
    """Expects a revert with exactly this reason; None accepts any reason, "" one without text."""
    try:
        yield
    except Reverted as error:
        if reason is not None and error.reason != reason:
            raise AssertionError(f"reverted with {error.reason!r}, expected {reason!r}") from error
        return
    raise AssertionError(f"did not revert, expected {reason!r}")


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded log; `args` by name, indexed ones included. `name` is empty when no ABI knows it."""

    address: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Receipt:
    gas_used: int
    value: Any
    """The decoded return value; None without one."""
    events: tuple[Event, ...]

    def named(self, name: str) -> list[dict[str, Any]]:
        """Arguments of the events of this name, in order."""
        return [event.args for event in self.events if event.name == name]


@cache
def account_key(name: str) -> Any:
    """The signing key of a named role: a LocalAccount, the same in every run."""
    return Account.from_key(keccak(text=f"plimsoll test role {name}"))


def _type(item: dict[str, Any]) -> str:
    if item["type"].startswith("tuple"):
        inner = ",".join(_type(part) for part in item["components"])
        return f"({inner}){item['type'][5:]}"
    return str(item["type"])


@lru_cache(maxsize=512)
def _row(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)


def _dress(item: dict[str, Any], value: Any) -> Any:
    if item["type"].endswith("]"):
        inner = item | {"type": item["type"][: item["type"].rindex("[")]}
        return [_dress(inner, element) for element in value]
    if item["type"] == "tuple":
        parts = item["components"]
        dressed = (_dress(part, element) for part, element in zip(parts, value, strict=True))
        return _row(tuple(part["name"] for part in parts))(*dressed)
    if item["type"] == "address":
        return to_checksum_address(value)
    return value


def _strip(value: Any) -> Any:
    if isinstance(value, Contract):
        return value.address
    if isinstance(value, dict):
        return tuple(_strip(element) for element in value.values())
    if isinstance(value, (list, tuple)):
        return (
            type(value)(_strip(element) for element in value)
            if type(value) in (list, tuple)
            else (tuple(_strip(element) for element in value))
        )
    return value


@dataclass(frozen=True, slots=True)
class _Function:
    name: str
    types: tuple[str, ...]
    outputs: tuple[dict[str, Any], ...]
    view: bool

    @property
    def selector(self) -> bytes:
        return keccak(text=f"{self.name}({','.join(self.types)})")[:4]


class _Interface:
    """The ABI of one artifact, indexed for encoding and decoding."""

    def __init__(self, artifact: Artifact) -> None:
        self.functions: dict[tuple[str, int], _Function] = {}
        self.events: dict[bytes, dict[str, Any]] = {}
        self.constructor: tuple[str, ...] = ()
        for item in artifact.abi:
            if item["type"] == "constructor":
                self.constructor = tuple(_type(part) for part in item["inputs"])
            elif item["type"] == "function":
                types = tuple(_type(part) for part in item["inputs"])
                view = item["stateMutability"] in ("view", "pure")
                function = _Function(item["name"], types, tuple(item["outputs"]), view)
                self.functions[item["name"], len(types)] = function
            elif item["type"] == "event":
                signature = f"{item['name']}({','.join(_type(part) for part in item['inputs'])})"
                self.events[keccak(text=signature)] = item


@cache
def _interface(name: str) -> _Interface:
    return _Interface(load_artifact(name))


class Contract:
    """A deployed contract; its functions are attributes."""

    def __init__(self, env: Env, name: str, address: str) -> None:
        self.env = env
        self.name = name
        self.address = address
        self.interface = _interface(name)

    def __repr__(self) -> str:
        return f"{self.name}({self.address})"

    def __getattr__(self, name: str) -> Any:
        arities = sorted(count for known, count in self.interface.functions if known == name)
        if not arities:
            raise AttributeError(f"{self.name} has no function {name}")

        def invoke(*args: Any, sender: str | None = None, **options: Any) -> Any:
            function = self.interface.functions.get((name, len(args)))
            if function is None:
                raise TypeError(f"{self.name}.{name} takes {arities} arguments, got {len(args)}")
            data = self.encode(name, *args)
            if function.view:
                outcome = self.env.backend_call(self.address, data, sender, **options)
                return self.decode_output(function, outcome.output)
            return self.env.transact(self, function, data, sender, **options)

        return invoke

    def encode(self, name: str, *args: Any) -> bytes:
        """Calldata, selector included."""
        function = self.interface.functions[name, len(args)]
        return function.selector + encode(function.types, [_strip(value) for value in args])

    def view_gas(self, name: str, *args: Any) -> int:
        """Gas inside a cold call of a view, without the 21,000 of a transaction and its calldata."""
        return self.env.backend_call(self.address, self.encode(name, *args), None).gas_used

    def simulate(self, name: str, *args: Any, sender: str | None = None) -> Any:
        """What a transaction would return, without doing it."""
        function = self.interface.functions[name, len(args)]
        outcome = self.env.backend_call(self.address, self.encode(name, *args), sender)
        return self.decode_output(function, outcome.output)

    @staticmethod
    def decode_output(function: _Function, output: bytes) -> Any:
        if not function.outputs:
            return None
        values = decode([_type(part) for part in function.outputs], output)
        dressed = [_dress(part, value) for part, value in zip(function.outputs, values, strict=True)]
        return dressed[0] if len(dressed) == 1 else tuple(dressed)


class Env:
    """One chain in memory. `deployer` is the sender wherever none is named."""

    def __init__(self, backend: str | None = None) -> None:
        self.backend = new_backend(backend)
        self.timestamp = GENESIS_TIME
        self.block_number = 1
        self.base_fee = 0
        self.known: dict[str, _Interface] = {}
        self.funded: dict[str, str] = {}
        self.deployer = self.address("owner")

    def address(self, role: str) -> str:
        """The funded address of a named role: trader, maker, keeper, guardian, attacker, ..."""
        address = str(account_key(role).address)
        if address not in self.funded:
            self.backend.set_balance(to_canonical_address(address), 10**24)
            self.funded[address] = role
        return address

    def roles(self) -> dict[str, str]:
        """Address of every role named so far."""
        return {role: address for address, role in self.funded.items()}

    def advance(self, seconds: int) -> int:
        """Moves time and the block number on; returns the new time."""
        self.timestamp += seconds
        self.block_number += 1
        return self.timestamp

    def deploy(self, name: str, *args: Any, sender: str | None = None) -> Contract:
        """Deploys contracts/**/<name>.vy (a path works too) with its constructor's arguments."""
        name = name.rsplit("/", 1)[-1].removesuffix(".vy")
        interface = _interface(name)
        data = bytes.fromhex(load_artifact(name).bytecode[2:])
        data += encode(interface.constructor, [_strip(value) for value in args])
        outcome = self._execute(None, data, sender, 0)
        address = to_checksum_address(outcome.created)
        self.known[address] = interface
        return Contract(self, name, address)

    def at(self, name: str, address: str) -> Contract:
        """An already deployed contract seen through the ABI of `name`."""
        self.known[to_checksum_address(address)] = _interface(name)
        return Contract(self, name, to_checksum_address(address))

    def transact(
        self, contract: Contract, function: _Function, data: bytes, sender: str | None, value: int = 0
    ) -> Receipt:
        outcome = self._execute(to_canonical_address(contract.address), data, sender, value)
        result = Contract.decode_output(function, outcome.output)
        return Receipt(outcome.gas_used, result, tuple(self._decode_log(log) for log in outcome.logs))

    def send(self, to: str, data: bytes = b"", sender: str | None = None, value: int = 0) -> Receipt:
        """A raw transaction."""
        outcome = self._execute(to_canonical_address(to), data, sender, value)
        return Receipt(outcome.gas_used, outcome.output, tuple(self._decode_log(log) for log in outcome.logs))

    def backend_call(self, to: str, data: bytes, sender: str | None, value: int = 0) -> Outcome:
        outcome = self.backend.call(
            self._header(),
            to_canonical_address(sender or self.deployer),
            to_canonical_address(to),
            data,
            value,
        )
        return self._checked(outcome)

    def balance(self, address: str) -> int:
        return self.backend.balance(to_canonical_address(address))

    def set_variable(self, contract: Contract, path: str, value: int) -> None:
        """Overwrites a storage variable (`module.name`), to reach states that no test has time for."""
        place: Any = load_artifact(contract.name).storage_layout
        for part in path.split("."):
            place = place[part]
        self.backend.set_storage(to_canonical_address(contract.address), int(place["slot"]), value)

    def snapshot(self) -> tuple[Any, int, int]:
        return self.backend.snapshot(), self.timestamp, self.block_number

    def revert(self, snapshot: tuple[Any, int, int]) -> None:
        """Back to a snapshot, which may be used again."""
        state, self.timestamp, self.block_number = snapshot
        self.backend.revert(state)

    @contextmanager
    def anchor(self) -> Iterator[None]:
        """Undoes everything done inside."""
        snapshot = self.snapshot()
        try:
            yield
        finally:
            self.revert(snapshot)

    def _header(self) -> tuple[int, int, int, int]:
        return self.block_number, self.timestamp, self.base_fee, GAS_LIMIT

    def _execute(self, to: bytes | None, data: bytes, sender: str | None, value: int) -> Outcome:
        self.block_number += 1
        origin = to_canonical_address(sender or self.deployer)
        return self._checked(self.backend.execute(self._header(), origin, to, data, value))

    @staticmethod
    def _checked(outcome: Outcome) -> Outcome:
        if outcome.success:
            return outcome
        data = outcome.output
        if data[:4] == bytes.fromhex("08c379a0"):
            raise Reverted(str(decode(["string"], data[4:])[0]), data)
        raise Reverted("", data)

    def _decode_log(self, log: tuple[bytes, tuple[bytes, ...], bytes]) -> Event:
        emitter, topics, data = log
        address = to_checksum_address(emitter)
        interface = self.known.get(address)
        item = interface.events.get(topics[0]) if interface and topics else None
        if item is None:
            return Event(address, "", {"topics": topics, "data": data})
        indexed = [part for part in item["inputs"] if part["indexed"]]
        plain = [part for part in item["inputs"] if not part["indexed"]]
        found = {
            part["name"]: _dress(part, decode([_type(part)], topic)[0])
            for part, topic in zip(indexed, topics[1:], strict=True)
        }
        values = decode([_type(part) for part in plain], data)
        found |= {part["name"]: _dress(part, element) for part, element in zip(plain, values, strict=True)}
        return Event(address, item["name"], {part["name"]: found[part["name"]] for part in item["inputs"]})
