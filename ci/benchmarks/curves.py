"""Curves of shares as an SVG picture, readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 340, 230  # of a panel's plot, in pixels
_LEFT, _TOP, _GAP, _BELOW = 62, 86, 44, 56
_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1f2328 } .bold { font-weight: 600 }
.page { fill: #ffffff }
path { fill: none; stroke-width: 2 } .dashed { stroke-dasharray: 4 4; stroke-width: 1.5 }
.grid { stroke: #d1d9e0; stroke-width: 1 } .axis { stroke: #59636e; stroke-width: 1 }
.c0 { stroke: #c2410c } .c1 { stroke: #0969da } .c2 { stroke: #1a7f37 } .key { stroke: #59636e }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .page { fill: #0d1117 }
  .grid { stroke: #30363d } .axis, .key { stroke: #9198a1 }
  .c0 { stroke: #ff9b5e } .c1 { stroke: #58a6ff } .c2 { stroke: #56d364 }
}
"""


@dataclass(frozen=True)
class Curve:
    """A pair of curves of one name: shares by what is across."""

    name: str
    solid: Points
    dashed: Points


@dataclass(frozen=True)
class Panel:
    """Curves that are held against each other."""

    title: str
    curves: Sequence[Curve]


def draw(
    panels: Sequence[Panel],
    *,
    title: str,
    across: str,
    up: str,
    legend: str,
    solid: str,
    dashed: str,
) -> str:
    """The panels side by side, with one legend: `legend` goes before the names of the curves."""
    width = _LEFT + len(panels) * (_WIDTH + _GAP)
    height = _TOP + _HEIGHT + _BELOW
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
            f' width="{width}" height="{height}">'
        ),
        f"<title>{escape(title)}</title>",
        f"<style>\n{_STYLE}</style>",
        f'<rect class="page" width="{width}" height="{height}" rx="6"/>',
        _text(_LEFT, 22, title, bold=True),
        *_legend(panels[0].curves, legend, solid, dashed),
        *(line for at, panel in enumerate(panels) for line in _panel(at, panel)),
        _text(_LEFT + (width - _LEFT - _GAP) / 2, height - 12, across, anchor="middle"),
        (
            f'<text transform="translate(16 {_TOP + _HEIGHT / 2}) rotate(-90)"'
            f' text-anchor="middle">{escape(up)}</text>'
        ),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _legend(curves: Sequence[Curve], legend: str, solid: str, dashed: str) -> Iterator[str]:
    at = float(_LEFT)
    yield _text(at, 44, legend)
    at += 8 + 7 * len(legend)
    keys = [(f"c{i}", curve.name) for i, curve in enumerate(curves)]
    for kind, name in [*keys, ("key", solid), ("key dashed", dashed)]:
        yield f'<path class="{kind}" d="M{at:g} 40h24"/>'
        yield _text(at + 30, 44, name)
        at += 46 + 7 * len(name)


def _panel(number: int, panel: Panel) -> Iterator[str]:
    left = _LEFT + number * (_WIDTH + _GAP)
    most = max(x for curve in panel.curves for x, _ in curve.solid)

    def place(x: float, share: float) -> str:
        return f"{left + x / most * _WIDTH:.1f} {_TOP + (1 - share) * _HEIGHT:.1f}"

    yield _text(left, _TOP - 10, panel.title, bold=True)
    for part in range(5):
        share = part / 4
        kind = "grid" if part else "axis"
        yield f'<path class="{kind}" d="M{place(0, share)}h{_WIDTH}"/>'
        if not number:
            y = _TOP + (1 - share) * _HEIGHT + 4
            yield _text(left - 8, y, f"{share * 100:.0f} %", anchor="end")
    for half in range(round(2 * most) + 1):
        x = half / 2
        yield f'<path class="grid" d="M{place(x, 0)}v-{_HEIGHT}"/>'
        across = left + x / most * _WIDTH
        yield _text(across, _TOP + _HEIGHT + 18, f"{x:g} ×", anchor="middle")
    for at, curve in enumerate(panel.curves):
        for kind, points in (("dashed", curve.dashed), ("solid", curve.solid)):
            path = "L".join(place(x, share) for x, share in points)
            yield f'<path class="c{at} {kind}" d="M{path}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False) -> str:
    kind = ' class="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{kind}>{escape(text)}</text>'
