"""The items of a gate file: what each check is shown by."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_bootgate.errors import BootgateError, BootgateWarning
from pytest_bootgate.pytest_plugin.contrast import contrast
from pytest_bootgate.pytest_plugin.planned import plan_item, timed_out
from pytest_bootgate.pytest_plugin.session import KEY
from pytest_bootgate.reports.decision import reason
from pytest_bootgate.reports.views import view

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_bootgate.pytest_plugin.session import Session
    from pytest_bootgate.records.check import CheckResult
    from pytest_bootgate.records.result import GateResult, TargetResult
    from pytest_bootgate.run import Gate
    from pytest_bootgate.run.check import AnyCheck


_BELOW = "(the summary below says what happened, and what to do)"


class Brief:
    """A failure that a terminal shows in a few lines, and everything else as a whole."""

    def __init__(self, whole: Any, brief: str, why: str) -> None:
        self._whole, self._brief = whole, brief
        #: What a worker of pytest-xdist sends beside the whole text, so that it stays brief.
        self.parts = brief, why
        #: What the line of pytest's short summary says.
        self.reprcrash = SimpleNamespace(message=why)

    def __str__(self) -> str:
        return str(self._whole)

    def toterminal(self, tw: Any) -> None:
        """What pytest calls to show it."""
        first, *rest = self._brief.splitlines()
        tw.line(first, red=True, bold=True)
        for line in rest:
            tw.line(line)


class CheckItem(pytest.Function):
    """An item of a check: a function that lets the item judge."""

    gate: Gate
    asked: AnyCheck
    #: What a terminal shows of a failure whose story stands in the summary.
    _brief = _why = ""

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

    def outcome(self) -> GateResult:
        """All that was found of the gate so far."""
        return self.gate.outcome()

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
            self._leave_to_whole(result)
            self._stop_with(result, ())

    def check(self) -> None:
        """Judge: fail, warn, skip what the release does not have, or pass."""
        session, result = self.config.stash[KEY], self.found()
        name = self.parent.name if self.parent is not None else ""
        if result.left_out is not None:
            pytest.skip(f"{name} is left out by the gate file: {result.left_out}")
        if result.verdict_of(self.name) == "fail":
            self._leave_to_whole(result)
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

    def _leave_to_whole(self, result: CheckResult) -> None:
        """Skip where another item of this run fails for the same cause, and says why.

        One cause is one red item: of a boot that did not start, the phases that it never reached.
        """
        whole = next((item for item in self._all_of_check() if item.name == result.whole), None)
        found = [f for f in result.about(self.name) if f.verdict in ("fail", "error")]
        measured = result.error is None and result.measured
        if (
            whole is None
            or whole is self
            or (measured and any(f.kind != "unreached" for f in found))
        ):
            return
        self.note_shown()
        why = found[0].text if found and measured else "not measured"
        skipped = pytest.skip.Exception(f"{why}; see {whole.nodeid.partition('::')[2]}")
        skipped._use_item_location = True  # noqa: SLF001 (where pytest knows it: not of this line)
        raise skipped

    def _all_of_check(self) -> Iterator[CheckItem]:
        """The items of the same check that this run has."""
        for item in self.session.items:
            if isinstance(item, CheckItem) and item.key == self.key:
                yield item

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
            self._leave_to_whole(found)
            name = self.parent.name if self.parent is not None else ""
            again = f"{name} is an error: see above."
            self.stop(found.error if session.first_time(found.error) else again)
        return found

    def _stop_with(self, result: CheckResult, others: Any) -> NoReturn:
        """Fail with what there is to say; what belongs to no item alone is said once."""
        session, one = self.config.stash[KEY], view(result, others)
        text, last = one.of_item(self.name), "\n".join(one.last)
        if self.name == result.whole and text.count("\n") > 1:
            self._why = reason(one, self.outcome())
            self._brief = f"{text.partition(chr(10))[0]}\n{_BELOW}"
        elif not result.whole and last and session.first_time(last):
            text = f"{text}\n{last}"
        self.stop(text)

    def _repr_failure_py(self, excinfo: Any, style: Any = None) -> Any:
        """What failed, in setup as well; without its story where a summary tells it."""
        whole = super()._repr_failure_py(excinfo, style)
        option = self.config.getoption
        summary = self.config.get_verbosity() >= 0 and not option("no_summary", False)
        if not self._brief:
            return whole
        # pytest's own line of it would be the whole story again where CI is set.
        return Brief(whole, self._brief if summary else str(whole), self._why)

    def stop(self, text: str) -> NoReturn:
        """Fail, or in setup err, in the gate's own words and without a traceback."""
        from pytest_bootgate.reports.clean import clean

        self.note_shown()
        _, line, _ = self.reportinfo()
        place = f"{self.path.name}:{(line or 0) + 1}: "
        self._brief = self._brief and place + clean(self._brief)
        pytest.fail(place + clean(text), pytrace=False)

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
