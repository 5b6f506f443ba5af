"""YAML as Compose reads it."""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.composer import ComposerError

from pytest_bootgate.gatefile.source import MAX_NODES


class DuplicateError(ComposerError):
    """A key that stands twice in a mapping."""


class Loader(yaml.SafeLoader):
    """YAML as Compose reads it: `yes` and `22:22` are texts, as in YAML 1.2, and no key is twice.

    Raises `DuplicateError`, besides what a loader raises.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Before `<<` adds keys, which may be there as well."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    what = f"the key '{key.value}' is there twice"
                    raise DuplicateError(None, None, what, key.start_mark)
                seen.add(key.value)
        return node


Loader.yaml_implicit_resolvers = {
    first: [
        (tag, regexp)
        for tag, regexp in resolvers
        if tag.rpartition(":")[2] not in ("bool", "int", "float", "timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind, _form, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o?[0-7]+", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(rf"^(?:{_form})$"), list(_first)
    )


def values_of(node: yaml.Node) -> int:
    """How many values there are, those of aliases each time; of endlessly many, some."""
    left, found = [node], 0
    while left and found <= MAX_NODES:
        one = left.pop()
        found += 1
        if isinstance(one, yaml.MappingNode):
            left += [each for pair in one.value for each in pair]
        elif isinstance(one, yaml.SequenceNode):
            left += one.value
    return found
