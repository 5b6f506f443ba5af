"""A scripted process, and the world that the processes of one place share.

A script is a generator function. It gets its `Process`, prints by `Process.out`, and yields what
it waits for: a number of seconds, or a `Mailbox` of which it is given the next item. What it
returns is how it ends. Asked to end by a signal, it meets `AskedToEnd` where it waits, and may go
on all the same::

    def gateway(me):
        yield 0.5                           # it takes half a second to start
        me.listen(8080, lambda request: Answer())
        me.out("ready")
        task = yield me.mail                # somebody puts something there
        yield 2
        me.call(8099, body=task)
        return 0                            # its exit code
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from pytest_bootgate.engines.base import Chunk, Exit, Sink
from pytest_bootgate.engines.memory.clock import MemoryClock

_SIGNALS = {"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGKILL": 9, "SIGUSR1": 10, "SIGUSR2": 12}
_TERM = 15
KILLED = 137
_pids = count(1001)


class AskedToEnd(Exception):  # noqa: N818 (no error: a signal)
    """A signal of this `name` has come."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Mailbox:
    """Items for one process, in their order."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._reader: Callable[[Any], None] | None = None

    def put(self, item: Any) -> None:
        """Hand in an item; who waits for it goes on."""
        if self._reader is None:
            self._items.append(item)
        else:
            reader, self._reader = self._reader, None
            reader(item)

    def take(self, reader: Callable[[Any], None] | None) -> None:
        """The next item is this reader's; None: nobody reads any more."""
        self._reader = reader
        if reader is not None and self._items:
            self.put(self._items.popleft())


@dataclass(frozen=True, slots=True)
class Request:
    """A request of HTTP, or a connection where `method` is empty."""

    method: str = ""
    path: str = "/"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that comes `after` so many seconds."""

    status: int = 200
    body: str = ""
    after: float = 0.0


#: Answers requests; None where a request is left without an answer.
Handler = Callable[[Request], Answer | None]
Script = Callable[["Process"], Generator["float | Mailbox", Any, "int | Exit | None"]]


class World:
    """The files and ports of one place; `looks` are called whenever something may have changed."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        #: By number, those of Unix sockets by path.
        self.ports: dict[int | str, tuple[Process, Handler]] = {}
        self.looks: list[Callable[[], None]] = []

    def changed(self) -> None:
        """Let everybody look who looks at it."""
        for look in [*self.looks]:
            look()

    def ask(self, port: int | str, request: Request) -> Answer | None:
        """What who listens on a port answers. Raises `ConnectionRefusedError` where nobody does."""
        if port not in self.ports:
            raise ConnectionRefusedError
        process, handler = self.ports[port]
        if process.frozen():
            return None
        return Answer() if not request.method else handler(request)


class Process:
    """One process, and all that its script may do.

    `stdin` gets the lines that are sent to it, `mail` is for handlers of its requests. `command`,
    `env` and `image` are what it was started with, `dir` and `ports` those of its place.
    """

    def __init__(
        self,
        name: str,
        script: Script,
        world: World,
        clock: MemoryClock,
        sink: Sink,
        *,
        command: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        image: str = "",
        dir: str = "",  # noqa: A002
        ports: Mapping[str, int] | None = None,
        frozen: Callable[[], bool] = lambda: False,
        over: Callable[[Process], None] = lambda _: None,
        parent: Process | None = None,
    ) -> None:
        self.name, self.world, self.clock = name, world, clock
        self.command, self.env, self.image = list(command), dict(env or {}), image
        self.dir, self.ports, self.pid = dir, dict(ports or {}), next(_pids)
        self.frozen, self._sink, self._over, self._parent = frozen, sink, over, parent
        self.stdin, self.mail = Mailbox(), Mailbox()
        self.children: list[Process] = []
        self.cpu = 0.0
        self.exit: Exit | None = None
        self._began = clock.now()
        self._turn, self._playing = 0, False
        self._waits: Mailbox | None = None
        self._held: list[Callable[[], None]] = []
        self._script = script(self)
        self._later(0.0, None)

    # -- for its script --------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return self.clock.now() - self._began

    def out(self, *lines: str) -> None:
        """Print lines."""
        for line in lines:
            self.write(line.encode() + b"\n")

    def err(self, *lines: str) -> None:
        """Print lines to its standard error."""
        for line in lines:
            self.write(line.encode() + b"\n", "err")

    def write(self, data: bytes, stream: str = "out") -> None:
        """Print bytes."""
        if self.exit is None:
            self._sink(Chunk(f"{self.name}.{stream}", self.clock.now(), data))

    def log(self, path: str, *lines: str) -> None:
        """Append lines to a file, made if it is not there."""
        text = "".join(f"{line}\n" for line in lines)
        self.world.files[path] = self.world.files.get(path, b"") + text.encode()

    def listen(self, port: int | str, handler: Handler = lambda _: Answer()) -> None:
        """From now on answer there."""
        self.world.ports[port] = (self, handler)

    def close(self, port: int | str) -> None:
        """Answer there no more."""
        self.world.ports.pop(port, None)

    def call(
        self, port: int, path: str = "/", *, method: str = "POST", body: str = ""
    ) -> Answer | None:
        """Ask who listens on a port, see `World.ask`."""
        return self.world.ask(port, Request(method, path, body))

    def fork(self, words: str, script: Script) -> Process:
        """Start another process that prints where this one does; its command is `words`."""
        main = self._parent or self
        child = Process(
            self.name,
            script,
            self.world,
            self.clock,
            self._sink,
            command=words.split(),
            env=self.env,
            image=self.image,
            dir=self.dir,
            ports=self.ports,
            frozen=self.frozen,
            parent=main,
        )
        main.children.append(child)
        return child

    # -- for its unit ----------------------------------------------------------------------

    def signal(self, name: str) -> None:
        """A signal comes."""
        if name == "SIGKILL":
            self.end(Exit(KILLED))
        else:
            self._later(0.0, AskedToEnd(name), at_any_turn=True)

    def end(self, how: Exit) -> None:
        """It ends, and with it its children, its ports and its streams."""
        if self.exit is not None:
            return
        for child in self.children:
            child.end(Exit(KILLED))
        self.exit = Exit(how.code, how.oom, self.seconds, how.gone)
        if not self._playing:  # else it is its script that ends it
            self._script.close()
        for port in [port for port, (who, _) in self.world.ports.items() if who is self]:
            self.close(port)
        if self._parent is None:
            self._sink(Chunk(f"{self.name}.out", self.clock.now(), None))
        self._over(self)
        self.world.changed()

    def thaw(self) -> None:
        """It was frozen and goes on: what it waited for meanwhile is there at once."""
        held, self._held = self._held, []
        for go in held:
            go()

    # -- playing ---------------------------------------------------------------------------

    def _later(self, seconds: float, what: Any, *, at_any_turn: bool = False) -> None:
        """Go on in so many seconds, unless it has gone on before for another reason."""
        turn = self._turn

        def go() -> None:
            if self.exit is not None or not (at_any_turn or turn == self._turn):
                return
            if self.frozen():
                self._held.append(go)
            else:
                self._turn += 1
                self._go(what)

        self.clock.at(self.clock.now() + seconds, go)

    def _go(self, what: Any) -> None:
        """Let the script go on until it waits again."""
        if self._waits is not None:
            self._waits.take(None)
            self._waits = None
        self._playing = True
        try:
            if isinstance(what, AskedToEnd):
                wanted = self._script.throw(what)
            else:
                wanted = self._script.send(what)
        except StopIteration as stop:
            self.end(stop.value if isinstance(stop.value, Exit) else Exit(stop.value or 0))
            return
        except AskedToEnd as asked:
            self.end(Exit(128 + _SIGNALS.get(asked.name, _TERM)))
            return
        finally:
            self._playing = False
        if self.exit is not None:
            self._script.close()
            return
        if isinstance(wanted, Mailbox):
            self._waits = wanted
            wanted.take(lambda item: self._later(0.0, item))
        else:
            self._later(wanted, None)
        self.world.changed()
