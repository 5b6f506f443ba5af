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
    "forbidden",
    "lapsed",
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


_LAST_LINES = "Read the last log lines of the gateway and the runner, below the story."

OUTCOMES: Mapping[Outcome, Traits] = {
    "started": Traits(
        "the proof arrived before the timeout",
        ("Nothing.",),
        "Nothing: it started.",
        "M-4.500 0A4.500 4.500 0 0 1 4.500 0A4.500 4.500 0 0 1-4.500 0z",
    ),
    "timed_out": Traits(
        "no proof within the timeout, or the system itself reported a timeout",
        (
            (
                "Look at the last phase and its CPU time: high CPU time means work that does not"
                " finish, low CPU time means it waits for something."
            ),
            (
                "Check whether the baseline starts on the same host. If it does, the upgrade caused"
                " this."
            ),
            (
                "If another target starts on the same host, jobs can run there until this is fixed:"
                " `bootgate explain isolated` shows the cost for one system."
            ),
            "Do not raise the timeout before you know the cause: production has the same timeout.",
        ),
        "Find out what it {does}; start with its last log lines.",
        "M-5-3-3-5 0-2 3-5 5-3 2 0 5 3 3 5 0 2-3 5-5 3-2 0z",
        waited_out=True,
        retried=True,
    ),
    "crashed": Traits(
        "the process exited before the proof with a non-zero status, or restarted",
        (_LAST_LINES, "Start the same image or command by hand, with the same environment."),
        "Check its exit code and its last log lines.",
        "M0-6 6 5H-6z",
    ),
    "oom_killed": Traits(
        "the kernel killed one of its processes: out of memory",
        (
            "Compare the profile's `memory` with the memory limit in production.",
            (
                "If the baseline starts with this limit and the candidate does not, the candidate"
                " needs more memory: raise the limit in production too, or do not ship it."
            ),
        ),
        (
            "It needs more memory than its limit: find out what grew, or raise the limit in the"
            " profile and in production."
        ),
        "M-5-5H5V5H-5z",
    ),
    "silent_exit": Traits(
        "the process exited with status 0 before the proof: it reported success, but the task never"
        " started",
        (
            "Look for a watchdog that stops the runner, and raise its log level.",
            "Add an alert for it in production: exit status 0 triggers none by itself.",
        ),
        "It exited with status 0 before the task started: raise its log level and rerun.",
        "M-6 0A6 6 0 0 1 6 0A6 6 0 0 1-6 0M-3 0A3 3 0 0 0 3 0A3 3 0 0 0-3 0z",
    ),
    "false_ok": Traits(
        "the system reported ok, but there is no proof that the task started",
        (
            "Do not rely on this status elsewhere, such as on dashboards.",
            "Check whether ok only means `enqueued`: some systems report it before the task runs.",
            "Check that the proof still matches the release, for example the path of the stub.",
        ),
        (
            "It reported ok, but no proof came: check that the proof still fits this release; if it"
            " does, do not rely on that status."
        ),
        "M0-6.5 6 0 0 6.5-6 0z",
        waited_out=True,
    ),
    "not_accepted": Traits(
        "the trigger was rejected or not delivered",
        (
            "Read the quoted answer: the usual cause is a changed API or a missing permission.",
            "If only one release rejects it, the trigger in the gate file must work with both.",
        ),
        "Check the trigger in the gate file against the new release.",
        "M-6-2H6V2H-6z",
        refused=True,
    ),
    "reported_error": Traits(
        "a signal reported a failure other than a timeout, and no proof arrived",
        (
            "Read the signal's text, quoted in the story.",
            _LAST_LINES,
            "If good runs print that line too, narrow the signal's pattern.",
        ),
        "Read the error that it reported and its last log lines.",
        "M-2-6.500H2L1 1.500H-1zM-1.500 3.500H1.500V6.500H-1.500z",
    ),
    "forbidden": Traits(
        "the task started, but something appeared that the gate file forbids",
        (
            "Read the line, quoted in the story, and what came before it.",
            "If good runs print that line too, narrow the pattern of `never` or of the signal.",
        ),
        "Read what it reported although it started.",
        "M-6-6H6V6H-6zM-3-3V3H3V-3z",
    ),
    "lapsed": Traits(
        "the proof arrived, but the system did not stay up for as long as the gate file demands",
        (_LAST_LINES, "Look at what it does after it is ready: a late check, a crash, a restart."),
        "Read what it printed after its proof.",
        "M-6 6L0-6 6 6 0 2z",
    ),
    "lost": Traits(
        (
            "the container disappeared, marks contradict each other, or a mark was there before"
            " the trigger: this boot tells nothing about the release"
        ),
        (
            "Check what removes containers on this machine or restarts its engine.",
            "If marks are out of order, correct their patterns or their order in the gate file.",
            (
                "If a mark was there before the trigger, something else makes it as well: put"
                " ${token} into trigger and probe, or take a probe that only this task satisfies."
            ),
            "Rerun. The gate failed here, not the release.",
        ),
        "Rerun: the gate lost this boot.",
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
