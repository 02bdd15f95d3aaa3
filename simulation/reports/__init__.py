# SPDX-License-Identifier: Apache-2.0
"""From metrics and recorded tables to self-contained HTML pages: a run, arms compared, a portfolio."""

from simulation.reports.comparison import write_comparison
from simulation.reports.concentration import venue_lines
from simulation.reports.margin import show_margin, write_margin
from simulation.reports.page import write_report

__all__ = ["show_margin", "venue_lines", "write_comparison", "write_margin", "write_report"]
