"""What may stand where in a Compose file: mappings, lists and texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

#: A single value; one that is no number; anything.
_ONE, _TEXT, _ANYTHING = "one", "text", "anything"
#: What may stand at a place: one of these; a list of such; a mapping, in which `...` is every other
#: key, and a key that ends with ``!`` must be there; or one of several. What a mapping does not
#: name may be anything.
Kind: TypeAlias = Any

_WORDS: Kind = (_TEXT, [_ONE])
_NAMES: Kind = [_ONE]
_OF_FILE: Kind = [(_TEXT, {"source!": _TEXT, "target": _ONE})]
#: Null is as good as nothing, in all that is below a service.
_SERVICE: Mapping[str, Kind] = {
    **dict.fromkeys(("image", "container_name", "platform", "stop_signal", "shm_size"), _ONE),
    **dict.fromkeys(("user", "working_dir", "hostname", "init", "read_only", "tty"), _ONE),
    **dict.fromkeys(("pids_limit", "cpus", "mem_limit", "stdin_open", "scale"), _ONE),
    **dict.fromkeys(("cap_add", "cap_drop", "security_opt", "links", "expose"), _NAMES),
    "image": _TEXT,
    "build": (_TEXT, {}),
    "command": _WORDS,
    "entrypoint": _WORDS,
    "environment": ([_TEXT], {...: _ONE}),
    "env_file": (_TEXT, [(_TEXT, {"path!": _TEXT, "required": _ONE})]),
    "healthcheck": {
        "test": _WORDS,
        **dict.fromkeys(("interval", "timeout", "start_period", "retries", "disable"), _ONE),
    },
    "depends_on": ([_TEXT], {...: {"condition": _TEXT, "required": _ONE}}),
    "volumes": [
        (
            _TEXT,
            {
                **dict.fromkeys(("type", "source", "read_only"), _ONE),
                "target!": _TEXT,
                "tmpfs": {"size": _ONE, "mode": _ONE},
            },
        )
    ],
    "secrets": _OF_FILE,
    "configs": _OF_FILE,
    "tmpfs": (_TEXT, [_TEXT]),
    "ulimits": {...: (_ONE, {"soft!": _ONE, "hard!": _ONE})},
    "devices": [(_TEXT, {"source!": _TEXT, "target": _TEXT, "permissions": _TEXT})],
    "extra_hosts": ([_TEXT], {...: _ONE}),
    "ports": [(_ONE, {"target!": _ONE})],
    "networks": (_NAMES, {...: {"aliases": _NAMES}}),
    "gpus": (_TEXT, [{}]),
    "deploy": {
        "replicas": _ONE,
        "resources": {
            "limits": dict.fromkeys(("cpus", "memory", "pids"), _ONE),
            "reservations": {
                "devices": [{"count": _ONE, "capabilities": _NAMES, "device_ids": _NAMES}]
            },
        },
    },
}
_TESTS = ("CMD", "CMD-SHELL", "NONE")
_WITH_A_KIND = "and in Compose with CMD (a program and its words), CMD-SHELL or NONE"
_FILE: Kind = {...: {"file": _TEXT, "environment": _TEXT, "content": _ONE}}
_ROOT: Kind = {
    "name": _TEXT,
    "services!": {...: _SERVICE},
    "secrets": _FILE,
    "configs": _FILE,
    "volumes": {...: {}},
    "networks": {...: {}},
}


def wrong(root: Mapping[str, Any]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """What is not as Compose has it: its keys from the top of the file, and words."""
    for name, service in root["services"].items():
        if service is None:  # anywhere else it is as good as nothing
            yield ("services", name), f"`{name}` is empty, and in Compose it is a mapping"
    yield from _wrong(root, _ROOT, ())
    for name, service in root["services"].items():
        check = service.get("healthcheck") if isinstance(service, Mapping) else None
        test = check.get("test") if isinstance(check, Mapping) and not check.get("disable") else ()
        first = str(test[0]) if isinstance(test, list) and test else "NONE"
        if first not in _TESTS and "$" not in first:
            keys = ("services", name, "healthcheck", "test")
            yield keys, f"the list `test` of {name} begins with `{first}`, {_WITH_A_KIND}"


def _wrong(value: Any, kind: Kind, keys: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    fitting = next((one for one in kinds if _fits(value, one)), None)
    if value is None:
        return
    if fitting is None:
        wanted = " or ".join(dict.fromkeys(map(_called, kinds)))
        yield keys, f"{_named(keys)} is {_is(value)}, and in Compose it is {wanted}"
    elif isinstance(fitting, list):
        (each,) = fitting
        for number, one in enumerate(value):
            if one is None:
                yield (*keys, number), f"{_named((*keys, number))} is empty"
            yield from _wrong(one, each, (*keys, number))
    elif isinstance(fitting, Mapping):
        missing = [key[:-1] for key in fitting if key is not ... and key[-1] == "!"]
        for key in missing:
            if value.get(key) is None:
                yield keys, f"{_named(keys)} has no `{key}`"
        for key, one in value.items():
            below = fitting.get(key, fitting.get(f"{key}!", fitting.get(..., _ANYTHING)))
            yield from _wrong(one, below, (*keys, key))


def _fits(value: Any, kind: Kind) -> bool:
    if kind is _ANYTHING:
        return True
    if isinstance(kind, Mapping):
        return isinstance(value, Mapping)
    if isinstance(kind, list):
        return isinstance(value, list)
    return isinstance(value, str) or (kind is _ONE and isinstance(value, (bool, int, float)))


def _called(kind: Kind) -> str:
    if isinstance(kind, list):
        return "a list"
    return "a mapping" if isinstance(kind, Mapping) else "a text"


def _is(value: Any) -> str:
    if isinstance(value, str):
        return f"the text '{value}'"
    if isinstance(value, (bool, int, float)):
        return str(value).lower()
    names = ((Mapping, "a mapping"), (list, "a list"))
    return next((name for kind, name in names if isinstance(value, kind)), "something else")


def _named(keys: tuple[Any, ...]) -> str:
    named = next((key for key in reversed(keys) if isinstance(key, str)), "")
    return f"entry {keys[-1] + 1} of `{named}`" if keys and keys[-1] != named else f"`{named}`"
