"""``bootgate init``: a gate file that is a working gate, for whoever begins."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_bootgate.errors import BootgateError

_TEMPLATES = Path(__file__).with_name("templates")
#: By preset ("" for none): the files to write, by their names, and the templates they come from.
_FILES: Mapping[str, Mapping[str, str]] = {
    "": {"bootgate.yaml": "bootgate.yaml", "example_service.py": "example_service.py"},
    "openclaw": {"bootgate.yaml": "openclaw.yaml"},
}
_FIRST: Mapping[str, str] = {
    "": "Then put your own two commands into bootgate.yaml (steps 1 to 3).",
    "openclaw": "First put your own two images into bootgate.yaml (FILL IN).",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate init`` takes."""
    parser.description = (
        "Write a commented bootgate.yaml. Without a preset it comes with an example service and"
        " works unchanged, without Docker. Existing files are not overwritten."
    )
    parser.add_argument(
        "directory",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where to write (default: here)",
    )
    parser.add_argument(
        "--preset",
        choices=sorted(name for name in _FILES if name),
        default="",
        metavar="NAME",
        help="start from a preset, with images to fill in: openclaw",
    )
    parser.add_argument("--force", action="store_true", help="overwrite existing files")


def main(options: argparse.Namespace) -> int:
    """Write the files and say what comes next; return the exit status."""
    directory: Path = options.directory
    written = write(directory, options.preset, force=options.force)
    print(f"Wrote {' and '.join(str(path) for path in written)}.\n")
    for line in _next(directory, options.preset):
        print(line)
    return 0


def write(directory: Path, preset: str, *, force: bool) -> list[Path]:
    """Write the files of a preset; returns their paths. All of them, or none.

    Raises `BootgateError` where one is there already, or cannot be written.
    """
    files = {directory / name: _TEMPLATES / source for name, source in _FILES[preset].items()}
    there = [path for path in files if path.exists() or path.is_symlink()]
    if there and not force:
        names = " and ".join(str(path) for path in there)
        raise BootgateError(
            f"{names} {'is' if len(there) == 1 else 'are'} there already, and nothing was written."
            " Use another directory (bootgate init DIR), or overwrite with --force."
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, source in files.items():
            path.write_bytes(source.read_bytes())
    except OSError as error:
        raise BootgateError(
            f"{error.filename or directory} cannot be written: {error.strerror}. Use a writable"
            " directory: bootgate init DIR."
        ) from None
    return list(files)


def _next(directory: Path, preset: str) -> Sequence[str]:
    go = [] if directory == Path() else [f"  cd {shlex.quote(str(directory))}"]
    check = "  bootgate check          # show the plan, without booting"
    doctor = "  bootgate doctor         # check the engine and both images"
    first = "a first verdict, in about 20 seconds" if not preset else "run the gate"
    run = f"  pytest bootgate.yaml    # {first}"
    if preset:
        return [_FIRST[preset], "Then:", *go, check, doctor, run]
    return ["Next:", *go, check, run, "", _FIRST[preset]]
