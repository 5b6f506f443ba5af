"""A run that boots nothing: it makes one result of the results of shards, and reports that.

It goes the way of any run from there on: the same items, summary, reports, notices and exit status.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.engines.clock import REAL
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.pytest_plugin.collect import GateModule
from pytest_bootgate.pytest_plugin.items import CheckItem, _check
from pytest_bootgate.pytest_plugin.listeners import mask_of
from pytest_bootgate.pytest_plugin.places import asked_for, clear
from pytest_bootgate.pytest_plugin.session import KEY, Session
from pytest_bootgate.records.boot_events import BootBegan, BootEnded, BootEvent, BootKey
from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.events import Event, RunBegan, RunEnded, VerdictGiven
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.reports.formats.cases import line_of
from pytest_bootgate.run.merge import merge


def begin(config: pytest.Config) -> None:
    """Read and merge the results. Raises `pytest.UsageError` where there is none of a shard."""
    session = config.stash[KEY]
    base = config.invocation_params.dir
    paths = [base / name for name in session.merges]
    if config.getoption("bootgate_shard"):
        raise pytest.UsageError("--bootgate-shard is for a run that boots. Leave it out here.")
    read = {path.resolve() for path in paths}
    for place in asked_for(config):
        if place.path.resolve() in read:
            raise pytest.UsageError(
                f"{place.option}: {session.shown(place.path)} is the result of a shard. Name"
                " another path."
            )
    for option, value in (("dist", "no"), ("tx", []), ("numprocesses", None)):
        if hasattr(config.option, option):
            setattr(config.option, option, value)  # there is nothing to distribute
    try:
        found = merge([session.shown(path) for path in paths])
    except BootgateError as error:
        clear(config)  # nobody must take an earlier report for the one that is not made
        raise pytest.UsageError(f"bootgate merge: {error}") from None
    session.from_workers = [result for result, _ in found]
    session.merged = {result.file: shard for result, shard in found}


def header(session: Session) -> list[str]:
    """What is merged."""
    numbers = [", ".join(str(p.number) for p in r.shards) for r in session.from_workers]
    return [
        f"bootgate: {session.shown(Path(result.file))}: merged from shards {which}; nothing is"
        " booted"
        for which, result in zip(numbers, session.from_workers, strict=True)
    ]


def collect(run: pytest.Session) -> None:
    """The items of the merged results, instead of what pytest would find."""
    config = run.config
    run.items = [
        item
        for result in config.stash[KEY].from_workers
        for item in run.genitems(_Module.of(run, result))
    ]
    config.hook.pytest_collection_modifyitems(session=run, config=config, items=run.items)
    config.hook.pytest_collection_finish(session=run)
    run.testscollected = len(run.items)


class _Module(GateModule):
    """A gate file, which need not be here."""

    result: GateResult

    @classmethod
    def of(cls, run: pytest.Session, result: GateResult) -> _Module:
        module: _Module = cls.from_parent(run, path=Path(result.file))
        module.result = result
        return module

    def collect(self) -> Iterator[Any]:
        """What was checked, in the order of the result."""
        order = list(dict.fromkeys((one.profile, one.target) for one in self.result.checks))
        checks = sorted(self.result.checks, key=lambda one: order.index((one.profile, one.target)))
        for (profile, target), found in groupby(checks, lambda one: (one.profile, one.target)):
            name = self.result.label(target, profile)
            yield _Node.from_parent(self, name=name, checks=list(found))


class _Node(pytest.Collector):
    """What was checked, on a profile."""

    def __init__(self, *, checks: Sequence[CheckResult], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._checks = checks

    def collect(self) -> Iterator[MergedItem]:
        """The items of each check, in its order."""
        for found in self._checks:
            yield from (MergedItem.showing(self, found, name) for name in found.items)


class MergedItem(CheckItem):
    """An item of a check that a shard carried out."""

    result: GateResult
    _found: CheckResult

    @classmethod
    def showing(cls, parent: pytest.Collector, found: CheckResult, name: str) -> MergedItem:
        """The item by which a check is shown."""
        item: MergedItem = cls.from_parent(parent, name=name, callobj=_check)
        module = item.getparent(_Module)
        assert module is not None
        item.result, item._found = module.result, found
        return item

    @property
    def key(self) -> tuple[Path, str, str]:
        """Gate file, profile and the name of the check."""
        return self.path.resolve(), self._found.profile, _name(self._found)

    @property
    def line(self) -> int:
        """The line of the gate file that this item stands for, from 1."""
        return line_of(self.result, self._found.target, self.name)

    def found(self) -> CheckResult:
        """What its shard found."""
        return self._found

    def outcome(self) -> GateResult:
        """What was merged of its gate file."""
        return self.result

    def beside(self, result: CheckResult) -> Sequence[TargetResult]:
        """The targets beside which a failure is told, whichever shard booted them."""
        return self.result.beside(result) if isinstance(result, TargetResult) else ()

    def note_shown(self) -> None:
        """All that was judged is judged; what no shard showed makes the result an error."""


def _name(found: CheckResult) -> str:
    """What the journal calls its verdict."""
    return found.target if found.kind == WHOLE else f"{found.target}{found.suffix}"


# -- once for the whole gate -------------------------------------------------------------------


def conclude(session: Session) -> None:
    """Say why a gate is not whole, find out who is to be told, and keep all in the journal."""
    for result in session.from_workers:
        if result.error is not None:
            file = session.shown(Path(result.file))
            session.missing.append(f"bootgate merge: {file}: {result.error}")
        _look_up(session, result)
        known: dict[str, bool] = {}
        try:
            for event in _events(result):
                if not isinstance(event, BootEvent):
                    session.hear(event)
                elif not known.get(event.boot.id, session.open_journal().knows(event.boot.id)):
                    known[event.boot.id] = False
                    session.open_journal().hear(event)  # listeners heard of it when it happened
        except BootgateError as error:
            session.unheard_of_workers.append(mask_of(session, result.file).text(str(error)))


def _look_up(session: Session, result: GateResult) -> None:
    """Find out who is to be told; a gate file that is not that of the shards may name others."""
    from pytest_bootgate.gatefile import load
    from pytest_bootgate.gatefile.digest import parts

    shard = session.merged[result.file]
    if not (names := shard.notifies):
        return
    try:
        loaded = load(Path(result.file))
        differs = parts(loaded)["notify"] != shard.parts.get("notify")
        why = "it names others than the gate file of the shards" if differs else ""
        session.notify_of_workers[result.file] = {} if differs else loaded.gate.notify
    except BootgateError as error:
        why = str(error)
    if why:
        session.uninformed.append(
            f"{', '.join(names)} could not be notified: the gate file"
            f" {session.shown(Path(result.file))} is needed here for that, and cannot be used:"
            f" {why}. Merge where it is, with the environment variables of the shards."
        )


def _events(result: GateResult) -> Iterator[Event]:
    """What a run that boots everything would have told of it, as far as results have it."""
    first = min((b.wall for c in result.checks for b in c.boots if b.wall), default=REAL.wall())
    yield RunBegan(run=result.run, wall=first, result=result)
    for check in result.checks:
        for boot in check.boots:
            if boot.id and not boot.recorded:
                yield from _of_boot(boot, check, result)
        yield VerdictGiven(
            run=result.run,
            wall=REAL.wall(),
            profile=check.profile,
            target=_name(check),
            verdict=check.verdict,
            findings=check.findings,
            error=check.error,
        )
    yield RunEnded(run=result.run, wall=REAL.wall(), result=result)


def _of_boot(boot: Boot, check: CheckResult, result: GateResult) -> Iterator[Event]:
    key = BootKey(
        id=boot.id,
        run=result.run,
        target=boot.target,
        release=boot.release,
        profile=boot.profile,
        start=boot.start,
        number=boot.number,
        attempt=boot.attempt,
        during="campaign" if check.kind == WHOLE else check.kind,
    )
    began = boot.wall or REAL.wall()
    yield BootBegan(boot=key, wall=began)
    yield BootEnded(boot=key, wall=began + boot.ended, at=boot.ended, measured=boot)
