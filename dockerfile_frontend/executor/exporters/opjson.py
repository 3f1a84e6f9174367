"""Ops as BuildKit's provenance shows them: the names that Go's encoding of its protobuf gives, defaults left out.

    op_json(Op((…,), ExecOp(Meta(args=("make",)))), redact) ──▶ {"Op": {"exec": {"meta": {"args": ["make"]}}}}
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from ir_schema import ops
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Redact = Callable[[str], str]

_BODIES: Mapping[type, str] = {
    ops.BuildOp: "build", ops.DiffOp: "diff", ops.ExecOp: "exec", ops.FileOp: "file", ops.MergeOp: "merge",
    ops.PassthroughOp: "passthrough", ops.SourceOp: "source",
}  # fmt: skip
_ACTIONS: Mapping[type, str] = {
    ops.Copy: "copy", ops.MkDir: "mkdir", ops.MkFile: "mkfile", ops.Rm: "rm", ops.Symlink: "symlink",
}  # fmt: skip

_NAMES: Mapping[tuple[type, str], str] = {
    (ops.CacheOpt, "id"): "ID",
    (ops.Copy, "attempt_unpack"): "attemptUnpackDockerCompatibility",
    (ops.Copy, "exclude_patterns"): "exclude_patterns",
    (ops.Copy, "include_patterns"): "include_patterns",
    (ops.Copy, "required_paths"): "required_paths",
    (ops.HostIP, "host"): "Host",
    (ops.HostIP, "ip"): "IP",
    (ops.Meta, "proxy_env"): "proxy_env",
    (ops.Mount, "cache"): "cacheOpt",
    (ops.Mount, "result_id"): "resultID",
    (ops.Mount, "secret"): "secretOpt",
    (ops.Mount, "ssh"): "SSHOpt",
    (ops.Mount, "tmpfs"): "TmpfsOpt",
    (ops.Mount, "type"): "mountType",
    (ops.Platform, "architecture"): "Architecture",
    (ops.Platform, "os"): "OS",
    (ops.Platform, "os_features"): "OSFeatures",
    (ops.Platform, "os_version"): "OSVersion",
    (ops.Platform, "variant"): "Variant",
    (ops.SSHOpt, "id"): "ID",
    (ops.SecretEnv, "id"): "ID",
    (ops.SecretOpt, "id"): "ID",
    (ops.Ulimit, "hard"): "Hard",
    (ops.Ulimit, "name"): "Name",
    (ops.Ulimit, "soft"): "Soft",
    **{(ops.ProxyEnv, name): name for name in ops.ProxyEnv.__match_args__},
}
"""Names that are not simply in camel case."""


def op_json(op: ops.Op, redact: Redact) -> dict[str, Any]:
    """The op without its inputs; `redact` is given every text. Session ids of local sources are left out."""
    found: dict[str, Any] = {"Op": {}}
    if op.body is not None:
        found["Op"][_BODIES[type(op.body)]] = _record(op.body, redact)
    if op.platform is not None:
        found["platform"] = _record(op.platform, redact)
    if op.constraints is not None:
        found["constraints"] = _record(op.constraints, redact)
    return found


def _record(record: Record, redact: Redact) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in record.__match_args__:
        value = getattr(record, name)
        if isinstance(record, ops.SourceOp) and name == "attrs":
            value = {key: text for key, text in value.items() if key not in ("local.session", "local.unique")}
        if isinstance(record, ops.FileAction):
            found[_camel(name)] = _value(value, redact) if name != "action" else None
        elif isinstance(record, ops.User):
            continue
        elif value:
            found[_NAMES.get((type(record), name)) or _camel(name)] = _value(value, redact)
    if isinstance(record, ops.FileAction):
        found.pop("action")
        found["Action"] = {_ACTIONS[type(record.action)]: _record(record.action, redact)} if record.action else {}
    if isinstance(record, ops.User):
        found["User"] = _user(record, redact)
    return found


def _user(user: ops.User, redact: Redact) -> dict[str, Any]:
    if user.by_name is not None:
        return {"byName": _record(user.by_name, redact)}
    return {"byId": user.by_id} if user.by_id else {}


def _value(value: object, redact: Redact) -> object:
    match value:
        case Record():
            return _record(value, redact)
        case str():
            return redact(value)
        case bytes():
            return base64.b64encode(redact(value.decode("latin-1")).encode("latin-1")).decode()
        case bool():
            return value
        case int():
            return int(value)
        case tuple():
            return [_value(each, redact) for each in value]
        case dict():
            return {key: _value(each, redact) for key, each in value.items()}
        case _:
            return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
