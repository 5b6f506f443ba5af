"""The journal: one SQLite file in which every event of every run is stored as it happens.

Nothing here judges a boot or formats it for people, which is the work of `checks` and `reports`.
"""
