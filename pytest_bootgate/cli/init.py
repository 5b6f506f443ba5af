"""``bootgate init``: a gate file that is a working gate, for whoever begins."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_bootgate.cli import schema
from pytest_bootgate.cli.origin import gate_file, preset
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.schema import BESIDE, ID, MODELINE
from pytest_bootgate.whole import write_all

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
    parser.add_argument(
        "--from",
        dest="origin",
        metavar="WHAT",
        help="start from a Compose file, a Kubernetes manifest, or an image that is here; with a"
        " preset, from the directory in which the system keeps its state",
    )
    parser.add_argument(
        "--service",
        metavar="NAME",
        help="with --from: the service or container to gate, where there are several",
    )
    parser.add_argument("--force", action="store_true", help="overwrite existing files")


def main(options: argparse.Namespace) -> int:
    """Write the files and say what comes next; return the exit status."""
    directory: Path = options.directory
    if options.service and not options.origin:
        raise BootgateError("--service says which of several to gate: it goes with --from.")
    if options.origin:
        if options.preset and options.service:
            raise BootgateError("--service goes with a Compose file or a manifest, not a preset.")
        if options.preset:
            template = (_TEMPLATES / _FILES[options.preset]["bootgate.yaml"]).read_text()
            text = preset.gate_file(template, options.preset, options.origin, directory)
        else:
            text = gate_file(options.origin, options.service, directory)
        path = directory / "bootgate.yaml"
        _say(write({path: _for_editors(text), **_schema(directory)}, force=options.force))
        if not options.preset:
            print(_gated(text, several=Path(options.origin).exists() and not options.service))
        print()
        for line in _next(directory, options.preset, fill_in="FILL IN" in text):
            print(line)
        return 0
    written = write(contents(directory, options.preset), force=options.force)
    _say(written)
    print()
    for line in _next(directory, options.preset):
        print(line)
    return 0


def _gated(text: str, *, several: bool) -> str:
    """What a gate file that was made is for, in its own first words."""
    first = text.partition("\n")[0].removeprefix("# ")
    return f"{first} Where it has several, --service NAME gates another." if several else first


def _say(written: Sequence[Path]) -> None:
    *files, beside = map(str, written)
    print(f"Wrote {' and '.join(files)}, and for editors {beside}.")


def contents(directory: Path, name: str) -> dict[Path, bytes]:
    """The files of a preset; the gate file is the first, what editors need beside it the last."""
    files = {path: (_TEMPLATES / source).read_text() for path, source in _FILES[name].items()}
    gate, *others = files
    made = {directory / gate: _for_editors(files[gate])}
    return {
        **made,
        **{directory / path: files[path].encode() for path in others},
        **_schema(directory),
    }


def _for_editors(text: str) -> bytes:
    """A gate file whose first line says to editors where its schema is."""
    return f"{MODELINE}{text}".encode()


def _schema(directory: Path) -> dict[Path, bytes]:
    return {directory / BESIDE: schema.text().encode()}


def _renewable(path: Path) -> bool:
    """Whether a file is one of those that `_schema` writes, of any version."""
    if path.name != BESIDE or not path.is_file() or path.is_symlink():
        return False
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("$id") == ID


def write(files: Mapping[Path, bytes], *, force: bool) -> list[Path]:
    """Write files; returns their paths. All of them, or none.

    Raises `BootgateError` where one is there already, or cannot be written.
    """
    there = [p for p in files if (p.exists() or p.is_symlink()) and not _renewable(p)]
    if there and not force:
        names = " and ".join(str(path) for path in there)
        raise BootgateError(
            f"{names} {'is' if len(there) == 1 else 'are'} there already, and nothing was written."
            " Use another directory (bootgate init DIR), or overwrite with --force."
        )
    try:
        write_all(files)
    except OSError as error:
        raise BootgateError(
            f"{error.filename or 'The directory'} cannot be written: {error.strerror}. Nothing was"
            " written: use a writable directory (bootgate init DIR)."
        ) from None
    return list(files)


def _next(directory: Path, started_from: str, *, fill_in: bool = False) -> Sequence[str]:
    go = [] if directory == Path() else [f"  cd {shlex.quote(str(directory))}"]
    check = "  bootgate check          # show the plan, without booting"
    doctor = "  bootgate doctor         # check the engine and both images"
    first = "a first verdict, in about 20 seconds" if not started_from else "run the gate"
    run = f"  pytest bootgate.yaml    # {first}"
    if fill_in and not started_from:
        todo = "First name the release to try in bootgate.yaml (FILL IN)."
        return [todo, "Then:", *go, check, doctor, "  pytest bootgate.yaml    # run the gate"]
    if started_from:
        return [_FIRST[started_from], "Then:", *go, check, doctor, run]
    return ["Next:", *go, check, run, "", _FIRST[started_from]]
