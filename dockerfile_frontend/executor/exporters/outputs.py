"""Everything that a build gives out, one output after the other.

    outputs = [parse_output("type=oci,dest=app.tar")]
    metadata = export(outputs, [Image(amd64, ("1", "4"), config)], machine, BuildFacts(names=("app",)))
    metadata["containerimage.digest"] ──▶ "sha256:…"
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from dockerfile_frontend.executor.solver.events import VertexInfo
from dockerfile_frontend.executor.solver.keys import digest_bytes
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError

from .records import BuildFacts, Image
from .spec import Output, parse_output

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dockerfile_frontend.executor.layers.pack import Packed
    from dockerfile_frontend.executor.machine import Machine

    from .layout import ImageFiles
    from .trees import Tree

__all__ = ["BuildFacts", "Image", "Output", "check_outputs", "export", "image_id", "needs_files", "parse_output"]

Metadata = dict[str, object]


class Row(Protocol):
    """One kind of output."""

    def __call__(self, output: Output, images: Sequence[Image], machine: Machine, facts: BuildFacts, vertex: str) -> Metadata: ...


def check_outputs(outputs: Sequence[Output], names: Sequence[str] = ()) -> None:
    """Raise ExecutorError for what cannot work, before the build begins. `names` are those of -t."""
    standard = [output for output in outputs if output.dest == "-"]
    if len(standard) > 1:
        raise ExecutorError("only one output can go to standard output")
    for output in outputs:
        if output.flag("push"):
            check_names(names_of(output, BuildFacts(tuple(names))))
        if output.dest and not output.is_folder:
            from .destination import check_writable

            check_writable(output.dest)
        elif output.is_folder:
            _check_folder(output)


def export(outputs: Sequence[Output], images: Sequence[Image], machine: Machine, facts: BuildFacts) -> Metadata:
    """Give everything out; what --metadata-file shall say of it. Raises ExecutorError."""
    found: Metadata = {}
    for number, output in enumerate(outputs):
        vertex = VertexInfo(digest_bytes(f"export {number} {output!r}".encode()), _title(output))
        with _shown(vertex, machine):
            found |= ROWS[output.kind](output, images, machine, facts, vertex.digest)
    return found


def needs_files(outputs: Sequence[Output], images: Sequence[Image], machine: Machine, facts: BuildFacts) -> bool:
    """Whether `export` will read files of layers or fetch blobs; if not, all it gives out lies ready in the store."""
    for output in outputs:
        if output.is_image:
            from .images import image_options, is_packed

            if not is_packed(images, image_options(output, facts), machine):
                return True
        elif output.kind != "cacheonly":
            return True
    return False


def image_id(metadata: Mapping[str, object]) -> str:
    """What --iidfile holds: the config's digest of a single image, else the digest of the index."""
    return str(metadata.get("containerimage.config.digest") or metadata.get("containerimage.digest") or "")


def _archive(output: Output, images: Sequence[Image], machine: Machine, facts: BuildFacts, vertex: str) -> Metadata:
    """Both layouts, OCI and Docker, as a tar or a folder."""
    from .destination import told
    from .layout import write_archive, write_folder

    docker = output.kind == "docker"
    if docker and len(images) > 1:
        raise ExecutorError("docker exporter does not currently support exporting manifest lists", hint="type=oci holds several platforms")
    files = _compose(output, images, machine, facts, vertex)
    if output.is_folder:
        with told(output.dest):
            write_folder(files, output.dest)
        return describe(files)
    if not output.dest:
        raise ExecutorError(f"dest is required for {output.kind} exporter", hint="dest=FILE, or dest=- for standard output")

    def report(current: int, total: int) -> None:
        if machine.stopped.is_set():
            raise Cancelled
        machine.events.status(vertex, f"writing {output.dest}", current, total, done=current == total)

    write_archive(files, output.dest, machine.store, docker=docker, report=report)
    return describe(files)


def _image(output: Output, images: Sequence[Image], machine: Machine, facts: BuildFacts, vertex: str) -> Metadata:
    """An image in the store, known by its digest, and in a registry when it shall be pushed."""
    names = names_of(output, facts)
    if not output.flag("push"):
        return describe(_compose(output, images, machine, facts, vertex))
    check_names(names)
    from .push import Layer, push

    files = _compose(output, images, machine, facts, vertex, lazy=True)
    layers = [Layer(blob.digest, blob.size, lambda each=blob: _bring(each, machine)) for blob in files.layers]  # type: ignore[misc]  # bound now
    push(files, layers, names, machine, vertex, insecure=output.flag("registry.insecure"))
    return describe(files)


def _bring(blob: Packed, machine: Machine) -> str:
    """Path of a blob; a base image's is fetched if it must be."""
    from .images import fetch

    path = machine.store.keep_blob(blob.digest)
    if path is None:
        fetch(machine, blob)
        path = machine.store.keep_blob(blob.digest)
    assert path is not None  # noqa: S101 - just fetched
    return path


def check_names(names: Sequence[str]) -> None:
    """Raise ExecutorError when there is nothing to push to."""
    if not names:
        raise ExecutorError("tag is needed when pushing to registry", hint="-t NAME, or name=NAME in the output")


def _local(output: Output, images: Sequence[Image], machine: Machine, facts: BuildFacts, vertex: str) -> Metadata:
    """Files into a directory."""
    from .destination import told
    from .local import open_folder, write_tree
    from .trees import Paths, epoch_of, opened_tree, trees

    wanted = trees(output, images)
    paths = Paths(wanted)
    epoch = epoch_of(output, facts)
    delete = output.attrs.get("mode", "").strip().lower() == "delete"
    with told(output.dest), open_folder(output.dest, epoch=epoch, delete=delete) as folder:
        for tree in wanted:
            label = f"copying files {tree.platform}" if tree.prefix else "copying files"
            if tree.prefix:
                folder.make_directory(tree.prefix, 0o755, None)

            def seen(path: str, tree: Tree = tree, label: str = label) -> None:
                if machine.stopped.is_set():
                    raise Cancelled
                paths.add(path, tree)
                machine.events.status(vertex, label, folder.written, 0)

            with opened_tree(machine, tree) as opened:
                write_tree(folder, opened.walk(), tree.prefix, seen)
            machine.events.status(vertex, label, folder.written, 0, done=True)
    for path in folder.left_out:
        machine.events.log(vertex, 2, f"left out {path}: devices are not made in directories, type=tar keeps them\n".encode())
    return {}


def _tar(output: Output, images: Sequence[Image], machine: Machine, facts: BuildFacts, vertex: str) -> Metadata:
    """Files as one tar."""
    from .destination import opened
    from .tarball import tar_trees
    from .trees import epoch_of, trees

    dest = output.dest or "-"
    written = 0
    with opened(dest) as out:
        for piece in tar_trees(trees(output, images), machine, epoch_of(output, facts)):
            if machine.stopped.is_set():
                raise Cancelled
            out.write(piece)
            written += len(piece)
            machine.events.status(vertex, "sending tarball", written, 0)
    machine.events.status(vertex, "sending tarball", written, 0, done=True)
    return {}


def _cache_only(output: Output, images: Sequence[Image], machine: Machine, facts: BuildFacts, vertex: str) -> Metadata:
    """Nothing is given out; the cache has everything."""
    del output, images, machine, facts, vertex
    return {}


ROWS: Mapping[str, Row] = {
    "cacheonly": _cache_only,
    "docker": _archive,
    "image": _image,
    "local": _local,
    "oci": _archive,
    "tar": _tar,
}


def _compose(
    output: Output, images: Sequence[Image], machine: Machine, facts: BuildFacts, vertex: str, *, lazy: bool = False
) -> ImageFiles:
    from .images import compose, image_options

    with _status(machine, vertex, "exporting layers"):
        files = compose(images, image_options(output, facts), machine, names_of(output, facts), lazy=lazy)
    machine.events.status(vertex, f"exporting manifest {files.root.digest}", 0, 0, done=True)
    if files.config_digest:
        machine.events.status(vertex, f"exporting config {files.config_digest}", 0, 0, done=True)
    return files


def names_of(output: Output, facts: BuildFacts) -> tuple[str, ...]:
    """Whole references for the image."""
    own = output.attrs.get("name", "")
    text = ",".join(facts.names) if own in ("", "*") else own
    if not text:
        return ()
    from .names import normalized_names

    return normalized_names(text, by_digest=output.flag("push-by-digest"))


def describe(files: ImageFiles) -> Metadata:
    """An image's part of the metadata."""
    found: Metadata = {"containerimage.descriptor": files.described, "containerimage.digest": files.root.digest}
    if files.config_digest:
        found["containerimage.config.digest"] = files.config_digest
    if files.names:
        found["image.name"] = ",".join(files.names)
    return found


def _check_folder(output: Output) -> None:
    import os

    if os.path.exists(output.dest) and not os.path.isdir(output.dest):
        raise ExecutorError(f"destination directory {output.dest} is a file")


def _title(output: Output) -> str:
    match output.kind:
        case "oci" | "docker":
            return f"exporting to {output.kind} image format"
        case "image":
            return "exporting to image"
        case "local" | "tar":
            return f"exporting to client {'directory' if output.kind == 'local' else 'tarball'}"
        case _:
            return "exporting nothing"


@contextlib.contextmanager
def _shown(vertex: VertexInfo, machine: Machine) -> Iterator[None]:
    machine.events.planned((vertex,))
    machine.events.started(vertex)
    try:
        yield
    except ExecutorError as error:
        machine.events.completed(vertex, error=str(error))
        raise
    machine.events.completed(vertex)


@contextlib.contextmanager
def _status(machine: Machine, vertex: str, label: str) -> Iterator[None]:
    machine.events.status(vertex, label, 0, 0)
    yield
    machine.events.status(vertex, label, 0, 0, done=True)
