"""That a row of the table of faults can be wrong; `ci/faults` runs the table itself."""

from __future__ import annotations

import re
import shutil
from collections import Counter

import pytest

from tests.faults.rows import GOOD, LEAVES, ROWS
from tests.faults.runner import Found, Row, judge


def test_the_table_is_large_and_names_each_fault_once():
    assert sum(len(row.engines) for row in ROWS) >= 60
    assert [fault for fault, times in Counter(row.fault for row in ROWS).items() if times > 1] == []


def judged(plan, **more) -> Found:
    found = judge(Row("one", "pass", "PASS: 1 target", plan=plan, **more), "process")
    if found.kept is not None:
        shutil.rmtree(found.kept)
    return found


def test_a_row_that_is_right():
    found = judged(GOOD)
    assert found.wrong == []
    assert found.left == []


def test_another_verdict_and_other_words_are_wrong():
    found = judged(["engine ready", "exit:1"])
    assert "verdict fail, not pass" in found.wrong
    assert "nothing said matches 'PASS: 1 target'" in found.wrong
    assert found.masked  # the planted secret was printed and written


@pytest.fixture(scope="module")
def misdeeds() -> str:
    """What is said of a gate in whose process all is done that a gate must not do."""
    done = [
        "print(os.environ['FAULT_SECRET'])",
        "subprocess.Popen(['sleep', '601'], start_new_session=True)",
        f"exec({LEAVES[3:]!r})",
        "tempfile.mkdtemp(prefix='bootgate-')",
        "print('Traceback (most recent call last)')",
        "print('##[error]')",
        "held.append(b'x' * (200 << 20))",
        "open('bootgate.yaml', 'a').write(' ')",
    ]
    program = (
        "import os, subprocess, tempfile\nheld = []\n"
        "def pytest_bootgate_event(event):\n"
        "    if event.kind == 'trigger_sent':\n"
        f"        {'; '.join(done)}\n"
    )
    found = judged(GOOD, listener=program, options=("-s",))
    return "; ".join([*found.wrong, *found.left])


@pytest.mark.parametrize(
    "says",
    [
        "secret in out/terminal",
        r"process \d+ sleep 601",
        r"process \d+ /bin/sh -c cd /; sleep 600",
        r"/tmp/fault-\w+/tmp/bootgate-",
        "printed 'Traceback",
        r"printed the command '##\['",
        r"took \d+ MiB",
        "the gate file was changed",
    ],
)
def test_what_is_wrong_with_a_run_is_seen(misdeeds, says):
    assert re.search(says, misdeeds), misdeeds
