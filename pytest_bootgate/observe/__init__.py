"""One boot from its output: lines become marks, marks become phases and an outcome.

Everything here is pure: code that reads a stream, a clock or an engine belongs in `run`.
"""
