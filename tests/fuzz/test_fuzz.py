"""Whatever somebody else wrote is read or refused: no traceback, no hang, no pass without proof.

Made inputs of every kind, always the same few. BOOTGATE_FUZZ=100000 tries as many gate files and a
tenth of it of each other kind, new ones every time; `ci/fuzz` does so and prints what it found.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import gatefiles, journals, results, streams
from tests.fuzz.budget import WANTED, Kind

KINDS = [gatefiles.KIND, results.KIND, journals.KIND, streams.KIND]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.timeout(0)
def test_nothing_breaks(
    kind: Kind, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tally = kind.run(tmp_path / "failing-input")  # where it is what broke something
    if WANTED:
        with capsys.disabled():
            print(f"\n{kind.name}: {tally}\n  the slowest: {tally.slowest_input[:300]}")
