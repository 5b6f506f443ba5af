"""Variables of a Compose file: from the environment, `.env`, and the files of `env_file`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_bootgate.gatefile.source import looks_like
from pytest_bootgate.gatefile.variables import UnsetError, from_environment

_VARIABLE = re.compile(
    r"\$(?:\$|\{(?P<name>\w+)(?:(?P<op>:?[-?+])(?P<rest>[^}]*))?\}|(?P<bare>[A-Za-z_]\w*))"
)
_NESTED = re.compile(r"(?<!\$)\$\{\w+:?[-?+][^}]*\$\{")
#: Texts whose variables the gate file fills in itself, so that it knows what is secret in them.
_LATER = ("environment", "command", "entrypoint", "healthcheck")
#: What a gate does not read.
_UNREAD = ("ports", "expose", "labels", "logging", "restart")


def interpolated(key: str, value: Any, directory: Path, environ: Mapping[str, str]) -> Any:
    """What stands under a key of a service, with its variables filled in as Compose does.

    Raises `UnsetError` for one without a value, `ValueError` and `OSError` for a bad `.env`.
    """
    if key in _UNREAD:
        return value
    file = directory / ".env"
    dotenv = read(file) if file.is_file() else {}
    if key == "environment":  # one without a value has that of the shell, or is not set
        value = {
            name: dotenv.get(name) if each is None and name not in environ else each
            for name, each in _pairs(value).items()
            if each is not None or name in environ or dotenv.get(name) is not None
        }
    return _each(value, dotenv, environ, later=key in _LATER)


def _each(
    value: Any, dotenv: Mapping[str, str | None], environ: Mapping[str, str], *, later: bool
) -> Any:
    if isinstance(value, dict):
        return {key: _each(each, dotenv, environ, later=later) for key, each in value.items()}
    if isinstance(value, list):
        return [_each(each, dotenv, environ, later=later) for each in value]
    if not isinstance(value, str) or "$" not in value:
        return value

    if _NESTED.search(value):
        raise ValueError("a variable in the default of another cannot be read")

    def put(found: re.Match[str]) -> str:
        name = found["name"] or found["bare"]
        if name is None:
            return found[0]
        op, rest = found["op"] or "", found["rest"] or ""
        given = environ[name].replace("$", "$$") if name in environ else dotenv.get(name)
        unknown = name in environ or name not in dotenv
        if later and unknown and from_environment(name) and "+" not in op:
            return found[0]
        there = bool(given) if ":" in op else given is not None
        if "+" in op:
            return rest if there else ""
        if there and given is not None:
            return given
        if "-" in op:
            return rest
        raise UnsetError(name)

    text = _VARIABLE.sub(put, value)
    return looks_like(text) if _VARIABLE.fullmatch(value) and not later else text


def whole_environment(
    service: Mapping[str, Any], directory: Path, environ: Mapping[str, str]
) -> dict[str, Any]:
    """A service with what the files of its `env_file` say in its `environment`.

    What is not there is left as it is, and told where `env_file` cannot be taken over.
    """
    files = service.get("env_file")
    if not files:
        return dict(service)
    whole = {key: each for key, each in service.items() if key != "env_file"}
    found: dict[str, Any] = {}
    for one in files if isinstance(files, list) else [files]:
        name = one.get("path") if isinstance(one, dict) else one
        path = directory / str(_each(name, {}, environ, later=False))
        if path.is_file():
            found |= read(path)
        elif not isinstance(one, dict) or one.get("required", True):
            return dict(service)
    return {**whole, "environment": {**found, **_pairs(whole.get("environment"))}}


def _pairs(environment: Any) -> dict[str, Any]:
    if not isinstance(environment, list):
        return dict(environment or {})
    parts = [str(one).partition("=") for one in environment]
    return {key: value if equals else None for key, equals, value in parts}


def read(path: Path) -> dict[str, str | None]:
    """The variables of an env file, with ``$$`` for a ``$`` that is none; None: of the shell.

    Raises `ValueError` for a quote without its end, and `OSError`.
    """
    found: dict[str, str | None] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip().removeprefix("export ").lstrip()
        if not text or text.startswith("#"):
            continue
        key, equals, value = (part.strip() for part in text.partition("="))
        quote = value[:1]
        if quote and quote in "'\"":
            inner, end, _ = value[1:].partition(quote)
            if not end:
                raise ValueError(f"{path}:{number}: the quote of {key} has no end")
            value = inner.replace("$", "$$") if quote == "'" else inner
        else:
            value = re.sub(r"(^|\s+)#.*", "", value)
        found[key] = value if equals else None
    return found
