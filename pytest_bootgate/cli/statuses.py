"""What every exit status of the ``bootgate`` command means, in one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

#: Done. For commands that show something it says nothing about a verdict.
DONE = 0
#: `doctor` found something that fails.
FAILED = 1
#: A mistake in the command line, or in a file that it names, as pytest has it.
MISTAKE = 4
#: Ended with Ctrl-C, as shells have it.
INTERRUPTED = 130
#: Nobody read the output to its end (`| head`), as shells have it.
UNREAD = 141

#: `run` and `merge`: nothing failed, and not all was measured; pytest's own end at 5.
UNMEASURED = 6

_MISTAKE = "a mistake in the command, or in a file that it names"

#: By command (or group of commands): each status with its meaning.
MEANINGS: Mapping[str, Mapping[int, str]] = {
    "check": {0: "no mistakes in any gate file", MISTAKE: "mistakes, all listed on stderr"},
    "doctor": {
        0: "no check fails (warnings may remain)",
        FAILED: "at least one line says FAIL",
        MISTAKE: "a mistake in the command",
    },
    "run": {
        0: "pytest's: every verdict is pass, warn or inconclusive",
        1: "pytest's: a verdict is fail, or a test or notification failed",
        2: "pytest's: interrupted",
        3: "pytest's: an internal error",
        4: "pytest's: a mistake in the command or in a gate file",
        5: "pytest's: no item of the gate was selected (-k, -m, a node id)",
        UNMEASURED: "nothing failed, and not all was measured (verdict error)",
    },
    "merge": {
        0: "pytest's: every verdict is pass, warn or inconclusive",
        1: "pytest's: a verdict is fail, or a notification failed",
        MISTAKE: "no result of a shard could be read, or another mistake",
        UNMEASURED: "nothing failed, not all was measured; the shards do not fit",
    },
    "probe": {
        0: "started, below warn_at",
        1: "started, above warn_at or fail_at, or only when retried",
        2: "failed",
        3: "could not be measured",
        MISTAKE: "a mistake in the command or in the gate file",
    },
    "all others": {0: "done, whatever the verdict", MISTAKE: _MISTAKE},
}


def lines() -> Iterator[str]:
    """The meanings for ``bootgate --help``, at most 80 columns wide."""
    for command, statuses in MEANINGS.items():
        label = command
        for status, meaning in statuses.items():
            yield f"  {label:<11}{status:>3}  {meaning}"
            label = ""
    yield f"  {'others':<11}{INTERRUPTED:>3}  interrupted with Ctrl-C"
    yield f"  {'':<11}{UNREAD:>3}  the output was not read to its end (| head)"


def table() -> Iterator[str]:
    """The meanings as a table in Markdown."""
    yield "| command | status | means |"
    yield "| --- | --- | --- |"
    for command, statuses in MEANINGS.items():
        label = command if " " in command else f"`{command}`"
        for status, meaning in statuses.items():
            yield f"| {label} | {status} | {meaning} |"
            label = ""
    yield f"| others | {INTERRUPTED} | interrupted with Ctrl-C |"
    yield f"|  | {UNREAD} | the output was not read to its end (`bootgate report last \\| head`) |"
