"""Variables in texts: ``${NAME}`` from the environment, ``${name}`` at boot, ``$$`` for ``$``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

#: What a boot can fill in, besides ``port.NAME`` for every port of the gate file.
BOOT_VARIABLES = ("token", "target", "release", "version", "dir", "here", "program")

#: What the run of a job that is already there knows besides.
JOB_VARIABLES = ("job.id", "job.name")

_VARIABLE = re.compile(r"\$(?:\$|\{([^{}]*)\})")
_UNFINISHED = re.compile(r"\$\$|(?P<open>\$\{(?![^{}]*\}))")
_FROM_ENVIRONMENT = re.compile(r"([A-Z_][A-Z0-9_]*)(?::-(.*))?", re.DOTALL)


class UnsetError(LookupError):
    """An environment variable that has no value and no default; its name is the argument."""


def fill(text: str, variables: Mapping[str, str]) -> str:
    """The text with its variables filled in and ``$$`` turned into ``$``.

    Raises `KeyError` for a variable that is not among them; a loaded gate file has none.
    """
    return _replace(text, lambda name: variables[name], dollar="$")


def fill_all(value: Any, variables: Mapping[str, str]) -> Any:
    """`fill` every text in a value of lists and dicts; keys stay as they are."""
    if isinstance(value, str):
        return fill(value, variables)
    if isinstance(value, Mapping):
        return {key: fill_all(item, variables) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill_all(item, variables) for item in value]
    return value


def blank(text: str) -> str:
    """The text with an ``x`` for every variable: what can be checked before there is a boot."""
    return _replace(text, lambda _: "x", dollar="$")


def names(text: str) -> Iterator[str]:
    """What stands between the braces of each variable, defaults included."""
    return (found[1] for found in _VARIABLE.finditer(text) if found[1] is not None)


def from_environment(name: str) -> bool:
    """Whether this is an environment variable, with or without a default."""
    return _FROM_ENVIRONMENT.fullmatch(name) is not None


def unfinished(text: str) -> bool:
    """Whether a ``${`` has no end, or holds another brace."""
    return any(found["open"] for found in _UNFINISHED.finditer(text))


def expand(text: str, environ: Mapping[str, str]) -> str:
    """The text with environment variables filled in; the others and ``$$`` are left alone.

    A value's own ``$`` is doubled, so that no boot takes it for a variable. Like in a shell the
    default of ``${NAME:-default}`` also stands in for an empty value. Raises `UnsetError`.
    """

    def value(name: str) -> str:
        found = _FROM_ENVIRONMENT.fullmatch(name)
        if found is None:
            return f"${{{name}}}"
        default: str | None = found[2]
        if default is None and found[1] not in environ:
            raise UnsetError(found[1])
        given = environ.get(found[1], "").replace("$", "$$")
        return given or default or ""

    return _replace(text, value, dollar="$$")


def whole(text: str) -> bool:
    """Whether the text is one environment variable and nothing else."""
    found = _VARIABLE.fullmatch(text)
    return found is not None and found[1] is not None and from_environment(found[1])


def _replace(text: str, value: Callable[[str], str], *, dollar: str) -> str:
    return _VARIABLE.sub(lambda found: dollar if found[1] is None else value(found[1]), text)
