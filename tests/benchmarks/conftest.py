# SPDX-License-Identifier: Apache-2.0
"""What is measured is the native EVM: without it there is nothing to test here."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("plimsoll_evm") else ["test_*.py"]
