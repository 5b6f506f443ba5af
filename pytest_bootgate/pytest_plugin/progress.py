"""The line that says what a gate is doing, rewritten where somebody watches."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_bootgate.reports.queue import WaitingLog
    from pytest_bootgate.run import Progress
    from pytest_bootgate.run.turn import Waiting


class ProgressLine:
    """A line of pytest's own terminal; a log, a dumb terminal and `-q` get none.

    Where there is no line to rewrite, only waiting is told, now and then.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._open = False
        self._log: WaitingLog | None = None

    def show(self, progress: Progress) -> None:
        """Rewrite the line."""
        reporter = self._reporter()
        if reporter is None or self._config.get_verbosity() < 0:
            return
        if not reporter.isatty or os.environ.get("TERM") == "dumb":
            if progress.waiting is not None:
                self._tell(progress.waiting, reporter)
            return
        if progress.waiting is not None and not progress.waiting.place:
            return  # the boots say the rest
        from pytest_bootgate.reports.layout import encodable
        from pytest_bootgate.reports.progress import progress_line

        encoding = getattr(reporter._tw._file, "encoding", None)  # noqa: SLF001
        line = encodable(progress_line(progress, reporter._screen_width), encoding)  # noqa: SLF001
        with self._uncaptured():
            if not self._open:
                reporter.ensure_newline()
            reporter.rewrite(line, erase=True)
            reporter.flush()
        self._open = True

    def _tell(self, waiting: Waiting, reporter: Any) -> None:
        """A log must not look as if it hung."""
        if self._log is None:
            from pytest_bootgate.reports.queue import WaitingLog

            self._log = WaitingLog()
        if (line := self._log.line(waiting)) is None:
            return
        with self._uncaptured():
            reporter.ensure_newline()
            reporter.write_line(line)
            reporter.flush()

    def end(self) -> None:
        """Take the line away again."""
        if not self._open:
            return
        self._open = False
        reporter = self._reporter()
        with self._uncaptured():
            reporter.rewrite("", erase=True)
            reporter.rewrite("")
            reporter.flush()

    def _reporter(self) -> Any:
        return self._config.pluginmanager.get_plugin("terminalreporter")

    def _uncaptured(self) -> AbstractContextManager[Any]:
        """What is written now is for the terminal; without pytest's capture it is anyway."""
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        return nullcontext() if capture is None else capture.global_and_fixture_disabled()
