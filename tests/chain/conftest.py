# SPDX-License-Identifier: Apache-2.0
"""Comparisons of the two backends need both; without the native EVM there is one, and it takes minutes."""

from __future__ import annotations

from importlib.util import find_spec

COMPARISONS = [
    "test_backends.py",
    "test_credit_run.py",
    "test_eth_tester.py",
    "test_every_function.py",
    "test_fast_computation.py",
    "test_mixed_run.py",
    "test_short_run.py",
]
collect_ignore = [] if find_spec("plimsoll_evm") else COMPARISONS
