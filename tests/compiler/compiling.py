"""What the compiler's tests compile with: images that are written beside the Dockerfile, ignore files by context."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from dockerfile_frontend.compiler.driver import compile_dockerfile
from dockerfile_frontend.compiler.options import parse_options
from dockerfile_frontend.compiler.result import CompileResult
from dockerfile_frontend.semantics.platforms import Platform
from dockerfile_frontend.semantics.resolver import ImageRequest, ResolvedImage, ResolveError, ResolveMode, Resolver

LAYER = "sha256:" + "e3" * 32
PLAIN = {"config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"]}, "rootfs": {"type": "layers", "diff_ids": [LAYER]}}
"""Config of an image that a test says nothing of."""


class Images(Resolver):
    """Images by their normalized names; with `others`, every other one is a plain one of the platform asked for."""

    def __init__(
        self,
        configs: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        others: bool = True,
        times: Mapping[str, int] | None = None,
    ) -> None:
        self.configs = dict(configs or {})
        self.others = others
        self.times = dict(times or {})
        self.asked: list[tuple[str, str]] = []
        self.foretold: list[str] = []

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        self.asked.append((ref, mode))
        config = self.configs.get(ref, PLAIN if self.others else None)
        if config is None:
            raise ResolveError(f"{ref}: not found", hint="is the name right?")
        whole = {"architecture": platform.architecture, "os": platform.os, **config}
        return ResolvedImage(ref, "sha256:" + hashlib.sha256(ref.encode()).hexdigest(), json.dumps(whole).encode())

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        return self.resolve_image(f"{store}/{ref}", platform, "default")

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:  # noqa: ARG002  as asked
        return self.times.get(identifier)

    def prefetch(self, requests: Iterable[ImageRequest]) -> None:
        self.foretold += [request.ref for request in requests]


class IgnoreFiles:
    """Ignore files by the context they belong to."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = dict(files)

    def ignore_file(self, context: str) -> tuple[str, bytes]:
        return ".dockerignore", self.files.get(context, "").encode()


def compile_text(
    dockerfile: str | bytes,
    options: Mapping[str, str] | None = None,
    images: Resolver | None = None,
    ignored: Mapping[str, str] | None = None,
    **fields: Any,  # noqa: ANN401  of CompileOptions
) -> CompileResult:
    data = dockerfile.encode() if isinstance(dockerfile, str) else dockerfile
    wanted = parse_options(options or {}, **fields)
    return compile_dockerfile(data, wanted, images or Images(), IgnoreFiles(ignored or {}))
