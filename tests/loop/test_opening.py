"""A gateway is opened: when it is ready, when it is not, and what it says before its trigger."""

from __future__ import annotations

import json

import pytest

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.engines.memory import Answer, Sidecar
from pytest_bootgate.errors import ImageError
from tests.loop.played import serves

STARTED = [
    "boot_began",
    "trigger_sent",
    "trigger_accepted",
    "phase_reached",
    "phase_reached",
    "boot_succeeded",
    "boot_ended",
]


def test_one_that_is_ready_and_starts(play):
    played = play()
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome, boot.seconds, boot.ready) == ("pass", "started", 1.5, 0.5)
    assert [(p.name, p.at, p.seconds) for p in boot.phases] == [
        ("setup", 0.5, 0.5),
        ("start", 1.5, 1.0),
    ]
    assert boot.accepted == 0.0
    assert boot.cpu_seconds == 0.75
    assert played.kinds(boot) == STARTED
    assert played.kinds()[0] == "run_began"
    assert played.kinds()[-2:] == ["verdict_given", "run_ended"]
    assert played.all_boots_ended()
    assert played.engine.made == 1


def test_one_that_is_never_ready(play):
    played = play(serves(ready="still starting"))
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome, boot.triggered) == ("fail", "timed_out", False)
    assert boot.detail == "the gateway was not ready after 10 s"
    assert boot.ended == 10.0
    assert boot.tails["gateway.out"] == ("still starting",)
    assert played.findings()[0] == (
        "fail",
        "boot",
        "boot 1 ended as timed_out: the gateway was not ready after 10 s",
    )
    assert played.kinds(boot) == ["boot_began", "boot_timed_out", "boot_ended"]


def test_one_that_is_ready_at_the_last_moment(play):
    boot = play(serves(start=9.9)).one()
    assert (boot.outcome, boot.ready) == ("started", pytest.approx(9.9))


def test_one_that_is_ready_too_late(play):
    played = play(serves(start=10.1))
    assert played.result().verdict == "fail"
    (boot,) = played.gate.known("default", "main").boots
    assert (boot.outcome, boot.ready) == ("timed_out", None)


@pytest.mark.parametrize(
    ("how", "outcome", "words"),
    [
        (Exit(3), "crashed", "exited with 3"),
        (Exit(0), "silent_exit", "exited with 0"),
        (Exit(137, oom=True), "oom_killed", "was OOM-killed"),
        (Exit(None, gone=True), "lost", "was removed from outside the gate"),
    ],
)
def test_one_that_ends_before_it_is_ready(play, how, outcome, words):
    played = play(serves(before=("oh", 0.2, how)))
    result = played.result()
    (boot,) = result.boots
    assert result.verdict == ("error" if outcome == "lost" else "fail")
    assert (boot.outcome, boot.exit_code, boot.triggered) == (outcome, how.code, False)
    assert boot.detail == f"the gateway {words} before it was ready"
    assert boot.tails["gateway.out"] == ("oh",)
    assert played.kinds(boot) == ["boot_began", "boot_failed", "boot_ended"]


def test_one_that_ends_while_it_settles(play):
    def gateway(me):
        yield 0.5
        me.out("ready")
        yield 1
        return 4

    played = play(gateway, gateway="settle: 3s")
    boot = played.one()
    assert (boot.outcome, boot.exit_code, boot.ready) == ("crashed", 4, 0.5)
    assert boot.detail.startswith("the gateway exited with 4 during its settle time, ")


def test_a_gateway_that_settles_is_triggered_after_it(play):
    played = play(gateway="settle: 3s")
    began = played.engine.clock.wall()
    boot = played.one()
    assert (boot.outcome, boot.wall - began) == ("started", 0.5 + 3)


VERSION = "version: {line: 'version (?P<version>.*)'}"


def test_the_version_that_it_should_be(play):
    played = play(
        serves(before=("version 2.1",)),
        gateway=VERSION,
        releases="{candidate: {image: new, version: '2.1'}}",
    )
    assert played.one().version == "2.1"
    assert played.gate.outcome().releases["candidate"].version == "2.1"


@pytest.mark.parametrize(
    ("says", "words"),
    [("version 2.0", "reports 2.0"), ("hello", "reports none")],
)
def test_another_version_is_no_measurement(play, says, words):
    played = play(
        serves(before=(says,)),
        gateway=VERSION,
        releases="{candidate: {image: new, version: '2.1'}}",
    )
    result = played.result()
    assert (result.verdict, result.boots) == ("error", ())
    assert "The candidate should be version 2.1, but the gateway that answers" in result.error
    assert words in result.error
    assert played.kinds() == [
        "run_began",
        "boot_began",
        "boot_failed",
        "verdict_given",
        "run_ended",
    ]


def test_another_image_than_asked_for_is_no_measurement(play):
    played = play()
    played.engine.moved["new"] = "sha256:other"
    result = played.result()
    assert result.verdict == "error"
    assert "The candidate runs image sha256:other, but new was sha256:" in result.error


def test_the_same_release_twice_is_no_upgrade(play):
    played = play(serves(), serves(), releases="{baseline: {image: new}, candidate: {image: new}}")
    result = played.result()
    assert result.verdict == "error"
    assert result.error.startswith("The releases baseline and candidate are the same")
    assert played.engine.made == 0


@pytest.mark.parametrize(
    ("missing", "users"),
    [
        ("old", "It is the image of the baseline."),
        ("new", "It is the image of the candidate."),
        (
            "python:3.13-alpine",
            (
                "It is the image of the sidecar; `sidecar: {image: ...}` or BOOTGATE_SIDECAR_IMAGE"
                " names another."
            ),
        ),
    ],
)
def test_an_image_that_is_missing_says_who_needs_it(play, monkeypatch, missing, users):
    def resolve(image):
        if image == missing:
            raise ImageError(f"Image {image} is not here.")
        return f"sha256:{image}"

    monkeypatch.delenv("BOOTGATE_SIDECAR_IMAGE", raising=False)
    played = play(serves(), serves(), releases="{baseline: {image: old}, candidate: {image: new}}")
    monkeypatch.setattr(played.engine, "resolve", resolve)
    assert played.result().error == f"Image {missing} is not here. {users}"


def test_an_unknown_program_is_no_measurement(play):
    played = play(releases="{candidate: {image: unknown}}")
    result = played.result()
    assert result.verdict == "error"
    assert "The gateway of the candidate cannot run `unknown`" in result.error


READY_HTTP = 'ready: {http: ":8080/readyz"}'


def health(*answers: Answer):
    """Ready is an endpoint: every half a second the next of these answers."""

    def gateway(me):
        now = [Answer(503)]
        me.listen(8080, lambda request: now[0] if request.method == "GET" else take(request))

        def take(request):
            me.mail.put(request.body)
            return Answer(202)

        for answer in answers:
            yield 0.5
            now[0] = answer
        token = yield me.mail
        me.out("set up", f"task {token} started")
        yield 60

    return gateway


def test_an_endpoint_says_ready(play):
    boot = play(health(Answer(503), Answer(200)), ready=READY_HTTP).one()
    assert (boot.outcome, boot.ready) == ("started", 1.0)


def test_an_endpoint_that_never_says_ready(play):
    boot = play(health(Answer(503, "starting")), ready=READY_HTTP).one()
    assert boot.outcome == "timed_out"
    assert boot.detail == (
        "the gateway was not ready after 10 s; :8080/readyz last answered 503 Service Unavailable:"
        " starting"
    )


def test_health_must_answer_though_it_is_never_trusted(play):
    ill = serves(answer=Answer(202))
    played = play(ill, gateway='health: {http: ":8080/healthz"}')
    assert played.one().outcome == "started"


def test_a_health_endpoint_that_nobody_serves(play):
    played = play(gateway='health: {http: ":9000/healthz"}')
    boot = played.one()
    assert (boot.outcome, boot.triggered) == ("timed_out", False)
    assert boot.detail == (
        "the gateway reported ready after 0.5 s, but :9000/healthz does not answer:"
        " connection refused"
    )


def test_somebody_is_there_before_the_gateway(play):
    played = play(ready=READY_HTTP)
    played.engine.strangers[8080] = "python3 other.py"
    result = played.result()
    assert result.verdict == "error"
    assert "is answered by python3 other.py before the candidate is started" in result.error


def test_a_port_that_answers_too_early(play):
    def helper(me):
        me.listen(8080)
        one = Sidecar(me)
        one.say("hello")
        while True:
            one.obey(json.loads((yield me.stdin)))

    result = play(ready=READY_HTTP, programs={"sidecar": helper}).result()
    assert result.verdict == "error"
    assert "Only the sidecar runs there at this time" in result.error


def _silent(me):
    yield 600


def _dies(me):
    me.err("no python here")
    yield 0.1
    return 127


def _in_trouble(me):
    one = Sidecar(me)
    one.say("hello")
    yield 0.1
    one.say("trouble", text="cannot serve port 9")
    yield 600


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (_silent, "did not start within 90 s"),
        (_dies, "so the boot can no longer be observed. Its last output: no python here. On"),
        (_in_trouble, "reports: cannot serve port 9"),
    ],
)
def test_a_helper_that_does_not_help_is_no_measurement(play, program, words):
    played = play(ready=READY_HTTP, programs={"sidecar": program})
    result = played.result()
    assert result.verdict == "error"
    assert words in result.error
    assert played.all_boots_ended() is False
    assert played.kinds()[-4:] == ["boot_began", "boot_failed", "verdict_given", "run_ended"]


def test_a_target_without_a_trigger_starts_by_itself(play):
    def runner(me):
        yield 0.5
        me.out("set up")
        yield 0.5
        me.out("task begins")
        yield 0.5

    played = play(
        runner,
        target="phases: {setup: {line: ^set up}, start: {line: ^task}}",
        trigger="null",
    )
    boot = played.one()
    assert (boot.outcome, boot.seconds, boot.triggered) == ("started", 1.0, False)


@pytest.mark.parametrize(
    ("seconds", "outcomes"),
    [
        (2.0, ["lost", "lost", "lost"]),
        *((odd, ["started"]) for odd in (0.5, None, "2.0", True, [2.0], 1e300, -2.0)),
    ],
)
def test_a_sidecar_that_says_it_stood_still(play, seconds, outcomes):
    class Stalls(Sidecar):
        def obey(self, order):
            super().obey(order)
            if order["do"] == "trigger":
                clock = self.me.clock
                clock.at(clock.now() + 0.2, lambda: self.say("stalled", seconds=seconds))

    def program(me):
        one = Stalls(me)
        one.say("hello")
        while True:
            one.obey(json.loads((yield me.stdin)))

    result = play(serves(), programs={"sidecar": program}).result()
    assert [boot.outcome for boot in result.boots] == outcomes


def test_globs_of_a_state_that_touch_no_file_warn_once(play, tmp_path):
    (tmp_path / "s").mkdir()
    played = play(more='state: {path: /state, from: ./s, exclude: [cahce], redact: {"*.jsn": x}}')
    assert played.result().verdict == "warn"
    assert played.findings() == [
        ("warn", "boot", f"`{glob}` of state: {key} matched no file of the state: correct it")
        for key, glob in (("exclude", "cahce"), ("redact", "*.jsn"))
    ]


@pytest.mark.parametrize("fails", [False, True])
def test_a_boot_that_fails_on_a_redacted_state_says_so(play, tmp_path, fails):
    """Nobody must take the release for what was taken out."""
    (tmp_path / "s").mkdir()
    for name in "abcdefg":
        (tmp_path / "s" / name).write_text("x x")
    gateway = serves(0.5, Exit(3)) if fails else serves()
    redact = '{"[a-f]": x, b: x}'
    played = play(gateway, more=f"state: {{path: /state, from: ./s, redact: {redact}}}")
    said = (
        "the state was redacted in 12 places (a: 2, b: 2, c: 2, d: 2, e: 2, 1 more): a failure may"
        " be due to that, not to the release"
    )
    assert all((said in boot.notes) is fails for boot in played.result().boots)
