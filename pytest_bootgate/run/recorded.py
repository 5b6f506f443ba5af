"""A recorded baseline: an earlier result stands in for a release that cannot be booted any more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records import codec
from pytest_bootgate.records.result import GateResult, ReleaseFacts
from pytest_bootgate.records.values import Boot, HostFacts
from pytest_bootgate.stats.regression import RECORDED_BOOTS
from pytest_bootgate.stats.schedule import LEAST_PAIRS

#: Two machines are of one class if their memory differs by no more than this share.
_MEMORY = 0.1


@dataclass(frozen=True)
class Recorded:
    """The candidate of an earlier result."""

    path: Path
    result: GateResult

    @classmethod
    def read(cls, path: Path) -> Recorded:
        """Read a result. Raises `BootgateError` where the file holds none, or several."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BootgateError(f"{path} cannot be read: {error.strerror}.") from None
        try:
            found = cls(path, codec.decode(data))
        except BootgateError as error:
            raise BootgateError(
                f"The recorded baseline {path} cannot be used. {error} Name what `pytest"
                " bootgate.yaml --bootgate-json FILE` wrote for this gate file."
            ) from None
        if found.result.shard is not None:
            raise BootgateError(
                f"The recorded baseline {path} is {found.result.shard.words}. Take the result that"
                " `bootgate merge` wrote."
            )
        if codec.edited(data):
            raise BootgateError(
                f"The recorded baseline {path} was changed after it was written (its digest is"
                " missing or does not match), so its measurements cannot be trusted. Record the"
                " baseline again."
            )
        return found

    @property
    def facts(self) -> ReleaseFacts:
        """What the recorded release was, and when it was recorded."""
        facts = self.result.releases["candidate"]
        return replace(facts, recorded=f"{self.result.at[:10]} in {self.path.name}")

    def boots(self, profile: str, target: str) -> tuple[Boot, ...]:
        """The recorded boots of a target that count, as the baseline's; the last ten at most."""
        found = [
            replace(boot, release="baseline", recorded=True)
            for one in self.result.targets
            if (one.profile, one.target) == (profile, target)
            for boot in one.boots
            if boot.release == "candidate" and boot.started and not boot.warm_up
        ]
        return tuple(found[-RECORDED_BOOTS:])

    def check(self, now: GateResult, profile: str, target: str, *, same_image: bool) -> None:
        """Raise `BootgateError` unless what is measured now can be held against it.

        `same_image` allows that it is the release itself.
        """
        then, way_out = self.result, "Boot both releases, or record the baseline here."
        for one in then.targets:
            if (one.profile, one.target) == (profile, target) and one.verdict in ("fail", "error"):
                raise BootgateError(
                    f"The recorded baseline {self.path.name} ({then.at[:10]}) has verdict"
                    f" {one.verdict} for {target}, so it is no valid reference. Record a release"
                    " that passes, in a gate without a baseline."
                )
        before, after = (r.releases.get("candidate") for r in (then, now))
        itself = before and after and before.identity and before.identity == after.identity
        if itself and not same_image:
            raise BootgateError(
                f"The recorded baseline {self.path.name} is the candidate itself (the same image),"
                " so there is no upgrade to gate. Use the recording of the release that production"
                " runs; to gate a release against itself, set gate: {allow: same-image}."
            )
        if found := [*differences(then, now)]:
            measures = "the gate file measured different things at that time"
            words = "; ".join(one.words("there", "here", measures) for one in found)
            raise BootgateError(
                f"The recorded baseline {self.path.name} ({then.at[:10]}) cannot be compared with:"
                f" {words}. {way_out}"
            )
        if (count := len(self.boots(profile, target))) < LEAST_PAIRS:
            raise BootgateError(
                f"The recorded baseline {self.path.name} has {count} measured boots of {target} on"
                f" profile {profile}; at least {LEAST_PAIRS} are needed. {way_out}"
            )


@dataclass(frozen=True, slots=True)
class Difference:
    """Why boots of two runs cannot be held against each other: what it was then, what it is now.

    Both are empty where the gate files measure different things; `what` says which.
    """

    then: str = ""
    now: str = ""
    what: str = ""

    def words(self, then: str, now: str, measures: str) -> str:
        """As half a sentence; `then` and `now` name the two runs, `measures` says the last."""
        return f"{self.then} {then}, {self.now} {now}" if self.then else f"{measures}{self.what}"


def differences(then: GateResult, now: GateResult) -> Iterator[Difference]:
    """Why boots of two runs cannot be held against each other; nothing where they can."""
    yield from next(
        (found for b in then.machines for h in now.machines if (found := [*_hosts(b, h)])), ()
    )
    if _engine(then) != _engine(now):
        yield Difference(f"engine {then.engine}", now.engine)
    if then.measures != now.measures:
        yield Difference(what=differing(then.measured, now.measured))


def differing(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """In which parts two gate files measure different things, to go on with.

    Earlier results do not tell, and took neither contents of files nor states into account.
    """
    if not then or not now:
        return " (or only its files and state, of which a result of an older version says nothing)"
    names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    words = ["contents of files" if name == "files" else name for name in names]
    return f" ({', '.join(words)})" if words else ""


def _hosts(before: HostFacts, here: HostFacts) -> Iterator[Difference]:
    if before.cpus != here.cpus:
        yield Difference(f"{before.cpus} CPUs", f"{here.cpus}")
    if abs(before.memory - here.memory) > _MEMORY * here.memory:
        memory = (f"{one.memory / 2**30:.1f} GiB" for one in (before, here))
        yield Difference(*memory)
    if before.system.split()[:1] != here.system.split()[:1]:
        yield Difference(before.system, here.system)


def _engine(result: GateResult) -> str:
    """An engine up to its major version."""
    found = re.match(r"\S+(?: \d+)?", result.engine)
    return found[0] if found else result.engine
