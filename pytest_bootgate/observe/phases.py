"""From the instants of marks to phases. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_bootgate.records.values import Phase

#: Two sources may be reported in the wrong order by at most this many seconds.
LAG = 0.05


def phases_of(
    marks: Mapping[str, float], optional: Mapping[str, bool], lag: float = LAG
) -> tuple[Phase, ...]:
    """Phases in the order of `optional`'s keys from the instants of their marks.

    A mark that arrives up to `lag` seconds after a later one counts as simultaneous with it:
    two streams are two pipes. More than that raises `ValueError`.
    """
    at = dict(marks)
    ceiling, above = float("inf"), ""
    for name in reversed(list(optional)):
        if name not in at:
            continue
        if at[name] > ceiling + lag:
            raise ValueError(
                f"marks out of order: {name} was seen {at[name] - ceiling:.3f} s after {above},"
                " which the gate file lists later"
            )
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
