# SPDX-License-Identifier: Apache-2.0
"""RiskModel: what the owner may set, within which bounds, and that the views show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, replace
from functools import cache
from typing import Any

import pytest

from tests.evm import Contract, Env, reverts
from tests.risk_models import (
    ADMITTED,
    CONTINGENCY,
    CORRELATIONS,
    MODEL,
    QUANTILES,
    UNDERLYINGS,
    deploy,
    install,
)

NANO = 10**9


@cache
def _deployed() -> tuple[Contract, Contract, Contract]:
    return deploy(Env())


@pytest.fixture
def parameters() -> Iterator[Contract]:
    contract = _deployed()[1]
    with contract.env.anchor():
        yield contract


def arguments(**changes: Any) -> tuple[Any, ...]:
    parts = {"underlyings": UNDERLYINGS, "correlations": CORRELATIONS, "quantiles": QUANTILES} | changes
    return (
        [astuple(underlying) for underlying in parts["underlyings"]],
        list(parts["correlations"]),
        astuple(parts["quantiles"]),
    )


def test_the_model_comes_back_and_is_logged(parameters: Contract) -> None:
    receipt = parameters.set_model(*arguments())
    [event] = receipt.named("ModelSet")
    assert event["table"] == parameters.table()
    assert [tuple(one) for one in event["underlyings"]] == [astuple(one) for one in UNDERLYINGS]
    assert tuple(event["correlations"]) == CORRELATIONS
    assert tuple(event["quantiles"]) == astuple(QUANTILES)
    assert [tuple(one) for one in parameters.underlyings()] == [astuple(one) for one in UNDERLYINGS]
    assert tuple(parameters.quantiles()) == astuple(QUANTILES)
    assert tuple(parameters.contingency()) == astuple(CONTINGENCY)
    count = len(UNDERLYINGS)
    number = [*range(count), *range(16, 16 + count)]
    for i in range(2 * count):
        for j in range(2 * count):
            expected = NANO if i == j else MODEL.correlation(i, j)
            assert parameters.correlation(number[i], number[j]) == expected
    assert parameters.correlation(31, 0) == 0


def test_markets_have_the_underlying_of_their_feed(parameters: Contract) -> None:
    for market, place in ADMITTED.items():
        assert parameters.underlying_of(market) == UNDERLYINGS[place].feed
    assert parameters.underlying_of(257) == UNDERLYINGS[0].feed
    assert [parameters.underlying_of(market) for market in (0, 5, 1024, 2**16, 2**255)] == [0] * 5
    assert [parameters.mapped_feed(asset) for asset in (0, 1, 2, 3)] == [0, 5, 0, 9]


def test_all_else_stays_when_a_part_changes(parameters: Contract) -> None:
    other = replace(CONTINGENCY, depeg_factor=1)
    [event] = parameters.set_contingency(astuple(other)).named("ContingencySet")
    assert tuple(event["contingency"]) == astuple(other) == tuple(parameters.contingency())
    [event] = parameters.map_collaterals([2, 1], [2, 0]).named("CollateralMapped")[:1]
    assert (event["asset"], event["feed"]) == (2, 2)
    assert [parameters.mapped_feed(asset) for asset in (1, 2, 3)] == [0, 2, 9]
    install(parameters, replace(MODEL, quantiles=replace(QUANTILES, initial=31_000), mapped={}))
    assert tuple(parameters.contingency()) == astuple(other)
    assert parameters.quantiles().initial == 31_000
    assert parameters.underlying_of(2) == UNDERLYINGS[1].feed
    assert parameters.mapped_feed(2) == 2


def test_underlyings_are_added_at_the_end_and_keep_their_place(parameters: Contract) -> None:
    added = replace(UNDERLYINGS[0], feed=11)
    zeros = (0,) * 28
    parameters.set_model(*arguments(underlyings=(*UNDERLYINGS, added), correlations=zeros))
    assert [one.feed for one in parameters.underlyings()] == [5, 9, 2, 11]
    for moved in (UNDERLYINGS, (UNDERLYINGS[1], UNDERLYINGS[0], UNDERLYINGS[2], added)):
        count = len(moved)
        correlations = (0,) * (count * (2 * count - 1))
        with reverts("risk_model: underlying moved"):
            parameters.set_model(*arguments(underlyings=moved, correlations=correlations))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"feed": 0}, "feed out of range"),
        ({"feed": 256}, "feed out of range"),
        ({"volatility": 0}, "volatility out of range"),
        ({"volatility": NANO + 1}, "volatility out of range"),
        ({"vol_volatility": 2**32}, "volatility out of range"),
        ({"volatility": 333_333_333}, "ratio out of range"),
        ({"basis": 10_001}, "ratio out of range"),
        ({"short_option": 10_001}, "ratio out of range"),
        ({"concentration_ratio": 2**256 - 1}, "ratio out of range"),
        ({"basis": 9_200}, "ratio out of range"),
        ({"concentration_bound": 1_500}, "bound out of range"),
        ({"concentration_bound": 2**32 * 1_000}, "bound out of range"),
    ],
)
def test_underlyings_out_of_range(parameters: Contract, changes: dict[str, int], reason: str) -> None:
    bad = (replace(UNDERLYINGS[0], **changes), *UNDERLYINGS[1:])
    with reverts(f"risk_model: {reason}"):
        parameters.set_model(*arguments(underlyings=bad))


def test_a_feed_has_one_underlying(parameters: Contract) -> None:
    twice = (*UNDERLYINGS, UNDERLYINGS[0])
    with reverts("risk_model: feed out of range"):
        parameters.set_model(*arguments(underlyings=twice, correlations=(0,) * 28))


@pytest.mark.parametrize(
    "changes",
    [
        {"initial": 100_001},
        {"maintenance": 0},
        {"maintenance": 30_001},
        {"together": 10_001},
        {"apart": 10_001},
    ],
)
def test_quantiles_out_of_range(parameters: Contract, changes: dict[str, int]) -> None:
    with reverts("risk_model: quantile out of range"):
        parameters.set_model(*arguments(quantiles=replace(QUANTILES, **changes)))


@pytest.mark.parametrize(
    ("correlations", "reason"),
    [
        (CORRELATIONS[:-1], "length mismatch"),
        ((*CORRELATIONS, 0), "length mismatch"),
        ((NANO + 1, *CORRELATIONS[1:]), "correlation out of range"),
        ((-NANO - 1, *CORRELATIONS[1:]), "correlation out of range"),
        ((-(2**255), *CORRELATIONS[1:]), "correlation out of range"),
        ((850_000_000, 850_000_000, -850_000_000, *CORRELATIONS[3:]), "matrix not positive semi-definite"),
    ],
)
def test_correlations_out_of_range(parameters: Contract, correlations: tuple[int, ...], reason: str) -> None:
    before = parameters.table()
    with reverts(f"risk_model: {reason}"):
        parameters.set_model(*arguments(correlations=correlations))
    assert parameters.table() == before


def test_no_underlying_is_no_model(parameters: Contract) -> None:
    with reverts("risk_model: length mismatch"):
        parameters.set_model(*arguments(underlyings=(), correlations=()))


@pytest.mark.parametrize(
    ("function", "args", "reason"),
    [
        ("admit_markets", ([0],), "market out of range"),
        ("admit_markets", ([65_536],), "market out of range"),
        ("admit_markets", ([99],), "no underlying of this feed"),
        ("map_collaterals", ([32], [5]), "asset out of range"),
        ("map_collaterals", ([1], [77]), "no underlying of this feed"),
        ("map_collaterals", ([1], []), "length mismatch"),
        ("set_contingency", ((10**8 + 1, 0, 0, 0),), "contingency out of range"),
        ("set_contingency", ((0, 10_001, 0, 0),), "contingency out of range"),
        ("set_contingency", ((0, 0, 10**9 + 1, 0),), "contingency out of range"),
        ("set_contingency", ((0, 0, 0, 50_001),), "contingency out of range"),
        ("correlation", (32, 0), "length mismatch"),
        ("mapped_feed", (32,), "asset out of range"),
    ],
)
def test_other_arguments_out_of_range(
    parameters: Contract, function: str, args: tuple[Any, ...], reason: str
) -> None:
    with reverts(f"risk_model: {reason}"):
        getattr(parameters, function)(*args)


@pytest.mark.parametrize("role", ["attacker", "guardian"])
@pytest.mark.parametrize(
    ("function", "args"),
    [
        ("set_model", arguments()),
        ("admit_markets", ([1],)),
        ("map_collaterals", ([1], [5])),
        ("set_contingency", (astuple(CONTINGENCY),)),
    ],
)
def test_only_the_owner(parameters: Contract, role: str, function: str, args: tuple[Any, ...]) -> None:
    before = parameters.table()
    with reverts("ownable: caller is not the owner"):
        getattr(parameters, function)(*args, sender=parameters.env.address(role))
    assert parameters.table() == before


def test_the_table_cannot_be_called(parameters: Contract) -> None:
    receipt = parameters.env.send(parameters.table(), b"\x12\x34\x56\x78")
    assert (receipt.value, receipt.events) == (b"", ())
