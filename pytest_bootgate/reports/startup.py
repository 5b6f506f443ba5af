"""The boots of a target, for people."""

from __future__ import annotations

from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.verdict import Finding
from pytest_bootgate.reports.advice import advice
from pytest_bootgate.reports.failure import failure
from pytest_bootgate.reports.story import finding_line, last_words
from pytest_bootgate.reports.view import View


class StartupView(View[TargetResult]):
    """A target; what is drawn and timed of it, reports take from the result itself."""

    noun = "target"

    def _line(self, finding: Finding) -> str:
        return finding_line(finding)

    @property
    def last(self) -> list[str]:
        return last_words(self.found)

    @property
    def todo(self) -> str:
        return advice(self.found, self.others)

    @property
    def told(self) -> list[str]:
        failed = self.found.verdict in ("fail", "error")
        return failure(self.found, self.others).split("\n") if failed else []

    def of_item(self, item: str) -> str:
        return "\n".join(self.told) if item == self.found.whole else super().of_item(item)
