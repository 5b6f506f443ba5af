"""What a project sets once, in the ini file that pytest reads: as if it stood on the command line.

An option that is on the command line wins. Paths count from the directory of the ini file.
"""

from __future__ import annotations

import argparse
import inspect
import os
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.pytest_plugin.options import Setting, settings

#: The names of the settings that the ini file gives to a run.
_TAKEN = pytest.StashKey[frozenset[str]]()


def take(config: pytest.Config) -> None:
    """Take over what the ini file sets and the command line does not.

    Raises `pytest.UsageError` for what is no value, and names the file and the key.
    """
    base, path = config.invocation_params.dir, config.inipath
    found = {}
    for one in settings():
        if getattr(config.option, one.key) is None:
            try:
                raw = config.getini(one.key)
                value = _value(one, raw, base if path is None else path.parent, base)
            except (TypeError, ValueError, pytest.UsageError) as error:
                where = "" if one.key in str(error) else f"{_place(config, one.key)}: "
                raise pytest.UsageError(f"{where}{error}") from None
            if value is not None:
                found[one.name] = value
                setattr(config.option, one.key, value)
    config.stash[_TAKEN] = frozenset(found)


def taken(config: pytest.Config) -> frozenset[str]:
    """The names of the settings that the ini file gives to a run."""
    return config.stash.get(_TAKEN, frozenset())


def spelled(config: pytest.Config, name: str) -> str:
    """What the user wrote to set something: the option, or the ini file and its key."""
    inside = name in taken(config)
    return _place(config, f"bootgate_{name}") if inside else f"--bootgate-{name}"


def asked_engine(config: pytest.Config) -> tuple[str, list[str]]:
    """The engine, and the Docker hosts to boot on. Raises `UsageError` where others have none."""
    engine = config.getoption("bootgate_engine") or "auto"
    if (text := config.getoption("bootgate_hosts")) is None:
        return engine, []
    if engine not in ("auto", "docker"):
        raise pytest.UsageError(
            f"{spelled(config, 'hosts')} names Docker hosts, but {spelled(config, 'engine')}"
            f" {engine} boots elsewhere: leave out one of them."
        )
    from pytest_bootgate.engines.docker_address import hosts

    return "docker", hosts(text)


def read(start: Path) -> dict[str, Any]:
    """The settings of the ini file that pytest would read for `start`, each as its option's value.

    For commands that do not start pytest. Raises `BootgateError` as `take` does.
    """
    from _pytest.config.findpaths import determine_setup

    base = Path.cwd()
    asked: dict[str, Any] = {"args": [str(start)], "invocation_dir": base}
    known = inspect.signature(determine_setup).parameters  # each pytest has others
    _, path, values, *_ = determine_setup(**{name: asked.get(name) for name in known})  # type: ignore[arg-type]
    found = {}
    for one in settings():
        raw: Any = values.get(one.key) if path is not None else None
        raw = getattr(raw, "value", raw)
        if one.kind == "linelist" and isinstance(raw, str):
            raw = [line.strip() for line in raw.splitlines() if line.strip()]
        if one.kind != "bool" and path is not None:
            try:
                found[one.name] = _value(one, raw, path.parent, base)
            except ValueError as error:
                where = os.path.relpath(path, base)
                raise BootgateError(f"{where}: {one.key}: {error}") from None
    return {name: value for name, value in found.items() if value is not None}


def _place(config: pytest.Config, key: str) -> str:
    """Where a key was set."""
    if any(text.startswith(f"{key}=") for text in config.getoption("override_ini", None) or ()):
        return f"-o {key}"
    assert config.inipath is not None
    return f"{os.path.relpath(config.inipath, config.invocation_params.dir)}: {key}"


def _value(one: Setting, raw: Any, directory: Path, base: Path) -> Any:
    """What a setting is as the value of its option; None where it is not set.

    Raises `ValueError` for what is no value.
    """
    if raw is None or raw in ("", []):
        return None
    if one.kind == "bool":
        return raw
    many = one.kind == "linelist"
    texts = raw if many else [raw]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"write one text ({one.metavar}), not {raw!r}")
    found = [_parsed(one, text, directory, base) for text in texts]
    return found if many else found[0]


def _parsed(one: Setting, text: str, directory: Path, base: Path) -> Any:
    try:
        found = one.parse(text)
    except argparse.ArgumentTypeError as error:
        raise ValueError(str(error)) from None
    if not one.path:
        return found
    if one.kind == "string":
        return Path(_moved(text, directory, base))
    from pytest_bootgate.reports.formats import parse

    wanted = parse(text)
    if not wanted.format.files(wanted.path, base):
        return text  # somewhere else, such as a URL
    return f"{wanted.name}={_moved(wanted.path, directory, base)}"


def _moved(path: str, directory: Path, base: Path) -> str:
    """A path that counts from one directory, as it is from another; an absolute one stays."""
    return path if Path(path).is_absolute() else os.path.relpath(directory / path, base)
