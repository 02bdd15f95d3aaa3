# SPDX-License-Identifier: Apache-2.0
"""SolvencyGuard against its twin on random portfolios of every instrument: trades, outflows, refreshes.

Equal to the unit in every record, total, charge and refusal (invariant 59).
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from simulation.domain.margin_math import CollateralRisk, Portfolio, PositionRisk
from simulation.domain.market_math import Kind, is_inverse, kind
from simulation.domain.orders import Refused
from simulation.domain.risk_model import Greeks
from tests.evm import Reverted
from tests.exposure import BTC, ETH, NANO, WAD, Desk, fresh_desk, traded

CALLS = 150
OPTIONS = (257, 258, 259, 513, 514)
MARKETS = (1, 2, 3, 128, 129, 256, 512, *OPTIONS)
"""3 is not admitted."""
MARKS = {
    1: 2_000 * NANO,
    2: 30_000 * NANO,
    3: 5 * NANO,
    128: 1_990 * NANO,
    129: 29_900 * NANO,
    256: 2_010 * NANO,
}


class Walk:
    """Accounts that stand differently every time they are asked about."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.desk: Desk = fresh_desk()
        self.marks = {market: MARKS.get(market, self.rng.randrange(1, 900) * NANO) for market in MARKETS}
        self.indexes = {128: self.rng.randrange(-(10**8), 10**8), 129: 0}
        for market, mark in self.marks.items():
            index = self.indexes.get(market, 0)
            self.desk.mock.set_word(market, 1 << 255 | index % 2**80 << 144 | mark << 72 | mark)
        self.outcomes: Counter[str] = Counter()

    def portfolio(self) -> Portfolio:
        rng = self.rng
        positions = []
        for market in rng.sample(MARKETS, rng.randrange(0, 7)):
            mark, size = self.marks[market], rng.randrange(-(10**13), 10**13) // self.marks[market] * NANO
            orders = [abs(size) * rng.randrange(0, 3) // 2 for _ in range(2)]
            profit = rng.randrange(-(10**22), 10**22)
            spot = mark if kind(market) is not Kind.OPTION else 2_000 * NANO
            positions.append(PositionRisk(market, size, mark, spot, 10**8, profit, *orders))
        values = [rng.randrange(0, 10**22) for _ in range(rng.randrange(0, 3))]
        collaterals = [CollateralRisk(i, value, 10**8, 500, 1_000) for i, value in enumerate(values, 1)]
        if rng.random() < 0.3:
            collaterals.append(CollateralRisk(9, rng.randrange(10**21), 10**8, 0, 0))
        cash = rng.choice((-(10**21), 10**21, 10**22, 10**23))
        return Portfolio(
            rng.randrange(min(0, cash), max(1, cash)), NANO, tuple(positions), tuple(collaterals)
        )

    def learn(self) -> None:
        for market in OPTIONS:
            delta = self.rng.randrange(0, 2_000 * NANO) * (1 if market % 2 else -1)
            seconds = self.rng.choice((0, 1, 86_400))
            self.desk.know(market, self.rng.choice((None, Greeks(delta, 5, 7, seconds))))

    def held_index(self, account: int, market: int) -> int:
        return int(self.desk.mock.position(account, market).funding_index)

    def trade(self, account: int, portfolio: Portfolio) -> None:
        rng, desk = self.rng, self.desk
        market = rng.choice(MARKETS)
        mark = self.marks[market]
        size = rng.choice((0, rng.randrange(-(10**13), 10**13) // mark * NANO))
        price = round(mark * rng.uniform(0.98, 1.02))
        quote = size * NANO // price if is_inverse(market) else size * price
        call = (market, size, quote, rng.randrange(WAD), rng.choice((0, size or NANO, -NANO)))
        index, held = self.indexes.get(market, 0), self.held_index(account, market)
        after = traded(portfolio, call, mark, index, held)
        if market in OPTIONS and not any(one.market == market for one in portfolio.positions):
            # The registry's word of an option has the spot price.
            desk.mock.set_word(market, 1 << 255 | 2_000 * NANO << 72 | mark)
            after = self._at_spot(after, market)
        was = next((one for one in portfolio.positions if one.market == market), None)
        now = next(one for one in after.positions if one.market == market)
        adds = _adds_size(was, now)
        before, then = desk.model.measure(portfolio), desk.model.measure(after)
        self._compare("trade", account, call, adds, before, then)

    def _compare(self, name: str, account: int, call, adds, before, then) -> None:  # type: ignore[no-untyped-def]
        desk, kept = self.desk, dict(self.desk.model.records)
        charge, refused = 0, ""
        try:
            if adds:
                charge = desk.model.judge(account, before, then)
            else:
                desk.model.record(account, then)
        except Refused as error:
            refused, desk.model.records = str(error), kept
        previewed = desk.guard.preview_trade(account, call) if name == "trade" else None
        try:
            receipt = desk.trade(account, *call) if name == "trade" else desk.outflow(account)
        except Reverted as error:
            assert (error.reason, refused) == (refused, "solvency_guard: past the buffer")
            assert previewed is None or previewed[1]
            self.outcomes[f"{name} refused"] += 1
            return
        assert not refused, (name, call)
        assert receipt.value == charge
        assert previewed is None or tuple(previewed) == (charge, False)
        charged = [event["charge"] for event in receipt.named("ExposureCharged")]
        assert charged == ([charge] if charge else [])
        self.outcomes[f"{name} charged" if charge else f"{name} {'adds' if adds else 'keeps'}"] += 1

    def _at_spot(self, portfolio: Portfolio, market: int) -> Portfolio:
        positions = tuple(
            PositionRisk(
                one.market,
                one.size,
                one.mark,
                2_000 * NANO,
                one.confidence,
                one.unrealised,
                one.bids,
                one.asks,
            )
            if one.market == market
            else one
            for one in portfolio.positions
        )
        return Portfolio(portfolio.cash, portfolio.stable_price, positions, portfolio.collaterals)

    def step(self) -> None:
        rng, desk = self.rng, self.desk
        account = rng.randrange(1, 5)
        portfolio = self.portfolio()
        # What the last portfolio of the account held must not be left in the mock.
        for market in MARKETS:
            desk.mock.set_position(account, market, (0, 0, 0, 0, 0))
        desk.stand(account, portfolio, {128: rng.randrange(-(10**8), 10**8), 129: rng.randrange(10**6)})
        if rng.random() < 0.2:
            self.learn()
        if rng.random() < 0.3:
            desk.fund(rng.choice((0, 10**4, 10**6, 10**8)))
            desk.set_mode(rng.choice((1, 2, 2, 2, 4)), rng.randrange(10_001))
        action = rng.choice(("trade", "trade", "trade", "outflow", "refresh"))
        if action == "trade":
            self.trade(account, portfolio)
        elif action == "outflow":
            recorded = desk.recorded(account)
            self._compare("outflow", account, (), True, recorded, desk.model.measure(portfolio))
        else:
            desk.guard.refresh([account])
            desk.model.record(account, desk.model.measure(portfolio))
            self.outcomes["refresh"] += 1
        self.check(account)

    def check(self, account: int) -> None:
        desk = self.desk
        recorded = desk.model.records.get(account)
        if recorded is not None:
            assert desk.recorded(account) == recorded
        for feed in (ETH, BTC):
            assert desk.totals(feed) == desk.model.total(feed)
            assert desk.guard.solvency_delta(feed).buffer // NANO == desk.model.buffer(feed)
        assert desk.guard.owed() == desk.model.owed * NANO


def _adds_size(was: PositionRisk | None, now: PositionRisk) -> bool:
    size, bids, asks = (was.size, was.bids, was.asks) if was else (0, 0, 0)
    grows = abs(now.size) > abs(size) or now.size * size < 0
    worst = max(abs(now.size + now.bids), abs(now.size - now.asks))
    return grows or worst > max(abs(size + bids), abs(size - asks))


@pytest.mark.parametrize("seed", range(4))
def test_every_record_total_charge_and_refusal_is_the_twin_s(seed: int) -> None:
    walk = Walk(seed)
    walk.learn()
    for _ in range(CALLS):
        walk.step()
    assert {"trade adds", "trade keeps", "trade charged", "refresh"} <= set(walk.outcomes), walk.outcomes
