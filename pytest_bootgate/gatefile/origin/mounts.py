"""What the containers of a Compose file have of files: volumes, secrets and configs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_bootgate.gatefile.origin.amounts import size
from pytest_bootgate.gatefile.origin.found import Lost, Part
from pytest_bootgate.gatefile.origin.found import variables as filled


def volumes(part: Part, service: Mapping[str, Any], path: Path) -> Iterator[str]:
    """Its volumes, as a gate file has them; what they come from is in `mounts` of the part."""
    for volume in service.get("volumes") or []:
        if isinstance(volume, dict):
            kind, source = volume.get("type"), volume.get("source")
            target, read_only = str(volume["target"]), bool(volume.get("read_only"))
            bind = kind == "bind" or (kind is None and _is_path(source))
            if kind == "tmpfs":
                part.container.setdefault("tmpfs", []).append(_tmpfs(part, volume))
                continue
            if kind not in (None, "bind", "volume"):
                part.lost.append(Lost("volumes", f"the {kind} at {target} cannot be taken over"))
                continue
        else:
            first, *rest = filled(volume).split(":")
            source, target = (first, rest[0]) if rest else (None, first)
            read_only, bind = "ro" in ",".join(rest[1:]).split(","), _is_path(source)
        if source is None:
            yield target
        elif bind:
            yield from _bind(part, str(source), target, path, read_only=read_only)
        else:
            part.mounts.append((str(source), str(source), True))
            part.notes.append(
                f'{target} begins empty; "NAME:{target}:rw" copies a volume for each boot, as'
                f" `docker volume ls` names {source}"
            )
            yield target


def _is_path(source: Any) -> bool:
    return str(source).startswith((".", "/", "~"))


def _bind(part: Part, source: str, target: str, path: Path, *, read_only: bool) -> Iterator[str]:
    """What is on this machine; a directory in which the part may write is copied for each boot."""
    why = ""
    try:
        there = (path.absolute().parent / Path(source).expanduser()).resolve()
        if not there.exists():
            why = f"the volume {source} is left out: it is not there"
        elif there.is_socket():
            why = f"the socket {source} is left out: boots would act on this very machine"
    except (OSError, RuntimeError, ValueError):  # links in a circle, somebody without a home
        why = f"the volume {source} is left out: it cannot be read"
    if why:
        part.lost.append(Lost("volumes", why))
        return
    writable = not read_only and not there.is_file()
    part.mounts.append((str(there), source, writable))
    yield f"{there}:{target}{':rw' if writable else ''}"


def _tmpfs(part: Part, volume: Mapping[str, Any]) -> str:
    """A directory in memory with its size and its mode."""
    about = volume.get("tmpfs") or {}
    options = []
    if about.get("size"):
        options.append(f"size={size(about['size'], part.key, 'volumes')}")
    if about.get("mode") is not None:
        mode = about["mode"]
        options.append(f"mode={mode:o}" if isinstance(mode, int) else f"mode={mode}")
    return ":".join([str(volume["target"]), *filter(None, [",".join(options)])])


def files(
    part: Part, service: Mapping[str, Any], root: Mapping[str, Any], path: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Secrets and configs are files, those of secrets hidden in all reports."""
    for kind, above in (("secrets", "/run/secrets"), ("configs", "")):
        for one in service.get(kind) or []:
            source = one["source"] if isinstance(one, dict) else one
            target = str((one.get("target") if isinstance(one, dict) else None) or source)
            about = (root.get(kind) or {}).get(source) or {}
            secret = {"secret": True} if kind == "secrets" else {}
            at = target if target.startswith("/") else f"{above}/{target}"
            if about.get("file"):
                there = path.absolute().parent / Path(filled(str(about["file"]))).expanduser()
                yield at, {"path": str(there), **secret}
            elif about.get("environment"):
                yield at, {"text": f"${{{about['environment']}}}", **secret}
            elif about.get("content"):
                yield at, {"text": filled(str(about["content"])), **secret}
            else:
                part.lost.append(Lost(kind, f"{source} of `{kind}` is not in the Compose file"))
