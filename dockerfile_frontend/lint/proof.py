r"""The proof of a safe fix: two texts of a Dockerfile make the same graphs, stage by stage.

    builds_the_same(b"FROM a AS B\\n", b"FROM a AS b\\n", options, images, history=False)  ──▶  True

Every stage is compiled as if it were the target, before and after: the digests of its graph, what its vertices say to the solver,
and its image config have to be equal; names of steps and source lines may differ, and texts in the history where `history` says so.

What is not known could be anything, so it is compiled twice: as it was asked for, and with a probe, in which every ARG has a value
that nobody gave, base images have a folder, a user, a shell and variables of their own, and the target is another platform.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.compiler.driver import compile_stages
from dockerfile_frontend.compiler.image import image_json
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.lint.images import Images
from dockerfile_frontend.semantics.check import SILENT
from dockerfile_frontend.semantics.paths import UNIX_PATH
from dockerfile_frontend.semantics.platforms import Platform
from dockerfile_frontend.semantics.resolver import ResolvedImage

if TYPE_CHECKING:
    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.compiler.result import CompiledStage
    from dockerfile_frontend.semantics.context_files import ContextReader
    from dockerfile_frontend.semantics.resolver import ResolveMode

_OTHER_PLATFORM = Platform("linux", "arm64")
_NAMES = re.compile(rb"\$\{?([A-Za-z_]\w*)")
_ARGS = re.compile(rb"(?im)^[ \t]*(?:ONBUILD[ \t]+)?ARG[ \t]+(.*(?:\\\r?\n.*)*)")
_NAME = re.compile(rb"[A-Za-z_]\w*(?=[\s=]|$)")
_PLATFORM_ARG = re.compile(r"(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT|STAGE)|SOURCE_DATE_EPOCH|BUILDKIT_\w+")


class Proof:
    """What a file makes, kept, to be held against what later texts of it make."""

    def __init__(
        self, data: bytes, options: CompileOptions, images: Images, reader: ContextReader | None = None
    ) -> None:
        asked = replace(options, check=SILENT, unique_id="proof", filename="Dockerfile")
        self._reader = reader
        self._cases = [(asked, images), *_probes(data, asked, images)]
        self._made = [self._make(data, *case) for case in self._cases]

    def can_tell(self) -> bool:
        """One of the probes compiles, so that there is something to compare."""
        return any(not isinstance(made, str) for made in self._made[1:])

    def holds_for(self, data: bytes, *, history: bool) -> bool:
        """Whether the text makes the same; for a file that cannot be compiled, nothing does."""
        if not self.can_tell():
            return False
        for case, made in zip(self._cases, self._made, strict=True):
            again = self._make(data, *case)
            if isinstance(made, str) or isinstance(again, str):
                if made != again:
                    return False
            elif not _same(made, again, history=history):
                return False
        return True

    def _make(self, data: bytes, options: CompileOptions, images: Images) -> list[_Stage] | str:
        """What each stage makes, or the fault that keeps it from being made."""
        try:
            return [_stage(stage) for stage in compile_stages(data, options, images, self._reader)]
        except DockerfileError as error:
            return error.message


_Stage = tuple[Any, dict[str, Any]]
"""All of a stage's graph that counts, and its image config. The graph of a stage that another holds is compared there."""


def _stage(stage: CompiledStage) -> _Stage:
    config = image_json(stage.image)
    definition = stage.definition
    if definition is None:
        return None, config
    told = {
        digest: (
            said.ignore_cache,
            said.export_cache,
            tuple(sorted(said.caps.items())),
            said.linux_resources,
            said.progress_group is None,
        )
        for digest, said in definition.metadata.items()
    }
    return (definition.output, told), config


def _same(before: list[_Stage], after: list[_Stage], *, history: bool) -> bool:
    if len(before) != len(after):
        return False
    for (graph, config), (other_graph, other_config) in zip(before, after, strict=True):
        if graph != other_graph:
            return False
        if config != other_config and not (history and _without_texts(config) == _without_texts(other_config)):
            return False
    return True


def _without_texts(config: dict[str, Any]) -> dict[str, Any]:
    entries = config.get("history") or []
    return {**config, "history": [{**entry, "created_by": ""} for entry in entries]}


def _probes(data: bytes, options: CompileOptions, images: Images) -> list[tuple[CompileOptions, Images]]:
    """Other builds of the file: one with all that is not known made up, and one with ARGs left as they are."""
    text = data.removeprefix(b"\xef\xbb\xbf")
    names = dict.fromkeys(name.decode() for name in _NAMES.findall(text))
    args = [name.decode() for row in _ARGS.findall(text) for name in _NAME.findall(row)]
    free = [name for name in dict.fromkeys(args) if not _PLATFORM_ARG.fullmatch(name)]
    values = {name: f"{0o1001 + number:o}" for number, name in enumerate(free)}  # fit for ports, tags, users and modes
    platforms = options.platforms or (_OTHER_PLATFORM,)
    strange = _Strange(images, [name for name in names if name not in ("PATH", *args)])
    bare = replace(options, platforms=platforms)
    return [(replace(bare, build_args={**values, **options.build_args}), strange), (bare, strange)]


class _Strange(Images):
    """Images that are not known have things of their own in their configs."""

    def __init__(self, images: Images, variables: list[str]) -> None:
        super().__init__()
        self._images = images
        self._env = [f"PATH=/probe:{UNIX_PATH}", *(f"{name}=/probe/{name}" for name in variables)]

    def find(self, ref: str, platform: Platform, mode: ResolveMode = "default") -> ResolvedImage:
        known = self._images.find(ref, platform, mode)
        if known is not None:
            return known
        config: dict[str, Any] = {
            "architecture": platform.architecture,
            "os": platform.os,
            **({"variant": platform.variant} if platform.variant else {}),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{'1' * 64}"]},
            "config": {
                "Env": self._env,
                "User": "probe:probe",
                "WorkingDir": "/probe/folder",
                "Shell": ["/probe/shell", "-c"],
                "Entrypoint": ["/probe/entry"],
                "Cmd": ["probe"],
                "Labels": {"probe": "1"},
                "ExposedPorts": {"64000/tcp": {}},
                "Volumes": {"/probe/volume": {}},
                "StopSignal": "SIGUSR1",
                "Healthcheck": {"Test": ["CMD", "/probe/check"]},
            },
        }
        return ResolvedImage(ref, None, json.dumps(config).encode())
