# SPDX-License-Identifier: Apache-2.0
"""The deployed desk against simulation/domain/model/credit.py, call by call: refusals, books, lines, losses.

Lenders, an underwriter, borrowers who trade, prices that fall and recover, liquidations that draw. The model
is told what the base engine says of an account and what a bidder was paid, and predicts everything else.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from copy import deepcopy
from typing import Any

from simulation.domain.model.credit import CreditRules, Desk, Measure, Tranche
from simulation.domain.orders import Refused
from tests.credit import CREDIT, DAY, JUNIOR, SENIOR, UNIT, CreditWorld, fresh_credit_world
from tests.evm import Reverted
from tests.protocol import CROSS

WAD = 10**18
SCALE = 10**12
LENDERS = ("anna", "bert", "carl")


class Pair:
    """The contract and the model side by side."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.world: CreditWorld = fresh_credit_world()
        world, desk = self.world, self.world.desk
        self.desk = desk
        rules = desk.parameters()
        self.model = Desk(CreditRules(5_000, 20_000, *rules), SCALE, now=world.env.timestamp)
        self.price = 2_000
        self.maker = world.account("maker", cash=10**8)
        self.keeper = world.account("keeper", cash=10**8)
        self.accounts = [world.borrower(f"borrower {i}", cash=1_500) for i in range(3)]
        self.calls: Counter[str] = Counter()
        world.cash.mint(world.env.address("depositor"), 10**13)
        depositor = world.env.address("depositor")
        world.cash.approve(world.fund.address, 10**13, sender=depositor)
        world.fund.deposit(10**13, depositor, sender=depositor)

    def role(self, account: int) -> str:
        return f"borrower {self.accounts.index(account)}"

    def tranche(self, number: int) -> Tranche:
        return self.model.junior if number == JUNIOR else self.model.senior

    def seen(self, account: int) -> Measure:
        """What the world says of an account without its line."""
        world = self.world
        view, valid = world.ledger.portfolio(account)
        bare = (*view[:3], [held for held in view.collaterals if held.asset != 9])
        found = world.contracts["CrossMargin"].assess(bare)
        return Measure(
            equity=found.equity,
            margin=found.initial_margin,
            flat=world.ledger.listed(account) == 0,
            consents=world.vault.authorised(account, self.desk.address),
            on_engine=world.vault.account(account).engine_id == CREDIT,
            liquidating=world.ledger.in_liquidation(account),
            valid=valid,
        )

    def both(self, name: str, chain: Any, model: Any) -> Any:
        """One call of each: both refuse for the same reason, or both answer alike."""
        self.model.now = self.world.env.timestamp
        before = deepcopy(self.model)
        try:
            expected: Any = model()
        except Refused as refused:
            expected, self.model = str(refused), before
        try:
            answer: Any = chain()
        except Reverted as reverted:
            answer = reverted.reason
        if isinstance(expected, str) or isinstance(answer, str):
            assert answer == expected, (name, answer, expected)
            self.calls[f"{name}: {answer}"] += 1
            return None
        self.calls[name] += 1
        return answer, expected

    # -- calls

    def deposit(self) -> None:
        number, role = self.rng.choice((JUNIOR, SENIOR)), self.rng.choice(LENDERS)
        amount = self.rng.choice((0, 1, self.rng.randrange(1, 3_000 * UNIT), 2_000 * UNIT))
        pair = self.both(
            "deposit",
            lambda: self.world.lend(role, number, amount).value,
            lambda: self.model.deposit(self.tranche(number), role, amount),
        )
        assert pair is None or pair[0] == pair[1]

    def redeem(self) -> None:
        number, role = self.rng.choice((JUNIOR, SENIOR)), self.rng.choice(LENDERS)
        lender = self.world.env.address(role)
        held = self.tranche(number).shares[role]
        shares = self.rng.choice((0, held, held + 1, self.rng.randrange(held + 1)))
        pair = self.both(
            "redeem",
            lambda: self.desk.redeem(number, shares, lender, sender=lender).value,
            lambda: self.model.redeem(self.tranche(number), role, shares),
        )
        assert pair is None or pair[0] == pair[1]

    def grant(self) -> None:
        account = self.rng.choice(self.accounts)
        amount = self.rng.choice((0, self.rng.randrange(2_000 * UNIT), *3 * (1_500 * UNIT,), 20_000 * UNIT))
        term = self.world.env.timestamp + self.rng.choice((0, 1, 181 * DAY, *4 * (20 * DAY, 90 * DAY)))
        self.both(
            "grant",
            lambda: self.desk.grant(account, amount, term, sender=self.world.underwriter),
            lambda: self.model.grant(account, amount, term, self.seen(account)),
        )

    def lent(self) -> int:
        """An account with a line, if there is one."""
        return self.rng.choice(sorted(self.model.lines) or self.accounts)

    def review(self) -> None:
        account = self.lent()
        seen = self.seen(account)
        pair = self.both(
            "review", lambda: self.desk.review(account), lambda: self.model.review(account, seen)
        )
        if pair is not None:
            receipt, taken = pair
            paid = receipt.named("IncomePaid")
            assert sum(event["junior"] + event["senior"] for event in paid) == taken

    def default(self) -> None:
        called = [account for account, line in self.model.lines.items() if line.called]
        account = self.rng.choice(called) if called else self.lent()
        line = self.model.lines.get(account)
        if line is not None and line.called and self.rng.random() < 0.5:
            self.world.env.advance(max(line.called + DAY - self.world.env.timestamp, 1))
            self.world.prices(ETH=self.price, BTC=30_000)
        self.both(
            "default",
            lambda: self.desk.declare_default(account),
            lambda: self.model.declare_default(account, self.seen(account)),
        )

    def liquidate(self) -> None:
        """Starts what can be started and sells it whole or in part; the model pays its part of the price."""
        account, world = self.lent(), self.world
        keeper, seen = world.env.address("keeper"), self.seen(account)
        for call in (world.liquidator.start, world.liquidator.mark_insolvent):
            with suppress(Reverted):
                call(account, sender=keeper)
        fraction = self.rng.choice((WAD, WAD // 3))
        try:
            receipt = world.liquidator.bid(account, self.keeper, fraction, 2**200, sender=keeper)
        except Reverted:
            return
        wanted = max(-receipt.value[1], 0)
        drawn = self.model.draw(account, -(-wanted // SCALE)) if wanted and seen.on_engine else (0, 0)
        borne = [(event["junior"], event["senior"]) for event in receipt.named("LossBorne")]
        assert borne == ([drawn] if sum(drawn) else [])
        self.calls["loss"] += bool(sum(drawn))

    def trade(self) -> None:
        account = self.rng.choice(self.accounts)
        size = self.rng.choice((1, 8, 12, 15))
        buyer, seller = self.rng.choice(((account, self.maker), (self.maker, account)))
        try:
            self.world.trade(buyer, seller, 1, self.price, size)
        except Reverted:
            return
        finally:
            for number in (account, self.maker):
                if not self.world.ledger.in_liquidation(number):
                    owner = self.world.vault.account(number).owner
                    self.world.exchange.cancel_all(number, sender=owner)

    def money(self) -> None:
        account = self.rng.choice(self.accounts)
        if self.rng.random() < 0.6:
            self.world.deposit(self.role(account), account, 0, self.rng.randrange(1, 1_000 * UNIT))
            return
        owner = self.world.env.address(self.role(account))
        with suppress(Reverted):
            units = self.rng.randrange(1, 1_000 * UNIT)
            self.world.vault.withdraw(account, 0, units, owner, sender=owner)

    def consent(self) -> None:
        account, allowed = self.rng.choice(self.accounts), self.rng.random() < 0.8
        owner = self.world.env.address(self.role(account))
        self.world.vault.set_delegate(account, self.desk.address, allowed, sender=owner)

    def switch(self) -> None:
        account = self.rng.choice(self.accounts)
        owner = self.world.env.address(self.role(account))
        try:
            self.world.switch.change(account, sender=owner)
            self.calls["engine changed"] += 1
        except Reverted:
            target = self.rng.choice((CROSS, CREDIT))
            self.world.switch.request(account, target, sender=owner)

    def time(self) -> None:
        self.world.env.advance(self.rng.choice((60, 3_700, DAY // 2, DAY, 15 * DAY)))
        if self.rng.random() < 0.9:
            step = self.rng.choice((-250, -60, -20, 20, 60, 250))
            self.price = min(max(self.price + step, 1_200), 2_600)
            self.world.prices(ETH=self.price, BTC=30_000)

    # -- comparison

    def compare(self) -> None:
        world, desk, model = self.world, self.desk, self.model
        model.now = world.env.timestamp
        for number in (JUNIOR, SENIOR):
            mine = self.tranche(number)
            assert desk.tranche_assets(number) == mine.assets
            assert desk.tranche_supply(number) == mine.supply
            assert desk.tranche_series(number) == mine.series
            assert desk.redeemable(number) == model.redeemable(mine)
            for role in LENDERS:
                assert desk.shares_of(number, world.env.address(role)) == mine.shares[role]
        assert (desk.total_committed(), desk.open_calls()) == (model.committed, model.open_calls)
        for account in self.accounts:
            line = model.lines.get(account)
            stored = desk.line(account)
            credit = model.credit(account, world.ledger.in_liquidation(account))
            assert desk.line_word(account) == credit.value | (credit.initial_haircut << 128)
            if line is None:
                assert (stored.committed, stored.owed, stored.used) == (0, 0, 0)
                continue
            assert tuple(stored) == (
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
        world.check()


ACTIONS = (
    (Pair.deposit, 6),
    (Pair.redeem, 6),
    (Pair.grant, 14),
    (Pair.review, 14),
    (Pair.default, 10),
    (Pair.liquidate, 5),
    (Pair.trade, 20),
    (Pair.money, 6),
    (Pair.consent, 2),
    (Pair.switch, 5),
    (Pair.time, 14),
)
SEEDS = 12


def run(seed: int, steps: int = 150) -> Counter[str]:
    """How often each call went through or was refused."""
    pair = Pair(seed)
    for number in (JUNIOR, SENIOR):
        for role in LENDERS:
            pair.world.lend(role, number, 2_000 * UNIT)
            pair.model.deposit(pair.tranche(number), role, 2_000 * UNIT)
    actions, weights = zip(*ACTIONS, strict=True)
    for _ in range(steps):
        pair.rng.choices(actions, weights)[0](pair)
        pair.compare()
    return pair.calls


def test_contract_and_model() -> None:
    """One test of all seeds: a comparison that never saw a default or a loss would prove little."""
    calls: Counter[str] = Counter()
    for seed in range(SEEDS):
        calls += run(seed)
    for name in ("deposit", "redeem", "grant", "review", "default", "loss", "engine changed"):
        assert calls[name] >= 3, (name, calls)
