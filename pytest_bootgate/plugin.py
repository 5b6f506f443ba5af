"""pytest's hooks and options. What needs a gate file is imported when there is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_bootgate.door.fixtures import (
    TARGET_FIXTURES,
    boot_gate,
    isolated_runner,
    main_runner,
    session_target,
)
from pytest_bootgate.door.session import JUDGED, KEY, PASSING, Session, is_gate_file

if TYPE_CHECKING:
    from pytest_bootgate.result import GateResult

__all__ = ["boot_gate", "isolated_runner", "main_runner", "session_target"]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """What other plugins may listen to."""
    from pytest_bootgate.door import hooks

    pluginmanager.add_hookspecs(hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the gate."""
    group = parser.getgroup("bootgate", "gate upgrades by booting both releases")
    group.addoption(
        "--bootgate",
        action="store_true",
        help="boot every gate file that is found (bootgate.yaml, NAME.bootgate.yaml), not only"
        " those named on the command line",
    )
    group.addoption(
        "--bootgate-require",
        action="store_true",
        help="fail unless there was a gate, and each of its targets was booted and judged",
    )
    group.addoption(
        "--bootgate-engine",
        default="auto",
        metavar="ENGINE",
        help="where boots happen: docker, process, or auto (default): docker where an engine"
        " answers and images are given, else process where commands are",
    )
    group.addoption(
        "--bootgate-boots",
        type=_boots,
        metavar="N",
        help="measured boots of each release and target, instead of the gate file's: N, or"
        " LEAST..MOST",
    )
    group.addoption(
        "--bootgate-host",
        action="append",
        metavar="PROFILE",
        help="a host profile of the gate file (repeatable); by default all but those on request",
    )
    group.addoption(
        "--bootgate-json", type=Path, metavar="FILE", help="write the complete result as JSON"
    )
    group.addoption(
        "--bootgate-html", type=Path, metavar="FILE", help="write what was found as one HTML page"
    )
    group.addoption(
        "--bootgate-journal",
        type=Path,
        metavar="PATH",
        help="where boots, events and verdicts are kept (SQLite; by default .bootgate/journal.db"
        " below the rootdir)",
    )
    group.addoption(
        "--bootgate-report",
        action="append",
        type=_report,
        metavar="FORMAT=PATH",
        help="write the result in another format (repeatable): junit, github, gitlab, openmetrics,"
        " prometheus, bencher, benchmark-action, ctrf, otel",
    )
    parser.addini("bootgate_file", "the gate file of the fixtures, relative to the rootdir")
    parser.addini("bootgate_require", "as --bootgate-require", type="bool", default=False)


def _boots(text: str) -> Any:
    from pytest_bootgate.gatefile.quantities import Boots

    try:
        return Boots.parse(text)
    except ValueError as error:
        import argparse

        raise argparse.ArgumentTypeError(str(error)) from None


def _report(text: str) -> str:
    from pytest_bootgate.reports.formats import parse

    try:
        parse(text)
    except ValueError as error:
        import argparse

        raise argparse.ArgumentTypeError(str(error)) from None
    return text  # what it means cannot be sent to a worker of pytest-xdist


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the named gate files, so that a mistake ends the run before anything starts."""
    session = config.stash[KEY] = Session(config)
    if _writes(config):
        from pytest_bootgate.door.publish import check

        check(config)
    named = list(session.named())
    for path in named:
        _load(session, path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One worker of pytest-xdist for each gate file; its own ways would spread the items."""
    booting = any(config.stash[KEY].named()) or config.getoption("bootgate")
    if any(config.stash[KEY].named()):
        _open_journal(config)  # here, because a worker could not make it a usage error
    if not booting or config.getoption("dist") in ("each", "loadfile"):
        return None
    from pytest_bootgate.door.distribute import GateScheduling

    return GateScheduling(config, log)


def _load(session: Session, path: Path) -> None:
    from pytest_bootgate.errors import BootgateError

    try:
        session.gate(path)
    except BootgateError as error:
        if not session.config.getoption("collectonly"):
            _clear(session.config)
        raise pytest.UsageError(str(error)) from None


def _writes(config: pytest.Config) -> bool:
    """Whether any file was asked for."""
    return any(config.getoption(f"bootgate_{name}") for name in ("json", "html", "report"))


def _clear(config: pytest.Config) -> None:
    """Nobody must take the report of an earlier run for the one that this run did not come to."""
    if _writes(config):
        from pytest_bootgate.door.publish import clear

        clear(config)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Which engine boots what, and why; and which gate files are left alone."""
    session = config.stash[KEY]
    named = list(session.named())
    lines = [] if config.getoption("collectonly") else [session.describe(path) for path in named]
    if not config.getoption("bootgate"):
        for path in session.near():
            session.leave_alone(path)
            lines.append(_left_alone(path, session))
    return lines


def _left_alone(path: Path, session: Session) -> str:
    return f"bootgate: {session.shown(path)} found and left alone (name it, or add --bootgate)"


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """From here on it is a run, and not only a list of what there is."""
    config = session.config
    config.stash[KEY].ran = not config.getoption("collectonly")
    if config.stash[KEY].ran and not config.stash[KEY].is_worker:
        _clear(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A gate file that is named, or found under --bootgate."""
    if file_path.suffix not in (".yaml", ".yml") or not is_gate_file(file_path):
        return None
    config = parent.config
    if config.getoption("bootgate") or parent.session.isinitpath(file_path):
        from pytest_bootgate.door.collect import GateModule

        module: pytest.Collector = GateModule.from_parent(parent, path=file_path)
        return module
    config.stash[KEY].leave_alone(file_path.resolve())
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`session_target` runs a test for every target of its gate file."""
    if "session_target" in metafunc.fixturenames:
        from pytest_bootgate.door.fixtures import parametrize_targets

        parametrize_targets(metafunc)


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test that boots gets the time it needs, and its gate's worker."""
    names = getattr(item, "fixturenames", ())
    if any(name in names for name in TARGET_FIXTURES):
        from pytest_bootgate.door.fixtures import plan_test

        plan_test(item)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tell the mistakes of gate files found on the way; remember what is to be booted."""
    session = config.stash[KEY]
    if session.mistakes:
        raise pytest.UsageError("\n".join(session.mistakes.values()))
    if session.gates:
        from pytest_bootgate.door.collect import GateItem

        keys = [item.key for item in items if isinstance(item, GateItem)]
        session.selected = list(dict.fromkeys(keys))


def pytest_collection_finish(session: pytest.Session) -> None:
    """A journal that cannot be written ends the run before anything boots."""
    config = session.config
    ours = config.stash[KEY]
    if ours.gates and not config.getoption("collectonly") and not ours.is_worker:
        from pytest_bootgate.door.items import boots

        if any(boots(item) for item in session.items):
            _open_journal(config)


def _open_journal(config: pytest.Config) -> None:
    from pytest_bootgate.errors import JournalError

    if config.getoption("collectonly"):
        return
    try:
        config.stash[KEY].open_journal()
    except JournalError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """The gate files that only collection found."""
    session = config.stash[KEY]
    if config.getoption("collectonly"):
        return []
    named = set(session.named())
    lines = [session.describe(path) for path in session.gates if path not in named]
    header = {config.rootpath, config.invocation_params.dir}
    lines += [_left_alone(p, session) for p in session.left_alone if p.parent not in header]
    return lines


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """What every gate found, and what makes the run red by itself."""
    session = config.stash[KEY]
    if session.gates or session.from_workers:
        whole_run = session.ran and exitstatus in JUDGED
        shown = [found for found in session.outcomes() if whole_run or found.tried]
        _show_results(terminalreporter, session, shown)
    for text in session.informed:
        terminalreporter.write_line(text)
    _show_errors(terminalreporter, session)


def _show_results(reporter: Any, session: Session, results: list[GateResult]) -> None:
    from pytest_bootgate.reports.layout import laid_out
    from pytest_bootgate.reports.terminal import summary

    told = session.told if session.config.getoption("tbstyle") != "no" else ()
    verbosity = session.config.get_verbosity()
    width = reporter._tw.fullwidth if reporter.isatty else None  # noqa: SLF001
    encoding = getattr(reporter._tw._file, "encoding", None)  # noqa: SLF001
    for result in results:
        if verbosity >= 0:
            reporter.section(f"bootgate: {session.shown(Path(result.file))}")
        lines = summary(result, told, lost=session.lost_results)
        for line in laid_out(lines, verbosity=verbosity, width=width, encoding=encoding):
            markup = {line.colour: True} if line.colour else {}
            reporter.write_line(line.text, bold=line.bold, **markup)
        if result.tried and verbosity >= 0:
            journal = session.shown(session.journal_path)
            reporter.write_line(f"journal: {journal}, run {result.run}")


def _show_errors(reporter: Any, session: Session) -> None:
    errors = [*session.uninformed, *session.missing]
    session.uninformed, session.missing = [], []
    for text in errors:
        reporter.ensure_newline()
        reporter.write_line(f"ERROR: {text}", red=True, bold=True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep the results: a worker hands them over, the others judge the run as a whole."""
    config = session.config
    ours = config.stash[KEY]
    ours.progress.end()
    if ours.is_worker:
        ours.close()
        _hand_over(ours, config.workeroutput)  # type: ignore[attr-defined]
        return
    ours.ended_early = bool(session.exitstatus == pytest.ExitCode.INTERRUPTED or session.shouldfail)
    if ours.ran:
        ours.require(session.exitstatus)
    if not _interrupted(session):
        ours.inform()
    if ours.missing or ours.uninformed:
        _red(session, "")  # the summary says what and why
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and config.getoption("no_summary"):
            _show_errors(reporter, ours)  # pytest before 9.2 leaves ours out, too
    _keep(session)


def _interrupted(session: pytest.Session) -> bool:
    """Whether somebody ended the run; -x under pytest-xdist ends it with the same status."""
    stopped = getattr(session.config.pluginmanager.get_plugin("dsession"), "shouldstop", False)
    return session.exitstatus == pytest.ExitCode.INTERRUPTED and not stopped


def _hand_over(ours: Session, output: dict[str, Any]) -> None:
    """What a worker of pytest-xdist found, for the process that knows all results."""
    output["bootgate_left_alone"] = [str(path) for path in ours.left_alone]
    if ours.gates:
        from pytest_bootgate.reports import jsonfile

        outcomes = [gate.outcome() for gate in ours.gates.values()]
        output["bootgate"] = [jsonfile.encode(result).decode() for result in outcomes]
        output["bootgate_unheard"] = ours.unheard()


def _keep(session: pytest.Session) -> None:
    """Write what was asked for, and tell what could not be heard or written."""
    config = session.config
    ours = config.stash[KEY]
    if not (ours.gates or ours.from_workers or ours.unheard_of_workers or _writes(config)):
        return
    if ours.from_workers:
        ours.correct()
    ours.close()
    results = ours.results()
    shown = {target.broken for result in results for target in result.targets}
    shown |= {upgrade.broken for result in results for upgrade in result.takeovers}
    shown |= {held.broken for result in results for held in result.silences}
    for text in ours.unheard():
        _red(session, "" if text in shown else text)
    from pytest_bootgate.door.publish import publish

    for text in publish(session):
        _red(session, text)


def _red(session: pytest.Session, text: str) -> None:
    """Make the run red, with a text unless it is shown elsewhere."""
    if session.exitstatus in PASSING:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and text:
        reporter.ensure_newline()
        reporter.write_line(f"ERROR: {text}", red=True)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """Take over what a worker of pytest-xdist found."""
    output = getattr(node, "workeroutput", {})
    if error:
        # One that was interrupted comes here twice: it had handed over what it found before.
        node.config.stash[KEY].lost_workers |= not output
        return
    node.config.stash[KEY].unheard_of_workers.extend(output.get("bootgate_unheard", ()))
    for path in output.get("bootgate_left_alone", ()):
        node.config.stash[KEY].leave_alone(Path(path))
    encoded = output.get("bootgate", ())
    if encoded:
        from pytest_bootgate.reports.jsonfile import decode

        node.config.stash[KEY].from_workers.extend(decode(text) for text in encoded)


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
            }
            for result in results
        ]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind, also where the session never began."""
    if (ours := config.stash.get(KEY, None)) is not None:
        ours.close()
