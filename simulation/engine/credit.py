# SPDX-License-Identifier: Apache-2.0
"""The credit desk: what is read of it, its books rebuilt from events, and what agents see.

Imports: engine.abi, engine.terms, domain, messages, errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from simulation.engine.abi import encode_call
from simulation.engine.terms import Protocol
from simulation.messages import CreditView, EventColumns
from simulation.messages.credit import DEFAULTED, JUNIOR, QUIET, SENIOR
from simulation.messages.view import Flags, Floats

__all__ = [
    "DESK",
    "DeskMirror",
    "RawDesk",
    "RawLine",
    "credit_view",
    "desk_calls",
    "desk_words",
    "reconcile_desk",
]

DESK = "CreditDesk"
"""Its name in the deployment plan and in events."""
TRANCHES = (JUNIOR, SENIOR)
TOTALS = 9
"""Words about the desk as a whole, before those of lines."""
LINE_WORDS = 9
"""Of ICreditDesk.Line."""
SHARE_DECIMALS = 6
"""Decimals that shares of a tranche have more than the cash token (CreditDesk)."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """ICreditDesk.Line of one account: token units, unix seconds, wad."""

    granted: int = 0
    committed: int = 0
    term: int = 0
    stage: int = QUIET
    called: int = 0
    used: int = 0
    owed: int = 0
    accrued: int = 0
    paid: int = 0


@dataclass(frozen=True, slots=True)
class RawDesk:
    """The desk as the contract has it, token units and shares."""

    assets: tuple[int, int]
    """Of the junior and the senior tranche."""
    supply: tuple[int, int]
    redeemable: tuple[int, int]
    committed: int
    open_calls: int
    balance: int
    """Cash tokens at the desk's address."""
    lines: Mapping[int, RawLine]
    """Of every account on the credit engine."""

    @staticmethod
    def of(words: Sequence[int], accounts: Sequence[int]) -> RawDesk:
        """From the answers to `desk_calls`, a whole number each."""
        junior, senior, first, second, free, other, committed, calls, balance = words[:TOTALS]
        lines = {
            account: RawLine(*words[TOTALS + LINE_WORDS * place : TOTALS + LINE_WORDS * (place + 1)])
            for place, account in enumerate(accounts)
        }
        return RawDesk((junior, senior), (first, second), (free, other), committed, calls, balance, lines)


def desk_calls(protocol: Protocol) -> Iterator[tuple[bytes, bytes]]:
    """Target and calldata of everything that is read of the desk in a block; nothing without a desk."""
    if protocol.credit is None:
        return
    desk = protocol.addresses[DESK]
    for name in ("tranche_assets", "tranche_supply", "redeemable"):
        for tranche in TRANCHES:
            yield desk, encode_call(f"{name}(uint256)", tranche)
    yield desk, encode_call("total_committed()")
    yield desk, encode_call("open_calls()")
    token = protocol.addresses[protocol.assets[0].contract]
    yield token, encode_call("balanceOf(address)", int.from_bytes(desk, "big"))
    for account in protocol.credit.accounts:
        yield desk, encode_call("line(uint256)", account)


def desk_words(protocol: Protocol) -> int:
    """Words of all answers to `desk_calls`."""
    return 0 if protocol.credit is None else TOTALS + LINE_WORDS * len(protocol.credit.accounts)


@dataclass(slots=True)
class DeskMirror:
    """The desk's books from events alone, exact.

    `disorder` names the first loss that did not fall in its order: the junior tranche before the senior one,
    an account's line before the insurance fund.
    """

    address: bytes = b""
    """Of the desk; empty: none is deployed."""
    assets: list[int] = field(default_factory=lambda: [0, 0])
    supply: list[int] = field(default_factory=lambda: [0, 0])
    shares: tuple[dict[bytes, int], dict[bytes, int]] = field(default_factory=lambda: ({}, {}))
    """Of each tranche by owner."""
    lines: dict[int, list[int]] = field(default_factory=dict)
    """Granted, committed, term and stage by account."""
    consents: set[int] = field(default_factory=set)
    """Accounts whose owner has made the desk a delegate."""
    disorder: str = ""

    def apply(self, events: Sequence[EventColumns]) -> None:
        """Takes in all events of a block in the order of their logs."""
        steps: list[tuple[int, Callable[..., None], tuple[object, ...]]] = []
        for columns in events:
            if columns.contract == DESK:
                known = _DESK_EVENTS.get(columns.name)
            else:
                known = _OTHER_EVENTS.get((columns.contract, columns.name)) if self.address else None
            if known is None:
                continue
            step, names = known
            read = [columns.address(name) if name in _ADDRESSES else columns.values(name) for name in names]
            steps += [
                (log, step, row)
                for log, row in zip(columns.log.tolist(), zip(*read, strict=True), strict=True)
            ]
        for _, step, row in sorted(steps, key=lambda item: item[0]):
            step(self, *row)

    def line(self, account: int) -> list[int]:
        """Granted, committed, term and stage of an account; it may be changed."""
        return self.lines.setdefault(account, [0, 0, 0, QUIET])

    def _deposited(self, tranche: int, receiver: bytes, amount: int, shares: int) -> None:
        own = self.shares[tranche - 1]
        own[receiver] = own.get(receiver, 0) + shares
        self.assets[tranche - 1] += amount
        self.supply[tranche - 1] += shares

    def _redeemed(self, tranche: int, holder: bytes, amount: int, shares: int) -> None:
        self._deposited(tranche, holder, -amount, -shares)

    def _income(self, junior: int, senior: int) -> None:
        self.assets[0] += junior
        self.assets[1] += senior

    def _loss(self, account: int, junior: int, senior: int, committed: int) -> None:
        self._income(-junior, -senior)
        self.line(account)[1] = committed
        if senior and self.assets[0] and not self.disorder:
            self.disorder = (
                f"account {account}: the senior tranche lost {senior} before the junior one was empty"
            )

    def _drawn(self, account: int) -> None:
        left = self.line(account)[1]
        if left and not self.disorder:
            self.disorder = f"account {account}: the insurance fund paid while its line held {left}"

    def _wiped(self, tranche: int) -> None:
        self.shares[tranche - 1].clear()
        self.supply[tranche - 1] = 0

    def _granted(self, account: int, granted: int, committed: int, term: int) -> None:
        self.line(account)[:3] = [granted, committed, term]
        if not committed:
            # It had closed before the underwriter ended it: the desk keeps no line without a commitment.
            self._closed(account)

    def _reviewed(self, account: int, committed: int) -> None:
        self.line(account)[1] = committed

    def _called(self, account: int, stage: int) -> None:
        self.line(account)[3] = stage

    def _cured(self, account: int) -> None:
        self.line(account)[3] = QUIET

    def _closed(self, account: int) -> None:
        self.lines.pop(account, None)

    def _delegated(self, account: int, delegate: bytes, allowed: bool) -> None:
        if delegate == self.address:
            (self.consents.add if allowed else self.consents.discard)(account)


_ADDRESSES = {"receiver", "holder", "delegate"}
_DESK_EVENTS: Mapping[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "Deposited": (DeskMirror._deposited, ("tranche", "receiver", "amount", "shares")),
    "Redeemed": (DeskMirror._redeemed, ("tranche", "holder", "amount", "shares")),
    "IncomePaid": (DeskMirror._income, ("junior", "senior")),
    "LossBorne": (DeskMirror._loss, ("account", "junior", "senior", "committed")),
    "TrancheWiped": (DeskMirror._wiped, ("tranche",)),
    "LineGranted": (DeskMirror._granted, ("account", "granted", "committed", "term")),
    "LineReviewed": (DeskMirror._reviewed, ("account", "committed")),
    "LineCalled": (DeskMirror._called, ("account", "stage")),
    "CallCured": (DeskMirror._cured, ("account",)),
    "LineClosed": (DeskMirror._closed, ("account",)),
}
_OTHER_EVENTS: Mapping[tuple[str, str], tuple[Callable[..., None], tuple[str, ...]]] = {
    ("Vault", "DelegateSet"): (DeskMirror._delegated, ("account", "delegate", "allowed")),
    ("Liquidator", "InsuranceDrawn"): (DeskMirror._drawn, ("account",)),
}


def reconcile_desk(
    number: Callable[[str, object, object], None], mirror: DeskMirror, raw: RawDesk, tokens: int
) -> None:
    """Holds what the desk says against its events, by `number(what, expected, found)`.

    Args:
        tokens: cash tokens at the desk's address as their transfers tell.
    """
    number("credit desk: order of losses", "", mirror.disorder)
    for place, name in enumerate(("junior", "senior")):
        number(f"{name} tranche: assets (token units)", mirror.assets[place], raw.assets[place])
        number(f"{name} tranche: shares", mirror.supply[place], raw.supply[place])
        number(f"{name} tranche: shares of lenders", mirror.supply[place], sum(mirror.shares[place].values()))
    number("credit desk: tokens (token units)", tokens, raw.balance)
    number("credit desk: tokens and assets (token units)", sum(mirror.assets), raw.balance)
    committed = sum(line[1] for line in mirror.lines.values())
    number("credit desk: commitments (token units)", committed, raw.committed)
    calls = sum(line[3] != QUIET for line in mirror.lines.values())
    number("credit desk: open calls", calls, raw.open_calls)
    names = ("granted (token units)", "commitment (token units)", "term", "stage")
    for account, line in raw.lines.items():
        expected = mirror.lines.get(account, [0, 0, 0, QUIET])
        found = (line.granted, line.committed, line.term, line.stage)
        for name, one, other in zip(names, expected, found, strict=True):
            number(f"account {account}: credit line: {name}", one, other)


def credit_view(
    protocol: Protocol,
    mirror: DeskMirror,
    raw: RawDesk,
    rows_of: Mapping[bytes, Sequence[int]],
    equity: Floats,
    initial_margin: Floats,
    liquidating: Flags,
    timestamp: int,
) -> CreditView:
    """The desk at the prices of a block.

    Args:
        rows_of: rows of the accounts of an owner.
        equity, initial_margin: by account, as the engines answer, USD.
        timestamp: unix seconds.
    """
    terms = protocol.credit
    assert terms is not None
    rules, unit, count = terms.rules, 10.0 ** -protocol.assets[0].decimals, len(equity)
    figures = np.zeros((count, len(RawLine.__dataclass_fields__)))
    for account, line in raw.lines.items():
        if line.committed:
            figures[account - 1] = (
                line.granted,
                line.committed,
                line.term,
                line.stage,
                line.called,
                line.used,
                line.owed,
                line.accrued,
                line.paid,
            )
    granted, committed, term, stage, called, _, _, accrued, paid = figures.T
    granted, committed = granted * unit, committed * unit
    own = np.maximum(equity, 0.0) * rules.multiple
    on_engine = np.zeros(count, np.bool_)
    on_engine[np.array(terms.accounts, np.int64) - 1] = True
    # The engine answers x - min(line, share * x, own); each of the three grows with x, and so can be undone.
    lowered = (committed > granted) | (timestamp >= term)
    credit = np.where((stage == DEFAULTED) | liquidating | lowered, 0.0, committed)
    risk = np.minimum(initial_margin + credit, initial_margin / (1.0 - rules.share))
    risk = np.where(on_engine, np.minimum(risk, initial_margin + own), 0.0)
    over = (stage == DEFAULTED) | (timestamp >= term) | (timestamp >= paid + rules.fee_period)
    ceiling = np.where(over, 0.0, granted)
    lent = np.zeros((count, 2))
    decimals = protocol.assets[0].decimals + SHARE_DECIMALS
    for place, shares in enumerate(mirror.shares):
        for owner, amount in shares.items():
            for row in rows_of.get(owner, ()):
                lent[row, place] = amount * 10.0**-decimals
    consents = np.zeros(count, np.bool_)
    consents[np.array(sorted(mirror.consents), np.int64) - 1] = True
    view = CreditView(
        rules=rules,
        assets=(raw.assets[0] * unit, raw.assets[1] * unit),
        shares=(raw.supply[0] * 10.0**-decimals, raw.supply[1] * 10.0**-decimals),
        redeemable=(raw.redeemable[0] * unit, raw.redeemable[1] * unit),
        committed=raw.committed * unit,
        open_calls=raw.open_calls,
        share_decimals=decimals,
        lent=lent,
        consents=consents & on_engine,
        granted=granted,
        commitment=committed,
        stage=stage.astype(np.int64),
        called=called.astype(np.int64),
        accrued=accrued.astype(np.int64),
        term=term.astype(np.int64),
        risk=risk,
        use=np.where(on_engine, np.maximum(risk - equity, 0.0), 0.0),
        limit=np.minimum(ceiling, np.minimum(rules.share * risk, own)),
        purse=np.where((stage == QUIET) & ~lowered & ~liquidating, np.minimum(ceiling, own), 0.0),
    )
    for name in ("lent", "consents", "granted", "commitment", "stage", "called", "accrued", "term"):
        getattr(view, name).setflags(write=False)
    for column in (view.risk, view.use, view.limit, view.purse):
        column.setflags(write=False)
    return view
