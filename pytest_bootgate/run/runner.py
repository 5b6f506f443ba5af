"""Which of a gateway's processes are the runner."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from pytest_bootgate.observe.observation import MATCHED
from pytest_bootgate.patience import ImpatientError, patience

_PATIENCE = 1.0  # CPU seconds for one command line


def runner(
    processes: Mapping[int, str], pattern: str | None, before: Collection[int]
) -> dict[int, str] | str:
    """The command lines of the runner's processes by pid, or in words why there is none.

    They match `pattern`; without one they are all that were not there `before` the trigger.
    """
    if pattern is None:
        found = {pid: words for pid, words in processes.items() if pid not in before}
        return found or (
            "the gateway had started no process since the trigger, so there is no runner to"
            " kill; name it with `runner`, or use another hold"
        )
    matches = re.compile(pattern).search
    chosen = {}
    for pid, words in processes.items():
        try:
            with patience(_PATIENCE, (__name__,)):
                if matches(words[:MATCHED]):
                    chosen[pid] = words
        except ImpatientError:
            return f"`{pattern}` took more than {_PATIENCE:g} s of CPU time on `{words}`"
    there = "; ".join(list(processes.values())[:5]) or "none"
    return chosen or f"no process below the gateway matches `{pattern}` (there: {there})"
