"""pytest's items, fixtures, xdist and terminal, on top of the loop.

What is measured and how it is judged stands in the rooms below.
"""
