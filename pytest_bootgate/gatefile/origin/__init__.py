"""What a system is run with already, read as parts of a gate file."""
