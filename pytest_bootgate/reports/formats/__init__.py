"""Reports in the formats of others: each an entry point of `GROUP`, found by its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.whole import write_text

if TYPE_CHECKING:
    from pytest_bootgate.records.result import GateResult

#: The group of entry points. Each is the name of a format and the `Format` that it stands for.
GROUP = "pytest_bootgate.reports"


@dataclass(frozen=True)
class Format:
    """A format of reports.

    `text` makes a whole report from the results of a run; the names of gate files in it are
    relative to a directory. `begins` is a pattern of how each report begins: a file that does not
    match is somebody else's, and never overwritten.
    """

    text: Callable[[Sequence[GateResult], Path], str]
    begins: bytes

    def files(self, path: str, base: Path) -> list[tuple[Path, bytes]]:
        """The files that a report at `path` (seen from `base`) is, and how each of them begins."""
        return [(base / path, self.begins)]

    def write(self, results: Sequence[GateResult], path: str, base: Path) -> None:
        """Write a report. Raises `OSError` and `BootgateError`."""
        write_text(base / path, self.text(results, base))

    def remarks(self) -> list[str]:
        """What the user is to be warned of beside a report that was written, in sentences."""
        return []


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report that was asked for: a format by its name, and where it goes."""

    name: str
    path: str
    format: Format

    def write(self, results: Sequence[GateResult], base: Path) -> None:
        """Write it; paths are relative to `base`, and so are the names of gate files.

        Raises `BootgateError` where it cannot be written, whatever the reason.
        """
        try:
            self.format.write(results, self.path, base)
        except OSError as error:
            why = error.strerror or str(error)
            where = error.filename or self.path
            raise BootgateError(
                f"The report {self.name} could not be written to {where}: {why}. Give"
                f" --bootgate-report {self.name}= a path that can be written."
            ) from None
        except BootgateError:
            raise
        except Exception as error:
            # One format's mistake must not cost the others, nor pass for a report.
            raise BootgateError(
                f"The report {self.name} could not be made: {type(error).__name__}: {error}. This"
                f" is a bug in {self.format.text.__module__}; please report it with the"
                " --bootgate-json of this run."
            ) from error


def known() -> dict[str, EntryPoint]:
    """All formats that are installed, by name."""
    return {point.name: point for point in sorted(entry_points(group=GROUP))}


def parse(text: str) -> Wanted:
    """What ``FORMAT=PATH`` asks for. Raises `ValueError` for what it does not mean."""
    name, equals, path = text.partition("=")
    formats = known()
    there = f"the formats are {', '.join(formats)}"
    if not equals or not path.strip():
        raise ValueError(f"{text!r} is not FORMAT=PATH; {there}")
    if name not in formats:
        raise ValueError(f"there is no format {name!r}; {there}")
    return Wanted(name, path, _loaded(formats[name]))


def _loaded(point: EntryPoint) -> Format:
    try:
        found = point.load()
    except Exception as error:
        if isinstance(error, ImportError) and point.extras and point.dist is not None:
            extra = f"{point.dist.name}[{','.join(point.extras)}]"
            raise ValueError(f"{point.name} needs an extra: pip install '{extra}'") from None
        raise ValueError(f"{point.name} ({point.value}) cannot be loaded: {error}") from None
    if not isinstance(found, Format):
        raise ValueError(f"{point.name} ({point.value}) is not a {Format.__module__}.Format")
    return found


def json_text(document: object) -> str:
    """A document as the text of a JSON file."""
    return f"{json.dumps(document, indent=1, allow_nan=False)}\n"
