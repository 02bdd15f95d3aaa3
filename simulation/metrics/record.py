# SPDX-License-Identifier: Apache-2.0
"""Metrics into the summary of a run folder. Imports: messages, errors."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from simulation.errors import OutputError
from simulation.messages.records import Metric

__all__ = ["record"]


def record(folder: Path, metrics: Sequence[Metric]) -> None:
    """Put every metric with its unit and definition under `metrics` in summary.json, in one step.

    Raises:
        OutputError: the file cannot be written.
    """
    path = folder / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    summary["metrics"] = {
        item.name: {"value": item.value, "unit": item.unit, "definition": item.definition} for item in metrics
    }
    beside = path.with_suffix(".json.new")
    try:
        beside.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}; expected a file that can be written") from error
