"""From layers of the store to an image: packed layers, config, manifest, and an index over several platforms.

    compose([Image(amd64, ("1", "4"), config)], ImageOptions(), machine) ──▶ ImageFiles(root=manifest, documents, blobs)

A layer is packed once in each form and remembered. A base image's layers keep the blobs they came in, so that registries know
them; they are fetched now if nobody has read them yet.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.layers.forms import ORIGINAL, Form, Packed, find_packed, remember_packed
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError
from ir_schema.record import Record

from .annotations import check_platforms, of_attributes, pick
from .image_config import LayerFacts, finish_config
from .layout import ImageFiles
from .manifest import DOCKER, OCI, Descriptor, Document, make_document, make_index, make_manifest, platform_json
from .spec import parse_epoch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.executor.machine import Machine
    from ir_schema.ops import Platform

    from .annotations import Annotation
    from .attest import Statement
    from .records import BuildFacts, Image
    from .spec import Output

CHUNK = 1 << 20
MOST_WORKERS = 4
"""Layers packed at once; each compresses on all cores anyway."""

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REWRITTEN = "buildkit/rewritten-timestamp"
"""Annotation of a layer whose files' times follow the epoch, so that equal builds have BuildKit's digests."""

RECOMPRESSED = "recompressed"
"""Form of an imported layer's own tar in another compression."""


class ImageOptions(Record):
    """How an image is to be made."""

    compression: str = "gzip"
    level: int | None = None
    force: bool = False
    """Whether a base image's layers are compressed anew, too."""
    oci: bool = True
    """OCI's media types, not Docker's."""
    artifact: bool = True
    """Attestations as OCI artifacts, not in the disguise of an image."""
    inline: bool = False
    """Whether attestations are attached that others do not ask for."""
    rewrite: bool = False
    """Whether files of new layers get times that are not later than the epoch."""
    epoch: int | None = None
    annotations: tuple[Annotation, ...] = ()

    @property
    def form(self) -> Form:
        return Form(self.compression, self.level, self.epoch if self.rewrite else None)


class PackedLayer(Record):
    """A layer as the image will hold it."""

    blob: Packed
    facts: LayerFacts
    rewritten: bool = False
    """Whether its files' times follow the epoch."""


def image_options(output: Output, facts: BuildFacts) -> ImageOptions:
    """What an output's attributes say of the image. Raises ExecutorError."""
    attrs = output.attrs
    epoch = parse_epoch(attrs["source-date-epoch"]) if "source-date-epoch" in attrs else facts.source_date_epoch
    rewrite = output.flag("rewrite-timestamp")
    if rewrite and epoch is None:
        raise ExecutorError(
            "rewrite-timestamp=true needs a time to write", hint="--build-arg SOURCE_DATE_EPOCH=$(git log -1 --pretty=%ct)"
        )
    oci = output.flag("oci-mediatypes", default=True)
    return ImageOptions(
        attrs.get("compression", "gzip"),
        int(attrs["compression-level"]) if "compression-level" in attrs else None,
        output.flag("force-compression"),
        oci,
        output.flag("oci-artifact", default=oci),
        output.flag("attestation-inline", default=output.flag("push")),
        rewrite,
        epoch,
        of_attributes(attrs),
    )


def compose(
    images: Sequence[Image],
    options: ImageOptions,
    machine: Machine,
    names: tuple[str, ...] = (),
    *,
    statements: Sequence[Sequence[Statement]] = (),
    lazy: bool = False,
) -> ImageFiles:
    """The image, or the index over several or over one with `statements`, of which each image has a list. Raises ExecutorError.

    All its blobs are in the store afterwards; if `lazy`, without those of base images that nobody has read yet: their path is empty.
    """
    check_platforms(options.annotations, [image.platform for image in images])
    packed = pack_all(images, options, machine, lazy=lazy)
    documents: list[Document] = []
    manifests: list[Descriptor] = []
    for image, layers in zip(images, packed, strict=True):
        config, manifest = _one(image, layers, options)
        documents += (config, manifest)
        manifests.append(manifest.descriptor)
    created = _created(documents[0])
    attached = _attached(images, manifests, statements, options, names)
    root, config_digest = manifests[0], documents[0].descriptor.digest
    if len(images) > 1 or attached:
        index = make_index(
            [*manifests, *(group[-1].descriptor for group in attached)], media_types=_types(options),
            annotations=pick(options.annotations, "index"), described=pick(options.annotations, "index-descriptor"),
        )  # fmt: skip
        documents += [document for group in attached for document in group]
        documents.append(index)
        root, config_digest = index.descriptor, ""
    elif pick(options.annotations, "index") or pick(options.annotations, "index-descriptor"):
        raise ExecutorError("index annotations not supported for single platform export")
    blobs = {layer.blob.digest: layer.blob for layers in packed for layer in layers}
    paths = {digest: machine.store.keep_blob(digest) or "" for digest in blobs}
    return ImageFiles(root, tuple(documents), tuple(blobs.values()), paths, names, config_digest, created, manifests[0].digest)


def _attached(
    images: Sequence[Image],
    manifests: Sequence[Descriptor],
    statements: Sequence[Sequence[Statement]],
    options: ImageOptions,
    names: tuple[str, ...],
) -> list[list[Document]]:
    """For each image that has statements their blobs and, last, the manifest over them."""
    if not any(statements):
        return []
    from .attest import attestation_manifest, image_subjects, types_allow

    found = []
    for image, manifest, said in zip(images, manifests, statements, strict=False):
        wanted = [statement for statement in said if options.inline or not statement.inline_only]
        if wanted:
            types_allow(_types(options))
            subjects = image_subjects(names, image.platform, manifest.digest)
            found.append(attestation_manifest(wanted, manifest, subjects, artifact=options.artifact))
    return found


def pack_all(
    images: Sequence[Image], options: ImageOptions, machine: Machine, *, lazy: bool = False
) -> list[list[PackedLayer]]:
    """The layers of all images, packed; several at once when there is something to do."""
    forms = [_forms(image, options, machine) for image in images]
    wanted = dict.fromkeys(each for one in forms for each in one.items())
    found: dict[tuple[str, Form | None], Packed] = {}
    if lazy:
        originals = {each: find_packed(machine.store, each[0], ORIGINAL) for each in wanted if each[1] is None}
        found = {each: came for each, came in originals.items() if came is not None}

    def run(each: tuple[str, Form | None]) -> None:
        found[each] = _pack(*each, machine)

    rest = [each for each in wanted if each not in found]
    missing = [each for each in rest if not _is_packed(*each, machine)]
    if missing:
        from .parallel import side_by_side

        side_by_side([partial(run, each) for each in missing], min(MOST_WORKERS, machine.jobs), machine)
    for each in rest:
        if each not in found:
            run(each)
    facts = {each: _facts(each[0], blob, machine) for each, blob in found.items()}

    def layer_in(layer: str, form: Form | None) -> PackedLayer:
        return PackedLayer(found[layer, form], facts[layer, form], options.oci and form is not None and form.epoch is not None)

    return [[layer_in(layer, own[layer]) for layer in image.layers] for image, own in zip(images, forms, strict=True)]


def is_packed(images: Sequence[Image], options: ImageOptions, machine: Machine) -> bool:
    """Whether `compose` needs to read no layer's files."""
    return all(
        form is None or _is_packed(layer, form, machine)
        for image in images
        for layer, form in _forms(image, options, machine).items()
    )


def _forms(image: Image, options: ImageOptions, machine: Machine) -> dict[str, Form | None]:
    """What each layer is packed as; None for one that stays the blob that it came in. Times in a base image's own layers stay."""
    base = [] if not image.base_config else list(json.loads(image.base_config).get("rootfs", {}).get("diff_ids") or [])
    found: dict[str, Form | None] = {}
    unchanged = True
    for index, layer in enumerate(image.layers):
        came = find_packed(machine.store, layer, ORIGINAL)
        unchanged = unchanged and came is not None and index < len(base) and came.diff_id == base[index]
        stays = came is not None and (unchanged or not options.rewrite) and _fits(came, options)
        found[layer] = None if stays else Form(options.compression, options.level) if unchanged else options.form
    return found


def _fits(came: Packed, options: ImageOptions) -> bool:
    return not options.force or came.compression == options.compression


def _is_packed(layer: str, form: Form | None, machine: Machine) -> bool:
    name = ORIGINAL if form is None else form.name
    if form is not None and form.epoch is None and find_packed(machine.store, layer, ORIGINAL) is not None:
        name = f"{RECOMPRESSED} {form.name}"
    known = find_packed(machine.store, layer, name)
    return known is not None and machine.store.keep_blob(known.digest) is not None


def _pack(layer: str, form: Form | None, machine: Machine) -> Packed:
    def check_cancelled() -> None:
        if machine.stopped.is_set():
            raise Cancelled

    store = machine.store
    came = find_packed(store, layer, ORIGINAL)
    if form is None:
        assert came is not None  # noqa: S101 - it stays what it came as
        if store.keep_blob(came.digest) is None:
            fetch(machine, came)
        return came
    if came is not None and form.epoch is None:
        return _repacked(layer, came, form, machine)
    from dockerfile_frontend.executor.layers.pack import pack

    store.unpack([layer])
    return pack(store, layer, form, check_cancelled)


def fetch(machine: Machine, blob: Packed) -> None:
    """Bring a base image's blob into the store. Raises ExecutorError."""
    from dockerfile_frontend.executor.layers.imports import ImageLayer
    from dockerfile_frontend.executor.sources.blobs import fetch_blob

    media_type = "" if blob.compression == "uncompressed" else f"+{blob.compression}"
    fetch_blob(machine, ImageLayer(blob.diff_id, blob.digest, blob.size, media_type))
    machine.store.keep_blob(blob.digest)


def _repacked(layer: str, came: Packed, form: Form, machine: Machine) -> Packed:
    """The tar that a layer came in, compressed otherwise; its diff id stays."""
    from dockerfile_frontend.executor.layers.compress import compressor
    from dockerfile_frontend.executor.layers.decompress import unpacked

    store, name = machine.store, f"{RECOMPRESSED} {form.name}"
    with store.exclusive(f"pack {layer} {name}"):
        known = find_packed(store, layer, name)
        if known is not None and store.keep_blob(known.digest):
            return known
        if store.keep_blob(came.digest) is None:
            fetch(machine, came)
        with store.blobs.open(came.digest) as file, store.new_blob() as out, compressor(form.compression, form.level, out.write) as put:
            plain = unpacked(file)
            while piece := plain.read(CHUNK):
                if machine.stopped.is_set():
                    raise Cancelled
                put(piece)
        made = Packed(came.diff_id, out.digest, out.offset, form.compression)
        store.keep_blob(made.digest)
        remember_packed(store, layer, name, made)
    return made


def _facts(layer: str, blob: Packed, machine: Machine) -> LayerFacts:
    created, description = machine.store.db.execute("SELECT created, description FROM layer WHERE id = ?", (int(layer),)).fetchone()
    return LayerFacts(blob.diff_id, created, description)


def _one(image: Image, layers: Sequence[PackedLayer], options: ImageOptions) -> tuple[Document, Document]:
    """Config and manifest of one platform."""
    types = _types(options)
    data = finish_config(
        image.config or default_config(image.platform), [layer.facts for layer in layers],
        epoch=options.epoch, base=image.base_config or None, inline_cache=image.inline_cache,
    )  # fmt: skip
    config = make_document(data, types["config"])
    descriptors = [_descriptor(layer, types, options) for layer in layers]
    manifest = make_manifest(
        config.descriptor, descriptors, media_types=types, annotations=pick(options.annotations, "manifest", image.platform),
        platform=image.platform, described=pick(options.annotations, "manifest-descriptor", image.platform),
    )  # fmt: skip
    return config, manifest


def _descriptor(layer: PackedLayer, types: Mapping[str, str], options: ImageOptions) -> Descriptor:
    annotations = {REWRITTEN: str(options.epoch)} if layer.rewritten else {}
    return Descriptor(types[layer.blob.compression], layer.blob.digest, layer.blob.size, annotations)


def default_config(platform: Platform) -> bytes:
    """The config of an image that no frontend has described."""
    config = {"Env": [DEFAULT_PATH], "WorkingDir": "/"}
    return json.dumps({**platform_json(platform), "config": config, "rootfs": {"type": "layers"}}).encode()


def _created(config: Document) -> str:
    return str(json.loads(config.data).get("created") or "")


def _types(options: ImageOptions) -> Mapping[str, str]:
    return OCI if options.oci else DOCKER
