"""What to do next, in a sentence or two, for each way in which a gate ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from pytest_bootgate.observe.observation import TAIL
from pytest_bootgate.records.result import PropagationResult, TargetResult, UpgradeResult
from pytest_bootgate.records.retry import timeouts
from pytest_bootgate.records.upgrade import JOBS, RUNS
from pytest_bootgate.records.values import Boot
from pytest_bootgate.reports.amounts import duration
from pytest_bootgate.reports.story import failed_boot

#: So many of a stream's last lines are looked at.
_LAST = 8
_KEEP = "Keep the old release in production."
#: What a system says last that was not allowed something, or no more processes.
_DENIED = re.compile(
    "Operation not permitted|Permission denied|EPERM|EACCES|Resource temporarily unavailable"
)
#: What a runtime prints last of a task that died, while its gateway lives on.
_CRASHED = re.compile(
    r"Traceback \(most recent call last\)|^panic: |Segmentation fault|core dumped|\bUncaught "
    r"|UnhandledPromiseRejection|^Exception in thread |\bfatal error\b",
    re.IGNORECASE,
)
_DIED = (
    "Its last log lines report a crash: the task has probably died, so it waits for nothing. Start"
    " with these lines."
)
_NEEDS = (
    "Its last log lines report a missing permission. Copies of volumes and states keep their"
    " owners: correct these, or container: user. Containers run with few capabilities: grant more"
    " in the gate file (gateway: {container: {cap_add: [...]}}; see docs/how-to.md)."
)
_ERROR = "Fix what stopped the measurement and rerun. This is not a pass."
_GOOD = "Nothing: all rules are met."


def advice(found: TargetResult, others: Sequence[TargetResult]) -> str:
    """What to do about a target; `others` are the gate's other targets on the same profile."""
    if found.verdict == "pass":
        return _GOOD
    if found.verdict == "error":
        return _error(found)
    failed = failed_boot(found)
    if found.verdict == "fail" and failed is not None:
        died = failed.traits.retried and _crashed(failed)
        what = _DIED if died else failed.traits.advice.format(does=_does(failed))
        return " ".join([_KEEP, what, *_denied([failed]), *_until_then(failed, found, others)])
    return " ".join([*_before_trigger(found), _in_time(found)])


def _before_trigger(found: TargetResult) -> list[str]:
    """What to do where the start of the gateway, which no boot includes, got slower."""
    if found.judgement is None or not found.judgement.has("ready"):
        return []
    text = (
        "What comes before the trigger takes too long or surely longer (see the warning): find out"
        " why before you ship. To have it judged as a boot is, set gateway: {timeout: 30s}."
    )
    return [text]


def _error(found: TargetResult) -> str:
    """What to do where nothing could be measured."""
    judgement = found.judgement
    if judgement is not None and judgement.has("alike", "unseen"):
        what = (
            "Both releases fail in the same way: correct the gate file (probe, pattern, path, port,"
            " JSON, headers) or the environment of the system. This says nothing about the upgrade"
            " yet."
        )
    elif judgement is not None and judgement.has("baseline"):
        what = (
            "Make the baseline start as it does in production: correct its command, image or"
            " environment in the gate file. This says nothing about the upgrade yet."
        )
    else:
        return _ERROR
    return " ".join([what, *_denied(found.boots)])


def _denied(boots: Sequence[Boot]) -> list[str]:
    """What to do where a container lacked a permission to start, by its last lines."""
    failed = [b for b in boots if not b.started and _in_container(b)]
    return [_NEEDS] if any(_says(_DENIED, boot) for boot in failed) else []


def _crashed(boot: Boot) -> bool:
    """Whether what the system printed last is a crash, and not its answer to the gate's signal."""
    tails = {name: lines for name, lines in boot.tails.items() if name[:7] != "sidecar"}
    interrupted = any("KeyboardInterrupt" in line for tail in tails.values() for line in tail)
    return not interrupted and _says(_CRASHED, replace(boot, tails=tails), TAIL)


def _says(pattern: re.Pattern[str], boot: Boot, lines: int = _LAST) -> bool:
    """Whether one of a boot's last lines does."""
    return any(pattern.search(line) for tail in boot.tails.values() for line in tail[-lines:])


def _in_container(boot: Boot) -> bool:
    return boot.identity.startswith("sha256:")


def _does(failed: Boot) -> str:
    """Whether a boot that ran out of time worked or waited, where its CPU seconds are clear."""
    cpu, wall = failed.cpu_seconds, failed.ended
    phase = f" in {failed.ended_in}" if failed.ended_in else ""
    if cpu is None or wall <= 0:
        return f"works on or waits for{phase}"
    works = "works on" if cpu >= wall / 2 else "works on or waits for"
    does = "waits for" if cpu <= wall / 10 else works
    return f"{does}{phase} ({duration(cpu)} of CPU in {duration(wall)})"


def _in_time(found: TargetResult) -> str:
    """For boots that all started."""
    judgement = found.judgement
    if judgement is None:
        return "Rerun."
    if judgement.attribution is not None:
        phase, kind = judgement.attribution.phase, judgement.attribution.kind
        hint = f" ({kind})" if kind else ""
        return (
            f"{_KEEP} Look at what {phase} does in the new release{hint}; if this is intended,"
            " raise `slower` in the gate file."
        )
    if judgement.has("stragglers"):
        return (
            f"{_KEEP * (found.verdict == 'fail')} Find out what the slow boots wait for (-v lists"
            " all boots; the journal has their last log lines). A longer timeout would only hide"
            " it."
        ).strip()
    host = "Rerun on an idle or larger machine, as the finding says." * bool(judgement.host)
    if timeouts(found.boots, "candidate"):
        what = "A boot timed out and started on retry: find out why before you ship."
        return f"{what} {host}".strip()
    tight = [room for room in judgement.headrooms if room.headroom.level != "pass"]
    if tight:
        first = min(tight, key=lambda room: room.headroom.level)  # fail, then warn
        what = "the timeout" if first.against == "timeout" else f"the limit of {first.subject}"
        again = f"shorten the boot or raise {what}, in production and in the gate file."
        if host and found.verdict != "fail":
            return f"{host} If it stays this close, {again}"
        again = f"S{again[1:]}"
        return f"{_KEEP} {again}" if found.verdict == "fail" else f"{again} Nothing failed yet."
    if any(b.started and b.exit_code for b in found.of("candidate")):
        what = "Before you ship, find out why it exits with an error right after its proof."
        return f"{_KEEP * (found.verdict == 'fail')} {what}".strip()
    if host:
        return host
    if found.verdict == "inconclusive":
        if judgement.has("uncompared"):
            return "Fix what prevents the comparison (see the finding) and rerun."
        return "Rerun with more pairs or on a less busy host, as the finding says."
    if found.verdict == "fail":
        return f"{_KEEP} Fix what the finding describes."
    return "Read the warning before you ship."


def _until_then(failed: Boot, found: TargetResult, others: Sequence[TargetResult]) -> Sequence[str]:
    """Which other target starts on the same host, and could do the work until then."""
    if not failed.triggered:
        return []
    for other in others:
        took = [b.seconds for b in other.of("candidate") if b.seconds is not None]
        if other.runs_as != found.runs_as and other.verdict in ("pass", "warn") and took:
            starts = f"{other.target} starts ({duration(median(took))}) on the same host"
            return [f"{starts}; workaround: `bootgate explain {failed.outcome}`."]
    return []


def advice_on_upgrade(found: UpgradeResult) -> str:
    """What to do about an upgrade in place."""
    if found.verdict == "pass":
        return _GOOD
    if found.verdict == "error":
        return _ERROR
    seen = found.upgrade
    if found.verdict != "fail" or seen is None:
        return "Read the findings before you ship."
    about = {finding.subject for finding in found.findings}
    failed = next((run.boot for run in seen.first.runs if not run.boot.started), None)
    if seen.first.refused:
        what = (
            "Read its last lines above: they say whether the old state or its own configuration"
            " stops it. If it starts on an empty state (upgrade: fresh), it is the state."
        )
    elif JOBS in about:
        what = "Check the job table, and back up the state before any upgrade."
    elif failed is not None:
        does = failed.traits.advice.format(does=_does(failed))
        what = f"The jobs are all there, but not all run. {does}"
    elif RUNS in about:
        what = "The jobs are all there, but not all could be run: find out what ended it before."
    else:
        what = "The jobs are all there and run once: find out what stops its end or second start."
    return f"{_KEEP} {what}"


def advice_on_propagation(found: PropagationResult) -> str:
    """What to do about a boot that was held."""
    if found.verdict == "pass":
        return _GOOD
    if found.verdict == "error":
        return "Use another hold or phase (propagation in the gate file) and rerun."
    return "Monitor this target from outside (bootgate probe): it does not report its failures."
