"""All that is to be said of a target that failed or could not be measured, as one text."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.reports.advice import advice
from pytest_bootgate.reports.story import (
    failed_boot,
    finding_line,
    last_words,
    story,
    worth_saying,
)
from pytest_bootgate.reports.view import by_weight


def failure(result: TargetResult, others: Sequence[TargetResult]) -> str:
    """Why (the worst first), how far the boot came, its last words, and what to do: lines.

    `others` are the gate's other targets on the same profile.
    """
    if result.error is not None:
        return result.error
    lines = [finding_line(finding) for finding in by_weight(worth_saying(result))]
    failed = failed_boot(result)
    if failed is not None:
        lines += story(failed, result, others)
    lines += last_words(result)
    return "\n".join([*lines, f"what to do: {advice(result, others)}"])
