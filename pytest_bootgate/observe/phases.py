"""From the instants of marks to phases. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pytest_bootgate.records.values import Phase

#: Two sources may be reported in the wrong order by at most this many seconds.
LAG = 0.05


class DisorderError(ValueError):
    """A mark that came `by` seconds after one that the gate file lists later.

    It is `sure` where both are lines of one stream: however late they are read, their order stays.
    """

    def __init__(self, name: str, by: float, above: str, *, sure: bool = False) -> None:
        super().__init__(
            f"marks out of order: {name} was seen {by:.3f} s after {above}, which the gate file"
            " lists later"
        )
        self.by, self.sure = by, sure


def phases_of(
    marks: Mapping[str, float],
    optional: Mapping[str, bool],
    lag: float = LAG,
    streams: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Phase, ...]:
    """Phases in the order of `optional`'s keys from the instants of their marks.

    A mark that arrives up to `lag` seconds after a later one counts as simultaneous with it:
    two streams are two pipes. More than that raises `DisorderError`, and more than `LAG` does where
    both are lines of one of the `streams`.
    """
    at = dict(marks)
    first: dict[str, str] = {}
    ceiling, above = float("inf"), ""
    for name in reversed(list(optional)):
        if name not in at:
            continue
        if stream := streams.get(name):
            other = first.setdefault(stream, name)
            if marks[name] > marks[other] + LAG:
                raise DisorderError(name, marks[name] - marks[other], other, sure=True)
            if marks[name] < marks[other]:
                first[stream] = name
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
