"""Which function lowers which instruction.

LOWER[Workdir](Workdir("/app"), at, ctx)  ──▶  the state with /app made and gone to
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockerfile_frontend.compiler.lower.add import lower_add
from dockerfile_frontend.compiler.lower.arg import lower_arg
from dockerfile_frontend.compiler.lower.config import (
    lower_cmd,
    lower_entrypoint,
    lower_expose,
    lower_healthcheck,
    lower_label,
    lower_maintainer,
    lower_onbuild,
    lower_shell,
    lower_stop_signal,
    lower_user,
    lower_volume,
)
from dockerfile_frontend.compiler.lower.copy import lower_copy
from dockerfile_frontend.compiler.lower.env import lower_env
from dockerfile_frontend.compiler.lower.run import lower_run
from dockerfile_frontend.compiler.lower.workdir import lower_workdir
from dockerfile_frontend.instructions import model as m

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.compiler.state import StageState

    Lower = Callable[[Any, StageState, Context], StageState]

LOWER: Mapping[type[m.Instruction], Lower] = {
    m.Add: lower_add,
    m.Arg: lower_arg,
    m.Cmd: lower_cmd,
    m.Copy: lower_copy,
    m.Entrypoint: lower_entrypoint,
    m.Env: lower_env,
    m.Expose: lower_expose,
    m.Healthcheck: lower_healthcheck,
    m.Label: lower_label,
    m.Maintainer: lower_maintainer,
    m.Onbuild: lower_onbuild,
    m.Run: lower_run,
    m.Shell: lower_shell,
    m.StopSignal: lower_stop_signal,
    m.User: lower_user,
    m.Volume: lower_volume,
    m.Workdir: lower_workdir,
}
"""FROM is not here: it begins a stage, see `bases`."""
