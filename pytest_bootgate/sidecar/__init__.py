"""The program beside the gateway: it sends triggers, polls, follows files and serves the stub.

It is copied there as one file and runs alone on Python 3.9, so it imports only the standard
library and itself.
"""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path

_MAIN = "from pytest_bootgate.sidecar.program import main\nmain()\n"


@cache
def packed() -> bytes:
    """The program as a file that ``python3`` runs: a ZIP archive of this package's modules."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packing:
        files = {"__main__.py": _MAIN, "pytest_bootgate/__init__.py": ""}
        for path in sorted(Path(__file__).parent.glob("*.py")):
            files[f"pytest_bootgate/sidecar/{path.name}"] = path.read_text(encoding="utf-8")
        files["pytest_bootgate/sidecar/__init__.py"] = ""
        for name, text in files.items():
            packing.writestr(zipfile.ZipInfo(name), text)
    return archive.getvalue()
