"""The checks of a gate: each one plans the boots that it needs and turns them into findings.

Everything here is pure: no engine, no clock and no words for people, which `run` and `reports` own.
"""
