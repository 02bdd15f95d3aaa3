# SPDX-License-Identifier: Apache-2.0
"""Instruments: listing series, adding strikes, caps, activity, wiring; each effect, event and refusal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.evm import Env, reverts
from tests.markets import deploy_instruments
from tests.unit.instruments.dated import EXPIRY, SPOT, STRIKES, TERMS, Desk, fresh_desk, terms

NANO = 10**9
LINEAR, FUTURE, OPTION = 1, 4, 8
CALL, PUT = 257, 258


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = fresh_desk()
    with found.env.anchor():
        yield found


def refused(desk: Desk, reason: str, function: str, *args: Any, role: str | None = None) -> None:
    """The call reverts with this reason, and the registry says what it said before."""
    registry = desk.instruments
    before = (registry.series_count(), registry.series(1), registry.series(2), registry.strikes(1))
    sender = {} if role is None else {"sender": desk.env.address(role)}
    with reverts(reason):
        getattr(registry, function)(*args, **sender)
    assert before == (registry.series_count(), registry.series(1), registry.series(2), registry.strikes(1))


# --- listing


def test_a_series_is_listed_with_its_future(desk: Desk) -> None:
    registry = desk.instruments
    receipt = registry.list_series(terms(expiry=EXPIRY + 1))
    assert receipt.value == registry.series_count() == 2
    (event,) = receipt.named("SeriesListed")
    assert (event["series"], tuple(event["terms"])) == (2, terms(expiry=EXPIRY + 1))
    found = registry.series(2)
    assert (found.feed, found.expiry, found.strikes, found.active, found.delisted) == (
        1,
        EXPIRY + 1,
        0,
        True,
        False,
    )
    assert tuple(found)[5:] == terms()[2:]
    assert registry.is_active(512) and not registry.is_expired(512)
    assert tuple(registry.spec(512)) == (
        FUTURE,
        1,
        TERMS["future_tick_size"],
        TERMS["future_lot_size"],
        TERMS["future_max_open_interest"],
        True,
    )
    assert tuple(registry.terms(512)) == (FUTURE, 2, EXPIRY + 1, 0, False)


def test_the_widest_terms_are_kept(desk: Desk) -> None:
    widest = (1, 2**32 - 1, 2**48 - 1, 2**64 - 1, 2**48 - 1, 2**64 - 1, 2**79 - 1, 2**79 - 1)
    series = desk.instruments.list_series(widest).value
    desk.instruments.add_strikes(series, [1])
    found = desk.instruments.series(series)
    assert (found.feed, found.expiry, *tuple(found)[5:]) == widest
    assert desk.instruments.lot_sizes([series << 8, series << 8 | 1]) == [2**64 - 1] * 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"feed": 0}, "instruments: unknown feed"),
        ({"feed": 9}, "instruments: unknown feed"),
        ({"feed": 256}, "instruments: unknown feed"),
        ({"expiry": 0}, "instruments: expiry out of range"),
        ({"expiry": 1_700_000_000 + 3_599}, "instruments: expiry out of range"),
        ({"expiry": 2**32}, "instruments: expiry out of range"),
        ({"expiry": 2**256 - 1}, "instruments: expiry out of range"),
        ({"future_tick_size": 0}, "instruments: tick size out of range"),
        ({"future_tick_size": 2**48}, "instruments: tick size out of range"),
        ({"future_lot_size": 0}, "instruments: lot size out of range"),
        ({"future_lot_size": 2**64}, "instruments: lot size out of range"),
        ({"option_tick_size": 0}, "instruments: tick size out of range"),
        ({"option_tick_size": 2**48}, "instruments: tick size out of range"),
        ({"option_lot_size": 0}, "instruments: lot size out of range"),
        ({"option_lot_size": 2**64}, "instruments: lot size out of range"),
        ({"future_max_open_interest": 2**79}, "instruments: open interest cap too large"),
        ({"option_max_open_interest": 2**79}, "instruments: open interest cap too large"),
    ],
)
def test_terms_out_of_range_are_refused(desk: Desk, changes: dict[str, int], reason: str) -> None:
    refused(desk, reason, "list_series", terms(**changes))


def test_nothing_is_listed_before_prices_are_wired() -> None:
    env = Env()
    _, registry = deploy_instruments(env)
    with reverts("instruments: not wired"):
        registry.list_series(terms(expiry=env.timestamp + 10**6))
    assert registry.series_count() == 0


@pytest.mark.parametrize("role", ["attacker", "guardian"])
@pytest.mark.parametrize(
    ("function", "args"),
    [
        ("list_series", (terms(),)),
        ("add_strikes", (1, [])),
        ("set_series_caps", (1, 0, 0)),
        ("wire", ("0x" + "11" * 20,) * 3),
    ],
)
def test_only_the_owner(desk: Desk, role: str, function: str, args: tuple[Any, ...]) -> None:
    refused(desk, "ownable: caller is not the owner", function, *args, role=role)


def test_there_are_255_series(desk: Desk) -> None:
    for _ in range(254):
        last = desk.instruments.list_series(terms()).value
    assert last == 255
    desk.instruments.add_strikes(255, [7])
    assert desk.instruments.terms(65_281).strike == 7
    refused(desk, "instruments: too many series", "list_series", terms())


# --- wiring


def test_wiring_names_three_contracts_once() -> None:
    env = Env()
    _, registry = deploy_instruments(env)
    names = [env.address(role) for role in ("surface", "board", "ledger")]
    for place in range(3):
        with reverts("instruments: zero address"):
            registry.wire(*("0x" + "00" * 20 if i == place else name for i, name in enumerate(names)))
    assert registry.wire(*names).named("SeriesWired") == [
        {"surface": names[0], "risk_board": names[1], "ledger": names[2]}
    ]
    assert [registry.surface(), registry.risk_board(), registry.ledger()] == names
    with reverts("instruments: already wired"):
        registry.wire(*names)


# --- strikes


def test_strikes_bring_a_call_and_a_put_each(desk: Desk) -> None:
    registry = desk.instruments
    assert registry.strikes(1) == STRIKES
    assert registry.series(1).strikes == len(STRIKES)
    for place, strike in enumerate(STRIKES):
        call, put = CALL + 2 * place, PUT + 2 * place
        assert tuple(registry.terms(call)) == (OPTION, 1, EXPIRY, strike, True)
        assert tuple(registry.terms(put)) == (OPTION, 1, EXPIRY, strike, False)
        assert tuple(registry.spec(call)) == (
            OPTION,
            1,
            TERMS["option_tick_size"],
            TERMS["option_lot_size"],
            TERMS["option_max_open_interest"],
            True,
        )
    assert registry.lot_sizes([256, CALL, 265, 511, 512, 2**20]) == [NANO // 1_000, NANO // 100, 0, 0, 0, 0]


def test_strikes_are_added_above_and_keep_their_places(desk: Desk) -> None:
    registry = desk.instruments
    series = registry.list_series(terms()).value
    first, later = [5, 6, 7, 8], list(range(9, 69))
    assert registry.add_strikes(series, first).named("StrikesAdded") == [{"series": series, "strikes": first}]
    registry.add_strikes(series, later)
    assert registry.strikes(series) == first + later
    with reverts("instruments: too many strikes"):
        registry.add_strikes(series, [100])
    assert registry.strikes(series) == first + later
    assert registry.strikes(1) == STRIKES


@pytest.mark.parametrize(
    ("strikes", "reason"),
    [
        ([0], "instruments: strikes not ascending"),
        ([2**72 - 1], "instruments: strikes not ascending"),
        ([2**72], "instruments: strike out of range"),
        ([2**72 - 2], "instruments: strikes not ascending"),
    ],
)
def test_strikes_out_of_order_or_range_are_refused(desk: Desk, strikes: list[int], reason: str) -> None:
    refused(desk, reason, "add_strikes", 1, strikes)


@pytest.mark.parametrize("series", [0, 2, 255, 256, 2**256 - 1])
def test_an_unknown_series_is_refused(desk: Desk, series: int) -> None:
    refused(desk, "instruments: unknown series", "add_strikes", series, [1])
    refused(desk, "instruments: unknown series", "set_series_caps", series, 1, 1)
    refused(desk, "instruments: unknown series", "set_series_active", series, True)
    refused(desk, "instruments: unknown series", "delist_series", series)


def test_no_strike_after_expiry(desk: Desk) -> None:
    series = desk.instruments.list_series(terms()).value
    desk.expire()
    with reverts("instruments: series has expired"):
        desk.instruments.add_strikes(series, [1])
    assert desk.instruments.strikes(series) == []


# --- caps and activity


def test_caps_change_with_their_event(desk: Desk) -> None:
    registry = desk.instruments
    assert registry.set_series_caps(1, 7, 2**79 - 1).named("SeriesCapsSet") == [
        {"series": 1, "future_max_open_interest": 7, "option_max_open_interest": 2**79 - 1}
    ]
    assert registry.spec(256).max_open_interest == registry.touch(256).value[1] == 7
    assert registry.spec(CALL).max_open_interest == registry.touch(CALL).value[1] == 2**79 - 1
    assert registry.strikes(1) == STRIKES and registry.is_active(CALL)
    refused(desk, "instruments: open interest cap too large", "set_series_caps", 1, 2**79, 0)
    refused(desk, "instruments: open interest cap too large", "set_series_caps", 1, 0, 2**256 - 1)


def test_the_guardian_restricts_and_the_owner_allows(desk: Desk) -> None:
    registry = desk.instruments
    guardian = desk.env.address("guardian")
    assert registry.set_series_active(1, False, sender=guardian).named("SeriesActiveSet") == [
        {"series": 1, "active": False}
    ]
    for market in (256, CALL, PUT):
        assert not registry.is_active(market) and not registry.spec(market).active
        assert registry.touch(market).value[1] == 0
    refused(desk, "instruments: caller not permitted", "set_series_active", 1, True, role="guardian")
    refused(desk, "instruments: caller not permitted", "set_series_active", 1, False, role="attacker")
    registry.set_series_active(1, True)
    assert registry.is_active(CALL)


def test_a_series_expires_by_the_clock(desk: Desk) -> None:
    registry = desk.instruments
    desk.env.advance(EXPIRY - 1 - desk.env.timestamp)
    assert registry.is_active(256) and not registry.is_expired(CALL)
    desk.env.advance(1)
    for market in (256, CALL, PUT):
        assert not registry.is_active(market) and registry.is_expired(market)
        assert not registry.spec(market).active and registry.touch(market).value[1] == 0
    assert registry.series(1).active
    assert not registry.is_expired(1)


@pytest.mark.parametrize("market", [0, 2, 128, 255, 265, 511, 512, 2**16, 2**256 - 1])
def test_a_market_that_is_not_there(desk: Desk, market: int) -> None:
    for function in ("spec", "terms", "is_active", "is_expired", "touch"):
        with reverts("instruments: unknown market"):
            getattr(desk.instruments, function)(market)
    assert desk.instruments.words([market]) == [0] or market < 256


def test_functions_of_perpetuals_refuse_dated_markets(desk: Desk) -> None:
    for call in (
        ("set_funding", 256, 8, 0, 1),
        ("set_open_interest_cap", 256, 1),
        ("set_active", 256, False),
    ):
        refused(desk, "instruments: unknown market", *call)
    assert tuple(desk.instruments.terms(1)) == (LINEAR, 0, 0, 0, False)


# --- delisting


def test_a_settled_series_without_positions_is_delisted_by_anyone(desk: Desk) -> None:
    registry = desk.instruments
    refused(desk, "instruments: series is not settled", "delist_series", 1)
    desk.expire()
    refused(desk, "instruments: series is not settled", "delist_series", 1)
    desk.pricing.set_settlement(1, SPOT)
    for market in (256, CALL, PUT + 2 * (len(STRIKES) - 1)):
        desk.pricing.set_open_interest(market, 1)
        refused(desk, "instruments: positions are open", "delist_series", 1)
        desk.pricing.set_open_interest(market, 0)
    before = registry.words([256, CALL])
    receipt = registry.delist_series(1, sender=desk.env.address("anyone"))
    assert receipt.named("SeriesDelisted") == [{"series": 1}]
    assert (registry.series(1).active, registry.series(1).delisted) == (False, True)
    assert registry.words([256, CALL]) == before
    refused(desk, "instruments: unknown series", "set_series_active", 1, True)
