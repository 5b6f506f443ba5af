"""From the instants of marks to phases. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_bootgate.records.values import Phase

#: Two sources may be reported in the wrong order by at most this many seconds.
LAG = 0.05


class DisorderError(ValueError):
    """A mark that came `by` seconds after one that the gate file lists later."""

    def __init__(self, name: str, by: float, above: str) -> None:
        super().__init__(
            f"marks out of order: {name} was seen {by:.3f} s after {above}, which the gate file"
            " lists later"
        )
        self.by = by


def phases_of(
    marks: Mapping[str, float], optional: Mapping[str, bool], lag: float = LAG
) -> tuple[Phase, ...]:
    """Phases in the order of `optional`'s keys from the instants of their marks.

    A mark that arrives up to `lag` seconds after a later one counts as simultaneous with it:
    two streams are two pipes. More than that raises `DisorderError`.
    """
    at = dict(marks)
    ceiling, above = float("inf"), ""
    for name in reversed(list(optional)):
        if name not in at:
            continue
        if at[name] > ceiling + lag:
            raise DisorderError(name, at[name] - ceiling, above)
        if at[name] <= ceiling:
            above = name
        at[name] = ceiling = min(at[name], ceiling)
    phases, before = [], 0.0
    for name, may_lack in optional.items():
        if name in at:
            phases.append(Phase(name, at[name], at[name] - before, may_lack))
            before = at[name]
        else:
            phases.append(Phase(name, optional=may_lack))
    return tuple(phases)
