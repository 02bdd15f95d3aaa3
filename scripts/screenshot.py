# SPDX-License-Identifier: Apache-2.0
"""Picture of a report, taken by a headless Chromium that is installed already; no dependency of the project.

python scripts/screenshot.py runs/black-thursday/report.html docs/images/report.png
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def take(page: Path, picture: Path, width: int = 1280, height: int = 1120) -> None:
    """Write the top of the page as PNG. Raises SystemExit with one line where that is not possible."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise SystemExit(f"screenshot: no browser found; expected one of {', '.join(BROWSERS)}")
    if not page.is_file():
        raise SystemExit(f"screenshot: {page}: no such file; expected a report")
    picture.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--virtual-time-budget=15000",
            f"--window-size={width},{height}",
            f"--screenshot={picture.resolve()}",
            page.resolve().as_uri(),
        ],
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: python scripts/screenshot.py REPORT.html PICTURE.png")
    take(Path(sys.argv[1]), Path(sys.argv[2]))
