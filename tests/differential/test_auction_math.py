# SPDX-License-Identifier: Apache-2.0
"""math/auction_math and math/deleverage_math against their integer twins, exactly, and Derive's figures."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulation.domain import auction_math as twin
from simulation.domain import deleverage_math as rank
from tests.evm import Contract, Env
from tests.published import published

WAD = 10**18

money = st.integers(0, 2**127 - 1)
signed = st.integers(-(2**127) + 1, 2**127 - 1)
share = st.integers(0, WAD)
size = st.integers(1, 2**79 - 1)
price = st.integers(0, 2**72 - 1)


@st.composite
def curves(draw: st.DrawFn) -> twin.Curve:
    start = draw(st.integers(1, WAD))
    return twin.Curve(start, draw(st.integers(1, start)), draw(seconds), draw(seconds))


seconds = st.integers(0, 7 * 86_400)


@cache
def harness() -> Contract:
    return Env().deploy("AuctionMathHarness")


def row(curve: twin.Curve) -> tuple[int, int, int, int]:
    return curve.start, curve.cut, curve.fast, curve.slow


@given(curve=curves(), elapsed=st.integers(0, 15 * 86_400))
def test_discount(curve: twin.Curve, elapsed: int) -> None:
    result = harness().discount(elapsed, row(curve))
    assert result == twin.discount(elapsed, curve)
    assert 0 <= twin.discount(elapsed + 1, curve) <= result <= curve.start


@given(equity=signed, maintenance=money, buffer=share)
def test_buffer_margin(equity: int, maintenance: int, buffer: int) -> None:
    result = harness().buffer_margin(equity, maintenance, buffer)
    assert result == twin.buffer_margin(equity, maintenance, buffer) <= equity - maintenance


@given(margin=signed, equity=money, reserved=money, discount=share)
def test_max_fraction_up(margin: int, equity: int, reserved: int, discount: int) -> None:
    result = harness().max_fraction_up(margin, equity, reserved, discount)
    assert result == twin.max_fraction_up(margin, equity, reserved, discount)
    assert 0 <= result <= WAD


@given(equity=signed, reserved=money, discount=share)
def test_bid_price_up(equity: int, reserved: int, discount: int) -> None:
    result = harness().bid_price_up(equity, reserved, discount)
    assert result == twin.bid_price_up(equity, reserved, discount)
    assert (equity - reserved) * discount <= result * WAD


@given(equity=signed, maintenance=money, elapsed=seconds, length=st.integers(1, 7 * 86_400))
def test_insolvent_price_up(equity: int, maintenance: int, elapsed: int, length: int) -> None:
    result = harness().insolvent_price_up(equity, maintenance, elapsed, length)
    assert result == twin.insolvent_price_up(equity, maintenance, elapsed, length)
    assert min(equity, 0) - maintenance <= result <= 0


@given(whole=signed, fraction=share)
def test_slice_price_up(whole: int, fraction: int) -> None:
    result = harness().slice_price_up(whole, fraction)
    assert result == twin.slice_price_up(whole, fraction)
    assert whole * fraction <= result * WAD < whole * fraction + WAD


@given(fraction=share, equity=signed, fee=share)
def test_liquidation_fee_down(fraction: int, equity: int, fee: int) -> None:
    result = harness().liquidation_fee_down(fraction, equity, fee)
    assert result == twin.liquidation_fee_down(fraction, equity, fee) <= max(equity, 0)


@given(equity=signed, maintenance=money)
def test_shortfall(equity: int, maintenance: int) -> None:
    assert harness().shortfall(equity, maintenance) == twin.shortfall(equity, maintenance)


@given(
    equity=st.integers(1, 10**30),
    maintenance=st.integers(1, 10**30),
    earlier=share,
    buffer=st.integers(WAD // 100, WAD),
    discount=st.integers(1, WAD),
    wanted=st.integers(1, WAD),
)
def test_a_bid_improves_margin_and_the_cap_restores_the_buffer(
    equity: int, maintenance: int, earlier: int, buffer: int, discount: int, wanted: int
) -> None:
    """Invariants 23 and 24, for margins that shrink in proportion to the slice."""
    margin = twin.buffer_margin(equity, maintenance, buffer)
    reserved = equity * earlier // (WAD + 1)
    if margin >= 0 or reserved >= equity:
        return
    cap = twin.max_fraction_up(margin, equity, reserved, discount)
    taken = min(wanted, cap)
    paid = twin.slice_price_up(twin.bid_price_up(equity, reserved, discount), taken)
    left = equity - (equity - reserved) * taken // WAD + paid
    required = maintenance * (WAD - taken) // WAD
    after = twin.buffer_margin(left, required, buffer)
    assert after >= margin - 3
    if equity < maintenance:
        assert twin.shortfall(left, required) <= twin.shortfall(equity, maintenance) + 3
    if taken == cap:
        # The cap is a fraction of 1e18 parts: its rounding weighs a part of everything that moves.
        assert -4 <= after <= 4 + 4 * (equity + maintenance) // WAD


@given(
    size=st.integers(-(2**79) + 1, 2**79 - 1), entry=price, mark=price, funding=st.integers(-(2**70), 2**70)
)
def test_unrealised(size: int, entry: int, mark: int, funding: int) -> None:
    result = harness().unrealised(size, entry, mark, funding)
    assert result == rank.unrealised(size, entry, mark, funding)


@given(unrealised=signed, size=size, entry=price, mark=price, equity=st.integers(1, 2**127 - 1))
def test_score_down(unrealised: int, size: int, entry: int, mark: int, equity: int) -> None:
    result = harness().score_down(unrealised, size, entry, mark, equity)
    assert result == rank.score_down(unrealised, size, entry, mark, equity)
    assert result == 0 or unrealised > 0


@given(deficit=money, notionals=st.lists(st.integers(0, 2**120), min_size=1, max_size=64))
def test_deficit_share_up(deficit: int, notionals: list[int]) -> None:
    total = sum(notionals)
    deficit = min(deficit, 2**128)
    shares = [rank.deficit_share_up(deficit, notional, total) for notional in notionals]
    assert harness().deficit_share_up(deficit, notionals[0], total) == shares[0]
    if total:
        assert deficit <= sum(shares) <= deficit + len(notionals)


@given(deficit=money, left=size, ratio=share, unrealised=signed, other=size)
def test_contribution_down(deficit: int, left: int, ratio: int, unrealised: int, other: int) -> None:
    closed = max(min(left, other) * ratio // WAD, 1)
    result = harness().contribution_down(deficit, closed, left, unrealised, other)
    assert result == rank.contribution_down(deficit, closed, left, unrealised, other)
    assert result * closed <= deficit
    assert result * closed * other <= max(unrealised, 0) * closed


@given(mark=price, contribution=st.integers(0, 2**100), account_is_long=st.booleans())
def test_bankruptcy_price(mark: int, contribution: int, account_is_long: bool) -> None:
    result = harness().bankruptcy_price(mark, contribution, account_is_long)
    assert result == rank.bankruptcy_price(mark, contribution, account_is_long)
    assert result >= mark if account_is_long else result <= mark


class Derive:
    """Derive's sign: its margin is E - M, so M = MtM - margin; both implementations must agree on each."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.curve = twin.Curve(
            wad(params["startingMtM"]), wad(params["fastCutoff"]), params["fastLength"], params["slowLength"]
        )
        self.buffer = wad(params["bufferMargin"])
        self.length = params["insolventLength"]

    def buffer_margin(self, mtm: int, mm: int) -> int:
        return self.both("buffer_margin", mtm, mtm - mm, self.buffer)

    def discount(self, t: int) -> int:
        result = harness().discount(t, row(self.curve))
        assert result == twin.discount(t, self.curve)
        return int(result)

    def bid_price(self, mtm: int, reserved: int, t: int) -> int:
        return self.both("bid_price_up", mtm, reserved, self.discount(t))

    def max_fraction(self, mtm: int, mm: int, reserved: int, t: int) -> int:
        return self.both("max_fraction_up", self.buffer_margin(mtm, mm), mtm, reserved, self.discount(t))

    def insolvent_price(self, mtm: int, mm: int, t: int) -> int:
        return self.both("insolvent_price_up", mtm, mtm - mm, t, self.length)

    def slice_price(self, price: int, fraction: int) -> int:
        return self.both("slice_price_up", price, fraction)

    @staticmethod
    def both(name: str, *args: int) -> int:
        result = getattr(harness(), name)(*args)
        assert result == getattr(twin, name)(*args)
        return int(result)


def wad(number: float) -> int:
    return int(Decimal(str(number)).scaleb(18))


def near(found: int, expected: float, relative: float = 1e-12) -> None:
    assert abs(found - wad(expected)) <= relative * WAD * max(abs(expected), 1), f"{found} is not {expected}"


def test_published_solvent_auctions() -> None:
    """derivexyz/v2-core test/auction/unit-tests/SolventAuction.t.sol: prices, caps and payments."""
    figures = published("auction_unit", UNIT)
    auction = Derive(figures["params_default"])
    for case in figures["solvent"]:
        mtm, mm, t = wad(case["mtm"]), wad(case.get("mm", -100)), case["t"]
        price = auction.bid_price(mtm, wad(case.get("reserved", 0)), t)
        fraction = auction.max_fraction(mtm, mm, 0, t)
        checked = 0
        if "bid_price" in case:
            assert price == wad(case["bid_price"])
            checked += 1
        if "fmax_floor_1e3" in case:
            assert fraction * 1_000 // WAD == case["fmax_floor_1e3"]
            checked += 1
        if "cash_from_bidder_floor" in case:
            assert auction.slice_price(price, fraction) // WAD == case["cash_from_bidder_floor"]
            checked += 1
        if "cash_from_bidder" in case:
            assert auction.slice_price(price, wad(case["percent"])) == wad(case["cash_from_bidder"])
            checked += 1
        assert checked


def test_published_insolvent_auctions() -> None:
    """derivexyz/v2-core test/auction/unit-tests/InsolventAuction.t.sol: what the bidder is paid."""
    figures = published("auction_unit", UNIT)
    auction = Derive(figures["params_default"])
    for case in figures["insolvent"]:
        price = auction.insolvent_price(wad(case["mtm"]), wad(case["mm"]), case["t"])
        assert -auction.slice_price(price, wad(case["percent"])) == wad(case["cash_to_bidder"])


def test_published_perp_short() -> None:
    """derivexyz/v2-core SRM_liquidation.t.sol: a short perp, its cap, and the cap after a bid of 10 %."""
    figures = published("auction_unit", UNIT)
    case = figures["perp_short"]
    expected = case["expected"]
    auction = Derive(figures["params_default"] | case["params"])
    mtm = wad(case["cash"]) + wad(case["size"]) * (case["perp_price_now"] - case["perp_price_open"])
    mm = mtm - wad(case["mm_req"]) * case["perp_price_now"]
    assert (mtm, mm) == (wad(expected["mtm"]), wad(expected["mm"]))
    margin = auction.buffer_margin(mtm, mm)
    assert margin == wad(expected["bm"])
    fraction = auction.max_fraction(mtm, mm, 0, 0)
    assert fraction * 10_000 // WAD == expected["fmax_floor_1e4"]

    paid = auction.slice_price(auction.bid_price(mtm, 0, 0), WAD // 10)
    left, required = mtm * 9 // 10 + paid, (mtm - mm) * 9 // 10
    second = auction.max_fraction(left, left - required, paid, 0)
    assert second * 10_000 // WAD == expected["second_bid_fmax_after_10pct_floor_1e4"]

    price = auction.slice_price(auction.bid_price(left, paid, 0), second)
    final = left - (left - paid) * second // WAD + price
    after = auction.buffer_margin(final, final - required * (WAD - second) // WAD)
    near(after, expected["bm_after"])


def test_published_withdrawal_lock() -> None:
    """derivexyz/v2-core: the fund is locked while the insolvent margin exceeds its cash."""
    figures = published("auction_unit", UNIT)
    env = Env()
    token = env.deploy("MockToken", "USD Coin", "USDC", 6)
    for case in figures["withdraw_lock"]:
        auctions = env.deploy("MockInsolvency")
        fund = env.deploy("InsuranceFund", token, env.address("guardian"))
        fund.wire(env.address("vault"), auctions)
        if case["sm_balance"]:
            token.mint(env.deployer, case["sm_balance"] * 10**6)
            token.approve(fund, case["sm_balance"] * 10**6)
            fund.deposit(case["sm_balance"] * 10**6, env.deployer)
        auctions.set_total_insolvent(wad(case["total_insolvent_mm"]))
        assert fund.locked() is case["blocked"]


def test_published_simulations() -> None:
    """derivexyz/v2-core test/integration-tests/liquidation/liquidationTests.json, Test1, Test3 and Test5."""
    figures = published("auction_sims", SIMS)
    params = figures["params"]
    auction = Derive(params)
    bids = 0
    for sim in figures["sims"].values():
        reserved = 0
        for action in sim["actions"]:
            mtm, mm, t = wad(action["pre_mtm"]), wad(action["pre_mm"]), action["t"]
            expected = action["expected"]
            near(auction.buffer_margin(mtm, mm), expected["pre_bm"])
            cap = auction.max_fraction(mtm, mm, reserved, t)
            near(cap, expected["pre_fmax"])
            taken = min(action["percent_want"], cap)
            paid = auction.slice_price(auction.bid_price(mtm, reserved, t), taken)
            near(paid, expected["bid"], 1e-10)
            left = mtm - (mtm - reserved) * taken // WAD + paid
            required = (mtm - mm) * (WAD - taken) // WAD
            near(left, expected["post_mtm"], 1e-10)
            near(left - required, expected["post_mm"], 1e-10)
            near(auction.buffer_margin(left, left - required), expected["post_bm"], 1e-10)
            reserved += paid
            bids += 1
    assert bids == 4


def test_published_liquidation_fee() -> None:
    """The same file: f(d = 1, R = 0) * MtM * rate, with the equity that the fee has not yet left."""
    figures = published("auction_sims", SIMS)
    auction = Derive(figures["params"])
    rate = wad(figures["params"]["liquidatorFeeRate"])
    sim = figures["sims"]["Test1"]
    fee = wad(sim["liquidation_fee"])
    mtm = wad(sim["actions"][0]["pre_mtm"]) + fee
    mm = wad(sim["actions"][0]["pre_mm"]) + fee
    fraction = auction.both("max_fraction_up", auction.buffer_margin(mtm, mm), mtm, 0, WAD)
    near(auction.both("liquidation_fee_down", fraction, mtm, rate), sim["liquidation_fee"])


UNIT: dict[str, Any] = {
    "params_default": {
        "startingMtM": 1.0,
        "fastCutoff": 0.8,
        "fastLength": 600,
        "slowLength": 7200,
        "insolventLength": 600,
        "liquidatorFeeRate": 0,
        "bufferMargin": 0.1,
    },
    "solvent": [
        {"mtm": 300, "mm": -100, "t": 0, "reserved": 0, "bid_price": 300, "fmax_floor_1e3": 318},
        {
            "mtm": 300,
            "mm": -100,
            "t": 300,
            "reserved": 0,
            "bid_price": 270,
            "fmax_floor_1e3": 341,
            "cash_from_bidder_floor": 92,
        },
        {"mtm": 300, "mm": -100, "t": 300, "percent": 0.1, "cash_from_bidder": 27},
        {"mtm": 1000, "t": 300, "percent": 0.1, "cash_from_bidder": 90},
        {"mtm": 300, "t": 7800, "bid_price": 0},
    ],
    "insolvent": [
        {"mtm": -100, "mm": -300, "t": 0, "percent": 1, "cash_to_bidder": 100},
        {"mtm": 100, "mm": -300, "t": 0, "percent": 1, "cash_to_bidder": 0},
        {"mtm": -100, "mm": -300, "t": 12, "percent": 0.5, "cash_to_bidder": 52},
        {"mtm": -100, "mm": -300, "t": 300, "percent": 1, "cash_to_bidder": 200},
    ],
    "withdraw_lock": [
        {"total_insolvent_mm": 600, "sm_balance": 0, "blocked": True},
        {"total_insolvent_mm": 600, "sm_balance": 599, "blocked": True},
        {"total_insolvent_mm": 600, "sm_balance": 600, "blocked": False},
    ],
    "perp_short": {
        "params": {"startingMtM": 0.8, "bufferMargin": 0.05},
        "perp_price_open": 1000,
        "perp_price_now": 1035,
        "size": -1,
        "cash": 65,
        "mm_req": 0.05,
        "expected": {
            "mm": -21.75,
            "mtm": 30,
            "bm": -24.3375,
            "fmax_floor_1e4": 5034,
            "second_bid_fmax_after_10pct_floor_1e4": 4483,
            "bm_after": 0,
        },
    },
}

SIMS: dict[str, Any] = {
    "params": {
        "startingMtM": 0.98,
        "fastCutoff": 0.8,
        "fastLength": 100,
        "slowLength": 14400,
        "insolventLength": 600,
        "liquidatorFeeRate": 0.02,
        "bufferMargin": 0.2,
    },
    "sims": {
        "Test1": {
            "liquidation_fee": 1.322084630165343,
            "actions": [
                {
                    "t": 0,
                    "percent_want": 1000000000000000000,
                    "pre_mtm": 119.30633018077472,
                    "pre_mm": -103.09061949052965,
                    "expected": {
                        "pre_bm": -147.57000942479047,
                        "pre_fmax": 0.5579412854255694,
                        "bid": 65.23460867605947,
                        "post_mtm": 117.97501163636535,
                        "post_mm": 19.66250193939422,
                        "post_bm": 0.0,
                    },
                }
            ],
        },
        "Test3": {
            "liquidation_fee": 1.322084630165343,
            "actions": [
                {
                    "t": 30,
                    "percent_want": 150000000000000000,
                    "pre_mtm": 119.30871879735244,
                    "pre_mm": -103.08786782886884,
                    "expected": {
                        "pre_bm": -147.5671851541131,
                        "pre_fmax": 0.5718615273623249,
                        "bid": 16.571981040952252,
                        "post_mtm": 117.98439201870183,
                        "post_mm": -71.05270661358622,
                        "post_bm": -108.86012634004383,
                    },
                }
            ],
        },
        "Test5": {
            "liquidation_fee": 1.322084630165343,
            "actions": [
                {
                    "t": 30,
                    "percent_want": 100000000000000000,
                    "pre_mtm": 103.11691425041457,
                    "pre_mm": -129.47871773083105,
                    "expected": {
                        "pre_bm": -175.99784412708019,
                        "pre_fmax": 0.6482804693487164,
                        "bid": 9.54862625958839,
                        "post_mtm": 102.3538490849615,
                        "post_mm": -106.98221969815951,
                        "post_bm": -148.84943345478368,
                    },
                },
                {
                    "t": 600,
                    "percent_want": 555555555555555555,
                    "pre_mtm": 137.37340920803504,
                    "pre_mm": -46.11136202036238,
                    "expected": {
                        "pre_bm": -82.80831626604186,
                        "pre_fmax": 0.43340144971158817,
                        "bid": 42.780683484503875,
                        "post_mtm": 124.75464645361305,
                        "post_mm": 20.79244107560217,
                        "post_bm": 0.0,
                    },
                },
            ],
        },
    },
}
