# SPDX-License-Identifier: Apache-2.0
"""From intents to calldata: which function each kind calls, with which words, within how much gas.

All intents of one kind are encoded together. Imports: engine.abi, engine.terms, messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple

from simulation.engine.abi import encode_call, encode_columns, selector, word
from simulation.engine.terms import Protocol
from simulation.messages import (
    AccrueInterest,
    Bid,
    CallMargin,
    CancelAll,
    CancelOrder,
    Deleverage,
    Deposit,
    FundDeposit,
    FundRedeem,
    Intent,
    MarkDeleverage,
    MarkInsolvent,
    OracleUpdate,
    PlaceOrder,
    Purge,
    ReplaceOrder,
    Settle,
    StartAuction,
    StopAuction,
    SweepFees,
    TransferCash,
    Withdraw,
    WriteOff,
)

__all__ = ["Encoded", "Encoder"]

TX_GAS_CAP: Final = 16_777_216
"""Most gas of one transaction (EIP-7825)."""


class Encoded(NamedTuple):
    """What a transaction carries."""

    to: bytes
    function: str
    """Contract.function."""
    data: bytes
    gas_limit: int


@dataclass(frozen=True, slots=True)
class _Function:
    contract: str
    signature: str
    fields: tuple[str, ...]
    """Attributes of the intent, one word each; `owner` is the address of the acting account's owner."""
    gas: int
    """Limit, before what each market of a portfolio adds."""
    per_market: int = 0
    per_fill: int = 0

    @property
    def name(self) -> str:
        return f"{self.contract}.{self.signature.partition('(')[0]}"


def _liquidator(name: str, *fields: str, gas: int = 1_500_000) -> _Function:
    types = ",".join(["uint256"] * len(fields))
    return _Function("Liquidator", f"{name}({types})", fields, gas, per_market=250_000)


# Limits are about three times what small portfolios use; unused gas is given back.
_FUNCTIONS: Final[dict[type[Intent], _Function]] = {
    PlaceOrder: _Function(
        "Exchange",
        "place(uint256,uint256,bool,uint256,uint256,uint256,uint256,uint256)",
        ("account", "market", "is_bid", "tick", "lots", "options", "expiry", "max_fills"),
        600_000,
        per_market=60_000,
        per_fill=300_000,
    ),
    ReplaceOrder: _Function(
        "Exchange",
        "replace(uint256,uint256,uint256,uint256,uint256,uint256)",
        ("order_id", "tick", "lots", "options", "expiry", "max_fills"),
        700_000,
        per_market=60_000,
        per_fill=300_000,
    ),
    CancelOrder: _Function("Exchange", "cancel(uint256)", ("order_id",), 300_000),
    CancelAll: _Function("Exchange", "cancel_all(uint256)", ("account",), 2_500_000),
    Deposit: _Function("Vault", "deposit(uint256,uint256,uint256)", ("account", "asset", "amount"), 400_000),
    Withdraw: _Function(
        "Vault",
        "withdraw(uint256,uint256,uint256,address)",
        ("account", "asset", "amount", "owner"),
        500_000,
        per_market=60_000,
    ),
    TransferCash: _Function(
        "Vault",
        "transfer_cash(uint256,uint256,uint256)",
        ("account", "receiver", "amount"),
        500_000,
        per_market=60_000,
    ),
    Settle: _Function("Ledger", "settle(uint256)", ("target",), 400_000, per_market=100_000),
    AccrueInterest: _Function("Vault", "accrue_interest()", (), 300_000),
    SweepFees: _Function("Vault", "sweep_fees()", (), 500_000),
    FundDeposit: _Function("InsuranceFund", "deposit(uint256,address)", ("amount", "owner"), 500_000),
    FundRedeem: _Function(
        "InsuranceFund", "redeem(uint256,address,address)", ("shares", "owner", "owner"), 500_000
    ),
    CallMargin: _liquidator("call_margin", "target", gas=400_000),
    StartAuction: _liquidator("start_for", "target", "account", gas=3_000_000),
    Bid: _Function(
        "Liquidator",
        "bid(uint256,uint256,uint256,int256)",
        ("target", "account", "fraction", "max_price"),
        2_000_000,
        per_market=400_000,
    ),
    MarkInsolvent: _liquidator("mark_insolvent", "target"),
    MarkDeleverage: _liquidator("mark_deleverage", "target"),
    WriteOff: _liquidator("write_off", "target"),
    StopAuction: _liquidator("stop", "target"),
}
_UPDATE: Final = selector("update((uint256,uint256,uint256,uint256,uint256,uint256),(uint256,uint256)[])")


class Encoder:
    """Calldata of intents for one deployment.

    Args:
        protocol: the deployed contracts.
        owner: address of the owner of an account, 20 bytes.
    """

    def __init__(self, protocol: Protocol, owner: Callable[[int], bytes]) -> None:
        self._at = protocol.addresses
        self._markets = len(protocol.markets)
        self._owner = owner
        self._selectors = {kind: selector(function.signature) for kind, function in _FUNCTIONS.items()}

    def encode(self, intents: Sequence[Intent]) -> list[Encoded]:
        """One for each intent, in their order. Raises TypeError for a kind that calls nothing."""
        groups: dict[type[Intent], list[int]] = {}
        for place, intent in enumerate(intents):
            groups.setdefault(type(intent), []).append(place)
        found: list[Encoded | None] = [None] * len(intents)
        for kind, places in groups.items():
            items = [intents[place] for place in places]
            for place, encoded in zip(places, self._encode_kind(kind, items), strict=True):
                found[place] = encoded
        return [encoded for encoded in found if encoded is not None]

    def _encode_kind(self, kind: type[Intent], items: Sequence[Any]) -> list[Encoded]:
        if kind is OracleUpdate:
            return [self._update(item) for item in items]
        if kind is Purge:
            return [
                self._listed("Exchange", "purge(uint256[])", (item.order_ids,), 3_000_000) for item in items
            ]
        if kind is Deleverage:
            signature = "deleverage(uint256,uint256,uint256[])"
            return [
                self._listed(
                    "Liquidator", signature, (item.target, item.market, item.counterparties), 6_000_000
                )
                for item in items
            ]
        if kind not in _FUNCTIONS:
            raise TypeError(f"{kind.__name__} calls no function")
        function = _FUNCTIONS[kind]
        to, name = self._at[function.contract], function.name
        base = function.gas + function.per_market * self._markets
        datas = (
            encode_columns(self._selectors[kind], [self._column(name, items) for name in function.fields])
            if function.fields
            else [self._selectors[kind]] * len(items)
        )
        return [
            Encoded(
                to,
                name,
                data,
                min(base + function.per_fill * item.max_fills, TX_GAS_CAP) if function.per_fill else base,
            )
            for item, data in zip(items, datas, strict=True)
        ]

    def _column(self, name: str, items: Sequence[Any]) -> list[int]:
        if name == "owner":
            return [int.from_bytes(self._owner(item.account), "big") for item in items]
        return list(map(attrgetter(name), items))

    def _listed(
        self, contract: str, signature: str, arguments: tuple[int | Sequence[int], ...], gas: int
    ) -> Encoded:
        name = f"{contract}.{signature.partition('(')[0]}"
        return Encoded(self._at[contract], name, encode_call(signature, *arguments), gas)

    def _update(self, item: OracleUpdate) -> Encoded:
        price = (item.feed, item.spot, item.mark, item.confidence, item.timestamp, item.deadline)
        flat = [part for signature in item.signatures for part in signature]
        data = _UPDATE + b"".join(map(word, (*price, 7 * 32, len(item.signatures), *flat)))
        return Encoded(self._at["Oracle"], "Oracle.update", data, 150_000 + 20_000 * len(item.signatures))
