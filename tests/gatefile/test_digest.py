from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from pytest_bootgate.gatefile import digest, fingerprint, load
from pytest_bootgate.gatefile.digest import measures

GATE = """\
releases: {candidate: {image: "app:2"}}
target: {timeout: 9s, phases: {up: {line: up}}}
targets: {isolated: {phases: {up: {line: up}}}}
"""


def test_limits_do_not_change_what_is_measured(tmp_path):
    digests = []
    for probe in ("{line: up}", "{line: up, limit: 5s, deadline: 6s}", "{line: ready}"):
        path = tmp_path / "bootgate.yaml"
        path.write_text(GATE.replace("{line: up}", probe))
        digests.append(measures(load(path)).digest)
    assert digests[0] == digests[1] != digests[2]


def test_a_propagation_test_does_not_change_what_is_measured(tmp_path):
    path = tmp_path / "bootgate.yaml"
    digests = []
    for more in ("", ", propagation: {hold: pause}"):
        path.write_text(GATE.replace("{line: up}}}}", "{line: up}}" + more + "}}"))
        digests.append(measures(load(path)).digest)
    assert digests[0] == digests[1]


def test_a_key_that_came_later_changes_no_digest(tmp_path):
    """Else all recorded baselines of all users would be void. This one is of version 0.2."""
    path = tmp_path / "bootgate.yaml"
    path.write_text(GATE)
    assert measures(load(path)).digest == "20f0731727bd8347"


OWN = """\
releases: {candidate: {command: [python3, "${here}/old.py"]}}
gateway:
  files: {"${dir}/app.conf": {path: app.conf}, "${dir}/key": {path: key, secret: true}}
services: {db: {command: [python3, -u, "${here}/db.py"], ready: {exec: [sh, "${here}/look.sh"]}}}
state: {path: "${dir}/st", from: ./start, exclude: [cache]}
targets: {main: {timeout: 9s, proof: {line: up}}}
"""


def write(directory: Path, changed: dict[str, str]) -> Path:
    """A checkout of `OWN`, with other contents of some files."""
    kept = ("old.py", "app.conf", "key", "db.py", "look.sh", "start/rows", "start/cache/x")
    for name, text in ({name: name for name in kept} | {"bootgate.yaml": OWN} | changed).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory / "bootgate.yaml"


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, set()),
        ({"app.conf": "x"}, {"files"}),
        ({"db.py": "x"}, {"files"}),
        ({"look.sh": "x"}, {"files"}),
        ({"start/rows": "ROWS"}, {"state"}),
        ({"start/more": ""}, {"state"}),
        ({"bootgate.yaml": OWN.replace("[cache]", "[cache, rows]")}, {"state"}),
        (
            {"bootgate.yaml": OWN.replace("9s, proof: {line: up", "9s, proof: {line: ready")},
            {"targets"},
        ),
        # Each release has its own, each machine another key; a cache is not copied.
        ({"old.py": "x", "key": "x", "start/cache/x": "x"}, set()),
    ],
)
def test_contents_of_files_and_the_state_are_measured(tmp_path, changed, parts):
    before = digest.measures(load(write(tmp_path / "a", {})))
    (tmp_path / "a" / "start/rows").touch()
    after = digest.measures(load(write(tmp_path / "elsewhere", changed)))
    both = {**before.parts, **after.parts}
    assert {n for n in both if before.parts.get(n) != after.parts.get(n)} == parts
    assert (before.digest != after.digest) == bool(parts)


def test_what_an_upgrade_does_with_a_state_is_no_part_of_a_boot(tmp_path):
    found = []
    for rule in ("stop: 3s", "stop: 9s, rollback: true"):
        text = OWN.replace("[cache]}", f"[cache], {rule}}}\nupgrade: fresh").replace(
            "releases: {", "releases: {baseline: {command: [python3, x.py]}, "
        )
        found.append(digest.measures(load(write(tmp_path, {"bootgate.yaml": text}))))
    assert found[0] == found[1]


def packed(path: Path, rows: bytes, mtime: int, top: str = "") -> str:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in {"rows": rows, "cache/x": str(mtime).encode()}.items():
            entry = tarfile.TarInfo(top + name)
            entry.size, entry.mtime = len(content), mtime
            tar.addfile(entry, io.BytesIO(content))
    return str(path)


@pytest.mark.parametrize("top", ["", "./", "state/"])
def test_an_archive_made_anew_is_the_same_state(tmp_path, top):
    first, again, other = (
        fingerprint.of_source(packed(tmp_path / f"{n}.tgz", rows, n, top), ["cache"])
        for n, rows in enumerate((b"1", b"1", b"2"))
    )
    assert first == again != other


def test_links_and_volumes_are_what_they_name(tmp_path):
    found = []
    for target in ("a", "b"):
        (tmp_path / target).mkdir()
        (tmp_path / target / "link").symlink_to(f"/nowhere/{target}")
        found.append(fingerprint.of_source(str(tmp_path / target)))
    assert found[0] != found[1]
    assert fingerprint.of_source("volume:a") != fingerprint.of_source("volume:b")


def test_of_a_large_state_only_beginnings_are_read(tmp_path, monkeypatch):
    """5 GB here, in 50 files that hold nothing: reading all of it would take many seconds."""
    read: list[Path] = []

    def content(path: Path) -> str:
        read.append(path)
        return ""

    monkeypatch.setattr(fingerprint, "_content", content)
    monkeypatch.setattr(fingerprint, "_OF_ALL", 10 * fingerprint._OF_EACH)
    for number in range(50):
        with (tmp_path / f"{number:02}").open("wb") as file:
            os.truncate(file.fileno(), 100 << 20)
    found = fingerprint.of_source(str(tmp_path))
    assert len(read) == 10
    assert isinstance(found, list)
    assert len(found) == 50
    with (tmp_path / "49").open("ab") as file:
        file.write(b"x")
    assert fingerprint.of_source(str(tmp_path)) != found
    shutil.rmtree(tmp_path)


def test_a_large_archive_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprint, "_ARCHIVE", 10)
    path = packed(tmp_path / "a.tgz", b"1", 1)
    found = fingerprint.of_source(path)
    assert isinstance(found, list)
    assert found[0] == os.stat(path).st_size  # noqa: PTH116


@pytest.mark.parametrize(
    ("env", "differs"),
    [
        ("RELEASE: '${CANDIDATE}'", True),  # shards of two releases made one result
        ("DB_PASSWORD: '${CANDIDATE}'", False),  # each machine may have its own
        ("RELEASE: '${API_TOKEN}'", False),
        ("AUTH_VERSION: '${CANDIDATE}'", True),
    ],
)
def test_a_release_that_a_variable_names_is_another_one(tmp_path, env, differs):
    path = tmp_path / "bootgate.yaml"
    path.write_text(GATE.replace('image: "app:2"', f'image: "app:2", env: {{{env}}}'))
    one, other = (
        digest.parts(load(path, {"CANDIDATE": text, "API_TOKEN": text}))
        for text in ("1.9.0-final", "2.0.0-final")
    )
    assert (one["releases"] != other["releases"]) == differs


def test_what_is_the_systems_own_names_no_files(tmp_path):
    """It gave a traceback, and read all of /usr."""
    path = tmp_path / "bootgate.yaml"
    reply = "{json: {files: {report.txt: 12 kB}, from: /usr, program: /usr}}"
    path.write_text(
        f"{GATE}sidecar: {{stub: {{port: 80, reply: {reply}}}}}\n"
        "gateway: {env: {from: /usr, to: /backup}}\n"
    )
    assert "files" not in measures(load(path)).parts


@pytest.mark.parametrize(
    "command",
    [
        '[env, A=1, python3, -u, "${here}/app.py", x]',
        '[python3, -W, ignore, -X, utf8, "${here}/app.py", x]',
        '[sh, -c, "exec python3 -u ${here}/app.py"]',
        '["${here}/wrapper", "${here}/app.py"]',
    ],
)
def test_a_script_is_measured_wherever_the_command_names_it(tmp_path, command):
    path = tmp_path / "bootgate.yaml"
    path.write_text(f"{GATE}services: {{db: {{command: {command}, image: db}}}}\n")
    found = []
    for text in ("1", "2"):
        (tmp_path / "wrapper").write_text("")
        (tmp_path / "app.py").write_text(text)
        (tmp_path / "rows").write_text(text)
        found.append((measures(load(path)).digest, digest.parts(load(path))["programs"]))
    assert found[0][0] != found[1][0]
    assert found[0][1] != found[1][1]


def test_what_a_script_reads_may_change_with_every_boot(tmp_path):
    path = tmp_path / "bootgate.yaml"
    command = '[python3, "${here}/app.py", "${here}/rows"]'
    path.write_text(f"{GATE}services: {{db: {{command: {command}, image: db}}}}\n")
    (tmp_path / "app.py").touch()
    found = []
    for text in ("1", "2"):
        (tmp_path / "rows").write_text(text)
        found.append(measures(load(path)).digest)
    assert found[0] == found[1]
