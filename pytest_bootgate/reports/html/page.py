"""The page as a whole: rendered from results alone, and written to one file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pytest_bootgate import __version__
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records.outcomes import OUTCOMES
from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.html.sections import gate
from pytest_bootgate.reports.html.top import title
from pytest_bootgate.whole import write_text

_HERE = "pytest_bootgate.reports.html"


def render(
    results: Sequence[GateResult], *, journal: Path | None = None, base: Path | None = None
) -> str:
    """The page of one or more results, with nothing that it would have to load.

    With a `journal` it shows the trend of each target; files are shown as seen from `base`.
    """
    environment = _environment()
    return environment.get_template("page.html.jinja").render(
        title=title(results),
        # Our own file, and the only text that is not escaped.
        style=Markup((files(_HERE) / "templates" / "style.css").read_text("utf-8")),  # noqa: S704
        gates=[gate(result, n, journal, base) for n, result in enumerate(results, 1)],
        version=__version__,
        outcomes=OUTCOMES,
    )


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
