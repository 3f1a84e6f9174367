"""What two images are compared by, and in what a peer differs everywhere. docs/executor.md has the same as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.casefiles import Case
from tests.e2e.builds.images import Image, comparable, differences

OCI_CONFIG = ("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Labels", "ExposedPorts", "Volumes", "StopSignal")
DOCKER_CONFIG = ("Healthcheck", "Shell", "OnBuild")
"""Docker's own, which buildah leaves out of images in OCI's format."""

LEFT_BY_BUILDAH = (
    "etc/hostname: only theirs", "etc/hosts: only theirs", "etc/resolv.conf: only theirs",
    "run: only theirs", "run/secrets: only theirs",
)  # fmt: skip
"""Mount points of what every RUN of buildah's sees: they stay in the image."""


@dataclass(frozen=True, slots=True)
class Peer:
    """What a case says of one peer."""

    asked: bool
    different: tuple[str, ...]
    """Openings of lines of difference that have a reason."""


def read_peer(case: Case, name: str) -> Peer:
    asked, different = True, []
    for line in case.sections.get("peers", "").splitlines():
        who, _, reason = line.partition(": ")
        assert reason, f"{case.path}: no reason in {line!r}"
        if who == name:
            asked = False
        elif who.startswith(f"{name} "):
            different.append(who.removeprefix(f"{name} "))
    return Peer(asked, tuple(different))


def compare(ours: Image, theirs: Image, peer: str, began: float) -> list[str]:
    """One line a difference; those that a peer has in every image are left out."""
    found = differences(comparable(ours.tree, began), comparable(theirs.tree, began))
    found += differences_of_configs(ours, theirs, CONFIG[peer])
    return [line for line in found if not EVERYWHERE[peer](line, theirs)]


def compare_with_user(ours: Image, theirs: Image, began: float, *, but: str = "") -> list[str]:
    """One line a difference between what root and an ordinary user built here; only the content of `but` may differ."""
    found = differences(comparable(ours.tree, began), comparable(theirs.tree, began))
    found += differences_of_configs(ours, theirs, config_of_buildkit)
    return [line for line in found if not (but and line.startswith((f"{but} content: ", f"{but} sha256: ")))]


def differences_of_configs(ours: Image, theirs: Image, rows: Callable[[Image], dict[str, Any]]) -> list[str]:
    mine, other = rows(ours), rows(theirs)
    return [f"{key}: ours {mine[key]!r}, theirs {other[key]!r}" for key in mine if mine[key] != other[key]]


def config_of_buildkit(image: Image) -> dict[str, Any]:
    """Everything, in order, with history and the number of layers."""
    config = image.config.get("config", {})
    found = {f"config {key}": config.get(key) or None for key in OCI_CONFIG + DOCKER_CONFIG}
    found |= {key: image.config.get(key) for key in ("architecture", "os", "variant")}
    found["history"] = [(step.get("created_by"), step.get("empty_layer", False)) for step in image.config.get("history") or ()]
    found["layers"] = len(image.layers)
    return found


def config_of_buildah(image: Image) -> dict[str, Any]:
    """What an OCI image can say. The environment's order is buildah's own, and so are its history and layers."""
    config = image.config.get("config", {})
    found = {f"config {key}": config.get(key) or None for key in OCI_CONFIG}
    found["config Env"] = sorted(config.get("Env") or [])
    found["config WorkingDir"] = (config.get("WorkingDir") or "/").rstrip("/")
    return found | {key: image.config.get(key) for key in ("architecture", "os", "variant")}


CONFIG: Mapping[str, Callable[[Image], dict[str, Any]]] = {"buildkit": config_of_buildkit, "buildah": config_of_buildah}


def is_folders_time(line: str, image: Image) -> bool:
    """Whether a folder has a time of its source here and that of the build there.

    BuildKit keeps contexts and changes what differs, so a folder that gets another file gets another time; buildah gives a
    COPY's destination the time of the build.
    """
    name, found, times = line.partition(" mtime: ")
    return bool(found) and "'now'" in times and image.tree[name]["type"] == "folder"


def is_buildahs(line: str, image: Image) -> bool:
    return line.startswith(LEFT_BY_BUILDAH) or is_folders_time(line, image)


EVERYWHERE: Mapping[str, Callable[[str, Image], bool]] = {"buildkit": is_folders_time, "buildah": is_buildahs}
