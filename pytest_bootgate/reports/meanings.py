"""What each verdict and each outcome means, and what to do: the texts of every report.

A sentence of `todo` is an instruction by itself. All of them hold for any system; what is about
one case (`CASES`) says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_bootgate.records.outcomes import OUTCOMES

Kind = Literal["verdict", "comparison", "outcome", "case"]


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
        "every boot brought its proof, well inside the timeout, and the candidate is not slower",
        ("Nothing. Keep the journal: it is what a later `bootgate compare` needs.",),
        shown="passed",
    ),
    Meaning(
        "warn",
        "verdict",
        "all boots that count started, but the slowest one, or the bound for the next one, passed"
        " `warn_at`, or a boot timed out and started when it was tried again",
        (
            "Read the line that begins with `warn:`; it names the phase and the share.",
            "Look at the host facts: a poor or busy host is said there.",
            "Let `bootgate probe` watch the trend, and act before `fail_at` is reached.",
        ),
        shown="passed, with a warning",
    ),
    Meaning(
        "inconclusive",
        "verdict",
        "neither slower nor the same can be shown, too few boots could be compared with the"
        " baseline's, or the host is too busy to measure",
        (
            (
                "Do what the line that begins with `inconclusive:` says: more pairs"
                " (`boots: 5..N`), or a quieter host."
            ),
            "Write `gate: {inconclusive: fail}` if such a build must not pass.",
        ),
        shown="passed, with a warning; failed with `inconclusive: fail`",
    ),
    Meaning(
        "fail",
        "verdict",
        "a boot did not start, came too near (`fail_at`) to its timeout or a limit, or the"
        " candidate is slower than allowed (`slower`)",
        (
            "Do not ship the candidate.",
            "Read `what happened`: the phase in which it stood still, and who was told.",
            "Look up how the boot ended: `bootgate explain timed_out`, for one.",
            "Boot it again by itself: pytest bootgate.yaml -k TARGET.",
        ),
        shown="failed",
    ),
    Meaning(
        "error",
        "verdict",
        "the gate could not measure, or the baseline does not start either, so nothing is known of"
        " the release: never a pass, never a skip",
        (
            "Read the sentence under the target: it says what is missing.",
            "Run `bootgate doctor bootgate.yaml` on the machine where it happened.",
            "Gate again. Until then the upgrade is as unproven as before.",
        ),
        shown="error",
    ),
)

_COMPARISONS = (
    Meaning(
        "slower",
        "comparison",
        "the candidate is measured to be slower than allowed (`slower`), half of that is refuted,"
        " and fresh boots alone refute it again",
        (
            "Look at the phase that is named first: it grew most.",
            (
                "`more work` is CPU time (profile that phase), `more waiting` is not (what does it"
                " wait for?), `busy host` is a neighbour (gate again on a quiet one). None of"
                " them is said where the times do not tell them apart."
            ),
            "If it is the price of the release, raise `slower`, and say so in the gate file.",
        ),
    ),
    Meaning(
        "same",
        "comparison",
        "the candidate is measured to be within what is allowed (`slower`), and one and a half"
        " times that is refuted; that is more than not having found a difference",
        ("Nothing.",),
    ),
    Meaning(
        "faster",
        "comparison",
        "the candidate's boots are reliably shorter than the baseline's; never a failure",
        (
            "Look once whether a phase is missing: work that was left out is fast, too.",
            "Then consider tighter limits: `bootgate calibrate` proposes them.",
        ),
    ),
)

_OUTCOMES = tuple(Meaning(name, "outcome", o.means, o.todo) for name, o in OUTCOMES.items())

CASES = (
    Meaning(
        "isolated",
        "case",
        "isolated runs do not get through their boot, while main runs on the same host do: the"
        " gateway is well, and setting up a runner of its own is what takes too long",
        (
            "Stay on the baseline if you can: it is the only way that costs nothing.",
            (
                "Where the candidate is in production already, let urgent jobs run in main until it"
                " is repaired. Gate main first: it must be a pass."
            ),
            (
                "Then watch the proof, not the run log: in main, ok may mean that the task was put"
                " into a queue."
            ),
            "Turn it back when isolated is a pass again.",
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
                "Isolation: the task sees what the main session has said and done, and leaves its"
                " own there, so one task may spoil the next, and the context grows with each run."
            ),
            (
                "Its own turn: it shares the main session with people and other jobs, and waits for"
                " them; a wake may be put off until the next heartbeat."
            ),
            (
                "Its own settings: what the payload of an isolated run may say (model, timeout,"
                " delivery of the answer) has no place in a system event."
            ),
        ),
    ),
)

#: Every word by its name, verdicts first.
MEANINGS: Mapping[str, Meaning] = {
    one.word: one for one in (*_VERDICTS, *_COMPARISONS, *_OUTCOMES, *CASES)
}
