# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.mempool import effective_tip, next_base_fee

GWEI = 10**9


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (15_000_000, 100 * GWEI),
        (30_000_000, 112_500_000_000),
        (0, 87_500_000_000),
        (15_000_001, 100 * GWEI + 833),
    ],
)
def test_base_fee_follows_eip_1559(used: int, expected: int) -> None:
    assert next_base_fee(100 * GWEI, used, 30_000_000) == expected


@given(st.integers(1, 10**15), st.integers(21_000, 10**8), st.floats(0, 1))
def test_base_fee_moves_toward_demand_by_an_eighth_at_most(base_fee: int, limit: int, share: float) -> None:
    used = int(limit * share)
    after = next_base_fee(base_fee, used, limit)
    assert after >= 1
    if used > limit // 2:
        assert base_fee < after <= base_fee + max(1, -(-base_fee // 8) + base_fee // (limit // 2))
    elif used < limit // 2:
        assert max(1, base_fee - base_fee // 8) <= after <= base_fee


def test_effective_tip_is_capped_by_the_maximal_fee() -> None:
    assert effective_tip(3, 10, 5) == 3
    assert effective_tip(3, 7, 5) == 2
    assert effective_tip(3, 4, 5) == -1
