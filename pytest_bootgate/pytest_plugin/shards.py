"""A run that boots one share of its gates: what is left to the other shards, and what is not done.

A shard gives no verdict on a gate, so it tells nobody of one and is never what is required.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_bootgate.pytest_plugin.fixtures import targets_of
from pytest_bootgate.pytest_plugin.items import CheckItem
from pytest_bootgate.pytest_plugin.planned import GATE
from pytest_bootgate.pytest_plugin.session import KEY
from pytest_bootgate.records.shard import parse
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.run.shards import Sharing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bootgate.records.result import GateResult
    from pytest_bootgate.run import Gate
    from pytest_bootgate.run.check import AnyCheck


def sharing(config: pytest.Config, path: Path) -> Sharing | None:
    """Which share of a gate file a run boots, None where it is no shard. Raises `JournalError`."""
    if (asked := config.getoption("bootgate_shard")) is None:
        return None
    number, of = parse(asked)
    inside = path.is_relative_to(config.rootpath)
    name = path.relative_to(config.rootpath).as_posix() if inside else path.name
    history = {}
    if (journal := _journal(config)) is not None:
        from pytest_bootgate.journal import files, queries

        with files.reading(journal) as kept:
            history = queries.took(kept, name)
    return Sharing(number, of, name, history)


def _journal(config: pytest.Config) -> Path | None:
    named: Path | None = config.getoption("bootgate_shard_journal")
    return None if named is None else config.invocation_params.dir / named


def begin(config: pytest.Config) -> None:
    """Begin a run of a shard, or one that merges. Raises `pytest.UsageError` where it cannot."""
    _check(config)
    if config.stash[KEY].merges:
        from pytest_bootgate.pytest_plugin import merging

        merging.begin(config)


def _check(config: pytest.Config) -> None:
    """Raises `pytest.UsageError` for options that do not go together."""
    session, asked = config.stash[KEY], config.getoption("bootgate_shard")
    journal = _journal(config)
    if asked is None:
        if journal is not None:
            raise pytest.UsageError(
                "--bootgate-shard-journal: it weighs the shares of --bootgate-shard, which is"
                " missing. Add it, or leave both out."
            )
        return
    if session.required:
        number, of = parse(asked)
        raise pytest.UsageError(
            f"--bootgate-require: shard {number} of {of}, not a whole gate. Leave the option out"
            " of the shards (where the ini file has it: -o bootgate_require=false); `bootgate"
            " merge` requires the whole gate."
        )
    if journal is not None and journal.resolve() == session.journal_path.resolve():
        raise pytest.UsageError(
            f"--bootgate-shard-journal: this run writes into {session.shown(journal)}, so the next"
            " shard would be planned from another history. Give all shards one copy of it."
        )


def words(gate: Gate) -> str:
    """What the header adds for a gate of which this run boots a share."""
    sharing = gate.plan.sharing
    if sharing is None:
        return ""
    own = dict.fromkeys(gate.plan.label(c.profile, c.target) for c in gate.plan.own)
    share = f"shard {sharing.number} of {sharing.of}, not a whole gate"
    return f"; {share}: {', '.join(own) or 'nothing to boot'}"


def deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to the other shards what they boot. Raises `pytest.UsageError` for what none can."""
    gates = config.stash[KEY].gates
    own: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        gate = gates.get(item.stash.get(GATE, Path()))
        checks = [] if gate is None or gate.plan.sharing is None else _checks(item, gate)
        if gate is not None and len(shards := {gate.plan.shards[one] for one in checks}) > 1:
            raise pytest.UsageError(
                f"{item.nodeid} uses targets of the shards {', '.join(map(str, sorted(shards)))},"
                " so none of them can run it. Deselect it here (--deselect), and run it without"
                " --bootgate-shard."
            )
        foreign = gate is not None and any(gate.plan.elsewhere(one) for one in checks)
        (others if foreign else own).append(item)
    if others:
        items[:] = own
        config.hook.pytest_deselected(items=others)


def _checks(item: pytest.Item, gate: Gate) -> list[AnyCheck]:
    """What an item boots, as far as that is known before it runs."""
    if isinstance(item, CheckItem):
        return [item.asked]
    return [gate.plan.check(WHOLE, *key) for key in targets_of(item, gate)]


def nothing_to_boot(results: Sequence[GateResult]) -> bool:
    """Whether this shard has no share in any gate, of which there are fewer checks than shards."""
    return bool(results) and all(r.shard is not None and not r.shard.own for r in results)
