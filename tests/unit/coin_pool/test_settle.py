# SPDX-License-Identifier: Apache-2.0
"""CoinPool.settle and close_debt: what losers pay, what winners get, what waits."""

from __future__ import annotations

import pytest

from tests.evm import reverts
from tests.inverse import BTC_USD, ETH_USD, WBTC, WETH, InverseWorld, fresh_inverse_world
from tests.protocol import NANO, WAD

USD = NANO
ETHER = 10**18


@pytest.fixture
def desk() -> InverseWorld:
    return fresh_inverse_world()


def closed(desk: InverseWorld, market: int = ETH_USD, low: int = 2_000, high: int = 2_500) -> tuple[int, int]:
    """A long that won and a short that lost, both flat: at 2,000 and 2,500 one coin on 10,000 contracts."""
    winner, loser = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    desk.fill(winner, loser, market, low * NANO, 10_000 * USD)
    desk.fill(winner, loser, market, high * NANO, -10_000 * USD)
    return winner, loser


def test_a_loser_pays_and_a_winner_is_paid(desk: InverseWorld) -> None:
    winner, loser = closed(desk)
    desk.deposit("maker", loser, WETH, 3 * ETHER)
    receipt = desk.pool.settle(loser, ETH_USD, sender=desk.env.address("stranger"))
    assert receipt.value == -NANO
    assert receipt.named("CoinSettled")[0] == {
        "account": loser,
        "market": ETH_USD,
        "coin": -NANO,
        "units": ETHER,
        "pool": NANO,
    }
    assert desk.vault.collateral(loser, WETH) == 2 * ETHER
    assert desk.vault.collateral(desk.pool.account(), WETH) == ETHER
    assert desk.ledger.markets_of(loser) == []
    desk.check()
    assert desk.pool.settle(winner, ETH_USD).value == NANO
    assert desk.vault.collateral(winner, WETH) == ETHER
    assert desk.ledger.markets_of(winner) == [] and desk.pool.pool(ETH_USD) == 0
    assert desk.vault.account(desk.pool.account()).assets == 0
    assert desk.vault.account(winner).assets == 1
    desk.check()


def test_a_winner_waits_for_the_pool(desk: InverseWorld) -> None:
    winner, loser = closed(desk)
    assert desk.pool.settle(winner, ETH_USD).value == 0
    assert desk.pool.settle(loser, ETH_USD).value == 0
    desk.deposit("maker", loser, WETH, ETHER // 4)
    assert desk.pool.settle(loser, ETH_USD).value == -NANO // 4
    assert desk.held(loser, ETH_USD) == (0, -3 * NANO // 4)
    assert desk.vault.account(loser).assets == 0
    assert desk.pool.settle(winner, ETH_USD).value == NANO // 4
    assert desk.held(winner, ETH_USD) == (0, 3 * NANO // 4)
    assert desk.equity(winner) == 10_000 * WAD + 2_000 * WAD
    desk.check()


def test_without_contracts_no_price_is_needed(desk: InverseWorld) -> None:
    winner, loser = closed(desk)
    desk.deposit("maker", loser, WETH, ETHER)
    desk.env.advance(10**6)
    assert desk.pool.settle(loser, ETH_USD).value == -NANO
    assert desk.pool.settle(winner, ETH_USD).value == NANO
    desk.check()


def test_with_contracts_a_valid_price_is(desk: InverseWorld) -> None:
    long, short = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    desk.fill(long, short, ETH_USD, 2_000 * NANO, 10_000 * USD)
    desk.deposit("maker", short, WETH, ETHER)
    desk.env.advance(10**6)
    with desk.refuses("coin_pool: stale price"):
        desk.pool.settle(short, ETH_USD)


def test_open_positions_settle_at_mark(desk: InverseWorld) -> None:
    long, short = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    desk.fill(long, short, ETH_USD, 2_000 * NANO, 10_000 * USD)
    desk.deposit("maker", short, WETH, 3 * ETHER)
    desk.advance(60, ETH=2_500, BTC=30_000)
    equity = [desk.equity(account) for account in (long, short)]
    assert desk.pool.settle(short, ETH_USD).value == -NANO
    assert desk.pool.settle(long, ETH_USD).value == NANO
    assert desk.held(long, ETH_USD) == (10_000 * USD, 4 * NANO)
    assert desk.held(short, ETH_USD) == (-10_000 * USD, -4 * NANO)
    assert [desk.equity(account) for account in (long, short)] == equity
    assert desk.pool.settle(short, ETH_USD).value == 0
    desk.check()


def test_satoshis_are_rounded_for_the_pool(desk: InverseWorld) -> None:
    """WBTC has ten nano coin to a unit: the loser pays up, the winner gets down, and both are rid of it."""
    winner, loser = closed(desk, BTC_USD, 30_000, 30_011)
    owed = desk.held(winner, BTC_USD)[1]
    assert owed % 10 and desk.held(loser, BTC_USD)[1] == -owed
    desk.deposit("maker", loser, WBTC, 10**6)
    assert desk.pool.settle(loser, BTC_USD).value == -owed
    assert desk.vault.collateral(loser, WBTC) == 10**6 - owed // 10 - 1
    assert desk.pool.settle(winner, BTC_USD).value == owed
    assert desk.vault.collateral(winner, WBTC) == owed // 10
    assert desk.vault.collateral(desk.pool.account(), WBTC) == 1
    assert desk.ledger.markets_of(winner) == [] == desk.ledger.markets_of(loser)
    desk.check()


def test_open_positions_pay_whole_units(desk: InverseWorld) -> None:
    long, short = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    desk.fill(long, short, BTC_USD, 30_000 * NANO, 10_000 * USD)
    desk.deposit("maker", short, WBTC, 10**6)
    desk.advance(60, ETH=2_000, BTC=30_007)
    paid = -desk.pool.settle(short, BTC_USD).value
    assert paid % 10 == 0 and paid > 0
    assert desk.pool.settle(short, BTC_USD).value == 0
    got = desk.pool.settle(long, BTC_USD).value
    assert got % 10 == 0 and paid - 10 <= got <= paid
    desk.check()


def test_nobody_is_settled_into_a_shortfall(desk: InverseWorld) -> None:
    """A claim bears 10 % of margin, coin a haircut of 20 %: no stranger makes an account fail by that."""
    winner, loser = desk.account("trader", cash=1_100), desk.account("maker", cash=10_000)
    desk.deposit("maker", loser, WETH, 5 * ETHER)
    desk.fill(winner, loser, ETH_USD, 2_000 * NANO, 10_000 * USD)
    desk.fill(winner, loser, ETH_USD, 2_500 * NANO, -10_000 * USD)
    desk.pool.settle(loser, ETH_USD)
    desk.match(winner, loser, 1, 2_000 * NANO, 14 * NANO)
    margin = desk.ledger.assess(winner)[0]
    assert 0 <= margin.equity - margin.initial_margin < 400 * WAD
    with desk.refuses("coin_pool: shortfall would grow"):
        desk.pool.settle(winner, ETH_USD)


def test_what_is_refused(desk: InverseWorld) -> None:
    winner, loser = closed(desk)
    for market in (0, 1, 127, 130, 255, 256):
        with reverts("coin_pool: no such market"):
            desk.pool.settle(winner, market)
        with reverts("coin_pool: no such market"):
            desk.pool.close_debt(loser, winner, market)
    desk.ledger.begin_liquidation(loser, sender=desk.env.address("liquidator"))
    with reverts("coin_pool: account in liquidation"):
        desk.pool.settle(loser, ETH_USD)
    with reverts("coin_pool: not in liquidation"):
        desk.pool.close_debt(winner, loser, ETH_USD)
    with reverts("coin_pool: nothing to be paid"):
        desk.pool.close_debt(loser, desk.account("keeper"), ETH_USD)


def test_a_debt_in_coin_becomes_one_in_cash(desk: InverseWorld) -> None:
    winner, loser = closed(desk)
    desk.ledger.begin_liquidation(loser, sender=desk.env.address("liquidator"))
    before = [desk.equity(account) for account in (winner, loser)]
    receipt = desk.pool.close_debt(loser, winner, ETH_USD)
    assert receipt.value == NANO
    assert receipt.named("DebtClosed")[0] == {
        "debtor": loser,
        "creditor": winner,
        "market": ETH_USD,
        "coin": NANO,
        "price": 2_000 * NANO,
    }
    assert [desk.vault.cash(account) for account in (winner, loser)] == [12_000 * WAD, 8_000 * WAD]
    assert desk.ledger.markets_of(winner) == [] == desk.ledger.markets_of(loser)
    assert [desk.equity(account) for account in (winner, loser)] == before
    desk.check()


def test_debts_that_stay(desk: InverseWorld) -> None:
    """With contracts left, with coin left, a claim instead of a debt, a price that is not valid."""
    winner, loser = closed(desk)
    liquidator = desk.env.address("liquidator")
    snapshot = desk.env.snapshot()
    desk.deposit("maker", loser, WETH, 1)
    desk.ledger.begin_liquidation(loser, sender=liquidator)
    with reverts("coin_pool: account holds coin"):
        desk.pool.close_debt(loser, winner, ETH_USD)
    desk.env.revert(snapshot)
    desk.ledger.begin_liquidation(winner, sender=liquidator)
    with reverts("coin_pool: account owes no coin alone"):
        desk.pool.close_debt(winner, loser, ETH_USD)
    desk.env.revert(snapshot)
    desk.fill(loser, winner, ETH_USD, 2_000 * NANO, USD)
    desk.ledger.begin_liquidation(loser, sender=liquidator)
    with reverts("coin_pool: account owes no coin alone"):
        desk.pool.close_debt(loser, winner, ETH_USD)
    desk.env.revert(snapshot)
    desk.ledger.begin_liquidation(loser, sender=liquidator)
    desk.env.advance(10**6)
    with reverts("coin_pool: stale price"):
        desk.pool.close_debt(loser, winner, ETH_USD)


def test_the_owner_adds_markets_once(desk: InverseWorld) -> None:
    with reverts("ownable: caller is not the owner"):
        desk.pool.add_market(200, WETH, sender=desk.env.address("attacker"))
    with reverts("coin_pool: market already added"):
        desk.pool.add_market(ETH_USD, WETH)
    for market in (1, 127, 256):
        with reverts("coin_pool: not an inverse market"):
            desk.pool.add_market(market, WETH)
    with reverts("coin_pool: no such asset"):
        desk.pool.add_market(200, 3)
    assert desk.pool.add_market(200, WBTC).named("MarketAdded") == [{"market": 200, "asset": WBTC}]
    assert desk.pool.asset(200) == WBTC and desk.pool.asset(201) == 0


def test_wired_once(desk: InverseWorld) -> None:
    with reverts("coin_pool: already wired"):
        desk.pool.wire(desk.ledger, 1)
    bare = desk.env.deploy("CoinPool", desk.vault.address, desk.instruments.address)
    with reverts("ownable: caller is not the owner"):
        bare.wire(desk.ledger, 1, sender=desk.env.address("attacker"))
    with reverts("coin_pool: zero address"):
        bare.wire("0x" + "00" * 20, 1)
    assert bare.account() == 0
    bare.wire(desk.ledger, 1)
    assert desk.vault.account(bare.account()).owner == bare.address
    with reverts("coin_pool: zero address"):
        desk.env.deploy("CoinPool", "0x" + "00" * 20, desk.instruments.address)
