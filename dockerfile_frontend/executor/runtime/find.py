"""Which OCI runtime works here.

    recall_engine(…) ──▶ Engine("/usr/bin/crun", "crun", cgroups=True)     what worked before; None when nothing is known
    best_engine(…)                                                          what to begin with then
    find_engine(…)                                                          what works: each is tried with a tiny container

The best comes first: crun starts a container in a quarter of runc's time, and a device cgroup is worth more than that. What works
is remembered under the identity of the program, the kernel and our own privileges, so that the next build asks nobody.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ir_schema.record import Record

from .faults import ContainerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .host import Host

PROGRAMS = ("crun", "runc")
CACHE = "runtime.json"


class Engine(Record):
    """An OCI runtime and how it is called here."""

    path: str
    name: str
    """runc or crun."""
    cgroups: bool
    """Whether it makes cgroups: device rules and limits hold."""

    @property
    def options(self) -> tuple[str, ...]:
        """Options before the subcommand."""
        if self.name == "crun":
            return ("--cgroup-manager", "cgroupfs" if self.cgroups else "disabled")
        return () if self.cgroups else ("--rootless", "true")


def recall_engine(host: Host, directory: str, wanted: str) -> Engine | None:
    """The engine that is remembered in `directory`. `wanted` is a name or path of the user's choice, or empty."""
    candidates = list(_candidates(host, wanted))
    known = _read(os.path.join(directory, CACHE))
    key = _key(host, candidates) if known else ""
    return next((engine for engine in candidates if known == _remembered(key, engine)), None)


def remember_engine(host: Host, directory: str, wanted: str, engine: Engine) -> None:
    """It works: the next build need not find out."""
    key = _key(host, list(_candidates(host, wanted)))
    _write(os.path.join(directory, CACHE), _remembered(key, engine))


def best_engine(host: Host, wanted: str) -> Engine | None:
    """The one to be tried first; None when none is installed."""
    return next(_candidates(host, wanted), None)


def find_engine(host: Host, directory: str, wanted: str, trial: Callable[[Engine], str]) -> Engine:
    """The first engine that works; remembered in `directory`. Raises ContainerError that says why none does.

    `trial` runs a tiny container and tells why it failed, or nothing.
    """
    known = recall_engine(host, directory, wanted)
    if known is not None:
        return known
    candidates = list(_candidates(host, wanted))
    reasons: list[str] = []
    for engine in candidates:
        reason = trial(engine)
        if not reason:
            remember_engine(host, directory, wanted, engine)
            return engine
        reasons.append(f"{engine.path}{'' if engine.cgroups else ' without cgroups'}: {reason}")
    if not candidates:
        missing = f"{wanted} is not installed" if wanted else "neither crun nor runc is installed"
        raise ContainerError(f"no container runtime: {missing}", hint="install runc or crun")
    raise ContainerError("no container runtime works here:\n  " + "\n  ".join(reasons), hint=_hint(host))


def locate(program: str) -> str | None:
    """The program of that name or path. shutil.which, without its 3 ms of imports; the usual places count though not on PATH."""
    if "/" in program:
        return program if os.access(program, os.X_OK) else None
    places = [*os.environ.get("PATH", "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"]
    found = (f"{place}/{program}" for place in places if place.startswith("/"))
    return next((path for path in found if os.access(path, os.X_OK) and os.path.isfile(path)), None)


def forget_engine(directory: str) -> None:
    """Try anew next time: what worked then did not work now."""
    with suppress(OSError):
        os.unlink(os.path.join(directory, CACHE))


def _remembered(key: str, engine: Engine) -> dict[str, object]:
    return {"key": key, "path": engine.path, "cgroups": engine.cgroups}


def _candidates(host: Host, wanted: str) -> Iterator[Engine]:
    """Ways to try, the best first."""
    programs = [(path, _name(path)) for name in ((wanted,) if wanted else PROGRAMS) if (path := locate(name))]
    if host.cgroups and not host.user_namespace:
        yield from (Engine(path, name, cgroups=True) for path, name in programs)
    yield from (Engine(path, name, cgroups=False) for path, name in programs)


def _name(path: str) -> str:
    return "crun" if "crun" in os.path.basename(os.path.realpath(path)) else "runc"


def _key(host: Host, candidates: list[Engine]) -> str:
    """What the answer depends on; a program counts by its file, not by what it says of itself."""
    files = [
        (e.path, status.st_ino, status.st_size, status.st_mtime_ns) for e in candidates for status in (os.stat(e.path),)
    ]
    return hashlib.sha256(repr((1, host, files)).encode()).hexdigest()


def _read(path: str) -> dict[str, object]:
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: str, value: dict[str, object]) -> None:
    """Replace the file whole; a store that cannot be written costs a trial each time and nothing else."""
    fresh = f"{path}.{os.getpid()}"
    try:
        with open(fresh, "w", encoding="utf-8") as file:
            json.dump(value, file)
        os.replace(fresh, path)
    except OSError:
        return


def _hint(host: Host) -> str:
    if host.user_namespace:
        return "inside another container, it needs to allow user namespaces and an unmasked /proc (privileged, or --security-opt)"
    return "see `runc run` in an empty bundle for what the kernel refuses"
