# SPDX-License-Identifier: Apache-2.0
"""The model of simulation/domain/model beside a run: the same calls, and everything compared after each."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable
from typing import Any

from simulation.domain.model import (
    CoinPool,
    DynamicEngine,
    Quote,
    Refused,
    RiskEngine,
    ScenarioEngine,
    Switch,
)
from simulation.domain.model.protocol import DESK
from simulation.domain.oracle_math import pack_tick
from tests.stateful.driver import Driver, Step
from tests.stateful.handlers import HANDLERS, name_of
from tests.stateful.margins import CROSS, DYNAMIC, PORTFOLIO, RISK
from tests.stateful.modelled import new_model
from tests.stateful.world_state import (
    ASSETS,
    DATED,
    FEEDS,
    HOLDERS,
    INVERSE,
    LENDERS,
    MARKETS,
    PERPETUALS,
    SERIES,
    Line,
    State,
)

__all__ = ["Mirror"]

NO_LINE = Line(0, 0, 0, 1, 0, 0, 0, 0, 0)


class Mirror:
    """Observes a driver; raises AssertionError at the first difference."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.model = new_model(driver)
        self.calls = 0
        self.refused: Counter[str] = Counter()
        driver.observers = (*driver.observers, self)

    def __call__(self, driver: Driver, step: Step) -> None:
        self.calls += 1
        self.model.advance(step.after.time)
        # No call changes these engines, and their many values would be most of a copy.
        engines = self.model.ledger.engines
        given = {engine: engines.pop(engine) for engine in (PORTFOLIO, RISK)}
        before = pickle.dumps(self.model)
        engines |= given
        self.give(step.before)
        refusal = ""
        try:
            self.follow(step)
        except Refused as error:
            refusal = str(error)
            self.refused[refusal] += 1
            self.model = pickle.loads(before)
            self.model.ledger.engines |= given
        told = f"call {self.calls}: {step.caller} -> {step.contract}.{step.function}{step.args}"
        assert step.ok == (not refusal), f"{told}\ncontract: {step.outcome.reason!r}\nmodel: {refusal!r}"
        if step.ok:
            differences = [*self.compare(step.after), *self.compare_call(step)]
            assert not differences, f"{told}\n" + "\n".join(differences)

    def follow(self, step: Step) -> None:
        """The same call to the model."""
        if step.forbidden:
            raise Refused("not allowed")
        if step.contract in ("Surface", "RiskBoard") and step.function in ("update", "refresh"):
            return  # What they price is given; that an unsigned surface is refused is checked elsewhere.
        HANDLERS[name_of(step)](self, step)

    @property
    def pool(self) -> CoinPool:
        assert self.model.pool is not None
        return self.model.pool

    @property
    def switch(self) -> Switch:
        assert self.model.switch is not None
        return self.model.switch

    def give(self, state: State) -> None:
        """Forwards, marks, sensitivities of options and boards: what the model does not work out."""
        markets = self.model.markets
        for number, quoted in state.series.items():
            markets.series[number].fixed, markets.series[number].variable = quoted.fixed, quoted.variable
        for market in DATED:
            found = state.markets[market]
            markets.dated[market].given = Quote(found.mark, found.spot, found.confidence, found.valid)
        margins, engines = self.driver.margins, self.model.ledger.engines
        scenario, risk = engines[PORTFOLIO], engines[RISK]
        assert isinstance(scenario, ScenarioEngine) and isinstance(risk, RiskEngine)
        scenario.boards = dict(margins.boards)
        risk.greeks = margins.greeks(state, DATED)

    def role(self, address: bytes) -> str:
        known = {found: role for role, found in self.driver.rig.roles.items()}
        if address == self.driver.rig.at["CreditDesk"]:
            return DESK
        return known.get(address, "somebody")

    # --- everything, exactly

    def compare_call(self, step: Step) -> list[str]:
        """The margin call of the account that a step of the Liquidator is about."""
        if step.contract != "Liquidator" or not step.args or not isinstance(step.args[0], int):
            return []
        number = step.args[0]
        call = self.model.liquidation.call_of(number)
        expected = (1, 0, 0, 0) if call is None else (call.stage, call.called, call.deadline, call.lapses)
        actual = self.driver.margin_call(number)
        return [] if actual == expected else [f"margin call: model {expected}, contract {actual}"]

    def compare(self, state: State) -> list[str]:
        model, found = self.model, []

        def same(what: str, expected: Any, actual: Any) -> None:
            if expected != actual:
                found.append(f"{what}: model {expected}, contract {actual}")

        money = model.money
        for name, attribute in (
            ("backing", "backing"),
            ("deficit", "deficit"),
            ("net_settled", "net_settled"),
            ("fees", "fees"),
            ("reserve", "reserve"),
            ("total_supply", "total_supply"),
            ("total_borrow", "total_borrow"),
        ):
            same(name, getattr(money, attribute), getattr(state, name))
        same("interest indexes", money.indexes(state.time)[:2], (state.borrow_index, state.supply_index))
        same("exchange rate", money.exchange_rate(), state.exchange_rate)
        same("accounts", len(model.ledger.accounts), state.account_count)
        for number, account in model.ledger.accounts.items():
            actual = state.accounts[number - 1]
            name = f"account {number}"
            same(f"{name}: cash", (account.cash, account.cash_index), (actual.cash, actual.cash_index))
            same(f"{name}: collateral", tuple(account.units[asset] for asset in ASSETS), actual.units)
            same(f"{name}: engine", account.engine, self.driver.engines.get(number, CROSS))
            same(f"{name}: in liquidation", account.in_liquidation, actual.liquidating)
            expected = {
                market: (held.size, held.entry, held.funding_index, held.bids, held.asks, held.coin)
                for market, held in account.positions.items()
            }
            positions = {
                market: (held.size, held.entry, held.funding_index, held.bids, held.asks, held.coin)
                for market, held in actual.positions.items()
            }
            same(f"{name}: positions", expected, positions)
        for place, market in enumerate(PERPETUALS):
            quoted, funding = state.markets[market], model.markets.markets[market]
            same(
                f"market {market}: funding",
                (funding.index, funding.rate, funding.accrued_until),
                (quoted.stored_index, quoted.rate, state.accrued_until[place]),
            )
        for number in SERIES:
            same(f"series {number}", model.markets.series[number].price, state.series[number].price)
        for market in MARKETS:
            quoted, known = state.markets[market], model.markets.terms(market)
            same(f"market {market}: settled", model.markets.is_settled(market), quoted.settled)
            if quoted.settled:
                payoff = model.markets.quote(market, state.time)
                priced = Quote(quoted.mark, quoted.spot, quoted.confidence, quoted.valid)
                same(f"market {market}: payoff", payoff, priced)
            same(f"market {market}: index now", model.markets.index(market, state.time), quoted.index)
            same(f"market {market}: open interest", known.open_interest, quoted.open_interest)
            for is_bid, side in ((True, quoted.bids), (False, quoted.asks)):
                levels = tuple((level.tick, level.lots) for level in model.book.depth(market, is_bid))
                same(f"market {market}: book", levels, side)
        for feed in FEEDS:
            same(f"feed {feed}", pack_tick(model.markets.feeds[feed].tick), state.feeds[feed])
        for asset in ASSETS:
            same(f"asset {asset} held", model.ledger.collaterals[asset].held, state.held[asset - 1])
        fund = model.fund
        same("fund", (fund.assets, fund.supply), (state.fund_assets, state.shares))
        same("shares", tuple(fund.shares[role] for role in HOLDERS), state.share_balances)
        same("insolvent", model.liquidation.total_insolvent, state.total_insolvent)
        auctions = {
            number: (auction.phase, auction.started, auction.reserved, auction.paused)
            for number, auction in self.driver.auctions.items()
        }
        expected_auctions = {
            number: (int(auction.phase), auction.started, auction.reserved, auction.paused)
            for number, auction in model.liquidation.auctions.items()
        }
        same("auctions", expected_auctions, auctions)
        for market in INVERSE:
            same(f"pool of market {market}", self.pool.pools[market], state.pools[market])
        self._compare_desk(state, same)
        dynamic = model.ledger.engines[DYNAMIC]
        assert isinstance(dynamic, DynamicEngine)
        same("scales", dynamic.scales, self.driver.margins.scales)
        return found

    def _compare_desk(self, state: State, same: Callable[[str, Any, Any], None]) -> None:
        desk, actual = self.model.desk, state.desk
        same("commitments", (desk.committed, desk.open_calls), (actual.committed, actual.open_calls))
        for place, tranche in enumerate((desk.junior, desk.senior)):
            expected = (tranche.assets, tranche.supply, tranche.series, desk.redeemable(tranche))
            found = (
                actual.assets[place],
                actual.supply[place],
                actual.wiped[place],
                actual.redeemable[place],
            )
            same(f"tranche {place + 1}", expected, found)
            shares = tuple(tranche.shares[role] for role in LENDERS)
            same(f"shares of tranche {place + 1}", shares, actual.shares[place])
        for number, line in enumerate(actual.lines, 1):
            known = desk.lines.get(number)
            if known is None:
                same(f"line {number}", NO_LINE, line)
                continue
            expected_line = Line(
                known.granted,
                known.committed,
                known.term,
                int(known.stage),
                known.called,
                known.used,
                known.owed,
                known.accrued,
                known.paid,
            )
            same(f"line {number}", expected_line, line)
