"""ENV: variables for later RUNs and for the image.

ENV A=1 B=$A    ──▶  environment and config with A=1 and B as A was before; history "ENV A=1 B="
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.text import quote

if TYPE_CHECKING:
    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.instructions.model import Arg, Env, Label

_SECRET = r"(?i)(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|\Z)"  # noqa: S105  words, no secret
_NO_SECRET = r"(?i)(?:_|^)(?:public|file|version)(?:_|\Z)"  # noqa: S105  the same


def lower_env(inst: Env, at: StageState, ctx: Context) -> StageState:
    for pair in inst.pairs:
        if pair.legacy:
            warn_legacy(inst, ctx)
        warn_secret("ENV", pair.key, inst, ctx)
    env = at.env.with_items([(pair.key, pair.value) for pair in inst.pairs])
    config = at.image.env.with_items([(pair.key, f"{pair.key}={pair.value}") for pair in inst.pairs], keep=True)
    text = " ".join(["ENV", *map(str, inst.pairs)])
    return at._replace(env=env, image=at.committed(text, ctx.build.created, env=config))


def warn_legacy(inst: Env | Label, ctx: Context) -> None:
    word = inst.keyword
    message = f'"{word} key=value" should be used instead of legacy "{word} key value" format'
    ctx.build.findings.warn("LegacyKeyValueFormat", message, inst)


def warn_secret(keyword: str, key: str, inst: Env | Arg, ctx: Context) -> None:
    """Warn of a name that sounds like a secret: what ENV and ARG hold can be read in the image."""
    if re.search(_SECRET, key) and not re.search(_NO_SECRET, key):
        message = f"Do not use ARG or ENV instructions for sensitive data ({keyword} {quote(key)})"
        ctx.build.findings.warn("SecretsUsedInArgOrEnv", message, inst)
