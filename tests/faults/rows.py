"""The table: a fault, what pytest-bootgate must come to, and what it must say. One entry a row."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.faults.runner import IMAGE, Gate, Row, merged
from tests.machine import an_engine, wall_clock

GOOD = ["engine ready", 0.05, "persona loaded", 0.05, "ring"]
#: A boot in the midst of which something is done to the gate from outside.
LONG = ["engine ready", 300]
PROCESS, DOCKER = ("process",), ("docker",)
SHORT = {"target": {"timeout": "1500ms"}}
RETURN = contextlib.AbstractContextManager


# What is done from outside while the gate runs.


def signalled(number: signal.Signals) -> Callable[[Gate], None]:
    return lambda gate: gate.process.send_signal(number)


def stopped(gate: Gate) -> None:
    gate.process.send_signal(signal.SIGSTOP)
    time.sleep(3)
    gate.process.send_signal(signal.SIGCONT)


def killed_with_its_reaper(gate: Gate) -> None:
    for reaper in gate.children("engines.reaper"):
        reaper.kill()
    gate.process.kill()


def without_reaper(gate: Gate) -> None:
    for reaper in gate.children("engines.reaper"):
        reaper.kill()


def killed(word: str, number: signal.Signals = signal.SIGKILL) -> Callable[[Gate], None]:
    def hand(gate: Gate) -> None:
        if gate.engine == "docker":
            # A signal would reach the container's init alone.
            how = ["pause"] if number == signal.SIGSTOP else ["kill", "-s", number.name]
            for one in gate.containers(word):
                subprocess.run(["docker", *how, one], capture_output=True, check=False)
        for process in gate.children(word):
            process.send_signal(number)

    return hand


def paused(word: str) -> Callable[[Gate], None]:
    """Stopped for two seconds."""

    def hand(gate: Gate) -> None:
        killed(word, signal.SIGSTOP)(gate)
        time.sleep(2)
        for one in gate.containers(word) if gate.engine == "docker" else []:
            subprocess.run(["docker", "unpause", one], capture_output=True, check=False)
        killed(word, signal.SIGCONT)(gate) if gate.engine == "process" else None

    return hand


def removed(word: str) -> Callable[[Gate], None]:
    def hand(gate: Gate) -> None:
        for one in gate.containers(word):
            subprocess.run(["docker", "rm", "-f", one], capture_output=True, check=False)

    return hand


# What is there, or is prepared, before the gate begins.


@contextlib.contextmanager
def somebody_listens(gate: Gate) -> Iterator[None]:
    port = gate.environment["FAULT_PORT"]
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", port]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as server:
        try:
            for _ in range(200):
                with socket.socket() as client:
                    if client.connect_ex(("127.0.0.1", int(port))) == 0:
                        break
                time.sleep(0.05)
            yield
        finally:
            server.kill()


@contextlib.contextmanager
def somebody_hangs(gate: Gate) -> Iterator[None]:
    """A listener that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", int(gate.environment["FAULT_PORT"]))):
        yield


@contextlib.contextmanager
def somebody_drips(gate: Gate) -> Iterator[None]:
    """A listener that answers with a header without end, a byte a second."""
    program = (
        "import socket, time\n"
        f"server = socket.create_server(('127.0.0.1', {gate.environment['FAULT_PORT']}))\n"
        "while True:\n"
        "    client = server.accept()[0]\n"
        "    client.sendall(b'HTTP/1.1 200 OK\\r\\nX: ')\n"
        "    try:\n"
        "        while True: client.sendall(b'x'); time.sleep(1)\n"
        "    except OSError: pass\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as server:
        try:
            yield
        finally:
            server.kill()


def mounted(where: str, size: str, options: str = "rw") -> Callable[[Gate], RETURN[None]]:
    """A small file system of its own at a place in the row's directory."""

    @contextlib.contextmanager
    def before(gate: Gate) -> Iterator[None]:
        place = gate.path / where
        place.mkdir(exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size},{options}", "tmpfs", str(place)]
        subprocess.run(mount, check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", place], check=True)

    return before


def done(prepare: Callable[[Gate], Any]) -> Callable[[Gate], RETURN[None]]:
    """What is prepared once, and needs no end."""

    @contextlib.contextmanager
    def before(gate: Gate) -> Iterator[None]:
        prepare(gate)
        yield

    return before


def a_fifo(gate: Gate) -> None:
    (gate.path / "bootgate.yaml").unlink()
    os.mkfifo(gate.path / "bootgate.yaml")


def a_directory(gate: Gate) -> None:
    (gate.path / "bootgate.yaml").unlink()
    (gate.path / "bootgate.yaml").mkdir()


def damaged_result(gate: Gate) -> None:
    (gate.path / "old.json").write_text('{"schema": 1, "targets": [{"target": "isolated", ')


@contextlib.contextmanager
def an_engine_of_its_own(gate: Gate) -> Iterator[None]:
    with an_engine() as engine:
        gate.environment["DOCKER_HOST"], gate.daemon = engine
        yield


def engine_gets(*numbers: signal.Signals) -> Callable[[Gate], None]:
    """Signals for the daemon of the engine of its own, 5 s apart."""

    def hand(gate: Gate) -> None:
        for number in numbers:
            os.kill(gate.daemon, number)
            time.sleep(5)

    return hand


def clock_that_can_be_set(gate: Gate) -> None:
    gate.environment.update(wall_clock(gate.path / "clock"))


def clock_set(by: str) -> Callable[[Gate], None]:
    def hand(gate: Gate) -> None:
        (gate.path / "clock").write_text(f"{by}\n")

    return hand


# Systems.


def script(fault: str, verdict: str, says: str, text: str, **more: Any) -> Row:
    return Row(fault, verdict, says, script=text, **more)


def plan(fault: str, verdict: str, says: str, steps: Sequence[Any], **more: Any) -> Row:
    return Row(fault, verdict, says, plan=steps, **more)


def boot(**target: Any) -> dict[str, Any]:
    """The target of a script's gate file."""
    return {"targets": {"boot": target}}


def followed(line: str = "^ready$") -> dict[str, Any]:
    return boot(proof={"file": "${dir}/app.log", "line": line})


def python(program: str) -> str:
    """A shell script that is a Python program."""
    quoted = program.replace("'", "'\"'\"'")
    return f"exec python3 -uc '{quoted}'"


def serving(answer: str) -> str:
    """A server that does one thing to everybody who connects."""
    return (
        python(
            "import os, socket, sys, time, threading\n"
            "print('here', flush=True)\n"
            "server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
            "def answer(client):\n"
            "    try:\n"
            f"        {answer}\n"
            "    except OSError: pass\n"
            "while True:\n"
            "    client = server.accept()[0]\n"
            "    threading.Thread(target=answer, args=(client,), daemon=True).start()\n"
        )
        + ' "${port.app}"'
    )


PROOF = {"line": None, "http": ":${port.app}/"}
ANSWERS = {"ports": {"app": 8080}, **boot(timeout="3s", proof=PROOF)}
ENDLESS = serving(
    "client.sendall(b'HTTP/1.1 200 OK\\r\\n\\r\\n')\n"
    "        while True: client.sendall(os.environ['API_KEY'].encode() * 9999)"
)
FLOOD = "import os\nline = ('%s ' % os.environ['API_KEY']).encode() + b'y' * 60\n"
FORGED = (
    "do:import json\n"
    "for event in ('stub', 'seen', 'accepted', 'armed', 'hello', 'line', 'looked'):\n"
    "    for at in (0, 1e9, 'x', None):\n"
    "        print(json.dumps({'event': event, 'id': 'task_started', 'path': '/', 'at': at,"
    " 'body': message, 'token': message.split()[-1], 'so': True}), flush=True)"
)
BODY = (
    "do:import http.client, urllib.parse\n"
    "url = urllib.parse.urlsplit(STUB)\n"
    "to = http.client.HTTPConnection(url.hostname, url.port, timeout=60)\n"
    "to.putrequest('POST', '/'); to.putheader('Content-Length', str(512 << 20)); to.endheaders()\n"
    "try:\n"
    "    for _ in range(512): to.send(b'x' * (1 << 20))\n"
    "    print('answered', to.getresponse().status, flush=True)\n"
    "except OSError as error: print('refused', error, flush=True)"
)
#: They have no more of the row than its directory in their command, which the table looks for.
LEAVES = (
    "do:import subprocess\n"
    "for _ in range(3):\n"
    "    subprocess.Popen(['env', '-i', '/usr/bin/setsid', '/bin/sh', '-c',"
    " 'cd /; sleep 600; : ' + os.getcwd()], cwd='/')\n"
)
COMMANDS = [
    "##[error]forged",
    "::error::forged",
    "x ::set-output name=a::b",
    "##vso[task.complete result=Succeeded;]DONE",
    "##teamcity[buildStatus status='SUCCESS']",
    "do:print('\\x1b[2J\\x1b]0;title\\x07\\x1b[32mPASS isolated\\x9b31m', flush=True)",
    "do:sys.stdout.buffer.write(bytes(range(256)) * 4 + b'\\n'); sys.stdout.flush()",
    "job failed: ##vso[task.complete result=Succeeded;] ::error::forged \x1b[2J plugin is missing",
]
LYING_SIDECAR = """\
import sys, time
print('{"event":"hello"}', flush=True)
for line in sys.stdin:
    print('not json \\x1b[31m ##[error]', flush=True)
    print('{"event":"armed","at":"never"}', '[]', 'null', sep='\\n', flush=True)
"""
NEXT = plan(
    "the gate is killed together with its reaper, and another gate follows",
    "pass",
    "removed leftovers of killed runs",
    GOOD,
    first=plan("", "killed", "", LONG, hand=killed_with_its_reaper),
    quick=True,
)

ROWS: list[Row] = [
    # The system ends, or looks well without having booted.
    plan(
        "exit 0 without a proof", "fail",
        "silent_exit: the gateway exited with 0 before the task started",
        ["engine ready", "exit:0"], quick=True,
    ),
    plan(
        "exit 1", "fail", "crashed: the gateway exited with 1 before the task started",
        ["engine ready", "exit:1"],
    ),
    plan(
        "a crash right after the proof", "warn|pass",
        "started, but the gateway exited with 3 right after|PASS: 1 target, 1 pass",
        [*GOOD, "exit:3"], quick=True,
    ),
    plan(
        "memory runs out", "fail", "oom_killed: the gateway was OOM-killed",
        ["engine ready", "eat"], engines=DOCKER, gate={"profiles": {"small": {"memory": "64m"}}},
    ),
    plan(
        "memory of a child runs out, and the runner exits with 0", "fail",
        "oom_killed: the gateway exited with 0 after one of its processes was OOM-killed",
        ["engine ready", "child eats", "exit:0"], engines=DOCKER,
        gate={"profiles": {"small": {"memory": "64m"}}},
    ),
    plan(
        "ok without a proof", "fail",
        "false_ok: run log reported ok, but there is no proof that the task started",
        ["engine ready", "persona loaded", "run finished: ok"], gate=SHORT,
    ),
    plan(
        "a proof without the token of this boot", "fail",
        r"the stub was called \S+ s after the trigger, but without this boot's token",
        ["engine ready", "persona loaded", "ring without token"], gate=SHORT,
    ),
    plan(
        "a proof of the boot before", "fail", "but without this boot's token: the trigger",
        [[*GOOD, 1, "ring"], GOOD[:2]],
        gate={
            "gateway": {"env": {"COUNTER": "${dir}/counter"}}, "gate": {"boots": 2},
            "target": {"timeout": "2s", "start": "warm"},
        },
    ),
    plan(
        "a proof that was there before", "error",
        "the mark of up was there before the trigger, so it proves nothing",
        ["engine ready"],
        gate={"target": {"phases": {
            "persona": None, "task_started": None, "up": {"http": ":${port.gateway}/"}}}},
    ),
    plan(
        "a proof that comes too late", "fail",
        r"timed_out: the proof came [\d.]+ s after the trigger, the timeout is 1.5 s",
        ["engine ready", "persona loaded", 1.7, "ring"], gate=SHORT,
    ),
    plan(
        "a stranger on the port of the proof", "error",
        r"\(the proof of boot\) is answered by process \d+", [], engines=PROCESS,
        before=somebody_listens,
        gate={"gateway": {"ready": None, "ready_timeout": None},
              "targets": {"isolated": None, "boot": {
                  "trigger": None, "phases": None, "proof": {"http": ":${FAULT_PORT}/"}}}},
    ),
    plan(
        "the system restarts itself", "fail",
        "crashed: the gateway restarted by itself: port 8080 was reopened|crashed: the gateway"
        " restarted by itself",
        ["engine ready", "restart", "persona loaded", 0.3, "ring"],
    ),
    plan(
        "events of the sidecar, forged on the gateway's output", "fail",
        r"timed_out: no proof within 1.5 s", [*GOOD[:3], FORGED], gate=SHORT, quick=True,
    ),
    plan(
        "lines that are printed late, in one burst", "error",
        "marks were flushed late: by its own timestamp the line of engine",
        ["buffer", "engine ready", 0.8, "persona loaded", 0.2, "flush", "ring"],
        gate={"gateway": {"env": {"STAMPS": "1"}}},
    ),
    plan(
        "both releases are the same", "error", "baseline and candidate are the same", GOOD,
        gate={"releases": {"baseline": {"image": IMAGE}}},
    ),
    plan(
        "every item is deselected", "error", "--bootgate-require: bootgate.yaml: 0 of 1 target",
        GOOD, options=("--bootgate-require", "-k", "nothing"), engines=PROCESS,
    ),
    # Output.
    script(
        "output without pause (yes)", "error", r"came faster than this machine could read",
        'exec yes "$$API_KEY"', gate=boot(timeout="1s"), quick=True,
    ),
    script(
        "a million lines at once", "pass", "PASS: 1 target, 1 pass",
        python(
            "import time\n"
            "text = ''.join(f'line {i} of a chatty system\\n' for i in range(1_000_000))\n"
            "print(text + 'ready', flush=True)\ntime.sleep(60)"
        ),
        gate=boot(timeout="60s"), deadline=120,
    ),
    script(
        "one line of 500 MB", "pass", "PASS: 1 target, 1 pass",
        python(
            f"{FLOOD}import time\nfor _ in range(500): os.write(1, line * 10_000)\n"
            "os.write(1, b'\\nready\\n')\ntime.sleep(60)"
        ),
        gate=boot(timeout="60s"), deadline=120,
    ),
    script(
        "lines of 60 MB in a followed file", "pass", "PASS: 1 target, 1 pass",
        python(
            f"{FLOOD}import time\nfile = open(r'${{dir}}/app.log', 'wb', 0)\n"
            "for _ in range(5): file.write(line * 750_000 + b'\\n')\n"
            "file.write(b'ready\\n')\ntime.sleep(60)"
        ),
        gate={**followed(), "target": {"timeout": "60s"}}, deadline=120,
    ),
    script(
        "a followed file that grows without pause", "error",
        "does a file that it follows grow faster than it can be read",
        'while :; do yes "$$API_KEY" | head -n 100000; done > ${dir}/app.log',
        gate={**followed(), "target": {"timeout": "2s"}},
    ),
    script(
        "bytes that are no text", "fail", "no proof within 2 s",
        "head -c 3000000 /dev/urandom; sleep 60", gate=boot(timeout="2s"),
    ),
    plan(
        "commands of terminals and of CI services in the output", "fail",
        "reported_error: log reported: job failed", COMMANDS, quick=True,
    ),
    script(
        "the output is closed", "fail", "no proof within 2 s",
        "exec >&- 2>&-; sleep 60", gate=boot(timeout="2s"),
    ),
    script(
        "a pattern that takes for ever on a line", "error",
        r"The pattern `\^\(zq\|zqzq\)\+\$` took more than 1 s of CPU time on one line",
        python("import time\nprint('zq' * 99 + '!', flush=True)\ntime.sleep(60)"),
        gate=boot(phases={"up": {"line": "^(zq|zqzq)+$"}, "proof": {"line": "^ready$"}},
                  proof=None),
    ),
    # What is followed, asked or called.
    script(
        "a followed file that is a FIFO", "fail", "no proof within 2 s",
        "mkfifo ${dir}/app.log; sleep 60", gate={**followed(), "target": {"timeout": "2s"}},
    ),
    script(
        "a followed file that is a directory", "fail", "no proof within 2 s",
        "mkdir ${dir}/app.log; sleep 60", gate={**followed(), "target": {"timeout": "2s"}},
    ),
    script(
        "a followed file that is a link to /dev/zero", "fail", "no proof within 2 s",
        "ln -s /dev/zero ${dir}/app.log; sleep 60",
        gate={**followed(), "target": {"timeout": "2s"}},
    ),
    script(
        "a followed file that links to itself", "fail", "no proof within 2 s",
        "ln -s app.log ${dir}/app.log; sleep 60",
        gate={**followed(), "target": {"timeout": "2s"}},
    ),
    script(
        "an endpoint that answers without end, where its status is the proof", "pass",
        "PASS: 1 target, 1 pass", ENDLESS, gate=ANSWERS,
    ),
    script(
        "an endpoint that answers without end, where what it says is the proof", "fail",
        "no proof within 3 s", ENDLESS, gate=merged(
            ANSWERS, boot(proof={"json": {"status": "ok"}})), quick=True,
    ),
    script(
        "an endpoint with a header that never ends", "fail", r"no proof within 3 s",
        serving("client.sendall(b'HTTP/1.1 200 OK\\r\\nX: ')\n"
                "        while True: client.sendall(b'x' * 9999)"),
        gate=ANSWERS,
    ),
    script(
        "an endpoint that takes connections and says nothing", "fail", r"no proof within 3 s",
        serving("time.sleep(60)"), gate=ANSWERS,
    ),
    script(
        "an endpoint that answers with rubbish", "fail", r"no proof within 3 s",
        serving("client.sendall(bytes(range(256)) * 99); client.close()"), gate=ANSWERS,
    ),
    plan(
        "a request body of 512 MB at the stub", "pass", "PASS: 1 target, 1 pass",
        [*GOOD[:3], BODY, *GOOD[3:]], gate={"target": {"timeout": "60s"}}, deadline=120,
    ),
    # What it leaves behind.
    plan(
        "children that leave their session and environment", "pass", "PASS: 1 target, 1 pass",
        [LEAVES, *GOOD], quick=True,
    ),
    plan(
        "children that leave, and the gateway crashes", "fail", "exited with 1",
        [LEAVES, "engine ready", "exit:1"],
    ),
    script(
        "300 children", "pass", "PASS: 1 target, 1 pass",
        "for _ in $(seq 300); do sleep 600 & done; echo ready; wait",
    ),
    script(
        "a gateway that ignores SIGTERM", "pass", "PASS: 1 target, 1 pass",
        "trap '' TERM INT HUP; echo ready; while :; do sleep 1; done",
    ),
    # Hands from outside.
    plan(
        "the gate is stopped for 3 s", "warn", "the gate itself was stalled for",
        ["engine ready", 1, "persona loaded", 0.1, "ring"], hand=stopped,
        gate={"target": {"timeout": "5s"}},
    ),
    *(
        plan(
            f"{number.name} in the midst of a boot", verdict, says, LONG, hand=signalled(number),
            gate={"target": {"timeout": "300s"}}, quick=number == signal.SIGKILL,
        )
        for number, verdict, says in (
            (signal.SIGKILL, "killed", ""),
            (signal.SIGTERM, "killed", ""),
            (signal.SIGINT, "error", "Interrupted in the 1st boot of isolated"),
        )
    ),
    NEXT,
    plan(
        "the reaper is killed", "pass", "PASS: 1 target, 1 pass",
        ["engine ready", 1, *GOOD[1:]], hand=without_reaper,
    ),
    plan(
        "the sidecar is killed", "error", "The sidecar exited with 137|sidecar.* SIGKILL",
        LONG, hand=killed("sidecar.pyz"), when="phase_reached", quick=True,
    ),
    plan(
        "the sidecar is stopped for good", "error",
        "no proof in time, but the sidecar has not answered for 10 s",
        [*GOOD[:-1], 1, "ring"], hand=killed("sidecar.pyz", signal.SIGSTOP),
        when="phase_reached", gate={"target": {"timeout": "4s"}}, quick=True,
    ),
    plan(
        "the sidecar is stopped for 2 s", "warn",
        r"boot 1 was repeated: the sidecar was stalled for [12]\.\d s",
        [*GOOD[:-1], 1, "ring"], hand=paused("sidecar.pyz"), when="phase_reached",
        gate={"target": {"timeout": "10s"}}, quick=True,
    ),
    plan(
        "the gateway is killed", "fail", "crashed: the gateway .*(137|SIGKILL)",
        LONG, hand=killed("toy.py"), when="phase_reached",
    ),
    plan(
        "the gateway is stopped for good", "fail", "no proof within 4 s",
        LONG, hand=killed("toy.py", signal.SIGSTOP), when="phase_reached",
        gate={"target": {"timeout": "4s"}},
    ),
    plan(
        "the gateway's container is removed", "error", "was removed from outside the gate",
        LONG, hand=removed("toy.py"), when="phase_reached", engines=DOCKER,
    ),
    plan(
        "the sidecar's container is removed", "error", "sidecar.* somebody else|sidecar",
        LONG, hand=removed("sidecar.pyz"), when="phase_reached", engines=DOCKER,
    ),
    plan(
        "a worker of pytest-xdist dies", "error", "of 1 target.* judged; no result of: isolated",
        GOOD, options=("-n", "1"),
        listener="import os\ndef pytest_bootgate_event(event):\n"
                 "    if event.kind == 'trigger_sent': os.kill(os.getpid(), 9)\n",
    ),
    # The engine and the clock.
    *(
        script(
            f"the engine's daemon gets {number.name}", "error", says, "echo up; sleep 300",
            engines=DOCKER, root=True, before=an_engine_of_its_own, hand=engine_gets(number),
            when="phase_reached", deadline=120,
            gate=boot(timeout="15s", proof=None,
                      phases={"up": {"line": "^up"}, "task": {"line": "^never"}}),
        )
        for number, says in (
            (signal.SIGKILL, "stopped or restarted during the gate"),
            (signal.SIGTERM, "stopped or restarted during the gate"),
            (signal.SIGSTOP, r"within \d+ s .*overloaded or hangs"),
        )
    ),
    script(
        "the engine's daemon is frozen for 5 s", "warn",
        r"boot 1 was repeated: the engine was stalled for [4-9]\.\d s",
        "echo up; sleep 2; echo task; sleep 300",
        engines=DOCKER, root=True, before=an_engine_of_its_own,
        hand=engine_gets(signal.SIGSTOP, signal.SIGCONT), when="phase_reached", deadline=120,
        gate=boot(timeout="15s", proof=None,
                  phases={"up": {"line": "^up"}, "task": {"line": "^task"}}),
    ),
    *(
        plan(
            f"the wall clock is set by {by}, and the proof comes {late}", verdict, says,
            ["engine ready", 0.4, "persona loaded", 6.5 if verdict == "fail" else 0.4, "ring"],
            before=done(clock_that_can_be_set), hand=clock_set(by), when="phase_reached",
            gate={"target": {"timeout": "6s"}}, engines=PROCESS,
        )
        for by, how in (("-3600s", "back"), ("+3600s", "forward"))
        for late, verdict, says in (
            ("in time", "warn", f"the wall clock was set {how} 3600 s during the boot"),
            ("too late", "fail", "timed_out: the proof came|no proof within 6 s"),
        )
    ),
    # The machine.
    plan(
        "a full TMPDIR", "error", "No space left on device", GOOD, engines=PROCESS, root=True,
        before=mounted("tmp", "4k"), quick=True,
    ),
    plan(
        "a full disk under reports and journal", "error|red|usage", "No space left|disk is full",
        GOOD, root=True, before=mounted("reports", "64k"),
        options=("--bootgate-json=reports/out.json", "--bootgate-html=reports/out.html",
                 "--bootgate-journal=reports/journal.db"),
    ),
    plan(
        "a directory that is read-only", "usage", "--bootgate-json: .*[Rr]ead-only", GOOD,
        root=True, before=mounted("reports", "64k", "ro"), engines=PROCESS,
        options=("--bootgate-json=reports/out.json",),
    ),
    *(
        plan(
            f"{number} file descriptors", "error|pass",
            "The gate itself ran out of a resource: Too many open files|PASS: 1 target, 1 pass",
            GOOD, prefix=("sh", "-c", f'ulimit -n {number}; exec "$@"', "sh"), quick=number == 20,
        )
        for number in (20, 24, 28, 32)
    ),
    plan(
        "48 file descriptors", "pass", "PASS: 1 target, 1 pass",
        GOOD, prefix=("sh", "-c", 'ulimit -n 48; exec "$@"', "sh"),
    ),
    plan(
        "no engine answers", "error", "nothing.sock", GOOD, engines=DOCKER,
        env={"DOCKER_HOST": "unix:///tmp/nothing.sock"},
    ),
    Row(
        "an image that is nowhere", "error", "no-such-image-of-bootgate:1", script="",
        gate={"releases": {"candidate": {"image": "no-such-image-of-bootgate:1"}}},
        engines=DOCKER,
    ),
    Row(
        "a command that is nowhere", "error", "no-such-gateway", script="",
        gate={"releases": {"candidate": {"command": ["no-such-gateway"]}}},
    ),
    plan(
        "a sidecar that prints rubbish", "error", "(?i)sidecar", GOOD,
        before=done(lambda gate: (gate.path / "lying.py").write_text(LYING_SIDECAR)),
        gate={"sidecar": {
            "image": IMAGE, "program": "lying.py", "command": ["python3", "${program}"]}},
        deadline=150,
    ),
    # Who is told.
    plan(
        "a notify command that prints for ever", "fail", "on call could not be notified: `yes`",
        ["engine ready", "exit:1"], engines=PROCESS, quick=True,
        gate={"notify": {"on call": {"command": ["yes"], "deadline": "2s"}}},
    ),
    plan(
        "a notify command that hangs, with a child", "fail",
        "on call could not be notified: `sh` still ran after 2 s",
        ["engine ready", "exit:1"], engines=PROCESS, quick=True,
        gate={"notify": {"on call": {
            "command": ["sh", "-c", "sleep 600; true"], "deadline": "2s"}}},
    ),
    plan(
        "a webhook that answers a byte a second", "fail", "notified: .* did not answer",
        ["engine ready", "exit:1"], engines=PROCESS, before=somebody_drips, deadline=40,
        quick=True,
        gate={"notify": {"on call": {
            "webhook": "http://127.0.0.1:${FAULT_PORT}/${FAULT_SECRET}", "deadline": "3s"}}},
    ),
    plan(
        "a webhook that hangs", "fail", "on call could not be notified", ["engine ready", "exit:1"],
        engines=PROCESS, before=somebody_hangs,
        gate={"notify": {"on call": {
            "webhook": "http://127.0.0.1:${FAULT_PORT}/${FAULT_SECRET}", "deadline": "2s"}}},
    ),
    plan(
        "a webhook that is no URL", "usage", r"bootgate.yaml:\d+:\d+: 'webhook' is no URL: write https://host/path",
        GOOD, engines=PROCESS, gate={"notify": {"on call": {"webhook": "${FAULT_SECRET}"}}},
    ),
    # Files.
    Row(
        "a gate file that is a FIFO", "usage", "ERROR: not found: .*bootgate.yaml",
        before=done(a_fifo), engines=PROCESS,
    ),
    Row(
        "a gate file that is a directory", "no tests", "no tests ran",
        before=done(a_directory), engines=PROCESS,
    ),
    Row("a NUL in the gate file", "usage", r"bootgate.yaml:\d+:\d+: ", file=b"targets:\n  a\0: 1\n",
        engines=PROCESS),
    Row("a surrogate in the gate file", "usage", r"bootgate.yaml:\d+:\d+: ",
        file=b'targets: {"\\ud800": {timeout: 1s}}\nreleases: {candidate: {version: "\\udfff"}}\n',
        engines=PROCESS, quick=True),
    Row("bytes in the gate file that are no text", "usage", r"bootgate.yaml:\d+:\d+: ",
        file=b"targets: {\xff\xfe: 1}\n", engines=PROCESS),
    plan(
        "a damaged journal", "error|red|usage", "journal.db", GOOD, engines=PROCESS, quick=True,
        before=done(lambda gate: gate.journal.write_bytes(b"SQLite format 3\0" + b"\xff" * 9000)),
    ),
    plan(
        "a directory in the journal's place", "usage", "journal.db.* directory", GOOD,
        engines=PROCESS, before=done(lambda gate: gate.journal.mkdir()),
    ),
    plan(
        "a recorded baseline that is damaged", "error|usage", "old.json", GOOD, engines=PROCESS,
        before=done(damaged_result),
        gate={"releases": {"baseline": {"recorded": "old.json"}}},
    ),
    plan(
        "--bootgate-html bootgate.yaml", "usage", "is a gate file, not an output path",
        GOOD, engines=PROCESS, options=("--bootgate-html", "bootgate.yaml"), quick=True,
    ),
    plan(
        "a report path that is a directory", "usage", "--bootgate-json: .*directory", GOOD,
        engines=PROCESS, options=("--bootgate-json=tmp",),
    ),
]  # fmt: skip
