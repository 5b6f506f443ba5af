"""The stages that a line reports. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pytest_bootgate.records.values import Stage


def read_stages(
    source: str, each: re.Pattern[str], text: str, phase: str | None
) -> Iterable[Stage]:
    """The stages that a line of the group `source` reports."""
    for found in each.finditer(text):
        groups = found.groupdict()
        seconds = _seconds(groups, "s", "ms")
        if seconds is not None:
            yield Stage(source, groups["name"], seconds, _seconds(groups, "at_s", "at_ms"), phase)


def _seconds(groups: Mapping[str, str | None], s: str, ms: str) -> float | None:
    """A duration as it was reported; what is no number of seconds from 0 on is none."""
    for name, unit in ((s, 1.0), (ms, 1000.0)):
        if (text := groups.get(name)) is not None:
            try:
                found = float(text) / unit
            except ValueError:
                return None
            return found if 0 <= found < float("inf") else None
    return None
