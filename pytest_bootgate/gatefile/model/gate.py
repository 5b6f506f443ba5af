"""How boots are judged: the rules of the verdict, resources, and who is told."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec

from pytest_bootgate.demands import Command, Cores, Noise, Retries, Told, Tolerance, Url, positive
from pytest_bootgate.gatefile.model.base import Entry
from pytest_bootgate.quantities import Boots, Memory, Seconds, Share, Slowdown
from pytest_bootgate.stats.regression import TOLERANCE


class Profile(Entry, frozen=True, kw_only=True):
    """How many resources a boot gets (docker engine).

    `cpus` is a limit in cores: ``cpus: 0.25``.
    `memory` is a limit: ``memory: 2g``.
    `on_request` leaves the profile out unless ``--bootgate-profile`` names it:
        ``on_request: true``.
    """

    cpus: Cores | None = None
    memory: Annotated[Memory, positive("512m")] | None = None
    on_request: bool = False


class Gate(Entry, frozen=True, kw_only=True):
    """The rules of the verdict.

    `fail_at` is the share of a timeout or limit at which the slowest boot, or the bound for the
        next one, fails: ``fail_at: 80%``.
    `warn_at` is the share at which it warns: ``warn_at: 60%``.
    `slower` is how much slower than the baseline the candidate may be: ``slower: 10%``; less
        passes, and more fails once fresh boots confirm it.
    `boots` is how many boots of each release decide, at least and at most: ``boots: 5..30``; fresh
        boots to confirm a slowdown follow, at most as many.
    `retries` is how many boot timeouts of each release are retried in all boots of a target
        together, at most 3: ``retries: 0``.
    `retry_pause` is how long the gate waits before a retry: ``retry_pause: 10s``.
    `noise` is how many times its best time the gate's own fixed work may take: ``noise: 3``; above
        that timings on this host are unreliable.
    `inconclusive` is whether an inconclusive comparison warns or fails: ``inconclusive: fail``.
    `allow` permits a release to be gated against itself: ``allow: same-image``.
    """

    noun: ClassVar = "the gate"
    fail_at: Share = Share(0.8)
    warn_at: Share = Share(0.6)
    slower: Tolerance = Slowdown(TOLERANCE)
    boots: Boots = Boots(5, 30)
    retries: Retries = 1
    retry_pause: Seconds = Seconds(2)
    noise: Noise = 3.0
    inconclusive: Literal["warn", "fail"] = "warn"
    allow: Literal["same-image"] | None = None


class Notify(Entry, frozen=True, kw_only=True):
    """Who gets the verdict: exactly one of `command` and `webhook`.

    `command` is a command that runs in the gate file's directory, gets the verdict as JSON on
        standard input and must exit with 0: ``command: [./page, --service, gateway]``.
    `webhook` is a URL that gets the verdict as JSON by POST and must answer 2xx:
        ``webhook: "https://chat.example/hook"``.
    `headers` are headers for `webhook`: ``headers: {Authorization: "Bearer ${CHAT_TOKEN}"}``.
    `when` names the verdicts to send, by default fail and error: ``when: [warn, fail, error]``.
    `deadline` is how long it may take; after that the run fails: ``deadline: 10s``.
    """

    noun: ClassVar = "a notification"
    command: Command | None = None
    webhook: Url | None = None
    headers: dict[str, str] = {}
    when: Told = msgspec.field(default_factory=lambda: ["fail", "error"])
    deadline: Annotated[Seconds, positive("30s")] = Seconds(30)
