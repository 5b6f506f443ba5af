"""Marks that boots should have shown and did not, although their task started."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_bootgate.records.retry import made, which
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import Finding


def missing_marks(boots: Sequence[Boot]) -> list[Finding]:
    """What the candidate's boots lack that started, phase by phase.

    A mark that no boot shows is the gate file's mistake, one that only the baseline shows is the
    candidate's, and one that comes and goes measures nothing.
    """
    own = [b for b in boots if b.release == "candidate" and b.started]
    before = [b for b in boots if b.release == "baseline" and b.started]
    found = []
    for name in dict.fromkeys(p.name for b in own for p in b.phases if not p.optional):
        without = [boot for boot in own if not _shows(boot, name)]
        if not without:
            continue
        seen = sum(_shows(boot, name) for boot in before)
        if len(without) < len(own) or 0 < seen < len(before):
            text = "{} started, but the mark of this phase never appeared" + hint(without[0], name)
            found += [Finding("error", name, text.format(which(boot))) for boot in without]
        elif seen:
            text = (
                f"the candidate no longer shows this mark: seen in none of its {made(own)} that"
                f" started, and in all {made(before)} of the baseline{hint(own[0], name)}"
            )
            found.append(Finding("fail", name, text, kind="lost-mark"))
        elif not before and any(boot.release == "baseline" for boot in boots):
            text = (
                f"no boot of the candidate showed the mark of this phase, although {made(own)}"
                f" started, and none of the baseline started{hint(own[0], name)}"
            )
            found.append(Finding("error", name, text))
        else:
            whose = "neither release" if before else "no boot"
            text = (
                f"{whose} showed the mark of this phase, although {made([*own, *before])}"
                f" started: correct its probe in the gate file{hint(own[0], name)}"
            )
            found.append(Finding("error", name, text, kind="unseen"))
    return found


def hint(boot: Boot, phase: str) -> str:
    """What of a boot comes nearest to a mark that it did not show, as the end of a sentence."""
    lines, answer = boot.nearest.get(phase, ()), boot.answers.get(phase)
    if answer is not None and answer not in boot.detail:
        return f" (last answer: {answer})"
    if lines and lines[0] not in boot.detail:
        return f" (nearest: {' / '.join(map(repr, lines))})"
    return ""


def _shows(boot: Boot, name: str) -> bool:
    phase = boot.phase(name)
    return phase is None or phase.at is not None
