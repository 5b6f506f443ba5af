"""All the boots one target needs, in the order they run.

A generator: it asks for the next boot and is sent the boot that happened, until it returns its
judgement. So it replays recorded boots just as it drives real ones.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from pytest_bootgate.boot.values import Boot
from pytest_bootgate.gate.verdict import Judgement, Rules, judge


@dataclass(frozen=True, slots=True)
class Ask:
    """The next boot: which release, and its number from 1 (0 for the one thrown away)."""

    release: str
    number: int

    @property
    def warm_up(self) -> bool:
        """Whether this boot is thrown away as a measurement."""
        return self.number == 0


Campaign = Generator[Ask, Boot, tuple[Judgement, tuple[Boot, ...]]]


def plan(releases: Sequence[str], boots: int, *, warm: bool) -> list[Ask]:
    """The boots in their order if nothing goes wrong: cold ones take turns, warm ones do not."""
    if warm:
        return [Ask(release, n) for release in releases for n in range(boots + 1)]
    return [Ask(release, n) for n in range(1, boots + 1) for release in releases]


def campaign(releases: Sequence[str], rules: Rules, *, warm: bool) -> Campaign:
    """Ask for boots until the judgement is clear.

    A candidate that did not start ends the target at once; a baseline that did not start is
    not asked again.
    """
    done: list[Boot] = []
    given_up: set[str] = set()
    for ask in plan(releases, rules.boots, warm=warm):
        if ask.release in given_up:
            continue
        boot = yield ask
        done.append(boot)
        if not boot.started:
            given_up.add(ask.release)
            if ask.release == "candidate":
                break
    return judge(done, rules), tuple(done)
