"""All the boots one target needs, in the order they run.

A generator: it asks for the next boot and is sent the boot that happened, until it returns its
judgement. So it replays recorded boots just as it drives real ones.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from pytest_bootgate.boot.values import Boot
from pytest_bootgate.gate.regression import order
from pytest_bootgate.gate.verdict import Judgement, Rules, judge


@dataclass(frozen=True, slots=True)
class Ask:
    """The next boot: which release, and its number from 1 (0 for the one thrown away).

    `attempt` is more than 1 where a boot timeout is retried, for all boots that this needs.
    """

    release: str
    number: int
    attempt: int = 1

    @property
    def warm_up(self) -> bool:
        """Whether this boot is thrown away as a measurement."""
        return self.number == 0


Campaign = Generator[Ask, Boot, tuple[Judgement, tuple[Boot, ...]]]


def plan(releases: Sequence[str], rules: Rules, *, warm: bool, recorded: int = 0) -> list[Ask]:
    """All boots in their order, if nothing ends them before.

    Pairs of both releases, in the order of `regression.order`. Before them comes one boot each
    that is thrown away where it would otherwise be compared, or where the starts are warm. Of a
    baseline with `recorded` boots there are none to make.
    """
    compared = len(releases) == 2 and rules.plan.looks
    pairs = rules.most if compared else max(rules.least, recorded)
    asks = [Ask(release, 0) for release in releases if warm or compared or recorded]
    for pair in range(pairs):
        asks += [Ask(release, pair + 1) for release in order(pair) if release in releases]
    return asks


def campaign(
    releases: Sequence[str], rules: Rules, *, warm: bool, recorded: Sequence[Boot] = ()
) -> Campaign:
    """Ask for boots until the judgement is clear.

    A boot that timed out is asked for once more as long as its release has retries left, of
    which it has `rules.retries` for the whole campaign. A candidate that did not start ends the
    target at once; a baseline that did not start is not asked again, and the candidate then for
    the least number of boots. `recorded` are boots of the baseline that stand in for new ones.
    """
    done: list[Boot] = list(recorded)
    asks = plan(releases, rules, warm=warm, recorded=len(recorded))
    left = list(releases)
    retries = dict.fromkeys(releases, rules.retries)
    while asks:
        ask = asks.pop(0)
        boot = yield ask
        done.append(boot)
        if boot.outcome == "timed_out" and retries[ask.release]:
            retries[ask.release] -= 1
            asks = _again(ask, asks, warm=warm)
            continue
        if not boot.started:
            if ask.release == "candidate":
                return _ended(done, rules, "the candidate did not start")
            left = ["candidate"]
            asks = [a for a in asks if a.release == "candidate" and a.number <= rules.least]
        pairs_done = bool(asks) and asks[0].number > ask.number and not ask.warm_up
        if len(left) == 2 and pairs_done and ask.number in rules.plan.looks:
            judgement = judge(done, rules)
            if not judgement.open:
                why = f"the evidence was clear after {ask.number} pairs"
                return replace(judgement, stopped=why), tuple(done)
    compared = len(left) == 2
    why = f"{rules.most} pairs are the most" if compared and rules.plan.looks else "as planned"
    return _ended(done, rules, why)


def _again(ask: Ask, asks: Sequence[Ask], *, warm: bool) -> list[Ask]:
    """What is left to ask for, with a boot that timed out once more in front.

    With warm starts its gateway is not trusted any more: a new one begins with a boot that is
    thrown away.
    """
    attempt = ask.attempt + 1
    if ask.attempt > 1 and asks and asks[0] == replace(ask, number=asks[0].number):
        # It was the thrown away boot of a retry; the boot it was made for is a new attempt too.
        asks = [replace(asks[0], attempt=attempt), *asks[1:]]
    first = [Ask(ask.release, 0, attempt)] if warm and not ask.warm_up else []
    return [*first, replace(ask, attempt=attempt), *asks]


def _ended(done: Sequence[Boot], rules: Rules, why: str) -> tuple[Judgement, tuple[Boot, ...]]:
    return replace(judge(done, rules), stopped=why), tuple(done)
