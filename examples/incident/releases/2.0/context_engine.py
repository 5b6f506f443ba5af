"""The context engine of release 2.0: somebody dropped the set, so the index looks for each
note in a list. With few notes nobody notices.
"""

VERSION = "2.0"


def build(notes: int = 100_000) -> list[str]:
    index: list[str] = []
    for number in range(notes):
        note = f"note {number % (notes // 2)}"
        if note not in index:
            index.append(note)
    return index
