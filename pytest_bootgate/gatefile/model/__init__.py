"""What a gate file says, as plain typed values.

Texts may contain variables that are filled in for each boot: ``${token}`` (new for every boot),
``${target}``, ``${release}``, ``${version}``, ``${dir}`` (the directory that gateway and
sidecar share), ``${here}`` (the gate file's own directory on this machine) and
``${port.NAME}``. In `run` of a state, ``${job.id}`` and ``${job.name}`` are available too.
Environment variables are filled in when the file is loaded.
"""

from pytest_bootgate.gatefile.model.container import Container
from pytest_bootgate.gatefile.model.file import GateFile
from pytest_bootgate.gatefile.model.gate import Gate, Notify, Profile
from pytest_bootgate.gatefile.model.gateway import Gateway, Reply, Sidecar, Stub
from pytest_bootgate.gatefile.model.kubernetes import Kubernetes
from pytest_bootgate.gatefile.model.probe import PhaseProbe, Probe, Signal, StageProbe
from pytest_bootgate.gatefile.model.releases import File, Release, Releases
from pytest_bootgate.gatefile.model.service import Service
from pytest_bootgate.gatefile.model.state import State
from pytest_bootgate.gatefile.model.system import System
from pytest_bootgate.gatefile.model.target import (
    ACCEPTED,
    Hold,
    Propagation,
    Target,
    TargetDefaults,
    Trigger,
)

__all__ = [
    "ACCEPTED", "Container", "File", "Gate", "GateFile", "Gateway", "Hold", "Kubernetes", "Notify",
    "PhaseProbe", "Probe", "Profile", "Propagation", "Release", "Releases", "Reply", "Service",
    "Sidecar", "Signal", "StageProbe", "State", "Stub", "System", "Target", "TargetDefaults",
    "Trigger",
]  # fmt: skip
