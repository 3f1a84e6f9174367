"""Outputs and caches for a daemon: read as the executor reads them, but what only the daemon can judge is left to it.

    parse_output("type=image,name=r.example/a,store=true")   ──▶ Output("image", "", {"name": …, "store": "true"})
    parse_cache_from("type=gha,scope=main")                  ──▶ CacheSpec("gha", "", {"scope": "main"})
    cache_text(CacheSpec("registry", "", {"ref": "r/a:c"}))  ──▶ type=registry,ref=r/a:c
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.cache.spec import CacheSpec
from dockerfile_frontend.executor.exporters.spec import STANDARD, Output, parse_flag, split_fields
from dockerfile_frontend.executor.solver.model import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ALIASES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "docker-archive": ("docker", {}),
    "oci-archive": ("oci", {}),
    "registry": ("image", {"push": "true"}),
}
ARCHIVES = ("docker", "oci", "tar")
OURS = ("mounts", "mounts-limit", "mounts-newer", "reset")
"""What only the executor's own caches know."""


def parse_output(text: str) -> Output:
    """The output that `-o TEXT` means. Raises ExecutorError."""
    fields = split_fields(text)
    if fields == [text] and text and not text.startswith("type="):
        return Output("tar" if text == STANDARD else "local", text)
    attrs = _pairs(fields, "an output is written type=oci,dest=FILE")
    kind, dest = attrs.pop("type", ""), attrs.pop("dest", "")
    if not kind:
        raise ExecutorError("type is required for output", hint="type=oci | docker | image | registry | local | tar | cacheonly")
    kind, more = ALIASES.get(kind, (kind, {}))
    if "containerimage.config" in attrs:
        raise ExecutorError("output option containerimage.config is made of the Dockerfile, and of --image-config for dfc exec")
    return check_output(Output(kind, dest, {**attrs, **more}))


def check_output(output: Output) -> Output:
    """The same output, with its destination settled. Raises ExecutorError for one that cannot be."""
    if "tar" in output.attrs:
        parse_flag("tar", output.attrs["tar"])
    if output.is_folder:
        if output.dest in ("", STANDARD):
            why = "dest cannot be stdout" if output.dest else "dest is required"
            raise ExecutorError(f"{why} for {output.kind} exporter")
        return output
    if output.kind in ARCHIVES:
        if not output.dest and output.kind == "docker":
            raise ExecutorError("dest is required for docker exporter", hint="dest=FILE, or dest=- for standard output")
        return replace(output, dest=output.dest or STANDARD)
    if output.dest:
        raise ExecutorError(f"exporter {output.kind} has no option 'dest'", hint="type=oci,dest=FILE writes an archive")
    return output


def parse_cache_from(text: str) -> CacheSpec:
    """The cache that `--cache-from TEXT` names. Raises ExecutorError."""
    return _parse_cache(text, "--cache-from", "src")


def parse_cache_to(text: str) -> CacheSpec:
    """The cache that `--cache-to TEXT` makes. Raises ExecutorError."""
    return _parse_cache(text, "--cache-to", "dest")


def _parse_cache(text: str, flag: str, place: str) -> CacheSpec:
    if text and "=" not in text:
        return CacheSpec("registry", "", {"ref": text})
    attrs = _pairs(split_fields(text) if text else [], f"a cache is written {flag} type=registry,ref=NAME")
    kind = attrs.pop("type", "")
    if not kind:
        raise ExecutorError(f"{flag} requires type=<type>", hint="type=registry | local | inline | gha | s3 | azblob")
    for name in OURS:
        if name in attrs:
            raise ExecutorError(f"{flag}: {name} is an option of this program's own executor; a BuildKit daemon has none of that name")
    needed = {"local": place, "registry": "ref"}.get(kind)
    if needed and not attrs.get(needed):
        raise ExecutorError(f"{kind} cache {'importer' if place == 'src' else 'exporter'} requires {needed}")
    if kind == "inline" and place == "src":
        raise ExecutorError("an inline cache is read with its image", hint=f"{flag} type=registry,ref=IMAGE")
    return CacheSpec(kind, "", attrs)


def _pairs(fields: Iterable[str], hint: str) -> dict[str, str]:
    found = {}
    for entry in fields:
        key, equals, value = entry.partition("=")
        if not equals:
            raise ExecutorError(f"invalid value {entry}", hint=hint)
        found[key.strip().lower()] = value
    return found


def cache_text(spec: CacheSpec) -> str:
    return joined({"type": spec.kind, **spec.attrs})


def joined(attrs: Mapping[str, str]) -> str:
    """One line of CSV, as buildctl reads it."""
    return ",".join(_field(f"{key}={value}") for key, value in attrs.items())


def _field(text: str) -> str:
    if any(mark in text for mark in ',"\n\r') or text.startswith((" ", "\t")):
        return '"' + text.replace('"', '""') + '"'
    return text
