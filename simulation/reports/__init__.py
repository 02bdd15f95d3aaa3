# SPDX-License-Identifier: Apache-2.0
"""From metrics and recorded tables to self-contained HTML pages: one of a run, one that compares arms."""

from simulation.reports.comparison import write_comparison
from simulation.reports.page import write_report

__all__ = ["write_comparison", "write_report"]
