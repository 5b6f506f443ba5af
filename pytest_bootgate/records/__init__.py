"""The values that all rooms share (boots, findings, results, events), and their JSON form.

Nothing here acts or judges, and nothing here imports an engine, a clock or the loop.
"""
