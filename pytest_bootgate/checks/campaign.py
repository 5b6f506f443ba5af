"""All the boots one target needs, in the order they run.

A generator: it asks for the next boot and is sent the boot that happened, until it returns its
judgement. So it replays recorded boots just as it drives real ones.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

from pytest_bootgate.checks.baseline import repeated
from pytest_bootgate.checks.startup import judge
from pytest_bootgate.records.retry import STALL_REPEATS, unseen
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import Judgement, Rules
from pytest_bootgate.stats.schedule import order


@dataclass(frozen=True, slots=True)
class Ask:
    """The next boot: which release, and its number from 1 (0 for the one thrown away).

    `attempt` is more than 1 where a boot timeout is retried, for all boots that this needs. `ahead`
    is what will be asked for next, if all goes well, up to where the campaign may end.
    """

    release: str
    number: int
    attempt: int = 1
    ahead: tuple[Ask, ...] = field(default=(), compare=False, repr=False)

    @property
    def warm_up(self) -> bool:
        """Whether this boot is thrown away as a measurement."""
        return self.number == 0


_GAVE_UP = "the baseline failed too often"
Campaign = Generator[Ask, Boot, tuple[Judgement, tuple[Boot, ...]]]


def plan(releases: Sequence[str], rules: Rules, *, warm: bool, recorded: int = 0) -> list[Ask]:
    """All boots in their order, if nothing ends them before.

    Pairs of both releases, in the order of `regression.order`. Before them comes one boot each
    that is thrown away where it would otherwise be compared, or where the starts are warm. Of a
    baseline with `recorded` boots there are none to make.
    """
    compared = len(releases) == 2 and rules.plan.looks
    pairs = rules.plan.most if compared else max(rules.least, recorded)
    asks = [Ask(release, 0) for release in releases if warm or compared or recorded]
    for pair in range(pairs):
        asks += [Ask(release, pair + 1) for release in order(pair) if release in releases]
    return asks


def campaign(
    releases: Sequence[str], rules: Rules, *, warm: bool, recorded: Sequence[Boot] = ()
) -> Campaign:
    """Ask for boots until the judgement is clear.

    A candidate's boot that timed out is asked for once more as long as it has retries left, of
    which it has `rules.retries` for the whole campaign, and one during which the gate stood still
    as long as there are not too many; one that did not start otherwise ends the target at once. A
    baseline's boot that did not start is repeated within the budget of `checks.baseline`; beyond it
    the candidate is asked for the least number of boots, or for one where the baseline never
    started. A mark that one release never shows ends the target after the first pair. `recorded`
    are boots of the baseline that stand in for new ones.
    """
    done: list[Boot] = list(recorded)
    asks = plan(releases, rules, warm=warm, recorded=len(recorded))
    left, retries = list(releases), rules.retries
    look = rules.plan.looks[0] if rules.plan.looks else None
    while asks:
        ask = asks.pop(0)
        ahead = [a for a in asks if len(left) < 2 or look is None or a.number <= look]
        boot = yield replace(ask, ahead=tuple(ahead))
        done.append(boot)
        if boot.stalled and ask.release == "candidate" and len(unseen(done)) <= STALL_REPEATS:
            asks = _again(ask, asks, warm=warm)
            continue
        if not boot.started and ask.release == "candidate":
            if not boot.traits.retried or not retries or _never(done):
                return _ended(done, rules, "the candidate did not start")
            retries -= 1
            asks = _again(ask, asks, warm=warm)
            continue
        if not boot.started:
            if repeated(done):
                asks = _again(ask, asks, warm=warm)
                continue
            left = ["candidate"]
            needed = 0 if _never(done) else rules.least
            asks = [a for a in asks if a.release == "candidate" and a.number <= needed]
            if not asks and not any(b.release == "candidate" for b in done):
                asks = [Ask("candidate", 1)]
        pair_done = not ask.warm_up and (not asks or asks[0].number > ask.number)
        if pair_done and ask.number == 1 and judge(done, rules).has("unseen", "lost-mark"):
            return _ended(done, rules, "a mark was missing in the first pair")
        if len(left) == 2 and pair_done and ask.number == look:
            judgement = judge(done, rules)
            look = judgement.next_look
            if look is None:
                why = f"the evidence was clear after {ask.number} pairs"
                if judgement.has("inconclusive"):
                    why = f"more than {ask.number} pairs would not settle it"
                return replace(judgement, stopped=why), tuple(done)
    return _ended(done, rules, "as planned" if len(left) == len(releases) else _GAVE_UP)


def _never(done: Sequence[Boot]) -> bool:
    """Whether the baseline was booted and never started."""
    before = [boot for boot in done if boot.release == "baseline"]
    return bool(before) and not any(boot.started for boot in before)


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
