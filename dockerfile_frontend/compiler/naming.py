"""Names of steps as progress shows them.

[linux/arm64 build 2/12] RUN make    platform with several of them; stage; number of the step and of all its stage has
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dockerfile_frontend.semantics.platforms import (
    InvalidPlatformError,
    Platform,
    format_whole_platform,
    normalize_platform,
    parse_platform,
)
from dockerfile_frontend.syntax.words import WordError, expand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.semantics.stages import PlannedStage


def step_name(text: str, at: StageState, ctx: Context, platform: Platform | None) -> str:
    """The name of the step that `at` is about to count. `platform` is where it happens."""
    shown = (
        _platform_text(platform, at.env, ctx.build.options.build_platform)
        if ctx.build.multi_platform and platform
        else ""
    )
    return numbered(text, ctx.stage, at.counted + 1, platform=shown, trigger=ctx.trigger)


def numbered(text: str, stage: PlannedStage, number: int, *, platform: str = "", trigger: bool = False) -> str:
    if not stage.total:
        return text
    width = int(1 + math.log10(stage.total))
    label = f"{stage.label} " if stage.label else ""
    mark = "ONBUILD " if trigger else ""
    return f"[{platform and platform + ' '}{label}{number:{width}}/{stage.total}] {mark}{text}"


def expanded_name(code: str, at: StageState, ctx: Context) -> str:
    """An instruction's text with its variables replaced, its keyword in capitals; as written if that fails."""
    try:
        return with_capitals(expand(code, at.env, ctx.build.escape).result)
    except WordError:
        return with_capitals(code)


def with_capitals(code: str) -> str:
    keyword, space, rest = code.partition(" ")
    return keyword.upper() + space + rest


def _platform_text(platform: Platform, env: Mapping[str, str], host: Platform) -> str:
    """The platform a step runs on and, when it compiles for another, that one behind an arrow."""
    shown = format_whole_platform(platform)
    target = _target_of(env, host)
    if target is None:
        return shown
    target = normalize_platform(
        Platform(
            target.os or platform.os,
            target.architecture or platform.architecture,
            target.variant,
            target.os_version,
            target.os_features,
        )
    )
    if target.os != platform.os:
        return f"{shown}->{format_whole_platform(target)}"
    if target.architecture != platform.architecture:
        return f"{shown}->{target.architecture}" + (f"/{target.variant}" if target.variant else "")
    return shown


def _target_of(env: Mapping[str, str], host: Platform) -> Platform | None:
    """The platform that the environment's TARGET variables name: the first whole one, else what is put together."""
    parts = {"TARGETOS": "", "TARGETARCH": "", "TARGETVARIANT": ""}
    found = False
    for name in env:
        if name == "TARGETPLATFORM":
            try:
                return parse_platform(env[name], host)
            except InvalidPlatformError:
                continue
        if name in parts:
            parts[name], found = env[name], True
    return Platform(parts["TARGETOS"], parts["TARGETARCH"], parts["TARGETVARIANT"]) if found else None
