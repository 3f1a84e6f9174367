"""Statements about an image that go along with it: what is asked for, and how they are attached.

    settle_attests(provenance="mode=max") ──▶ (Attest("provenance", {"mode": "max"}),)

    index ─▶ image manifest sha256:12…
          └▶ attestation manifest, platform unknown/unknown, annotations vnd.docker.reference.type and .digest = sha256:12…
             └▶ layers: one in-toto statement each, annotated with its predicate type

That is the form of docker buildx, which `docker buildx imagetools inspect` and registries read.
"""

from __future__ import annotations

import os
from dataclasses import field
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import Platform
from ir_schema.record import Record

from .gojson import go_json
from .manifest import DOCKER, IN_TOTO, OCI, Descriptor, Document, make_document
from .spec import parse_flag, split_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
PREDICATE_TYPE = "in-toto.io/predicate-type"
STATEMENT = "https://in-toto.io/Statement/v1"
ARTIFACT = "application/vnd.docker.attestation.manifest.v1+json"
EMPTY_JSON = "application/vnd.oci.empty.v1+json"
UNKNOWN = Platform("unknown", "unknown")

NO_DEFAULT = "BUILDX_NO_DEFAULT_ATTESTATIONS"
"""Environment: whether images get no provenance unless somebody asks for it."""

_KNOWN: Mapping[str, tuple[str, ...]] = {
    "provenance": ("builder-id", "complete-materials", "filename", "inline-only", "mode", "reproducible", "version"),
    "sbom": ("generator",),
}
_NAMES = {"type", "disabled", *(name for names in _KNOWN.values() for name in names)}
_FLAGS = ("complete-materials", "inline-only", "reproducible")
_CHOICES = {"mode": ("min", "max", "full"), "version": ("v1", "v0.2")}


class Attest(Record):
    """What is asked for: provenance or an SBOM."""

    kind: str
    attrs: Mapping[str, str] = field(default_factory=dict)

    def flag(self, name: str) -> bool:
        return name in self.attrs and parse_flag(name, self.attrs[name])


class Statement(Record):
    """One statement, whose subject is filled in when the image is known."""

    path: str
    """File name, where outputs are files."""
    predicate_type: str
    predicate: object
    subjects: tuple[Mapping[str, Any], ...] = ()
    """Its own; none means the image."""
    inline_only: bool = False
    """Whether it goes only where images are pushed."""


def settle_attests(attests: Iterable[str] = (), provenance: str = "", sbom: str = "") -> tuple[Attest, ...]:
    """What --attest, --provenance and --sbom ask for together. Raises ExecutorError.

    Pushed images get provenance of mode min when nothing is said, as with docker buildx.
    """
    texts = [*attests, *(_canonical(kind, value) for kind, value in (("provenance", provenance), ("sbom", sbom)) if value)]
    found: dict[str, Attest | None] = {}
    for text in texts:
        kind, attest = parse_attest(text)
        if kind in found:
            raise ExecutorError(f"duplicate attestation type {kind}")
        found[kind] = attest
    if "provenance" not in found and os.environ.get(NO_DEFAULT, "") not in ("1", "true", "True"):
        found["provenance"] = Attest("provenance", {"mode": "min", "inline-only": "true"})
    return tuple(attest for attest in found.values() if attest is not None)


def parse_attest(text: str) -> tuple[str, Attest | None]:
    """An attestation as --attest has it, type=provenance,mode=max; None for one that is disabled. Raises ExecutorError."""
    attrs: dict[str, str] = {}
    for entry in split_fields(text):
        key, equals, value = entry.partition("=")
        if not equals:
            raise ExecutorError(f"invalid value {entry}", hint="an attestation is written type=provenance,mode=max")
        lowered = key.strip().lower()
        attrs[lowered if lowered in _NAMES else key.strip()] = value
    kind = attrs.pop("type", "")
    known = _KNOWN.get(kind)
    if known is None:
        raise ExecutorError(f"attestation type {kind!r} is not known", hint=f"type={' | '.join(_KNOWN)}")
    disabled = parse_flag("disabled", attrs.pop("disabled", "false"))
    for key, value in attrs.items():
        _check(kind, key, value, known)
    return kind, None if disabled else Attest(kind, attrs)


def _canonical(kind: str, value: str) -> str:
    """--provenance=true, --sbom=generator=… as --attest would have it."""
    if value in ("1", "t", "T", "TRUE", "true", "True"):
        return f"type={kind}"
    if value in ("0", "f", "F", "FALSE", "false", "False"):
        return f"type={kind},disabled=true"
    return f"type={kind},{value}"


def _check(kind: str, key: str, value: str, known: tuple[str, ...]) -> None:
    if kind == "sbom" and key not in known and key.isidentifier():
        return  # parameters of the generator
    if key not in known:
        raise ExecutorError(f"{kind} has no option {key!r}", hint=f"there are {', '.join(known)}")
    if key in _FLAGS:
        parse_flag(key, value)
    if key in _CHOICES and value not in _CHOICES[key]:
        raise ExecutorError(f"invalid {key} {value!r} of {kind}", hint=f"{key}={' | '.join(_CHOICES[key])}")
    if key == "filename" and (not value or "/" in value or value in (".", "..")):
        raise ExecutorError(f"filename={value} is no name of a file")


def make_statement(statement: Statement, subjects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The whole statement about `subjects`."""
    return {
        "_type": STATEMENT,
        "predicateType": statement.predicate_type,
        "subject": [*(statement.subjects or subjects)],
        "predicate": statement.predicate,
    }


def attestation_manifest(
    statements: Sequence[Statement], target: Descriptor, subjects: Sequence[Mapping[str, Any]], *, artifact: bool
) -> list[Document]:
    """The statements as blobs, and the manifest over them, last, as an index points to it."""
    layers = []
    for statement in statements:
        data = go_json(make_statement(statement, subjects))
        layers.append(make_document(data, IN_TOTO, annotations={PREDICATE_TYPE: statement.predicate_type}))
    config = make_document(b"{}", EMPTY_JSON) if artifact else _as_image(layers)
    body: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI["manifest"]}
    if artifact:
        body["artifactType"] = ARTIFACT
    body["config"] = {**config.descriptor.as_json(), **({"data": "e30="} if artifact else {})}
    body["layers"] = [layer.descriptor.as_json() for layer in layers]
    if artifact:
        body["subject"] = {"mediaType": target.media_type, "digest": target.digest, "size": target.size}
    annotations = {REFERENCE_DIGEST: target.digest, REFERENCE_TYPE: "attestation-manifest"}
    manifest = make_document(go_json(body, indent=2), OCI["manifest"], annotations=annotations, platform=UNKNOWN)
    return [*layers, config, manifest]


def _as_image(layers: Sequence[Document]) -> Document:
    """A config that makes readers of older days see an image of an unknown platform."""
    diff_ids = [layer.descriptor.digest for layer in layers]
    body = {"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    return make_document(go_json(body), OCI["config"])


def image_subjects(names: Sequence[str], platform: Platform, digest: str) -> list[dict[str, Any]]:
    """An image by its names, as package URLs; by "_" when it has none."""
    from .purl import image_purl

    algorithm, _, value = digest.partition(":")
    found = [image_purl("docker", name, platform) for name in names] or ["_"]
    return [{"name": name, "digest": {algorithm: value}} for name in found]


def types_allow(types: Mapping[str, str]) -> None:
    """Raise ExecutorError for media types that have no attestations."""
    if types is DOCKER:
        raise ExecutorError('cannot export attestations with "oci-mediatypes=false"', hint="--provenance=false leaves them out")
