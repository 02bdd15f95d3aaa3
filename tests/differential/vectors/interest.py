# SPDX-License-Identifier: Apache-2.0
"""Interest of Derive's cash asset, through the Vault: rates at a utilisation, and a sequence of ten events.

A rate is what a loan really grows by. In the sequence the fund is an account that is handed the protocol's
share after every step; Derive credits it first, so that it earns within the step, and its balance is compared
to 1e-6, all else to 1e-8. Two parts belong to Derive alone (other_designs.WITHOUT): what lenders earn there
from loans that mirror losses settled before the profits, and cash printed for losses beyond the fund.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any

from tests.protocol import WAD, World, with_decimals

__all__ = ["NAMES", "check"]

NAMES = ("interest_rate.json", "cash_interest_sequence.json")
DAY = 86_400
YEAR = 365
DUST = 10**12
"""Wad: a millionth of a USD."""
PAYMENT = 4
"""Reason of a payment between accounts."""
CURVE = (0.05, 0.3, 0.4, 0.6)
"""Of the sequence, in which the kink is never reached."""
RELATIVE, OF_THE_FUND = Decimal("1e-8"), Decimal("1e-6")


def check(data: Mapping[str, Any]) -> None:
    """Asserts every expected number of a file of either kind."""
    if "cases" in data:
        assert data["factor"]["rate"] in [case["rate"] for case in data["cases"]]
        for case in data["cases"]:
            _check_rate(data["params"], data["factor"], case)
    else:
        _Sequence(data).run()


def wad(number: float) -> int:
    return int(Decimal(str(number)).scaleb(18))


def _world() -> World:
    """A Vault whose ledger and liquidator are roles; tokens of 18 decimals, so that nothing is rounded."""
    return World(with_decimals(18, 18), wiring={"Vault": ("ledger", "liquidator", "InsuranceFund")})


def _near(found: int | Decimal, expected: int | Decimal, relative: Decimal = RELATIVE) -> None:
    assert abs(found - expected) <= relative * abs(expected), f"{found}, not {expected}"


def _growth(world: World, seconds: int) -> Decimal:
    """What a loan grows by in that time, less one; undone."""
    with world.env.anchor():
        world.vault.accrue_interest()
        before = world.vault.interest_indexes()[0]
        world.env.advance(seconds)
        world.vault.accrue_interest()
        return Decimal(world.vault.interest_indexes()[0]) / before - 1


def _rate(world: World) -> Decimal:
    """Yearly, as a loan grows within a day."""
    with localcontext() as context:
        context.prec = 40
        return (1 + _growth(world, DAY)).ln() * YEAR


def _check_rate(params: Mapping[str, float], factor: Mapping[str, Any], case: Mapping[str, Any]) -> None:
    world = _world()
    curve = tuple(wad(params[key]) for key in ("min_rate", "slope", "high_slope", "optimal"))
    world.vault.set_interest(*curve, 0)
    lender, borrower = world.account("maker", cash=case["supply"] - case["borrow"]), world.account("trader")
    # Without a loan there is no rate to be seen: the least one stands for none.
    borrow = case["borrow"] * WAD or DUST
    liquidator = world.env.address("liquidator")
    world.vault.move_cash(borrower, lender, borrow, PAYMENT, sender=liquidator)
    books = world.vault.reconcile()
    assert books.total_supply - case["supply"] * WAD in (0, DUST)
    assert books.total_borrow == borrow
    _near(_rate(world), Decimal(str(case["rate"])))
    if case["rate"] == factor["rate"]:
        _near(_growth(world, factor["seconds"]), Decimal(str(factor["exp_minus_1"])))


class _Sequence:
    """The events of the file on one Vault."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.world = _world()
        self.liquidator = self.world.env.address("liquidator")
        names = ("Alice", "Bob", "Charlie", "David", "Eric", "SM")
        self.accounts = {name: self.world.account(name) for name in names}
        self.world.vault.set_interest(*map(wad, CURVE), 0)
        self.open(dict(zip(names, data["StartingBalances"], strict=True)))

    def open(self, balances: dict[str, int]) -> None:
        """Deposits what is not lent, then lends: each debtor to the last who has more than it deposited."""
        debt = -sum(min(balance, 0) for balance in balances.values())
        for name, balance in balances.items():
            if balance > 0:
                units = balance - (debt if name == "SM" else 0)
                self.world.deposit(name, self.accounts[name], 0, units)
        for name, balance in balances.items():
            if balance < 0:
                self.pay(name, "SM", -balance)

    def run(self) -> None:
        """Every step: time, the fund's share, the event, then all totals."""
        for step, event in enumerate(self.data["EventsVec"]):
            if step:
                self.world.vault.set_interest(*map(wad, CURVE), self.data["SMFeeShare"][step])
                self.world.env.advance(event["key5"] * DAY // WAD)
                self.world.vault.accrue_interest()
                self.hand_fees_to_the_fund()
            self.happen(event)
            self.compare(step)

    def pay(self, sender: str, receiver: str, amount: int) -> None:
        if amount:
            pair = (self.accounts[sender], self.accounts[receiver])
            self.world.vault.move_cash(*pair, amount, PAYMENT, sender=self.liquidator)

    def hand_fees_to_the_fund(self) -> None:
        fees = self.world.vault.reconcile().fees
        if fees:
            self.world.vault.sweep_fees()
            self.world.cash.mint(self.world.vault.address, fees)
            self.world.vault.cover(self.accounts["SM"], fees, sender=self.liquidator)

    def happen(self, event: Mapping[str, Any]) -> None:
        kind, name, amount = event["key1"], event["key2"], event["key4"]
        if kind == "TRADE":
            first, second = (name, event["key3"]) if amount < 0 else (event["key3"], name)
            self.pay(first, second, abs(amount))
        elif kind == "SETTLEMENT":
            ledger = self.world.env.address("ledger")
            self.world.vault.apply_trade(self.accounts[name], amount, 0, sender=ledger)
        elif kind == "BORROW":
            # Cash that leaves the Vault. A withdrawal would ask the Ledger for margin, who is a role here.
            self.world.vault.move_cash(self.accounts[name], 0, -amount, PAYMENT, sender=self.liquidator)
            self.world.vault.sweep_fees()
        elif kind == "INSOLVENCY":
            # What the fund cannot pay is nobody's cash here.
            self.pay("SM", name, min(amount, self.world.vault.cash(self.accounts["SM"])))
        else:
            assert kind == "START"

    def compare(self, step: int) -> None:
        vault, data = self.world.vault, self.data
        cash = [vault.cash(account) for account in self.accounts.values()]
        assert abs(vault.reconcile().net_settled - data["netPrints"][step]) <= 10
        _near(-sum(min(one, 0) for one in cash), data["totalBorrows"][step])
        if not step or data["netPrints"][step - 1] >= 0:
            _near(vault.cash(self.accounts["SM"]), data["SMBalances"][step], OF_THE_FUND)
        if data["SMBalances"][step]:
            _near(sum(max(one, 0) for one in cash), data["totalSupplys"][step])
            _near(_rate(self.world), Decimal(data["borrowRates"][step]) / WAD)
