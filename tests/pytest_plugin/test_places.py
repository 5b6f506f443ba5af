"""Where a run is to write is checked before anything boots; what others keep there stays."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from fnmatch import fnmatch

import pytest

from tests import nursery
from tests.pytest_plugin.conftest import PLAYED

#: Each option with what comes before its path.
OPTIONS = ["--bootgate-json=", "--bootgate-html=", "--bootgate-report=ctrf=", "--bootgate-journal="]
#: A path that no report can have, and what is said of it.
PLACES = {
    "bootgate.yaml": "bootgate.yaml is a gate file, not an output path. Give *",
    "bootgate.yaml::isolated": "bootgate.yaml is a gate file, not an output path. Give *",
    "other.bootgate.yml": "other.bootgate.yml is a gate file, not an output path. Give *",
    "test_unit.py": "test_unit.py is a test file, not an output path. Give *",
    "directory": "*directory is a directory. Name a file in it.",
    "notes.txt/out": "*notes.txt/out cannot be written: Not a directory. Name a writable path*",
    "/proc/none/out": "/proc/none/out cannot be written: *",
    "pipe": "*pipe is not a regular file. Name a file, or /dev/stdout.",
    "door": "*door is not a regular file. Name a file, or /dev/stdout.",
    "/dev/null": "/dev/null is not a regular file. Name a file, or /dev/stdout.",
    "notes.txt": "*notes.txt already exists and is not a* of pytest-bootgate, so it *",
    "x" * 300: "*xxx cannot be written: File name too long. *",
}


@pytest.fixture
def there(gate, pytester):
    """A gate file, a test, and things at which no report can be."""
    gate(boots=1)
    pytester.makepyfile(test_unit="def test_unit(isolated_runner, boot_gate): pass")
    (pytester.path / "directory").mkdir()
    (pytester.path / "notes.txt").write_text("Call the baker.\n")
    os.mkfifo(pytester.path / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("door")  # the working directory is the test's
        yield pytester.path


def content(path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir() if file.is_file()}


def refused(pytester, *args: str) -> str:
    """What pytest says where it refuses its options, which it does before anything else."""
    with pytest.raises(pytest.UsageError) as said:
        pytester.parseconfigure(*args)
    return str(said.value)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[:30])
def test_a_path_that_cannot_be(there, pytester, option, place):
    before = content(there)
    text = refused(pytester, "bootgate.yaml", f"{option}{place}")
    assert fnmatch(text, f"{option.partition('=')[0]}: {PLACES[place]}")
    assert content(there) == before


def test_a_directory_that_takes_no_file(there, pytester):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (there / "directory").chmod(0o500)
    text = refused(pytester, "bootgate.yaml", "--bootgate-json", "directory/out.json")
    assert "directory/out.json cannot be written: Permission denied" in text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("--bootgate-json=out", "--bootgate-html=./out"),
        ("--bootgate-json=out", "--bootgate-report=ctrf=../{here}/out"),
        ("--bootgate-report=gitlab=.", "--bootgate-report=junit=junit.xml"),
        ("--bootgate-html=out", "--bootgate-journal=out"),
        ("--junitxml=out", "--bootgate-report=junit=out"),
        ("--benchmark-json=out", "--bootgate-json=out"),
    ],
)
def test_two_reports_cannot_be_one_file(there, pytester, one, other):
    text = refused(pytester, "bootgate.yaml", one, other.format(here=there.name))
    assert fnmatch(text, "bootgate: two reports cannot both be * (--* and --*)")


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_it_is_said_once_and_before_workers_start(there, played, workers):
    result = played(".", "--bootgate", "--bootgate-json=notes.txt", *workers)
    assert result.ret == 4
    assert [line for line in result.errlines if line] == [result.errlines[0]]
    result.stderr.fnmatch_lines(["ERROR: --bootgate-json: *notes.txt already exists *"])
    result.stdout.no_fnmatch_line("*test session starts*")
    assert (there / "notes.txt").read_text() == "Call the baker.\n"
    assert not (there / ".bootgate").exists()


def test_directories_are_made_when_the_report_is_written(gate, played, pytester):
    gate(boots=1)
    assert played("bootgate.yaml", "--collect-only", "--bootgate-json=a/b/out.json").ret == 0
    assert not (pytester.path / "a").exists()
    assert played("bootgate.yaml", "--bootgate-json=a/b/out.json").ret == 0
    assert (pytester.path / "a" / "b" / "out.json").is_file()


@pytest.mark.parametrize("stream", ["/dev/stdout", "/dev/stderr", "/dev/fd/1"])
@pytest.mark.parametrize("how", ["file", "pipe"])
def test_a_stream_gets_the_result_besides_what_else_goes_there(gate, pytester, stream, how):
    gate(boots=1)
    (pytester.path / "log.earlier").write_text("kept")
    args = [sys.executable, "-m", "pytest", "-pno:cacheprovider", "-p", PLAYED, "bootgate.yaml"]
    args += [
        f"--bootgate-json={stream}",
        f"--bootgate-report=ctrf={stream}",
    ]  # no paths to a rootdir
    with (pytester.path / "log").open("wb") as log:
        target = log if how == "file" else subprocess.PIPE
        done = nursery.run(args, stdout=target, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0
    text = (done.stdout or (pytester.path / "log").read_bytes()).decode()
    assert "test session starts" in text
    result, _ = json.JSONDecoder().raw_decode(text, text.index('{\n "schema"'))
    assert result["targets"][0]["target"] == "isolated"
    assert '"reportFormat": "CTRF"' in text
    assert (pytester.path / "log.earlier").read_text() == "kept"
