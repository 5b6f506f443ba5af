"""What the program does, by its first word: ``prepare``, ``serve``, ``relay``, or a transfer."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading

from pytest_bootgate.engines.kubernetes.agent import SOCKET, transfer
from pytest_bootgate.engines.kubernetes.agent.prepare import prepare
from pytest_bootgate.engines.kubernetes.agent.program import READ, Agent


def relay() -> None:
    """Join the standard streams of a command that the gate runs here with the agent."""
    agent = socket.socket(socket.AF_UNIX)
    agent.connect(SOCKET)

    def up() -> None:
        while data := os.read(0, READ):
            agent.sendall(data)
        os._exit(0)

    threading.Thread(target=up, daemon=True).start()
    while data := agent.recv(READ):
        while data:
            data = data[os.write(1, data) :]
    os._exit(0)


def main() -> None:
    """Do what the first word says; the rest is for that."""
    word, *rest = sys.argv[1:]
    if word == "prepare":
        shared, units, files = rest
        prepare(shared, units.split(), json.loads(files))
    elif word == "serve":
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        Agent(rest).run()
    elif word == "relay":
        relay()
    else:
        transfer.main(word, *rest)
