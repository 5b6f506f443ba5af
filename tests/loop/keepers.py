"""Gateways in memory that keep jobs in a file, and treat those of an older one as told.

They do as tests/pytest_plugin/keeper.py, where its environment calls for one of `KEEPERS`.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.engines.memory import Answer, AskedToEnd, Process, Request


class Keeper:
    """A gateway that keeps its jobs; subclasses treat old ones ill.

    A script: called with its process, as often as it is started. With STUB in its environment a job
    calls that, else it prints a line.
    """

    ready, code, start = "ready", 0, 0.2
    error = ""

    def __call__(self, me: Process) -> Generator[Any, Any, Exit | int | None]:
        self.me = me
        yield self.start
        if (ended := self.migrate()) is not None:
            return ended
        me.listen(int(me.env.get("PORT", 8080)), self.answer)
        me.out(self.ready)
        while True:
            try:
                number = yield me.mail
            except AskedToEnd as asked:
                if (code := self.asked(asked.name)) is not None:
                    return code
                continue
            with suppress(AskedToEnd):
                yield 0.3
            self.run(number)

    @property
    def state(self) -> str:
        return self.me.env.get("STATE", "/memory/state")

    @property
    def kept(self) -> dict:
        empty = b'{"format": 1, "jobs": []}'
        return json.loads(self.me.world.files.get(f"{self.state}/jobs.json", empty))

    @kept.setter
    def kept(self, kept: dict) -> None:
        self.me.world.files[f"{self.state}/jobs.json"] = json.dumps(kept).encode()

    @property
    def jobs(self) -> list[dict]:
        return self.kept["jobs"]

    @jobs.setter
    def jobs(self, jobs: list[dict]) -> None:
        self.kept = {**self.kept, "jobs": jobs}

    def first(self, name: str) -> bool:
        """Whether this is the first time that it asks so on this state."""
        file = f"{self.state}/{name}"
        known = file in self.me.world.files
        self.me.world.files[file] = b"yes"
        return not known

    def migrate(self) -> Exit | None:
        """What it makes of a state that it finds."""
        if (kept := self.kept)["format"] != 1:
            self.error = f"uses newer format {kept['format']}, this version knows 1"
        self.kept = kept
        return None

    def asked(self, name: str) -> int | None:
        return self.code

    def answer(self, request: Request) -> Answer:
        if request.method == "GET":
            if self.error and request.path == "/jobs":
                return Answer(500, self.error)
            return Answer(200, json.dumps({"jobs": self.jobs}))
        if request.path == "/stop":
            self.me.end(Exit(0))
            return Answer(200, "ok")
        if request.path == "/run":
            number = f"j{len(self.jobs) + 1}"
            job = {"id": number, "name": request.body.split()[0], "enabled": True}
            more = {"text": request.body, "schedule": {"kind": "every", "everyMs": 60_000}}
            self.jobs = [*self.jobs, {**job, **more, "runs": 0}]
        else:
            number = request.path.split("/")[2]
        self.me.mail.put(number)
        return Answer(200, "ok")

    def run(self, number: str) -> None:
        jobs = self.jobs
        (job,) = (job for job in jobs if job["id"] == number)
        job["runs"], job["last"] = job["runs"] + 1, self.me.clock.wall()
        self.jobs = jobs
        if "STUB" in self.me.env:
            self.me.call(urlsplit(self.me.env["STUB"]).port or 0, body=job["text"])
        else:
            self.me.out(f"task {job['text'].split()[1]} started")


class Loses(Keeper):
    def migrate(self):
        self.jobs = [*self.jobs[:1], *self.jobs[2:]]


class LosesAndSays(Loses):
    def migrate(self):
        super().migrate()
        self.me.out("1 legacy job was dropped")


class Changes(Keeper):
    def migrate(self):
        if jobs := self.jobs:
            jobs[0]["schedule"] = {"kind": "every", "everyMs": 5}
            self.jobs = jobs


class DropsHistory(Keeper):
    def migrate(self):
        self.jobs = [{**job, "runs": 0} for job in self.jobs]


class Renames(Keeper):
    def migrate(self):
        if jobs := self.jobs:
            jobs[0]["id"] = "new-1"
            self.jobs = jobs


class Refuses(Keeper):
    def migrate(self):
        self.me.err("this state is too old: upgrade by way of 2.0")
        return Exit(78)


class NeverReady(Keeper):
    ready = "migrating"


class Silent(Keeper):
    def run(self, number):
        self.me.out("nothing to do")


class Forgets(Keeper):
    def migrate(self):
        if not self.first("forgot"):
            self.jobs = self.jobs[:-1]


class Dirty(Keeper):
    code = 1


class EndsWithTheSignal(Keeper):
    code = 143


class Deaf(Keeper):
    def asked(self, name):
        return None if name == "SIGTERM" else 0


class OneWay(Keeper):
    """Leaves what only a newer one can read, and a job of its own."""

    def migrate(self):
        if (kept := self.kept)["format"] == 1 and kept["jobs"]:
            own = {"id": "own", "name": "its own", "enabled": True, "schedule": None, "runs": 0}
            self.kept = {"format": 2, "jobs": [*kept["jobs"], own]}


class NeedsRepair(Keeper):
    def migrate(self):
        if f"{self.state}/repaired" not in self.me.world.files:
            self.jobs = []


class Slow(Keeper):
    start = 0.7

    def migrate(self):
        if self.first("migrated"):
            self.me.out("stages=migrate:500ms,listen:1ms")


class NoList(Keeper):
    error = "out of order"


class Empty(Keeper):
    def run(self, number):
        super().run(number)
        self.jobs = []


#: What HOW says to keeper.py.
KEEPERS = {
    "keep": Keeper,
    "lose": Loses,
    "change": Changes,
    "rename": Renames,
    "drop": DropsHistory,
    "refuse": Refuses,
    "repair": NeedsRepair,
    "dirty": Dirty,
    "143": EndsWithTheSignal,
    "deaf": Deaf,
    "one-way": OneWay,
    "silent": Silent,
    "forget": Forgets,
    "slow": Slow,
    "no list": NoList,
}


def keeper(me: Process) -> Generator[Any, Any, Exit | int | None]:
    """As keeper.py."""
    one = (Empty if me.env.get("JOBS") == "none" else KEEPERS[me.env.get("HOW", "keep")])()
    one.ready = f"keeper {me.env.get('HOW', 'keep')} is here"
    port, what = int(me.env["PORT"]), me.command[2:]
    one.me = me
    if not what:
        if who := me.world.files.get(f"{one.state}/who"):
            me.out(f"configured by {who.decode()}")
            me.world.files[f"{one.state}/who"] = who + b"+"
        return (yield from one(me))
    if what == ["repair"]:
        one.first("repaired")
        me.out(f"repaired {len(one.jobs)} jobs")
    elif what == ["list"]:
        me.out(json.dumps(one.jobs, indent=1))
    elif what == ["seed"]:
        one.jobs = [*one.jobs, {"id": "off", "name": "old one", "enabled": False, "runs": 7}]
    else:
        me.call(port, "/stop" if what == ["stop"] else f"/jobs/{what[1]}/run")
    return 0
