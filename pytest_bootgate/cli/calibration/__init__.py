"""From recorded boots to a patch of the gate file: ``bootgate calibrate``.

It proposes limits; only the command writes.
"""
