"""The parts of the ``bootgate`` command, each in a module of its own."""
