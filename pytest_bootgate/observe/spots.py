"""The spots at which a boot is looked for: endpoints, ports and files. Pure.

Whatever is there before the boot is not its own; what was last seen there says why a boot failed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_bootgate.gatefile.commands import LOOPBACK
from pytest_bootgate.gatefile.model import Probe
from pytest_bootgate.gatefile.variables import fill
from pytest_bootgate.masking import shortened
from pytest_bootgate.probes.http import Http

if TYPE_CHECKING:
    from pytest_bootgate.run.recipe import Recipe

_PLACE = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[^]]*\]|[^:/]*)(?::(?P<port>\d+))?(?=/|$)"
)
_LOCAL = re.compile(rf"(?:{LOOPBACK})?", re.IGNORECASE)
_LONGEST = 100  # characters of an answer in a sentence
END_IT = "Stop it, or use ${port.NAME} to give each boot its own port."


@dataclass(frozen=True, slots=True)
class Spot:
    """An endpoint, a port or a file at which something of a boot is expected.

    `id` is what the sidecar calls it, `name` what people do, `written` what the gate file says,
    and `where` the same with its variables filled. `here` are other names of this machine.
    """

    id: str
    name: str
    written: str
    where: str
    is_file: bool = False
    here: Collection[str] = ()

    @property
    def port(self) -> int | None:
        """The port, where it has one on this machine."""
        host, port = self._address
        return port if port and (_LOCAL.fullmatch(host) or host.lower() in self.here) else None

    @property
    def listened(self) -> int | str | None:
        """Where somebody must listen who answers there: the port, or the path of a socket."""
        return self.where if self.is_file else self.port

    @property
    def fixed(self) -> bool:
        """Whether it is the same for every boot."""
        return not any(f"${{{name}" in self.written for name in ("port.", "dir}", "token}"))

    @property
    def look(self) -> Mapping[str, str]:
        """What the sidecar is asked, to know whether anything is there: any answer counts."""
        if self.is_file:
            return {"exists": self.where}
        host, port = self._address
        return {"tcp": f"{host}:{port}"}

    @property
    def _address(self) -> tuple[str, int]:
        found = None if self.is_file else _PLACE.match(self.where)
        if found is None:
            return "", 0
        default = {"http": 80, "https": 443}.get(found["scheme"], 0)
        return found["host"], int(found["port"] or default)


def spots(recipe: Recipe, variables: Mapping[str, str]) -> list[Spot]:
    """All spots of a boot, the proof's first; where the sidecar itself answers is none."""
    phases = recipe.target.phases
    looks: list[tuple[str, str, Probe | None]] = [
        (f"phase:{name}", f"the probe of phase {name}", probe) for name, probe in phases.items()
    ]
    looks[-1] = (looks[-1][0], f"the proof of {recipe.target_name}", looks[-1][2])
    looks.reverse()
    if recipe.target.trigger is not None:
        looks.append(("ready", "the ready probe", recipe.gate.gateway.ready))
        looks.append(("health", "the health probe", recipe.gate.gateway.health))
        if (endpoint := recipe.target.trigger.http) is not None:
            unix = recipe.target.trigger.unix
            looks.append(("trigger", "the trigger", Probe(Http(endpoint, unix=unix))))
    found, others = [], here(recipe)
    for name, words, probe in looks:
        if probe is None:
            continue
        file = probe.kind.path
        if (written := file or probe.kind.endpoint) is not None:
            where = fill(written, variables)
            found.append(Spot(name, words, written, where, is_file=file is not None, here=others))
    return _not_ours(found, recipe, variables)


def command_spots(recipe: Recipe, variables: Mapping[str, str], ports: Iterable[int]) -> list[Spot]:
    """The ports of this machine that the command of the proof asks, without the stub's."""
    name, words = [*recipe.target.phases][-1], f"the command that proves {recipe.target_name}"
    found = [Spot(f"phase:{name}", words, where, where) for where in (f":{p}" for p in ports)]
    return _not_ours(found, recipe, variables)


def proves_nothing(recipe: Recipe) -> str:
    """What to say of a proof whose command succeeds where the gateway does not run."""
    return (
        f"The command that proves {recipe.target_name} succeeds where the {recipe.release_name}"
        " does not run, so it proves nothing about this boot. Ask for what only its start brings"
        " about: its own port, or a file in ${dir}, which is new for every boot."
    )


def _not_ours(found: list[Spot], recipe: Recipe, variables: Mapping[str, str]) -> list[Spot]:
    ours = _stub(recipe, variables)
    return [spot for spot in found if spot.port is None or spot.port not in ours]


def here(recipe: Recipe) -> frozenset[str]:
    """What else this machine is called in a boot: services share its network."""
    network = recipe.network()
    hosts = {*network.extra_hosts} | ({network.hostname} if network.hostname else set())
    return frozenset(
        name.lower()
        for name in hosts
        if _LOCAL.fullmatch(network.extra_hosts.get(name, "localhost"))
    )


def ports(recipe: Recipe, variables: Mapping[str, str]) -> set[int]:
    """The ports of the gateway that the gate file knows."""
    named = {int(port) for name, port in variables.items() if name.startswith("port.")}
    named |= {spot.port for spot in spots(recipe, variables) if spot.port is not None}
    return named - _stub(recipe, variables)


def _stub(recipe: Recipe, variables: Mapping[str, str]) -> set[int]:
    stub = recipe.gate.sidecar.stub
    return set() if stub is None else {int(fill(str(stub.port), variables))}


def taken(
    spot: Spot, release: str, who: str, *, alone: bool, services: bool = False, why: str = ""
) -> str:
    """What to say of a spot at which something is before the release is started.

    `who` listens there, empty where that is not known. The place is `alone` where nobody but the
    sidecar, and `services` if there are any, can be there. `why` is what is wrong with a command
    that asks services.
    """
    what = f"{spot.where} ({spot.name})"
    before = f"before the {release} is started, so it proves nothing about this boot"
    if spot.is_file:
        way_out = "Remove it, or use ${dir}/…, which is new for every boot."
        return f"{what} exists {before}. {way_out}"
    way_out = END_IT
    if why:
        way_out = (
            f"A command may ask a service where it fails without the gateway, but {why}. Ask the"
            " gateway itself, or put ${token} into the command."
        )
    elif alone:
        way_out = (
            "Only the sidecar and the services run there at this time: ask where only the gateway"
            " answers. What a proxy before it answers is proved by a command that checks it (exec,"
            " in: sidecar; see docs/how-to.md)."
            if services
            else "Only the sidecar runs there at this time: correct its command, or use another"
            " port."
        )
    return f"{what} is answered{f' by {who}' if who else ''} {before}. {way_out}"


def foreign(spot: Spot, who: str, *, beside: bool) -> str:
    """What to say of a spot at which somebody answered whom the boot did not start.

    Somebody `beside` the gateway belongs to the gate, others only run on the same machine.
    """
    way_out = (
        "Ask where only the gateway answers; a command that fails without it may also ask a service"
        " that has a `ready` probe."
    )
    return (
        f"{spot.where} ({spot.name}) was answered by {who}, which this boot did not start, so it"
        f" proves nothing. {way_out if beside else END_IT}"
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """How a spot last stood that was not as wanted; `where` is empty for no spot.

    `answered` is whether somebody answered there, if not the wanted answer.
    """

    where: str
    text: str
    answered: bool = False

    def __str__(self) -> str:
        """For the record: all that is known of it."""
        return f"{self.where}: {self.text}" if self.where else self.text

    @property
    def words(self) -> str:
        """The end of a sentence; without a body that is a page for browsers."""
        status, _, body = self.text.partition(": ")
        text = status if body.startswith("<") else self.text
        text = shortened(text, _LONGEST)
        if not self.where:
            return f"its last answer was {text}"
        return f"{self.where}{' last answered' if self.answered else ':'} {text}"


def is_answer(event: Mapping[str, Any]) -> bool:
    """Whether what the sidecar says of a probe is somebody's answer, if not the wanted one."""
    return event.get("event") == "seen" or bool(event.get("answered"))


def last_answers(
    recipe: Recipe, variables: Mapping[str, str], events: Iterable[Mapping[str, Any]]
) -> dict[str, Answer]:
    """By phase (or ``ready``, ``health``), what the sidecar last said of those not satisfied."""
    last: dict[str, tuple[str, bool]] = {}
    for event in events:
        name = str(event.get("id"))
        if event.get("event") == "watching":
            last[name] = ("no answer yet", False)
        elif event.get("event") == "state":
            last[name] = (str(event.get("text")), is_answer(event))
        elif event.get("event") == "seen":
            last.pop(name, None)
    return dict(_answers(last, {spot.id: spot for spot in spots(recipe, variables)}))


def _answers(
    last: Mapping[str, tuple[str, bool]], spots: Mapping[str, Spot]
) -> Iterator[tuple[str, Answer]]:
    for name, how in last.items():
        spot = spots.get(name)
        key = name.removeprefix("phase:")
        if spot is not None:
            yield key, Answer(spot.written if spot.is_file else spot.where, *how)
        elif key in ("ready", "health") or key != name:
            yield key, Answer("", *how)
