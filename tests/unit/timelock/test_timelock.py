# SPDX-License-Identifier: Apache-2.0
"""Timelock: a parameter changes only after it was announced for the delay; handing over takes two steps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.evm import Contract, Env, reverts
from tests.unit.engines.portfolios import CONTINGENCY

DELAY = 2 * 86_400
NOBODY = "0x0000000000000000000000000000000000000000"
NONE = b"\x00" * 32
SALT = b"\x01" * 32
RELAXED = (0, 0, 0, 0)


@cache
def _deployed() -> tuple[Contract, Contract]:
    env = Env()
    timelock = env.deploy("Timelock", DELAY, [env.address("proposer")], [env.address("executor")], NOBODY)
    engine = env.deploy("CrossMargin", CONTINGENCY)
    engine.transfer_ownership(timelock)
    _through(timelock, engine, engine.encode("accept_ownership"))
    return timelock, engine


def _through(timelock: Contract, target: Contract, payload: bytes) -> Any:
    """Schedules a call, waits and executes it."""
    env = timelock.env
    call = (target.address, 0, payload, NONE, SALT)
    timelock.schedule(*call, DELAY, sender=env.address("proposer"))
    env.advance(DELAY)
    return timelock.execute(*call, sender=env.address("executor"))


@pytest.fixture
def timelock() -> Iterator[Contract]:
    contract = _deployed()[0]
    with contract.env.anchor():
        yield contract


@pytest.fixture
def engine(timelock: Contract) -> Contract:
    return _deployed()[1]


@pytest.fixture
def env(timelock: Contract) -> Env:
    return timelock.env


def test_the_timelock_owns_the_engine(timelock: Contract, engine: Contract) -> None:
    assert (engine.owner(), engine.pending_owner()) == (timelock.address, NOBODY)
    with reverts("ownable: caller is not the owner"):
        engine.set_contingency(RELAXED)


def test_an_announced_change_is_made_after_the_delay(timelock: Contract, engine: Contract) -> None:
    _through(timelock, engine, engine.encode("set_contingency", RELAXED))
    assert tuple(engine.contingency()) == RELAXED


def test_not_a_second_before_the_delay(timelock: Contract, engine: Contract, env: Env) -> None:
    call = (engine.address, 0, engine.encode("set_contingency", RELAXED), NONE, SALT)
    timelock.schedule(*call, DELAY, sender=env.address("proposer"))
    env.advance(DELAY - 1)
    with reverts("timelock_controller: operation is not ready"):
        timelock.execute(*call, sender=env.address("executor"))
    assert tuple(engine.contingency()) == CONTINGENCY


def test_a_shorter_delay_is_refused(timelock: Contract, engine: Contract, env: Env) -> None:
    call = (engine.address, 0, engine.encode("set_contingency", RELAXED), NONE, SALT)
    with reverts("timelock_controller: insufficient delay"):
        timelock.schedule(*call, DELAY - 1, sender=env.address("proposer"))


def test_a_cancelled_change_is_not_made(timelock: Contract, engine: Contract, env: Env) -> None:
    call = (engine.address, 0, engine.encode("set_contingency", RELAXED), NONE, SALT)
    timelock.schedule(*call, DELAY, sender=env.address("proposer"))
    timelock.cancel(timelock.hash_operation(*call), sender=env.address("proposer"))
    env.advance(DELAY)
    with reverts("timelock_controller: operation is not ready"):
        timelock.execute(*call, sender=env.address("executor"))
    assert tuple(engine.contingency()) == CONTINGENCY


def test_a_change_is_made_once(timelock: Contract, engine: Contract, env: Env) -> None:
    payload = engine.encode("set_contingency", RELAXED)
    _through(timelock, engine, payload)
    with reverts("timelock_controller: operation is not ready"):
        timelock.execute(engine.address, 0, payload, NONE, SALT, sender=env.address("executor"))


def test_bounds_hold_for_the_timelock_too(timelock: Contract, engine: Contract, env: Env) -> None:
    with reverts("tiered_margin: contingency out of range"):
        _through(timelock, engine, engine.encode("set_contingency", (10**8 + 1, 0, 0, 0)))
    assert tuple(engine.contingency()) == CONTINGENCY


@pytest.mark.parametrize("role", ["attacker", "executor", "owner"])
def test_only_proposers_schedule(timelock: Contract, engine: Contract, env: Env, role: str) -> None:
    with reverts("access_control: account is missing role"):
        timelock.schedule(engine.address, 0, b"", NONE, SALT, DELAY, sender=env.address(role))


@pytest.mark.parametrize("role", ["attacker", "proposer", "owner"])
def test_only_executors_execute(timelock: Contract, engine: Contract, env: Env, role: str) -> None:
    call = (engine.address, 0, engine.encode("set_contingency", RELAXED), NONE, SALT)
    timelock.schedule(*call, DELAY, sender=env.address("proposer"))
    env.advance(DELAY)
    with reverts("access_control: account is missing role"):
        timelock.execute(*call, sender=env.address(role))
    assert tuple(engine.contingency()) == CONTINGENCY


def test_the_delay_changes_through_the_timelock_only(timelock: Contract, env: Env) -> None:
    with reverts("timelock_controller: caller must be timelock"):
        timelock.update_delay(0, sender=env.address("proposer"))
    _through(timelock, timelock, timelock.encode("update_delay", 7))
    assert timelock.get_minimum_delay() == 7


def test_the_deployer_holds_no_role(timelock: Contract, env: Env) -> None:
    for role in (timelock.DEFAULT_ADMIN_ROLE(), timelock.PROPOSER_ROLE(), timelock.EXECUTOR_ROLE()):
        assert not timelock.hasRole(role, env.deployer)
    with reverts("access_control: account is missing role"):
        timelock.grantRole(timelock.PROPOSER_ROLE(), env.deployer)
