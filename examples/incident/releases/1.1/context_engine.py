"""The context engine of release 1.1: the same index, kept in a dict."""

VERSION = "1.1"


def build(notes: int = 100_000) -> list[str]:
    return list(dict.fromkeys(f"note {number % (notes // 2)}" for number in range(notes)))
