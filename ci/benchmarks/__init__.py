"""Figures under every claim, beside peers measured in the same run. See `ci/bench`."""
