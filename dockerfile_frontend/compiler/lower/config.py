"""Instructions that only the image's config sees: no op, an entry in history.

CMD ["a", "b"]     ──▶  config Cmd ["a","b"]; history CMD ["a" "b"]
EXPOSE 80-81/udp   ──▶  config ExposedPorts 80/udp 81/udp; history EXPOSE [80/udp 81/udp]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.image import HealthcheckConfig
from dockerfile_frontend.compiler.lower.env import warn_legacy
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.durations import format_duration
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.instructions.model import Cmd, Entrypoint, Healthcheck
from dockerfile_frontend.semantics.ports import parse_port
from dockerfile_frontend.semantics.signals import SignalError, parse_signal
from dockerfile_frontend.syntax.words import WordError, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.compiler.image import Image
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.instructions.model import (
        Command,
        Expose,
        Label,
        Maintainer,
        Onbuild,
        Shell,
        StopSignal,
        User,
        Volume,
    )


def lower_cmd(inst: Cmd, at: StageState, ctx: Context) -> StageState:
    at = _once(inst, at, ctx)
    args = _command_line(inst, at, ctx)
    image = at.committed(f"CMD {_quoted(args)}", ctx.build.created, cmd=args, args_escaped=True)
    return at._replace(image=image)


def lower_entrypoint(inst: Entrypoint, at: StageState, ctx: Context) -> StageState:
    """ENTRYPOINT also takes off the base image's CMD, which was meant for another program."""
    at = _once(inst, at, ctx)
    args = _command_line(inst, at, ctx)
    cmd = at.image.cmd if any(kind is Cmd for kind, _ in at.once) else ()
    return at._replace(image=at.committed(f"ENTRYPOINT {_quoted(args)}", ctx.build.created, entrypoint=args, cmd=cmd))


def _once(inst: Cmd | Entrypoint | Healthcheck, at: StageState, ctx: Context) -> StageState:
    """Warn of an earlier one, which no longer counts."""
    kind = type(inst)
    before = dict(at.once).get(kind)
    if before is not None:
        message = f"Multiple {inst.keyword} instructions should not be used in the same stage because only the last one will be used"
        ctx.build.findings.warn("MultipleInstructionsDisallowed", message, before, inst.comments)
    return at._replace(once=(*(entry for entry in at.once if entry[0] is not kind), (kind, inst)))


def _command_line(inst: Command, at: StageState, ctx: Context) -> tuple[str, ...]:
    if not inst.shell:
        return inst.words
    if not at.image.shell:
        message = f"JSON arguments recommended for {inst.keyword} to prevent unintended behavior related to OS signals"
        ctx.build.findings.warn("JSONArgsRecommended", message, inst)
    return with_shell(at.image, inst.words)


def with_shell(image: Image, words: Sequence[str]) -> tuple[str, ...]:
    """The words as one, for the shell that SHELL or the operating system says."""
    shell = image.shell or (("cmd", "/S", "/C") if image.os == "windows" else ("/bin/sh", "-c"))
    return (*shell, " ".join(words))


def _quoted(words: Iterable[str]) -> str:
    return f"[{' '.join(map(quote, words))}]"


def lower_expose(inst: Expose, at: StageState, ctx: Context) -> StageState:
    ports: list[str] = []
    for word in inst.ports:
        try:
            ports += split(word, at.env, ctx.build.escape)
        except WordError as error:
            raise DockerfileError(str(error), code="word") from None
    found = [
        port
        for spec in ports
        for port in parse_port(spec, lambda rule, text: ctx.build.findings.warn(rule, text, inst))
    ]
    exposed = at.image.exposed_ports.union(found)
    return at._replace(image=at.committed(f"EXPOSE [{' '.join(found)}]", ctx.build.created, exposed_ports=exposed))


def lower_healthcheck(inst: Healthcheck, at: StageState, ctx: Context) -> StageState:
    at = _once(inst, at, ctx)
    check = HealthcheckConfig(
        inst.test, inst.interval, inst.timeout, inst.start_period, inst.start_interval, inst.retries
    )
    return at._replace(image=at.committed(f"HEALTHCHECK {_shown(check)}", ctx.build.created, healthcheck=check))


def _shown(check: HealthcheckConfig) -> str:
    """As Go prints a struct."""
    return (
        f"{{Test:[{' '.join(check.test)}] Interval:{format_duration(check.interval)} Timeout:{format_duration(check.timeout)} "
        f"StartPeriod:{format_duration(check.start_period)} StartInterval:{format_duration(check.start_interval)} "
        f"Retries:{check.retries}}}"
    )


def lower_label(inst: Label, at: StageState, ctx: Context) -> StageState:
    for pair in inst.pairs:
        if pair.legacy:
            warn_legacy(inst, ctx)
    labels = at.image.labels.with_items([(pair.key, pair.value) for pair in inst.pairs])
    return at._replace(image=at.committed(" ".join(["LABEL", *map(str, inst.pairs)]), ctx.build.created, labels=labels))


def lower_maintainer(inst: Maintainer, at: StageState, ctx: Context) -> StageState:
    return at._replace(image=at.committed(f"MAINTAINER {inst.name}", ctx.build.created, author=inst.name))


def lower_onbuild(inst: Onbuild, at: StageState, ctx: Context) -> StageState:  # noqa: ARG001  as all lowerings
    """ONBUILD leaves no history: what is to be done is in the config."""
    return at._replace(image=at.image._replace(onbuild=(*at.image.onbuild, inst.expression)))


def lower_shell(inst: Shell, at: StageState, ctx: Context) -> StageState:
    return at._replace(image=at.committed(f"SHELL [{' '.join(inst.shell)}]", ctx.build.created, shell=inst.shell))


def lower_stop_signal(inst: StopSignal, at: StageState, ctx: Context) -> StageState:
    try:
        parse_signal(inst.signal)
    except SignalError as error:
        raise DockerfileError(str(error), code="signal") from None
    return at._replace(image=at.committed(f"STOPSIGNAL {inst.signal}", ctx.build.created, stop_signal=inst.signal))


def lower_user(inst: User, at: StageState, ctx: Context) -> StageState:
    return at._replace(image=at.committed(f"USER {inst.user}", ctx.build.created, user=inst.user))


def lower_volume(inst: Volume, at: StageState, ctx: Context) -> StageState:
    if "" in inst.volumes:
        raise DockerfileError("VOLUME specified can not be an empty string", code="arguments")
    volumes = at.image.volumes.union(inst.volumes)
    return at._replace(image=at.committed(f"VOLUME [{' '.join(inst.volumes)}]", ctx.build.created, volumes=volumes))
