# SPDX-License-Identifier: Apache-2.0
"""The whole protocol on the native EVM, made for tens of thousands of calls: raw calldata in, integers out.

`Rig.send` executes one transaction, `Rig.read` reads the whole world in one batch of views and decodes it
into a `State`; nothing here knows what a state should look like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

__all__ = ["ACCOUNTS", "ASSETS", "FEEDS", "MARKETS", "Account", "Event", "Market", "Outcome", "Rig", "State"]

GAS_LIMIT = 16_777_216
VIEW_GAS = 300_000_000
ACCOUNTS = 14
"""Accounts that exist at most; a read covers them all."""
MARKETS = (1, 2, 3)
ASSETS = (1, 2, 3)
FEEDS = (1, 2, 3, 4, 5)
"""ETH, BTC, SOL, EUR and, for the cash token, USD."""
USD_FEED = 5
LEVELS = 64
TRADERS = tuple(f"trader {i}" for i in range(6))
ROLES = (*TRADERS, "keeper", "rival", "depositor", "guardian", "attacker", "relayer", "owner")
HOLDERS = ("depositor", "keeper", "attacker", "rival")
"""Who may hold shares of the fund."""
CONTRACTS = ("Vault", "Ledger", "Exchange", "Liquidator", "InsuranceFund", "Oracle", "Instruments", "Lens")
ENGINES = ("CrossMargin", "IsolatedMargin")
TOKENS = ("CashToken", "Token:WETH", "Token:WBTC", "Token:EURC")
WEALTH = 10**15
"""Whole tokens of each kind that every role starts with."""


@dataclass(frozen=True, slots=True)
class Position:
    size: int
    entry: int
    funding_index: int
    bids: int
    asks: int


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """What is stored for an account; equal states of one account are one object."""

    cash: int
    cash_index: int
    bitmap: int
    units: tuple[int, ...]
    liquidating: bool
    listed: int
    positions: dict[int, Position]
    """Only markets that the account has listed."""


@dataclass(frozen=True, slots=True)
class Market:
    tick: int
    mark: int
    spot: int
    index: int
    """Funding index now, nano USD per unit of base."""
    confidence: int
    valid: bool
    rate: int
    """In force, wad per hour."""
    stored_index: int
    open_interest: int
    bids: tuple[tuple[int, int], ...]
    """(tick, lots) from the best outward."""
    asks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class State:
    raw: tuple[bytes, ...]
    """The answers themselves: two states are equal iff these are."""
    time: int
    account_count: int
    backing: int
    deficit: int
    net_settled: int
    fees: int
    reserve: int
    total_supply: int
    total_borrow: int
    borrow_index: int
    supply_index: int
    vault_cash_tokens: int
    fund_assets: int
    total_insolvent: int
    exchange_rate: int
    held: tuple[int, ...]
    vault_tokens: tuple[int, ...]
    markets: dict[int, Market]
    accounts: tuple[Account, ...]
    """Account n is at place n - 1."""
    feeds: dict[int, int]
    """Tick word of each feed."""
    shares: int
    share_balances: tuple[int, ...]
    fund_tokens: int
    share_value: int
    """Token units that 10**12 shares are worth, down."""
    stable_feed: int
    accrued_until: tuple[int, ...]

    def account(self, number: int) -> Account:
        return self.accounts[number - 1]


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    args: dict[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    ok: bool
    halted: bool
    """Out of gas or an invalid instruction, which nothing may ever run into."""
    gas: int
    output: bytes
    events: tuple[Event, ...]

    @property
    def reason(self) -> str:
        """The revert string; empty when there is none."""
        if self.ok or self.output[:4] != bytes.fromhex("08c379a0"):
            return ""
        length = int.from_bytes(self.output[36:68], "big")
        return self.output[68 : 68 + length].decode()

    def word(self, place: int = 0) -> int:
        return int.from_bytes(self.output[32 * place : 32 * place + 32], "big")

    def signed(self, place: int = 0) -> int:
        return _signed(self.word(place), 256)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _is_dynamic(value: Any) -> bool:
    return isinstance(value, list)


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
    """topic0 -> name, indexed (name, signed bits) and data fields, for events of single words."""
    specs = {}
    for artifact in (*CONTRACTS, *ENGINES):
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
            specs[keccak(text=signature)] = (
                item["name"],
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
    world.oracle.set_feed(USD_FEED, (3_600, 500, 5_000, 0, 86_400, 2, 1, 2**72 - 1))
    return world, world.env.backend._evm  # type: ignore[attr-defined]


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
        self.roles: dict[str, bytes] = {
            role: to_canonical_address(world.env.address(role)) for role in ROLES
        }
        self.protocol = world.protocol
        self.keys = world.keys
        self.signer: TypedDataSigner = world.signer
        self.calls = 0
        self._events = _event_specs()
        self._nonces: dict[bytes, int] = {}
        self._last: dict[tuple[int, bytes], Account] = {}
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
        block = self.evm.execute_block(
            header, [(sender, self.at[contract], nonce, 0, GAS_LIMIT, 0, 0, data)]
        )
        status = block.status[0]
        assert status != plimsoll_evm.INVALID, plimsoll_evm.REASONS[block.reason[0]]
        ok = status == plimsoll_evm.SUCCESS
        return Outcome(
            ok=ok,
            halted=status == plimsoll_evm.HALT,
            gas=int.from_bytes(block.gas_used, "little"),
            output=block.output_of(0),
            events=self._decode_logs(block) if ok else (),
        )

    def view(self, contract: str, signature: str, *args: Any) -> Outcome:
        """One view at the present time; reverts are data."""
        row = (COINBASE, self.at[contract], 0, 0, VIEW_GAS, 0, 0, calldata(signature, *args))
        header = plimsoll_evm.Header(self.number, self.time, COINBASE, VIEW_GAS, 0)
        found = self.evm.call_many(header, [row])
        status = found.status[0]
        return Outcome(
            status == plimsoll_evm.SUCCESS, status == plimsoll_evm.HALT, 0, found.output_of(0), ()
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
                args[key] = _signed(value, bits) if bits else value
                place += 32
            place = offsets[i]
            for key, bits in plain:
                value = word(data[place : place + 32], "big")
                args[key] = _signed(value, bits) if bits else value
                place += 32
            events.append(Event(name, args))
        return tuple(events)

    # --- the world

    def _view_batch(self) -> Any:
        calls = [
            ("Lens", calldata("system(uint256[],uint256,uint256)", list(MARKETS), len(ASSETS), LEVELS)),
            ("Vault", calldata("words_of(uint256,uint256,uint256)", 1, ACCOUNTS, len(ASSETS))),
            ("Ledger", calldata("words_of(uint256,uint256,uint256[])", 1, ACCOUNTS, list(MARKETS))),
            ("Oracle", calldata("words(uint256[])", list(FEEDS))),
            ("InsuranceFund", calldata("totalSupply()")),
            *(("InsuranceFund", calldata("balanceOf(address)", self.roles[role])) for role in HOLDERS),
            ("CashToken", calldata("balanceOf(address)", self.at["InsuranceFund"])),
            ("InsuranceFund", calldata("convertToAssets(uint256)", 10**12)),
            ("Vault", calldata("stable_feed()")),
            *(("Instruments", calldata("funding(uint256)", market)) for market in MARKETS),
        ]
        records, data = bytearray(), b""
        for contract, call in calls:
            data += call
            records += COINBASE + self.at[contract] + b"\0" + bytes(32)
            for number in (0, VIEW_GAS, 0, 0, len(data)):
                records += number.to_bytes(8, "little")
        return plimsoll_evm.Transactions(bytes(records), data)

    def read(self) -> State:
        """The whole world at the present time."""
        header = plimsoll_evm.Header(self.number, self.time, COINBASE, VIEW_GAS, 0)
        found = self.evm.call_many(header, self._views)
        assert not any(status != plimsoll_evm.SUCCESS for status in found.status), "a view reverted"
        raw = tuple(found.output_of(row) for row in range(len(found)))
        return self._decode(raw)

    def _decode(self, raw: tuple[bytes, ...]) -> State:
        system = _words(raw[0])
        place = 16 + 2 * len(ASSETS)
        ticks = _words(raw[3])
        fundings = [raw[-len(MARKETS) + i] for i in range(len(MARKETS))]
        markets = {}
        for number in MARKETS:
            tick, word, rate, index, interest = system[place : place + 5]
            place += 5
            sides = []
            for _ in range(2):
                count = system[place]
                levels = system[place + 1 : place + 1 + count]
                sides.append(tuple((level >> 64, level & (2**64 - 1)) for level in levels))
                place += 1 + count
            markets[number] = Market(
                tick=tick,
                mark=word & (2**72 - 1),
                spot=(word >> 72) & (2**72 - 1),
                index=_signed((word >> 144) & (2**80 - 1), 80),
                confidence=(word >> 224) & 65_535,
                valid=word >> 240 == 1,
                rate=_signed(rate, 256),
                stored_index=_signed(index, 256),
                open_interest=interest,
                bids=sides[0],
                asks=sides[1],
            )
        holders = len(HOLDERS)
        return State(
            raw=raw,
            time=system[0],
            account_count=system[1],
            backing=system[2],
            deficit=system[4],
            net_settled=_signed(system[5], 256),
            fees=system[6],
            reserve=_signed(system[7], 256),
            total_supply=system[8],
            total_borrow=system[9],
            borrow_index=system[10],
            supply_index=system[11],
            vault_cash_tokens=system[12],
            fund_assets=system[13],
            total_insolvent=system[14],
            exchange_rate=system[15],
            held=tuple(system[16 : 16 + 2 * len(ASSETS) : 2]),
            vault_tokens=tuple(system[17 : 17 + 2 * len(ASSETS) : 2]),
            markets=markets,
            accounts=self._accounts(raw[1], raw[2]),
            feeds=dict(zip(FEEDS, ticks, strict=True)),
            shares=int.from_bytes(raw[4], "big"),
            share_balances=tuple(int.from_bytes(raw[5 + i], "big") for i in range(holders)),
            fund_tokens=int.from_bytes(raw[5 + holders], "big"),
            share_value=int.from_bytes(raw[6 + holders], "big"),
            stable_feed=int.from_bytes(raw[7 + holders], "big"),
            accrued_until=tuple(int.from_bytes(funding[64:96], "big") for funding in fundings),
        )

    def _accounts(self, money: bytes, books: bytes) -> tuple[Account, ...]:
        money_width, book_width = 32 * (1 + len(ASSETS)), 32 * (1 + 2 * len(MARKETS))
        accounts = []
        last = self._last
        for i in range(ACCOUNTS):
            start, first = 64 + i * money_width, 64 + i * book_width
            words = money[start : start + money_width] + books[first : first + book_width]
            found = last.get((i, words))
            if found is None:
                found = last[i, words] = _decode_account(words)
            accounts.append(found)
        return tuple(accounts)


def _words(answer: bytes) -> list[int]:
    """A returned dynamic array."""
    return [int.from_bytes(answer[i : i + 32], "big") for i in range(64, len(answer), 32)]


def _decode_account(data: bytes) -> Account:
    words = [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
    money, header = words[0], words[1 + len(ASSETS)]
    positions = {}
    for i, market in enumerate(MARKETS):
        word, orders = words[2 + len(ASSETS) + 2 * i : 4 + len(ASSETS) + 2 * i]
        if word:
            positions[market] = Position(
                size=_signed(word & (2**80 - 1), 80),
                entry=(word >> 80) & (2**80 - 1),
                funding_index=_signed((word >> 160) & (2**80 - 1), 80),
                bids=orders & (2**128 - 1),
                asks=orders >> 128,
            )
    return Account(
        cash=_signed(money & (2**128 - 1), 128),
        cash_index=(money >> 128) & (2**96 - 1),
        bitmap=(money >> 224) & 255,
        units=tuple(words[1 : 1 + len(ASSETS)]),
        liquidating=header & 1 != 0,
        listed=(header >> 8) & 255,
        positions=positions,
    )
