# SPDX-License-Identifier: Apache-2.0
"""set_options, set_futures and wire of both engines: the owner alone, within bounds, all or none."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.domain.standard_options import OptionRisk
from tests.evm import Contract, Env, reverts
from tests.unit.engines.option_markets import OPTION_RISK, add_boards
from tests.unit.engines.portfolios import FULL, RISK

BPS = 10_000
WIDEST = (BPS, BPS, BPS, BPS, BPS, 65_535, 65_535, 65_535, FULL, BPS)


@st.composite
def option_risks(draw: st.DrawFn) -> OptionRisk:
    """Parameters that the setter accepts."""
    initial = draw(st.integers(1, BPS))
    least = draw(st.integers(1, initial))
    unpaired = draw(st.integers(BPS, 65_535))
    return OptionRisk(
        initial,
        least,
        draw(st.integers(1, least)),
        draw(st.integers(1, least)),
        draw(st.integers(0, BPS)),
        draw(st.integers(BPS, 65_535)),
        unpaired,
        draw(st.integers(BPS, unpaired)),
        draw(st.integers(0, FULL)),
        draw(st.integers(0, BPS)),
    )


def test_underlyings_get_their_parameters_with_events(engine: Contract) -> None:
    receipt = engine.set_options([255, 2], [WIDEST, OPTION_RISK])
    assert tuple(engine.option_risk(255)) == WIDEST
    assert tuple(engine.option_risk(2)) == OPTION_RISK
    events = receipt.named("OptionRiskSet")
    assert [(event["feed"], tuple(event["risk"])) for event in events] == [(255, WIDEST), (2, OPTION_RISK)]
    receipt = engine.set_futures([2, 3], [RISK, RISK])
    assert tuple(engine.future_risk(3)) == RISK
    assert [event["feed"] for event in receipt.named("FutureRiskSet")] == [2, 3]
    assert tuple(engine.option_risk(3)) == (0,) * 10
    assert tuple(engine.future_risk(255)) == (0,) * 6


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.dictionaries(st.integers(1, 255), option_risks(), min_size=1, max_size=8))
def test_any_valid_parameters_come_back(engine: Contract, env: Env, table: dict[int, OptionRisk]) -> None:
    with env.anchor():
        engine.set_options(list(table), [astuple(risk) for risk in table.values()])
        assert [tuple(engine.option_risk(feed)) for feed in table] == [
            astuple(risk) for risk in table.values()
        ]


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (0, 10_001, "option_parameters: ratio out of range"),
        (0, 999, "option_parameters: ratio out of range"),
        (1, 1_501, "option_parameters: ratio out of range"),
        (1, 749, "option_parameters: ratio out of range"),
        (2, 0, "option_parameters: ratio out of range"),
        (2, 1_001, "option_parameters: ratio out of range"),
        (3, 0, "option_parameters: ratio out of range"),
        (3, 1_001, "option_parameters: ratio out of range"),
        (4, 10_001, "option_parameters: ratio out of range"),
        (5, 9_999, "option_parameters: ratio out of range"),
        (5, 65_536, "option_parameters: ratio out of range"),
        (6, 10_999, "option_parameters: ratio out of range"),
        (6, 65_536, "option_parameters: ratio out of range"),
        (7, 9_999, "option_parameters: ratio out of range"),
        (7, 2**256 - 1, "option_parameters: ratio out of range"),
        (8, FULL + 1, "option_parameters: confidence too large"),
        (9, 10_001, "option_parameters: confidence too large"),
    ],
)
def test_parameters_out_of_range_are_refused(engine: Contract, place: int, value: int, reason: str) -> None:
    bad = tuple(value if i == place else kept for i, kept in enumerate(OPTION_RISK))
    with reverts(reason):
        engine.set_options([1, 2], [WIDEST, bad])
    assert tuple(engine.option_risk(1)) == (0,) * 10


def test_futures_have_the_bounds_of_perpetuals(engine: Contract) -> None:
    with reverts("tiered_margin: ratio out of range"):
        engine.set_futures([1, 2], [RISK, (10_001, *RISK[1:])])
    assert tuple(engine.future_risk(1)) == (0,) * 6


@pytest.mark.parametrize("name", ["set_options", "set_futures"])
def test_feeds_and_lengths(engine: Contract, name: str) -> None:
    risk = OPTION_RISK if name == "set_options" else RISK
    for feed in (0, 256, 2**256 - 1):
        with reverts("option_parameters: feed out of range"):
            getattr(engine, name)([feed], [risk])
    with reverts("option_parameters: length mismatch"):
        getattr(engine, name)([1, 2], [risk])


@pytest.mark.parametrize("role", ["attacker", "guardian"])
def test_only_the_owner(engine: Contract, env: Env, role: str) -> None:
    sender = env.address(role)
    for name, arguments in (
        ("set_options", ([1], [OPTION_RISK])),
        ("set_futures", ([1], [RISK])),
        ("wire", (env.address("owner"),)),
    ):
        with reverts("ownable: caller is not the owner"):
            getattr(engine, name)(*arguments, sender=sender)


def test_the_board_is_wired_once(engine: Contract, env: Env) -> None:
    with reverts("option_parameters: no risk board"):
        engine.wire("0x" + "00" * 20)
    boards = add_boards(engine)
    assert engine.risk_board() == boards.address
    with reverts("option_parameters: already wired"):
        engine.wire(env.address("owner"))


def test_the_event_of_the_wiring(engine: Contract, env: Env) -> None:
    boards = env.deploy("MockRiskBoard")
    assert engine.wire(boards).named("RiskBoardWired") == [{"risk_board": boards.address}]
