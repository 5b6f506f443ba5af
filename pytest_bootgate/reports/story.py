"""A failed boot as a story: what was asked, how far it came, and who was told."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from pytest_bootgate.observe.observation import TAIL
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.retry import started_later, timeouts, which
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE, Finding
from pytest_bootgate.reports.amounts import duration
from pytest_bootgate.reports.clean import clean

_LAST_LINES = 8
_OF_SERVICE = 3
#: How the streams of what is tested begin, in the order in which they are shown; others are
#: those of services.
_OWN = ("gateway.err", "gateway.out", "trigger.", "file:", "(")
#: Instead of last lines, where there are none.
NO_LINES = "no output from gateway or runner"
_NTH = {1: "the first attempt", 2: "the second attempt"}


def worth_saying(result: TargetResult) -> list[Finding]:
    """The findings without those that only repeat, phase by phase, that a boot did not start."""
    findings = result.judgement.findings if result.judgement is not None else ()
    if failed_boot(result) is None:
        return list(findings)
    return [f for f in findings if f.kind != "unreached"]


def finding_line(finding: Finding) -> str:
    """A finding with its verdict, and its phase if it is about one."""
    about = "" if finding.subject == WHOLE else f"{finding.subject}: "
    return f"{finding.verdict}: {about}{finding.text}"


def failed_boot(result: TargetResult, release: str = "candidate") -> Boot | None:
    """The last boot that did not start, None where all did, be it when tried again."""
    again = started_later(result.boots)
    made = [b for b in result.boots if b.release == release and b not in again]
    return next((b for b in reversed(made) if not b.started), None)


def story(boot: Boot, result: TargetResult, others: Sequence[TargetResult]) -> list[str]:
    """The story of a boot that did not start, a sentence a line.

    `others` are the results of the gate's other targets on the same profile.
    """
    return [*course(boot, result), *contrast(boot, result, others)]


def course(boot: Boot, result: TargetResult) -> list[str]:
    """What was asked, how far a boot came that did not start, and who was told."""
    lines = [_trigger(boot), _never(boot)]
    if not boot.traits.refused:
        if boot.ended_in is not None:
            lines.append(f"last phase: {boot.ended_in}{_reached(boot)}")
        lines.append(f"ended after {duration(boot.ended)}: {boot.outcome} ({boot.detail})")
        lines.append(told(boot))
    lines.extend(_before(boot, result.boots))
    lines.extend(note for note in boot.notes if note != boot.detail)
    return lines


def _before(boot: Boot, boots: Sequence[Boot]) -> list[str]:
    """The timeouts of the same release before this boot."""
    again = started_later(boots)
    lines = []
    for late in timeouts(boots, boot.release):
        if late is boot:
            break
        same = late.number == boot.number and late not in again
        as_well = " as well" if boot.traits.retried else ""
        who = f"{_NTH.get(late.attempt, f'attempt {late.attempt}')}" if same else which(late)
        phase = f" in phase {late.ended_in}" if late.ended_in else ""
        how = f"{who} timed out{as_well}{phase} after {duration(late.ended)}"
        lines.append(how + (", and started on retry" if late in again else ""))
    return lines


def told(boot: Boot) -> str:
    """Who heard of the failure, and how late."""
    signals = [signal for signal in boot.signals if signal.means != "ok" or signal.at is not None]
    if not signals:
        ok = ", ".join(signal.name for signal in boot.signals)
        only = f" of failures ({ok}: no report of success either)" if ok else "s"
        return f"reported by: unknown, the gate file declares no signal{only}"
    said = []
    for signal in signals:
        if signal.at is None:
            said.append(f"{signal.name}: no report")
        else:
            text = f" reported {signal.means!r}" if signal.means == "ok" else ""
            said.append(f"{signal.name}{text} after {duration(signal.at)}: {signal.text}")
    heard = any(s.at is not None and s.means != "ok" for s in signals)
    return "reported by: " + ("; ".join(said) if heard else f"nobody ({'; '.join(said)})")


def last_lines(boot: Boot, *, whole: bool = False) -> list[str]:
    """The last lines of every stream that said anything: the gateway's first, its stderr before.

    What services print comes last, and less of it: it is seldom why. The sidecar's is left out.
    With `whole` all lines that were kept, which are `TAIL` of each stream at most.
    """
    streams = {n: t for n, t in boot.tails.items() if t and not n.startswith("sidecar")}
    lines = []
    for name in sorted(streams, key=_place):
        most = TAIL if whole else _LAST_LINES if name.startswith(_OWN) else _OF_SERVICE
        lines.append(f"{_how_many(len(streams[name]), most)} of {name}:")
        shown = streams[name][-most:]
        lines.extend(f"    {clean(text)}" for text in shown)
    return lines or [NO_LINES]


def _how_many(kept: int, most: int) -> str:
    """Which lines are shown: of a longer stream only the last ones were kept."""
    shown = min(kept, most)
    every = f"the {kept} that were kept" if kept >= TAIL else f"{kept} lines"
    if shown < kept:
        return f"last {shown} of {every}"
    if kept >= TAIL:
        return f"last {kept} lines"
    return "the only line" if kept == 1 else f"all {kept} lines"


def _place(stream: str) -> int:
    """Where a stream comes among the others."""
    return next((i for i, start in enumerate(_OWN) if stream.startswith(start)), len(_OWN))


def last_words(result: TargetResult, *, whole: bool = False) -> list[str]:
    """The last lines of the boot that did not start; of both releases where the baseline never did.

    Empty where all boots started.
    """
    own, before = failed_boot(result), [b for b in result.boots if b.release == "baseline"]
    if not before or any(b.started for b in before):
        return [] if own is None else last_lines(own, whole=whole)
    lines = []
    for boot in (*([own] if own is not None else []), before[-1]):
        lines.append(f"{boot.release}, {which(boot)}:")
        lines.extend(f"    {line}" for line in last_lines(boot, whole=whole))
    return lines


def _trigger(boot: Boot) -> str:
    if not boot.triggered:
        return "nothing was triggered" if boot.never_ready else "the start itself is the trigger"
    if boot.traits.refused:
        return boot.detail
    if boot.accepted is None:
        return "trigger sent, never acknowledged"
    return f"trigger accepted in {duration(boot.accepted)}"


def _never(boot: Boot) -> str:
    proof = boot.phases[-1].name if boot.phases else "the proof"
    if boot.phases and boot.phases[-1].at is not None:
        after = duration(boot.phases[-1].at)
        return f"{proof} was seen after {after}; why that does not count follows"
    what = "the task" if boot.triggered or boot.never_ready else "it"
    if boot.traits.unknown:
        return f"it is unknown whether {what} started: {proof} was not seen"
    in_time = " in time" if boot.traits.waited_out else ""
    return f"{what} never started: {proof} was not seen{in_time}"


def _reached(boot: Boot) -> str:
    seen = [phase for phase in boot.phases if boot.reached(phase)]
    if not seen:
        return ", no mark seen"
    return f", last mark {seen[-1].name} at {duration(seen[-1].at)}"


def contrast(boot: Boot, result: TargetResult, others: Sequence[TargetResult]) -> list[str]:
    """What started on the same host, and so what is not at fault."""
    lines = []
    before = [b.seconds for b in result.of("baseline") if b.seconds is not None]
    if before:
        took = duration(median(before))
        lines.append(f"the baseline started in {took} on the same host: the upgrade caused this")
    if not boot.triggered:
        return lines
    tried = [
        (other, boots)
        for other in others
        if other.runs_as != result.runs_as and (boots := other.of("candidate"))
    ]
    for other, boots in tried:
        seconds = [b.seconds for b in boots if b.seconds is not None]
        if seconds:
            lines.append(
                f"{other.target} started in {duration(median(seconds))} on the same host: the"
                " problem is in the runner's boot, not in the gateway"
            )
            return lines
    if tried:
        names = ", ".join(other.target for other, _ in tried)
        lines.append(f"{names} did not start either: check the gateway first")
    return lines
