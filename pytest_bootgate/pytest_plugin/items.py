"""The items of a gate file: what each check is shown by."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_bootgate.errors import BootgateError, BootgateWarning
from pytest_bootgate.pytest_plugin.contrast import contrast
from pytest_bootgate.pytest_plugin.planned import plan_item, timed_out
from pytest_bootgate.pytest_plugin.session import KEY
from pytest_bootgate.reports.views import view

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_bootgate.pytest_plugin.session import Session
    from pytest_bootgate.records.check import CheckResult
    from pytest_bootgate.records.result import TargetResult
    from pytest_bootgate.run import Gate
    from pytest_bootgate.run.check import AnyCheck


class CheckItem(pytest.Function):
    """An item of a check: a function that lets the item judge."""

    gate: Gate
    asked: AnyCheck

    @classmethod
    def of(cls, parent: pytest.Collector, gate: Gate, asked: AnyCheck, name: str) -> CheckItem:
        """One of the items of a check, which has the time that the gate needs."""
        item: CheckItem = cls.from_parent(parent, name=name, callobj=_check)
        item.gate, item.asked = gate, asked
        plan_item(item, gate)
        return item

    @property
    def key(self) -> tuple[Path, str, str]:
        """Gate file, profile and the name of the check."""
        return self.path.resolve(), self.asked.profile, self.asked.name

    def iter_markers_with_node(self, name: str | None = None) -> Iterator[tuple[Any, pytest.Mark]]:
        """All markers but `xfail`: a verdict that fails must not look like a pass."""
        marked = super().iter_markers_with_node(name)
        return ((node, mark) for node, mark in marked if mark.name != "xfail")

    @property
    def line(self) -> int:
        """The line of the gate file that this item stands for, from 1."""
        return self.gate.plan.loaded.line(*self.asked.place(self.name))

    def reportinfo(self) -> tuple[Path, int, str]:
        """The line of the gate file that this item stands for."""
        return self.path, self.line - 1, self.nodeid.partition("::")[2]

    def found(self) -> CheckResult:
        """What was found, booted now unless an item before this one did."""
        return self.gate.check(self.asked)

    def beside(self, result: CheckResult) -> Sequence[TargetResult]:
        """The targets beside which a failure is told."""
        return contrast(self.config.stash[KEY], self.key[0], result)

    def setup(self) -> None:
        """Boot what the check needs, unless an item before this one did."""
        super().setup()
        if self.config.stash[KEY].lists:
            return
        result = self._measured()
        if result.verdict_of(self.name) == "error":
            self._stop_with(result, ())

    def check(self) -> None:
        """Judge: fail, warn, skip what the release does not have, or pass."""
        session, result = self.config.stash[KEY], self.found()
        name = self.parent.name if self.parent is not None else ""
        if result.left_out is not None:
            pytest.skip(f"{name} is left out by the gate file: {result.left_out}")
        if result.verdict_of(self.name) == "fail":
            whole = self.name == result.whole
            try:
                others = self.beside(result) if whole else ()
            finally:
                session.progress.end()
            self._stop_with(result, others)
        for finding in result.about(self.name):
            self.remark(f"{name}: {finding.text}")
        if not result.seen(self.name):
            why = "not measured" if result.verdict == "error" else "optional, and not seen"
            pytest.skip(f"{why} in any boot of {name}")

    def _measured(self) -> CheckResult:
        """What was found, booted now unless an item before this one did; in setup.

        What could not be measured is an error of the item that tried, and named in the others.
        """
        session = self.config.stash[KEY]
        try:
            session.claim(self.path)
            found = self.found()
        except BootgateError as error:
            self.stop(str(error))
        except pytest.fail.Exception as error:  # pytest-timeout's signal, in the midst of a boot
            self.stop(timed_out(error, self.found().error))
        finally:
            session.progress.end()
        if found.error is not None:
            name = self.parent.name if self.parent is not None else ""
            again = f"{name} is an error: see above."
            self.stop(found.error if session.first_time(found.error) else again)
        return found

    def _stop_with(self, result: CheckResult, others: Any) -> NoReturn:
        """Fail with what there is to say; what belongs to no item alone is said once."""
        session, one = self.config.stash[KEY], view(result, others)
        text, last = one.of_item(self.name), "\n".join(one.last)
        if self.name == result.whole:
            session.first_time(text)
            session.in_full.add(self.key)
        elif not result.whole and last and session.first_time(last):
            text = f"{text}\n{last}"
        self.stop(text)

    def stop(self, text: str) -> NoReturn:
        """Fail, or in setup err, in the gate's own words and without a traceback."""
        from pytest_bootgate.reports.clean import clean

        self.note_shown()
        _, line, _ = self.reportinfo()
        pytest.fail(f"{self.path.name}:{(line or 0) + 1}: {clean(text)}", pytrace=False)

    def remark(self, text: str) -> None:
        """Warn of what passes; where the user made these warnings errors, fail as `stop` does."""
        try:
            warnings.warn(BootgateWarning(text), stacklevel=2)
        except BootgateWarning:
            self.stop(f"warn: {text}")

    def note_shown(self) -> None:
        """Note that this item shows its verdict, whichever it is."""
        self.gate.note_shown(self.asked.profile, self.asked.target, self.name)


def note(session: Session, items: Sequence[pytest.Item]) -> None:
    """Remember what is to be booted, and in which order."""
    ours = [item for item in items if isinstance(item, CheckItem)]
    session.selected = list(dict.fromkeys(item.key for item in ours))
    for gate in session.gates.values():
        chosen = dict.fromkeys(item.asked for item in ours if item.gate is gate)
        gate.awaited = [*chosen] or gate.plan.own


def goes_on(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Whether the gate of an item keeps the machine for the item that follows."""
    gate_file = isinstance(item, CheckItem) and isinstance(following, CheckItem)
    return gate_file and following is not None and item.path == following.path


def _check(request: pytest.FixtureRequest) -> None:
    """What pytest calls for every item: the item judges itself."""
    request.node.note_shown()
    request.node.check()
