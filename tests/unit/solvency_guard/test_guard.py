# SPDX-License-Identifier: Apache-2.0
"""SolvencyGuard by hand: 25 % stress and 60 % of the fund for ETH, 20 % and 40 % for BTC."""

from __future__ import annotations

import pytest

from simulation.domain.margin_math import CollateralRisk, PositionRisk
from simulation.domain.risk_model import Greeks
from tests.evm import Reverted, reverts
from tests.exposure import BTC, ETH, NANO, WAD, Desk, cash_only, fresh_desk, perpetual

OBSERVE, PRICE, REFUSE = 1, 2, 4
USD = NANO
"""Totals and records are in nano USD here."""
BUY_ONE = (1, NANO, 2_000 * WAD, 0, 0)
PAST = "solvency_guard: past the buffer"


@pytest.fixture
def desk() -> Desk:
    return fresh_desk()


def sides(desk: Desk, account: int = 1) -> dict[int, tuple[int, int]]:
    return desk.recorded(account).sides


# ---------------------------------------------------------------- what is recorded


def test_what_capital_covers_is_no_contribution(desk: Desk) -> None:
    """10 ETH at 2,000 lose 5,000 at 25 %: 5,000 cover it, 4,000 leave a fifth of the delta open."""
    desk.stand(1, cash_only(5_000, perpetual(10, 2_000)))
    desk.guard.refresh([1])
    assert sides(desk) == {}
    desk.stand(1, cash_only(4_000, perpetual(10, 2_000)))
    desk.guard.refresh([1])
    assert sides(desk) == {ETH: (4_000 * USD, 0)}
    assert desk.totals(ETH) == (4_000 * USD, 0)
    found = desk.guard.solvency_delta(ETH)
    assert found.stressed == 1_000 * WAD and found.buffer == found.room == 0


def test_a_short_contributes_to_the_other_side(desk: Desk) -> None:
    desk.stand(1, cash_only(0, perpetual(-10, 2_000, unrealised=4_000)))
    desk.guard.refresh([1])
    assert sides(desk) == {ETH: (0, 4_000 * USD)}


def test_two_underlyings_share_the_deficit(desk: Desk) -> None:
    """20,000 of each: losses of 5,000 and 4,000 against 6,000; a third of both is not covered."""
    bitcoin = PositionRisk(2, -NANO, 20_000 * NANO, 20_000 * NANO, 10**8, 0, 0, 0)
    desk.stand(1, cash_only(6_000, perpetual(10, 2_000), bitcoin))
    desk.guard.refresh([1])
    third = -(-20_000 * USD // 3)
    assert sides(desk) == {ETH: (third, 0), BTC: (0, third)}


def test_orders_count_at_their_worst_on_both_sides(desk: Desk) -> None:
    """Flat, with bids for 10 and asks for 5: the larger side decides the loss, either may come."""
    desk.stand(1, cash_only(2_500, perpetual(0, 2_000, bids=10, asks=5)))
    desk.guard.refresh([1])
    assert sides(desk) == {ETH: (10_000 * USD, 5_000 * USD)}


def test_coins_are_exposure_and_a_credit_line_is_capital(desk: Desk) -> None:
    """5 coins against 10 short lose 2,500; equity is 1,000, coins included, and a line 500."""
    collaterals = (
        CollateralRisk(1, 10_000 * WAD, 10**8, 500, 1_000),
        CollateralRisk(9, 500 * WAD, 10**8, 0, 0),
    )
    desk.stand(1, cash_only(-9_000, perpetual(-10, 2_000), collaterals=collaterals))
    desk.guard.refresh([1])
    assert sides(desk) == {ETH: (0, 4_000 * USD)}


def test_an_inverse_perpetual_is_its_coin(desk: Desk) -> None:
    """10,000 contracts and 5 coins won at 2,000: the coin balance is 10,000 long, whatever funding is due."""
    inverse = PositionRisk(128, 10_000 * NANO, 2_000 * NANO, 2_000 * NANO, 10**8, 0, 0, 0)
    desk.stand(1, cash_only(0, inverse))
    desk.guard.refresh([1])
    assert sides(desk) == {ETH: (10_000 * USD, 0)}


def test_options_by_delta_and_in_full_when_nothing_is_known(desk: Desk) -> None:
    written = PositionRisk(257, -NANO, 100 * NANO, 2_000 * NANO, 10**8, 0, 0, 0)
    desk.stand(1, cash_only(0, written))
    desk.guard.refresh([1])
    assert sides(desk) == {ETH: (2_000 * USD, 2_000 * USD)}
    desk.know(257, Greeks(800 * NANO, 0, 0, 60))
    desk.guard.refresh([1])
    assert sides(desk) == {ETH: (0, 800 * USD)}
    desk.know(257, Greeks(0, 0, 0, 0))
    desk.guard.refresh([1])
    assert sides(desk) == {}
    desk.know(257, Greeks(800 * NANO, 0, 0, 60))
    desk.mock.set_failing(False, True)
    desk.guard.refresh([1])
    assert sides(desk) == {ETH: (2_000 * USD, 2_000 * USD)}


def test_negative_equity_is_owed_and_takes_the_buffer(desk: Desk) -> None:
    desk.fund(10_000)
    desk.stand(1, cash_only(-3_000, perpetual(10, 2_000)))
    desk.guard.refresh([1])
    recorded = desk.recorded(1)
    assert recorded.owed == 3_000 * USD and recorded.sides == {ETH: (20_000 * USD, 0)}
    found = desk.guard.solvency_delta(ETH)
    assert (found.stressed, found.buffer, found.room) == (5_000 * WAD, 4_200 * WAD, 0)
    assert desk.guard.solvency_delta(BTC).buffer == 2_800 * WAD
    desk.stand(1, cash_only(0))
    desk.guard.refresh([1])
    assert desk.guard.owed() == 0 and desk.guard.solvency_delta(ETH).room == 6_000 * WAD


def test_no_exposure_and_what_is_not_admitted(desk: Desk) -> None:
    stranger = PositionRisk(3, NANO, NANO, NANO, 10**8, -(10**21), 0, 0)
    desk.stand(1, cash_only(100, stranger))
    desk.guard.refresh([1, 2])
    assert desk.recorded(1).owed == 900 * USD and sides(desk) == {} == sides(desk, 2)


def test_events_say_every_change_and_nothing_else(desk: Desk) -> None:
    desk.stand(1, cash_only(-1, perpetual(1, 2_000)))
    first = desk.guard.refresh([1])
    assert first.named("ContributionChanged") == [
        {
            "account": 1,
            "feed": ETH,
            "long": 2_000 * WAD,
            "short": 0,
            "total_long": 2_000 * WAD,
            "total_short": 0,
        }
    ]
    assert first.named("OwedChanged") == [{"account": 1, "owed": WAD, "total": WAD}]
    assert desk.guard.refresh([1]).events == ()


def test_a_refresh_skips_what_cannot_be_measured(desk: Desk) -> None:
    desk.stand(1, cash_only(0, perpetual(1, 2_000)))
    desk.guard.refresh([1])
    desk.stand(1, cash_only(0))
    for told in ((True, False), (False, True)):
        desk.mock.set_failing(*told)
        desk.mock.set_valid(told[0])
        desk.guard.refresh([1])
        assert sides(desk) == {ETH: (2_000 * USD, 0)}


# ---------------------------------------------------------------- what is refused and charged


def standing(desk: Desk, mode: int, rate: int = 0, fund: float = 100_000 / 6) -> None:
    """10 ETH long with 3,000: 2,000 are not covered; the ETH buffer is 10,000 unless told."""
    desk.fund(fund)
    desk.set_mode(mode, rate)
    desk.stand(1, cash_only(3_000, perpetual(10, 2_000)))
    desk.guard.refresh([1])
    assert desk.totals(ETH) == (8_000 * USD, 0)


def test_within_the_buffer_nothing_happens(desk: Desk) -> None:
    standing(desk, REFUSE)
    assert desk.trade(1, *BUY_ONE).value == 0
    assert desk.totals(ETH)[0] == -(-22_000 * USD * 2_500 // 5_500)


def test_past_the_buffer_it_is_refused(desk: Desk) -> None:
    """1 ETH more: 500 of loss more, 2,500 in all; a buffer of 2,499 is too small, one of 2,500 is enough."""
    standing(desk, REFUSE, fund=2_499 / 0.6)
    assert desk.guard.preview_trade(1, BUY_ONE) == (0, True)
    with reverts(PAST):
        desk.trade(1, *BUY_ONE)
    assert desk.totals(ETH) == (8_000 * USD, 0)
    desk.fund(2_501 / 0.6)
    desk.trade(1, *BUY_ONE)
    # Both sides of an underlying are held against the same buffer: a short of another account has its own.
    desk.stand(2, cash_only(0, perpetual(-1, 2_000)))
    desk.trade(2, 1, -NANO, -2_000 * WAD, 0, 0)
    assert desk.totals(ETH)[1] == 4_000 * USD


def test_the_charge_is_for_what_is_beyond_the_buffer(desk: Desk) -> None:
    """Stressed 2,500, buffer 2,400, 10 %: 10 USD; far past it the trade pays for its own 500."""
    standing(desk, PRICE, 1_000, fund=4_000)
    charge = desk.trade(1, *BUY_ONE).value
    assert 10 * WAD <= charge <= 10 * WAD + NANO
    standing(desk, PRICE, 1_000, fund=0)
    receipt = desk.trade(1, *BUY_ONE)
    assert 50 * WAD <= receipt.value <= 50 * WAD + NANO
    assert receipt.named("ExposureCharged") == [{"account": 1, "charge": receipt.value}]


@pytest.mark.parametrize("mode", [PRICE, REFUSE])
def test_what_lowers_a_contribution_is_never_in_the_way(desk: Desk, mode: int) -> None:
    """Past an empty buffer: a hedge in another market of the feed, and a smaller position."""
    standing(desk, mode, 1_000, fund=0)
    desk.mock.set_word(256, 1 << 255 | 2_000 * NANO << 72 | 2_000 * NANO)
    assert desk.trade(1, 256, -5 * NANO, -10_000 * WAD, 0, 0).value == 0
    assert desk.totals(ETH) == (0, 0)
    standing(desk, mode, 1_000, fund=0)
    assert desk.trade(1, 1, -NANO, -2_000 * WAD, 0, 0).value == 0
    assert desk.totals(ETH)[0] == -(-18_000 * USD * 1_500 // 4_500)


def test_the_price_alone_is_nobody_s_fault(desk: Desk) -> None:
    """A fall has raised the deficit far beyond record and buffer; a hedge adds size and is free."""
    standing(desk, REFUSE, fund=2_000 / 0.6)
    desk.stand(1, cash_only(3_000, perpetual(10, 1_800, unrealised=-2_000)))
    desk.mock.set_word(256, 1 << 255 | 1_800 * NANO << 72 | 1_800 * NANO)
    with reverts(PAST):
        desk.trade(1, 1, NANO, 1_800 * WAD, 0, 0)
    desk.trade(1, 256, -NANO, -1_800 * WAD, 0, 0)
    found = desk.guard.solvency_delta(ETH)
    assert found.stressed > 3_000 * WAD > found.buffer


@pytest.mark.parametrize("failing", [(True, False), (True, True)])
def test_a_reduction_goes_on_when_nothing_can_be_measured(desk: Desk, failing: tuple[bool, bool]) -> None:
    standing(desk, REFUSE, fund=0)
    desk.mock.set_failing(*failing)
    assert desk.trade(1, 1, -NANO, -2_000 * WAD, 0, 0).value == 0
    assert desk.totals(ETH) == (8_000 * USD, 0)
    with pytest.raises(Reverted):
        desk.trade(1, *BUY_ONE)


def test_prices_that_are_not_valid_change_no_record(desk: Desk) -> None:
    standing(desk, REFUSE, fund=0)
    desk.mock.set_valid(False)
    for size in (NANO, -NANO):
        assert desk.trade(1, 1, size, size * 2_000 * NANO, 0, 0).value == 0
    assert desk.outflow(1).value == 0
    assert desk.totals(ETH) == (8_000 * USD, 0)


def test_outflow_is_compared_with_the_record(desk: Desk) -> None:
    standing(desk, REFUSE, fund=2_500 / 0.6)
    desk.stand(1, cash_only(2_400, perpetual(10, 2_000)))
    with reverts(PAST):
        desk.outflow(1)
    desk.stand(1, cash_only(2_500, perpetual(10, 2_000)))
    desk.outflow(1)
    # Once the record is brought up to date, the same account pays for nothing that it has not done.
    desk.set_mode(PRICE, 10_000)
    desk.stand(1, cash_only(2_000, perpetual(10, 2_000)))
    desk.guard.refresh([1])
    assert desk.outflow(1).value == 0
    desk.stand(1, cash_only(1_900, perpetual(10, 2_000)))
    assert desk.outflow(1).value == 100 * WAD


def test_observing_records_and_does_nothing(desk: Desk) -> None:
    standing(desk, OBSERVE, fund=0)
    assert desk.trade(1, *BUY_ONE).value == 0
    assert desk.totals(ETH)[0] > 8_000 * USD


# ---------------------------------------------------------------- parameters


def test_a_removed_underlying_is_watched_no_longer(desk: Desk) -> None:
    standing(desk, REFUSE, fund=0)
    desk.guard.remove_underlying(ETH)
    assert desk.guard.underlying(ETH) == (0, 0)
    assert desk.totals(ETH) == (8_000 * USD, 0)
    desk.trade(1, *BUY_ONE)
    assert desk.totals(ETH) == (0, 0) and sides(desk) == {}
    desk.guard.set_underlying(ETH, 2_500, 6_000)
    with reverts(PAST):
        desk.trade(1, *BUY_ONE)


def test_bounds_of_parameters(desk: Desk) -> None:
    guard = desk.guard
    for stress in (0, 10_001):
        with reverts("solvency_guard: stress out of bound"):
            guard.set_underlying(ETH, stress, 6_000)
    for share in (6_001, 10_001):
        with reverts("solvency_guard: shares above 100 %"):
            guard.set_underlying(ETH, 2_500, share)
    for feed in (0, 65_536):
        with reverts("solvency_guard: no such underlying"):
            guard.set_underlying(feed, 1, 0)
    for mode in (0, 3, 6):
        with reverts():
            guard.set_mode(mode, 0)
    with reverts("solvency_guard: rate out of bound"):
        guard.set_mode(PRICE, 10_001)
    with reverts("solvency_guard: no such underlying"):
        guard.admit_markets([3])
    with reverts("solvency_guard: no such market"):
        guard.admit_markets([0])
    with reverts("solvency_guard: asset out of range"):
        guard.map_collaterals([32], [ETH])
    with reverts("solvency_guard: no such underlying"):
        guard.remove_underlying(33)
    with reverts("solvency_guard: already wired"):
        guard.wire(*[desk.mock.address] * 5)
    for feed in range(100, 114):
        guard.set_underlying(feed, 1, 0)
    with reverts("solvency_guard: too many underlyings"):
        guard.set_underlying(114, 1, 0)
    assert guard.underlying(113) == (1, 0)


def test_views_of_parameters(desk: Desk) -> None:
    assert desk.guard.underlying(BTC) == (2_000, 4_000)
    assert [desk.guard.underlying_of(market) for market in (1, 129, 257, 512, 3)] == [ETH, BTC, ETH, BTC, 0]
    desk.set_mode(PRICE, 77)
    assert desk.guard.mode() == (PRICE, 77)
    desk.guard.map_collaterals([1], [0])
    desk.stand(1, cash_only(-9_000, collaterals=(CollateralRisk(1, 10_000 * WAD, 10**8, 0, 0),)))
    assert desk.previewed(1).sides == {}


def test_a_guard_needs_addresses(desk: Desk) -> None:
    with reverts("solvency_guard: zero address"):
        desk.env.deploy("SolvencyGuard", "0x" + "00" * 20)
    fresh = desk.env.deploy("SolvencyGuard", desk.mock)
    parts = [desk.mock.address] * 5
    for place in range(4):
        with reverts("solvency_guard: zero address"):
            fresh.wire(*parts[:place], "0x" + "00" * 20, *parts[place + 1 :])
