"""The context engine of release 1.1: the same index, over the distinct numbers only, so that each
note is written once and nothing has to be looked up.
"""

VERSION = "1.1"


def build(notes: int = 100_000) -> list[str]:
    return [f"note {number}" for number in range(notes // 2)]
