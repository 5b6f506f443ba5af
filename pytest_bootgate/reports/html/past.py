"""How near the boots of the last weeks came to their timeout, by the journal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_bootgate.errors import JournalError
from pytest_bootgate.journal import files
from pytest_bootgate.journal.queries import Usage, usage
from pytest_bootgate.records.check import Table
from pytest_bootgate.records.outcomes import is_share
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.reports.amounts import part
from pytest_bootgate.reports.html.charts import Course, course
from pytest_bootgate.reports.html.tables import text
from pytest_bootgate.reports.probing import trend_words
from pytest_bootgate.stats.trend import SHORTEST, trend

#: How far back it is looked, in days, and how many boots are drawn at most: the newest.
DAYS, MOST = 30, 60


@dataclass(frozen=True)
class Past:
    """The candidate's boots of a target over days; `words` say where it goes, or why not."""

    words: str
    drawing: Course | None = None
    table: str = ""
    since: str = ""
    until: str = ""


def past(journal: Path | None, result: GateResult) -> dict[tuple[str, str], Past]:
    """The past of each (profile, target); empty without a journal."""
    if journal is None or not any(target.boots for target in result.targets):
        return {}
    since = dt.datetime.fromisoformat(result.at).timestamp() - DAYS * 86400
    try:
        with files.reading(journal) as kept:
            return {
                (t.profile, t.target): _of(usage(kept, result.file, t.target, t.profile, since), t)
                for t in result.targets
                if t.boots
            }
    except JournalError as error:
        return {(t.profile, t.target): Past(str(error)) for t in result.targets if t.boots}


def _of(found: Sequence[Usage], result: TargetResult) -> Past:
    used = [boot for boot in found if is_share(boot.outcome)]
    line = trend([(b.wall, b.share) for b in used])
    words = trend_words(line, result) or "no trend yet: it needs five boots over at least a day"
    short = not used or used[-1].wall - used[0].wall < SHORTEST
    if short or (result.verdict == "pass" and not (line and line.rising)):
        return Past(words)  # a drawing would say no more
    shown = used[-MOST:]
    ends = (line.first, line.last) if line is not None and len(shown) == len(used) else None
    drawing = course([(b.wall, b.share, b.outcome) for b in shown], result.rules, ends)
    rows = [[_when(b.wall), part(b.share), b.outcome] for b in shown]
    more = f", the newest {MOST} of {len(used)}" if len(shown) < len(used) else ""
    caption = f"The candidate's boots of the last {DAYS} days{more}"
    table = text(Table("trend", caption, ["when (UTC)", "of timeout", "outcome"], rows))
    return Past(words, drawing, table, _when(shown[0].wall), _when(shown[-1].wall))


def _when(wall: float) -> str:
    return dt.datetime.fromtimestamp(wall, dt.UTC).strftime("%Y-%m-%d %H:%M")
