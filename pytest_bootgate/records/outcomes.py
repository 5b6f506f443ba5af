"""How a boot may end, and all that reports and checks must know of each way: one table.

A new outcome is one entry here, and its name in `Outcome`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Outcome = Literal[
    "started",
    "timed_out",
    "crashed",
    "oom_killed",
    "silent_exit",
    "false_ok",
    "not_accepted",
    "reported_error",
    "lost",
]


@dataclass(frozen=True, slots=True)
class Traits:
    """What an outcome means, and what follows from it.

    `todo` is what to do, a sentence each; `advice` says it in one, where ``{does}`` is what the
    boot did when it ended. `shape` draws it: a path of SVG around 0, 13 wide and high.

    It is `waited_out` where the boot had all of its timeout, `retried` where it may pass by itself.
    It is `unknown` where the gate saw too little: its own failure, not the release's. It is
    `refused` where nothing was begun.
    """

    means: str
    todo: tuple[str, ...]
    advice: str
    shape: str
    waited_out: bool = False
    retried: bool = False
    unknown: bool = False
    refused: bool = False


_LAST_LINES = "Read the last lines of the gateway and the runner, which stand below the story."

OUTCOMES: Mapping[Outcome, Traits] = {
    "started": Traits(
        "the proof came in time",
        ("Nothing.",),
        "Nothing: it started.",
        "M-4.500 0A4.500 4.500 0 0 1 4.500 0A4.500 4.500 0 0 1-4.500 0z",
    ),
    "timed_out": Traits(
        "no proof within the timeout, or the system itself said that it timed out",
        (
            (
                "Look at the phase it was last seen in, and at the CPU time beside it: much CPU"
                " time is work that does not end, little is waiting for something."
            ),
            "See whether the baseline starts on the same host: then the upgrade brought this.",
            (
                "If another target starts on the same host, jobs may run there until then:"
                " `bootgate explain isolated` says for one system what that costs."
            ),
            "Do not raise the timeout before you know the phase: production has it, too.",
        ),
        "Find out what it {does}; its last lines are a beginning.",
        "M-5-3-3-5 0-2 3-5 5-3 2 0 5 3 3 5 0 2-3 5-5 3-2 0z",
        waited_out=True,
        retried=True,
    ),
    "crashed": Traits(
        "the process ended by itself before the proof, with a status other than 0, or restarted",
        (_LAST_LINES, "Start the same image or command by hand, with the same environment."),
        "Read its last lines and its exit code.",
        "M0-6 6 5H-6z",
    ),
    "oom_killed": Traits(
        "the kernel killed a process of it because memory ran out",
        (
            "Compare the `memory` of the profile with what production gives.",
            (
                "If the baseline lives within it and the candidate does not, the release needs"
                " more: give more, or do not ship it."
            ),
        ),
        "It needs more memory than it had: raise the profile's limit, or find what grew.",
        "M-5-5H5V5H-5z",
    ),
    "silent_exit": Traits(
        "the process ended with status 0 before the proof: it calls itself done, and the task"
        " never started",
        (
            "Look for a watchdog that ends the runner, and raise its log level.",
            "Watch for it in production: an exit status of 0 alarms nobody.",
        ),
        "It ended without a word: raise its log level and gate again.",
        "M-6 0A6 6 0 0 1 6 0A6 6 0 0 1-6 0M-3 0A3 3 0 0 0 3 0A3 3 0 0 0-3 0z",
    ),
    "false_ok": Traits(
        "the system said ok, and no proof came: a green status over a task that did not start",
        (
            "Do not trust this status anywhere else either, such as on a dashboard.",
            "See whether ok means `enqueued`: some systems say it before the task runs.",
            "Check that the proof still fits the release, such as the path of the stub.",
        ),
        "Trust no status of it: it said ok, and the task never started.",
        "M0-6.5 6 0 0 6.5-6 0z",
        waited_out=True,
    ),
    "not_accepted": Traits(
        "the trigger was refused, or nobody took it",
        (
            "Read the answer that is quoted: a changed API or a missing right is usual.",
            "If only one release refuses it, the trigger of the gate file must know both.",
        ),
        "Check the trigger in the gate file against the new release.",
        "M-6-2H6V2H-6z",
        refused=True,
    ),
    "reported_error": Traits(
        "a signal reported that the run failed, in words that are no timeout, and no proof came",
        (
            "Read the text that the signal gave: it is quoted in the story.",
            _LAST_LINES,
            "If that line is printed in good runs too, make the pattern of that signal narrower.",
        ),
        "Read the error that it reported, and its last lines: it says itself why.",
        "M-2-6.500H2L1 1.500H-1zM-1.500 3.500H1.500V6.500H-1.500z",
    ),
    "lost": Traits(
        "the container went away, or marks contradict each other: nothing is known of this boot",
        (
            "See who removes containers on this machine, or restarts its engine.",
            "Where marks are out of order, correct their patterns or their order in the gate file.",
            "Gate again. It is the gate that failed here, not the release.",
        ),
        "Gate again: the boot was lost.",
        "M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2z",
        unknown=True,
    ),
}
_SHARES = {"started", *(name for name, traits in OUTCOMES.items() if traits.waited_out)}


def is_share(outcome: str | None) -> bool:
    """Whether a boot that ended so used a share of its timeout: one that crashed did not.

    An outcome that is read may be none of ours, or none.
    """
    return outcome in _SHARES
