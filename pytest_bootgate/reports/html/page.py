"""The page as a whole: rendered from results alone, and written to one file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pytest_bootgate import __version__
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records.outcomes import OUTCOMES
from pytest_bootgate.records.result import GateResult
from pytest_bootgate.records.verdict import Verdict
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.decision import worst_of
from pytest_bootgate.reports.html.sections import gates
from pytest_bootgate.whole import write_text

#: The shape of each verdict, 16 wide and high: nothing is said by its colour alone.
SHAPES = {
    "error": "M0 0h16v16H0zM9 2 4 9h3l-1 5 6-7H8.500z",
    "fail": (
        "M5 0h6l5 5v6l-5 5H5l-5-5V5zM4 5.500 6.500 8 4 10.500 5.500 12 8 9.500 10.500 12 12 10.500"
        " 9.500 8 12 5.500 10.500 4 8 6.500 5.500 4z"
    ),
    "inconclusive": "M8 0a8 8 0 1 0 0 16A8 8 0 0 0 8 0zM8 2A6 6 0 0 0 8 14z",
    "warn": "M8 0 16 15H0zM7 5v5h2V5zm0 6v2h2v-2z",
    "pass": (
        "M8 0a8 8 0 1 0 0 16A8 8 0 0 0 8 0zM7 12 3 8l1.600-1.600L7 8.800l4.600-4.600L13.200 5.800z"
    ),
    "left out": "M0 6h16v4H0z",
}
#: The colours of a tab's picture: seen on light and on dark tabs.
_COLOURS: dict[Verdict, str] = {
    "error": "#b94a9c",
    "fail": "#d9363e",
    "inconclusive": "#7a74e0",
    "warn": "#c98500",
    "pass": "#2e9e4f",
}
_HERE = "pytest_bootgate.reports.html"


def render(
    results: Sequence[GateResult], *, journal: Path | None = None, base: Path | None = None
) -> str:
    """The page of one or more results, with nothing that it would have to load.

    With a `journal` it shows the trend of each target; files are shown as seen from `base`.
    """
    decided, made = worst_of(results), gates(results, journal, base)
    endings = {b.outcome for result in results for found in result.targets for b in found.boots}
    counted = [gate.matrix.verdicts for gate in made]
    page = (
        _environment()
        .get_template("page.html.jinja")
        .render(
            title=f"{decided} - bootgate",
            icon=_icon(decided.verdict),
            decided=decided,
            # Our own file, and the only text that is not escaped.
            style=Markup((files(_HERE) / "templates" / "style.css").read_text("utf-8")),  # noqa: S704
            gates=made,
            profiles=list(dict.fromkeys(p for gate in made for p in gate.matrix.profiles)),
            verdicts={w: sum(of.get(w, 0) for of in counted) for w in SHAPES},
            drawn=any(found.boots for result in results for found in result.targets),
            ended=[word for word in OUTCOMES if word in endings and word != "started"],
            version=__version__,
            outcomes=OUTCOMES,
            shapes=SHAPES,
        )
    )
    return re.sub(r">\n\s*<", "><", page)  # a fifth of all nodes; texts have no bare ``<``


def write(
    results: Sequence[GateResult],
    path: Path,
    *,
    journal: Path | None = None,
    base: Path | None = None,
) -> None:
    """Write the page. Raises `BootgateError` where it cannot."""
    page = render(results, journal=journal, base=base)
    try:
        write_text(path, page)
    except OSError as error:
        raise BootgateError(
            f"The HTML report could not be written to {path}: {error.strerror}. Name a writable"
            " path."
        ) from None


def _icon(verdict: Verdict) -> str:
    """The picture of a browser's tab: the verdict by its shape and colour."""
    drawn = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
        f'<path fill="{_COLOURS[verdict]}" fill-rule="evenodd" d="{SHAPES[verdict]}"/></svg>'
    )
    return f"data:image/svg+xml,{quote(drawn)}"


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(_HERE),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _finalize(value: Any) -> Any:
    """What a template puts out: no text of a stranger gets by unseen."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
