"""What a run must have judged before it may pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bootgate.records.result import GateResult, Unjudged
from pytest_bootgate.reports.unjudged import item_name, paragraph

if TYPE_CHECKING:
    from pytest_bootgate.pytest_plugin.session import Session

_DESELECTED = "deselected by -k, -m, --deselect or a node id, skipped"


def require(session: Session, status: int) -> None:
    """Find out what was not judged, where the run must not pass without it.

    `status` is the one with which pytest would end. Where it passes no item failed, so that a
    verdict may have gone unseen; where it is not among `JUDGED`, pytest itself says why.
    """
    from pytest_bootgate.pytest_plugin.session import FINISHED, JUDGED, PASSING

    if session.merges:
        return  # what is missing is known from the beginning
    if session.gates or session.from_workers:
        _whole(session, ended=session.ended_early or status not in FINISHED)
        if status in PASSING and not session.missing:
            _seen(session)
    elif session.required or session.config.getoption("bootgate_set"):
        asked = "--bootgate-require" if session.required else "--bootgate-set"
        session.missing.append(f"{asked}: {_no_gate(session)}")
    if status not in JUDGED:
        session.missing.clear()


def _no_gate(session: Session) -> str:
    everywhere = session.config.getoption("bootgate")
    for path in () if everywhere else session.near():
        session.leave_alone(path)
    left_alone = [str(session.shown(path)) for path in session.left_alone]
    return no_gate(left_alone, everywhere=everywhere, lost=session.lost_results)


def _whole(session: Session, *, ended: bool) -> None:
    if not (session.required or session.lost_workers or ended):
        return
    outcomes = session.outcomes()
    reason = why(ended_early=ended, lost_workers=session.lost_workers)
    session.insufficient = insufficient(outcomes, reason, lost=session.lost_results)
    if session.required or session.lost_workers:
        asked = "--bootgate-require: " if session.required else ""
        for file, text in session.insufficient.items():
            session.missing.append(f"{asked}{session.shown(Path(file))}: {text}")
    else:
        # pytest says that the run ended early: it must not look green, and a red one stays so.
        failed = {r.file for r in outcomes if r.tried and r.verdict in ("fail", "error")}
        kept = {f: t for f, t in session.insufficient.items() if f not in failed}
        session.insufficient = kept
    for path, gate in session.gates.items():
        gate.error = session.insufficient.get(str(path))


def _seen(session: Session) -> None:
    for result in session.results():
        if text := unseen(result):
            session.missing.append(f"{session.shown(Path(result.file))}: {text}")


def why(*, ended_early: bool, lost_workers: bool) -> str:
    """Why something may not have been judged, as far as pytest knows."""
    if lost_workers:
        return f"{_DESELECTED}, or lost with a pytest-xdist worker that died"
    return "the run ended early" if ended_early else f"{_DESELECTED}, or asked for by no test"


def no_gate(left_alone: Sequence[str], *, everywhere: bool, lost: bool) -> str:
    """That there was no gate, and how to get one.

    `everywhere`: all that are found are booted; `lost`: results did not come back.
    """
    if lost:
        return "no gate sent a result before the run ended"
    if left_alone:
        found = f"no gate was collected; {', '.join(left_alone)} found but not selected"
    else:
        found = "no gate was collected; no bootgate.yaml or NAME.bootgate.yaml was found"
    return f"{found}: name a gate file" + ("" if everywhere else ", or add --bootgate")


def settled(outcomes: Sequence[GateResult]) -> list[GateResult]:
    """The results of all processes: one for each run that booted something, or for none.

    What one worker of pytest-xdist did not judge, another one may have.
    """
    kept = []
    for group in _by_file(outcomes):
        tried = [result for result in group if result.tried] or group[:1]
        kept += [replace(result, unjudged=_by_none(tried)) for result in tried]
    return kept


def insufficient(results: Sequence[GateResult], why: str, *, lost: bool) -> dict[str, str]:
    """For each gate file that was not judged as a whole, by settled results: what is missing."""
    return {
        group[0].file: _of_shard(group[0]) + paragraph(group, why, lost=lost)
        for group in _by_file(results)
        if group[0].unjudged or not any(_measured(result) for result in group)
    }


def _of_shard(result: GateResult) -> str:
    return f"{result.shard.words}; " if result.shard is not None else ""


def unseen(result: GateResult) -> str:
    """What would fail the run, had its verdict been asked for; empty where nothing would.

    A gate of which every target is left out has none to ask for, and has measured nothing.
    """
    whole = result.shard is None
    if whole and result.tried and not _measured(result) and not result.unjudged:
        return paragraph([result], "")
    failed = {
        (found.profile, found.target, item)
        for found in result.checks
        for item in found.items
        if found.verdict_of(item) in ("fail", "error")
    }
    items = [u for u in result.unjudged if u.booted and (u.profile, u.target, u.item) in failed]
    names = ", ".join(dict.fromkeys(item_name(u, result) for u in items))
    return f"failed, but the item that reports it did not run: {names}" if items else ""


def _measured(result: GateResult) -> bool:
    """Whether anything was: a gate file may leave out all its targets."""
    return any(found.left_out is None for found in result.checks)


def _by_file(results: Sequence[GateResult]) -> list[list[GateResult]]:
    files: dict[str, list[GateResult]] = {}
    for result in results:
        files.setdefault(result.file, []).append(result)
    return list(files.values())


def _by_none(results: Sequence[GateResult]) -> tuple[Unjudged, ...]:
    """What none of several results of one gate file judged; booted is what any of them booted."""
    first, *others = ({(u.target, u.profile, u.item): u for u in r.unjudged} for r in results)
    return tuple(
        replace(one, booted=one.booted or any(other[key].booted for other in others))
        for key, one in first.items()
        if all(key in other for other in others)
    )
