"""One line that says what a gate is doing, rewritten in place while boots run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bootgate.reports.amounts import duration
from pytest_bootgate.reports.queue import waiting_words

if TYPE_CHECKING:
    from pytest_bootgate.run import Progress


def progress_line(progress: Progress, width: int) -> str:
    """Target, boot n of m, what is being done, and how long that may still take; cut to width."""
    most = max(width - 1, 20)
    if progress.waiting is not None:
        return f"bootgate: {waiting_words(progress.waiting, most - len('bootgate: '))}"[:most]
    boot = f"boot {progress.number} of {progress.total}" if progress.number else "warm-up boot"
    parts = [f"bootgate: {progress.target}"]
    if progress.release:
        parts += [progress.release, *([boot] if progress.total else [])]
    parts += [progress.doing, f"{duration(progress.left)} left at most"]
    return " · ".join(parts)[:most]
