"""``bootgate completion``: a script that makes a shell complete the command.

The script holds what the parsers know, so completing starts no Python. It is made here rather
than by a library: nobody who does not complete should have to install one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One option: all its spellings, what it is for, and what may follow it.

    `values` are the only ones, `takes` says whether anything follows at all.
    """

    names: tuple[str, ...]
    help: str
    takes: bool
    values: tuple[str, ...]

    @property
    def long(self) -> str:
        """Its longest spelling."""
        return max(self.names, key=len)


@dataclass(frozen=True, slots=True)
class Words:
    """What one command takes: its options, and words instead of files, if it knows them."""

    name: str
    help: str
    options: tuple[Option, ...]
    words: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate completion`` takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Prints what makes a shell complete the command.\n\n"
        "  bash:  bootgate completion bash > FILE, and `source FILE` in ~/.bashrc\n"
        "  zsh:   bootgate completion zsh > DIR/_bootgate, DIR being in $fpath\n"
        "  fish:  bootgate completion fish > ~/.config/fish/completions/bootgate.fish"
    )
    parser.add_argument("shell", choices=sorted(_SHELLS), help="the shell")


def main(options: argparse.Namespace) -> int:
    """Print the script; return the exit status."""
    for line in _SHELLS[options.shell](list(known())):
        print(line)
    return 0


def known() -> Iterator[Words]:
    """All commands as their parsers know them."""
    from pytest_bootgate.cli import COMMANDS, parser

    helps = {command.name: command.help for command in COMMANDS}
    actions = parser()._actions  # noqa: SLF001
    chosen = next(a for a in actions if isinstance(a, argparse._SubParsersAction))  # noqa: SLF001
    parsers: Mapping[str, argparse.ArgumentParser] = chosen.choices
    for name, one in parsers.items():
        yield Words(name, helps[name], tuple(_options(one)), tuple(_words(name, one)))


def _options(parser: argparse.ArgumentParser) -> Iterator[Option]:
    for action in parser._actions:  # noqa: SLF001
        if action.option_strings:
            values = tuple(str(value) for value in action.choices or ())
            text = (action.help or "").replace("%%", "%")
            yield Option(tuple(action.option_strings), text, action.nargs != 0, values)


def _words(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """The words that an argument may be; none where it is a file."""
    if name == "explain":
        from pytest_bootgate.reports.meanings import MEANINGS

        yield from MEANINGS
    if name in ("report", "compare"):
        yield "last"
    for action in parser._actions:  # noqa: SLF001
        if not action.option_strings and action.choices:
            yield from (str(value) for value in action.choices)


# -- bash --------------------------------------------------------------------------------------


def _bash(commands: Iterable[Words]) -> Iterator[str]:
    every = list(commands)
    yield "# bash completion of bootgate; made by `bootgate completion bash`"
    yield "_bootgate() {"
    yield "    local current previous command word words= options="
    yield "    current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command="
    yield "    COMPREPLY=()"
    yield '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do'
    yield "        case $word in -*) ;; *) command=$word; break ;; esac"
    yield "    done"
    yield "    case $command in"
    names = " ".join(one.name for one in every)
    yield f"        '') words='{names}' options='--help --version' ;;"
    for one in every:
        options = " ".join(option.long for option in one.options)
        yield f"        {one.name})"
        yield f"            words='{' '.join(one.words)}' options='{options}'"
        yield "            case $previous in"
        for option in one.options:
            if option.values:
                yield f"                {'|'.join(option.names)})"
                values = " ".join(option.values)
                yield f"                    COMPREPLY=($(compgen -W '{values}' -- \"$current\"))"
                yield "                    return ;;"
            elif option.takes:
                yield f"                {'|'.join(option.names)}) words= options= ;;"
        yield "            esac ;;"
    yield "    esac"
    yield "    case $current in"
    yield '        -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;'
    yield '        *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;'
    yield "    esac"
    yield "}"
    yield "complete -o default -F _bootgate bootgate"


# -- zsh ---------------------------------------------------------------------------------------


def _zsh(commands: Iterable[Words]) -> Iterator[str]:
    every = list(commands)
    yield "#compdef bootgate"
    yield "# zsh completion of bootgate; made by `bootgate completion zsh`"
    yield "_bootgate_runs() {"
    yield "    _alternative 'runs:run:(last)' 'files:file:_files'"
    yield "}"
    yield "_bootgate() {"
    yield "    local -a commands"
    yield "    commands=("
    for one in every:
        yield f"        {_quoted(f'{one.name}:{one.help}')}"
    yield "    )"
    yield "    if (( CURRENT == 2 )); then"
    yield "        _describe command commands"
    yield "        return"
    yield "    fi"
    yield "    local command=$words[2]"
    yield "    (( CURRENT-- ))"
    yield "    shift words"
    yield "    case $command in"
    for one in every:
        yield f"        {one.name})"
        specs = [spec for option in one.options for spec in _zsh_option(option)]
        rest = f"*:word:({' '.join(one.words)})" if one.words else "*:file:_files"
        if "last" in one.words:
            rest = "*:run:_bootgate_runs"
        yield "            _arguments \\"
        yield from (f"                {_quoted(spec)} \\" for spec in specs)
        yield f"                {_quoted(rest)} ;;"
    yield "    esac"
    yield "}"
    yield "if [[ $funcstack[1] == _bootgate ]]; then"
    yield '    _bootgate "$@"'
    yield "else"
    yield "    compdef _bootgate bootgate"
    yield "fi"


def _zsh_option(option: Option) -> Iterator[str]:
    text = option.help.replace("[", "(").replace("]", ")").replace(":", "\\:")
    after = ""
    if option.values:
        after = f":value:({' '.join(option.values)})"
    elif option.takes:
        after = ":value:_files"
    for name in option.names:
        yield f"{name}[{text}]{after}"


# -- fish --------------------------------------------------------------------------------------


def _fish(commands: Iterable[Words]) -> Iterator[str]:
    yield "# fish completion of bootgate; made by `bootgate completion fish`"
    yield "complete -c bootgate -n __fish_use_subcommand -f"
    for one in commands:
        yield f"complete -c bootgate -n __fish_use_subcommand -a {one.name} -d {_fished(one.help)}"
        here = f"complete -c bootgate -n '__fish_seen_subcommand_from {one.name}'"
        if one.words:
            files = "" if "last" in one.words else " -f"
            yield f"{here}{files} -a '{' '.join(one.words)}'"
        for option in one.options:
            names = "".join(
                f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}"
                for name in option.names
            )
            value = f" -x -a '{' '.join(option.values)}'" if option.values else ""
            value = value or (" -r" if option.takes else "")
            yield f"{here}{names}{value} -d {_fished(option.help)}"


def _quoted(text: str) -> str:
    """A text in single quotes, as bash and zsh read them."""
    return "'" + text.replace("'", "'\\''") + "'"


def _fished(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SHELLS: Mapping[str, Callable[[Iterable[Words]], Iterator[str]]] = {
    "bash": _bash,
    "zsh": _zsh,
    "fish": _fish,
}
