# The sidecar of the preset tiny.
