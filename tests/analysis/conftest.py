# SPDX-License-Identifier: Apache-2.0
"""Every number is asked of the contracts, some hundred times a test: minutes on py-evm."""

from importlib.util import find_spec

if find_spec("plimsoll_evm") is None:
    collect_ignore = ["test_hedge.py", "test_margins.py", "test_tails.py"]
