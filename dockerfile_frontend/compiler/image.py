"""The image config: what a base image hands on, what instructions add, and the JSON the exporter gets.

    read_image(b'{"os":"linux","config":{"Cmd":["/bin/sh"]}, …}')   →  Image(os="linux", cmd=("/bin/sh",), …)
    image_json(image)                                               →  {"architecture": …, "config": {…}}

Fields stand in the order in which the reference's encoder writes them, those it leaves out when empty are left out, and what it
does not know of a base image's config is dropped. OCI image spec: "Image Configuration"; Docker adds Healthcheck, OnBuild and Shell.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dockerfile_frontend.compiler.chain import Chain
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.jsontext import encode_json
from dockerfile_frontend.semantics.layered import EMPTY, Layered
from dockerfile_frontend.semantics.paths import UNIX_PATH
from dockerfile_frontend.semantics.platforms import Platform, normalize_platform
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COMMENT = "buildkit.dockerfile.v0"
"""How history names its maker: caches and tools look for it."""

_FRACTION = r"(\.[0-9]*?)0+(?=Z|[+-])"


class HealthcheckConfig(Record):
    """Durations in nanoseconds; 0 inherits."""

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class Image(NamedTuple):
    """An image config. A named tuple, because every instruction makes a new one, and `_replace` is quick."""

    created: str = ""
    """RFC 3339; kept of a base image alone, a build leaves it to the exporter."""
    author: str = ""
    architecture: str = ""
    os: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    variant: str = ""
    user: str = ""
    exposed_ports: frozenset[str] = frozenset()
    env: Layered = EMPTY
    """By name, each value the whole entry: name=value, or what a base image had there."""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    volumes: frozenset[str] = frozenset()
    working_dir: str = ""
    labels: Layered = EMPTY
    stop_signal: str = ""
    args_escaped: bool = False
    healthcheck: HealthcheckConfig | None = None
    onbuild: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()
    rootfs_type: str = ""
    diff_ids: tuple[str, ...] | None = None
    history: Chain[dict[str, Any]] = Chain()

    @property
    def platform(self) -> Platform:
        return Platform(self.os, self.architecture, self.variant, self.os_version, self.os_features)

    def with_platform(self, platform: Platform) -> Image:
        return self._replace(
            architecture=platform.architecture,
            os=platform.os,
            os_version=platform.os_version,
            os_features=platform.os_features,
            variant=platform.variant,
        )


def empty_image(platform: Platform) -> Image:
    """The config of an image from nothing."""
    env = EMPTY if platform.os == "windows" else EMPTY.with_item("PATH", f"PATH={UNIX_PATH}", keep=True)
    return Image(rootfs_type="layers", working_dir="/", env=env).with_platform(platform)


def history_entry(text: str, created: str | None, *, layer: bool) -> dict[str, Any]:
    """What an instruction leaves in the image's history."""
    entry: dict[str, Any] = {"created": created} if created else {}
    entry["created_by"] = text
    entry["comment"] = COMMENT
    if not layer:
        entry["empty_layer"] = True
    return entry


@lru_cache(maxsize=32)
def read_image(data: bytes) -> Image:
    """A base image's config, which several stages often share. Raises DockerfileError for one that is no config."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        from dockerfile_frontend.gostd.jsonfaults import find_fault  # noqa: PLC0415  with luck, never

        fault = find_fault(data) or error
        raise DockerfileError(f"failed to parse image config: {fault}", code="image-config") from None
    try:
        return _read(_Reader(raw))
    except _BadConfigError as error:
        raise DockerfileError(f"failed to parse image config: {error}", code="image-config") from None


class _BadConfigError(ValueError):
    """A field of another type than it must have."""


class _Reader:
    """Reads fields of a JSON object with their types checked. Null and absence are one, and case is none, as for the reference."""

    def __init__(self, raw: object) -> None:
        if not isinstance(raw, dict):
            raise _BadConfigError("not an object")
        self._raw = {name.lower(): value for name, value in raw.items()}

    def get(self, name: str, kind: type, default: Any) -> Any:  # noqa: ANN401  as its kind says
        value = self._raw.get(name.lower())
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _BadConfigError(f"{name} is not of type {kind.__name__}")
        return value

    def text(self, name: str) -> str:
        value: str = self.get(name, str, "")
        return value

    def number(self, name: str) -> int:
        value: int = self.get(name, int, 0)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.get(name, list, ())
        return tuple(self._text(name, value) for value in values)

    def texts_by_name(self, name: str) -> dict[str, str]:
        values: dict[str, object] = self.get(name, dict, {})
        return {key: self._text(name, value) for key, value in values.items()}

    def _text(self, name: str, value: object) -> str:
        if not isinstance(value, str | None):
            raise _BadConfigError(f"{name} holds something else than strings")
        return value or ""

    def inner(self, name: str) -> _Reader:
        return _Reader(self.get(name, dict, {}))


def _read(top: _Reader) -> Image:
    config, rootfs = top.inner("config"), top.inner("rootfs")
    return Image(
        created=_time(top.text("created")),
        author=top.text("author"),
        architecture=top.text("architecture"),
        os=top.text("os"),
        os_version=top.text("os.version"),
        os_features=top.texts("os.features"),
        variant=top.text("variant"),
        user=config.text("User"),
        exposed_ports=frozenset(config.get("ExposedPorts", dict, {})),
        env=_by_name(config.texts("Env")),
        entrypoint=config.texts("Entrypoint"),
        cmd=config.texts("Cmd"),
        volumes=frozenset(config.get("Volumes", dict, {})),
        working_dir=config.text("WorkingDir"),
        labels=Layered.of(config.texts_by_name("Labels").items()),
        stop_signal=config.text("StopSignal"),
        args_escaped=config.get("ArgsEscaped", bool, False),
        healthcheck=_read_healthcheck(config),
        onbuild=config.texts("OnBuild"),
        shell=config.texts("Shell"),
        rootfs_type=rootfs.text("type"),
        diff_ids=rootfs.texts("diff_ids") if rootfs.get("diff_ids", list, None) is not None else None,
        history=Chain.of(_read_history(_Reader(entry)) for entry in top.get("history", list, ())),
    )


def _by_name(entries: Iterable[str]) -> Layered:
    """Entries by name. A second one of a name, which nothing set later replaces, has a key that is no name."""
    env: dict[str, str] = {}
    for entry in entries:
        name = entry.partition("=")[0]
        env[name if name not in env else f"{name}\0{len(env)}"] = entry
    return Layered.of(env.items())


def _read_healthcheck(config: _Reader) -> HealthcheckConfig | None:
    if config.get("Healthcheck", dict, None) is None:
        return None
    check = config.inner("Healthcheck")
    numbers = (check.number(name) for name in ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"))
    return HealthcheckConfig(check.texts("Test"), *numbers)


def _read_history(entry: _Reader) -> dict[str, Any]:
    return _filled(
        created=_time(entry.text("created")),
        created_by=entry.text("created_by"),
        author=entry.text("author"),
        comment=entry.text("comment"),
        empty_layer=entry.get("empty_layer", bool, False),
    )


def _time(text: str) -> str:
    """A time as Go writes it back: no zeros at the end of its fraction."""
    return re.sub(_FRACTION, lambda m: m[1] if len(m[1]) > 1 else "", text)


def image_json(image: Image) -> dict[str, Any]:
    """The config as JSON, keys in the reference's order."""
    top = _filled(created=image.created, author=image.author)
    top |= {"architecture": image.architecture, "os": image.os}
    top |= _filled(**{"os.version": image.os_version, "os.features": list(image.os_features), "variant": image.variant})
    top["rootfs"] = {"type": image.rootfs_type, "diff_ids": None if image.diff_ids is None else list(image.diff_ids)}
    top |= _filled(history=list(image.history))
    top["config"] = _config_json(image)
    return top


def _config_json(image: Image) -> dict[str, Any]:
    return _filled(
        User=image.user,
        ExposedPorts=_set_json(image.exposed_ports),
        Env=list(image.env.values()),
        Entrypoint=list(image.entrypoint),
        Cmd=list(image.cmd),
        Volumes=_set_json(image.volumes),
        WorkingDir=image.working_dir,
        Labels=_sorted(image.labels),
        StopSignal=image.stop_signal,
        ArgsEscaped=image.args_escaped,
        Healthcheck=None if image.healthcheck is None else _healthcheck_json(image.healthcheck),
        OnBuild=list(image.onbuild),
        Shell=list(image.shell),
    )


def _healthcheck_json(check: HealthcheckConfig) -> dict[str, Any] | _Kept:
    return _Kept(
        _filled(
            Test=list(check.test),
            Interval=check.interval,
            Timeout=check.timeout,
            StartPeriod=check.start_period,
            StartInterval=check.start_interval,
            Retries=check.retries,
        )
    )


class _Kept(dict[str, Any]):
    """An object that is written even when it is empty."""

    def __bool__(self) -> bool:
        return True


def _filled(**fields: Any) -> dict[str, Any]:  # noqa: ANN401  JSON values
    return {name: value for name, value in fields.items() if value}


def _set_json(names: frozenset[str]) -> dict[str, Any]:
    return {name: {} for name in sorted(names, key=_go_order)}


def _sorted(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: labels[name] for name in sorted(labels, key=_go_order)}


def _go_order(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def encode_image(image: Image) -> bytes:
    """The config's JSON, byte for byte as the reference writes it."""
    return encode_json(image_json(image))


def finished_image(image: Image, target: Platform, labels: Mapping[str, str], *, implied: bool) -> Image:
    """The target's config with the labels asked for; a platform asked for (not `implied`) stands over the base image's."""
    image = image._replace(labels=image.labels.with_items([*labels.items()]) if labels else image.labels)
    if not implied:
        same = (target.os, target.architecture) == (image.os, image.architecture)
        image = image._replace(
            os=target.os,
            architecture=target.architecture,
            variant=target.variant or (image.variant if same else ""),
            os_version=target.os_version or (image.os_version if same else ""),
            os_features=target.os_features or image.os_features,
        )
    return image.with_platform(normalize_platform(image.platform))
