# SPDX-License-Identifier: Apache-2.0
"""One run of the protocol under drawn calls: what was called, what it changed, what events alone say.

A rule (actions.py) makes calls through `Driver.call`; each becomes a `Step`, world before and after, that
every observer sees at once. The driver itself judges nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.stateful.margins import CREDIT, Margin, Margins
from tests.stateful.parameters import initial_parameters
from tests.stateful.rig import Rig, calldata
from tests.stateful.world_state import SERIES, Account, Event, Outcome, State

__all__ = [
    "DELEVERAGE",
    "ESCALATED",
    "HALF_TIME",
    "IDLE",
    "INSOLVENT",
    "NOTICE",
    "QUIET",
    "SOLVENT",
    "Auction",
    "Driver",
    "MarginCall",
    "Order",
    "Step",
]

IDLE, SOLVENT, INSOLVENT, DELEVERAGE = 1, 2, 4, 8
QUIET, NOTICE, HALF_TIME, ESCALATED = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Order:
    """A resting order as its events tell it."""

    order_id: int
    account: int
    market: int
    is_bid: bool
    tick: int
    lots: int
    placed: int
    """Lots when it came to rest."""
    expiry: int
    reduce_only: bool
    age: int


@dataclass(frozen=True, slots=True)
class Auction:
    """The state of an auction as its events tell it."""

    phase: int
    started: int
    """By the clock that runs."""
    reserved: int = 0
    paused: int = 0
    """Seconds on the clock that stands still."""

    def turned(self, phase: int, now: int) -> Auction:
        """In another phase, with the other clock."""
        return Auction(phase, now - self.paused, 0, now - self.started)


@dataclass(frozen=True, slots=True)
class MarginCall:
    """A margin call as its events tell it; void from `lapses` on."""

    stage: int
    called: int
    deadline: int
    lapses: int


@dataclass(frozen=True, slots=True)
class Step:
    """One contract call and the world on both sides of it, at one time."""

    rule: str
    caller: str
    contract: str
    function: str
    args: tuple[Any, ...]
    outcome: Outcome
    before: State
    after: State
    auctions: dict[int, Auction]
    """Before the call."""
    orders: dict[int, Order]
    """Before the call."""
    calls: dict[int, MarginCall]
    """Before the call, lapsed ones too."""
    paused: dict[str, int]
    forbidden: bool
    """The caller has no right to this call."""

    @property
    def ok(self) -> bool:
        return self.outcome.ok

    def named(self, name: str) -> list[dict[str, int]]:
        return [event.args for event in self.outcome.events if event.name == name]


class Driver:
    """State of a run.

    Args:
        rng: where every draw comes from.
        observers: called after each step.
        rig: a chain of its own; a fresh one if none is given.
    """

    def __init__(
        self, rng: Random, observers: tuple[Callable[[Driver, Step], None], ...] = (), rig: Rig | None = None
    ) -> None:
        self.rng = rng
        self.observers = observers
        self.rig = rig or Rig()
        self.scale = 10 ** (18 - self.rig.protocol.cash.decimals)
        self.parameters = initial_parameters(self.rig)
        self.state = self.rig.read()
        self.rule = "setup"
        self.succeeded: Counter[str] = Counter()
        self.attempted: Counter[str] = Counter()
        self.owners: dict[int, str] = {}
        self.margins = Margins(self.rig, self.parameters)
        self.delegates: defaultdict[int, set[str]] = defaultdict(set)
        self.orders: dict[int, Order] = {}
        self.auctions: dict[int, Auction] = {}
        self.calls: dict[int, MarginCall] = {}
        self.donated: Counter[tuple[str, str]] = Counter()
        self.prices: dict[int, tuple[int, int]] = {}
        """Spot and mark that were last sent to each feed, nano USD."""
        self.expiries = {
            series: self.rig.view("Instruments", "series(uint256)", series).word(1) for series in SERIES
        }
        self.last_update: tuple[Any, ...] | None = None
        self.last_surface: tuple[Any, ...] | None = None
        """Signed and stored, as is the last price; the next one was signed for a time before it."""
        self.older_surface: tuple[Any, ...] | None = None
        self.age = 0
        self.time_observers: list[Callable[[Driver, State, State], None]] = []
        self.requests: dict[int, int] = {}
        """Engine that each account has last asked for."""

    # --- acting

    def call(
        self, caller: str, contract: str, signature: str, *args: Any, forbidden: bool = False
    ) -> Outcome:
        """One transaction, observed."""
        before = self.state
        outcome = self.rig.send(self.rig.roles[caller], contract, calldata(signature, *args))
        # What reverts changes no slot anywhere (the checker asserts it), so the world is the one before.
        after = self.rig.read() if outcome.ok else before
        function = signature.split("(", 1)[0]
        step = Step(
            rule=self.rule,
            caller=caller,
            contract=contract,
            function=function,
            args=args,
            outcome=outcome,
            before=before,
            after=after,
            auctions=dict(self.auctions),
            orders=dict(self.orders),
            calls=dict(self.calls),
            paused=dict(self.parameters.paused),
            forbidden=forbidden,
        )
        self.attempted[self.rule] += 1
        if outcome.ok:
            self.succeeded[self.rule] += 1
            self._note(step)
        self.state = after
        for observer in self.observers:
            observer(self, step)
        return outcome

    def advance(self, seconds: int) -> None:
        """Time passes, nothing is called."""
        if seconds == 0:
            return
        before = self.state
        self.rig.time += seconds
        self.state = self.rig.read()
        for observer in self.time_observers:
            observer(self, before, self.state)

    # --- what events and calls tell

    def _note(self, step: Step) -> None:
        for event in step.outcome.events:
            self._note_event(step, event)
        function, args = step.function, step.args
        parameters = self.parameters
        if function == "create_account":
            account = step.outcome.word()
            self.owners[account] = step.caller
            self.engines[account] = args[0]
        elif function == "request":
            self.requests[args[0]] = args[1]
        elif function == "change":
            self.engines[args[0]] = self.requests.pop(args[0])
        elif function == "set_delegate":
            role = self.role_of(args[1])
            (self.delegates[args[0]].add if args[2] else self.delegates[args[0]].discard)(role)
        elif function == "transfer" and step.contract in (
            "CashToken",
            "Token:WETH",
            "Token:WBTC",
            "Token:EURC",
        ):
            self.donated[step.contract, self._name_of(args[0])] += args[1]
        elif step.contract == "RiskBoard":
            if step.outcome.word():
                self.margins.refresh_board(args[0], step.after)
        elif step.contract == "DynamicMargin" and function == "refresh":
            self.margins.refresh_scales(args[0], step.after)
        elif step.contract != "Oracle":
            parameters.note(step.contract, function, args)

    def _note_event(self, step: Step, event: Event) -> None:
        args = event.args
        if event.name == "OrderPlaced":
            self.age += 1
            self.orders[args["order_id"]] = Order(
                args["order_id"],
                args["account"],
                args["market"],
                bool(args["is_bid"]),
                args["tick"],
                args["lots"],
                args["lots"],
                args["expiry"],
                bool(args["options"] & 4),
                self.age,
            )
        elif event.name == "OrderFilled":
            order = self.orders.get(args["order_id"])
            if order is not None:
                if args["remaining"] == 0:
                    del self.orders[args["order_id"]]
                else:
                    self.orders[args["order_id"]] = replace(order, lots=args["remaining"])
        elif event.name == "OrderRemoved":
            self.orders.pop(args["order_id"], None)
        elif event.name == "MarginCalled":
            known = self.calls.get(args["account"])
            since = known.called if known is not None and args["stage"] == HALF_TIME else step.after.time
            self.calls[args["account"]] = MarginCall(args["stage"], since, args["deadline"], args["lapses"])
        elif event.name == "MarginCallEscalated":
            self.calls[args["account"]] = replace(self.calls[args["account"]], stage=ESCALATED)
        elif event.name == "MarginCallCured":
            del self.calls[args["account"]]
        elif event.name in ("AuctionStarted", "AuctionInsolvent", "DeleverageStarted"):
            self.calls.pop(args["account"], None)
            self._note_phase(event, step.after.time)
        elif event.name == "AuctionBid":
            auction = self.auctions[args["account"]]
            paid = max(args["price"], 0)
            self.auctions[args["account"]] = replace(auction, reserved=auction.reserved + paid)
        elif event.name == "AuctionEnded":
            self.auctions.pop(args["account"], None)

    def _note_phase(self, event: Event, now: int) -> None:
        account = event.args["account"]
        known = self.auctions.get(account)
        if known is None:
            insolvent = event.name == "AuctionStarted" and event.args["insolvent"]
            self.auctions[account] = Auction(INSOLVENT if insolvent else SOLVENT, now)
        elif event.name == "DeleverageStarted":
            self.auctions[account] = Auction(DELEVERAGE, now, 0, known.paused)
        elif event.name == "AuctionInsolvent":
            # A new auction without equity says so twice.
            if known.phase == SOLVENT:
                self.auctions[account] = known.turned(INSOLVENT, now)
        elif known.phase == SOLVENT:
            self.auctions[account] = Auction(SOLVENT, now, 0, known.paused)
        else:
            self.auctions[account] = known.turned(SOLVENT, now)

    def role_of(self, address: bytes) -> str:
        found = (role for role, known in self.rig.roles.items() if known == address)
        return next(found, self._name_of(address))

    def _name_of(self, address: bytes) -> str:
        return next((name for name, known in self.rig.at.items() if known == address), "")

    def margin_call(self, account: int) -> tuple[int, int, int, int]:
        """Stage, notice, deadline and end of an account's margin call, as the chain says now."""
        found = self.rig.view("Liquidator", "margin_call(uint256)", account)
        return found.word(0), found.word(1), found.word(2), found.word(3)

    # --- valuation

    def authorised(self, account: int, role: str) -> bool:
        return self.owners.get(account) == role or (
            account in self.owners and role in self.delegates[account]
        )

    def caller_for(self, account: int) -> str:
        """The owner, sometimes a delegate."""
        delegates = sorted(role for role in self.delegates[account] if role in self.rig.roles)
        if delegates and self.rng.random() < 0.3:
            return self.rng.choice(delegates)
        return self.owner(account)

    @property
    def engines(self) -> dict[int, int]:
        """Engine of each account."""
        return self.margins.engines

    def margin(self, state: State, number: int) -> Margin:
        """Margin of an account in a state, by its engine's twin."""
        return self.margins.margin(state, number)

    def cash_now(self, state: State, account: Account) -> int:
        """Cash with interest to the state's time."""
        return self.margins.cash_now(state, account)

    def owner(self, account: int) -> str:
        """The account's owner; an attacker for those that have none."""
        return self.owners.get(account, "attacker")

    def owned(self) -> list[int]:
        """Accounts of people; the CoinPool's own is not among them."""
        return sorted(self.owners)

    def lines(self) -> list[int]:
        """Accounts with a credit line."""
        found = enumerate(self.state.desk.lines, 1)
        return [number for number, line in found if line.committed]

    def credit_accounts(self) -> list[int]:
        return [number for number in self.owned() if self.engines[number] == CREDIT]
