"""What the programs of the contract do, as scripts for the engine in memory."""

from __future__ import annotations

from contextlib import suppress

from pytest_bootgate.engines.memory import AskedToEnd, Process


def does(*steps, code: int = 0):
    """Wait for the numbers, print the texts, call the rest with the process, and end."""

    def script(me: Process):
        for step in steps:
            if isinstance(step, (int, float)):
                yield step
            elif isinstance(step, str):
                me.out(step)
            else:
                step(me)
        return code
        yield

    return script


def lives(*steps):
    """The same, and go on for a minute."""
    return does(*steps, 60)


def hears(me: Process):
    while True:
        line = yield me.stdin
        me.out(f"heard {line}")


def busy(me: Process):
    me.out("go")
    while True:
        yield 0.1
        me.cpu += 0.1


def counts(name: str):
    def script(me: Process):
        number = 0
        while True:
            me.out(f"{name} {number}")
            number += 1
            yield 0.02

    return script


def parent(me: Process):
    """Counts, and on request starts a child that counts as well."""
    me.out("up")
    yield me.stdin
    me.fork("python the-runner", counts("child"))
    yield from counts("parent")(me)


def waits_for_a_line(me: Process):
    yield me.stdin
    me.out("on")
    return 0


def listens_to_signals(me: Process):
    me.out("up")
    try:
        yield 60
    except AskedToEnd:
        return 5


def ignores_signals(me: Process):
    me.out("up")
    while True:
        with suppress(AskedToEnd):
            yield 60


def waits_for(path: str):
    def script(me: Process):
        while path not in me.world.files:
            yield 0.01
        me.out("said")
        return 0

    return script


def gives(path: str, said: str):
    def script(me: Process):
        me.out(me.world.files[path].decode())
        me.log(said)
        return 0
        yield

    return script


def reaches(port: int):
    def script(me: Process):
        while port not in me.world.ports:
            yield 0.02
        assert me.call(port, method="").status == 200
        me.out("reached")
        return 0

    return script


def listens_on(port: int):
    return lives(lambda me: me.listen(port))


def listens_at(*places: int | str):
    def up(me: Process) -> None:
        for place in places:
            me.listen(place)
        me.out("up")

    return lives(up)
