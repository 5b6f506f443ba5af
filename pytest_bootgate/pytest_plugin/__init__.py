"""The pytest side: options, items, fixtures, pytest-xdist and the terminal.

Nothing is measured or judged here: items and fixtures ask `run` and show what it returns.
"""
