"""The volumes of a container of a pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_bootgate.gatefile.origin.found import Lost, Part, megabytes
from pytest_bootgate.gatefile.origin.pod_env import as_text, escaped
from pytest_bootgate.gatefile.origin.pods import Pod
from pytest_bootgate.gatefile.origin.reading import (
    MisplacedError,
    flag,
    maps,
    named,
    quantity,
    section,
    text,
    whole,
)
from pytest_bootgate.gatefile.tree import Map

_SHM = "/dev/shm"  # noqa: S108
#: By what a volume is: how its object is called, and where the object's name stands.
_OBJECTS = {"configMap": ("ConfigMap", "name"), "secret": ("Secret", "secretName")}
_EXECUTABLE = 0o111
#: What holds data that a boot begins without, as it does without those of a named volume.
_EMPTY = ("emptyDir", "persistentVolumeClaim", "ephemeral")


class Volumes:
    """What a container mounts, in the words of a gate file."""

    def __init__(self, part: Part, container: Map, pod: Pod, *, read_only: bool) -> None:
        self._part, self._pod, self._read_only = part, pod, read_only
        self._container = container
        self._every = {named(one): one for one in maps(pod.spec, "volumes")}
        self.volumes: list[str] = []
        self.tmpfs: list[str] = []
        self.shm: str | None = None
        for mount in maps(container, "volumeMounts"):
            self._mount(mount)

    def _mount(self, mount: Map) -> None:
        name, at = named(mount), _absolute(mount)
        if name in self._pod.claims:
            self._empty(name, at, mount, Map(mount.key, mount.place))
            return
        if name not in self._every:
            raise MisplacedError(mount.at["name"], f"the pod has no volume `{name}`")
        volume = self._every[name]
        kinds = [key for key in volume.entries if key != "name"] or ["emptyDir"]
        kind, source = kinds[0], section(volume, kinds[0])
        if kind in _EMPTY:
            self._empty(name, at, mount, source)
        elif kind in _OBJECTS:
            self._files(at, mount, {kind: source}, volume)
        elif kind == "projected":
            for one in maps(source, "sources"):
                self._files(at, mount, {key: section(one, key) for key in one.entries}, volume)
        else:
            words = f"the {kind} at {at} cannot be taken over"
            self._lose(kind, words, mount, "put what it holds there with `files` or `volumes`")

    def _lose(self, key: str, words: str, mount: Map, way_out: str = "") -> None:
        way_out = way_out and f"{way_out}, and write `ignore: [{key}]` under `system`"
        self._part.lost.append(Lost(key, words, mount.place, way_out=way_out))

    def _empty(self, name: str, at: str, mount: Map, source: Map) -> None:
        """An empty directory, whoever shares it: each has its own here."""
        if text(source, "medium") == "Memory":
            self._memory(at, source)
        else:
            self.volumes.append(f"{escaped(at)}:rw")
        users = [
            one
            for one in (*self._pod.first, *self._pod.containers)
            for each in maps(one, "volumeMounts")
            if text(each, "name") == name
        ]
        if len(users) > 1 and users[0] is not self._container:
            other = named(users[0])
            words = f"the volume {name} is also that of {other}, and here each has its own"
            way_out = "put what it holds there with `files` or `volumes`"
            self._lose(self._kind(name), words, mount, way_out)

    def _kind(self, name: str) -> str:
        volume = self._every.get(name)
        found = [key for key in volume.entries if key in _EMPTY] if volume is not None else []
        return found[0] if found else "volumeClaimTemplates"

    def _memory(self, at: str, source: Map) -> None:
        size = quantity(source, "sizeLimit")
        limits = section(section(self._container, "resources"), "limits")
        most = size or quantity(limits, "memory")
        if at == _SHM and most:
            self.shm = megabytes(most)
        else:
            options = ["exec", *([f"size={megabytes(size)}"] if size else [])]
            self.tmpfs.append(f"{escaped(at)}:{','.join(options)}")

    def _files(self, at: str, mount: Map, sources: Mapping[str, Map], volume: Map) -> None:
        below = text(mount, "subPath")
        put = False
        for key, source in sources.items():
            if key not in _OBJECTS:
                words = f"the {key} at {at} cannot be taken over"
                self._lose(key, words, mount, "put what it holds there with `files`")
                continue
            for name, value in self._held(key, source, mount, at):
                if below and name != below and not name.startswith(f"{below}/"):
                    continue
                inside = name.removeprefix(below).lstrip("/") if below else name
                self._file(f"{at}/{inside}" if inside else at, key, value, mount)
                put = True
            self._mode(key, source, volume, mount)
        if self._read_only and put and below:
            words = f"{at} is one file in a read-only file system, which cannot be put there"
            self._lose("subPath", words, mount, "mount its whole directory")
        elif self._read_only and put and f"{escaped(at)}:rw" not in self.volumes:
            self.volumes.append(f"{escaped(at)}:rw")

    def _file(self, at: str, key: str, value: bytes, mount: Map) -> None:
        known = as_text(value)
        if known is None:
            words = f"{at} holds bytes that are no text"
            self._lose(key, words, mount, "put the file there with `files: {PATH: {path: ./FILE}}`")
            return
        secret = {"secret": True} if key == "secret" else {}
        self._part.files[escaped(at)] = {"text": known, **secret}

    def _held(self, key: str, source: Map, mount: Map, at: str) -> Iterator[tuple[str, bytes]]:
        """What an object holds, by the paths that its keys have below the mount."""
        kind, where = _OBJECTS[key]
        name = text(source, where) or named(source)
        held = self._pod.cluster.held(kind, name, self._pod.namespace)
        if held is None:
            if not flag(source, "optional"):
                words = f"the {kind} {name} at {at} is not in this file"
                self._lose(key, words, mount, "add it, or put its files there with `files`")
            return
        chosen = maps(source, "items")
        if not chosen:
            yield from held.items()
        for one in chosen:
            path = text(one, "path")
            if not path or path.startswith("/") or ".." in path.split("/"):
                raise MisplacedError(one.place, f"`{path}` is no path below {at}")
            if (content := held.get(named(one, "key"))) is not None:
                yield path, content
            elif not flag(source, "optional"):
                words = f"the {kind} {name} has no `{text(one, 'key')}`"
                raise MisplacedError(one.place, words)

    def _mode(self, key: str, source: Map, volume: Map, mount: Map) -> None:
        modes = [(volume.below("projected"), "defaultMode"), (source, "defaultMode")]
        modes += [(one, "mode") for one in maps(source, "items")]
        for tree, word in modes:
            if isinstance(tree, Map) and whole(tree, word, 0) & _EXECUTABLE:
                words = f"the files of a {key} are not executable in a gate"
                self._lose(word, words, mount, "start them by their interpreter")


def _absolute(mount: Map) -> str:
    at = named(mount, "mountPath").rstrip("/")
    if not at.startswith("/") or ":" in at or ".." in at.split("/"):
        raise MisplacedError(mount.at["mountPath"], f"`{at}` is no path in a container")
    return at
