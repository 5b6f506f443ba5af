"""What the preset of OpenClaw does with an operator's own configuration and state."""
