"""The words that reports use beside verdicts and outcomes, each in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

#: Each word as it is printed, in small letters, and what it means.
TERMS: Mapping[str, str] = {
    # What the decision line says.
    "ship": "the candidate passed everything that the gate file asks for, and all of it was judged",
    "do not ship": "the candidate failed: keep the baseline, and read why",
    "unknown": "nobody knows: something was not measured, not judged or not clear; this is no"
    " reason to ship",
    # Who is compared, and where.
    "release": "one version of the system under gate: the baseline or the candidate",
    "candidate": "the release that is to be shipped",
    "baseline": "the release that runs today, booted beside the candidate on the same host",
    "recorded": "a baseline that was booted in an earlier run and is only read now, so small"
    " slowdowns cannot be detected",
    "target": "one thing that the system must start, with its timeout and its proof",
    "session target": "a way in which the system runs a task, such as in a session of its own; in"
    " short a target",
    "gateway": "the process that stays up and accepts triggers; without a trigger, the system"
    " itself",
    "runner": "what the gateway starts to run one task; its start is what a boot measures",
    "service": "what both releases need beside them, such as a database; new for each boot",
    "sidecar": "a small process beside the gateway that sends triggers, asks endpoints, follows"
    " files and serves the stub",
    "stub": "the sidecar's HTTP server; it stands in for what the task calls first, such as a"
    " model",
    "profile": "conditions of a boot, such as its CPUs and memory; `target@profile` names both",
    "engine": "what boots: docker, local processes, or kubernetes",
    "granted": "what a container may do beyond the default of a container",
    # One boot.
    "boot": "from the trigger to the proof; also the pytest item that judges the target as a whole",
    "trigger": "what starts a task, such as a request to the gateway; without one, the start of the"
    " system itself",
    "accepted": "the phase up to the answer to the trigger; it proves nothing",
    "phase": "a part of a boot, from the mark before to its own mark",
    "probe": "where to look and what must be seen there: a line, an answer, a port, a file, the end"
    " of a command",
    "mark": "a line, a request or an answer by which a phase is seen to be over",
    "proof": "what only a started task shows: the mark of the last phase",
    "timeout": "how long the system itself gives a boot; later is as bad as never",
    "limit": "the longest time that one phase may take",
    "deadline": "the latest time after the trigger at which a phase may be over",
    "cold": "every boot has a gateway of its own, started for it",
    "warm": "all boots of a release use one gateway, which stays up",
    "warm-up": "a boot that is made before the others and not measured, so that caches are warm",
    "pair": "one boot of each release, one after the other; their order changes from pair to pair",
    "attempt": "which try of a boot this was: one that timed out is tried again (`retries`)",
    "retry": "a boot that timed out is tried again, once unless the gate file says otherwise; it is"
    " reported, and never hidden",
    "signal": "where the system should report a failed run, such as its run log",
    "reported by": "which of the `signals` reported the failure, and when; `nobody` is a finding",
    "never": "in a table: no boot of this release came to this phase",
    "held": "a boot that the gate stalls on purpose, to see who reports it",
    "in_flight": "a boot that has not ended yet, or whose run was killed",
    "outcome": "how one boot ended, such as `started` or `timed_out`",
    # What is made of the boots.
    "check": "one thing that the gate judges, such as the boots of a target or an upgrade in place",
    "finding": "one judged fact, with its numbers; the worst of them is the verdict",
    "verdict": "what the boots of a target, or of the gate, add up to: `pass`, `warn`,"
    " `inconclusive`, `fail` or `error`",
    "headroom": "how far the boots stay from their timeout: judged by the slowest boot, and from"
    " five boots on by a bound for the next one",
    # Times.
    "whole boot": "the time from the trigger to the proof",
    "cpu time": "CPU time that the boot used; of a wall time that grew alone, it waited",
    "waited for a cpu": "time in which the boot could run and other processes had the CPU",
    "net of neighbours": "the whole boot without the time that it waited for a CPU",
    "gateway ready": "the time from the start of the gateway until it was ready for a trigger; not"
    " part of the boot",
    "self-reported_stage": "a duration that the system prints itself; shown, and never judged",
    "median": "half of the boots took less, half of them more",
    "slowest": "the longest of the boots that started",
    "delta": "the candidate's median minus the baseline's (Δ), and that as a share of the"
    " baseline's (Δ %)",
    # How near a timeout is.
    "slowest boot": "the share of the timeout that the slowest boot used",
    "next boot": "the share of the timeout that the next boot uses at most, with 95 % confidence;"
    " from five boots on",
    # How the releases compare.
    "tolerance": "how much slower the candidate may be (`slower`)",
    "confidence": "how often a statement of this kind is true; `95 % interval` holds the true"
    " change in 95 of 100 such runs",
    "more work": "a slowdown that is CPU time of the boot itself",
    "more waiting": "a slowdown that is time without CPU",
    "busy host": "a slowdown, or a doubt, that comes from other load on the host",
    # What else is checked.
    "upgrade": "the check of an upgrade in place: the candidate starts on the baseline's state",
    "propagation": "the check in which a boot is stalled on purpose: does a signal report it?",
    "growth": "the check of several values of a quantity: does the candidate grow faster?",
    "left out": "not booted because the gate file says that the release does not have it",
    "not booted": "asked for by the gate file and not booted in this run, for example by `-k`",
    "unjudged": "what the gate file asks for and nobody judged in this run",
    "shard": "one of several runs that boot a share of a gate each; `bootgate merge` judges them",
    "journal": "the record of all boots and events: `bootgate log`",
    # What became of a run.
    "killed": "a run that ended without saying so; it has no verdict",
    "running": "a run that has not ended yet",
    "finished": "a run that ended by itself",
}
