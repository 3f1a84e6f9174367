"""What `-o` asks for, read as docker buildx reads it.

    parse_output("type=oci,dest=app.tar")        ──▶ Output("oci", "app.tar", {})
    parse_output("out")                          ──▶ Output("local", "out", {})
    parse_output("-")                            ──▶ Output("tar", "-", {})
    parse_output('type=registry,"name=r/a,r/b"') ──▶ Output("image", "", {"name": "r/a,r/b", "push": "true"})

One line of CSV: a field with commas stands in quotes. Everything is checked here, so that a build does not run for an hour first.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

STANDARD = "-"
"""Destination: standard output."""

_IMAGE = (
    "name", "compression", "compression-level", "force-compression", "oci-mediatypes", "oci-artifact", "attestation-inline",
    "prefer-nondist-layers", "rewrite-timestamp", "source-date-epoch",
)  # fmt: skip
_FILES = ("platform-split", "attestation-prefix", "src", "source-date-epoch")

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "cacheonly": (),
    "docker": (*_IMAGE, "tar"),
    "image": (*_IMAGE, "push", "push-by-digest", "registry.insecure"),
    "local": (*_FILES, "mode"),
    "oci": (*_IMAGE, "tar"),
    "tar": _FILES,
}
"""Kinds of outputs, and what each understands beside type and dest."""

_ALIASES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "docker-archive": ("docker", {}),
    "oci-archive": ("oci", {}),
    "registry": ("image", {"push": "true"}),
}

_REFUSED = {
    "buildinfo": "build information in the image config has been replaced by provenance",
    "buildinfo-attrs": "build information in the image config has been replaced by provenance",
    "unpack": "there is no containerd here to unpack the image for",
    "store": "there is no containerd here to keep the image",
    "dangling-name-prefix": "there is no containerd here to name the image in",
    "name-canonical": "there is no containerd here to name the image in",
    "danging-name-empty-only": "there is no containerd here to name the image in",
    "context": "there is no Docker daemon in this; dest=FILE makes an archive that docker load takes",
}
"""What BuildKit or buildx understand and this does not, and why."""

_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")
_BOOLEANS = (
    "force-compression", "oci-mediatypes", "oci-artifact", "attestation-inline", "prefer-nondist-layers", "rewrite-timestamp",
    "platform-split", "tar", "push", "push-by-digest", "registry.insecure",
)  # fmt: skip
_EMPTY_IS_TRUE = ("force-compression", "tar", "push", "push-by-digest", "registry.insecure")

COMPRESSIONS = ("gzip", "zstd", "uncompressed")
_LEVELS = {"gzip": 9, "zstd": 22, "uncompressed": 0}
MODES = ("copy", "delete")


class Output(Record):
    """One thing that a build gives out."""

    kind: str
    """oci, docker, image, local, tar or cacheonly."""
    dest: str = ""
    """A path, "-" for standard output, or nothing."""
    attrs: Mapping[str, str] = field(default_factory=dict)

    def flag(self, name: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002 - a value, not a switch
        """An attribute that is true or false."""
        return parse_flag(name, self.attrs[name]) if name in self.attrs else default

    @property
    def is_image(self) -> bool:
        return self.kind in ("image", "oci", "docker")

    @property
    def is_folder(self) -> bool:
        """Whether `dest` is a directory."""
        return self.kind == "local" or (self.kind in ("oci", "docker") and not self.flag("tar", default=True))


def parse_output(text: str) -> Output:
    """The output that `-o TEXT` means. Raises ExecutorError."""
    fields = split_fields(text)
    if fields == [text] and text and not text.startswith("type="):
        return check_output(Output("tar" if text == STANDARD else "local", text))
    kind, dest = "", ""
    attrs: dict[str, str] = {}
    for entry in fields:
        key, equals, value = entry.partition("=")
        if not equals:
            raise ExecutorError(f"invalid value {entry}", hint="an output is written type=oci,dest=FILE")
        key = key.strip().lower()
        if key == "type":
            kind = value
        elif key == "dest":
            dest = value
        else:
            attrs[key] = value
    if not kind:
        raise ExecutorError("type is required for output", hint=f"type={' | '.join(sorted({*ATTRIBUTES, 'registry'}))}")
    kind, more = _ALIASES.get(kind, (kind, {}))
    output = check_output(Output(kind, dest, {**attrs, **more}))
    if not dest and kind in ("oci", "tar"):
        return replace(output, dest=STANDARD)
    return output


def split_fields(text: str) -> list[str]:
    """The fields of one line of CSV, as Go's encoding/csv reads it. Raises ExecutorError."""
    fields, at = [], 0
    while True:
        if text.startswith('"', at):
            value, at = _quoted(text, at + 1)
        else:
            end = text.find(",", at)
            value, at = (text[at:], len(text)) if end < 0 else (text[at:end], end)
            if '"' in value:
                raise ExecutorError(f'parse error on column {at}, bare " in non-quoted field: {text}')
        fields.append(value)
        if at >= len(text):
            return fields
        at += 1


def _quoted(text: str, at: int) -> tuple[str, int]:
    """A field behind its opening quote, and where it ends."""
    parts = []
    while True:
        end = text.find('"', at)
        if end < 0:
            raise ExecutorError(f'parse error on column {len(text)}, extraneous or missing " in quoted field: {text}')
        parts.append(text[at:end])
        at = end + 1
        if text.startswith('"', at):
            parts.append('"')
            at += 1
        elif at == len(text) or text[at] == ",":
            return "".join(parts), at
        else:
            raise ExecutorError(f'parse error on column {at + 1}, extraneous or missing " in quoted field: {text}')


def check_output(output: Output) -> Output:
    """The same output, when there is nothing wrong with it. Raises ExecutorError."""
    known = ATTRIBUTES.get(output.kind)
    if known is None:
        names = sorted({*ATTRIBUTES, *_ALIASES})
        raise ExecutorError(f"exporter {output.kind!r} could not be found", hint=_meant(output.kind, names))
    for key, value in output.attrs.items():
        if output.is_image and key.startswith("annotation"):
            from .annotations import parse_annotation

            parse_annotation(key, value)
        elif key not in known:
            if key in _REFUSED:
                raise ExecutorError(f"output option {key} is not supported: {_REFUSED[key]}")
            raise ExecutorError(f"exporter {output.kind} has no option {key!r}", hint=_meant(key, ("type", "dest", *known)))
        else:
            _check_value(output, key, value)
    if output.is_image:
        _check_image(output)
    _check_dest(output)
    return output


def _check_value(output: Output, key: str, value: str) -> None:
    if key in _BOOLEANS:
        parse_flag(key, value)
    elif key == "source-date-epoch":
        parse_epoch(value)
    elif key == "mode" and value.strip().lower() not in ("", *MODES):
        raise ExecutorError(f"invalid local exporter mode {value!r}", hint=f"mode={' | '.join(MODES)}")
    elif key == "src" and not value:
        raise ExecutorError("empty value for src; omit it to export the entire filesystem")
    elif key == "compression" and value not in COMPRESSIONS:
        why = "estargz layers are not made here" if value == "estargz" else f"unsupported layer compression {value!r}"
        raise ExecutorError(why, hint=f"compression={' | '.join(COMPRESSIONS)}")
    elif key == "compression-level":
        compression = output.attrs.get("compression", "gzip")
        highest = _LEVELS.get(compression, 0)
        if not value.isascii() or not value.isdecimal() or int(value[:9]) > highest:
            raise ExecutorError(f"compression-level={value}: {compression} has levels 0 to {highest}")


def _check_image(output: Output) -> None:
    if not output.flag("oci-mediatypes", default=True):
        if output.flag("oci-artifact"):
            raise ExecutorError('exporter option "oci-artifact=true" conflicts with "oci-mediatypes=false"')
        if output.attrs.get("compression") == "zstd":
            raise ExecutorError('exporter option "compression=zstd" conflicts with "oci-mediatypes=false"')
    names = output.attrs.get("name", "")
    if output.flag("push-by-digest") and not output.flag("push"):
        raise ExecutorError("push-by-digest=true needs push=true")
    if names and names != "*":
        from .names import normalized_names

        normalized_names(names, by_digest=output.flag("push-by-digest"))


def _check_dest(output: Output) -> None:
    if output.kind in ("image", "cacheonly"):
        if output.dest:
            raise ExecutorError(f"exporter {output.kind} has no option 'dest'", hint="type=oci,dest=FILE writes an archive")
    elif output.is_folder:
        if not output.dest:
            raise ExecutorError(f"dest is required for {output.kind} exporter")
        if output.dest == STANDARD:
            raise ExecutorError(f"dest cannot be stdout for {output.kind} exporter")


def parse_flag(key: str, value: str) -> bool:
    """A truth value as Go's strconv.ParseBool reads it. Raises ExecutorError."""
    if value in _TRUE or (not value and key in _EMPTY_IS_TRUE):
        return True
    if value not in _FALSE:
        raise ExecutorError(f"non-bool value specified for {key}: {value!r}")
    return False


def parse_epoch(value: str) -> int | None:
    """Seconds since 1970; nothing means none. Raises ExecutorError."""
    digits = value.removeprefix("-")
    if value and not (digits.isascii() and digits.isdecimal() and len(digits) <= 12):
        raise ExecutorError(f"invalid source-date-epoch: {value!r} is no number of seconds")
    return int(value) if value else None


def _meant(word: str, known: tuple[str, ...] | list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
