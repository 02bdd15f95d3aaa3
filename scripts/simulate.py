# SPDX-License-Identifier: Apache-2.0
"""`ape run simulate SCENARIO ...`: the same as `plimsoll run SCENARIO ...`."""

from simulation.cli import run as cli

__all__ = ["cli"]
