# SPDX-License-Identifier: Apache-2.0
"""From intents to calldata: which function each kind calls, with which words, within how much gas.

Imports: engine.abi, engine.terms, messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple

from simulation.engine.abi import encode_call, packer, selector, word
from simulation.engine.terms import Protocol
from simulation.messages import (
    AccrueInterest,
    AccumulatePrice,
    Bid,
    CallMargin,
    CancelAll,
    CancelOrder,
    CloseDebt,
    CureCall,
    DeclareDefault,
    Deleverage,
    Deposit,
    DeskDeposit,
    DeskRedeem,
    EscalateCall,
    FinaliseSeries,
    FundDeposit,
    FundRedeem,
    GrantLine,
    Intent,
    MarkDeleverage,
    MarkInsolvent,
    OracleUpdate,
    PlaceOrder,
    Purge,
    RefreshBoard,
    RefreshContributions,
    ReplaceOrder,
    ReviewLine,
    Settle,
    SettleCoin,
    SettleExpired,
    StartAuction,
    StopAuction,
    SweepFees,
    TransferCash,
    UpdateSurface,
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


_Plan = tuple[bytes, str, int, int, Callable[[Any], Sequence[int]], Callable[..., bytes]]
"""Address, name, gas limit, gas for each fill, and how arguments are read and packed."""


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
    EscalateCall: _liquidator("escalate", "target", gas=3_000_000),
    CureCall: _liquidator("cure", "target", gas=400_000),
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
    DeskDeposit: _Function(
        "CreditDesk", "deposit(uint256,uint256,address)", ("tranche", "amount", "owner"), 500_000
    ),
    DeskRedeem: _Function(
        "CreditDesk", "redeem(uint256,uint256,address)", ("tranche", "shares", "owner"), 500_000
    ),
    GrantLine: _Function(
        "CreditDesk", "grant(uint256,uint256,uint256)", ("target", "amount", "term"), 500_000
    ),
    ReviewLine: _Function("CreditDesk", "review(uint256)", ("target",), 1_500_000, per_market=200_000),
    DeclareDefault: _Function(
        "CreditDesk", "declare_default(uint256)", ("target",), 1_200_000, per_market=200_000
    ),
    # A board of 64 strikes takes about 7,000,000.
    RefreshBoard: _Function("RiskBoard", "refresh(uint256)", ("series",), 9_000_000),
    FinaliseSeries: _Function("Surface", "finalise(uint256)", ("series",), 300_000),
    SettleCoin: _Function(
        "CoinPool", "settle(uint256,uint256)", ("target", "market"), 700_000, per_market=120_000
    ),
    CloseDebt: _Function(
        "CoinPool",
        "close_debt(uint256,uint256,uint256)",
        ("target", "creditor", "market"),
        700_000,
        per_market=120_000,
    ),
    # 64 options of one expiry take about 1,000,000.
    SettleExpired: _Function("Ledger", "settle_expired(uint256,uint256)", ("target", "series"), 2_000_000),
}
_PER_MARKET: Final = 8
"""Markets of a portfolio that the limits provide for; what many dated markets are listed for nobody holds."""
_SURFACE: Final = selector(f"update((uint256,{'int256,' * 7}{'uint256,' * 6}uint256),(uint256,uint256)[])")
_UPDATE: Final = selector("update((uint256,uint256,uint256,uint256,uint256,uint256),(uint256,uint256)[])")


class Encoder:
    """Calldata of intents for one deployment.

    Args:
        protocol: the deployed contracts.
        owner: address of the owner of an account, 20 bytes.
    """

    def __init__(self, protocol: Protocol, owner: Callable[[int], bytes]) -> None:
        self._at = protocol.addresses
        self._owner = owner
        markets = min(len(protocol.markets), max(protocol.perpetuals, _PER_MARKET))
        self._plans = {
            kind: self._plan(function, markets)
            for kind, function in _FUNCTIONS.items()
            if function.contract in self._at
        }

    def encode(self, intents: Iterable[Intent]) -> list[Encoded]:
        """One for each intent, in their order. Raises TypeError for a kind that calls nothing."""
        plans, found = self._plans, []
        for intent in intents:
            plan = plans.get(type(intent))
            if plan is None:
                found.append(self._encode_other(intent))
                continue
            to, name, gas, per_fill, values, pack = plan
            if per_fill:
                gas = min(gas + per_fill * intent.max_fills, TX_GAS_CAP)  # type: ignore[attr-defined]
            found.append(Encoded(to, name, pack(*values(intent)), gas))
        return found

    def _plan(self, function: _Function, markets: int) -> _Plan:
        return (
            self._at[function.contract],
            function.name,
            function.gas + function.per_market * markets,
            function.per_fill,
            self._values(function.fields),
            packer(selector(function.signature), len(function.fields)),
        )

    def _values(self, fields: tuple[str, ...]) -> Callable[[Any], Sequence[int]]:
        """What reads the arguments off an intent."""
        if "owner" in fields or len(fields) < 2:
            return lambda item: [
                int.from_bytes(self._owner(item.account), "big") if name == "owner" else getattr(item, name)
                for name in fields
            ]
        return attrgetter(*fields)

    def _encode_other(self, intent: Intent) -> Encoded:
        if isinstance(intent, OracleUpdate):
            return self._update(intent)
        if isinstance(intent, Purge):
            return self._listed("Exchange", "purge(uint256[])", (intent.order_ids,), 3_000_000)
        if isinstance(intent, RefreshContributions):
            gas = min(100_000 + 250_000 * len(intent.targets), TX_GAS_CAP)
            return self._listed("SolvencyGuard", "refresh(uint256[])", (intent.targets,), gas)
        if isinstance(intent, Deleverage):
            arguments = (intent.target, intent.market, intent.counterparties)
            return self._listed("Liquidator", "deleverage(uint256,uint256,uint256[])", arguments, 6_000_000)
        if isinstance(intent, UpdateSurface):
            return self._surface(intent)
        if isinstance(intent, AccumulatePrice):
            return self._listed(
                "Surface", "accumulate(uint256[])", (intent.series,), 60_000 + 60_000 * len(intent.series)
            )
        raise TypeError(f"{type(intent).__name__} calls no function")

    def _listed(
        self, contract: str, signature: str, arguments: tuple[int | Sequence[int], ...], gas: int
    ) -> Encoded:
        name = f"{contract}.{signature.partition('(')[0]}"
        return Encoded(self._at[contract], name, encode_call(signature, *arguments), gas)

    def _surface(self, item: UpdateSurface) -> Encoded:
        flat = [part for signature in item.signatures for part in signature]
        data = _SURFACE + b"".join(map(word, (*item.update, 16 * 32, len(item.signatures), *flat)))
        return Encoded(self._at["Surface"], "Surface.update", data, 250_000 + 20_000 * len(item.signatures))

    def _update(self, item: OracleUpdate) -> Encoded:
        price = (item.feed, item.spot, item.mark, item.confidence, item.timestamp, item.deadline)
        flat = [part for signature in item.signatures for part in signature]
        data = _UPDATE + b"".join(map(word, (*price, 7 * 32, len(item.signatures), *flat)))
        return Encoded(self._at["Oracle"], "Oracle.update", data, 150_000 + 20_000 * len(item.signatures))
