"""What is said of gate files before anything boots, and what node ids name of them."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.pytest_plugin.session import is_gate_file

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_bootgate.pytest_plugin.session import Session


def described(session: Session, path: Path) -> list[str]:
    """What the header says of a gate file: what boots it, and how long that takes."""
    return [_engine(session, path), _lasts(session, path)]


def _engine(session: Session, path: Path) -> str:
    """One line for the header: the gate file, its engine, why, and what is left out."""
    from pytest_bootgate.pytest_plugin.shards import words

    gate = session.gate(path)
    name = os.path.relpath(path, session.config.invocation_params.dir)
    try:
        engine, why = gate.engine()
        chosen = f"engine {engine.name} ({why})"
    except BootgateError as error:
        chosen = f"no engine ({error})"
    left = [name for name in gate.plan.profiles if name not in gate.plan.profile_names]
    profiles = (
        f", profiles {', '.join(gate.plan.profile_names)}" if len(gate.plan.profiles) > 1 else ""
    )
    asked = f" (without {', '.join(left)}: --bootgate-profile)" if left else ""
    if gate.plan.file.vary and not [*gate.plan.growing]:
        asked += f"; growth with {', '.join(gate.plan.file.vary)} is not judged at one value"
    return f"bootgate: {name}: {chosen}{profiles}{asked}{words(gate)}"


def _lasts(session: Session, path: Path) -> str:
    """How long the whole gate takes; noted for the line that says how much of it is left."""
    from pytest_bootgate.journal.history import history
    from pytest_bootgate.reports.progress import expectation
    from pytest_bootgate.run.expected import well

    gate = session.gate(path)
    least = well(gate.plan)
    engine = gate.outcome().engine
    known = history(session.journal_path, gate.plan.loaded.path, engine, least[0])
    gate.took = known.checks
    name = os.path.relpath(path, session.config.invocation_params.dir)
    return f"bootgate: {name}: {expectation(known, least, gate.plan.budget())}"


def found(session: Session) -> list[str]:
    """The same of gate files that only collection found."""
    config, named = session.config, set(session.named())
    header = {config.rootpath, config.invocation_params.dir}
    lines = [one for path in session.gates if path not in named for one in described(session, path)]
    alone = [path for path in session.left_alone if path.parent not in header]
    return lines + [left_alone(session, path) for path in alone]


def left_alone(session: Session, path: Path) -> str:
    """That a gate file was found and is not booted."""
    shown = session.shown(path)
    return f"bootgate: {shown} found but not selected (name it, or add --bootgate)"


def refuse_unknown(session: Session) -> None:
    """Raises `pytest.UsageError` where a node id names what its gate file does not have."""
    base = session.config.invocation_params.dir
    for arg in session.config.args:
        name, *node = str(arg).split("::")
        if not node or not is_gate_file(path := base / name) or not path.is_file():
            continue
        plan = session.gate(path).plan
        items: dict[str, list[str]] = {}
        for check in plan.checks:
            items.setdefault(plan.label(check.profile, check.target), []).extend(check.items)
        target, item = node[0], "::".join(node[1:])
        if target not in items:
            raise pytest.UsageError(_none(f"target {target!r}", target, items, name))
        if item and item not in items[target]:
            where = f"{name}::{target}"
            raise pytest.UsageError(_none(f"item {item!r}", item, items[target], where))


def _none(what: str, name: str, known: Collection[str], where: str) -> str:
    near = difflib.get_close_matches(name, known, 1)
    meant = f"did you mean {near[0]!r}? It" if near else "it"
    return f"There is no {what} in {where}: {meant} has {', '.join(known)}."
