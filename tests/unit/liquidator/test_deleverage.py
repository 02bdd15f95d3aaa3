# SPDX-License-Identifier: Apache-2.0
"""The end of the waterfall: deleveraging in a verified order, collateral, write-off."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.domain import deleverage_math
from tests.evm import reverts
from tests.unit.liquidator.world import DELEVERAGE, IDLE, INSOLVENT, MARKET, NANO, WAD, World, wad


def score(world: World, account: int) -> int:
    held = world.vault.position(account, MARKET)
    mark = world.vault.marks(MARKET)
    profit = deleverage_math.unrealised(held.size, held.entry_price, mark, 0)
    return deleverage_math.score_down(profit, abs(held.size), held.entry_price, mark, world.equity(account))


def test_mark_deleverage_when_the_fund_cannot_pay(world: World) -> None:
    world.insure(150)
    world.insolvent()
    receipt = world.liquidator.mark_deleverage(world.account, sender=world.keeper)
    # What the fund has goes first; the rest is for the counterparties (invariant 28).
    assert receipt.named("InsuranceDrawn")[0]["amount"] == 150 * 10**6
    assert receipt.named("BadDebtRealised") == [
        {"account": world.account, "amount": wad(150), "socialised": 0}
    ]
    assert receipt.named("DeleverageStarted") == [{"account": world.account, "equity": -wad(50)}]
    state = world.state(world.account)
    assert (state.phase, state.started) == (DELEVERAGE, world.env.timestamp)
    assert world.fund.capacity() == 0
    assert world.liquidator.total_insolvent() == wad(490)


def test_mark_deleverage_when_nobody_came(world: World) -> None:
    world.insure(10_000)
    world.insolvent()
    world.env.advance(3_599)
    with reverts("liquidator: fund can still pay"):
        world.liquidator.mark_deleverage(world.account)
    world.env.advance(1)
    receipt = world.liquidator.mark_deleverage(world.account)
    assert receipt.named("DeleverageStarted") == [{"account": world.account, "equity": 0}]
    assert world.fund.capacity() == 9_800 * 10**6


def test_mark_deleverage_refuses(world: World) -> None:
    with reverts("liquidator: wrong phase"):
        world.liquidator.mark_deleverage(world.account)
    world.insolvent()
    world.vault.set_valid(False)
    with reverts("liquidator: stale price"):
        world.liquidator.mark_deleverage(world.account)
    world.vault.set_valid(True)
    world.vault.set_cash(world.account, wad(2_200))
    with reverts("liquidator: account is healthy"):
        world.liquidator.mark_deleverage(world.account)
    assert world.state(world.account).phase == INSOLVENT


def test_settled_positions_bear_no_part_of_the_deficit(world: World) -> None:
    """A payoff is not deleveraged: the markets that are left share all of the deficit."""
    settled, other = 256, 2
    for market in (settled, other):
        world.mark(100, market=market)
        world.hold(world.account, 50, market=market)
    winner = world.open("maker", cash=1_000, size=-100)
    world.deleveraging()
    world.vault.set_settled(settled)
    with reverts("liquidator: no position"):
        world.liquidator.deleverage(world.account, settled, [winner], sender=world.keeper)
    notional = {MARKET: 100 * 88, other: 50 * 100}
    share = 200 * notional[MARKET] / sum(notional.values())
    receipt = world.liquidator.deleverage(world.account, MARKET, [winner], sender=world.keeper)
    (closed,) = receipt.named("Deleveraged")
    # Rounded down for the counterparty: a nano USD for each of 100 units at most.
    assert 0 <= share - (closed["price"] / NANO - 88) * 100 <= 1e-6
    assert closed["price"] / NANO - 88 > 200 * 8_800 / (8_800 + 5_000 + 5_000) / 100


def test_a_profitable_counterparty_covers_the_deficit(world: World) -> None:
    winner = world.open("maker", cash=1_000, size=-100)
    world.deleveraging()
    rank = score(world, winner)
    receipt = world.liquidator.deleverage(world.account, MARKET, [winner], sender=world.keeper)
    # The deficit of 200 over 100 units: 2 USD above the mark of 88.
    assert receipt.named("Deleveraged") == [
        {
            "account": world.account,
            "counterparty": winner,
            "market": MARKET,
            "size": -100 * NANO,
            "price": 90 * NANO,
            "score": rank,
        }
    ]
    assert world.equity(winner) == wad(1_000 + 1_200 - 200)
    assert world.equity(world.account) == 0
    assert receipt.named("AuctionEnded") == [{"account": world.account, "reason": 1}]
    assert world.vault.listed(winner) == 0
    assert world.state(world.account).phase == IDLE
    assert world.liquidator.total_insolvent() == 0


def test_a_short_account_closes_below_the_mark(world: World) -> None:
    winner = world.open("maker", cash=1_000, size=100)
    world.hold(world.account, -100)
    world.mark(112)
    world.start()
    world.liquidator.mark_deleverage(world.account)
    receipt = world.liquidator.deleverage(world.account, MARKET, [winner])
    assert (receipt.named("Deleveraged")[0]["price"], receipt.named("Deleveraged")[0]["size"]) == (
        110 * NANO,
        100 * NANO,
    )
    assert world.equity(world.account) == 0


def test_nobody_pays_more_than_its_profit(world: World) -> None:
    """The first gains 0.5 a unit and can give no more; a loser closes at mark; the rest stays a deficit."""
    small = world.open("maker", cash=1_000, size=-50, entry=88.5)
    loser = world.open("maker", cash=1_000, size=-50, entry=80)
    world.deleveraging()
    receipt = world.liquidator.deleverage(world.account, MARKET, [small, loser])
    prices = [event["price"] for event in receipt.named("Deleveraged")]
    assert prices == [88_500_000_000, 88 * NANO]
    assert world.equity(small) == wad(1_000)
    assert world.equity(loser) == wad(600)
    assert world.equity(world.account) == -wad(175)
    assert not receipt.named("AuctionEnded")
    assert world.liquidator.total_insolvent() == wad(175)


def test_nobody_is_deleveraged_into_insolvency(world: World) -> None:
    """A profit of 1,200 of which 1,150 were lost elsewhere: 50 can be forgone, the rest stays a deficit."""
    winner = world.open("maker", cash=-1_150, size=-100)
    world.deleveraging()
    assert world.equity(winner) == wad(50)
    world.liquidator.deleverage(world.account, MARKET, [winner])
    assert world.equity(winner) == 0
    assert world.equity(world.account) == -wad(150)


def test_rank_must_descend(world: World) -> None:
    richer = world.open("maker", cash=10_000, size=-50, entry=110)
    leveraged = world.open("maker", cash=100, size=-50, entry=110)
    world.deleveraging()
    assert score(world, leveraged) > score(world, richer)
    with reverts("liquidator: rank not descending"):
        world.liquidator.deleverage(world.account, MARKET, [richer, leveraged])
    receipt = world.liquidator.deleverage(world.account, MARKET, [leveraged, richer])
    scores = [event["score"] for event in receipt.named("Deleveraged")]
    assert scores == sorted(scores, reverse=True) and len(scores) == 2


def test_the_last_counterparty_is_closed_in_part(world: World) -> None:
    winner = world.open("maker", cash=1_000, size=-70)
    second = world.open("maker", cash=2_000, size=-70)
    third = world.open("maker", cash=3_000, size=-70)
    world.deleveraging()
    receipt = world.liquidator.deleverage(world.account, MARKET, [winner, second, third])
    assert [event["size"] for event in receipt.named("Deleveraged")] == [-70 * NANO, -30 * NANO]
    assert world.vault.position(second, MARKET).size == -40 * NANO
    assert world.vault.position(third, MARKET).size == -70 * NANO


def test_the_deficit_is_shared_over_markets_by_notional(world: World) -> None:
    world.vault.set_mark(2, 100 * NANO)
    first = world.open("maker", cash=1_000, size=-100)
    second = world.open("maker", cash=1_000)
    world.hold(second, -88, 110, market=2)
    world.hold(world.account, 88, 100, market=2)
    world.deleveraging()
    before = -world.equity(world.account)
    world.liquidator.deleverage(world.account, MARKET, [first])
    assert -world.equity(world.account) == before // 2
    world.liquidator.deleverage(world.account, 2, [second])
    # Prices are whole nano USD, so that up to one wei for each nano of base stays uncovered.
    assert -88 * NANO <= world.equity(world.account) <= 0


def test_refusals(world: World) -> None:
    winner = world.open("maker", cash=1_000, size=-100)
    same_side = world.open("maker", cash=1_000, size=10)
    without = world.open("maker", cash=1_000)
    broke = world.open("maker", cash=-5_000, size=-100)
    world.insolvent()
    with reverts("liquidator: wrong phase"):
        world.liquidator.deleverage(world.account, MARKET, [winner])
    world.liquidator.mark_deleverage(world.account)
    for stranger in (same_side, without, broke, world.account):
        with reverts("liquidator: bad counterparty"):
            world.liquidator.deleverage(world.account, MARKET, [stranger])
    with reverts("liquidator: no position"):
        world.liquidator.deleverage(world.account, 2, [winner])
    liquidated = world.open("maker", cash=-100, size=-10)
    world.start(liquidated)
    assert world.equity(liquidated) > 0
    with reverts("liquidator: bad counterparty"):
        world.liquidator.deleverage(world.account, MARKET, [liquidated])
    world.vault.set_valid(False)
    with reverts("liquidator: stale price"):
        world.liquidator.deleverage(world.account, MARKET, [winner])


def test_bids_wait_until_positions_are_gone(world: World) -> None:
    world.deleveraging()
    with reverts("liquidator: has positions"):
        world.bid()


def test_collateral_is_sold_and_the_rest_written_off(world: World) -> None:
    """Debt 1,200, collateral 1,000: a bidder gains at most the haircut, what is left is socialised."""
    world.vault.set_risk(500, 1_000, 1_000, 1)
    account = world.open("trader", cash=-1_200, collateral=1_000)
    world.start(account)
    world.liquidator.mark_deleverage(account)
    world.env.advance(1_800)
    worth = world.equity(world.bidder)
    receipt = world.bid(WAD, account=account)
    assert receipt.value == (WAD, -wad(250))
    assert world.vault.collaterals(world.bidder) == wad(1_000)
    assert world.equity(world.bidder) == worth + wad(50)
    assert not receipt.named("AuctionEnded")
    assert world.vault.cash(account) == -wad(250)

    receipt = world.liquidator.write_off(account, sender=world.keeper)
    assert receipt.value == wad(250)
    assert receipt.named("BadDebtRealised") == [
        {"account": account, "amount": wad(250), "socialised": wad(250)}
    ]
    assert receipt.named("AuctionEnded") == [{"account": account, "reason": 3}]
    assert world.vault.deficit() == wad(250)
    assert world.state(account).phase == IDLE
    assert world.liquidator.total_insolvent() == 0


def test_write_off_takes_the_fund_first(world: World) -> None:
    world.insure(100)
    account = world.open("trader", cash=-250.5)
    world.start(account)
    receipt = world.liquidator.write_off(account)
    assert receipt.value == wad(150.5) == world.vault.deficit()
    assert receipt.named("InsuranceDrawn") == [{"account": account, "amount": 100 * 10**6, "fund_left": 0}]
    assert receipt.named("BadDebtRealised") == [
        {"account": account, "amount": wad(250.5), "socialised": wad(150.5)}
    ]
    assert world.vault.cash(account) == 0


def test_write_off_covered_by_the_fund_socialises_nothing(world: World) -> None:
    world.insure(1_000)
    account = world.open("trader", cash=0)
    world.vault.set_cash(account, -wad(250) - 1)
    world.start(account)
    assert world.liquidator.write_off(account).value == 0
    assert world.vault.deficit() == 0
    # One wei was missing, a whole token unit came: the rest stays with the account.
    assert world.vault.cash(account) == 10**12 - 1


def test_write_off_refuses(world: World) -> None:
    with reverts("liquidator: wrong phase"):
        world.liquidator.write_off(world.account)
    world.insolvent()
    with reverts("liquidator: account not flat"):
        world.liquidator.write_off(world.account)
    pledged = world.open("trader", cash=-1_200, collateral=1_000)
    world.start(pledged)
    with reverts("liquidator: account not flat"):
        world.liquidator.write_off(pledged)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cash=st.integers(-2_000, 999),
    fund=st.integers(0, 1_500),
    others=st.lists(
        st.tuples(st.integers(1, 80), st.integers(60, 140), st.integers(100, 5_000)), min_size=1, max_size=6
    ),
    mark=st.integers(70, 89),
)
def test_every_wei_is_borne_once(
    world: World, cash: int, fund: int, others: list[tuple[int, int, int]], mark: int
) -> None:
    """Invariants 28, 29, 30: fund, counterparties and socialisation together bear exactly the deficit."""
    world.reset()
    world.insure(fund) if fund else None
    account = world.open("trader", cash=cash, size=100)
    makers = [world.open("maker", cash=money, size=-size, entry=entry) for size, entry, money in others]
    world.mark(mark)
    makers = [maker for maker in makers if world.equity(maker) > 0]
    world.start(account)
    deficit = -world.equity(account)
    if deficit <= 0 or fund * WAD >= deficit:
        return
    worth = {maker: world.equity(maker) for maker in makers}
    profit = {maker: max(worth[maker] - world.vault.cash(maker), 0) for maker in makers}
    world.liquidator.mark_deleverage(account)
    ranked = sorted(makers, key=lambda maker: -score(world, maker))
    if not ranked:
        return
    world.liquidator.deleverage(account, MARKET, ranked)
    given_up = {maker: worth[maker] - world.equity(maker) for maker in makers}
    assert all(0 <= given_up[maker] <= profit[maker] for maker in makers)
    left = -world.equity(account)
    assert left == deficit - fund * WAD - sum(given_up.values()) >= 0
    if world.vault.listed(account) == 0 and left > 0:
        assert world.liquidator.write_off(account).value == left == world.vault.deficit()
    assert world.fund.totalAssets() == 0
