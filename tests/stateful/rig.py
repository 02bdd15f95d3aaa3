# SPDX-License-Identifier: Apache-2.0
"""The whole protocol on the native EVM, made for tens of thousands of calls: raw calldata in, integers out.

`Rig.send` executes one transaction, `Rig.read` reads the whole world in one batch of views and decodes it
into a `State`; nothing here knows what a state should look like.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import plimsoll_evm
from eth_utils import keccak, to_canonical_address

from simulation.agents.signing import TypedDataSigner
from simulation.chain.artifacts import load_artifact
from simulation.config import load_scenario
from tests.backends import COINBASE
from tests.protocol import World
from tests.stateful.deployed import Deployed
from tests.stateful.options import SurfaceSigner, market_sizes
from tests.stateful.reading import StateReader
from tests.stateful.world_state import (
    ACCOUNTS,
    ASSETS,
    DATED,
    FEEDS,
    HOLDERS,
    INVERSE,
    LENDERS,
    MARKETS,
    PERPETUALS,
    SERIES,
    TRANCHES,
    Event,
    Outcome,
    State,
    signed,
)

__all__ = ["ROLES", "TRADERS", "USD_FEED", "WEALTH", "Rig", "calldata"]

GAS_LIMIT = 16_777_216
VIEW_GAS = 300_000_000
USD_FEED = 5
LEVELS = 64
TRADERS = tuple(f"trader {i}" for i in range(6))
ROLES = (*TRADERS, "keeper", "rival", "depositor", "guardian", "attacker", "relayer", "owner")
CONTRACTS = ("Vault", "Ledger", "Exchange", "Liquidator", "InsuranceFund", "Oracle", "Instruments", "Lens")
OTHERS = (
    *("CrossMargin", "IsolatedMargin", "PortfolioMargin", "DynamicMargin", "RiskModel", "CreditMargin"),
    *("Surface", "RiskBoard", "CoinPool", "CreditDesk", "EngineSwitch"),
)
TOKENS = ("CashToken", "Token:WETH", "Token:WBTC", "Token:EURC")
WEALTH = 10**15
"""Whole tokens of each kind that every role starts with."""


def _encode(values: Sequence[Any]) -> bytes:
    """ABI encoding of integers, 20-byte addresses, structs as tuples and dynamic arrays as lists."""
    head: list[bytes] = []
    tail: list[bytes] = []
    size = sum(32 * _width(value) for value in values)
    for value in values:
        if isinstance(value, list):
            head.append((size + sum(map(len, tail))).to_bytes(32, "big"))
            tail.append(len(value).to_bytes(32, "big") + _encode(value))
        elif isinstance(value, tuple):
            head.append(_encode(value))
        elif isinstance(value, bytes):
            head.append(value.rjust(32, b"\0"))
        else:
            head.append((int(value) % 2**256).to_bytes(32, "big"))
    return b"".join(head) + b"".join(tail)


def _width(value: Any) -> int:
    return sum(map(_width, value)) if isinstance(value, tuple) else 1


@lru_cache(maxsize=512)
def _selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


def calldata(signature: str, *args: Any) -> bytes:
    """Selector and arguments."""
    return _selector(signature) + _encode(args)


def _event_specs() -> dict[bytes, tuple[str, tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]]:
    """topic0 -> name, indexed (name, signed bits) and data fields, for events of single words.

    An event of a later contract that has the name of another one carries its contract's name in front.
    """
    specs: dict[bytes, Any] = {}
    names: dict[str, bytes] = {}
    for artifact in (*CONTRACTS, *OTHERS):
        for item in load_artifact(artifact).abi:
            if item["type"] != "event" or any(
                "tuple" in part["type"] or "[" in part["type"] for part in item["inputs"]
            ):
                continue
            signature = f"{item['name']}({','.join(part['type'] for part in item['inputs'])})"
            fields = [
                (part["name"], 256 if part["type"].startswith("int") else 0, part["indexed"])
                for part in item["inputs"]
            ]
            topic = keccak(text=signature)
            known = names.setdefault(item["name"], topic) == topic
            specs[topic] = (
                item["name"] if known else f"{artifact}.{item['name']}",
                tuple((name, bits) for name, bits, indexed in fields if indexed),
                tuple((name, bits) for name, bits, indexed in fields if not indexed),
            )
    return specs


@cache
def _deployed() -> tuple[World, Any]:
    """The protocol wired and everybody rich, once for each process; the EVM is copied for every run."""
    protocol = load_scenario(str(Path(__file__).parent / "protocol.toml")).protocol
    world = World(protocol)
    for role in ROLES:
        world.env.address(role)
    for name in TOKENS:
        token = world.contracts[name]
        amount = WEALTH * 10 ** token.decimals()
        for role in ROLES:
            sender = world.env.address(role)
            token.mint(sender, amount)
            token.approve(world.vault.address, 2**256 - 1, sender=sender)
            token.approve(world.fund.address, 2**256 - 1, sender=sender)
            token.approve(world.contracts["CreditDesk"].address, 2**256 - 1, sender=sender)
    world.contracts["CreditDesk"].set_underwriter(world.env.address("owner"))
    world.oracle.set_feed(USD_FEED, (3_600, 500, 5 * 10**7, 0, 86_400, 2, 1, 2**72 - 1))
    return world, world.env.backend._evm  # type: ignore[attr-defined]


def _market_views(market: int) -> list[tuple[str, bytes]]:
    depth = [calldata("depth(uint256,bool,uint256)", market, is_bid, LEVELS) for is_bid in (True, False)]
    return [
        ("Ledger", calldata("open_interest(uint256)", market)),
        *(("Exchange", call) for call in depth),
    ]


class Rig:
    """One run: an EVM of its own, its clock, and the addresses of roles and contracts."""

    def __init__(self) -> None:
        world, evm = _deployed()
        self.evm = evm.copy()
        self.time = world.env.timestamp
        self.number = world.env.block_number
        self.at: dict[str, bytes] = {
            name: to_canonical_address(contract.address) for name, contract in world.contracts.items()
        }
        self.roles: dict[str, bytes] = {role: to_canonical_address(world.env.address(role)) for role in ROLES}
        self.protocol = world.protocol
        self.deployed = Deployed(world.steps)
        """The parameters of every contract as the plan has set them."""
        self.engines = world.protocol.engines
        """Ids of the margin engines by name."""
        self.keys = world.keys
        self.signer: TypedDataSigner = world.signer
        self.surface_signer = SurfaceSigner(world.keys, world.contracts["Surface"].address)
        self.sizes = market_sizes(world)
        """(tick, lot) of every market, nano."""
        self.calls = 0
        self._events = _event_specs()
        self._nonces: dict[bytes, int] = {}
        self._reader = StateReader()
        self._views = self._view_batch()

    # --- transactions

    def send(self, sender: bytes, contract: str, data: bytes) -> Outcome:
        """One transaction in a block of its own, all storage cold."""
        nonce = self._nonces.get(sender)
        if nonce is None:
            nonce = self.evm.nonce(sender)
        self._nonces[sender] = nonce + 1
        self.number += 1
        self.calls += 1
        header = plimsoll_evm.Header(self.number, self.time, COINBASE, GAS_LIMIT, 0)
        block = self.evm.execute_block(header, [(sender, self.at[contract], nonce, 0, GAS_LIMIT, 0, 0, data)])
        status = block.status[0]
        assert status != plimsoll_evm.INVALID, plimsoll_evm.REASONS[block.reason[0]]
        ok = status == plimsoll_evm.SUCCESS
        return Outcome(
            ok=ok,
            halted=status == plimsoll_evm.HALT,
            gas=int.from_bytes(block.gas_used, "little"),
            changed_slots=block.changed_slots,
            output=block.output_of(0),
            events=self._decode_logs(block) if ok else (),
        )

    def block(self, *calls: tuple[bytes, str, bytes]) -> tuple[list[bool], tuple[Event, ...]]:
        """Several transactions in one block, in this order: which went through, and all events."""
        rows = []
        for sender, contract, data in calls:
            nonce = self._nonces.get(sender)
            nonce = self.evm.nonce(sender) if nonce is None else nonce
            self._nonces[sender] = nonce + 1
            rows.append((sender, self.at[contract], nonce, 0, GAS_LIMIT, 0, 0, data))
        self.number += 1
        header = plimsoll_evm.Header(self.number, self.time, COINBASE, GAS_LIMIT * len(rows), 0)
        block = self.evm.execute_block(header, rows)
        assert plimsoll_evm.INVALID not in block.status
        return [status == plimsoll_evm.SUCCESS for status in block.status], self._decode_logs(block)

    def view(self, contract: str, signature: str, *args: Any) -> Outcome:
        """One view at the present time; reverts are data."""
        row = (COINBASE, self.at[contract], 0, 0, VIEW_GAS, 0, 0, calldata(signature, *args))
        header = plimsoll_evm.Header(self.number, self.time, COINBASE, VIEW_GAS, 0)
        found = self.evm.call_many(header, [row])
        status = found.status[0]
        return Outcome(
            status == plimsoll_evm.SUCCESS, status == plimsoll_evm.HALT, 0, 0, found.output_of(0), ()
        )

    def snapshot(self) -> tuple[Any, int, int, dict[bytes, int]]:
        return self.evm.copy(), self.time, self.number, dict(self._nonces)

    def restore(self, snapshot: tuple[Any, int, int, dict[bytes, int]]) -> None:
        self.evm, self.time, self.number, nonces = snapshot
        self._nonces = dict(nonces)

    def _decode_logs(self, block: Any) -> tuple[Event, ...]:
        count = len(block.log_topic_count)
        if not count:
            return ()
        topics, data = block.log_topics, block.log_data
        offsets = memoryview(block.log_data_offsets).cast("Q")
        word = int.from_bytes
        events = []
        for i in range(count):
            spec = self._events.get(topics[128 * i : 128 * i + 32])
            if spec is None:
                continue
            name, indexed, plain = spec
            args = {}
            place = 128 * i + 32
            for key, bits in indexed:
                value = word(topics[place : place + 32], "big")
                args[key] = signed(value, bits) if bits else value
                place += 32
            place = offsets[i]
            for key, bits in plain:
                value = word(data[place : place + 32], "big")
                args[key] = signed(value, bits) if bits else value
                place += 32
            events.append(Event(name, args))
        return tuple(events)

    # --- the world

    def _view_batch(self) -> Any:
        calls = [
            ("Lens", calldata("system(uint256[],uint256,uint256)", list(PERPETUALS), len(ASSETS), LEVELS)),
            ("Vault", calldata("words_of(uint256,uint256,uint256)", 1, ACCOUNTS, len(ASSETS))),
            ("Ledger", calldata("words_of(uint256,uint256,uint256[])", 1, ACCOUNTS, list(MARKETS))),
            ("Oracle", calldata("words(uint256[])", list(FEEDS))),
            ("InsuranceFund", calldata("totalSupply()")),
            *(("InsuranceFund", calldata("balanceOf(address)", self.roles[role])) for role in HOLDERS),
            ("CashToken", calldata("balanceOf(address)", self.at["InsuranceFund"])),
            ("InsuranceFund", calldata("convertToAssets(uint256)", 10**12)),
            ("Vault", calldata("stable_feed()")),
            *(("Instruments", calldata("funding(uint256)", market)) for market in PERPETUALS),
            *(("CoinPool", calldata("pool(uint256)", market)) for market in INVERSE),
            *self._desk_views(),
            ("Instruments", calldata("words(uint256[])", list(DATED))),
            *(
                ("Surface", calldata(f"{view}(uint256)", series))
                for series in SERIES
                for view in ("forward_parts", "settlement")
            ),
            *(call for market in DATED for call in _market_views(market)),
        ]
        records, data = bytearray(), b""
        for contract, call in calls:
            data += call
            records += COINBASE + self.at[contract] + b"\0" + bytes(32)
            for number in (0, VIEW_GAS, 0, 0, len(data)):
                records += number.to_bytes(8, "little")
        return plimsoll_evm.Transactions(bytes(records), data)

    def _desk_views(self) -> list[tuple[str, bytes]]:
        desk = "CreditDesk"
        views = [
            ("CashToken", calldata("balanceOf(address)", self.at[desk])),
            (desk, calldata("total_committed()")),
            (desk, calldata("open_calls()")),
        ]
        for tranche in TRANCHES:
            for name in ("tranche_assets", "tranche_supply", "tranche_series", "redeemable"):
                views.append((desk, calldata(f"{name}(uint256)", tranche)))
            shares = "shares_of(uint256,address)"
            views += [(desk, calldata(shares, tranche, self.roles[role])) for role in LENDERS]
        return views + [(desk, calldata("line(uint256)", number)) for number in range(1, ACCOUNTS + 1)]

    def read(self) -> State:
        """The whole world at the present time."""
        header = plimsoll_evm.Header(self.number, self.time, COINBASE, VIEW_GAS, 0)
        found = self.evm.call_many(header, self._views)
        assert not any(status != plimsoll_evm.SUCCESS for status in found.status), "a view reverted"
        raw = tuple(found.output_of(row) for row in range(len(found)))
        return self._reader.decode(raw)
