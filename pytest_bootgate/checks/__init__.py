"""What the boots mean: each check plans its boots and judges them.

Pure: boots are made in `run`, and shown in `reports`.
"""
