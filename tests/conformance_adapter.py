"""The project's public API in the shape that the conformance check asks for. Thin: no case is known here."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The check runs from anywhere, and the package need not be installed.
sys.path.insert(0, str(Path(__file__).parent.parent))

import dockerfile_frontend as api
from dockerfile_frontend import ResolvedImage, Resolver
from dockerfile_frontend.syntax.parser import parse_tree
from ir_schema import encode_llb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend import CompileOptions, Platform, ResolveMode

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LAYER = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class EveryImage(Resolver):
    """Every image exists, for every platform; its digest is that of its name."""

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:  # noqa: ARG002  all modes find the same
        config: dict[str, Any] = {"architecture": platform.architecture, "os": platform.os}
        if platform.variant:
            config["variant"] = platform.variant
        config["config"] = {"Env": [_PATH], "Cmd": ["/bin/sh"]}
        config["rootfs"] = {"type": "layers", "diff_ids": [_LAYER]}
        digest = "sha256:" + hashlib.sha256(ref.encode()).hexdigest()
        return ResolvedImage(ref, digest, json.dumps(config).encode())


def ask(
    *,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    platform: str | None = None,
    options: Mapping[str, str] | None = None,
) -> CompileOptions:
    """What a case asks for, as frontend options."""
    asked = {f"build-arg:{key}": value for key, value in (build_args or {}).items()} | dict(options or {})
    asked |= {"platform": platform or "linux/amd64", **({"target": target} if target else {})}
    return api.parse_options(asked)


def convert(dockerfile: bytes, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as `ask` takes it
    found = api.compile_dockerfile(dockerfile, ask(**asked), EveryImage()).target
    return {"llb": encode_llb(found.definition), "image": json.loads(found.config)}


def lint(dockerfile: bytes) -> dict[str, Any]:
    found = api.check_dockerfile(dockerfile, ask(platform=_recorded_platform(dockerfile)), EveryImage())
    rows = [{"rule": w.code, "line": w.span.line if w.span else 0, "message": w.message} for w in found.warnings]
    return {"warnings": rows, "error": str(found.error) if found.error else None}


def _recorded_platform(dockerfile: bytes) -> str | None:
    """Files with the escape character of Windows were recorded for Windows: their other cases say so, and one of lint has no platform."""
    try:
        return "windows/amd64" if parse_tree(dockerfile).escape == "`" else None
    except api.DockerfileError:
        return None


def outline(dockerfile: bytes, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as `ask` takes it
    return api.outline_json(api.outline_dockerfile(dockerfile, ask(**asked), EveryImage()))


def targets(dockerfile: bytes) -> dict[str, Any]:
    return api.list_targets(dockerfile)


def expand(word: str, env: Mapping[str, str], escape: str) -> tuple[str, list[str]]:
    found = api.expand(word, env, escape)
    return found.result, sorted(found.unmatched)


def ignored(ignore_text: str, paths: Sequence[str]) -> list[str]:
    matcher = api.IgnoreMatcher(api.parse_ignore(ignore_text))
    return [path for path in paths if matcher.matches(path)]
