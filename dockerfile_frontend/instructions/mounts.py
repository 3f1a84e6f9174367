"""The options of RUN --mount.

    type=cache,target=/root/.cache,sharing=locked     Mount(type="cache", target="/root/.cache", sharing="locked")

`OPTIONS` has a row an option. Dockerfile reference: RUN --mount.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockerfile_frontend.diagnostics import DockerfileError, suggested
from dockerfile_frontend.gostd.numbers import parse_bool, parse_uint
from dockerfile_frontend.gostd.sizes import parse_size
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.syntax.grammars import parse
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
SHARING = ("shared", "private", "locked")
KEYS = (
    "type", "from", "source", "target", "readonly", "id", "sharing", "required", "size", "mode", "uid", "gid", "src", "dst",
    "destination", "ro", "rw", "readwrite", "env",
)  # fmt: skip
"""All options, in the order in which the nearest is looked for."""

WITH_OWNER = ("secret", "ssh", "cache")


class Mount(Record):
    """A mount of a RUN, variables expanded."""

    type: str = "bind"
    from_: str = ""
    source: str = ""
    target: str = ""
    readonly: bool = True
    size: int = 0
    """Bytes; 0 sets no limit."""
    id: str = ""
    sharing: str = ""
    required: bool = False
    env: str | None = None
    """Variable that holds a secret; empty takes the default name."""
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


def mount_source(text: str) -> str:
    """What option from names, before any variable is known. Raises DockerfileError when there is a variable in it."""
    found = ""
    for option in split_options(text):
        key, equals, value = option.partition("=")
        if equals and key.lower() == "from":
            if "$" in value[:-1]:
                message = f"'{key.lower()}' doesn't support variable expansion, define alias stage instead"
                raise DockerfileError(message, code="mount-option")
            found = value
    return found


def parse_mount(text: str, expand: Callable[[str], str]) -> Mount:
    """A mount from its options, their values expanded. Raises DockerfileError."""
    fields: dict[str, Any] = {"type": "bind"}
    for option in split_options(text):
        key, equals, value = option.partition("=")
        key = key.lower()
        if not equals:
            _set_switch(fields, key, option)
            continue
        value = expand(value)
        setter = OPTIONS.get(key)
        if setter is None:
            raise DockerfileError(suggested(f"unexpected key '{key}' in '{option}'", key, KEYS), code="mount-option")
        setter(fields, key, value)
    return _checked(fields)


def split_options(text: str) -> list[str]:
    """The fields of one line of CSV. Raises DockerfileError."""
    line = text[:-1].removesuffix("\r") if text.endswith("\n") else text
    if not line:
        raise DockerfileError("failed to parse csv mounts: EOF", code="mount-option")
    if '"' not in line:
        return line.split(",")
    from lark import UnexpectedInput  # noqa: PLC0415  loaded with the grammar

    try:
        options = parse("options", line).children
    except UnexpectedInput as error:
        raise _bad_quote(line, error) from None
    texts = [str(option.children[0]) if option.children else "" for option in options]
    return [t[1:-1].replace('""', '"') if t.startswith('"') else t for t in texts]


def _bad_quote(line: str, error: Any) -> DockerfileError:  # noqa: ANN401 - lark's, any of several
    """Where the quotes are wrong, as Go's encoding/csv says it: columns count bytes."""
    at = getattr(error, "pos_in_stream", None)
    at = len(line) if at is None else at
    start = line.rfind(",", 0, at) + 1
    if line.startswith('"', start) or line[:at].endswith('"'):
        end = line.rfind('"', 0, at) if line[:at].endswith('"') and line[at : at + 1] not in ("", ",") else len(line)
        column = len(line[:end].encode("utf-8", "surrogateescape")) + 1
        what = 'extraneous or missing " in quoted-field'
    else:
        column = len(line[: line.index('"', start)].encode("utf-8", "surrogateescape")) + 1
        what = 'bare " in non-quoted field'
    return DockerfileError(
        f"failed to parse csv mounts: parse error on line 1, column {column}: {what}", code="mount-option"
    )


def _set_switch(fields: dict[str, Any], key: str, option: str) -> None:
    """An option without a value."""
    if key in ("readonly", "ro"):
        fields["readonly"] = True
    elif key in ("readwrite", "rw"):
        fields["readonly"] = False
    elif key == "required":
        _only_for(fields, key, ("secret", "ssh"))
        fields["required"] = True
    else:
        raise DockerfileError(f"invalid field '{option}' must be a key=value pair", code="mount-option")


def _set_type(fields: dict[str, Any], _key: str, value: str) -> None:
    if value.lower() not in TYPES:
        raise DockerfileError(suggested(f"unsupported mount type {quote(value)}", value, TYPES), code="mount-option")
    fields["type"] = value.lower()


def _set_sharing(fields: dict[str, Any], _key: str, value: str) -> None:
    if value.lower() not in SHARING:
        raise DockerfileError(
            suggested(f"unsupported sharing value {quote(value)}", value, SHARING), code="mount-option"
        )
    fields["sharing"] = value.lower()


def _set_text(name: str) -> Callable[[dict[str, Any], str, str], None]:
    def set_text(fields: dict[str, Any], _key: str, value: str) -> None:
        fields[name] = value

    return set_text


def _set_bool(name: str, *, inverse: bool = False) -> Callable[[dict[str, Any], str, str], None]:
    def set_bool(fields: dict[str, Any], key: str, value: str) -> None:
        if name == "required":
            _only_for(fields, key, ("secret", "ssh"))
        try:
            fields[name] = parse_bool(value) != inverse
        except ValueError:
            raise DockerfileError(f"invalid value for {key}: {value}", code="mount-option") from None

    return set_bool


def _set_size(fields: dict[str, Any], key: str, value: str) -> None:
    _only_for(fields, key, ("tmpfs",))
    try:
        fields["size"] = parse_size(value)
    except ValueError:
        raise DockerfileError(f"invalid value for {key}: {value}", code="mount-option") from None


def _set_number(name: str, base: int) -> Callable[[dict[str, Any], str, str], None]:
    def set_number(fields: dict[str, Any], key: str, value: str) -> None:
        try:
            fields[name] = parse_uint(value, base, 32)
        except ValueError:
            raise DockerfileError(f"invalid value {value} for {key}", code="mount-option") from None

    return set_number


def _only_for(fields: Mapping[str, Any], key: str, types: tuple[str, ...]) -> None:
    if fields["type"] not in types:
        raise DockerfileError(f"unexpected key '{key}' for mount type '{fields['type']}'", code="mount-option")


OPTIONS: Mapping[str, Callable[[dict[str, Any], str, str], None]] = {
    "destination": _set_text("target"),
    "dst": _set_text("target"),
    "env": _set_text("env"),
    "from": _set_text("from_"),
    "gid": _set_number("gid", 10),
    "id": _set_text("id"),
    "mode": _set_number("mode", 8),
    "readonly": _set_bool("readonly"),
    "readwrite": _set_bool("readonly", inverse=True),
    "required": _set_bool("required"),
    "ro": _set_bool("readonly"),
    "rw": _set_bool("readonly", inverse=True),
    "sharing": _set_sharing,
    "size": _set_size,
    "source": _set_text("source"),
    "src": _set_text("source"),
    "target": _set_text("target"),
    "type": _set_type,
    "uid": _set_number("uid", 10),
}


def _checked(fields: dict[str, Any]) -> Mount:
    kind = fields["type"]
    if kind not in WITH_OWNER:
        for name in ("mode", "uid", "gid"):
            if name in fields:
                raise DockerfileError(f"{name} not allowed for {quote(kind)} type mounts", code="mount-option")
    fields.setdefault("readonly", kind not in ("cache", "tmpfs"))
    if kind == "secret":
        _check_secret(fields)
    if fields.get("sharing") and kind != "cache":
        raise DockerfileError(f"invalid cache sharing set for {kind} mount", code="mount-option")
    return Mount(**fields)


def _check_secret(fields: Mapping[str, Any]) -> None:
    given = {name: bool(fields.get(name)) for name in ("from_", "sharing", "source", "target", "id")}
    if given["from_"]:
        raise DockerfileError("secret mount should not have a from", code="mount-option")
    if given["sharing"]:
        raise DockerfileError("secret mount should not define sharing", code="mount-option")
    if not (given["source"] or given["target"] or given["id"]):
        raise DockerfileError("invalid secret mount. one of source, target required", code="mount-option")
    if given["source"] and given["id"]:
        raise DockerfileError("both source and id can't be set", code="mount-option")
