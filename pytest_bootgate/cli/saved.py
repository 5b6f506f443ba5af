"""A saved run, by how people name it: its id, ``last``, or a file."""

from __future__ import annotations

from pathlib import Path

from pytest_bootgate.cli.log import nearest
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.journal import files, queries
from pytest_bootgate.records import codec
from pytest_bootgate.records.result import GateResult

LAST = "last"
#: What a RUN is, for help texts.
RUN = "the id of a run or how it begins, `last`, or a file written by --bootgate-json"


def saved(name: str, journal: Path | None) -> list[GateResult]:
    """The results that a name stands for. Raises `BootgateError` where there is none.

    ``last`` is the newest run of the journal, also where it has no result: an older one would
    be taken for it.
    """
    if _is_file(name):
        return codec.read(Path(name))
    if not name:
        raise BootgateError(f"The name of a run is empty: write {RUN}.")
    with files.reading(nearest(journal)) as kept:
        run = queries.last_run(kept) if name == LAST else queries.find_run(kept, name)
        text = queries.saved_result(kept, run)
    return [codec.decode(text)]


def one(name: str, journal: Path | None) -> GateResult:
    """The only result that a name stands for. Raises `BootgateError` for several."""
    results = saved(name, journal)
    if len(results) != 1:
        gates = ", ".join(Path(result.file).name for result in results)
        raise BootgateError(
            f"{name} holds the results of {len(results)} gate files ({gates}), and one is needed."
            " Name their runs: `bootgate log` shows them."
        )
    return results[0]


def _is_file(name: str) -> bool:
    path = Path(name)
    there = path.exists() and not path.is_dir()  # to read a FIFO is a mistake that `codec` tells
    return there or "/" in name or path.suffix == ".json"
