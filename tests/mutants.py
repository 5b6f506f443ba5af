"""Rules of the verdict, broken one by one: the quick tests alone must see each of them.

``python -m tests.mutants [PATTERN]``; `PATTERN` is a regular expression for the names of mutants.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT


class Mutant(NamedTuple):
    """A text in a module that becomes another one."""

    name: str
    file: str
    old: str
    new: str


MUTANTS = [
    Mutant(
        "a proof needs no token",
        "observe/sighting.py",
        "return None if self._lacks_token(seen) else self._found(seen)",
        "return self._found(seen)",
    ),
    Mutant(
        "a proof after the timeout counts",
        "observe/outcome.py",
        "return self.proof is not None and self.proof <= self.timeout",
        "return self.proof is not None",
    ),
    Mutant(
        "no boot ever times out",
        "run/pair.py",
        "deadline = seen.trigger_at + self._recipe.target.timeout",
        "deadline = seen.trigger_at + 1000 * self._recipe.target.timeout",
    ),
    Mutant(
        "a phase without its mark is no matter",
        "checks/marks.py",
        "        if not without:\n",
        "        if without or not without:\n",
    ),
    Mutant(
        "a retry is not told",
        "checks/startup.py",
        'found = [Finding("warn", WHOLE, text)]',
        "found = []",
    ),
    Mutant(
        "an interrupted check was left out",
        "run/gate.py",
        "found = check.failed(self._bench.place.interrupted(check.subject, begun))",
        'found = replace(check.failed(""), error=None, left_out="")',
    ),
    Mutant(
        "another version is accepted",
        "run/opened.py",
        "if wanted and self.version != wanted and",
        "if not wanted and self.version != wanted and",
    ),
    Mutant(
        "a candidate that was not booted passes",
        "checks/startup.py",
        'Finding("error", WHOLE, "the candidate was not booted")',
        'Finding("pass", WHOLE, "the candidate was not booted")',
    ),
    Mutant(
        "what has no evidence passes",
        "records/check.py",
        "return bool(self.boots or self.findings)",
        "return True",
    ),
    Mutant(
        "a bound at fail_at is no failure",
        "stats/headroom.py",
        'elif bound is not None and bound >= fail_at * limit:\n        level, reason = "fail"',
        'elif bound is not None and bound >= fail_at * limit:\n        level, reason = "warn"',
    ),
    Mutant(
        "a shard is a whole gate",
        "run/gate.py",
        "(None if shard is None else shard.error)",
        "None",
    ),
    Mutant(
        "a listener that failed is no matter",
        "run/gate.py",
        "error=self.error or self.unheard or",
        "error=self.error or",
    ),
]


def broken(mutant: Mutant) -> str:
    """The text of its module with a rule broken. Raises `LookupError` where it has no place."""
    text = (ROOT / "pytest_bootgate" / mutant.file).read_text()
    if text.count(mutant.old) != 1:
        raise LookupError(f"{mutant.file} has no single place for: {mutant.name}")
    return text.replace(mutant.old, mutant.new)


def survives(mutant: Mutant) -> bool:
    """Whether the quick tests are green on it. Raises `LookupError` where they did not run."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        copy = Path(name) / "copy"
        skipped = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(ROOT, copy, ignore=skipped)
        path = copy / "pytest_bootgate" / mutant.file
        path.write_text(broken(mutant))
        words = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-m",
            "quick",
            "-p",
            "no:cacheprovider",
        ]
        done = subprocess.run(words, cwd=copy, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise LookupError(f"{mutant.name}: the tests did not run: {done.stdout[-2000:]}")
        return done.returncode == 0


def main(pattern: str = "") -> int:
    """Try them; 1 if one survives."""
    alive = 0
    for mutant in [each for each in MUTANTS if re.search(pattern, each.name)]:
        survived = survives(mutant)
        alive += survived
        print(f"{'SURVIVES' if survived else 'caught  '}  {mutant.name}", flush=True)
    return min(alive, 1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
