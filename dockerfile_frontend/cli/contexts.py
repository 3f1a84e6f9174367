"""`--build-context NAME=VALUE`: what the frontend is told, and where the files are.

    docs=./docs                     context:docs = local:docs, a folder to read ignore files from
    alpine=docker-image://debian    context:alpine = docker-image://debian
    base=oci-layout://layout:1.0    context:base = oci-layout://base:1.0@sha256:…, a store to resolve images in

A git or HTTP URL is handed on as it is. Names are normalized as `docker build` does it: docker.io/library/a is a.
"""

from __future__ import annotations

import os
import re
from dataclasses import field
from typing import TYPE_CHECKING

from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.inputs import read_optional
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.cli.inputs import Inputs

OCI_LAYOUT = "oci-layout://"
KNOWN = ("docker-image://", "git://", "http://", "https://", "ssh://", "git@", "github.com/")
MAIN = "context"
"""The graph's name for the build context."""


class Contexts(Record):
    """All named contexts of a call."""

    options: dict[str, str] = field(default_factory=dict)
    """For the frontend, by option name."""
    folders: dict[str, str] = field(default_factory=dict)
    stores: dict[str, str] = field(default_factory=dict)


def parse_contexts(pairs: Sequence[str]) -> Contexts:
    """Raises Fault."""
    contexts = Contexts()
    for pair in pairs:
        given, found, value = pair.partition("=")
        if not found or not given or not value:
            raise Fault(f"--build-context takes NAME=VALUE, not {pair}", code=EXIT_USAGE)
        add_context(contexts, familiar(given), value)
    return contexts


def add_context(contexts: Contexts, name: str, value: str) -> None:
    option = f"context:{name}"
    if value.startswith(OCI_LAYOUT):
        contexts.options[option] = add_store(contexts, name, value.removeprefix(OCI_LAYOUT))
    elif os.path.isdir(value):
        contexts.options[option] = f"local:{name}"
        contexts.folders[name] = value
    elif value.startswith(KNOWN):
        contexts.options[option] = value
    else:
        raise Fault(f"build context {name}: there is no folder {value}")


def add_store(contexts: Contexts, name: str, layout: str) -> str:
    """PATH[:TAG][@DIGEST]; the frontend has to know the digest, so a tag is looked up."""
    from dockerfile_frontend.resolvers.layouts import layout_digest  # noqa: PLC0415  only layouts need it
    from dockerfile_frontend.semantics.resolver import ResolveError  # noqa: PLC0415  the same

    location, _, digest = layout.partition("@")
    path, _, tag = location.partition(":")
    tag = tag or "latest"
    store = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "layout"
    try:
        digest = digest or layout_digest(path, tag)
    except ResolveError as error:
        raise Fault(f"build context {name}: {error}", hint=error.hint) from error
    contexts.stores[store] = path
    return f"{OCI_LAYOUT}{store}:{tag}@{digest}"


def familiar(name: str) -> str:
    """A name of an image as people write it; of anything else as it is."""
    from dockerfile_frontend.semantics.references import InvalidReferenceError, parse_reference  # noqa: PLC0415

    try:
        return parse_reference(name).familiar.removesuffix(":latest")
    except InvalidReferenceError:
        return name


class FolderReader(Record):
    """The ignore files of local contexts, for the compiler."""

    inputs: Inputs
    folders: dict[str, str]

    def ignore_file(self, context: str) -> tuple[str, bytes]:
        if context == MAIN:
            return self.inputs.ignore_name, self.inputs.ignore or b""
        folder = self.folders.get(context)
        name = ".dockerignore"
        return name, (read_optional(os.path.join(folder, name), folder) or b"") if folder else b""
