# SPDX-License-Identifier: Apache-2.0
"""Standard margin written down once more, in decimals, to pin what the integers must mean.

Derive StandardManager: margins are numbers to be >= 0, equity less the requirement. Written from the
published description, for tests only; the twin that contracts equal to the wei is
simulation/domain/standard_options.py. Readers of the two published formats make a `StandardCase` of either.
USD, seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from typing import Any

from tests.option_reference import PRECISION, call_and_put

__all__ = [
    "Leg",
    "Margin",
    "StandardCase",
    "Underlying",
    "from_portfolio",
    "from_test_case",
    "standard_margin",
]

YEAR = 365 * 86_400
ONE = Decimal(1)
ZERO = Decimal(0)
WAD = 10**18
SURFACE = (1, 1.5, -0.1, -0.05, 0.05)
"""What every case of the first format uses."""


@dataclass(frozen=True, slots=True)
class Underlying:
    spot: Decimal
    spot_confidence: Decimal = ONE
    perp_mark: Decimal = ZERO
    perp_confidence: Decimal = ONE
    perp_size: Decimal = ZERO
    unrealised: Decimal = ZERO
    """Of the perpetual, unpaid funding included."""
    base: Decimal = ZERO
    """Amount of the coin held as collateral."""


@dataclass(frozen=True, slots=True)
class Series:
    forward: Decimal
    confidence: Decimal
    """The smaller of forward and volatility."""
    surface_forward: Decimal
    """At which the case's surface stands; another one where part of the forward is settled already."""


@dataclass(frozen=True, slots=True)
class Leg:
    underlying: str
    seconds: int
    strike: Decimal
    is_call: bool
    amount: Decimal
    mark: Decimal


@dataclass(frozen=True, slots=True)
class Margin:
    initial: Decimal
    maintenance: Decimal
    mark_to_market: Decimal


@dataclass(frozen=True, slots=True)
class StandardCase:
    params: Mapping[str, Any]
    underlyings: Mapping[str, Underlying]
    series: Mapping[tuple[str, int], Series]
    legs: tuple[Leg, ...]
    cash: Decimal
    stable: Decimal
    surface: tuple[Decimal, ...]
    """SVI of the variance of a year: a, b, rho, m, sigma."""
    expected: Mapping[str, Decimal] = field(default_factory=dict)
    """`initial`, `maintenance`, `mark_to_market` as published."""


def standard_margin(case: StandardCase) -> Margin:
    """Initial and maintenance margin, and the value of everything."""
    with localcontext(Context(prec=PRECISION)):
        value = case.cash
        for coin in case.underlyings.values():
            value += coin.unrealised + coin.base * coin.spot / case.stable
        value += sum((leg.amount * leg.mark for leg in case.legs), ZERO)
        return Margin(_margin(case, True), _margin(case, False), value)


def _margin(case: StandardCase, initial: bool) -> Decimal:
    def number(group: str, name: str) -> Decimal:
        return Decimal(str(case.params[group][name]))

    factor = number("oracle", "OCFactor")

    def unsure(confidence: Decimal, threshold: str, notional: Decimal) -> Decimal:
        low = initial and confidence < number("oracle", threshold)
        return (1 - confidence) * factor * notional if low else ZERO

    total = case.cash
    for name, coin in case.underlyings.items():
        size = abs(coin.perp_size)
        total += coin.unrealised - size * coin.perp_mark * number("perp", "im" if initial else "mm")
        total -= unsure(min(coin.perp_confidence, coin.spot_confidence), "perpThreshold", size * coin.spot)
        worth = coin.base * coin.spot
        total += worth * number("base", "marginFactor") * (number("base", "IMScale") if initial else 1)
        total -= unsure(coin.spot_confidence, "baseThreshold", worth)
        exposed = size
        for (underlying, seconds), series in case.series.items():
            legs = [leg for leg in case.legs if (leg.underlying, leg.seconds) == (name, seconds)]
            if underlying != name or not legs:
                continue
            shorts = sum((max(ZERO, -leg.amount) for leg in legs), ZERO)
            exposed += shorts
            isolated = sum((_isolated(leg, coin.spot, number, initial) for leg in legs), ZERO)
            total += max(isolated, _maximum_loss(legs, series.forward, number, initial))
            confidence = min(coin.spot_confidence, series.confidence)
            total -= unsure(confidence, "optionThreshold", shorts * coin.spot)
        if initial:
            gap = max(ZERO, number("depeg", "threshold") - case.stable)
            total -= gap * number("depeg", "factor") * coin.spot * exposed
    return total


def _isolated(leg: Leg, spot: Decimal, number: Any, initial: bool) -> Decimal:
    if leg.amount >= 0:
        return ZERO
    value = leg.amount * leg.mark

    def share(out_of_money: Decimal) -> Decimal:
        least: Decimal = number("option", "minSpotReq")
        return max(number("option", "maxSpotReq") - max(out_of_money, ZERO) / spot, least)

    if leg.is_call:
        if initial:
            return value + leg.amount * spot * share(leg.strike - spot)
        return value + leg.amount * spot * number("option", "mmCallSpotReq")
    maintenance = value + min(
        leg.amount * spot * number("option", "mmPutSpotReq"), number("option", "MMPutMtMReq") * value
    )
    if not initial:
        return maintenance
    lifted = maintenance * number("option", "mmOffsetScale")
    return min(value + leg.amount * spot * share(spot - leg.strike), lifted)


def _maximum_loss(legs: list[Leg], forward: Decimal, number: Any, initial: bool) -> Decimal:
    def payoff(price: Decimal) -> Decimal:
        return sum(
            (
                leg.amount * max(ZERO, price - leg.strike if leg.is_call else leg.strike - price)
                for leg in legs
            ),
            ZERO,
        )

    worst = min(min(ZERO, payoff(price)) for price in [ZERO, *(leg.strike for leg in legs)])
    calls = sum((leg.amount for leg in legs if leg.is_call), ZERO)
    return worst + min(ZERO, calls) * forward * number(
        "option", "unpairedIMScale" if initial else "unpairedMMScale"
    )


def _mark(forward: Decimal, strike: Decimal, vol: Decimal, seconds: int, is_call: bool) -> Decimal:
    with localcontext(Context(prec=PRECISION)):
        width = vol * (Decimal(seconds) / YEAR).sqrt()
        return call_and_put(forward, strike, width)[0 if is_call else 1]


def from_test_case(params: Mapping[str, Any], case: Mapping[str, Any]) -> StandardCase:
    """A case of test-cases.json: parallel lists, 18 decimals; a feed belongs to the expiry beside it."""
    given = case["inputs"]

    def wad(name: str, default: int = 0) -> Decimal:
        return Decimal(given.get(name) or default) / WAD

    underlyings = {}
    for place, name in enumerate(("ETH", "BTC")):
        confidences = (given.get("SpotPerpConfidences") or [[WAD, WAD]] * 2)[place]
        size, mark = wad(f"Perps_{name}"), Decimal((given.get("PerpPrice") or [0, 0])[place]) / WAD
        funding = wad(f"Account{name}FundingIndex") - wad(f"{name}GlobalFundingIndex")
        underlyings[name] = Underlying(
            wad(f"{name}SpotPrice"),
            Decimal(confidences[0]) / WAD,
            mark,
            Decimal(confidences[1]) / WAD,
            size,
            size * (mark - wad(f"LastEntry{name}") + funding),
            wad(f"w{name}"),
        )
    names = given.get("OptionUnderlying", [])
    series: dict[tuple[str, int], Series] = {}
    for place, name in enumerate(names):
        seconds = given["FeedExpiries"][place]
        forward = surface_forward = Decimal(given["Forwards"][place]) / WAD
        if seconds < 3_600:
            forward = wad(f"SettlementPrice{name}")
        certain = [given.get(kind, {}) for kind in ("ForwardConfidences", "OptionVolConfidences")]
        confidence = min(Decimal(row[place]) / WAD if row else ONE for row in certain)
        known = series.get((name, seconds))
        if known:
            confidence = min(confidence, known.confidence)
        series[name, seconds] = Series(forward, confidence, surface_forward)
    legs = []
    for place, name in enumerate(names):
        seconds, is_call = given["OptionExpiries"][place], bool(given["OptionIsCall"][place])
        strike, vol = (Decimal(given[kind][place]) / WAD for kind in ("OptionStrikes", "OptionVols"))
        amount = Decimal(given["OptionAmounts"][place]) / WAD
        mark = _mark(series[name, seconds].forward, strike, vol, seconds, is_call)
        legs.append(Leg(name, seconds, strike, is_call, amount, mark))
    expected = {
        key: Decimal(case["expected"][name]) / WAD
        for key, name in (("initial", "IM"), ("maintenance", "MM"), ("mark_to_market", "MtM"))
    }
    surface = tuple(Decimal(str(figure)) for figure in given.get("SVIParams", SURFACE))
    return StandardCase(
        params, underlyings, series, tuple(legs), wad("Cash"), wad("USDCValue", WAD), surface, expected
    )


def from_portfolio(
    params: Mapping[str, Any], feeds: Mapping[str, Any], case: Mapping[str, Any]
) -> StandardCase:
    """A case of test-cases-portfolio.json: dated expiries, 8 decimals, feeds shared and overridden."""
    given, changed = case["inputs"], case["feeds_override"]
    unit = 10**8

    def total(kind: str, name: str) -> Decimal:
        rows = [Decimal(row["amount"]) / unit for row in given[kind] if row["underlying"] == name]
        return sum(rows, ZERO)

    underlyings = {}
    for name in ("eth", "btc"):
        mark = Decimal(str(feeds[f"{name}_perp"]))
        unrealised = sum(
            (
                Decimal(row["amount"]) / unit * (mark - Decimal(row["entryPrice"]) / unit)
                for row in given["perps"]
                if row["underlying"] == name
            ),
            ZERO,
        )
        underlyings[name] = Underlying(
            spot=Decimal(str(feeds[f"{name}_spot"])),
            spot_confidence=Decimal(str(changed.get("esc", 1))) if name == "eth" else ONE,
            perp_mark=mark,
            perp_size=total("perps", name),
            unrealised=unrealised,
            base=total("bases", name),
        )
    series: dict[tuple[str, int], Series] = {}
    legs = []
    for row in given["options"]:
        name, expiry = row["underlying"], row["expiry"]
        seconds = feeds["seconds_to_expiry"][expiry]
        forward = underlyings[name].spot + Decimal(str(feeds[f"{name}_forward_minus_spot"][expiry]))
        confidence = ONE
        if name == "eth":
            given_forward = changed.get("fwd", {}).get(expiry)
            if given_forward:
                confidence = Decimal(str(given_forward[1]))
            for key, level in changed.get("vol", {}).items():
                if expiry in key:
                    confidence = min(confidence, Decimal(str(level)))
            if given_forward:
                forward = Decimal(str(given_forward[0]))
        series[name, seconds] = Series(forward, confidence, forward)
        strike, is_call = Decimal(row["strike"]), row["type"] == "call"
        mark = _mark(forward, strike, Decimal(str(feeds["vol"])), seconds, is_call)
        legs.append(Leg(name, seconds, strike, is_call, Decimal(row["amount"]) / unit, mark))
    published = case["reference_value"]
    return StandardCase(
        params | {"base": params["base"] | {"marginFactor": 0.8}},
        underlyings,
        series,
        tuple(legs),
        Decimal(given["cash"]) / unit,
        Decimal(str(changed.get("stable", feeds["stable"]))),
        (Decimal(str(feeds["vol"])) ** 2, ZERO, ZERO, ZERO, ONE),
        {
            "initial": Decimal(str(published["IM"])),
            "maintenance": Decimal(str(published["MM"])),
            "initial_dollars": Decimal(case["expected_integer_part"]["im"]),
            "maintenance_dollars": Decimal(case["expected_integer_part"]["mm"]),
        },
    )
