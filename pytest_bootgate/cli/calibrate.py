"""``bootgate calibrate``: results in, a patch of the gate file out."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pytest_bootgate.cli.calibration.evidence import Evidence, Source, gather, measured, read, told
from pytest_bootgate.cli.calibration.proposals import Limit, Proposals, propose, spread_words
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile import GateFile, Loaded, load, patch
from pytest_bootgate.gatefile.tree import shown
from pytest_bootgate.records.values import HostFacts
from pytest_bootgate.reports.amounts import share
from pytest_bootgate.stats import thresholds
from pytest_bootgate.stats.headroom import LEAST_FOR_TAIL

#: How wide the text of a comment may be, without its indentation and `patch.MARK`.
_WIDTH = 84


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for; `again` also replaces limits that are well kept."""

    file: Path
    results: Sequence[Path]
    profile: str | None = None
    release: str = "candidate"
    again: bool = False
    write: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate calibrate`` takes."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the gate file")
    parser.add_argument(
        "results",
        nargs="+",
        type=Path,
        metavar="RESULT",
        help="what pytest FILE --bootgate-json RESULT wrote",
    )
    parser.add_argument("--profile", metavar="PROFILE", help="take the boots of one profile")
    parser.add_argument(
        "--release",
        choices=["candidate", "baseline"],
        default="candidate",
        help="take the boots of this release (default: candidate)",
    )
    parser.add_argument(
        "--all", action="store_true", help="replace limits that are there and well kept, too"
    )
    parser.add_argument("--write", action="store_true", help="change the gate file as well")


def main(options: argparse.Namespace) -> int:
    """Do what the options say; return the exit status."""
    return calibrate(
        Asked(
            file=options.file,
            results=options.results,
            profile=options.profile,
            release=options.release,
            again=options.all,
            write=options.write,
        )
    )


def calibrate(asked: Asked) -> int:
    """Print the patch on stdout and what was left out on stderr; return the exit status."""
    try:
        _calibrate(asked)
    except BootgateError as error:
        print(error, file=sys.stderr)
        return 4
    return 0


def _calibrate(asked: Asked) -> None:
    loaded = load(asked.file)
    name = shown(loaded.path)
    text = _text(asked.file)
    evidence = gather(loaded, read(asked.results), asked.release)
    proposals = propose(
        loaded,
        evidence,
        lambda *keys: patch.has(text, *keys),
        profile=asked.profile,
        again=asked.again,
    )
    for remark in proposals.remarks:
        print(f"{name}: {remark}", file=sys.stderr)
    if not proposals.limits and proposals.shares is None:
        print(f"{name}: nothing to change", file=sys.stderr)
        return
    if len(evidence.sources) == 1:
        print(
            f"{name}: all boots come from one run; results of other days, named as well, show how"
            " much the machine varies",
            file=sys.stderr,
        )
    new = _patched(text, loaded, evidence, proposals)
    _check(loaded, new, proposals)
    if asked.write:
        _write(asked.file, new)
        print(f"{name}: written", file=sys.stderr)
    _print(patch.diff(text, new, _name(asked.file)))


def _text(path: Path) -> str:
    # Not read_text, which would turn CRLF into LF.
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise BootgateError(f"{path} cannot be read: {error.strerror}.") from None


def _patched(text: str, loaded: Loaded, evidence: Evidence, proposals: Proposals) -> str:
    targets: dict[str, patch.Entries | str] = {}
    comments: dict[tuple[str, ...], list[str]] = {}
    if proposals.limits and not patch.has(text, "targets"):
        # The targets that a file names are all it has, so those of the preset are named too.
        targets = {name: {} for name in loaded.gate.targets}
    for name in dict.fromkeys(limit.target for limit in proposals.limits):
        limits = [limit for limit in proposals.limits if limit.target == name]
        targets[name] = {
            "phases": {
                limit.phase: {"limit": thresholds.written(limit.seconds)} for limit in limits
            }
        }
        kept = patch.marked(text, "targets", name)
        earlier = [line for line in kept if not _replaces(line, limits)]
        comments["targets", name] = [
            *(kept if any(line.startswith(_ITEM) for line in earlier) else ()),
            *_why_limits(limits, evidence, proposals),
        ]
    entries: dict[str, patch.Entries | str] = {}
    if targets:
        entries["targets"] = targets
    if (found := proposals.shares) is not None:
        entries["gate"] = {
            "fail_at": f"{found.fail_at * 100:.0f}%",
            "warn_at": f"{found.warn_at * 100:.0f}%",
        }
        comments["gate",] = _why_shares(evidence, proposals)
    try:
        return patch.patched(text, entries, comments)
    except patch.PatchError as error:
        raise BootgateError(
            f"{loaded.path.name} cannot be patched: {error} Write the entry out, or set the"
            " thresholds by hand:\n" + "\n".join(_by_hand(proposals))
        ) from None


_ITEM = "- "


def _replaces(line: str, limits: Sequence[Limit]) -> bool:
    return any(line.startswith(f"{_ITEM}{limit.phase}: ") for limit in limits)


def _why_limits(limits: Sequence[Limit], evidence: Evidence, proposals: Proposals) -> list[str]:
    """Where the limits of one target come from."""
    profiles = list(dict.fromkeys(limit.profile for limit in limits))
    lines = _wrapped(f"limits from boots of {_provenance(evidence, limits[0].target, profiles)}")
    if limits[0] is proposals.limits[0]:
        lines += _wrapped(
            f"A limit is the bound / warn_at ({proposals.warn_at:.0%}), rounded up."
            f" {_bound(proposals)}"
        )
    for limit in limits:
        was = f", was {thresholds.written(limit.old)}" if limit.old is not None else ""
        on = f" on {limit.profile}" if len(profiles) > 1 else ""
        lines.append(f"{_ITEM}{limit.phase}: {', '.join(spread_words(limit.spread))}{on}{was}")
    return lines


def _why_shares(evidence: Evidence, proposals: Proposals) -> list[str]:
    """Where fail_at and warn_at come from."""
    lines = _wrapped(f"fail_at and warn_at from boots of {_provenance(evidence, None, [])}")
    lines += _wrapped(f"The bound is for the next boots. {_bound(proposals)}")
    for because in proposals.because:
        lines += _wrapped(f"{_ITEM}{because}", later="  ")
    return lines


def _bound(proposals: Proposals) -> str:
    sure, boots, runs = thresholds.CONFIDENCE, thresholds.BOOTS_BELOW, thresholds.RUNS_BELOW
    what = f"{boots:.0%} of all boots"
    if proposals.run >= LEAST_FOR_TAIL:
        what += f" and, in {runs:.0%} of its runs, the gate's own bound from {proposals.run} boots"
    return f"With {sure:.0%} confidence {what} stay below it."


def _provenance(evidence: Evidence, target: str | None, profiles: Sequence[str]) -> str:
    """Of what, where and when: ``the candidate 1.1 …, docker 20.10, profile staging …``."""
    sources = [
        source
        for source in evidence.sources
        if any(
            target in (None, result.target) and measured(result, evidence.release)
            for result in source.result.targets
        )
    ]
    engines = dict.fromkeys(source.result.engine for source in sources)
    machines = dict.fromkeys(_machine(source.result.machine) for source in sources)
    names = profiles or sorted(evidence.profiles)
    files = ", ".join(_file(source) for source in sources)
    return (
        f"the {evidence.release} {told(evidence.facts)}, {' and '.join(engines)}, profile"
        f" {', '.join(names)} ({'; '.join(machines)}); {files}."
    )


def _machine(facts: HostFacts) -> str:
    return f"{facts.system}, {facts.cpus} CPUs, {facts.memory / 1024**3:.0f} GiB"


def _file(source: Source) -> str:
    """A result's file name and the day it was made."""
    return f"{source.path.name} of {source.result.at[:10]}"


def _wrapped(text: str, later: str = "") -> list[str]:
    # What a result says may hold a line break; a comment must not.
    return textwrap.wrap(" ".join(text.split()), _WIDTH, subsequent_indent=later)


def _by_hand(proposals: Proposals) -> list[str]:
    lines = [
        f"  {limit.target}.{limit.phase}: limit: {thresholds.written(limit.seconds)}"
        for limit in proposals.limits
    ]
    if (found := proposals.shares) is not None:
        lines.append(
            f"  gate: fail_at: {found.fail_at * 100:.0f}%, warn_at: {found.warn_at * 100:.0f}%"
        )
    return lines


# -- is it right? ------------------------------------------------------------------------------


def _check(loaded: Loaded, new: str, proposals: Proposals) -> None:
    """Load the new text from a file beside the old one, where all its paths lead as before."""
    path = loaded.path
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.stem}-", suffix=".yaml"
        ) as file:
            file.write(new.encode())
            file.flush()
            patched = load(Path(file.name)).gate
    except OSError as error:
        raise BootgateError(
            f"The patch could not be checked: {path.parent} takes no file beside {path.name}"
            f" ({error.strerror}). Calibrate a copy of the gate's directory."
        ) from None
    except BootgateError as error:
        mistakes = str(error)
    else:
        mistakes = _difference(loaded.gate, patched, proposals)
    if mistakes:
        raise BootgateError(
            f"This is an internal error of bootgate calibrate: with its patch {path.name} would not"
            f" be what it should be, so it is not printed:\n{mistakes}\nPlease report it; the"
            " thresholds, to be set by hand:\n" + "\n".join(_by_hand(proposals))
        )


def _difference(old: GateFile, new: GateFile, proposals: Proposals) -> str:
    """What a patch changed that it should not have, or did not change; empty if nothing."""
    if _without_thresholds(old) != _without_thresholds(new):
        return "something besides limits, fail_at and warn_at has changed"
    shares = proposals.shares
    wanted = (
        (old.gate.fail_at, old.gate.warn_at) if shares is None else (shares.fail_at, shares.warn_at)
    )
    if any(
        abs(a - b) > 1e-9 for a, b in zip(wanted, (new.gate.fail_at, new.gate.warn_at), strict=True)
    ):
        return (
            f"fail_at and warn_at would be {share(new.gate.fail_at)} and {share(new.gate.warn_at)}"
        )
    limits = {(limit.target, limit.phase): limit.seconds for limit in proposals.limits}
    for name, target in new.targets.items():
        for phase, probe in target.phases.items():
            before = old.targets[name].phases[phase].limit
            taken_over = limits.get((target.extends or "", phase))
            allowed = [limits[name, phase]] if (name, phase) in limits else [before, taken_over]
            if not any(
                probe.limit == each
                or (probe.limit is not None and each is not None and abs(probe.limit - each) < 1e-9)
                for each in allowed
            ):
                return f"the limit of {name}.{phase} would be {probe.limit}"
    return ""


def _without_thresholds(gate: GateFile) -> GateFile:
    targets = {
        name: msgspec.structs.replace(
            target,
            phases={
                phase: msgspec.structs.replace(probe, limit=None)
                for phase, probe in target.phases.items()
            },
        )
        for name, target in gate.targets.items()
    }
    rules = msgspec.structs.replace(
        gate.gate, fail_at=type(gate.gate.fail_at)(0), warn_at=type(gate.gate.warn_at)(0)
    )
    return msgspec.structs.replace(gate, targets=targets, gate=rules)


# -- out it goes -------------------------------------------------------------------------------


def _name(path: Path) -> str:
    """The name in the patch: from the current directory, else the bare one."""
    name = shown(path.absolute())
    return name.name if name.is_absolute() else name.as_posix()


def _write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        raise BootgateError(f"{path} could not be written: {error.strerror}.") from None


def _print(text: str) -> None:
    """Print as it is: a gate file is UTF-8 whatever the terminal is, and may have CRLF."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
