# SPDX-License-Identifier: Apache-2.0
"""Steps of a deployment as data, and how any EVM runs them. Imports nothing of the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Call", "Deploy", "Deployer", "Ref", "Step", "resolve", "run"]


@dataclass(frozen=True, slots=True)
class Ref:
    """The address of a contract that an earlier step deploys."""

    name: str


@dataclass(frozen=True, slots=True)
class Deployer:
    """The address of whoever runs the plan."""


@dataclass(frozen=True, slots=True)
class Deploy:
    """Deploys `artifact` with constructor arguments and calls the result `name`."""

    name: str
    artifact: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """Sends a transaction of the deployer to a deployed contract."""

    target: str
    function: str
    args: tuple[Any, ...] = ()


Step = Deploy | Call


def resolve(value: Any, addresses: Mapping[str, Any], deployer: Any) -> Any:
    """`value` with every Ref and Deployer replaced by an address, inside tuples and lists too."""
    if isinstance(value, Ref):
        return addresses[value.name]
    if isinstance(value, Deployer):
        return deployer
    if isinstance(value, (tuple, list)):
        return type(value)(resolve(part, addresses, deployer) for part in value)
    return value


def run(
    steps: Iterator[Step] | tuple[Step, ...],
    deploy: Callable[[str, tuple[Any, ...]], Any],
    call: Callable[[str, Any, str, tuple[Any, ...]], None],
    deployer: Any = None,
    known: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Runs a plan.

    Args:
        deploy: (artifact, args) -> address.
        call: (artifact, address, function, args); raises when the transaction reverts.
        deployer: address of the sender of both; needed by plans with a governor.
        known: addresses of contracts that the plan takes as given.

    Returns:
        What `deploy` returned, by the names of the plan, and what was known.
    """
    addresses: dict[str, Any] = dict(known or {})
    artifacts: dict[str, str] = {}
    for step in steps:
        args = resolve(step.args, addresses, deployer)
        if isinstance(step, Deploy):
            addresses[step.name] = deploy(step.artifact, args)
            artifacts[step.name] = step.artifact
        else:
            call(artifacts[step.target], addresses[step.target], step.function, args)
    return addresses
