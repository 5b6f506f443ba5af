"""Interpreters that have imported everything already: forks of a process that does nothing else.

A new interpreter that runs a gate spends a second of CPU on imports; the workers of pytest-xdist in
the tests' runs are two of them a run. `Python` and `run` are those of `subprocess` for ``python -c
CODE`` and ``python -m MODULE``, without that second. They are no children of who starts them.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import execnet.gateway_io
from execnet.gateway_base import Popen2IO

from tests.forked import be, fork

#: What a run imports.
NEEDED = [
    *(f"pytest_bootgate.pytest_plugin.{name}" for name in ("collect", "finish", "items", "rows")),
    *(f"pytest_bootgate.pytest_plugin.{name}" for name in ("contrast", "publish", "require")),
    *(f"pytest_bootgate.pytest_plugin.{name}" for name in ("spread", "workers", "summary")),
    *(f"pytest_bootgate.pytest_plugin.{name}" for name in ("shards", "header", "progress")),
    *("pytest_bootgate.journal.history", "pytest_bootgate.engines.memory", "encodings.utf_8_sig"),
    *("pytest_bootgate.reports.progress", "pytest_bootgate.reports.formats.junit"),
    *(f"pytest_bootgate.reports.{name}" for name in ("html.page", "formats.cases", "notify")),
    "pytest_bootgate.reports.probing",
    *(f"pytest_bootgate.{name}" for name in ("journal.store", "engines.process", "engines.docker")),
    *("pytest_bootgate.cli.probe", "psutil", "resource", "pickle"),
    *("xdist.remote", "xdist.dsession", "xdist.scheduler"),
]
_MOST = 1 << 20
_address: str | bytes = b""


def found() -> None:
    """Fork the process whose forks all `Python` of this process, and of its forks, will be.

    From then on the workers of pytest-xdist are such forks too.
    """
    global _address
    if _address:
        return
    for name in NEEDED:
        import_module(name)
    setattr(execnet.gateway_io.Popen2IOMaster, "__init__", _start_worker)  # noqa: B010 (for mypy)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind("")  # the kernel names it: no file that would be left behind
    listener.listen(16)
    _address = listener.getsockname()
    # It ends with who founds it: nobody else has the other end of this.
    ends, stays = os.pipe()
    if fork() == 0:
        os.close(stays)
        _serve(listener, ends)
    listener.close()
    os.close(ends)


def _serve(listener: socket.socket, life: int) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # that of a terminal is for who founded it
    for number in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    for number in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        with contextlib.suppress(OSError):  # that of the list itself
            if number > 2 and number not in (listener.fileno(), life):
                os.close(number)
    gc.freeze()
    waiting = selectors.DefaultSelector()
    waiting.register(listener, selectors.EVENT_READ)
    waiting.register(life, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is listener:
                asked, _ = listener.accept()
                pid = _child(asked)
                asked.send(str(pid).encode())
                waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, asked))
            elif key.data is None:
                os._exit(0)
            else:
                pid, asked = key.data
                waiting.unregister(key.fileobj)
                os.close(key.fd)
                status = os.waitpid(pid, 0)[1]
                with contextlib.suppress(OSError):  # who asked for it is gone
                    asked.send(str(status).encode())
                asked.close()


def _child(asked: socket.socket) -> int:
    text, streams, _, _ = socket.recv_fds(asked, _MOST, 3)
    wanted = json.loads(text)
    pid = fork()
    if pid == 0:
        words, session = wanted["words"], wanted["session"]
        be(lambda: _interpret(words, session=session), wanted["cwd"], streams, wanted["env"])
    for stream in streams:
        os.close(stream)
    return pid


def _interpret(words: Sequence[str], *, session: bool) -> None:
    """What Python does with its command line and its environment."""
    if session:
        os.setsid()
    sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(":") if path]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rest = [word for word in words if word not in ("-u", "-B")]
    if rest[0] == "-c":
        sys.argv = ["-c", *rest[2:]]
        exec(rest[1], {"__name__": "__main__"})
    else:
        assert rest[0] == "-m", words
        sys.argv = [rest[1], *rest[2:]]
        spec = find_spec(rest[1])
        if spec.submodule_search_locations is not None:
            spec = find_spec(f"{rest[1]}.__main__")
        runpy.run_path(spec.origin, run_name="__main__")


class Python(subprocess.Popen):
    """A `subprocess.Popen` whose command is this Python."""

    _close_pipe_fds: Any
    _handle_exitstatus: Any
    _waitpid_lock: Any

    def _execute_child(self, args: Any, *more: Any) -> None:
        # As `subprocess.Popen.__init__` gives them, in all versions of Python 3.
        found()
        before, cwd, env, pipes, session = more[1], more[4], more[5], more[9:15], more[20]
        assert before is None
        given = (pipes[0], pipes[3], pipes[5])
        streams = [place if number == -1 else number for place, number in enumerate(given)]
        words = [os.fsdecode(word) for word in args]
        assert words[0] == sys.executable, words
        environ = {os.fsdecode(k): os.fsdecode(v) for k, v in (env or os.environ).items()}
        wanted = {
            "words": words[1:],
            "cwd": os.fsdecode(cwd or Path.cwd()),
            "env": environ,
            "session": session,
        }
        self._asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._asked.connect(_address)
        socket.send_fds(self._asked, [json.dumps(wanted).encode()], streams)
        self.pid = int(self._asked.recv(64))
        self._child_created = True
        self._close_pipe_fds(*pipes)

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        try:
            status = self._asked.recv(64, socket.MSG_DONTWAIT if wait_flags else 0)
        except BlockingIOError:
            return 0, 0
        self._asked.close()
        return self.pid, int(status or signal.SIGKILL)

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)
            finally:
                self._waitpid_lock.release()
        return self.returncode


def run(words: Sequence[str], **more: Any) -> subprocess.CompletedProcess[Any]:
    """As `subprocess.run`."""
    timeout, _ = more.pop("timeout", None), more.pop("check", False)
    if more.pop("capture_output", False):
        more |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Python(words, **more) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def _start_worker(io: Any, args: Sequence[str], execmodel: Any) -> None:
    pipe = subprocess.PIPE
    io.popen = python = Python(args, stdin=pipe, stdout=pipe)
    Popen2IO.__init__(io, python.stdin, python.stdout, execmodel=execmodel)
