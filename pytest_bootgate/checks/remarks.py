"""What is to be said of boots that started: their notes, reports of failures, and early ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pytest_bootgate.records.retry import which
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE, Finding


def remarks(tried: Sequence[Boot], boots: Sequence[Boot]) -> Iterator[Finding]:
    """What is to be said of the candidate's boots that started; what many say, once."""
    own = _remarked(tried)
    before = _remarked([boot for boot in boots if boot.release == "baseline"])
    for key, (first, text, count) in own.items():
        how_many = f"{count} boots" if count > 1 else which(first)
        theirs = before.get(key)
        as_well = f" (so did {theirs[2]} of the baseline's)" if theirs is not None else ""
        yield Finding("warn", WHOLE, f"{how_many} started, but {text}{as_well}")


def ended_after(boots: Sequence[Boot]) -> Iterator[Finding]:
    """That the candidate ends right after its proof and the baseline does not.

    Only the first boots of each are watched on.
    """
    own, before = (
        [b for b in boots if b.release == release and b.started and b.number <= 1 and not b.held]
        for release in ("candidate", "baseline")
    )
    ended = [boot for boot in own if boot.exit_code is not None]
    if not ended or len(ended) < len(own) or not before:
        return
    if all(boot.exit_code is None for boot in before):
        code = ended[-1].exit_code
        yield Finding(
            "fail" if code else "warn",
            WHOLE,
            f"it exits (exit code {code}) within a second of its proof, in {len(ended)} of"
            f" {len(own)} boots observed past the proof; the baseline does not",
        )


def _remarked(boots: Sequence[Boot]) -> dict[str, tuple[Boot, str, int]]:
    """Each remark without its numbers: the first boot that has it, in its words, and how many."""
    found: dict[str, tuple[Boot, str, int]] = {}
    for boot in boots:
        if not boot.started:
            continue
        texts = [
            *boot.notes,
            *(
                f"{told.name} reported a failure: {told.text}"
                for told in boot.signals
                if told.means != "ok" and told.at is not None
            ),
        ]
        for text in texts:
            key = re.sub(r"\d+", "0", text)
            first, words, count = found.get(key, (boot, text, 0))
            found[key] = first, words, count + 1
    return found
