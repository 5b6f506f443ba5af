"""What happened, kept: one SQLite file for all runs, written as things happen.

How it is shown is for `reports`.
"""
