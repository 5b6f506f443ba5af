"""``bootgate calibrate``: from recorded boots to proposed limits.

It computes the proposals; only the command prints them.
"""
