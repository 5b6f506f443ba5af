"""Services beside a gateway: ready before it is, known by their names, and not its fault."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_bootgate.engines.base import CONTAINED, Exit
from pytest_bootgate.engines.memory import Answer, MemoryEngine
from pytest_bootgate.engines.memory.engine import MemoryUnit
from pytest_bootgate.engines.memory.sidecar import Sidecar
from pytest_bootgate.errors import GateFileError
from tests.loop.played import play as does
from tests.loop.played import serves

DB = "services: {db: {image: db, ready: {line: ready to accept}, ready_timeout: 5s}}"


def service(*steps):
    """A service that does something and goes on."""

    def script(me):
        if (ended := (yield from does(me, "", steps))) is not None:
            return ended
        yield 3600.0

    return script


def test_it_is_ready_before_the_gateway_is_made(play):
    begun = []

    def up(me, token):
        begun.append(("db", me.clock.now()))

    def first(me, token):
        begun.append(("gateway", me.clock.now()))

    played = play(
        serves(before=(first,)),
        more=DB,
        programs={"db": service(2.0, up, "ready to accept connections")},
    )
    boot = played.one()
    assert boot.outcome == "started"
    assert [name for name, _ in begun] == ["db", "gateway"]
    assert boot.tails["db.out"] == ("ready to accept connections",)


def test_the_time_for_it_is_part_of_what_a_gate_may_take(play):
    """Else pytest-timeout would end a gate whose services take long to start."""
    played = play(more=DB)
    slow = play(more=DB.replace("5s", "300s"))
    assert slow.gate.plan.budget() - played.gate.plan.budget() >= 295
    slow = play(trigger="null", more=DB.replace("5s", "300s"))
    assert slow.gate.plan.longest_boot("main") >= 360


def test_every_boot_has_its_own(play):
    begun = []
    played = play(
        more=DB,
        boots="3",
        programs={"db": service(lambda me, token: begun.append(id(me.world)), "ready to accept")},
    )
    result = played.result()
    assert len(begun) == len(set(begun)) == len(result.boots)


def test_the_gateway_reaches_it(play):
    def asks(me, token):
        answer = me.call(5432)
        assert answer is not None
        me.out(f"task {token} {answer.body}")

    played = play(
        serves(1.0, asks),
        target='proof: {line: "^task ${token} from the database"}',
        more="services: {db: {image: db, ready: {tcp: ':5432'}}}",
        programs={
            "db": service(
                1.0, lambda me, token: me.listen(5432, lambda _: Answer(200, "from the database"))
            )
        },
    )
    assert played.one().outcome == "started"


def test_ready_by_a_command_in_it(play):
    def is_ready(me):
        yield 0.1
        return 0 if "/up" in me.world.files else 1

    played = play(
        more="services: {db: {image: db, ready: {exec: [pg_isready]}}}",
        programs={
            "db": service(1.0, lambda me, token: me.log("/up", "x")),
            "pg_isready": is_ready,
        },
    )
    assert played.one().outcome == "started"


def failing(play, script, more=DB):
    result = play(more=more, programs={"db": script}).result()
    assert (result.verdict, result.boots) == ("error", ())
    return result.error


def test_one_that_ends_before_it_is_ready(play):
    assert failing(play, service(0.5, "FATAL: no space left", Exit(2))) == (
        "The service db exited with 2 before it was ready. Its last output: FATAL: no space left."
        " Nothing was booted: correct the service, its `ready`, or its `ready_timeout`."
    )


def test_one_that_is_never_ready(play):
    assert failing(play, service("starting")) == (
        "The service db was not ready after 5 s. Its last output: starting. Nothing was booted:"
        " correct the service, its `ready`, or its `ready_timeout`."
    )
    more = "services: {db: {image: db, ready: {tcp: ':5432'}, ready_timeout: 5s}}"
    error = failing(play, service("starting"), more)
    assert error.startswith(
        "The service db was not ready after 5 s; its last answer was connection refused."
    )


GONE = "the service db exited with 134 during this boot (last output: ready to accept / PANIC)"


def test_one_that_ends_during_a_boot_of_the_candidate_alone(play):
    """The baseline's goes on: so it is the candidate that ends it."""
    dies = service("ready to accept", 1.0, "PANIC", Exit(134))
    lives = service("ready to accept")
    made = []

    def db(me):
        made.append(me)
        return (dies if len(made) % 2 == 0 else lives)(me)

    played = play(serves(1.2, Exit(1)), serves(), more=DB, programs={"db": db})
    result = played.result()
    assert result.verdict == "fail"
    failed = [boot for boot in result.boots if not boot.started]
    assert {boot.release for boot in failed} == {"candidate"}
    assert failed[0].outcome == "crashed"
    assert failed[0].notes == (GONE,)


def test_one_that_ends_after_the_proof(play):
    dies = service("ready to accept", 1.5, "PANIC", Exit(134))
    target = 'proof: {line: "^task ${token} started", stays: 3s}'
    (boot,) = (
        play(serves(0.5, "task {token} started"), target=target, more=DB, programs={"db": dies})
        .result()
        .boots
    )
    assert boot.outcome == "lapsed"
    assert boot.detail == f"it did not stay up for 3 s: {GONE}"
    played = play(
        serves(0.5, "task {token} started"),
        more=DB,
        programs={"db": dies},
        target='proof: {line: "^task ${token} started"}',
    )
    assert played.result().verdict == "warn"


def test_a_service_that_is_not_there(play):
    result = play(more="services: {db: {image: nothing}}").result()
    assert "The service db cannot run `nothing`" in result.error


@pytest.mark.parametrize(
    ("services", "mistake"),
    [
        ("{DB: {image: x}}", "'DB' cannot be the name of a service, which is a host name"),
        ("{gateway: {image: x}}", "the name 'gateway' is taken"),
        ("{db: {env: {A: b}}}", "the service db is neither an image nor a command"),
        ("{db: {image: x, ready: {}}}", "this probe looks nowhere"),
        ("{db: {image: x, ready: {line: x, from: trigger}}}", "there is no trigger here"),
        ("{db: {image: '${release}'}}", "'image' is read before any boot"),
        (
            "{db: {image: x, ready: {line: up, from: q}}, q: {image: x}}",
            "'from' must be sidecar or db, not 'q': q is not started yet",
        ),
        (
            "{seed: {image: x, once: true, ready: {line: up}}}",
            "the service seed runs once: it is done when it has exited with 0",
        ),
        (
            "{seed: {image: x, once: true}, db: {image: x, ready: {line: up, from: seed}}}",
            "'from' must be sidecar or db, not 'seed': seed runs once, and has ended by then",
        ),
        (
            "{db: {image: x, ready: {exec: [x], in: gateway}}}",
            "'in' must be sidecar or db, not 'gateway': gateway is not started yet",
        ),
    ],
)
def test_mistakes(play, services, mistake):
    with pytest.raises(GateFileError) as caught:
        play(more=f"services: {services}")
    assert mistake in caught.value.mistakes[0]


def test_a_service_does_not_prove_that_the_gateway_started(play):
    """It answers at the port where the gateway should, a while after both were started."""
    late = service("ready to accept", 1.0, lambda me, token: me.listen(8081))

    def idle(me):
        yield 3600.0

    (boot,) = (
        play(idle, trigger="null", target="proof: {tcp: ':8081'}", more=DB, programs={"db": late})
        .result()
        .boots
    )
    assert boot.outcome == "lost"
    assert "was answered by the service db, which this boot did not start" in boot.detail


def idle(me):
    yield 3600.0


SAYS_SO = "was answered by the service db, which this boot did not start"


@pytest.mark.parametrize("where", ["http://db:8081/", "http://DB:8081/", "http://0:8081/"])
def test_a_service_has_other_names(play, where):
    late = service("ready to accept", 1.0, lambda me, token: me.listen(8081))
    target = f'proof: {{http: "{where}"}}'
    (boot,) = (
        play(idle, trigger="null", target=target, more=DB, programs={"db": late}).result().boots
    )
    assert boot.outcome == "lost"
    assert SAYS_SO in boot.detail


def test_a_service_at_the_socket_of_the_gateway(play):
    late = service("ready to accept", 1.0, lambda me, token: me.listen("/memory/a.sock"))
    target = 'proof: {unix: "${dir}/a.sock"}'
    (boot,) = (
        play(idle, trigger="null", target=target, more=DB, programs={"db": late}).result().boots
    )
    assert boot.outcome == "lost"
    assert f"/memory/a.sock (the proof of main) {SAYS_SO}" in boot.detail


@pytest.mark.parametrize(("says", "outcome"), [("started", "started"), ("waiting", "timed_out")])
def test_a_service_may_take_the_job_for_the_gateway(play, says, outcome):
    """As a web API before a worker does; whether the worker started is the proof's matter."""
    taken = []

    def take(request):
        taken.append(request.body)
        return Answer(200, "queued")

    def worker(me):
        me.out("ready")
        while not taken:
            yield 0.1
        me.out(f"{says} {taken[-1]}")
        yield 3600.0

    api = service("ready to accept", lambda me, token: me.listen(8081, take))
    trigger = "{http: ':8081/jobs', body: '${token}'}"
    boots = play(
        worker,
        trigger=trigger,
        target="proof: {line: '^started ${token}'}",
        more=DB,
        programs={"db": api},
    )
    assert {boot.outcome for boot in boots.result().boots} == {outcome}


def test_a_sidecar_at_the_port_of_the_gateway(play):
    """Its own program begins to listen there during the boot."""

    def helper(me):
        one = Sidecar(me)
        one.say("hello")
        while True:
            order = json.loads((yield me.stdin))
            if order["do"] == "watch":
                me.listen(8081)
            one.obey(order)

    target = "proof: {tcp: ':8081'}"
    programs = {"sidecar": helper}
    (boot,) = play(idle, trigger="null", target=target, programs=programs).result().boots
    assert boot.outcome == "lost"
    assert "was answered by the sidecar, which this boot did not start" in boot.detail


def finds(*ports):
    """A health check that asks them all, as `curl --fail` does."""

    def script(me):
        yield 0.05
        return 0 if all(port in me.world.ports for port in ports) else 1

    return script


@pytest.mark.parametrize(
    "proof",
    [
        "{exec: [curl, -f, 'http://localhost:8081/']}",
        "{exec: [python3, -c, 'create_connection((\"127.0.0.1\", 8081))']}",
        "{healthcheck: true}",
    ],
)
def test_a_service_answers_the_command_of_the_proof(play, proof, monkeypatch):
    monkeypatch.setattr(MemoryUnit, "health_command", lambda _: ["nc", "-z", "localhost", "8081"])
    late = service("ready to accept", 1.0, lambda me, token: me.listen(8081))
    programs = {"db": late, **dict.fromkeys(("curl", "python3", "nc"), finds(8081))}
    target = f"proof: {proof}"
    (boot,) = play(idle, trigger="null", target=target, more=DB, programs=programs).result().boots
    assert boot.outcome == "lost"
    assert SAYS_SO in boot.detail


def test_a_service_that_listens_before_there(play):
    ready = service(lambda me, token: me.listen(8081), "ready to accept")
    target = "proof: {exec: [nc, -z, localhost, '8081']}"
    programs = {"db": ready, "nc": finds(8081)}
    result = play(idle, trigger="null", target=target, more=DB, programs=programs).result()
    assert (
        "(the command that proves main) is answered by the service db before the candidate is st"
        in result.error
    )
    assert "but this command succeeds without the gateway. Ask the gateway itself" in result.error


def pings(seconds=0.05):
    """As a worker's ping through its broker does, that fails if no worker answers in time."""

    def script(me):
        up = "/up" in me.world.files
        yield 0.05 if up else seconds
        return 0 if up and 5432 in me.world.ports else 69

    return script


@pytest.mark.parametrize(
    ("seconds", "more", "why"),
    [
        (0.05, "", ""),
        (60.0, ", patience: 1s", ""),
        (60.0, "", "without the gateway this one takes more than 30 s"),
        (60.0, ", patience: 90s", "without the gateway this one takes more than 30 s"),
        (None, "", "this command could not be tried without the gateway (The trial of the "),
    ],
)
def test_a_worker_that_answers_through_a_service(play, seconds, more, why):
    """The service answers before, but the command fails without the worker."""

    def worker(me):
        yield 2.0
        me.log("/up", "x")
        yield 3600.0

    ready = service(lambda me, token: me.listen(5432), "ready to accept")
    target = f"proof: {{exec: [celery, ping, -b, 'redis://db:5432/0']{more}}}"
    programs = {"db": ready} | ({} if seconds is None else {"celery": pings(seconds)})
    played = play(worker, trigger="null", target=target, more=DB, programs=programs)
    result = played.result()
    if why:
        assert why in result.error
        assert result.error.endswith("or put ${token} into the command.")
        return
    (boot,) = result.boots
    assert (boot.outcome, round(boot.seconds)) == ("started", 2)


#: What asks the port 8081, written so that no rule of a text sees it.
UNSEEN = "exec: [node, -e, \"get(['localhost', {at: 8081}]), process.exit(1 ? 0 : 1)\"]"


def test_a_service_that_a_command_finds_whatever_it_is_written_in(play):
    """Before the start the command is tried alone; after it, the service is known by its port."""
    ready = service(lambda me, token: me.listen(8081), "ready to accept")
    late = service("ready to accept", 1.0, lambda me, token: me.listen(8081))
    for db, said in ((ready, DOES_NOT_RUN), (late, SAYS_SO)):
        programs = {"db": db, "node": finds(8081)}
        played = play(
            idle, trigger="null", target=f"proof: {{{UNSEEN}}}", more=DB, programs=programs
        )
        result = played.result()
        assert said in (result.error or result.boots[0].detail)


def test_a_number_that_happens_to_be_the_port_of_a_service(play):
    """The gateway has no port, or another one."""

    def gateway(*ports):
        def script(me):
            for port in ports:
                me.listen(port)
            yield 1.0
            me.log("/up", "x")
            yield 3600.0

        return script

    def up(me):
        yield 0.05
        return 0 if "/up" in me.world.files else 1

    ready = service(lambda me, token: me.listen(5432), "ready to accept")
    late = service("ready to accept", 0.5, lambda me, token: me.listen(5432))
    target = "proof: {exec: [up, --limit, '5432', --port, '8081']}"
    for db, ports in ((ready, ()), (late, (8081,))):
        programs = {"db": db, "up": up}
        played = play(gateway(*ports), trigger="null", target=target, more=DB, programs=programs)
        assert played.one().outcome == "started"


DOES_NOT_RUN = "The command that proves main succeeds where the candidate does not run, so it"


@pytest.mark.parametrize(("there", "outcome"), [(True, None), (False, "started")])
@pytest.mark.parametrize("command", ["test, -f, /srv/up", "timeout, '2', test, -f, /srv/up"])
def test_a_file_that_the_image_brings_along(play, there, outcome, command):
    """A command is tried where the gateway would be."""

    def gateway(me):
        yield 2.0
        me.log("/srv/up", "x")
        yield 3600.0

    def asks(me):
        yield 0.05
        return 0 if there or "/srv/up" in me.world.files else 1

    target = f"proof: {{exec: [{command}]}}"
    programs = dict.fromkeys(("test", "timeout"), asks)
    result = play(gateway, trigger="null", target=target, programs=programs).result()
    assert [boot.outcome for boot in result.boots] == ([outcome] if outcome else [])
    assert (DOES_NOT_RUN in (result.error or "")) is there


def test_a_worker_that_never_answers_through_a_service(play):
    ready = service(lambda me, token: me.listen(5432), "ready to accept")
    target = "proof: {exec: [celery, ping, -b, 'redis://db:5432/0']}"
    programs = {"db": ready, "celery": pings()}
    played = play(idle, trigger="null", target=target, more=DB, programs=programs)
    assert played.one().outcome == "timed_out"


def test_a_worker_on_an_engine_that_cannot_try_its_command(play, monkeypatch):
    monkeypatch.setattr(MemoryEngine, "traits", replace(CONTAINED, closed=True))
    ready = service(lambda me, token: me.listen(5432), "ready to accept")
    target = "proof: {exec: [celery, ping, -b, 'redis://db:5432/0']}"
    result = play(idle, trigger="null", target=target, more=DB, programs={"db": ready}).result()
    assert "but the memory engine cannot try this one without the gateway. Ask" in result.error


def test_a_command_that_asks_a_service_of_which_nobody_knows_when_it_is_ready(play):
    """It may fail now, and succeed a little later by the service alone."""
    early = service(lambda me, token: me.listen(5432), 0.5, lambda me, token: me.log("/up", "x"))
    more = "services: {db: {image: db}, other: {image: other, ready: {line: up}}}"
    target = "proof: {exec: [celery, ping, -b, 'redis://db:5432/0']}"
    programs = {"db": early, "other": service("up"), "celery": pings()}
    result = play(idle, trigger="null", target=target, more=more, programs=programs).result()
    assert "but nothing says when db is ready: give it a `ready` probe." in result.error


def test_a_command_that_asks_the_gateway_and_a_service(play):
    """Or a service with this boot's own token: neither succeeds by the service alone."""
    ready = service(lambda me, token: me.listen(5432), "ready to accept")

    def serves_late(me):
        yield 1.0
        me.listen(8081)
        yield 3600.0

    both = "sh, -c, 'nc -z localhost 8081 && nc -z db 5432'"
    for command in (both, "psql, -h, db, -p, '5432', -c, '${token}'"):
        target = f"proof: {{exec: [{command}]}}"
        programs = {"db": ready, **dict.fromkeys(("sh", "psql"), finds(8081, 5432))}
        played = play(serves_late, trigger="null", target=target, more=DB, programs=programs)
        assert played.one().outcome == "started"


def test_a_health_check_of_an_image_that_always_succeeds(play, monkeypatch):
    check = ["/bin/sh", "-c", "curl -fs http://localhost/ || exit 0"]
    monkeypatch.setattr(MemoryUnit, "health_command", lambda _: check)
    played = play(idle, trigger="null", target="proof: {healthcheck: true}")
    assert "its command always succeeds: /bin/sh -c 'curl" in played.result().error


def test_a_stub_that_a_service_could_call(play):
    with pytest.raises(GateFileError) as caught:
        play(
            trigger="null",
            target="proof: {stub: true}",
            more=f"sidecar: {{stub: {{port: 8099}}}}\n{DB}",
        )
    assert "a service could call the stub" in caught.value.mistakes[0]


# -- probes in a service -----------------------------------------------------------------------

IN_DB = "services: {db: {image: db}}"


def row(me):
    """The command that looks for what a task left in the database."""
    yield 0.05
    return 0 if "/row" in me.world.files else 1


def inserts(me, token):
    me.log("/row", token)


def test_a_proof_in_a_service(play):
    played = play(
        serves(1.5, inserts),
        target="proof: {exec: [row, '${token}'], in: db}",
        more=IN_DB,
        programs={"db": service(), "row": row},
    )
    boot = played.one()
    assert boot.outcome == "started"
    assert 1.5 <= boot.seconds <= 2.0


def test_what_is_in_a_service_before_the_trigger(play):
    played = play(
        target="proof: {exec: [row, '${token}'], in: db}",
        more=IN_DB,
        programs={"db": service(inserts), "row": row},
    )
    (boot,) = played.result().boots
    assert boot.outcome == "lost"
    assert boot.detail.startswith("the mark of proof was there before the trigger")


@pytest.mark.parametrize(("before", "outcome"), [((), "started"), ((inserts,), "lost")])
def test_what_a_runner_leaves_in_a_service_when_it_ends(play, before, outcome):
    """It is gone before anybody asks again; what was there before it proves nothing."""

    def runner(me):
        yield 1.0
        me.log("/row", "x")
        return 0

    played = play(
        runner,
        trigger="null",
        target="proof: {exec: [row, '${token}'], in: db, every: 5s}",
        more=IN_DB,
        programs={"db": service(*before), "row": row},
    )
    (boot,) = played.result().boots
    assert boot.outcome == outcome
    assert boot.seconds == (pytest.approx(1.0, abs=0.05) if outcome == "started" else None)


def test_a_line_of_a_service(play):
    """What it printed before the trigger, and lines of others, do not count."""
    prints = "insert done"
    played = play(
        serves(0.5, prints, 4.0, inserts),
        target="phases: {stored: {line: ^insert, from: db}, done: {file: /row}}",
        more=IN_DB,
        programs={"db": service(prints, 3.0, prints)},
    )
    boot = played.one()
    assert boot.outcome == "started"
    assert boot.phase("stored").at > 2.0


def test_a_signal_from_a_service_and_a_trigger_in_it(play):
    def enqueue(me):
        me.call(8080, path="/run", body=me.command[1])
        yield 0.1
        return 0

    played = play(
        serves(0.5, "set up"),
        trigger='{exec: [enqueue, "${token}"], in: broker}',
        target='proof: {line: never}\n  signals: {letters: {line: "dead (?P<text>.*)", from: db}}',
        more="services: {broker: {image: broker}, db: {image: db}}",
        programs={
            "broker": service(),
            "db": service(4.0, "dead letter of job"),
            "enqueue": enqueue,
        },
    )
    (boot,) = played.result().boots
    assert boot.outcome == "reported_error"
    assert boot.detail == "letters reported: letter of job"


def test_a_service_that_ends_before_its_proof(play):
    (boot,) = (
        play(
            target="proof: {exec: [row, '${token}'], in: db}",
            more=IN_DB,
            programs={"db": service(1.5, "PANIC", Exit(134)), "row": row},
        )
        .result()
        .boots
    )
    assert boot.outcome == "timed_out"
    assert boot.notes == ("the service db exited with 134 during this boot (last output: PANIC)",)


# -- services that run once --------------------------------------------------------------------

ONCE = """\
services:
  db: {image: db, ready: {line: ready to accept}}
  migrate: {image: release, command: [migrate], once: true, ready_timeout: 5s}
"""


def test_one_that_takes_longer_in_the_candidate_warns(play):
    boots = 0

    def migrate(me):
        nonlocal boots
        boots += 1  # no two of them take exactly as long
        yield (0.3 if me.image == "old" else 3.3) + boots * 1e-5
        return 0

    more = "services: {migrate: {image: release, command: [migrate], once: true}}"
    played = play(serves(), serves(), more=more, programs={"migrate": migrate}, boots="5..5")
    result = played.result()
    assert result.verdict == "warn"
    stages = {boot.release: boot.stages[0].seconds for boot in result.boots}
    assert stages == pytest.approx({"baseline": 0.3, "candidate": 3.3}, abs=0.01)
    (finding,) = [f for f in played.findings() if f[0] == "warn"]
    assert finding[2] == (
        "service migrate: 11 times the baseline's (3.3 s instead of 0.3 s; medians of 5 and 5"
        " starts). It runs before the gateway is started, so no boot includes this"
    )


def test_one_that_runs_once_has_ended_before_the_gateway_is_made(play):
    done = []

    def migrate(me):
        assert "/up" in me.world.files  # the database is ready
        yield 1.0
        me.out("migrated")
        done.append((me.image, me.clock.now()))
        return 0

    def up(me, token):
        me.log("/up", "x")

    def first(me, token):
        done.append(("gateway", me.clock.now()))

    played = play(
        serves(before=(first,)),
        serves(before=(first,)),
        more=ONCE,
        programs={"db": service(up, "ready to accept"), "migrate": migrate},
    )
    result = played.result()
    # Each release with its own image, and that it has ended is nobody's fault.
    assert [name for name, _ in done] == ["old", "gateway", "new", "gateway"]
    assert {(boot.outcome, boot.notes) for boot in result.boots} == {("started", ())}
    assert result.boots[0].tails["migrate.out"] == ("migrated",)


@pytest.mark.parametrize(
    ("steps", "how"),
    [
        (
            ("relation exists", Exit(3)),
            "runs once and must exit with 0, but exited with 3. Its last output: relation exists.",
        ),
        (
            ("waiting for a lock", 3600.0),
            "runs once and had not ended after 5 s. Its last output: waiting for a lock.",
        ),
    ],
)
def test_one_that_runs_once_and_does_not_succeed(play, steps, how):
    programs = {"db": service("ready to accept"), "migrate": service(*steps)}
    result = play(more=ONCE.replace("release", "seeder"), programs=programs).result()
    assert (result.verdict, result.boots) == ("error", ())
    assert result.error == (
        f"The service migrate {how} Nothing was booted: correct the service, or its"
        " `ready_timeout`."
    )


@pytest.mark.parametrize("parts", [{}, {"trigger": "null"}])
@pytest.mark.parametrize(
    ("steps", "outcome", "detail"),
    [
        (
            ("relation exists", Exit(3)),
            "crashed",
            "runs once and must exit with 0, but exited with 3 (last output: relation exists)",
        ),
        (
            ("waiting for a lock", 3600.0),
            "timed_out",
            "runs once and had not ended after 5 s (last output: waiting for a lock)",
        ),
    ],
)
def test_a_migration_of_the_candidate_that_fails(play, parts, steps, outcome, detail):
    """It comes with the release, so the release does not start."""

    def migrate(me):
        yield from does(me, "", ("migrated",) if me.image == "old" else steps)
        return 3 if me.image == "new" else 0

    def starts(me):
        me.out("task started")
        yield 3600.0

    gateways = [serves(), serves()] if not parts else [starts, starts]
    target = {} if not parts else {"target": "proof: {line: ^task}"}
    programs = {"db": service("ready to accept"), "migrate": migrate}
    result = play(*gateways, more=ONCE, programs=programs, **parts, **target).result()
    assert result.verdict == "fail"
    failed = [boot for boot in result.boots if not boot.started]
    assert {(boot.release, boot.outcome) for boot in failed} == {("candidate", outcome)}
    assert failed[0].detail == f"the service migrate {detail}"


def test_a_proxy_that_answers_before_the_gateway_is_named(play):
    """It said that only the sidecar runs there."""
    proxy = service(lambda me, token: me.listen(8443), "ready to accept")
    played = play(ready="ready: {tcp: ':8443'}", more=DB, programs={"db": proxy})
    error = played.result().error
    assert ":8443 (the ready probe) is answered by the service db before the candidate" in error
    assert "What a proxy before it answers" in error
