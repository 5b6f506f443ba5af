"""What must hold for each probe and each trigger, beyond the types of its entries."""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from pytest_bootgate.demands import PORT
from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.addresses import (
    ENDPOINT,
    SOCKET,
    STUB_PORT,
    meant_endpoint,
    meant_socket,
)
from pytest_bootgate.gatefile.commands import vain
from pytest_bootgate.gatefile.patterns import ONE_WAY, Trials, too_wide
from pytest_bootgate.gatefile.tree import (
    Map,
    Mistakes,
    Place,
    Scalar,
    Seq,
    Tree,
    did_you_mean,
    listed,
    value,
)
from pytest_bootgate.gatefile.validate import RENAMED
from pytest_bootgate.probes import KINDS, asked, keys
from pytest_bootgate.probes.line import Line

#: RFC 9110, 5.1.
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Of Linux, in sockaddr_un.
_LONGEST_SOCKET = 107
#: Keys of a trigger that mean nothing without `http`.
_OF_REQUESTS = ("method", "headers", "json", "body", "verify", "unix")


class ProbeRules:
    """The rules of probes and triggers in one gate file."""

    def __init__(self, gate: Map, mistakes: Mistakes) -> None:
        sidecar = gate.section("sidecar")
        self.has_stub = "stub" in sidecar or not sidecar.whole
        self._program = "program" in sidecar or not sidecar.whole
        services = gate.section("services")
        self.services = [*services.entries] if services.whole else None
        done = [name for name, each in gate.sections("services").items() if each.get("once")]
        self._done = done  # before anything is looked for
        self.places = [n for n in ("gateway", "sidecar", *services.entries) if n not in done]
        takes = sidecar.section("takes").entries
        self._takes: dict[str, list[str]] = {n: value(each) or [] for n, each in takes.items()}
        self.mistake, self._trials, self._file = mistakes.add, Trials(), gate.place.file

    def probe(self, probe: Map, *, triggered: bool = True) -> None:
        """A probe looks in exactly one kind of place, and asks only what that place can tell."""
        kinds = asked(probe.entries)
        if not kinds and probe.whole:
            way_out = f"give it one of {listed(KINDS)}"
            self.mistake(probe.key, "this probe looks nowhere", way_out)
        if len(kinds) > 1:
            places = listed([kind.key for kind in kinds])
            what = f"a probe looks in one place, this one in {places}"
            self.mistake(probe.key, what, "keep one")
        own = {key for kind in kinds for key in keys(kind)}
        for key in probe.entries if kinds else ():
            if key not in own and (needed := [o.key for o in KINDS.values() if key in keys(o)]):
                self._only_with(probe, (key,), *needed)
        for kind in kinds:
            kind.check(probe, self, triggered=triggered)

    def within(self, service: str) -> ProbeRules:
        """The same rules for what a service is asked, when those below it are not there yet."""
        inner = copy.copy(self)
        if self.services is not None:
            above = self.services[: self.services.index(service) + 1]
            inner.places = ["sidecar", *(name for name in above if name not in self._done)]
        return inner

    def where(self, section: Map, key: str, *more: str) -> None:
        """Who prints a line, or where a command runs."""
        name, known = section.get(key), [*self.places, *more]
        if not isinstance(name, str) or name in known or self.services is None:
            return
        if (now := RENAMED.get(name)) in known:
            self.mistake(section.at[key], f"'{name}' is called '{now}' now")
            return
        what = f"'{key}' must be {listed(known, 'or')}, not '{name}'"
        late = name in ("gateway", *self.services)
        way_out = f"{name} is not started yet" if late else did_you_mean(name, known, "")
        if name in self._done:
            way_out = f"{name} runs once, and has ended by then"
        self.mistake(section.at[key], what, way_out)

    def mark(self, phase: Map) -> None:
        """What ends a phase is not just anything."""
        for kind in asked(phase.entries):
            kind.check_mark(phase, self)

    def can_fail(self, probe: Map, key: str) -> None:
        """A command shows something only where it fails as long as that is not so."""
        if how := vain([variables.blank(word) for word in texts(probe.entries.get(key))]):
            self.mistake(
                probe.at[key],
                f"this command {how}, so it proves nothing",
                "take one that fails until it is so"
                if probe.at[key].file == self._file
                else "give the target a proof of its own in the gate file",
            )

    def fresh(self, proof: Map, trigger: Map, other: str, else_: str = "") -> None:
        """What another boot of the same gateway did cannot be the proof of this one."""
        named = {name for text in texts(trigger) for name in variables.names(text)}
        for kind in asked(proof.entries):
            if kind.at_stub and "token" not in named and trigger.whole:
                self.mistake(
                    trigger.key,
                    f"a stub called late by {other} could count as the proof of this one",
                    "put ${token} into the trigger",
                )
            asked_for = [text for key in keys(kind) for text in texts(proof.entries.get(key))]
            theirs = not any("token" in variables.names(text) for text in asked_for)
            # The answer to a request is of its own boot; an earlier command may still be printing.
            answer = proof.get("from") == "trigger" and "http" in trigger
            if kind.stays and theirs and proof.whole and not answer:
                self.mistake(
                    proof.at[kind.key],
                    f"what {other} left behind could count as the proof of this one",
                    f"put ${{token}} into '{kind.key}'{else_}"
                    if not isinstance(proof.get(kind.key), bool)
                    else "take a probe that can carry ${token}, or write start: cold",
                )

    def pattern(self, probe: Map, key: str, *, of_bytes: bool = False) -> re.Pattern[str] | None:
        """The regular expression under this key, None where there is none or it is wrong.

        One that is `of_bytes` is held against files.
        """
        text = probe.get(key)
        if not isinstance(text, str):
            return None
        try:
            pattern = re.compile(variables.blank(text))
            if of_bytes:
                re.compile(text.encode())
        except (re.error, OverflowError, RecursionError) as error:
            self.mistake(probe.at[key], f"'{key}' is not a regular expression", str(error))
            return None
        if self._trials.takes_for_ever(pattern):
            self.mistake(probe.at[key], f"'{key}' takes for ever on some short lines", ONE_WAY)
        return pattern

    def too_wide(self, text: str) -> str | None:
        """Which lines a regular expression matches that prove nothing, as `patterns.too_wide`."""
        with contextlib.suppress(re.error, OverflowError, RecursionError):
            return too_wide(re.compile(variables.blank(text)))
        return None

    def version(self, probe: Map) -> None:
        """The probe for a release's version is a line with the group `version`."""
        pattern = self.pattern(probe, "line")
        if pattern is not None and "version" not in pattern.groupindex:
            self.mistake(
                probe.at["line"], "the group 'version' is missing", "write (?P<version>...)"
            )
        elif "line" not in probe and probe.whole:
            self.mistake(
                probe.key, "the version is read from a line", "give a line with (?P<version>...)"
            )

    def stages(self, probe: Map, *, triggered: bool) -> None:
        """The pattern of each stage has a name and a duration."""
        Line.check(probe, self, triggered=triggered)
        pattern = self.pattern(probe, "each")
        if pattern is None:
            return
        groups = pattern.groupindex
        for group, others in (("name", {"name"}), ("ms", {"ms", "s"})):
            if not others & groups.keys():
                what = f"the group '{group}' is missing"
                self.mistake(probe.at["each"], what, f"write (?P<{group}>...)")

    def trigger(self, trigger: Map) -> None:
        """A trigger is exactly one of a command, a request and an order to the sidecar."""
        kinds = [kind for kind in ("exec", "http", "send") if kind in trigger]
        if not kinds and trigger.whole:
            self.mistake(
                trigger.key, "this trigger does nothing", "give it one of exec, http and send"
            )
        if len(kinds) > 1:
            self.mistake(
                trigger.key, f"a trigger does one thing, this one {listed(kinds)}", "keep one"
            )
        if kinds and "exec" not in trigger:
            self._only_with(trigger, ("in",), "exec")
        if kinds and "http" not in trigger:
            self._only_with(trigger, _OF_REQUESTS, "http")
        self.where(trigger, "in")
        self._one_body(trigger, ("json", "body"))
        self.endpoint(trigger)
        self.request(trigger)
        if "send" in trigger and not self._program:
            self.mistake(
                trigger.keys["send"],
                "'send' needs a sidecar program that knows what to do",
                "name it in sidecar: program",
            )
        if self._takes and (told := trigger.section("send")).whole:
            self._known(told, [*self._takes], "send")
            for name, known in self._takes.items():
                if known:
                    self._known(told.section(name), known, name)

    def _known(self, told: Map, known: Collection[str], what: str) -> None:
        """A sidecar program would drop what it does not understand."""
        for key, place in told.keys.items():
            if key not in known:
                way_out = did_you_mean(key, known, f"there are {listed(known)}")
                self.mistake(place, f"the sidecar program does not know '{key}' in {what}", way_out)

    def stub(self, stub: Map) -> None:
        """The stub has a port, and answers in one way."""
        self._address(stub, "port", STUB_PORT, "8099 or ${port.NAME}")
        reply = stub.section("reply")
        self._one_body(reply, ("json", "body", "stream"))
        check_headers(reply, self.mistake)

    def socket(self, section: Map, key: str) -> None:
        """A port of the gateway."""
        text = section.get(key)
        self._address(section, key, SOCKET, meant_socket(text) if isinstance(text, str) else "")

    def absolute(self, section: Map, key: str) -> None:
        """A path that a gateway and its sidecar both see."""
        text = section.get(key)
        if isinstance(text, str) and not text.startswith(("/", "${dir}/")):
            self.mistake(
                section.at[key], f"'{text}' is not an absolute path", "write ${dir}/app.sock"
            )

    def endpoint(self, section: Map) -> None:
        """An endpoint is a port and a path, or a URL; through a socket a path will do."""
        text = section.get("http")
        if not isinstance(text, str) or ("unix" in section and text.startswith("/")):
            return
        self._address(section, "http", ENDPOINT, meant_endpoint(text))

    def request(self, section: Map) -> None:
        """What a request to an endpoint says besides."""
        check_headers(section, self.mistake)
        self.absolute(section, "unix")
        text = section.get("http")
        if "verify" in section and isinstance(text, str) and not text.startswith("https://"):
            self.mistake(
                section.keys["verify"], "only https has a certificate", 'write "https://..."'
            )
        file = section.get("verify")
        if isinstance(file, str) and Path(file).is_file() and not _has_certificate(Path(file)):
            what = "this file holds no certificate in PEM form"
            self.mistake(
                section.at["verify"], what, "write it so: openssl x509 -in FILE -out ca.pem"
            )
        socket = section.get("unix")
        if isinstance(socket, str) and len(socket.encode()) > _LONGEST_SOCKET:
            what = f"the path of a socket has at most {_LONGEST_SOCKET} bytes"
            self.mistake(section.at["unix"], what, "take a shorter one")

    def _address(self, section: Map, key: str, form: re.Pattern[str], example: str) -> None:
        text = section.get(key)
        if not isinstance(text, str):
            return
        found = form.fullmatch(text)
        if not found:
            noun = "an endpoint" if key == "http" else "a port"
            write = example if form is STUB_PORT else f'"{example}"'
            self.mistake(section.at[key], f"'{text}' is not {noun}", f"write {write}")
        elif found["port"] and (told := PORT.told(int(found["port"]))):
            self.mistake(section.at[key], *told)

    def _only_with(self, section: Map, keys: Collection[str], *needed: str) -> None:
        for key in keys:
            if key in section:
                what = f"'{key}' goes only with {listed([repr(each) for each in needed], 'or')}"
                self.mistake(section.keys[key], what, "leave it out")

    def _one_body(self, section: Map, keys: Collection[str]) -> None:
        given = [key for key in keys if key in section]
        for key in given[1:]:
            self.mistake(
                section.keys[key], f"'{key}' comes on top of '{given[0]}'", "keep one of them"
            )


def _has_certificate(file: Path) -> bool:
    try:
        return "-----BEGIN CERTIFICATE-----" in file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False


def texts(tree: Tree | None) -> Iterator[str]:
    """Every text in a tree."""
    if isinstance(tree, Scalar):
        if isinstance(tree.value, str):
            yield tree.value
    elif tree is not None:
        for each in tree.items if isinstance(tree, Seq) else tree.entries.values():
            yield from texts(each)


def check_headers(section: Map, mistake: Callable[[Place, str, str], None]) -> None:
    """No header has a line end or another control character; its value may be a secret."""
    headers = section.section("headers")
    for name in headers.entries:
        value = headers.get(name)
        if any((ord(sign) < 32 and sign != "\t") or ord(sign) == 127 for sign in f"{name}{value}"):
            mistake(
                headers.entries[name].place,
                f"the header {name.strip()!r} has a line end or another control character",
                "take it out; a variable that was read from a file often ends with one",
            )
        elif not _HEADER.fullmatch(name) or any(ord(sign) > 255 for sign in str(value)):
            what = f"{name!r} cannot be sent: its name or its value has a character of no header"
            mistake(headers.entries[name].place, what, "correct it")
