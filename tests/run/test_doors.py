"""Listening sockets, as this kernel knows them."""

from __future__ import annotations

import os
import socket

import pytest

from pytest_bootgate.run.doors import open_doors, reopened


def listening(port: int = 0, family=socket.AF_INET) -> socket.socket:
    door = socket.socket(family)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    door.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
    door.listen()
    return door


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_door_that_was_opened_anew(family):
    with listening(family=family) as door:
        port = door.getsockname()[1]
        before = open_doors(os.getpid(), {port})
        assert list(before) == [port]
        assert reopened(before, open_doors(os.getpid(), {port})) == ""
    assert reopened(before, open_doors(os.getpid(), {port})) == f"port {port} is not open any more"
    with listening(port, family):
        after = open_doors(os.getpid(), {port})
    assert reopened(before, after) == f"port {port} was opened anew"


def test_one_of_several_that_share_a_port_is_enough():
    first = listening()
    port = first.getsockname()[1]
    with listening(port):
        before = open_doors(os.getpid(), {port})
        first.close()
        with listening(port):
            assert reopened(before, open_doors(os.getpid(), {port})) == ""


def test_connections_and_other_ports_do_not_count():
    with listening() as door, listening() as other:
        port = door.getsockname()[1]
        with socket.create_connection(door.getsockname()):
            found = open_doors(os.getpid(), {port})
        assert (list(found), len(found[port])) == ([port], 1)
        assert reopened(found, {**found, other.getsockname()[1]: frozenset("9")}) == ""


def test_nothing_is_known_of_another_machine():
    assert open_doors(None, {80}) == {}
    assert open_doors(2**22 + 1, {80}) == {}
