"""The files that a gate file names: found, and named absolutely."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.tree import Mistakes, Scalar, shown

#: How the name of a report ends that a later run has moved aside.
EARLIER = ".earlier"


def resolved(directory: Path, name: str) -> Path:
    """The path that a gate file names. Raises `OSError` for what no file system can hold."""
    try:
        path = (directory / name).resolve()
        path.is_file()
    except (ValueError, RuntimeError) as error:  # a NUL, half a character; links in a circle
        raise OSError(0, str(error)) from None
    return path


def existing(named: Scalar, name: str, here: Path, mistakes: Mistakes) -> str:
    """A file that a gate file names, absolutely, from the file that names it.

    Where there is none it is a mistake. `here` is the directory of the gate file, for ``${here}``.
    """
    text, place = named.text, named.place
    try:
        expanded = Path(variables.fill(text, {"here": str(here)})).expanduser()
        path = resolved(place.file.parent, str(expanded))
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        mistakes.add(place, f"{name} is no path: {why}", "name a file")
        return text
    except KeyError as unknown:
        mistakes.add(
            place, f"{name} is read before any boot, '${{{unknown.args[0]}}}' is known only in one"
        )
        return text
    if path.is_file():
        return str(path)
    if path.exists():
        mistakes.add(place, f"'{text}' is not a file", "name a file")
        return text
    aside = path.with_name(f"{path.name}{EARLIER}")
    hint = f"looked for {shown(path)}"
    if aside.is_file():
        hint = f"a run that came to no result has left {shown(aside)}: rename it to use it"
    mistakes.add(place, f"there is no file '{text}'", hint)
    return text


def files(named: Scalar, name: str, here: Path, mistakes: Mistakes) -> str:
    """A file, a directory or a pattern that a gate file names, absolutely.

    Where it means no file it is a mistake.
    """
    if not glob.has_magic(named.text):
        path = _path(named.text, named, here)
        if path is None or not path.is_dir():
            return existing(named, name, here, mistakes)
        if not below(str(path)):
            mistakes.add(named.place, f"'{named.text}' holds no file", "name one that does")
        return str(path)
    pattern = str(named.place.file.parent / named.text.replace("${here}", glob.escape(str(here))))
    if not below(pattern):
        mistakes.add(named.place, f"no file matches '{named.text}'", f"looked for {pattern}")
    return pattern


def below(path: str) -> dict[str, Path]:
    """The files that a path of a gate file means, by their names below it; a file has no name."""
    if Path(path).is_file():
        return {"": Path(path)}
    if Path(path).is_dir():
        # Not by `rglob`, which stops where somebody else removes a directory meanwhile.
        names = (Path(above, name) for above, _, names in os.walk(path) for name in names)
        every = sorted(one for one in names if one.is_file())
        return {one.relative_to(path).as_posix(): one for one in every}
    found = sorted(Path(one) for one in glob.glob(path, recursive=True))  # noqa: PTH207
    return {one.name: one for one in found if one.is_file()}


def volume(named: Scalar, here: Path, mistakes: Mistakes) -> str:
    """A volume whose source is named absolutely; the name of one of the engine's stays."""
    text, colon, rest = named.text.partition(":")
    if not colon or rest == "rw" or not text.startswith((".", "/", "~", "${here}")):
        return named.text
    path = _there(text, named, here, mistakes)
    if path is not None and path.is_file() and rest.endswith(":rw"):
        mistakes.add(named.place, f"'{text}' is a file", "copy it with 'files'")
    return f"{path}:{rest}"


def source(named: Scalar, here: Path, mistakes: Mistakes) -> str:
    """The source of a state, named absolutely; the name of a volume stays."""
    if named.text.startswith("volume:"):
        return named.text
    path = _there(named.text, named, here, mistakes)
    if path is not None and path.exists() and not (path.is_dir() or path.is_file()):
        mistakes.add(named.place, f"'{named.text}' is neither a directory nor a file", "name one")
    return str(path)


def _there(text: str, named: Scalar, here: Path, mistakes: Mistakes) -> Path | None:
    """A path that must be there, from the file that names it; None where it is none."""
    path = _path(text, named, here)
    if path is None:
        mistakes.add(named.place, f"'{text}' is no path", "name a directory")
    elif not path.exists():
        mistakes.add(named.place, f"there is no '{text}'", f"looked for {shown(path)}")
    return path


def _path(text: str, named: Scalar, here: Path) -> Path | None:
    """The path that a text names, None where it is none."""
    try:
        filled = variables.fill(text, {"here": str(here)})
        return resolved(named.place.file.parent, str(Path(filled).expanduser()))
    except (OSError, KeyError, RuntimeError):
        return None
