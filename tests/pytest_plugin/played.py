"""A plugin for pytest that boots the toy in memory: ``-p tests.pytest_plugin.played``.

What the toy does with its PLAN takes no time and no processes then, so that a test of what pytest
collects, prints and exits with takes a tenth of a second. What only a real process can show
(signals, CPU time, files) is for runs without it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.engines.memory import Answer, MemoryEngine, Process, Request
from pytest_bootgate.engines.memory.script import KILLED
from pytest_bootgate.run.machinery import Machinery
from tests.loop.keepers import keeper
from tests.loop.played import FACTS, QUIET, PlayedOnlooker


def toy(me: Process) -> Generator[Any, Any, Exit | int | None]:
    """As toy.py, for the steps that need no process."""
    health = 200
    held: list[str] | None = None
    stub = urlsplit(me.env["STUB"]).port

    def take(request: Request) -> Answer:
        status = int(me.env.get("STATUS", "200")) if request.method == "POST" else health
        if request.method == "POST" and status == 200:
            me.mail.put(request.body)
        return Answer(status, "ok")

    def tell(line: str) -> None:
        if "STAMPS" in me.env:
            line = f"{datetime.fromtimestamp(me.clock.wall(), UTC).isoformat()} {line}"
        me.out(line) if held is None else held.append(line)

    def ring(message: str) -> bool:
        try:
            return me.call(stub, body=message) is not None
        except ConnectionRefusedError:
            return False

    if "LOG" in me.env:
        me.log(me.env["LOG"], "task started")
    me.out(f"toy {me.env.get('VERSION', '1')} is here")
    yield 0.1
    if "DEAF" not in me.env:
        me.listen(int(me.env["PORT"]), take)
    while True:
        message = yield me.mail
        plan = json.loads(me.env["PLAN"])
        if "COUNTER" in me.env:
            with Path(me.env["COUNTER"]).open("a+") as counter:
                counter.write("x")
                plan = plan[min(counter.tell(), len(plan)) - 1]
        for step in plan:
            if isinstance(step, (int, float)):
                me.cpu += 0.001
                yield float(step)
            elif step == "ring":
                if not ring(message):
                    break
            elif step == "ring without token":
                ring("poll")
            elif step == "ring or tell":
                if not ring(message):
                    yield 1.0
                    me.out("job failed: no answer")
            elif step == "unhealthy":
                health = 503
            elif step == "buffer":
                held = []
            elif step == "flush":
                me.out(*(held or []))
                held = None
            elif step == "eat":
                return Exit(KILLED, oom=True)
            elif step == "burn":
                while True:
                    me.cpu += 0.1
                    yield 0.1
            elif step == "runner":
                runner = me.fork("python3 -c import time; time.sleep(60)", lambda _: (yield 60.0))
                while runner.exit is None:
                    yield 0.02
            elif step.startswith("work:"):
                me.cpu += float(step[5:])
                yield float(step[5:])
            elif step.startswith("exit:"):
                return int(step[5:])
            else:
                known = not step.startswith(("do:", "wait:")) and step not in UNPLAYED
                assert known, f"{step!r} is for a real process"
                tell(step)


UNPLAYED = {"child eats", "restart", "save"}


def carry_out(me: Process) -> int:
    """Python code that takes no time."""
    try:
        exec(me.command[2])
    except SystemExit as ended:
        if isinstance(ended.code, str):
            me.err(ended.code)
            return 1
        return ended.code or 0
    return 0


def program(me: Process) -> Generator[Any, Any, Exit | int | None]:
    """What ``python3 FILE`` and ``python3 -c CODE`` run."""
    name = Path(me.command[1]).name
    if name == "-c":
        return carry_out(me)
    return (yield from {"toy.py": toy, "keeper.py": keeper}[name](me))


class PlayedMachinery:
    """What `Machinery` does, for boots in memory on a quiet machine."""

    @staticmethod
    def choose(_: Machinery) -> tuple[MemoryEngine, str]:
        engine = MemoryEngine({"python3": program})
        engine.clock.set_wall(time.time() - engine.clock.wall())
        return engine, "the test brings it"

    @staticmethod
    def onlooker(_: Machinery) -> PlayedOnlooker:
        return PlayedOnlooker(QUIET)


def play(patch: pytest.MonkeyPatch) -> None:
    """From now on all boots are in memory."""
    patch.setattr(Machinery, "_choose", PlayedMachinery.choose)
    patch.setattr(Machinery, "_guard", lambda _self, _engine: None)
    patch.setattr(Machinery, "_facts", lambda _self: FACTS)
    patch.setattr(Machinery, "onlooker", PlayedMachinery.onlooker)


@pytest.hookimpl
def pytest_configure(config: pytest.Config) -> None:
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    play(patch)
