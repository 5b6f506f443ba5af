"""Fixtures for those who write Python: the same machinery as the gate file's own items."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_bootgate.pytest_plugin.planned import timed_out
from pytest_bootgate.pytest_plugin.session import KEY, Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_bootgate.records.result import TargetResult
    from pytest_bootgate.run import Gate

#: The fixtures whose tests boot something.
_RUNNERS = ("isolated_runner", "main_runner")
TARGET_FIXTURES = (*_RUNNERS, "session_target", "gate_target", "boot_gate")
#: The marker of all that boots.
MARKER = "bootgate"


@dataclass(frozen=True)
class SessionTarget:
    """A session target of a gate file on one profile, ready to be booted."""

    file: Path
    name: str
    profile: str


class BootGate:
    """Boots targets and judges how the boots went."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def result(self, target: SessionTarget) -> TargetResult:
        """Boot a target, or recall its boots, without judging. Never raises for a bad boot.

        The test has what the gate found, so for ``--bootgate-require`` the target is judged.
        """
        from pytest_bootgate.errors import BootgateError

        if not isinstance(target, SessionTarget):
            pytest.fail(
                f"boot_gate boots a target, not {target!r}: give it the fixture session_target,"
                " isolated_runner or main_runner.",
                pytrace=False,
            )
        gate = self._session.gate(target.file)
        if elsewhere := gate.plan.elsewhere_of(target.profile, target.name):
            pytest.skip(elsewhere)
        try:
            self._session.claim(target.file)
        except BootgateError as error:
            pytest.fail(str(error), pytrace=False)
        try:
            found = gate.result(target.profile, target.name)
        except pytest.fail.Exception as error:  # pytest-timeout's signal, in the midst of a boot
            found = gate.result(target.profile, target.name)
            pytest.fail(timed_out(error, found.error), pytrace=False)
        finally:
            self._session.progress.end()
        gate.note_shown(target.profile, target.name)
        return found

    def check(self, target: SessionTarget) -> TargetResult:
        """Boot a target and fail the test unless its task started.

        A verdict of ``warn`` or ``inconclusive`` is a `BootgateWarning`; a target that the gate
        file leaves out skips the test. Returns the result with all boots.
        """
        __tracebackhide__ = True
        result = self.result(target)
        if result.left_out is not None:
            pytest.skip(f"{target.name} is left out by the gate file: {result.left_out}")
        if result.verdict in ("fail", "error"):
            from pytest_bootgate.pytest_plugin.contrast import contrast
            from pytest_bootgate.reports.clean import clean
            from pytest_bootgate.reports.failure import failure

            others = contrast(self._session, target.file, result)
            self._session.progress.end()
            text = f"{target.file.name}: {target.name}: {result.verdict}"
            pytest.fail(clean(f"{text}\n{failure(result, others)}"), pytrace=False)
        if result.judgement is not None:
            from pytest_bootgate.errors import BootgateWarning

            for finding in result.judgement.findings:
                warnings.warn(BootgateWarning(f"{target.name}: {finding.text}"), stacklevel=2)
        return result


@pytest.fixture(scope="session")
def boot_gate(pytestconfig: pytest.Config) -> BootGate:
    """Boots and judges: ``boot_gate.check(isolated_runner)``."""
    return BootGate(pytestconfig.stash[KEY])


@pytest.fixture
def isolated_runner(request: pytest.FixtureRequest) -> SessionTarget:
    """The target ``isolated`` of the nearest gate file, on its first profile."""
    return _target(request, "isolated")


@pytest.fixture
def main_runner(request: pytest.FixtureRequest) -> SessionTarget:
    """The target ``main`` of the nearest gate file, on its first profile."""
    return _target(request, "main")


@pytest.fixture
def gate_target(request: pytest.FixtureRequest) -> Callable[..., SessionTarget]:
    """A target of the nearest gate file by its name: ``gate_target("nightly")``.

    On the first profile of this run, unless one is named: ``gate_target("nightly", "small")``.
    """

    def target(name: str, profile: str | None = None) -> SessionTarget:
        return _target(request, name, profile)

    return target


@pytest.fixture
def session_target(request: pytest.FixtureRequest) -> SessionTarget:
    """Every target of the nearest gate file in turn, on every profile of this run."""
    target: SessionTarget = request.param
    return target


def _target(request: pytest.FixtureRequest, name: str, profile: str | None = None) -> SessionTarget:
    path = _nearest(request.config, request.path)
    gate = _gate(request.config, path)
    if name not in gate.plan.file.targets:
        pytest.fail(
            f"{path} has no target {name!r}; it has {', '.join(gate.plan.file.targets)}."
            " Use the fixture gate_target for targets by other names.",
            pytrace=False,
        )
    profiles = gate.plan.profile_names
    if profile is not None and profile not in profiles:
        pytest.fail(
            f"{path} has no profile {profile!r} in this run; it has {', '.join(profiles)}.",
            pytrace=False,
        )
    if len(gate.plan.loaded.varied) > 1:
        pytest.fail(
            f"{path} has `vary`, and this would be {name} at its first value only. Use the fixture"
            " session_target, which is every value in turn.",
            pytrace=False,
        )
    return SessionTarget(path, name, profile or profiles[0])


def parametrize_targets(metafunc: pytest.Metafunc) -> None:
    """Run a test for every target of its gate file."""
    path = _nearest(metafunc.config, metafunc.definition.path)
    gate = _gate(metafunc.config, path)
    targets = [SessionTarget(path, target, profile) for profile, target in gate.plan.pairs]
    ids = [gate.plan.label(t.profile, t.name) for t in targets]
    metafunc.parametrize("session_target", targets, ids=ids, indirect=True)


def plan_test(item: pytest.Item) -> None:
    """Note which gate a test boots, and give it the time it needs, unless its author did."""
    item.add_marker(MARKER)
    from pytest_bootgate.pytest_plugin.planned import plan_item

    try:
        path = _nearest(item.config, item.path)
        gate = _gate(item.config, path)
    except pytest.UsageError:
        return  # the fixture will say so
    plan_item(item, gate)


def targets_of(item: pytest.Item, gate: Gate) -> list[tuple[str, str]]:
    """The (profile, target) that a test boots, as far as that is known before it runs."""
    names = getattr(item, "fixturenames", ())
    params = getattr(getattr(item, "callspec", None), "params", {})
    given = params.get("session_target")
    found = [(given.profile, given.name)] if isinstance(given, SessionTarget) else []
    own = [name.removesuffix("_runner") for name in names if name in _RUNNERS]
    found += [(gate.plan.profile_names[0], name) for name in own if name in gate.plan.file.targets]
    return found


def _gate(config: pytest.Config, path: Path) -> Gate:
    from pytest_bootgate.errors import BootgateError

    try:
        return config.stash[KEY].gate(path)
    except BootgateError as error:
        raise pytest.UsageError(str(error)) from None


def _nearest(config: pytest.Config, test: Path) -> Path:
    """The gate file of a test: the ini option's, or the nearest one upwards."""
    named = config.getini("bootgate_file")
    if named:
        return config.rootpath / str(named)
    for directory in test.parents:
        if (directory / "bootgate.yaml").is_file():
            return directory / "bootgate.yaml"
        if directory == config.rootpath:
            break
    raise pytest.UsageError(
        f"{test.name} uses a bootgate fixture, but there is no bootgate.yaml beside it or above"
        f" it up to {config.rootpath}. Write one, or set bootgate_file in the ini file."
    )
