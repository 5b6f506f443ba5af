"""From lines to marks, phases and the outcome of one boot.

Pure: what reads streams, asks engines or looks at a clock is in `run`.
"""
