"""What a container of a pod may do: its security context."""

from __future__ import annotations

from typing import Any

from pytest_bootgate.gatefile.origin.found import Lost, Part
from pytest_bootgate.gatefile.origin.pods import Pod
from pytest_bootgate.gatefile.origin.reading import (
    MisplacedError,
    flag,
    section,
    text,
    texts,
    whole,
)
from pytest_bootgate.gatefile.tree import Map

#: By what a profile confines: the security option of the engine that takes it away.
_PROFILES = {"seccompProfile": "seccomp=unconfined", "appArmorProfile": "apparmor=unconfined"}
_NOBODY = -1
#: `fsGroup` owns volumes, which in a gate every user may write.
_KNOWN = {
    *("runAsUser", "runAsGroup", "runAsNonRoot", "readOnlyRootFilesystem", "privileged"),
    *("allowPrivilegeEscalation", "capabilities", "fsGroup", "fsGroupChangePolicy", "procMount"),
    *_PROFILES,
}


def rights(part: Part, container: Map, pod: Pod) -> dict[str, Any]:
    """Its security context on top of the pod's, in the words of a gate file."""
    own, shared = section(container, "securityContext"), section(pod.spec, "securityContext")
    context = Map(own.key, own.place, {**shared.entries, **own.entries})
    made: dict[str, Any] = {}
    user = whole(context, "runAsUser", _NOBODY)
    if user != _NOBODY:
        group = f":{whole(context, 'runAsGroup', 0)}" if "runAsGroup" in context else ""
        made["user"] = f"{user}{group}"
    elif "runAsGroup" in context:
        _lose(part, context, "runAsGroup", "`runAsGroup` needs `runAsUser` in a gate")
    if flag(context, "runAsNonRoot"):
        if user == 0:
            what = "`runAsNonRoot` and `runAsUser: 0`: no kubelet would start this"
            raise MisplacedError(context.keys["runAsNonRoot"], what)
        if user == _NOBODY:
            words = "a kubelet refuses an image whose user is root, and a gate does not look"
            _lose(part, context, "runAsNonRoot", words, "write `runAsUser` beside it")
    if flag(context, "readOnlyRootFilesystem"):
        made["read_only"] = True
    if flag(context, "allowPrivilegeEscalation"):
        made["new_privileges"] = True
    if flag(context, "privileged"):
        _lose(part, context, "privileged", "`privileged` cannot be taken over")
    capabilities = section(context, "capabilities")
    for key, to in (("add", "cap_add"), ("drop", "cap_drop")):
        if names := texts(capabilities, key):
            made[to] = [name.upper().removeprefix("CAP_") for name in names]
    options = []
    for key, option in _PROFILES.items():
        kind = text(section(context, key), "type")
        if kind == "Unconfined":
            options.append(option)
        elif kind not in ("", "RuntimeDefault"):
            _lose(part, context, key, f"a {kind} profile cannot be taken over")
    if options:
        made["security_opt"] = options
    if text(context, "procMount") not in ("", "Default"):
        _lose(part, context, "procMount", "`procMount` cannot be taken over")
    for key in [each for each in context.entries if each not in _KNOWN]:
        _lose(part, context, key, f"`{key}` cannot be taken over")
    return made


def _lose(part: Part, context: Map, key: str, words: str, way_out: str = "") -> None:
    way_out = way_out and f"{way_out}, or `ignore: [{key}]` under `system` in the gate file"
    part.lost.append(Lost(key, words, context.keys[key], way_out=way_out))
