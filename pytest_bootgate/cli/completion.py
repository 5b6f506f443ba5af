"""``bootgate completion``: a script that makes a shell complete the command, made by shtab.

The script holds what the parsers know, so completing starts no Python.
"""

from __future__ import annotations

import argparse

_SHELLS = ("bash", "fish", "zsh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate completion`` takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Print a completion script for your shell.\n\n"
        "  bash:  bootgate completion bash > FILE, and `source FILE` in ~/.bashrc\n"
        "  zsh:   bootgate completion zsh > DIR/_bootgate, with DIR in $fpath\n"
        "  fish:  bootgate completion fish > ~/.config/fish/completions/bootgate.fish"
    )
    parser.add_argument("shell", choices=_SHELLS, help="the shell")


def main(options: argparse.Namespace) -> int:
    """Print the script; return the exit status."""
    import shtab

    from pytest_bootgate.cli import COMMANDS, parser
    from pytest_bootgate.reports.meanings import MEANINGS

    top = parser()
    actions = top._actions  # noqa: SLF001
    commands = next(a for a in actions if isinstance(a, argparse._SubParsersAction))  # noqa: SLF001
    for command in COMMANDS:
        one = commands.choices[command.name]
        one.description = command.help  # zsh shows it beside the name
        for action in one._actions:  # noqa: SLF001
            if action.dest == "word":
                action.choices = [name for name, one in MEANINGS.items() if one.kind != "term"]
            elif action.nargs != 0 and not action.choices:
                action.complete = shtab.FILE
    print(shtab.complete(top, options.shell))
    return 0
