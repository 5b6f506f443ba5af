"""The files that a gate file names: found, and named absolutely."""

from __future__ import annotations

from pathlib import Path

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.check import Section
from pytest_bootgate.gatefile.tree import Mistakes, shown

#: How the name of a report ends that a later run has moved aside.
EARLIER = ".earlier"


def resolve_paths(gate: Section, here: Path, mistakes: Mistakes) -> None:
    """Make every path absolute, from the file that names it; a missing file is a mistake.

    `here` is the directory of the gate file, for ``${here}``.
    """
    for holder in (gate.section("gateway"), *gate.sections("releases").values()):
        for file in holder.sections("files").values():
            _resolve(file, "path", here, mistakes)
            given = [key for key in ("path", "text") if key in file]
            if len(given) != 1 and file.whole:
                mistakes.add(
                    file.place,
                    "a file has its content from 'path' or from 'text'",
                    "keep one of them" if given else "give one of them",
                )
    for release in gate.sections("releases").values():
        _resolve(release, "recorded", here, mistakes)
    _resolve(gate.section("sidecar"), "program", here, mistakes)


def resolved(directory: Path, name: str) -> Path:
    """The path that a gate file names. Raises `OSError` for what no file system can hold."""
    try:
        path = (directory / name).resolve()
        path.is_file()
    except (ValueError, RuntimeError) as error:  # a NUL, half a character; links in a circle
        raise OSError(0, str(error)) from None
    return path


def _resolve(section: Section, key: str, here: Path, mistakes: Mistakes) -> None:
    text = section.get(key)
    if not isinstance(text, str):
        return
    place = section.at[key]
    try:
        path = resolved(place.file.parent, variables.fill(text, {"here": str(here)}))
    except OSError as error:
        mistakes.add(place, f"'{key}' is no path: {error.strerror}", "name a file")
        return
    except KeyError as unknown:
        mistakes.add(
            place, f"'{key}' is read before any boot, '${{{unknown.args[0]}}}' is known only in one"
        )
        return
    if path.is_file():
        section.values[key] = str(path)
    elif path.exists():
        mistakes.add(place, f"'{text}' is not a file", "name a file")
    else:
        aside = path.with_name(f"{path.name}{EARLIER}")
        hint = f"looked for {shown(path)}"
        if aside.is_file():
            hint = f"a run that came to no result has left {shown(aside)}: rename it to use it"
        mistakes.add(place, f"there is no file '{text}'", hint)
