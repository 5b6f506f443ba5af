"""`bootgate completion`: in real shells; zsh and fish where they are installed."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from pytest_bootgate.cli import COMMANDS, main
from pytest_bootgate.reports.meanings import MEANINGS

NAMES = sorted(command.name for command in COMMANDS)
#: What is typed (the last word is being completed), and all that is offered.
TYPED = [
    (("",), NAMES),
    (("re",), ["report"]),
    (("co",), ["compare", "completion"]),
    (("explain", "ti"), ["timed_out"]),
    (("explain", ""), sorted(name for name, one in MEANINGS.items() if one.kind != "term")),
    (("report", "--h"), ["--help", "--html"]),
    (("init", "--preset", ""), ["openclaw"]),
    (("completion", "z"), ["zsh"]),
    (("doctor", "--engine", "d"), ["docker"]),
]


@pytest.fixture
def script(tmp_path, capsys):
    def write(shell: str):
        assert main(["completion", shell]) == 0
        path = tmp_path / f"completion.{shell}"
        path.write_text(capsys.readouterr().out)
        return path

    return write


def shell(*words: str, **more) -> str:
    run = subprocess.run(words, capture_output=True, text=True, check=False, **more)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    return run.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [*TYPED, (("check", "boot"), ["boot.yaml"]), (("report", "--html", "boot"), ["boot.yaml"])],
    ids=lambda v: " ".join(v)[:30],
)
def test_bash(script, tmp_path, typed, offered):
    path = script("bash")
    (tmp_path / "boot.yaml").touch()
    words = " ".join(f"'{word}'" for word in ("bootgate", *typed))
    text = (
        f"source {path}; COMP_WORDS=({words}); COMP_CWORD={len(typed)};"
        f" _shtab_bootgate bootgate '{typed[-1]}' '{('bootgate', *typed)[-2]}';"
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    found = set(shell("bash", "--norc", "-c", text, cwd=tmp_path).split())
    files = {path.name for path in tmp_path.iterdir()} - {*offered}
    assert found - files == set(offered)


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(("typed", "offered"), TYPED, ids=lambda v: " ".join(v)[:30])
def test_fish(script, tmp_path, typed, offered):
    line = " ".join(("bootgate", *typed))
    text = f"source {script('fish')}; complete -C '{line}'"
    out = shell("fish", "--no-config", "-c", text, cwd=tmp_path)
    files = {path.name for path in tmp_path.iterdir()}
    found = {entry.split("\t")[0] for entry in out.splitlines()} - files
    assert {name for name in found if "/" not in name} == set(offered)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("bootgate rep", "bootgate report "),
        ("bootgate explain tim", "bootgate explain timed_out "),
        ("bootgate report --ht", "bootgate report --html "),
        ("bootgate init --preset ", "bootgate init --preset openclaw "),
    ],
)
def test_zsh(script, tmp_path, typed, completed):
    """In a terminal of its own: what stands in the line once Tab was hit."""
    (tmp_path / "_bootgate").write_text(script("zsh").read_text())
    driver = tmp_path / "driver.zsh"
    driver.write_text(ZSH.format(here=tmp_path, typed=typed))
    out = subprocess.run(
        ["zsh", "-f", driver], capture_output=True, text=True, check=False, timeout=60
    ).stdout
    assert f"<{completed}>" in out, out


#: Completes a line in an interactive zsh below this one, and has it print the line.
ZSH = """\
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'fpath=({here} $fpath); autoload -U compinit; compinit -u -D; PS1=; stty -echo'
zpty -w z 'show() {{ print "<$BUFFER>"; BUFFER=; zle accept-line }}; zle -N show'
zpty -w z 'bindkey "^I" complete-word; bindkey "^X" show; print ready'
zpty -r z line '*ready*'; zpty -r z line '*ready*'
zpty -n -w z '{typed}'$'\\t'$'\\x18'
zpty -r z line '*<*>*'
print -r -- "$line"
zpty -d z
"""


def test_another_shell(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["completion", "tcsh"])
    assert stop.value.code == 4
