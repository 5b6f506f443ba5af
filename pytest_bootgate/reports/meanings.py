"""What each verdict and each outcome means, and what to do: the texts of every report.

A sentence of `todo` is an instruction by itself. All of them hold for any system; what is about
one case (`CASES`) says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_bootgate.records.outcomes import OUTCOMES
from pytest_bootgate.reports.terms import TERMS

Kind = Literal["verdict", "comparison", "outcome", "case", "term"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One word: what it means, in pytest and at all, and what to do about it.

    `shown` is how pytest shows it, empty for what is no verdict. `diff` is a change of a job that
    helps for a while, `costs` what one gives up with it.
    """

    word: str
    kind: Kind
    means: str
    todo: tuple[str, ...] = ()
    shown: str = ""
    diff: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()


_VERDICTS = (
    Meaning(
        "pass",
        "verdict",
        "every boot reached its proof well within the timeout, and the candidate is not slower",
        ("Nothing. Keep the journal: `bootgate compare` needs it later.",),
        shown="passed",
    ),
    Meaning(
        "warn",
        "verdict",
        "all boots that count started, but the slowest boot or the bound for the next boot exceeded"
        " `warn_at`, or a boot timed out and started on retry",
        (
            (
                "Read the line that begins with `warn:`: it names the phase and the share of the"
                " timeout."
            ),
            "Check the host: the findings say whether it was too small or busy.",
            (
                "Run `bootgate probe` on a schedule to watch the trend, and act before `fail_at` is"
                " reached."
            ),
        ),
        shown="passed, with a warning",
    ),
    Meaning(
        "inconclusive",
        "verdict",
        "the data show neither `slower` nor `same`, too few pairs could be compared, or the host is"
        " too busy to measure",
        (
            (
                "Do what the line that begins with `inconclusive:` says: more pairs (`boots:"
                " 5..N`), or a less busy host."
            ),
            "Set `gate: {inconclusive: fail}` if such a build must not pass.",
        ),
        shown="passed, with a warning; failed with `inconclusive: fail`",
    ),
    Meaning(
        "fail",
        "verdict",
        "a boot did not start, got too close (`fail_at`) to its timeout or a limit, or the"
        " candidate is slower than allowed (`slower`)",
        (
            "Do not ship the candidate.",
            "Read `what happened`: the phase where it stalled, and which signals reported it.",
            "Look up how the boot ended, for example `bootgate explain timed_out`.",
            "Rerun this target alone: pytest bootgate.yaml -k TARGET.",
        ),
        shown="failed",
    ),
    Meaning(
        "error",
        "verdict",
        "the gate could not measure, or the baseline does not start either, so the release is"
        " untested: never a pass, never a skip",
        (
            "Read the line below the target: it says what is missing.",
            "Run `bootgate doctor bootgate.yaml` on the same machine.",
            "Fix it and rerun. Until then the upgrade is untested.",
        ),
        shown="error",
    ),
)

_COMPARISONS = (
    Meaning(
        "slower",
        "comparison",
        "the candidate measures slower than the tolerance (`slower`), a slowdown of half the"
        " tolerance or less is ruled out, and fresh boots alone rule it out again",
        (
            "Look at the first phase named: it grew most.",
            (
                "`more work` is CPU time (profile that phase), `more waiting` is time without CPU"
                " (what does it wait for?), `busy host` is other load (rerun on an idle host). None"
                " is shown if the times do not tell them apart."
            ),
            "If you accept the slowdown, raise `slower` and note the reason in the gate file.",
        ),
    ),
    Meaning(
        "same",
        "comparison",
        "the candidate measures within the tolerance (`slower`), and a slowdown of one and a half"
        " times the tolerance is ruled out; this is stronger than finding no difference",
        ("Nothing.",),
    ),
    Meaning(
        "faster",
        "comparison",
        "the candidate boots reliably faster than the baseline; never a failure",
        (
            "Check once whether a phase is missing: skipped work is fast, too.",
            "Then consider tighter limits: `bootgate calibrate` proposes them.",
        ),
    ),
)

_OUTCOMES = tuple(Meaning(name, "outcome", o.means, o.todo) for name, o in OUTCOMES.items())

CASES = (
    Meaning(
        "isolated",
        "case",
        "isolated runs fail to start while main runs on the same host start: the gateway is"
        " healthy, and setting up a separate runner takes too long",
        (
            "Stay on the baseline if you can: it is the only fix without a cost.",
            (
                "If the candidate is already in production, move urgent jobs to main until it is"
                " fixed. Gate main first: it must pass."
            ),
            (
                "Then watch the proof, not the run log: in main, ok may only mean that the task was"
                " queued."
            ),
            "Revert this when isolated passes again.",
        ),
        diff=(
            " {",
            '   "name": "daily-content-task",',
            '   "schedule": {"kind": "cron", "expr": "0 6 * * *"},',
            '-  "sessionTarget": "isolated",',
            '+  "sessionTarget": "main",',
            '   "wakeMode": "now",',
            '-  "payload": {"kind": "agentTurn", "message": "write the daily post"}',
            '+  "payload": {"kind": "systemEvent", "text": "write the daily post"}',
            " }",
        ),
        costs=(
            (
                "Isolation: the task shares the main session's context, so one task can affect the"
                " next, and the context grows with each run."
            ),
            (
                "Scheduling: it shares the main session with people and other jobs and waits for"
                " them; a wake may be delayed until the next heartbeat."
            ),
            (
                "Settings: a system event cannot carry the options of an isolated run's payload"
                " (model, timeout, delivery of the answer)."
            ),
        ),
    ),
)

_TERMS = tuple(Meaning(word, "term", means) for word, means in TERMS.items())

#: Every word by its name, verdicts first.
MEANINGS: Mapping[str, Meaning] = {
    one.word: one for one in (*_VERDICTS, *_COMPARISONS, *_OUTCOMES, *CASES, *_TERMS)
}
