# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.messages import Wide, field, int128, limbs, small

INT128 = st.integers(-(2**127), 2**127 - 1)


def words_of(values: list[int]) -> np.ndarray:
    return limbs(b"".join(value.to_bytes(32, "big", signed=value < 0) for value in values))


@given(st.lists(INT128, max_size=8))
def test_wide_keeps_every_integer(values: list[int]) -> None:
    wide = Wide.of(values)
    assert wide.ints() == values
    assert wide.total() == sum(values)
    assert int128(words_of(values)).ints() == values
    assert [int(x) for x in np.frombuffer(wide.decimals(), "<u8")[::2]] == [v % 2**64 for v in values]


@given(st.lists(INT128, min_size=1, max_size=8))
def test_wide_floats_are_the_nearest(values: list[int]) -> None:
    assert np.allclose(Wide.of(values).floats(), [float(value) for value in values], rtol=1e-15, atol=0.0)


@given(st.integers(0, 2**256 - 1), st.integers(0, 255), st.integers(1, 128), st.booleans())
def test_field_is_shift_and_mask(word: int, low: int, bits: int, signed: bool) -> None:
    bits = min(bits, 256 - low)
    expected = (word >> low) & (2**bits - 1)
    if (signed or bits == 128) and expected >= 2 ** (bits - 1):
        expected -= 2**bits
    assert field(words_of([word]), low, bits, signed).ints() == [expected]
    if bits <= 63:
        assert small(words_of([word]), low, bits).tolist() == [(word >> low) & (2**bits - 1)]


def test_too_wide_a_word_is_refused() -> None:
    with pytest.raises(OverflowError):
        int128(words_of([2**127]))
    with pytest.raises(OverflowError):
        Wide.of([2**63]).int64()
    assert Wide.of([-(2**63), 2**63 - 1]).int64().tolist() == [-(2**63), 2**63 - 1]


def test_the_last_value_put_in_a_row_stays() -> None:
    wide = Wide.zeros(3)
    wide.put(np.array([1, 1]), Wide.of([5, -7]))
    assert wide.ints() == [0, -7, 0]
    assert wide.differs(Wide.of([0, -7, 1])).tolist() == [False, False, True]
    assert Wide.of_int64(np.array([-1, 3])).ints() == [-1, 3]
