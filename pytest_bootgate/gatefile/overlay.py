"""A system's own configuration, adapted to the gate, and what was changed in it."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_bootgate.gatefile.presets import OVERLAYS
from pytest_bootgate.masking import shortened

#: So many characters of a new value are shown.
_WIDTH = 60
#: From so many entries on, a change of each is said once.
_MANY = 4
_ENTRY = re.compile(r"\[[^\]]*\]")
#: No configuration is larger, in bytes.
_MOST = 4 << 20
#: Nor one that is only JSON5, whose reader takes about 2 s for so much, and more for many numbers.
_MOST_JSON5 = 100_000
#: So deep may it be nested, with what it includes; what reads it is recursive.
_DEEPEST = 100


@dataclass(frozen=True)
class Adapted:
    """The text of an adapted configuration, and a line for each change, without old values."""

    text: str
    changes: tuple[str, ...]


def adapted(name: str, path: Path, variables: Mapping[str, str], env: Mapping[str, str]) -> Adapted:
    """The configuration in a file, adapted by one of `OVERLAYS`.

    Raises `ValueError` for what is no configuration, `OSError` for what cannot be read.
    """
    before, overlay = read(path), OVERLAYS[name]
    after = overlay.adapt(before, variables, env, path)
    text = json.dumps(after, indent=2, ensure_ascii=False)
    # What it writes where nobody wrote anything holds nothing of the operator's.
    own = {each for _, each in texts(overlay.adapt(overlay.blank, variables, env, path))}
    return Adapted(text, tuple(_grouped(_differences(before, after, "", own))))


def read(path: Path) -> dict[str, Any]:
    """A file of JSON or JSON5 that holds an object, with the files that it includes.

    `{"$include": "FILE"}` stands for that file, as several systems have it; the keys beside it win.
    Raises `ValueError` and `OSError`.
    """
    found = _included(_read(path), path, ())
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no object ({{...}})")
    return found


def texts(tree: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a configuration with the nearest key above it."""
    if isinstance(tree, dict):
        for name, each in tree.items():
            yield from texts(each, name)
    elif isinstance(tree, list):
        for each in tree:
            yield from texts(each, key)
    elif isinstance(tree, str):
        yield key, tree


def _read(path: Path) -> Any:
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):  # a FIFO would be waited for
        raise ValueError(f"{path.name} is no regular file")
    return _parsed(path, about.st_mtime_ns)


@lru_cache(maxsize=32)  # each boot asks for it
def _parsed(path: Path, _: int) -> Any:
    with path.open("rb") as file:
        content = file.read(_MOST + 1)  # files of `/proc` have no size
    if len(content) > _MOST:
        raise ValueError(f"{path.name} is larger than {_MOST >> 20} MiB")
    try:
        found = _loaded(content.decode("utf-8-sig"), path.name)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path.name} is no UTF-8 in line {line}") from None
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        what = f"a text with {half}, a lone surrogate"
        raise ValueError(f"{path.name} holds {what}, which is no UTF-8") from None
    except RecursionError:
        raise ValueError(f"{path.name} is nested too deeply") from None
    return found


def _loaded(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        wrong = f"line {error.lineno} column {error.colno}: {error.msg}"
    except ValueError as error:  # a number of thousands of digits
        raise ValueError(f"{name}: {error}") from None
    try:
        import json5
    except ImportError:
        raise ValueError(
            f"{name} is not JSON; if it is JSON5 (comments, trailing commas), run"
            " `pip install 'pytest-bootgate[json5]'`"
        ) from None
    if len(text) > _MOST_JSON5:
        raise ValueError(
            f"{name} is not JSON ({wrong}), and with more than {_MOST_JSON5 // 1000} kB too large"
            f" for JSON5; make JSON of it (`python -m json5 --as-json {name}`)"
        )
    try:
        return json5.loads(text)
    except ValueError as error:
        said = str(error)
        where = f"line {said.removeprefix('<string>:')}" if said.startswith("<string>:") else said
        raise ValueError(f"{name} is neither JSON nor JSON5: {where}") from None


def _included(tree: Any, path: Path, above: tuple[Path, ...], depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise ValueError(f"{path.name} is nested too deeply: more than {_DEEPEST} levels")
    if isinstance(tree, list):
        return [_included(each, path, above, depth + 1) for each in tree]
    if not isinstance(tree, dict):
        return tree
    below = {key: each for key, each in tree.items() if key != "$include"}
    own = {key: _included(each, path, above, depth + 1) for key, each in below.items()}
    if "$include" not in tree:
        return own
    named = tree["$include"]
    result: Any = {}
    for name in named if isinstance(named, list) else [named]:
        if not isinstance(name, str) or "\0" in name:
            raise ValueError(f"{path.name}: $include takes the name of a file, or a list of names")
        other = Path(os.path.realpath(path.parent / name))
        if other in (*above, path.resolve()):
            raise ValueError(f"{path.name} includes {name}, which includes it")
        try:
            content = _read(other)
        except OSError as error:
            why = f"which cannot be read: {error.strerror}"
            raise ValueError(f"{path.name} includes {name}, {why}") from None
        except ValueError as error:
            raise ValueError(f"{path.name} includes {name}: {error}") from None
        content = _included(content, other, (*above, path.resolve()), depth + 1)
        result = _merged(result, content)
    return _merged(result, own) if own else result


def _merged(under: Any, over: Any) -> Any:
    if isinstance(under, list) and isinstance(over, list):
        return [*under, *over]
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return over
    both = {key: _merged(under[key], each) for key, each in over.items() if key in under}
    return {**under, **over, **both}


def _differences(before: Any, after: Any, path: str, own: Set[str]) -> Iterator[tuple[str, str]]:
    """Each change as a path and what became of it; of texts, only those in `own` are shown."""
    if isinstance(before, dict) and isinstance(after, dict):
        both = {key: (f"{path}.{key}" if path else key) for key in [*before, *after]}
    elif isinstance(before, list) and isinstance(after, list):
        before, after = dict(enumerate(before)), dict(enumerate(after))
        both = {
            number: f"{path}[{_called(one, number)}]" for number, one in {**after, **before}.items()
        }
    else:
        if before != after:
            yield path, _shown(after, own)
        return
    for key, below in both.items():
        if key not in after:
            yield below, "removed"
        elif key not in before:
            yield below, _shown(after[key], own)
        else:
            yield from _differences(before[key], after[key], below, own)


def _called(entry: Any, number: int) -> Any:
    return entry.get("id", number) if isinstance(entry, dict) else number


def _grouped(changes: Iterator[tuple[str, str]]) -> Iterator[str]:
    """A line for each change.

    Entries of one mapping that were removed share one, and so does what became the same in many
    entries of a list.
    """
    removed: dict[str, list[str]] = {}
    same: dict[str, list[str]] = {}
    for path, what in changes:
        if what == "removed":
            above, _, key = path.rpartition(".")
            removed.setdefault(above, []).append(key)
        else:
            any_entry = _ENTRY.sub("[*]", path)
            same.setdefault(f"{any_entry}: {what}", []).append(f"{path}: {what}")
    for line, each in same.items():
        yield from each if len(each) < _MANY else [f"{line} ({len(each)} times)"]
    for above, keys in removed.items():
        yield f"{above}.{','.join(keys)}: removed" if above else f"{', '.join(keys)}: removed"


def _shown(value: Any, own: Set[str]) -> str:
    if isinstance(value, str) and value not in own:
        return "changed"
    return shortened(json.dumps(_veiled(value, own), ensure_ascii=False), _WIDTH)


def _veiled(value: Any, own: Set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _veiled(each, own) for key, each in value.items()}
    if isinstance(value, list):
        return [_veiled(each, own) for each in value]
    return value if not isinstance(value, str) or value in own else "…"
