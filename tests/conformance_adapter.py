"""The project's public API in the shape that the conformance check asks for. Thin: no case is known here."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(
    0, str(Path(__file__).parent.parent)
)  # the check runs from anywhere, and the package need not be installed

from dockerfile_frontend.compiler.driver import check_dockerfile, compile_dockerfile, outline_dockerfile
from dockerfile_frontend.compiler.options import parse_options
from dockerfile_frontend.inspect.outline import outline_json
from dockerfile_frontend.inspect.targets import list_targets
from dockerfile_frontend.semantics.ignore import IgnoreMatcher, parse_ignore
from dockerfile_frontend.semantics.resolver import ResolvedImage, Resolver
from dockerfile_frontend.syntax.words import expand as expand_word
from ir_schema.llb import encode_llb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ResolveMode

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
    return parse_options(asked)


def convert(dockerfile: bytes, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as `ask` takes it
    found = compile_dockerfile(dockerfile, ask(**asked), EveryImage()).target
    return {"llb": encode_llb(found.definition), "image": json.loads(found.config)}


def lint(dockerfile: bytes) -> dict[str, Any]:
    found = check_dockerfile(dockerfile, ask(), EveryImage())
    rows = [{"rule": w.code, "line": w.span.line if w.span else 0, "message": w.message} for w in found.warnings]
    return {"warnings": rows, "error": str(found.error) if found.error else None}


def outline(dockerfile: bytes, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as `ask` takes it
    return outline_json(outline_dockerfile(dockerfile, ask(**asked), EveryImage()))


def targets(dockerfile: bytes) -> dict[str, Any]:
    return list_targets(dockerfile)


def expand(word: str, env: Mapping[str, str], escape: str) -> tuple[str, list[str]]:
    found = expand_word(word, env, escape)
    return found.result, sorted(found.unmatched)


def ignored(ignore_text: str, paths: Sequence[str]) -> list[str]:
    matcher = IgnoreMatcher(parse_ignore(ignore_text))
    return [path for path in paths if matcher.matches(path)]
