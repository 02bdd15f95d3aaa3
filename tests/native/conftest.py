# SPDX-License-Identifier: Apache-2.0
"""Without the native EVM there is nothing to test here: `make setup` has said why it was not built."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("plimsoll_evm") else ["test_*.py"]
