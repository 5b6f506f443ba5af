"""The boots of a target: do they start, how near to the timeout, and slower than the baseline's?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_bootgate.checks.baseline import REPEATS
from pytest_bootgate.checks.campaign import campaign, plan
from pytest_bootgate.checks.host import weigh
from pytest_bootgate.engines.clock import REAL
from pytest_bootgate.records.events import HostWarned
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.retry import STALL_REPEATS
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE, Finding, Rules, worst
from pytest_bootgate.reports.amounts import limit, whose
from pytest_bootgate.run.check import Check, span

if TYPE_CHECKING:
    from pytest_bootgate.run.bench import Bench
    from pytest_bootgate.run.plan import Plan


def _spread(boots: Sequence[Boot]) -> list[str]:
    """On which machines the boots were, where they were on several."""
    nodes = Counter(boot.node for boot in boots if not boot.warm_up)
    each = ", ".join(f"{count} on {node}" for node, count in sorted(nodes.items()))
    return [f"boots were spread over {len(nodes)} machines: {each}"] if len(nodes) > 1 else []


class StartupCheck(Check[TargetResult]):
    """The check of a target; one that the candidate does not have is shown as left out."""

    kind = WHOLE
    during = "campaign"

    @classmethod
    def of(cls, plan: Plan) -> Iterator[StartupCheck]:
        yield from (cls(plan, profile, target) for profile, target in plan.pairs)

    @property
    def name(self) -> str:
        return self.target

    @property
    def subject(self) -> str:
        return self.target

    @property
    def items(self) -> tuple[str, ...]:
        return (*self.plan.file.targets[self.target].phases, WHOLE)

    @property
    def asked(self) -> tuple[str, ...]:
        return (WHOLE,) if self.plan.left_out(self.target) is None else ()

    def place(self, item: str = "") -> tuple[str, ...]:
        at = super().place()
        return at if item in ("", WHOLE) else (*at, "phases", item)

    @property
    def rules(self) -> Rules:
        """What it is judged by."""
        return self.plan.rules(self.profile, self.target)

    @property
    def boots(self) -> tuple[int, int]:
        """At least, if all of them start, and at most.

        Those that are repeated because the gate itself stood still are not in it.
        """
        if self.plan.left_out(self.target) is not None:
            return 0, 0
        rules, releases = self.rules, self._releases
        asks = plan(releases, rules, warm=self._warm, recorded=len(self._recorded))
        looks = rules.plan.looks if len(releases) == 2 else ()
        least = len(asks) - sum(ask.number > looks[0] for ask in asks) if looks else len(asks)
        return least, len(asks) + self._repeats(releases)

    def budget(self) -> float:
        rules, releases = self.rules, list(self.plan.releases)
        asks = len(plan(releases, rules, warm=self._warm, recorded=len(self._recorded)))
        once = self.plan.longest_boot(self.target)
        repeats = self._repeats(releases) + STALL_REPEATS * (1 + self._warm)
        return asks * once + repeats * (rules.retry_pause + once)

    def planned(self) -> Iterator[tuple[str, str]]:
        least, most = self.boots
        if most:
            target = self.plan.file.targets[self.target]
            whole = f"timeout {limit(target.timeout)}{whose(target.timeout_of or '')}"
            how = f"{target.start}, {whole}"
            label = self.plan.label(self.profile, self.target)
            yield "boots", f"{label}: {span(least, most)} ({how})"

    def measure(self, bench: Bench) -> TargetResult:
        if (reason := self.plan.left_out(self.target)) is not None:
            return self._found(left_out=reason)
        unsupported = self.plan.unsupported(self.target)
        notes = [
            f"the {n} does not have this target: {r}"
            for n, r in unsupported.items()
            if r is not None
        ]
        engine, rules = bench.ready(), self.rules
        notes += [*bench.machinery.cleaned_up(), *bench.machinery.beside]
        sidecar = self.plan.file.sidecar
        if engine.traits.images and sidecar.image == "release":
            runs = (sidecar.command or ["Python"])[0]
            notes.append(f"the sidecar runs in the release's image and uses its {runs}")
        if self.plan.recorded is not None:
            same_image = self.plan.file.gate.allow == "same-image"
            self.plan.recorded.check(
                bench.outcome(), self.profile, self.target, same_image=same_image
            )
        (judgement, boots), machine = bench.conduct(
            self,
            campaign(self._releases, rules, warm=self._warm, recorded=self._recorded),
            most=rules.most,
            warm=self._warm,
            looks=rules.plan.looks,
            pause=rules.retry_pause,
        )
        notes += _spread(boots)
        judgement = weigh(judgement, boots, rules, bench.machinery.machine, machine)
        if idle := bench.machinery.idle:
            more = tuple(Finding("warn", WHOLE, text) for text in dict.fromkeys(idle))
            findings = (*judgement.findings, *more)
            verdict = worst([judgement.verdict, "warn"])
            judgement = replace(judgement, findings=findings, verdict=verdict)
            idle.clear()
        if judgement.host:
            bench.hear(
                HostWarned(
                    run=bench.run,
                    wall=REAL.wall(),
                    profile=self.profile,
                    target=self.target,
                    text=judgement.host,
                )
            )
        return self._found(boots=boots, judgement=judgement, notes=tuple(notes), machine=machine)

    def failed(self, error: str) -> TargetResult:
        return self._found(error=error)

    def _found(self, **found: Any) -> TargetResult:
        runs_as = self.plan.file.targets[self.target].extends or self.target
        return TargetResult(self.target, self.profile, runs_as, self.rules, **found)

    @property
    def _releases(self) -> list[str]:
        """Those that have the target."""
        return [name for name, why in self.plan.unsupported(self.target).items() if why is None]

    @property
    def _warm(self) -> bool:
        return self.plan.file.targets[self.target].start == "warm"

    @property
    def _recorded(self) -> Sequence[Boot]:
        recorded = self.plan.recorded
        return recorded.boots(self.profile, self.target) if recorded is not None else ()

    def _repeats(self, releases: Sequence[str]) -> int:
        """How many boots are repeated at the very most, in all boots of a target."""
        each = self.rules.retries + (REPEATS if "baseline" in releases else 0)
        return each * (1 + self._warm)  # with warm starts each needs one more, thrown away
