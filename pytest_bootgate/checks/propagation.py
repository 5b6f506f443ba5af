"""Does the system tell its own failures? What a boot that was held on purpose adds up to."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_bootgate.gatefile.model import Hold
from pytest_bootgate.gatefile.propagation_rules import PROPAGATION
from pytest_bootgate.records.stall import GRACE, Stall
from pytest_bootgate.records.verdict import Finding

#: What is done to hold a boot, in words.
HELD: dict[Hold, str] = {
    "pause": "the gateway was paused",
    "starve": "the gateway was limited to 1 % of a core",
    "mute": "the stub accepted the request and did not answer",
    "kill": "the runner was killed",
}


def judge_propagation(stall: Stall) -> tuple[Finding, ...]:
    """The findings: `error` where the stall did not hold, `fail` where nobody was told.

    What a release does with a boot that takes too long is a property, and no reason to pass.
    """
    if (why := not_held(stall)) is not None:
        return (Finding("error", PROPAGATION, why),)
    found = list(_lies(stall))
    if stall.heard:
        return tuple(found)
    what = "task never got an answer" if stall.holds_task else "boot was held past its timeout"
    text = f"not reported: the {what}, and no signal reported it"
    if not any(told.means != "ok" for told in stall.boot.signals):
        text += f"; the gate file declares no signal{' of failures' if stall.boot.signals else 's'}"
    return (Finding("fail", PROPAGATION, text), *found)


def _lies(stall: Stall) -> Iterator[Finding]:
    for told in stall.boot.signals:
        if told.means == "ok" and told.at is not None and told.at <= (stall.ended or told.at):
            what = (
                f"{told.name} reported ok {told.at:.1f} s after the trigger, while the boot was"
                " held"
            )
            yield Finding("fail", PROPAGATION, what)


def not_held(stall: Stall) -> str | None:
    """Why the boot was not held, None where it surely was."""
    if stall.began is None:
        return f"the boot could not be held: {stall.why_not}"
    if stall.slipped:
        return f"the hold failed: {stall.slipped}"
    if stall.ended is None or (stall.ended < stall.timeout and not stall.heard):
        return "the hold failed: it ended before the timeout"
    phases = [] if stall.holds_task else stall.boot.phases
    for phase in phases:
        if phase.at is None or phase.at <= stall.began:
            continue
        last = phase is stall.boot.phases[-1]
        if phase.at < stall.ended and (last or phase.at > stall.began + GRACE):
            what = "the task started" if last else f"{phase.name} was reached"
            after = f"{phase.at - stall.began:.1f} s after it began"
            hint = _LOOSE.get(stall.hold, "")
            return f"the hold failed: {what} {after}, while {HELD[stall.hold]}{hint}"
    if not stall.holds_task and stall.proof is not None and stall.proof < stall.ended:
        return "the hold failed: the task started during it"
    return None


_LOOSE = {
    "pause": "; the process that boots the task does not belong to the gateway",
    "starve": "; 1 % of a core was enough: use hold: pause",
    "kill": "; the system started another runner, or the killed process was not the runner",
}


def properties(stall: Stall) -> Iterator[str]:
    """What the release does with a boot that takes too long: shown, never a reason to pass."""
    if not_held(stall) is not None or stall.hold == "kill":
        return
    end = stall.ended or 0.0
    if stall.holds_task:
        if not stall.heard:
            yield (
                f"observed: nothing ends the task: no end was reported until {stall.watched:.0f} s"
                " after the trigger"
            )
    elif stall.proof is not None and not stall.heard:
        yield (
            "observed: nothing ends the boot: the release has no boot timeout (the task started"
            f" {stall.proof - end:.1f} s after the hold, {stall.proof:.1f} s after the trigger)"
        )
    elif stall.proof is not None:
        yield f"observed: the task started anyway, {stall.proof:.1f} s after the trigger"
    elif not stall.heard and stall.boot.exit_code is None:
        yield (
            "observed: the end of the boot is not visible: no proof and no report until"
            f" {stall.watched:.1f} s after the trigger"
        )
