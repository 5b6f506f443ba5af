"""The door: pytest's items, fixtures and reports on top of the loop, and nothing below it."""
