"""What a build asks for beside the Dockerfile, and the frontend options it is written in.

    parse_options({"target": "app", "build-arg:V": "1", "platform": "linux/arm64", "no-cache": ""})
    ──▶  CompileOptions(target="app", build_args={"V": "1"}, platforms=(linux/arm64,), no_cache=())

The names are those that BuildKit's gateway hands to a frontend, so `buildctl --opt` and `docker build` can be passed on as they are.
Options that do not concern compilation (caches, attestations, names of local sources) are left alone.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.numbers import NumberError, parse_bool, parse_int, parse_uint
from dockerfile_frontend.semantics.check import CheckConfig, parse_check
from dockerfile_frontend.semantics.platforms import (
    LINUX_AMD64,
    InvalidPlatformError,
    Platform,
    normalize_platform,
    parse_platform,
)
from ir_schema.ops import HostIP, LinuxResources, NetMode, Ulimit
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dockerfile_frontend.semantics.resolver import ResolveMode
    from ir_schema.definition import Definition


class CompileOptions(Record):
    """One compilation's wishes; every field has the default of the reference."""

    target: str = ""
    """Stage to build, by name; empty builds the last."""
    platforms: tuple[Platform, ...] = ()
    """Empty builds for the build platform, and lets the base image say what it is."""
    build_platform: Platform = LINUX_AMD64
    multi_platform: bool | None = None
    """Whether names in progress carry the platform; None: if there are several."""
    build_args: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    """Named contexts: name, or name::platform, to docker-image://… local:… oci-layout://… git or http URL, input:NAME."""
    shared_keys: Mapping[str, str] = field(default_factory=dict)
    """For a named local context, what its cache of files is shared under."""
    inputs: Mapping[str, Definition] = field(default_factory=dict)
    """Other graphs, for contexts of kind input; the one called "context" is the build context itself."""
    input_metadata: Mapping[str, str] = field(default_factory=dict)
    """JSON that came with an input, its image config among it."""
    no_cache: tuple[str, ...] | None = None
    """Stages that are to run anew, () for all; None uses caches."""
    network: NetMode = NetMode.UNSET
    extra_hosts: tuple[HostIP, ...] = ()
    shm_size: int = 0
    """Bytes of /dev/shm; 0 leaves it to the solver."""
    ulimits: tuple[Ulimit, ...] = ()
    resources: LinuxResources | None = None
    hostname: str = ""
    cgroup_parent: str = ""
    cache_namespace: str = ""
    """In front of every cache mount's id."""
    resolve_mode: ResolveMode = "default"
    filename: str = "Dockerfile"
    """Name for the source map and messages."""
    check: CheckConfig | None = None
    """Instead of the Dockerfile's own check directive."""
    session: str = ""
    """Client session that sends local sources; empty lets the solver find it."""
    local_sessions: Mapping[str, str] = field(default_factory=dict)
    """Another session for a local source, by its name."""
    unique_id: str = ""
    """Told to the solver so that it does not take one build's local files for another's; empty makes one of the Dockerfile."""
    git_advice: bool = False
    """Show git's own advice in progress."""
    devices: bool = False
    """Take RUN --device, as the reference's stable channel does since 1.28; before, only its labs channel did."""
    recent: bool = False
    """As BuildKit 0.34's frontend has it, where that differs from 1.26: names of steps keep their escape characters, and an
    owner like "1:" says nothing of the group."""
    unsupported: frozenset[str] = frozenset()
    """Capabilities that the solver lacks, by the names of LLB."""
    all_stages: bool = False
    """Compile stages that nobody asked for, too: for linting."""
    scans: bool = False
    """Say what a scanner for SBOMs would look at."""

    def multi(self) -> bool:
        return len(self.platforms) > 1 if self.multi_platform is None else self.multi_platform


def parse_options(options: Mapping[str, str], **given: Any) -> CompileOptions:  # noqa: ANN401  fields of CompileOptions
    """The options of a frontend request; `given` fields come as they are. Raises DockerfileError."""
    _check_removed(options)
    _check_text(options)
    fields: dict[str, Any] = {}
    for key, (name, parse) in _OPTIONS.items():
        if value := options.get(key):
            fields[name] = parse(value)
    for prefix, name in _PREFIXES.items():
        found = {key.removeprefix(prefix): value for key, value in options.items() if key.startswith(prefix)}
        if found:
            fields[name] = found
    if "no-cache" in options:
        fields["no_cache"] = tuple(options["no-cache"].split(",")) if options["no-cache"] else ()
    fields["resources"] = _parse_resources(options)
    if "build-arg:BUILDKIT_DOCKERFILE_CHECK" in options:
        fields["check"] = _parse_check_option(options["build-arg:BUILDKIT_DOCKERFILE_CHECK"])
    made = CompileOptions(**{**fields, **given})
    if _NEEDED in made.unsupported:
        raise _refused(
            f"needs BuildKit 0.5 or later: requested prerelease feature {_NEEDED}  is not supported by build server, please update "
        )
    if len(made.platforms) > 1 and made.multi_platform is False:
        raise _refused("conflicting config: returning multiple target platforms is not allowed")
    return made


def _refused(message: str) -> DockerfileError:
    return DockerfileError(message, code="option")


_NEEDED = "file.base"
"""Without this capability the reference does not even begin."""


def _check_text(options: Mapping[str, str]) -> None:
    """What a shell hands on may be any bytes; a request to a frontend holds text in UTF-8 only."""
    for key, value in options.items():
        try:
            f"{key}{value}".encode()
        except UnicodeEncodeError:
            shown = key.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            raise _refused(f"option {shown} is not UTF-8") from None


def _check_removed(options: Mapping[str, str]) -> None:
    if options.get("override-copy-image"):
        raise _refused('support for "override-copy-image" was removed in BuildKit 0.11')
    try:
        removed = parse_bool(options.get("build-arg:BUILDKIT_DISABLE_FILEOP", ""))
    except NumberError:
        return
    if removed:
        raise _refused('support for "BUILDKIT_DISABLE_FILEOP" build-arg was removed in BuildKit 0.11')


def _parse_platforms(text: str) -> tuple[Platform, ...]:
    return tuple(_parse_platform(part) for part in text.split(","))


def _parse_platform(text: str) -> Platform:
    try:
        return normalize_platform(parse_platform(text))
    except InvalidPlatformError as error:
        raise _refused(f"failed to parse target platform {text}: {error}") from None


def _parse_resolve_mode(text: str) -> str:
    if text not in ("default", "pull", "local"):
        raise _refused(f"invalid image-resolve-mode: {text}")
    return text


def _parse_network(text: str) -> NetMode:
    modes = {"none": NetMode.NONE, "host": NetMode.HOST, "sandbox": NetMode.UNSET}
    if text not in modes:
        raise _refused(f"invalid netmode {text}")
    return modes[text]


def _parse_hosts(text: str) -> tuple[HostIP, ...]:
    return tuple(_parse_host(entry.lower()) for entry in _fields(text, "additional hosts"))


def _parse_host(entry: str) -> HostIP:
    from ipaddress import IPv6Address, ip_address  # noqa: PLC0415  costs a millisecond, and hosts are rare

    host, equals, text = entry.partition("=")
    if not equals:
        raise _refused(f"failed to parse additional hosts: invalid key-value pair {entry}")
    try:
        address = ip_address(text if "%" not in text else "")
    except ValueError:
        raise _refused(f"failed to parse additional hosts: failed to parse IP {text}") from None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return HostIP(host, str(mapped or address))


def _parse_shm_size(text: str) -> int:
    try:
        return parse_int(text, 10, 64)
    except NumberError as error:
        raise _refused(f"failed to parse shm size: {error}") from None


def _parse_ulimits(text: str) -> tuple[Ulimit, ...]:
    from dockerfile_frontend.semantics.ulimits import UlimitError, parse_ulimit  # noqa: PLC0415  rare

    try:
        return tuple(Ulimit(*parse_ulimit(entry)) for entry in _fields(text, "ulimit"))
    except UlimitError as error:
        raise _refused(f"failed to parse ulimit: {error}") from None


def _fields(text: str, what: str) -> list[str]:
    """The fields of one line of CSV."""
    from dockerfile_frontend.instructions.mounts import split_options  # noqa: PLC0415  rare

    try:
        return split_options(text)
    except DockerfileError as error:
        raise _refused(
            f"failed to parse {what}: {error.message.removeprefix('failed to parse csv mounts: ')}"
        ) from None


def _parse_multi_platform(text: str) -> bool:
    try:
        return parse_bool(text)
    except NumberError:
        raise _refused(f"invalid boolean value for multi-platform: {text}") from None


def _parse_advice(text: str) -> bool:
    try:
        return parse_bool(text)
    except NumberError as error:
        raise _refused(f"failed to parse build-arg:BUILDKIT_GIT_ADVICE: {error}") from None


def _parse_check_option(text: str) -> CheckConfig:
    try:
        return parse_check(text)
    except DockerfileError as error:
        raise _refused(f"failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK: {error}") from None


_OPTIONS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "add-hosts": ("extra_hosts", _parse_hosts),
    "cgroup-parent": ("cgroup_parent", str),
    "filename": ("filename", str),
    "force-network-mode": ("network", _parse_network),
    "hostname": ("hostname", str),
    "image-resolve-mode": ("resolve_mode", _parse_resolve_mode),
    "multi-platform": ("multi_platform", _parse_multi_platform),
    "platform": ("platforms", _parse_platforms),
    "shm-size": ("shm_size", _parse_shm_size),
    "target": ("target", str),
    "ulimit": ("ulimits", _parse_ulimits),
    # build args that the reference takes for options; they stand over the options above
    "build-arg:BUILDKIT_CACHE_MOUNT_NS": ("cache_namespace", str),
    "build-arg:BUILDKIT_GIT_ADVICE": ("git_advice", _parse_advice),
    "build-arg:BUILDKIT_MULTI_PLATFORM": ("multi_platform", _parse_multi_platform),
    "build-arg:BUILDKIT_SANDBOX_HOSTNAME": ("hostname", str),
}

_PREFIXES = {
    "build-arg:": "build_args",
    "context:": "contexts",
    "input-metadata:": "input_metadata",
    "label:": "labels",
    "local-sessionid:": "local_sessions",
    "sharedkey:localdir:": "shared_keys",
}


def _parse_resources(options: Mapping[str, str]) -> LinuxResources | None:
    """Limits of every RUN's cgroup; None where there are none."""
    fields: dict[str, Any] = {}
    for key, (name, parse) in _RESOURCES.items():
        text = options.get(key)
        if not text:
            continue
        try:
            fields[name] = parse(text)
        except ValueError as error:
            raise _refused(f"failed to parse resource limits: invalid {key} value: {text}: {error}") from None
    return LinuxResources(**fields) if any(fields.values()) else None


def _positive(parse: Callable[[str, int, int], int]) -> Callable[[str], int]:
    def parse_positive(text: str) -> int:
        value = parse(text, 10, 64)
        if value <= 0:
            raise ValueError("must be > 0")
        return value

    return parse_positive


def _parse_swap(text: str) -> int:
    value = parse_int(text, 10, 64)
    if value < -1 or value == 0:
        raise ValueError("must be -1 (unlimited) or > 0")
    return value


def _parse_cpuset(text: str) -> str:
    from dockerfile_frontend.semantics.ulimits import check_cpuset  # noqa: PLC0415  rare

    check_cpuset(text)
    return text


_RESOURCES: Mapping[str, tuple[str, Callable[[str], int | str]]] = {
    "memory": ("memory", _positive(parse_int)),
    "memswap": ("memory_swap", _parse_swap),
    "cpushares": ("cpu_shares", _positive(parse_uint)),
    "cpuperiod": ("cpu_period", _positive(parse_uint)),
    "cpuquota": ("cpu_quota", _positive(parse_int)),
    "cpusetcpus": ("cpuset_cpus", _parse_cpuset),
    "cpusetmems": ("cpuset_mems", _parse_cpuset),
}
