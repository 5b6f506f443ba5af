"""A conftest for runs under test: what it hears is on the disk before the run goes on."""

import json
import os
from pathlib import Path

HEARD = Path(__file__).parent / "heard.jsonl"


def pytest_bootgate_event(event):
    boot = getattr(event, "boot", None)
    run = event.run if boot is None else boot.run
    line = json.dumps([run, event.kind, boot and boot.id]) + "\n"
    file = os.open(HEARD, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, line.encode())
    os.fsync(file)
    os.close(file)
