# SPDX-License-Identifier: Apache-2.0
"""The parameters in force, as deployed and as every call that succeeded has changed them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulation.chain.deployment import CONTINGENCY
from simulation.domain.margin_math import Contingency, MarketRisk
from tests.stateful.rig import Rig
from tests.stateful.world_state import ASSETS, PERPETUALS, SERIES

__all__ = ["Parameters", "initial_parameters"]


@dataclass(slots=True)
class Parameters:
    """What the owner has set, known from the calls that succeeded."""

    risks: dict[int, dict[int, MarketRisk]]
    """By engine id and market."""
    contingency: dict[int, Contingency]
    haircuts: dict[int, tuple[int, int]]
    """By asset: maintenance, initial."""
    collateral_feeds: dict[int, int]
    decimals: dict[int, int]
    maker_fee: int
    taker_fee: int
    liquidation: tuple[int, ...]
    """ILiquidator.Parameters in order."""
    max_rate: dict[int, int]
    active: dict[int, bool]
    """By perpetual."""
    series_active: dict[int, bool]
    deviation: int
    paused: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    version: int = 0

    def note(self, contract: str, function: str, args: tuple[Any, ...]) -> None:
        """Takes over what a successful call has set; other calls change nothing."""
        setter = SETTERS.get(function)
        if setter is not None:
            setter(self, contract, args)
            self.version += 1


def initial_parameters(rig: Rig) -> Parameters:
    protocol = rig.protocol
    specs = (*protocol.markets.values(), *protocol.inverse.values())
    risks = {
        market: MarketRisk(
            spec.initial_margin,
            spec.maintenance_margin,
            spec.tiers.first_multiplier,
            spec.tiers.second_multiplier,
            spec.tiers.first_bound // 10**18,
            spec.tiers.second_bound // 10**18,
        )
        for market, spec in zip(PERPETUALS, specs, strict=True)
    }
    contingency = Contingency(*CONTINGENCY)
    collaterals = list(protocol.collaterals.values())
    liquidation = rig.view("Liquidator", "parameters()")
    return Parameters(
        risks={1: dict(risks), 2: dict(risks)},
        contingency={1: contingency, 2: contingency},
        haircuts={
            asset: (spec.maintenance_haircut, spec.initial_haircut)
            for asset, spec in zip(ASSETS, collaterals, strict=True)
        },
        collateral_feeds={1: 1, 2: 2, 3: 4},
        decimals={asset: spec.decimals for asset, spec in zip(ASSETS, collaterals, strict=True)},
        maker_fee=protocol.fees.maker,
        taker_fee=protocol.fees.taker,
        liquidation=tuple(liquidation.word(i) for i in range(13)),
        max_rate={market: spec.funding.max_rate for market, spec in zip(PERPETUALS, specs, strict=True)},
        active=dict.fromkeys(PERPETUALS, True),
        series_active=dict.fromkeys(SERIES, True),
        deviation=protocol.oracle.max_spread,
    )


def _pause(parameters: Parameters, contract: str, args: tuple[Any, ...]) -> None:
    parameters.paused[contract] |= args[0]


def _unpause(parameters: Parameters, contract: str, args: tuple[Any, ...]) -> None:
    parameters.paused[contract] &= ~args[0]


def _engine(contract: str) -> int:
    return 1 if contract == "CrossMargin" else 2


def _risks(parameters: Parameters, contract: str, args: tuple[Any, ...]) -> None:
    for market, risk in zip(*args, strict=True):
        parameters.risks[_engine(contract)][market] = MarketRisk(*risk)


def _contingency(parameters: Parameters, contract: str, args: tuple[Any, ...]) -> None:
    parameters.contingency[_engine(contract)] = Contingency(*args[0])


def _collateral(parameters: Parameters, contract: str, args: tuple[Any, ...]) -> None:
    parameters.haircuts[args[0]] = args[2], args[3]


def _fees(parameters: Parameters, contract: str, args: tuple[Any, ...]) -> None:
    parameters.maker_fee, parameters.taker_fee = args


def _liquidation(parameters: Parameters, contract: str, args: tuple[Any, ...]) -> None:
    parameters.liquidation = args[0]


def _funding(parameters: Parameters, contract: str, args: tuple[Any, ...]) -> None:
    parameters.max_rate[args[0]] = args[3]


def _active(parameters: Parameters, contract: str, args: tuple[Any, ...]) -> None:
    parameters.active[args[0]] = bool(args[1])


def _series_active(parameters: Parameters, contract: str, args: tuple[Any, ...]) -> None:
    parameters.series_active[args[0]] = bool(args[1])


def _nothing(parameters: Parameters, contract: str, args: tuple[Any, ...]) -> None:
    """The chain itself is asked."""


SETTERS: dict[str, Callable[[Parameters, str, tuple[Any, ...]], None]] = {
    "pause": _pause,
    "unpause": _unpause,
    "set_markets": _risks,
    "set_contingency": _contingency,
    "set_collateral": _collateral,
    "set_fees": _fees,
    "set_parameters": _liquidation,
    "set_funding": _funding,
    "set_active": _active,
    "set_series_active": _series_active,
    "set_interest": _nothing,
    "set_stable_feed": _nothing,
    "set_open_interest_cap": _nothing,
}
