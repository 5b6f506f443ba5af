"""An unused plugin must cost a test run nothing noticeable."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ["docker", "yaml", "msgspec", "psutil", "sqlite3", "jinja2"]
HEAVY += ["pytest_bootgate.reports", "pytest_bootgate.run", "pytest_bootgate.journal"]


def imported(tmp_path, *args: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pytest", "-p", "no:cacheprovider", *args],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    return {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}


def test_without_a_gate_file_nothing_heavy_is_imported(tmp_path):
    (tmp_path / "test_unit.py").write_text("def test_unit(): pass\n")
    names = imported(tmp_path)
    assert "pytest_bootgate.pytest_plugin.session" in names
    assert not {n for n in names if any(n == h or n.startswith(h + ".") for h in HEAVY)}


def test_nor_with_one_that_is_left_alone(tmp_path):
    (tmp_path / "test_unit.py").write_text("def test_unit(): pass\n")
    (tmp_path / "bootgate.yaml").write_text("what: ever\n")
    names = imported(tmp_path)
    assert not {n for n in names if any(n == h or n.startswith(h + ".") for h in HEAVY)}
