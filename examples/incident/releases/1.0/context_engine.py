"""The context engine of release 1.0: an index over all notes, duplicates left out."""

VERSION = "1.0"


def build(notes: int = 100_000) -> list[str]:
    seen: set[str] = set()
    index = []
    for number in range(notes):
        note = f"note {number % (notes // 2)}"
        if note not in seen:
            seen.add(note)
            index.append(note)
    return index
