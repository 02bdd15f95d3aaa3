# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import importlib
import pkgutil

import pytest

import simulation.messages as messages

MODULES = [item.name for item in pkgutil.iter_modules(messages.__path__)]
OWN_NAMESPACE = ("chain", "market", "progress", "schema")


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_names_public_exists(name: str) -> None:
    module = importlib.import_module(f"simulation.messages.{name}")
    missing = [item for item in module.__all__ if not hasattr(module, item)]
    assert missing == []
    assert sorted(set(module.__all__)) == sorted(module.__all__)


def test_the_package_offers_what_its_modules_offer() -> None:
    offered: set[str] = set()
    for name in MODULES:
        if name not in OWN_NAMESPACE:
            offered |= set(importlib.import_module(f"simulation.messages.{name}").__all__)
    assert set(messages.__all__) == offered - {"Floats"}


def test_intents_are_frozen_values() -> None:
    order = messages.PlaceOrder(account=1, market=1, is_bid=True, tick=10, lots=5)
    assert order == dataclasses.replace(order)
    with pytest.raises(dataclasses.FrozenInstanceError):
        order.lots = 6  # type: ignore[misc]
    for name in messages.__all__:
        kind = getattr(messages, name)
        if isinstance(kind, type) and issubclass(kind, messages.Intent):
            assert hasattr(kind, "__slots__")
