# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.protocol import World, fresh_world


@pytest.fixture
def world() -> World:
    """The whole protocol at 2,000 and 30,000 USD."""
    return fresh_world()
