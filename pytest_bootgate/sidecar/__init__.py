"""The program that is copied beside the gateway and runs there alone, on any Python 3.9.

It may import the standard library and nothing of this package.
"""
