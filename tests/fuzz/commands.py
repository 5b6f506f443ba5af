"""The command line, called from here."""

from __future__ import annotations

import contextlib
import io

from pytest_bootgate.cli import main
from pytest_bootgate.untrusted import read_json


def bootgate(*words: object) -> int:
    """Call `bootgate`: its exit status, which says done or mistake; what it says can be written."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = main(list(map(str, words)))
    assert status in (0, 4), (words, status, said.getvalue()[-500:])
    said.getvalue().encode()
    assert "Traceback" not in said.getvalue()
    if "--json" in words and words[0] == "log" and status == 0:
        for line in said.getvalue().splitlines():
            if line.startswith("{"):  # not the remark that there is none
                read_json(line)
    return status
