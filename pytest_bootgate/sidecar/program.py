"""The sidecar: it runs beside the gateway and turns what is no line into lines.

It is a program of its own (``python3 sidecar.pyz``, Python 3.9 or newer, standard library only).
Orders come in on standard input, events go out on standard output, both as one JSON object a line;
it ends at the end of its input.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from pytest_bootgate.sidecar.answer import LONGEST_ANSWER, beginning, lines_of
from pytest_bootgate.sidecar.follow import Tail
from pytest_bootgate.sidecar.looks import Look, Said, look_of, watch_of
from pytest_bootgate.sidecar.stub import Call, Stub
from pytest_bootgate.sidecar.web import TIMED_OUT, Event, request, short, why

#: How often this process looks whether it stood still, and how late it may be for that, in seconds.
BEAT, LATE = 0.1, 0.3
WATCH_EVERY = 0.02
TAIL_EVERY = 0.005
LONGEST_PART = 8_000
#: So many bytes of the answer to a question are read.
MOST_ANSWER = 16 << 20
#: How many seconds the answer to a question may take.
ANSWER_DEADLINE = 60.0


class Sidecar:
    """Takes orders, reports events; every method may be called from any thread."""

    def __init__(self) -> None:
        self.token = ""
        self._printing = threading.Lock()
        self._beat = time.monotonic()
        self._tails: list[Tail] = []
        self._tailing = threading.Lock()
        self._watching: list[threading.Event] = []
        self._stubs: dict[int, Stub] = {}

    # -- what it says ----------------------------------------------------------------------

    def say(
        self,
        event: str,
        *,
        at: float | None = None,
        unless: threading.Event | None = None,
        **more: Any,
    ) -> None:
        """Print one event, unless a watch was called off in the meantime.

        What was so since the monotonic second `at` says how long `ago` that is: reading followed
        files may take a while, and is nothing that the system did.
        """
        with self._printing:
            self._own_up()
            if at is not None:
                more["ago"] = round(time.monotonic() - at, 6)
            if unless is None or not unless.is_set():
                self._print({"event": event, **more})

    def _print(self, event: Event) -> None:
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()

    def beat(self) -> None:
        """Look again and again whether this process stood still (stopped, suspended, no CPU).

        What it says after that came at a time that nobody knows, so `stalled` is said before it.
        """
        while True:
            time.sleep(BEAT)
            if time.monotonic() - self._beat < BEAT + LATE:
                self._beat = time.monotonic()
                continue
            with self._printing:
                self._own_up()

    def _own_up(self) -> None:
        now = time.monotonic()
        stood, self._beat = now - self._beat, now
        if stood >= BEAT + LATE:
            self._print({"event": "stalled", "seconds": round(stood, 6)})

    def read_tails(self, *, thorough: bool = True) -> None:
        """Report all lines that were written up to now."""
        now = time.monotonic()
        with self._tailing:
            for tail in self._tails:
                for text in tail.lines(thorough=thorough):
                    self.say("line", at=now, file=tail.pattern, text=text)

    # -- what it is told -------------------------------------------------------------------

    def obey(self, line: bytes) -> None:
        """Carry out one order; what cannot be done is trouble, never an end."""
        try:
            order = json.loads(line)
            self._orders[order["do"]](self, order)
        except Exception as error:
            order_text = line.decode("utf-8", "replace").strip()[:200]
            self.say("trouble", text=f"{short(error)}: could not obey {order_text}")

    def serve(self, order: Event) -> None:
        """Open the stub, or change its reply."""
        port, reply = int(order["port"]), order.get("reply") or {}
        if port in self._stubs:
            self._stubs[port].reply = reply
        else:
            try:
                stub = Stub(("127.0.0.1", port), Call)
            except OSError as error:
                self.say("trouble", text=f"cannot serve port {port}: {error.strerror or error}")
                return
            stub.sidecar, stub.reply = self, reply
            self._stubs[port] = stub
            run(stub.serve_forever)
        self.say("serving", port=port)

    def watch(self, order: Event) -> None:
        """Look every 20 ms, or as the order says, until it is so."""
        self._watch(order, watch_of(order), "seen")

    def _watch(self, order: Event, look: Look, event: str) -> None:
        name, off = order["id"], threading.Event()
        with self._printing:
            self._watching.append(off)
        self.say("watching", id=name)
        run(self._look_out, name, look, off, event, order.get("every") or WATCH_EVERY)

    def look(self, order: Event) -> None:
        """Is it so already? Look once; what was written until now is reported before."""
        run(self._look_once, order["id"], look_of(order))

    def _look_once(self, name: str, look: Look) -> None:
        self.read_tails()
        self.say("looked", id=name, so=look()[0] is not None)

    def _look_out(
        self, name: str, look: Look, off: threading.Event, event: str, every: float
    ) -> None:
        state = ""
        while not off.is_set():
            seen, text = look()
            now = time.monotonic()
            if seen is not None:
                self.read_tails()
                self.say(event, at=now, unless=off, id=name, **seen)
                return
            if text and text != state:
                answered = isinstance(text, Said)
                self.say("state", unless=off, id=name, text=text, answered=answered)
            state = text
            off.wait(every)

    def lapse(self, order: Event) -> None:
        """Look until an endpoint says that it is not so, or nobody is there.

        One that takes its time says nothing, unless the order is `strict`.
        """
        once, strict = look_of(order), bool(order.get("strict"))

        def look() -> tuple[Event | None, str]:
            seen, text = once()
            lapsed = seen is None and (strict or text != TIMED_OUT)
            return ({"text": text, "late": text == TIMED_OUT} if lapsed else None), ""

        self._watch(order, look, "lapsed")

    def tail(self, order: Event) -> None:
        """Follow a file, or all files that match a pattern."""
        with self._tailing:
            first = not self._tails
            self._tails.append(Tail(order["file"]))
        self.say("tailing", file=order["file"])
        if first:
            run(self._follow)

    def _follow(self) -> None:
        while True:
            self.read_tails(thorough=False)
            time.sleep(TAIL_EVERY)

    def arm(self, order: Event) -> None:
        """A new boot begins: what the last one was watched for does not matter any more."""
        self.read_tails()
        with self._tailing:
            for tail in self._tails:
                tail.renew()
        with self._printing:
            for off in self._watching:
                off.set()
            self._watching.clear()
            self.token = order["token"]
        self.say("armed", token=order["token"])

    def trigger(self, order: Event) -> None:
        """Send a request and report how it was taken."""
        if "http" not in order:
            raise ValueError("this sidecar can only send HTTP triggers")
        run(self._send, order)

    def _send(self, order: Event) -> None:
        token = self.token
        self.say("sent")
        try:
            connection = request(order, "POST", None)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            if self.token == token:
                self.say("refused", error=why(error))
            return
        status = answer.status
        if not 200 <= status < 300:
            self._reply(token, "refused", status=status, body=beginning(answer))
            return
        self._reply(token, "accepted", status=status)
        for at, lines in lines_of(answer):
            for number, text in enumerate(lines):
                self._reply(token, "replied", at=at, news=not number, status=status, text=text)
        connection.close()

    def _reply(self, token: str, event: str, *, news: bool = True, **more: Any) -> None:
        """Say how a trigger was answered, after what was written before; unless it is history."""
        if self.token != token:
            return
        if news:
            self.read_tails()
        self.say(event, **more)

    def jobs(self, order: Event) -> None:
        """Ask an endpoint, and hand on its whole answer, in parts that fit into a line."""
        if "http" not in order:
            raise ValueError("this sidecar can only ask over HTTP")
        run(self._ask, order)

    def _ask(self, order: Event) -> None:
        connection = None
        try:
            connection = request(order, "GET", ANSWER_DEADLINE)
            answer = connection.getresponse()
            text = answer.read(MOST_ANSWER).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.say("answer", error=why(error))
            return
        finally:
            if connection is not None:
                connection.close()
        if not 200 <= answer.status < 300:
            self.say("answer", error=f"{answer.status} {text[:LONGEST_ANSWER]}")
            return
        for at in range(0, len(text) or 1, LONGEST_PART):
            part = text[at : at + LONGEST_PART]
            self.say("answer", text=part, more=at + LONGEST_PART < len(text))

    _orders: dict[str, Callable[[Sidecar, Event], None]] = {  # noqa: RUF012
        "serve": serve,
        "watch": watch,
        "look": look,
        "lapse": lapse,
        "tail": tail,
        "arm": arm,
        "trigger": trigger,
        "jobs": jobs,
    }


def run(work: Callable[..., object], *args: Any) -> None:
    """Work beside everything else."""
    threading.Thread(target=work, args=args, daemon=True).start()


def main() -> None:
    """Obey until the end of the input."""
    sidecar = Sidecar()
    sidecar.say("hello")
    run(sidecar.beat)
    for line in sys.stdin.buffer:
        if line.strip():
            sidecar.obey(line)
    sidecar.read_tails()
    sys.stdout.flush()
    os._exit(0)  # a request that hangs must not keep it
