# SPDX-License-Identifier: Apache-2.0
"""Fewer points that draw the same picture. Imports: numpy."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["LIMIT", "thin"]

LIMIT = 2_000
"""Points of a trace: about two for every pixel of its width."""


def thin(values: npt.NDArray[Any], limit: int = LIMIT) -> npt.NDArray[np.int64]:
    """Places of the points to keep: first, last, and each bucket's minimum and maximum, in order.

    Peaks survive whatever the bucket, which evenly spaced points would lose. NaN marks a gap; a bucket of
    nothing else keeps its first point, so that the gap stays.

    Args:
        values: the ordinates.
        limit: most points to keep, at least 4; all are kept when there are no more.
    """
    n = len(values)
    if n <= limit:
        return np.arange(n)
    kept = {0, n - 1}
    edges = np.linspace(0, n, (limit - 2) // 2 + 1).astype(np.int64)
    numbers = np.asarray(values, dtype=np.float64)
    for low, high in pairwise(edges):
        bucket = numbers[low:high]
        if np.isnan(bucket).all():
            kept.add(int(low))
        else:
            kept.add(int(low + np.nanargmin(bucket)))
            kept.add(int(low + np.nanargmax(bucket)))
    return np.array(sorted(kept), dtype=np.int64)
