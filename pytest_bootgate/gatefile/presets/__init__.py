"""The presets that come with the gate: a directory each, with a `preset.yaml`."""
