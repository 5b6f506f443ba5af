"""The values that everything speaks in, and their form as JSON.

Nothing here acts or judges: no clock, no engine, no loop.
"""
