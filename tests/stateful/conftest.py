# SPDX-License-Identifier: Apache-2.0
"""Tens of thousands of calls need the native EVM; without it the book alone is compared, on py-evm."""

from __future__ import annotations

from importlib.util import find_spec

NATIVE = [
    *("test_invariants.py", "test_machine.py", "test_model.py", "test_races.py", "test_replay.py"),
]
collect_ignore = [] if find_spec("plimsoll_evm") else NATIVE
