# SPDX-License-Identifier: Apache-2.0
"""One self-contained HTML document: styles, scripts and data inline, no request to anywhere.

Imports: reports.plot.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

from simulation.errors import OutputError
from simulation.reports.plot import Plot

__all__ = ["card", "document", "escape", "prose", "save", "section", "table"]

_MARK = (
    '<svg viewBox="0 0 48 48" fill="none" stroke="currentColor" stroke-width="3.4" aria-hidden="true">'
    '<circle cx="24" cy="24" r="14.5"/><path d="M2 24h44"/></svg>'
)
_MOON = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">'
    '<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z"/></svg>'
)


def escape(text: object) -> str:
    """Text for HTML content and attributes."""
    return html.escape(str(text), quote=True)


def prose(text: str) -> str:
    """A definition as HTML: true minus signs and multiplication, code where the text has backquotes."""
    parts = escape(text.replace(" - ", " − ").replace(" -", " −").replace(" * ", " · ")).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def document(
    title: str,
    lead: str,
    facts: Iterable[str],
    sections: Sequence[tuple[str, str, str]],
    plots: Sequence[Plot],
    footer: str,
) -> str:
    """The whole page.

    Args:
        title: plain text.
        lead: a sentence under it, plain text.
        facts: small items of the header, HTML.
        sections: identifier, name in the navigation ("" leaves it out), and HTML of each section.
        plots: everything that a `card` has made room for.
        footer: HTML.
    """
    # `</script` would end the element that carries the data, `<!--<script` would hide its end.
    data = json.dumps([plot.spec() for plot in plots if plot.traces], separators=(",", ":"), allow_nan=False)
    data = data.replace("<", "\\u003c")
    links = "".join(f'<li><a href="#{key}">{escape(name)}</a></li>' for key, name, _ in sections if name)
    body = "\n".join(content for _, _, content in sections)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Plimsoll</title>
<link rel="icon" href="data:,">
<style>{_asset("page.css")}</style>
</head>
<body>
<header><div>
<div class="masthead">{_MARK}<div><h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p></div>
<button class="theme" title="Light or dark" aria-label="Light or dark">{_MOON}</button></div>
<ul class="facts">{"".join(f"<li>{fact}</li>" for fact in facts)}</ul>
</div></header>
<nav><ul>{links}</ul></nav>
<main>
{body}
</main>
<footer>{footer}</footer>
<script type="application/json" id="plot-data">{data}</script>
<script>{_plotly()}</script>
<script>{_asset("page.js")}</script>
</body>
</html>
"""


def section(identifier: str, title: str, content: str) -> tuple[str, str, str]:
    """A titled section for `document`."""
    return (
        identifier,
        title,
        f'<section id="{identifier}"><h2>{escape(title)}</h2>{content}</section>',
    )


def card(plot: Plot, *, wide: bool = False, below: str = "") -> str:
    """Room for a plot with its title and caption; its note where it has nothing to draw."""
    place = (
        f'<div class="plot" id="plot-{plot.identifier}" style="height:{plot.height}px"></div>'
        if plot.traces
        else f'<p class="empty">{escape(plot.note or "Nothing was recorded.")}</p>'
    )
    kind = "card wide" if wide else "card"
    return (
        f'<div class="{kind}"><h3>{escape(plot.title)}</h3><p>{escape(plot.caption)}</p>{place}{below}</div>'
    )


def table(heads: Sequence[str], rows: Iterable[str], numeric: Sequence[int] = ()) -> str:
    """A table of rows that are HTML already."""
    cells = "".join(
        f'<th class="n">{escape(head)}</th>' if place in numeric else f"<th>{escape(head)}</th>"
        for place, head in enumerate(heads)
    )
    head = f"<thead><tr>{cells}</tr></thead>"
    return f'<div class="scroll"><table>{head}<tbody>{"".join(rows)}</tbody></table></div>'


def save(path: Path, text: str) -> Path:
    """Write the page. Raises OutputError."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}; expected a file that can be written") from error
    return path


def _asset(name: str) -> str:
    return resources.files("simulation.reports").joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    return resources.files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
