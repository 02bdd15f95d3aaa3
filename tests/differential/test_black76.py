# SPDX-License-Identifier: Apache-2.0
"""math/black76 against its integer twin, exactly; against 60 digits of decimal; against published figures.

Figures: derivexyz/lyra-utils test/math/Black76.t.sol.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from simulation.domain import black76 as twin
from simulation.domain.elementary import wad_ln
from tests.evm import Contract, Env, reverts
from tests.option_reference import PRECISION, call_and_put, normal_cdf, normal_pdf, smaller_price
from tests.published import published

WAD = 10**18
NANO = 10**9
LARGEST = 2**80 - 1
YEAR = 365 * 86_400

price = st.one_of(
    st.integers(0, LARGEST),
    st.integers(1, 79).flatmap(lambda bits: st.integers(2**bits, 2 ** (bits + 1))),
    st.sampled_from([0, 1, 2, LARGEST]),
)
near_price = st.integers(1, 10**15)
width = st.one_of(
    st.integers(0, 25 * WAD),
    st.integers(0, 64).flatmap(lambda bits: st.integers(2**bits, 2 ** (bits + 1))),
    st.sampled_from([0, 1, 24 * WAD - 1, 24 * WAD, 2**256 - 1]),
)
discount = st.one_of(st.integers(0, WAD), st.just(WAD), st.integers(0, 2**80 - 1))


@st.composite
def pair(draw: st.DrawFn) -> tuple[int, int]:
    """Forward and strike: mostly within a factor of a few, where prices do not vanish; some anything."""
    forward = draw(price)
    if draw(st.booleans()):
        return forward, draw(price)
    ratio = draw(st.integers(NANO // 4, 4 * NANO))
    return forward, min(LARGEST, forward * ratio // NANO)


@st.composite
def shaped(draw: st.DrawFn) -> tuple[tuple[int, int], int]:
    """Forward, strike and total volatility with every order of magnitude, and every distance, as likely."""
    total_vol = min(24 * WAD, draw(st.integers(1_000, 9_999)) * 10 ** draw(st.integers(6, 16)))
    moved = draw(st.integers(-140, 140)) / 10 * total_vol / WAD
    forward = draw(st.integers(1_000, 9_999)) * 10 ** draw(st.integers(3, 20))
    strike = forward * math.exp(max(-40.0, min(40.0, moved)))
    return (min(forward, LARGEST), min(LARGEST, int(strike))), total_vol


@cache
def harness() -> Contract:
    return Env().deploy("OptionMathHarness")


def _exact(nano: int) -> Decimal:
    return Decimal(nano).scaleb(-9)


def _error(forward: int, strike: int) -> int:
    """The stated error of a price, wad, with one unit for each rounding."""
    return 3 * min(forward, strike) * NANO // WAD + 3


@given(pair=pair(), total_vol=width, factor=discount)
@example(pair=(0, 0), total_vol=WAD, factor=WAD)
@example(pair=(0, LARGEST), total_vol=WAD, factor=WAD)
@example(pair=(LARGEST, 0), total_vol=WAD, factor=WAD)
@example(pair=(LARGEST, LARGEST), total_vol=24 * WAD - 1, factor=2**80 - 1)
@example(pair=(LARGEST, 1), total_vol=24 * WAD - 1, factor=WAD)
@example(pair=(1_000 * NANO, 1_000 * NANO), total_vol=1, factor=WAD)
def test_prices_equal_the_twin_within_exact_bounds(
    pair: tuple[int, int], total_vol: int, factor: int
) -> None:
    forward, strike = pair
    call, put = harness().prices(forward, strike, total_vol, factor)
    assert (call, put) == twin.prices(forward, strike, total_vol, factor)
    log = harness().log_moneyness(forward, strike)
    assert log == twin.log_moneyness(forward, strike)
    assert harness().prices_from_log(forward, strike, log, total_vol, factor) == (call, put)
    # Parity: the difference is the discounted payoff, rounded toward zero.
    parity = abs(forward - strike) * NANO * factor // WAD
    assert call - put == (parity if forward >= strike else -parity)
    assert 0 <= call <= forward * NANO * factor // WAD
    assert 0 <= put <= strike * NANO * factor // WAD
    # Exchange of the two assets.
    assert twin.prices(strike, forward, total_vol, factor) == (put, call)


@settings(max_examples=300)
@given(shape=shaped())
@example(shape=((LARGEST, LARGEST), 24 * WAD))
@example(shape=((LARGEST, 1), 24 * WAD))
@example(shape=((LARGEST, LARGEST), 24 * WAD - 1))
@example(shape=((LARGEST, LARGEST - 1), 1))
@example(shape=((3 * 10**12, 3 * 10**12), 1))
@example(shape=((LARGEST, 3 * LARGEST // 10), WAD // 10))
def test_error_over_the_whole_domain(shape: tuple[tuple[int, int], int]) -> None:
    (forward, strike), total_vol = shape
    log = twin.log_moneyness(forward, strike)
    found = twin.time_value(min(forward, strike), log, total_vol)
    assert harness().time_value(min(forward, strike), log, total_vol) == found
    with localcontext() as context:
        context.prec = PRECISION
        exact = smaller_price(_exact(forward), _exact(strike), _exact(total_vol).scaleb(-9))
        assert abs(found - exact.scaleb(18)) <= _error(forward, strike)


@settings(max_examples=200)
@given(
    strike=st.integers(10**9, 10**15),
    moneyness=st.integers(-8 * NANO, 8 * NANO),
    total_vol=st.integers(10**14, 3 * WAD),
)
def test_relative_error_where_the_price_does_not_vanish(strike: int, moneyness: int, total_vol: int) -> None:
    """From 1e-9 of the underlying up to eight deviations out: one part in 1e9, and usually far less."""
    with localcontext() as context:
        context.prec = PRECISION
        shift = (Decimal(moneyness) / NANO * Decimal(total_vol).scaleb(-18)).exp()
        forward = int(strike * shift)
        assume(0 < forward <= LARGEST)
        exact = smaller_price(_exact(forward), _exact(strike), Decimal(total_vol).scaleb(-18)).scaleb(18)
        found = twin.time_value(min(forward, strike), twin.log_moneyness(forward, strike), total_vol)
        assume(exact > min(forward, strike))
        assert abs(found - exact) <= exact * Decimal("2e-9") + 1
        if exact > min(forward, strike) * 1_000:
            assert abs(found - exact) <= exact * Decimal("1e-11") + 1


@given(pair=pair(), total_vol=st.integers(0, 24 * WAD), step=st.integers(0, WAD))
def test_price_rises_with_volatility(pair: tuple[int, int], total_vol: int, step: int) -> None:
    log = twin.log_moneyness(*pair)
    before = twin.time_value(min(pair), log, total_vol)
    after = twin.time_value(min(pair), log, total_vol + step)
    # Not below, but for the error of the two.
    assert after >= before - 2 * _error(*pair)
    if step >= WAD // 1_000 and before > min(pair) * NANO // 10**6 and after < min(pair) * 9 * NANO // 10:
        assert after > before


@given(
    forward=near_price,
    strike=near_price,
    steps=st.tuples(st.integers(0, 10**14), st.integers(0, 10**14)),
    total_vol=width,
)
def test_call_falls_put_rises_and_both_are_convex_in_strike(
    forward: int, strike: int, steps: tuple[int, int], total_vol: int
) -> None:
    strikes = (strike, strike + steps[0], strike + sum(steps))
    calls, puts = zip(*(twin.prices(forward, k, total_vol, WAD) for k in strikes), strict=True)
    error = 2 * _error(forward, strikes[2])
    assert calls[0] + error >= calls[1] >= calls[2] - error
    assert puts[0] - error <= puts[1] <= puts[2] + error
    # The middle one is not above the chord.
    assert calls[1] * sum(steps) <= calls[0] * steps[1] + calls[2] * steps[0] + error * sum(steps)
    assert puts[1] * sum(steps) <= puts[0] * steps[1] + puts[2] * steps[0] + error * sum(steps)


@given(pair=pair(), total_vol=st.integers(1, 24 * WAD), shock=st.integers(WAD // 3, 3 * WAD))
def test_a_shock_of_the_forward_adds_its_logarithm(pair: tuple[int, int], total_vol: int, shock: int) -> None:
    """What a grid of scenarios relies on: ln(F s / K) = ln(F / K) + ln(s), the latter a constant."""
    forward, strike = pair
    shocked = min(LARGEST, forward * shock // WAD)
    assume(0 < shocked < LARGEST and strike > 0 and forward > 10**6)
    shared = twin.log_moneyness(forward, strike) + wad_ln(shock)
    at_once = twin.prices(shocked, strike, total_vol, WAD)
    in_steps = twin.prices_from_log(shocked, strike, shared, total_vol, WAD)
    # The shocked forward is floored to nano, at most one in F, and a price moves by less than its forward.
    assert abs(at_once[0] - in_steps[0]) <= 2 * NANO + 3 * _error(shocked, strike)
    assert at_once[0] - in_steps[0] == at_once[1] - in_steps[1]


@given(
    vol=st.one_of(st.integers(0, 10 * WAD), st.integers(0, 2**256 - 1)),
    seconds=st.one_of(st.integers(0, YEAR), st.integers(0, 2**40 - 1)),
    rate=st.one_of(st.integers(0, WAD), st.integers(0, 2**128 - 1)),
)
@example(vol=2**256 - 1, seconds=1, rate=2**128 - 1)
@example(vol=2**256 - 1, seconds=0, rate=0)
def test_time_volatility_and_discount(vol: int, seconds: int, rate: int) -> None:
    root = harness().root_time(seconds)
    assert root == twin.root_time(seconds)
    assert root * root * YEAR <= seconds << 192 < (root + 1) ** 2 * YEAR + YEAR
    total = harness().total_vol(vol, root)
    assert total == twin.total_vol(vol, root)
    if vol < 2**128:
        assert total * total * YEAR <= vol * vol * seconds
    elif seconds:
        assert total >= twin.MAX_TOTAL_VOL
    factor = harness().discount(rate, seconds)
    assert factor == twin.discount(rate, seconds)
    with localcontext() as context:
        context.prec = PRECISION
        exponent = min(Decimal(rate) * seconds / YEAR, 50 * Decimal(WAD)).scaleb(-18)
        assert 0 <= factor <= WAD and abs(factor - (-exponent).exp().scaleb(18)) <= 2


@given(
    is_call=st.booleans(),
    pair=pair(),
    vol=st.one_of(st.integers(0, 10 * WAD), st.integers(0, 2**128)),
    seconds=st.one_of(st.integers(0, 2 * YEAR), st.integers(0, 2**40 - 1)),
    rate=st.integers(0, 2 * WAD),
)
@example(is_call=True, pair=(0, 5), vol=WAD, seconds=YEAR, rate=0)
@example(is_call=False, pair=(5, 0), vol=WAD, seconds=YEAR, rate=0)
@example(is_call=False, pair=(5, 9), vol=WAD, seconds=0, rate=WAD)
@example(is_call=True, pair=(9, 5), vol=0, seconds=YEAR, rate=WAD)
@example(is_call=True, pair=(9, 5), vol=24 * WAD, seconds=YEAR, rate=WAD)
@example(is_call=False, pair=(9, 5), vol=24 * WAD, seconds=YEAR, rate=WAD)
@example(is_call=True, pair=(1, 1), vol=1, seconds=2**39, rate=0)
@example(is_call=True, pair=(LARGEST, LARGEST), vol=10 * WAD, seconds=5 * YEAR, rate=2 * WAD)
def test_greeks_equal_the_twin(
    is_call: bool, pair: tuple[int, int], vol: int, seconds: int, rate: int
) -> None:
    found = harness().greeks(is_call, *pair, vol, seconds, rate)
    mine = twin.greeks(is_call, *pair, vol, seconds, rate)
    assert tuple(found) == (mine.delta, mine.gamma, mine.vega, mine.theta)


@given(
    is_call=st.booleans(),
    forward=st.integers(10**9, 10**14),
    ratio=st.integers(NANO // 3, 3 * NANO),
    vol=st.integers(WAD // 10, 3 * WAD),
    seconds=st.integers(3_600, 2 * YEAR),
    rate=st.integers(0, WAD),
)
def test_greeks_are_the_derivatives(
    is_call: bool, forward: int, ratio: int, vol: int, seconds: int, rate: int
) -> None:
    strike = forward * ratio // NANO
    found = twin.greeks(is_call, forward, strike, vol, seconds, rate)
    with localcontext() as context:
        context.prec = PRECISION
        f, k, v, r = _exact(forward), _exact(strike), Decimal(vol).scaleb(-18), Decimal(rate).scaleb(-18)
        tau = Decimal(seconds) / YEAR
        w, factor = v * tau.sqrt(), (-r * tau).exp()
        d1 = (f / k).ln() / w + w / 2
        value = call_and_put(f, k, w)[0 if is_call else 1] * factor
        bell = normal_pdf(d1) * factor
        delta = factor * (normal_cdf(d1) if is_call else -normal_cdf(-d1))
        theta = r * value - f * bell * v / (2 * tau.sqrt())
        for name, exact, scale in (
            ("delta", delta, Decimal(1)),
            ("gamma", bell / (f * w), 1 / (f * w)),
            ("vega", f * bell * tau.sqrt(), f * tau.sqrt()),
            ("theta", theta, f * v / tau.sqrt() + f * r),
        ):
            error = abs(Decimal(getattr(found, name)).scaleb(-18) - exact)
            assert error <= scale * Decimal("1e-14") + Decimal("3e-18"), name


@pytest.mark.parametrize(
    ("name", "args", "reason"),
    [
        ("prices", (2**80, 1, WAD, WAD), "black76: price out of range"),
        ("prices", (1, 2**80, WAD, WAD), "black76: price out of range"),
        ("prices", (1, 1, WAD, 2**80), "black76: discount out of range"),
        ("prices_from_log", (2**80, 1, 0, WAD, WAD), "black76: price out of range"),
        ("prices_from_log", (1, 2**80, 0, WAD, WAD), "black76: price out of range"),
        ("prices_from_log", (1, 1, 2**128, WAD, WAD), "black76: moneyness out of range"),
        ("prices_from_log", (1, 1, -(2**128), WAD, WAD), "black76: moneyness out of range"),
        ("time_value", (2**80, 0, WAD), "black76: price out of range"),
        ("log_moneyness", (2**80, 1), "black76: price out of range"),
        ("root_time", (2**40,), "black76: time out of range"),
        ("discount", (0, 2**40), "black76: time out of range"),
        ("discount", (2**128, 1), "black76: rate out of range"),
    ],
)
def test_what_is_out_of_range_is_refused(name: str, args: tuple[int, ...], reason: str) -> None:
    with reverts(reason):
        getattr(harness(), name)(*args)
    with pytest.raises(ValueError, match=reason):
        getattr(twin, name)(*args)


@pytest.mark.parametrize("log", [2**128 - 1, -(2**128) + 1, 0])
@pytest.mark.parametrize("total_vol", [1, 24 * WAD - 1])
@pytest.mark.parametrize("smaller", [1, LARGEST])
def test_the_stated_bounds_hold_at_the_edges(smaller: int, log: int, total_vol: int) -> None:
    """Unchecked arithmetic equals the integers that do not overflow."""
    assert harness().time_value(smaller, log, total_vol) == twin.time_value(smaller, log, total_vol)


def test_published_prices() -> None:
    cases: list[dict[str, Any]] = published("black76", PUBLISHED)["cases"]
    for case in cases:
        forward, strike = case["F"] * NANO, case["K"] * NANO
        total = harness().total_vol(_wad(case["vol"]), harness().root_time(case["sec"]))
        found = harness().prices(forward, strike, total, _wad(case["D"]))
        for mine, theirs in zip(found, (case["call"], case["put"]), strict=True):
            # Theirs are floats.
            assert abs(mine / WAD - theirs) <= 2e-15 * max(case["F"], case["K"]), case


def test_published_mark_to_market() -> None:
    """derivexyz/v2-core PMRM_2 portfolio case 34: one short call."""
    case = published("pm_34_tails_basic_tail_test", TAIL_TEST)
    (expiry,), (option,) = case["inputs"]["expiries"], case["inputs"]["options"]
    total = harness().total_vol(_wad(option["mark_vol"]), harness().root_time(expiry["sec"]))
    forward, strike = (_wad(number) // NANO for number in (expiry["forward"], option["strike"]))
    factor = harness().discount(_wad(expiry["rate"]), expiry["sec"])
    call, _ = harness().prices(forward, strike, total, factor)
    assert call / WAD * option["amount"] == pytest.approx(case["expected"]["option_mtm"], rel=1e-10)


def test_gas_of_a_price() -> None:
    """What a grid of 27 scenarios pays 27 times."""
    spot, log = 3_000 * NANO, harness().log_moneyness(3_000 * NANO, 3_300 * NANO)
    used = {
        "time_value": harness().gas_of_time_value(spot, log, WAD // 3),
        "prices_from_log": harness().gas_of_prices_from_log(spot, 3_300 * NANO, log, WAD // 3, WAD),
        "prices": harness().gas_of_prices(spot, 3_300 * NANO, WAD // 3, WAD),
    }
    print(used)
    assert used["time_value"] < 2_800 and used["prices_from_log"] < 3_300 and used["prices"] < 5_000


def _wad(number: float) -> int:
    return int(Decimal(repr(number)).scaleb(18))


PUBLISHED: dict[str, Any] = {
    "cases": [
        {"sec": 604800, "vol": 1, "F": 1500, "K": 1500, "D": 1}
        | {"call": 82.80508066863456, "put": 82.80508066863456},
        {"sec": 2592000, "vol": 0.25, "F": 1000, "K": 1200, "D": 0.9991784198737006}
        | {"call": 0.1370821284265793, "put": 199.97276610316672},
        {"sec": 172800, "vol": 0.75, "F": 1000, "K": 700, "D": 0.9998904169635637}
        | {"call": 299.9671250895262, "put": 4.5708468e-10},
        {"sec": 31536000, "vol": 25, "F": 1000, "K": 700, "D": 0.9801986733067553}
        | {"call": 980.1986733067553, "put": 686.1390713147287},
        {"sec": 31536000, "vol": 5, "F": 1000, "K": 700, "D": 0.9801986733067553}
        | {"call": 970.034553583819, "put": 675.9749515917925},
        {"sec": 31536000, "vol": 4, "F": 1000, "K": 0, "D": 0.99, "call": 990, "put": 0},
        {"sec": 31536000, "vol": 4, "F": 0, "K": 1000, "D": 0.99, "call": 0, "put": 990},
    ]
}
TAIL_TEST: dict[str, Any] = {
    "inputs": {
        "expiries": [{"sec": 794852, "forward": 2682.9997436016715, "rate": 0.15000000000000002}],
        "options": [{"strike": 4000.0, "amount": -1.0, "mark_vol": 0.8795543651099665}],
    },
    "expected": {"option_mtm": -0.28256330968834237},
}
