"""Everything that a build gives out, one output after the other.

    outputs = [parse_output("type=oci,dest=app.tar")]
    metadata = export(outputs, [Image(amd64, ("1", "4"), config)], machine, BuildFacts(names=("app",)))
    metadata["containerimage.digest"] ──▶ "sha256:…"
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.interrupts import Hold
from dockerfile_frontend.executor.solver.events import VertexInfo
from dockerfile_frontend.executor.solver.keys import digest_bytes
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError

from .records import BuildFacts, Image
from .spec import STANDARD, Output, parse_output
from .unchanged import Written, recall_file, remember_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dockerfile_frontend.executor.layers.forms import Packed
    from dockerfile_frontend.executor.machine import Machine

    from .attest import Statement
    from .layout import ImageFiles
    from .trees import Tree

__all__ = ["BuildFacts", "Image", "Output", "check_outputs", "export", "image_id", "needs_files", "parse_output"]

Metadata = dict[str, object]


class Job:
    """What all outputs of a build share."""

    def __init__(self, images: Sequence[Image], machine: Machine, facts: BuildFacts, hold: Hold) -> None:
        self._hold = hold
        self.images = images
        self.machine = machine
        self.facts = facts
        self._statements: list[list[Statement]] | None = None

    @property
    def statements(self) -> list[list[Statement]]:
        """For each image what is to be said of it; found out once."""
        if self._statements is None:
            from .parallel import side_by_side
            from .statements import make_statements

            made: list[list[Statement]] = []
            side_by_side([lambda: made.extend(make_statements(self.images, self.machine, self.facts))], 1, self.machine)
            self._statements = made
        return self._statements

    def check_stopped(self) -> None:
        """Raise Cancelled when the build is stopped, or a signal has come."""
        if self._hold.noted or self.machine.stopped.is_set():
            raise Cancelled


def check_outputs(outputs: Sequence[Output], names: Sequence[str] = ()) -> None:
    """Raise ExecutorError for what cannot work, before the build begins. `names` are those of -t."""
    standard = [output for output in outputs if output.dest == "-"]
    if len(standard) > 1:
        raise ExecutorError("only one output can go to standard output")
    if names:
        from .names import normalized_names

        normalized_names(",".join(names))
    for output in outputs:
        if output.flag("push"):
            check_names(names_of(output, BuildFacts(tuple(names))))
        if output.dest and not output.is_folder:
            from .destination import check_writable

            check_writable(output.dest)
        elif output.is_folder:
            _check_folder(output)


def export(outputs: Sequence[Output], images: Sequence[Image], machine: Machine, facts: BuildFacts) -> Metadata:
    """Give everything out; what --metadata-file shall say of it. Raises ExecutorError, and KeyboardInterrupt after a signal."""
    found: Metadata = {}
    with Hold() as hold:
        job = Job(images, machine, facts, hold)
        for number, output in enumerate(outputs):
            vertex = VertexInfo(digest_bytes(f"export {number} {output!r}".encode()), _title(output))
            with _shown(vertex, machine):
                job.check_stopped()
                found |= ROWS[output.kind](output, job, vertex.digest)
    if facts.reference:
        found["buildx.build.ref"] = facts.reference
    if facts.metadata:
        from .statements import provenance_metadata

        found |= provenance_metadata(images, machine, facts)
    return dict(sorted(found.items()))


def needs_files(outputs: Sequence[Output], images: Sequence[Image], machine: Machine, facts: BuildFacts) -> bool:
    """Whether `export` will read files of layers, run something, or needs graphs that are not among the facts."""
    known = len(facts.definitions) == len(images)
    if facts.metadata and not known and any(attest.kind == "provenance" for attest in facts.attests):
        return True
    for output in outputs:
        if _needs_more(output, images, facts):
            return True
        if output.is_image:
            written, request = recall_file(machine.store, output.dest), request_of(output, images, facts)
            if written is not None and request and written.request == request:
                continue
            from .images import image_options, is_packed

            if not is_packed(images, image_options(output, facts), machine):
                return True
        elif output.kind != "cacheonly":
            return True
    return False


def _needs_more(output: Output, images: Sequence[Image], facts: BuildFacts) -> bool:
    wanted = [attest for attest in facts.attests if takes(output, inline_only=attest.flag("inline-only"))]
    return any(attest.kind == "sbom" for attest in wanted) or (bool(wanted) and len(facts.definitions) != len(images))


def request_of(output: Output, images: Sequence[Image], facts: BuildFacts) -> str:
    """A digest of all that an image's bytes follow from, layers by number; nothing where statements are made, which have times."""
    if _takes_any(output, facts):
        return ""
    return digest_bytes(repr((output, images, facts.names, facts.source_date_epoch)).encode("utf-8", "surrogateescape"))


def _takes_any(output: Output, facts: BuildFacts) -> bool:
    return any(takes(output, inline_only=attest.flag("inline-only")) for attest in facts.attests)


def takes(output: Output, *, inline_only: bool) -> bool:
    """Whether an output takes statements; those for pushed images only where it is one, or says that it wants them."""
    if output.kind == "cacheonly":
        return False
    return not inline_only or (output.is_image and output.flag("attestation-inline", default=output.flag("push")))


def image_id(metadata: Mapping[str, object]) -> str:
    """What --iidfile holds: the config's digest of a single image, else the digest of the index."""
    return str(metadata.get("containerimage.config.digest") or metadata.get("containerimage.digest") or "")


def _archive(output: Output, job: Job, vertex: str) -> Metadata:
    """Both layouts, OCI and Docker, as a tar or a folder."""
    from .destination import told
    from .layout import write_folder

    docker = output.kind == "docker"
    if docker and len(job.images) > 1:
        raise ExecutorError("docker exporter does not currently support exporting manifest lists", hint="type=oci holds several platforms")
    if not output.is_folder:
        return _file(output, job, vertex)
    files = _compose(output, job, vertex)
    with told(output.dest):
        write_folder(files, output.dest, job.check_stopped)
    return describe(files)


def _file(output: Output, job: Job, vertex: str) -> Metadata:
    """An archive, unless it is there already."""
    if not output.dest:
        raise ExecutorError(f"dest is required for {output.kind} exporter", hint="dest=FILE, or dest=- for standard output")
    store, events = job.machine.store, job.machine.events
    known = recall_file(store, output.dest)
    request = request_of(output, job.images, job.facts)
    if known is not None and request and known.request == request:
        events.status(vertex, f"{output.dest} is up to date", 0, 0, done=True)
        return dict(known.metadata)
    from .layout import archive_parts, identity_of, write_archive

    def report(current: int, total: int) -> None:
        job.check_stopped()
        events.status(vertex, f"writing {output.dest}", current, total, done=current == total)

    files = _compose(output, job, vertex)
    parts = archive_parts(files, docker=output.kind == "docker")
    identity, metadata = identity_of(parts), describe(files)
    if known is not None and known.identity == identity:
        events.status(vertex, f"{output.dest} is up to date", 0, 0, done=True)
    else:
        write_archive(parts, output.dest, report)
    if output.dest != STANDARD:
        remember_file(store, output.dest, Written(request, identity, metadata))
    return metadata


def _image(output: Output, job: Job, vertex: str) -> Metadata:
    """An image in the store, known by its digest, and in a registry when it shall be pushed."""
    names = names_of(output, job.facts)
    if output.flag("push"):
        check_names(names)
    files = _compose(output, job, vertex, lazy=True)
    if not output.flag("push"):
        return describe(files)
    from .push import Layer, push

    layers = [Layer(blob.digest, blob.size, lambda each=blob: _bring(each, job.machine)) for blob in files.layers]  # type: ignore[misc]  # bound now
    push(files, layers, names, job.machine, vertex, insecure=output.flag("registry.insecure"))
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


def _local(output: Output, job: Job, vertex: str) -> Metadata:
    """Files into a directory."""
    from .destination import told
    from .local import open_folder, write_tree
    from .trees import Paths, epoch_of, opened_tree, statement_files, trees

    machine = job.machine
    wanted = trees(output, job.images)
    paths = Paths(wanted)
    epoch = epoch_of(output, job.facts)
    delete = output.attrs.get("mode", "").strip().lower() == "delete"
    with told(output.dest), open_folder(output.dest, epoch=epoch, delete=delete) as folder:
        for tree, statements in zip(wanted, _statements(output, job), strict=True):
            label = f"copying files {tree.platform}" if tree.prefix else "copying files"
            if tree.prefix:
                folder.make_directory(tree.prefix, 0o755, None)

            def seen(path: str, tree: Tree = tree, label: str = label) -> None:
                job.check_stopped()
                paths.add(path, tree)
                machine.events.status(vertex, label, folder.written, 0)

            with opened_tree(machine, tree) as opened:
                write_tree(folder, opened.walk(), tree.prefix, seen)
                for path, data in statement_files(output, tree, opened, statements, len(wanted)):
                    seen(path)
                    folder.add_data(path, data, 0o600, int(time.time()) * 1_000_000_000)
            machine.events.status(vertex, label, folder.written, 0, done=True)
    for path in folder.left_out:
        machine.events.log(vertex, 2, f"left out {path}: devices are not made in directories, type=tar keeps them\n".encode())
    return {}


def _tar(output: Output, job: Job, vertex: str) -> Metadata:
    """Files as one tar."""
    from .destination import opened
    from .tarball import tar_trees
    from .trees import epoch_of, trees

    written = 0
    with opened(output.dest) as out:
        wanted = trees(output, job.images)
        for piece in tar_trees(output, wanted, _statements(output, job), job.machine, epoch_of(output, job.facts)):
            job.check_stopped()
            out.write(piece)
            written += len(piece)
            job.machine.events.status(vertex, "sending tarball", written, 0)
    job.machine.events.status(vertex, "sending tarball", written, 0, done=True)
    return {}


def _statements(output: Output, job: Job) -> list[list[Statement]]:
    """For each image the statements that this output takes."""
    if not _takes_any(output, job.facts):
        return [[] for _ in job.images]
    return [[each for each in said if takes(output, inline_only=each.inline_only)] for said in job.statements]


def _cache_only(output: Output, job: Job, vertex: str) -> Metadata:
    """Nothing is given out; the cache has everything."""
    del output, job, vertex
    return {}


ROWS: Mapping[str, Callable[[Output, Job, str], Metadata]] = {
    "cacheonly": _cache_only,
    "docker": _archive,
    "image": _image,
    "local": _local,
    "oci": _archive,
    "tar": _tar,
}


def _compose(output: Output, job: Job, vertex: str, *, lazy: bool = False) -> ImageFiles:
    from .images import compose, image_options

    events, options = job.machine.events, image_options(output, job.facts)
    events.status(vertex, "exporting layers", 0, 0)
    names = names_of(output, job.facts)
    files = compose(job.images, options, job.machine, names, statements=_statements(output, job), lazy=lazy)
    events.status(vertex, "exporting layers", 0, 0, done=True)
    events.status(vertex, f"exporting manifest {files.root.digest}", 0, 0, done=True)
    if files.config_digest:
        events.status(vertex, f"exporting config {files.config_digest}", 0, 0, done=True)
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
    except BaseException:
        machine.events.completed(vertex, error=str(Cancelled()))
        raise
    machine.events.completed(vertex)
