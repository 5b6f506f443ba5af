"""The statistics: the exact test, the prediction bound, the trend.

They take numbers and return numbers; nothing here knows what a boot is or has effects.
"""
