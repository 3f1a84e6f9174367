"""The options of RUN --mount.

    type=cache,target=/root/.cache,sharing=locked     Mount(type="cache", target="/root/.cache", sharing="locked")

`grammar/mount.lark` says what options there are, `OPTIONS` what each one does. Dockerfile reference: RUN --mount.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.diagnostics import DockerfileError, suggested
from dockerfile_frontend.gostd.numbers import parse_bool, parse_uint
from dockerfile_frontend.gostd.sizes import parse_size
from dockerfile_frontend.gostd.text import lower, quote
from dockerfile_frontend.syntax.grammars import load
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dockerfile_frontend.source import Span
    from dockerfile_frontend.syntax.grammars import Piece

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


def mount_source(options: Sequence[Option], spans: Sequence[Span]) -> str:
    """What option from names, before any variable is known. Raises DockerfileError when there is a variable in it."""
    found = ""
    for option, span in zip(options, spans, strict=True):
        if option.key == "from" and option.value is not None:
            if "$" in option.value[:-1]:
                message = "'from' doesn't support variable expansion, define alias stage instead"
                raise DockerfileError(message, span, code="mount-option")
            found = option.value
    return found


def parse_mount(text: str, expand: Callable[[str], str], spans: Sequence[Span] = ()) -> Mount:
    """A mount from its options, their values expanded. Raises DockerfileError, at the option's place of `spans`."""
    fields: dict[str, Any] = {"type": "bind"}
    for place, option in enumerate(read_options(text)):
        try:
            _set_option(fields, option, expand)
        except DockerfileError as error:
            raise error.at(spans[place] if place < len(spans) else None) from None
    return _checked(fields)


class Option(Record):
    """One option as written: `key=value`, or without a value."""

    text: str
    key: str
    """In lower case."""
    value: str | None
    start: int
    """Where it stands in all options."""
    end: int


@lru_cache(maxsize=1024)
def read_options(text: str) -> tuple[Option, ...]:
    """The options one by one. Raises DockerfileError when quotes do not fit."""
    line = text[:-1].removesuffix("\r") if text.endswith("\n") else text
    if not line:
        raise DockerfileError("failed to parse csv mounts: EOF", code="mount-option")
    options, at = [], 0
    for field in load("mount").parse("mount", line).children:
        tokens: list[Any] = field.children
        if field.data == "fault":
            raise _fault(tokens[0], line)
        end = tokens[-1].end_pos if tokens else at
        text = "".join(tokens)
        if field.data == "quoted":
            text = text[1:-1].replace('""', '"')
        key, equals, value = text.partition("=")
        options.append(Option(text, lower(key), value if equals else None, at, end))
        at = end + 1
    return tuple(options)


def split_options(text: str) -> list[str]:
    """The fields of one line of CSV. Raises DockerfileError."""
    return [option.text for option in read_options(text)]


def _fault(token: Piece, line: str) -> DockerfileError:
    """Where the quotes are wrong, as Go's encoding/csv says it: columns count bytes."""
    what = 'bare " in non-quoted-field' if token.type == "BARE_QUOTE" else 'extraneous or missing " in quoted-field'
    before = line[: token.start_pos] + token
    if token.type == "UNCLOSED":
        before = before[: before.rindex('"') + 1] + " "
    column = len(before.encode("utf-8", "surrogateescape"))
    return DockerfileError(
        f"failed to parse csv mounts: parse error on line 1, column {column}: {what}", code="mount-option"
    )


def _set_option(fields: dict[str, Any], option: Option, expand: Callable[[str], str]) -> None:
    if option.value is None:
        _set_switch(fields, option)
        return
    value = expand(option.value)
    setter = OPTIONS.get(option.key)
    if setter is None:
        message = f"unexpected key '{option.key}' in '{option.text}'"
        raise DockerfileError(suggested(message, option.key, KEYS), code="mount-option")
    setter(fields, option.key, value)


def _set_switch(fields: dict[str, Any], option: Option) -> None:
    """An option without a value."""
    if option.key in ("readonly", "ro"):
        fields["readonly"] = True
    elif option.key in ("readwrite", "rw"):
        fields["readonly"] = False
    elif option.key == "required":
        _only_for(fields, option.key, ("secret", "ssh"))
        fields["required"] = True
    else:
        message = f"invalid field '{option.text}' must be a key=value pair"
        raise DockerfileError(message, code="mount-option")


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
