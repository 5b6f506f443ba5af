"""Durations in, numbers out: the exact test, the prediction bound, the trend.

Nothing here knows what a boot is, and nothing has effects.
"""
