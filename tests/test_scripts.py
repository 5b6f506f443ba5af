"""Scripts of this repository, as shellcheck reads them."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

SHELLCHECK = Path(sys.executable).parent / "shellcheck"


def scripts() -> list[Path]:
    files = [
        *ROOT.glob("ci/*"),
        *ROOT.glob("ci/*.d/*"),
        *ROOT.glob("examples/*/prepare"),
        ROOT / ".ci/run",
    ]
    shell = (b"#!/usr/bin/env bash", b"#!/bin/sh", b"# shellcheck shell=")
    return [path for path in files if path.is_file() and path.read_bytes().startswith(shell)]


def test_scripts():
    found = scripts()
    assert len(found) > 20
    command = [str(SHELLCHECK), "--external-sources", "--severity=warning", *map(str, found)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
