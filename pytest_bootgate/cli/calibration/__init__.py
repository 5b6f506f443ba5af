"""From recorded boots to a patch of the gate file: ``bootgate calibrate``."""
