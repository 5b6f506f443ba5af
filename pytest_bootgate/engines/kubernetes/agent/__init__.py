"""The program in every pod: it starts what runs there, stamps what that says, and keeps it.

It is copied there as one file and runs alone on Python 3.9, so it imports only the standard
library and itself.
"""

from __future__ import annotations

import base64
import io
import zipfile
from functools import cache
from pathlib import Path

#: The engine's own directory in the agent's container; nothing else in the pod sees all of it.
ROOT = "/bootgate-engine"
#: The file that this package is packed into, below `ROOT`.
PROGRAM = f"{ROOT}/agent.pyz"
#: Where the agent listens for commands that the gate runs beside it.
SOCKET = f"{ROOT}/agent.sock"
#: Where each unit's container sees its own part of `ROOT`, and the shell that waits there.
OWN, BIN = "/.bootgate", "/.bootgate-bin"
#: What a unit's container starts with: it says its number, and goes on as it is told.
WAIT = 'echo "pid $$" >"$0/said"; . "$0/go"'
#: So many seconds without a word of the gate, and the agent ends all.
KEEP = 30.0
#: Unpacks this package from the environment of a container, and goes on as that.
UNPACK = f"""
import base64, os, sys
with open("{PROGRAM}", "wb") as file:
    file.write(base64.b64decode(os.environ["BOOTGATE_AGENT"]))
os.execv(sys.executable, [sys.executable, "{PROGRAM}", *sys.argv[1:]])
"""

_PACKAGE = "pytest_bootgate.engines.kubernetes.agent"


@cache
def packed() -> str:
    """The program as a file that ``python3`` runs, in Base64: it is handed on in a pod's text."""
    archive = io.BytesIO()
    parts = _PACKAGE.split(".")
    above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packing:
        files = {f"{package}/__init__.py": "" for package in above}
        files["__main__.py"] = f"from {_PACKAGE}.entry import main\nmain()\n"
        for path in sorted(Path(__file__).parent.glob("*.py")):
            files[f"{'/'.join(parts)}/{path.name}"] = path.read_text(encoding="utf-8")
        for name, text in files.items():
            packing.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return base64.b64encode(archive.getvalue()).decode()


def wrapper(directory: str) -> list[str]:
    """The command that waits in `directory`, with a shell that needs nothing of the image."""
    return [f"{BIN}/ld", "--library-path", BIN, f"{BIN}/sh", "-c", WAIT, directory]
