"""pytest's hooks and options. What needs a gate file is imported when there is one."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.pytest_plugin.begin import check_places, clear, known, open_journal
from pytest_bootgate.pytest_plugin.fixtures import (
    MARKER,
    TARGET_FIXTURES,
    boot_gate,
    gate_target,
    isolated_runner,
    main_runner,
    session_target,
)
from pytest_bootgate.pytest_plugin.given import into_environment
from pytest_bootgate.pytest_plugin.ini import take
from pytest_bootgate.pytest_plugin.patience import Patience
from pytest_bootgate.pytest_plugin.planned import GATE
from pytest_bootgate.pytest_plugin.session import JUDGED, KEY, Session, is_gate_file

__all__ = ["boot_gate", "gate_target", "isolated_runner", "main_runner", "session_target"]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """What other plugins may listen to, and the hooks beside those of this module."""
    from pytest_bootgate.pytest_plugin import hooks, xdist

    pluginmanager.add_hookspecs(hooks)
    pluginmanager.register(xdist, "bootgate-xdist")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the gate."""
    from pytest_bootgate.pytest_plugin.options import add_options

    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the named gate files, so that a mistake ends the run before anything starts."""
    config.addinivalue_line("markers", f"{MARKER}: boots; `-m 'not {MARKER}'` leaves gates out")
    take(config)
    into_environment(config)
    session = config.stash[KEY] = Session(config)
    config.pluginmanager.register(Patience(session), "bootgate-patience")
    check_places(config)
    if any(config.getoption(f"bootgate_{name}") for name in ("shard", "shard_journal", "merge")):
        from pytest_bootgate.pytest_plugin.shards import begin

        begin(config)
    named = list(session.named())
    for path in named:
        _load(session, path)
    if named:
        from pytest_bootgate.pytest_plugin.header import refuse_unknown

        refuse_unknown(session)


def _load(session: Session, path: Path) -> None:
    from pytest_bootgate.errors import BootgateError

    try:
        session.gate(path)
    except BootgateError as error:
        if not session.lists:
            clear(session.config)
        raise pytest.UsageError(str(error)) from None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Which engine boots what, and why; and which gate files are left alone."""
    session = config.stash[KEY]
    if session.merges:
        from pytest_bootgate.pytest_plugin import merging

        return merging.header(session)
    named, near = list(session.named()), [] if config.getoption("bootgate") else session.near()
    if not (named or near):
        return []
    from pytest_bootgate.pytest_plugin.header import described, left_alone

    lines = [] if session.lists else [one for path in named for one in described(session, path)]
    for path in near:
        session.leave_alone(path)
        lines.append(left_alone(session, path))
    return lines


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> object:
    """From here on it is a run, and not only a list of what there is."""
    ours = session.config.stash[KEY]
    ours.ran = not ours.lists
    if not ours.merges:
        return None
    from pytest_bootgate.pytest_plugin import merging

    merging.collect(session)
    return True


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A gate file that is named, or found under --bootgate."""
    if file_path.suffix not in (".yaml", ".yml") or not is_gate_file(file_path):
        return None
    config = parent.config
    if config.getoption("bootgate") or parent.session.isinitpath(file_path):
        from pytest_bootgate.pytest_plugin.collect import GateModule

        module: pytest.Collector = GateModule.from_parent(parent, path=file_path)
        return module
    config.stash[KEY].leave_alone(file_path.resolve())
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`session_target` runs a test for every target of its gate file."""
    if "session_target" in metafunc.fixturenames:
        from pytest_bootgate.pytest_plugin.fixtures import parametrize_targets

        parametrize_targets(metafunc)


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test that boots gets the time it needs, and its gate's worker."""
    names = getattr(item, "fixturenames", ())
    if any(name in names for name in TARGET_FIXTURES):
        from pytest_bootgate.pytest_plugin.fixtures import plan_test

        plan_test(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Tell the mistakes of gate files found on the way; remember what is to be booted."""
    session = config.stash[KEY]
    if session.gates and config.getoption("bootgate_shard"):
        from pytest_bootgate.pytest_plugin.shards import deselect

        deselect(config, items)
    if session.gates:
        from pytest_bootgate.pytest_plugin.rows import counted

        with counted(config, items):
            yield
    else:
        yield
    if session.mistakes:
        raise pytest.UsageError("\n".join(session.mistakes.values()))
    if session.gates:
        from pytest_bootgate.pytest_plugin.items import note

        note(session, items)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist tells that this worker has collected
def pytest_collection_finish(session: pytest.Session) -> None:
    """A journal or report that cannot be written ends the run before anything boots.

    Not earlier: a gate file may take the result of an earlier run for its recorded baseline.
    """
    config = session.config
    ours = config.stash[KEY]
    gates = {item.nodeid: str(item.stash[GATE]) for item in session.items if GATE in item.stash}
    known(config, bool(gates))
    if ours.ran:
        clear(config)
    if gates and ours.is_worker:
        from pytest_bootgate.pytest_plugin.spread import tell

        tell(config.workerinput, gates)  # type: ignore[attr-defined]
    elif gates:
        open_journal(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Afterwards pytest-benchmark gets its rows, which it writes before all else is finished."""
    try:
        return (yield)
    finally:
        ours = session.config.stash[KEY]
        if (ours.gates or ours.from_workers) and not ours.is_worker:
            from pytest_bootgate.pytest_plugin.rows import add_rows

            add_rows(session.config)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """The gate files that only collection found."""
    session = config.stash[KEY]
    if session.lists:
        return []
    if not (session.gates or session.left_alone):
        return []
    from pytest_bootgate.pytest_plugin.header import found

    return found(session)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> None:
    """Know the timer, which stands still while its item waits for another gate."""
    item.config.stash[KEY].timer.began(item, settings)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_timeout_cancel_timer(item: pytest.Item) -> None:
    """Know that there is no timer any more."""
    item.config.stash[KEY].timer.ended()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, None, None]:
    """After the last item of a gate file in a row, and any test that booted, others may boot."""
    try:
        return (yield)
    finally:
        session = item.config.stash[KEY]
        if session.gates:
            from pytest_bootgate.pytest_plugin.items import goes_on

            if not goes_on(item, nextitem):
                session.leave()


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """What every gate found, and what makes the run red by itself."""
    session = config.stash[KEY]
    if session.gates or session.from_workers:
        whole_run = session.ran and exitstatus in JUDGED
        shown = [found for found in session.outcomes() if whole_run or found.tried]
        from pytest_bootgate.pytest_plugin.summary import show_results

        show_results(terminalreporter, session, shown)
    for text in session.informed:
        terminalreporter.write_line(text)
    if session.missing or session.uninformed:
        from pytest_bootgate.pytest_plugin.summary import show_errors

        show_errors(terminalreporter, session)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep the results: a worker hands them over, the others judge the run as a whole."""
    config = session.config
    ours = config.stash[KEY]
    ours.progress.end()
    if ours.is_worker:
        ours.close()
        from pytest_bootgate.pytest_plugin.workers import hand_over

        hand_over(ours, config.workeroutput)  # type: ignore[attr-defined]
        return
    ours.ended_early = bool(session.exitstatus == pytest.ExitCode.INTERRUPTED or session.shouldfail)
    if ours.concerned:
        from pytest_bootgate.pytest_plugin.finish import finish

        try:
            finish(session)
        except KeyboardInterrupt:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
            ours.missing.append("interrupted before all was written: reports may be missing")


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    """Which engine and which images stand behind the rows of the gate."""
    if results := config.stash[KEY].results():
        machine_info["bootgate"] = [
            {
                "file": result.file,
                "engine": result.engine,
                "releases": {n: r.identity or r.image for n, r in result.releases.items()},
                **({"shard": result.shard.words} if result.shard is not None else {}),
            }
            for result in results
        ]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind, also where the session never began."""
    if (ours := config.stash.get(KEY, None)) is not None:
        ours.close()
        ours.end()
