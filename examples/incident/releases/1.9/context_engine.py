"""The context engine of release 1.9: it waits for a note store that has become slow."""

import time

VERSION = "1.9"


def build(notes: int = 100_000) -> list[str]:
    time.sleep(1.9)
    return [f"note {number}" for number in range(notes // 2)]
