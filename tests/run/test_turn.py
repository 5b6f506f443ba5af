"""The queue itself: its order, its dead, other users, and what they may put in its way."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.run import tickets, turn
from pytest_bootgate.run.tickets import Own, Ticket, draw, living
from tests.queue_holder import Holder

NOBODY = 65534
pytestmark = pytest.mark.slow
root = pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")


@pytest.fixture
def holder():
    """Start programs that queue as gates do; what is left of them in the end is killed."""
    started: list[Holder] = []

    def start(uid: int | None = None, **environ: str) -> Holder:
        started.append(Holder("/srv/bootgate.yaml", uid, environ=environ))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def until(where: Path, count: int) -> None:
    while len(living(where)) != count:
        time.sleep(0.02)


def test_first_come_first_served(holder, tmp_path):
    first, *others = [holder()]
    first.has_it()
    for place in range(1, 5):
        others.append(holder())
        assert others[-1].waits()[0] == place
    for each in others:
        first.leave()
        first = each
        first.has_it()
    first.leave()
    assert list(tmp_path.glob("bootgate-turn.*")) == []


def test_many_at_once_have_it_one_after_the_other(holder, tmp_path):
    every = [holder() for _ in range(8)]
    until(tmp_path, 8)
    by_pid = {each.process.pid: each for each in every}
    for left in range(8, 0, -1):
        found = turn.queue()
        assert found.waiting == left - 1
        first = by_pid.pop(found.holder.pid)
        first.has_it()
        first.leave()
    assert not by_pid


def test_the_death_of_one_in_the_middle_does_not_break_the_line(holder, tmp_path):
    first, second, third = holder(), None, None
    first.has_it()
    second = holder()
    assert second.waits()[0] == 1
    third = holder()
    assert third.waits()[0] == 2
    second.kill()
    while third.waits()[0] != 1:
        pass
    assert len(living(tmp_path)) == 2
    first.leave()
    third.has_it()


def test_the_death_of_the_first_lets_the_next_one_in(holder, tmp_path):
    first = holder()
    first.has_it()
    second = holder()
    second.waits()
    first.kill()
    second.has_it()
    # What the dead one left is gone, too.
    assert len(list(tmp_path.glob("bootgate-turn.*"))) == 1


@root
def test_two_users_and_three_directories_for_what_is_temporary_are_one_line(
    holder, tmp_path, monkeypatch
):
    """In the queue of the machine itself: other gates may be before these."""
    monkeypatch.delenv("BOOTGATE_QUEUE_DIR")
    line, users = [], [(None, "root"), (NOBODY, "nobody"), (None, "root")]
    own = [holder(uid, TMPDIR=str(tmp_path / f"{n}")) for n, (uid, _) in enumerate(users[:1])]
    own[0].has_it()
    for n, (uid, _) in enumerate(users[1:], 1):
        (tmp_path / f"{n}").mkdir()
        own.append(holder(uid, TMPDIR=str(tmp_path / f"{n}")))
        place, user = own[-1].waits()
        assert place >= n
        assert user == "root"
    where = turn.queue().where
    pids = [each.process.pid for each in own]
    line = [ticket.pid for ticket in living(where) if ticket.pid in pids]
    assert line == pids
    own[0].leave()
    own[1].has_it()
    assert turn.queue().holder.user == "nobody"
    own[1].kill()  # what it leaves cannot be removed by everybody, and holds up nobody
    own[2].has_it()
    own[2].leave()


def test_the_place_is_the_same_for_all(monkeypatch, tmp_path):
    monkeypatch.delenv("BOOTGATE_QUEUE_DIR")
    here = tickets.directory()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert tickets.directory() == here
    found = here.stat()
    assert (found.st_uid, found.st_mode & 0o1777) == (0, 0o1777)


def test_a_gate_of_a_process_that_has_the_machine_has_it_too(tmp_path):
    said: list[turn.Waiting] = []
    one = turn.take(Path("/one.yaml"), said.append)
    two = turn.take(Path("/two.yaml"), said.append)
    one.leave()
    one.leave()
    assert len(living(tmp_path)) == 1
    two.leave()
    assert not living(tmp_path)
    assert not said


def test_a_forked_child_does_not_keep_the_machine(holder, tmp_path):
    """Not even where it outlives its parent, as a daemon does."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        turn.take(Path("/one.yaml"), lambda _: None)
        os.close(read)
        grandchild = os.fork()
        if grandchild == 0:
            time.sleep(60)
            os._exit(0)
        os.write(write, str(grandchild).encode())
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    grandchild = int(os.read(read, 20))
    try:
        second = holder()
        second.has_it()
    finally:
        os.kill(grandchild, 9)
        os.close(read)
        os.close(write)


# -- what somebody may put there ---------------------------------------------------------------


@pytest.fixture
def name(tmp_path) -> Path:
    """What a ticket would be called that was drawn a minute ago by another process."""
    return tmp_path / f"bootgate-turn.{time.monotonic_ns() - 60 * 10**9}.1"


@pytest.fixture
def victim(tmp_path) -> Path:
    path = tmp_path / "victim"
    path.write_text(json.dumps({"ticket": "victim", "file": "secret"}))
    return path


def link(name: Path, victim: Path) -> None:
    name.symlink_to(victim)


def hard_link(name: Path, victim: Path) -> None:
    name.hardlink_to(victim)


def fifo(name: Path, _: Path) -> None:
    os.mkfifo(name)


def folder(name: Path, _: Path) -> None:
    name.mkdir()


def unreadable(name: Path, _: Path) -> None:
    name.write_text("")
    name.chmod(0)


def deep(name: Path, _: Path) -> None:
    name.write_text("[" * 60000)


def numbers(name: Path, _: Path) -> None:
    name.write_text(json.dumps({"ticket": name.name, "file": 1}) + '\n{"began": 1e999}\n')


@pytest.mark.parametrize("trick", [link, hard_link, fifo, folder, unreadable, deep, numbers])
def test_what_only_looks_like_a_ticket_is_left_alone(trick, name, victim, holder, tmp_path):
    before = victim.read_text()
    trick(name, victim)
    with victim.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # so that it even seems to be alive
        own = draw(tmp_path, Path("/own.yaml"))
        assert own.ahead() == []
        own.withdraw()
    assert victim.read_text() == before
    first = holder()
    first.has_it()


def test_a_ticket_by_a_second_name_is_no_ticket(tmp_path, name):
    own = draw(tmp_path, Path("/own.yaml"))
    name.hardlink_to(own.ticket.path)
    later = tmp_path / f"bootgate-turn.{own.ticket.stamp + 1}.1"
    later.hardlink_to(own.ticket.path)
    assert living(tmp_path) == [own.ticket]
    own.withdraw()
    assert living(tmp_path) == []


def test_a_ticket_from_the_future_is_no_ticket(tmp_path, monkeypatch):
    clock = time.monotonic_ns
    monkeypatch.setattr(time, "monotonic_ns", lambda: clock() + 10**15)
    future = Own(tmp_path, Path("/future.yaml"))
    monkeypatch.undo()
    own = draw(tmp_path, Path("/own.yaml"))
    assert own.ahead() == []
    own.withdraw()
    future.withdraw()


def test_who_drew_first_and_was_slower_draws_again(tmp_path, monkeypatch):
    """Else both would take themselves for the first: the quicker one did not see the other."""
    quick = draw(tmp_path, Path("/quick.yaml"))
    stamps = iter([quick.ticket.stamp - 1])
    clock = time.monotonic_ns
    monkeypatch.setattr(time, "monotonic_ns", lambda: next(stamps, None) or clock())
    slow = draw(tmp_path, Path("/slow.yaml"))
    assert slow.ahead() == [quick.ticket]
    slow.withdraw()
    quick.withdraw()


@root
def test_anothers_ticket_makes_wait_and_names_him(holder, tmp_path, monkeypatch):
    shared = tmp_path.parent / f"{tmp_path.name}-shared"
    monkeypatch.delenv("BOOTGATE_QUEUE_DIR")
    where = tickets.directory()
    nobodys = holder(NOBODY)
    nobodys.has_it()
    mine = holder()
    assert mine.waits() == (1, "nobody")
    assert turn.queue().where == where
    assert not shared.exists()
    nobodys.kill()
    mine.has_it()


def test_a_directory_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("BOOTGATE_QUEUE_DIR", "/proc/self")
    with pytest.raises(BootgateError, match=r"No gate can queue in /proc/self: .* BOOTGATE_QUEUE"):
        turn.take(Path("/own.yaml"), lambda _: None)


def test_the_order_of_tickets_is_that_of_their_time(tmp_path):
    drawn = [Ticket(9, 2, tmp_path), Ticket(10, 1, tmp_path), Ticket(10, 2, tmp_path)]
    assert sorted([drawn[2], drawn[0], drawn[1]]) == drawn
