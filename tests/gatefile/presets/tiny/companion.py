# The companion of the preset tiny.
