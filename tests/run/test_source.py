"""A state of somebody's own is packed once: whole, in its own directory, without what is secret."""

from __future__ import annotations

import os
import tarfile
from io import BytesIO

import pytest

from pytest_bootgate.engines.memory import MemoryEngine
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.model import State
from pytest_bootgate.run.source import SOURCE, packed, unmatched


class Nothing(MemoryEngine):
    """An engine that is not needed."""


def pack(tmp_path, **state):
    packed(State(path="/state", **state), Nothing({}), None, tmp_path)
    with tarfile.open(tmp_path / SOURCE) as tar:
        return {
            member.name: None
            if member.isdir() or member.issym()
            else tar.extractfile(member).read()
            for member in tar
        }


def archive(tmp_path, *entries, name="s.tar", mode="w"):
    """An archive of entries: a name, and bytes, or what a link points to (`sym:`, `hard:`)."""
    with tarfile.open(tmp_path / name, mode) as tar:
        for path, content in entries:
            entry = tarfile.TarInfo(path)
            if isinstance(content, bytes):
                entry.size = len(content)
                tar.addfile(entry, BytesIO(content))
                continue
            kind, entry.linkname = content.split(":")
            entry.type = {"sym": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE}[kind]
            tar.addfile(entry)
    return str(tmp_path / name)


@pytest.mark.parametrize(
    "entries",
    [
        [("s/../../escaped", b"x")],
        [("/tmp/escaped", b"x")],
        [("s/e", "sym:/tmp"), ("s/e/escaped", b"x")],
    ],
)
def test_nothing_is_unpacked_elsewhere(tmp_path, entries):
    with pytest.raises(BootgateError, match="would be unpacked outside of its directory"):
        pack(tmp_path, from_=archive(tmp_path, ("s/a", b"x"), *entries))


BIG = [(f"s/{n}", os.urandom(5000)) for n in range(3)]


@pytest.mark.parametrize("cut", [5632, 6000, 11264])
def test_an_archive_that_is_cut_off(tmp_path, cut):
    path = archive(tmp_path, *BIG)
    os.truncate(path, cut)
    with pytest.raises(BootgateError, match=r"is cut off|could not be copied"):
        pack(tmp_path, from_=path)


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_compressed_archive_that_is_damaged(tmp_path, damage):
    path = archive(tmp_path, *BIG, name="s.tar.gz", mode="w:gz")
    data = bytearray((tmp_path / "s.tar.gz").read_bytes())
    if damage == "cut":
        del data[-4000:]
    else:
        data[len(data) // 2] ^= 0xFF
    (tmp_path / "s.tar.gz").write_bytes(data)
    with pytest.raises(BootgateError, match=r"could not be copied"):
        pack(tmp_path, from_=path)


def test_what_is_no_archive(tmp_path):
    (tmp_path / "s.tar").write_text("nothing")
    with pytest.raises(BootgateError, match=r"could not be copied"):
        pack(tmp_path, from_=str(tmp_path / "s.tar"))
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(BootgateError, match=r"neither a directory nor an archive"):
        pack(tmp_path, from_=str(tmp_path / "fifo"))


def test_hard_links(tmp_path):
    path = archive(tmp_path, ("s/a", b"SECRET"), ("s/b", "hard:s/a"))
    assert pack(tmp_path, from_=path)["state/b"] == b"SECRET"
    assert pack(tmp_path, from_=path, redact={"a": "SECRET"})["state/b"] == b"REDACTED"
    with pytest.raises(BootgateError, match="b of the state is a hard link to a, so it cannot be"):
        pack(tmp_path, from_=path, redact={"b": "SECRET"})
    with pytest.raises(BootgateError, match="b of the state is a hard link to a, which is not"):
        pack(tmp_path, from_=path, exclude=["a"])
    path = archive(tmp_path, ("s/b", "hard:s/none"))
    with pytest.raises(BootgateError, match="is a hard link to none, which is not copied"):
        pack(tmp_path, from_=path)


def test_what_is_too_large_to_be_redacted_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("pytest_bootgate.run.source.MOST_REDACTED", 3 << 20)
    path = archive(tmp_path, ("s/a.sql", bytes(4 << 20)))
    assert len(pack(tmp_path, from_=path)["state/a.sql"]) == 4 << 20
    with pytest.raises(BootgateError, match=r"a.sql of the state has 4 MiB, more than the 3 MiB"):
        pack(tmp_path, from_=path, redact={"*.sql": "x"})


@pytest.mark.slow
def test_a_pattern_that_takes_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("pytest_bootgate.run.source._PATIENCE", 0.3)
    path = archive(tmp_path, ("s/a", b"x=" * 10_000))
    with pytest.raises(BootgateError, match=r"The pattern .* of state: redact took more than"):
        pack(tmp_path, from_=path, redact={"a": ".*.*.*=.*!"})


def state_in(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "app.json").write_text('{"token": "abc"}')
    return State(
        path="/state",
        from_=str(tmp_path / "s"),
        exclude=["*.lgo", "cache"],
        redact={"*.jsno": "x", "*.json": '"tokne": "([^"]*)"', "app*": '"token": "([^"]*)"'},
    )


def test_what_touches_no_file_is_told(tmp_path):
    """But for what a preset asks for everywhere."""
    state = state_in(tmp_path)
    (tmp_path / "into").mkdir()
    idle = packed(state, Nothing({}), None, tmp_path / "into")
    foreign = {"exclude": ["cache"], "redact": []}
    told = list(idle.told(foreign.__getitem__))
    assert told == [
        "`*.lgo` of state: exclude matched no file of the state: correct it",
        "`*.jsno` of state: redact matched no file of the state: correct it",
        (
            "the pattern for `*.json` of state: redact was found in none of these files, so nothing"
            " was taken out: correct it"
        ),
    ]
    assert list(unmatched(state).told(foreign.__getitem__)) == told[:2]  # by names alone


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ('"token": "([^"]*)"|"pw": "([^"]*)"', '{"token": "REDACTED", "pw": "REDACTED"}'),
        ('"token": "([^"]*)", "pw": "([^"]*)"', '{"token": "REDACTED", "pw": "REDACTED"}'),
        ('"token": "([^"]*)"|p.p', '{"token": "REDACTED", "pw": "REDACTED"}'),
        ('"(a(b)c)"', '{"token": "REDACTED", "pw": "pap"}'),
        ('"token": "(?=(a))|pap', '{"token": "REDACTEDbc", "pw": "REDACTED"}'),
        ("(abc)?", '{"token": "REDACTED", "pw": "pap"}'),
        ("abc|pap", '{"token": "REDACTED", "pw": "REDACTED"}'),
    ],
)
def test_what_a_pattern_found_is_taken_out_and_no_more(tmp_path, pattern, left):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "a.json").write_text('{"token": "abc", "pw": "pap"}')
    (tmp_path / "into").mkdir()
    state = State(path="/state", from_=str(tmp_path / "s"), redact={"*.json": pattern})
    done = packed(state, Nothing({}), None, tmp_path / "into")
    with tarfile.open(tmp_path / "into" / SOURCE) as tar:
        assert tar.extractfile("state/a.json").read().decode() == left
    assert done.redacted == {"a.json": left.count("REDACTED")}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_text_with_wide_characters_is_redacted_or_refused(tmp_path, encoding):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "a.json").write_bytes('{"token": "a\u00fcc", "b": 1}'.encode(encoding))
    parts = {"from_": str(tmp_path / "s"), "redact": {"*.json": '"token": "([^"]*)"'}}
    if encoding == "utf-16-be":  # without a mark
        with pytest.raises(BootgateError, match=r"a\.json of the state is text in UTF-16"):
            pack(tmp_path, **parts)
        return
    text = pack(tmp_path, **parts)["state/a.json"].decode(encoding)
    assert text == '{"token": "REDACTED", "b": 1}'
