"""An image to a registry: its blobs side by side, then its manifests, last the one that has the name.

    push(files, ["r.example/app:1", "r.example/app:2"], machine, vertex)

A blob that the registry has in another repository is mounted from there. That is how the layers of a base image get to where the
image goes without being fetched: only when the registry will not do it are they brought here and sent.
"""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError
from dockerfile_frontend.executor.sources.blobs import origins_of, remember_origin
from dockerfile_frontend.executor.sources.pin import Origin

from .parallel import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.registry.client import Client
    from dockerfile_frontend.registry.names import ImageName

    from .layout import ImageFiles

SENT_AT_ONCE = 4
"""Blobs."""
PIECE = 1 << 18
CHUNK = 16 << 20
"""Bytes in a piece for registries that refuse a long body."""
MOST_MOUNTS = 3
"""Repositories that are asked for a blob."""
TOO_LONG = 413


class Layer:
    """A blob that is to be sent: one of the store, or one that is brought there when it must be."""

    def __init__(self, digest: str, size: int, find: Callable[[], str]) -> None:
        self.digest = digest
        self.size = size
        self._find = find

    def pieces(self, offset: int) -> Iterator[bytes]:
        with open(self._find(), "rb", buffering=0) as file:
            file.seek(offset)
            while piece := file.read(PIECE):
                yield piece


class Push:
    """One image on its way to one repository after the other."""

    def __init__(self, files: ImageFiles, layers: Sequence[Layer], machine: Machine, vertex: str) -> None:
        self._files = files
        self._layers = layers
        self._machine = machine
        self._vertex = vertex
        self._failed = Event()

    def send(self, names: Sequence[str], client: Client) -> None:
        """Store the image under names of one repository. Raises ExecutorError."""
        from dockerfile_frontend.registry.errors import RegistryError
        from dockerfile_frontend.registry.names import ImageName

        targets = [ImageName.parse(name) for name in names]
        try:
            self._send_blobs(client, targets[0])
            for document in self._documents(manifests=True):
                if document.descriptor.digest != self._files.root.digest:
                    untagged = ImageName(targets[0].registry, targets[0].path)
                    client.push_manifest(untagged, document.descriptor.media_type, document.data)
                    continue
                for target in targets:
                    self._say(f"pushing manifest for {target}@{document.descriptor.digest}", 0, 0, done=False)
                    client.push_manifest(target, document.descriptor.media_type, document.data)
                    self._say(f"pushing manifest for {target}@{document.descriptor.digest}", 0, 0, done=True)
        except RegistryError as error:
            raise ExecutorError(f"failed to push {names[0]}: {error}", hint=error.hint) from error

    def _send_blobs(self, client: Client, target: ImageName) -> None:
        self._say("pushing layers", 0, 0, done=False)
        jobs: list[Callable[[], None]] = [lambda each=layer: self._send_layer(client, target, each) for layer in self._layers]  # type: ignore[misc]  # bound now
        for document in self._documents(manifests=False):
            found = document.descriptor
            jobs.append(
                lambda data=document.data, found=found: _put(client, target, found.digest, found.size, lambda at: [data[at:]], ())  # type: ignore[misc]  # bound now
            )
        side_by_side(jobs, SENT_AT_ONCE, self._machine, self._failed)
        self._say("pushing layers", 0, 0, done=True)

    def _send_layer(self, client: Client, target: ImageName, layer: Layer) -> None:
        place = f"{target.registry}/{target.path}"
        sources = _mounts(self._machine, layer.digest, target)

        def pieces(offset: int) -> Iterator[bytes]:
            at = offset
            for piece in layer.pieces(offset):
                if self._failed.is_set() or self._machine.stopped.is_set():
                    raise Cancelled
                yield piece
                at += len(piece)
                self._say(f"pushing {layer.digest}", at, layer.size, done=at == layer.size)

        _put(client, target, layer.digest, layer.size, pieces, sources)
        remember_origin(self._machine.store, layer.digest, Origin("registry", place))

    def _documents(self, *, manifests: bool) -> list[Any]:
        from dockerfile_frontend.registry.media import IMAGES, INDEXES

        known = IMAGES | INDEXES
        return [each for each in self._files.documents if (each.descriptor.media_type in known) == manifests]

    def _say(self, label: str, current: int, total: int, *, done: bool) -> None:
        self._machine.events.status(self._vertex, label, current, total, done=done)


def push(
    files: ImageFiles, layers: Sequence[Layer], names: Sequence[str], machine: Machine, vertex: str, *, insecure: bool = False
) -> None:
    """Store the image under all names. `insecure` does not check who the registries are, and does without TLS where they have none."""
    repositories: dict[str, list[str]] = {}
    for name in names:
        at = name.rfind(":", name.rfind("/"))
        repositories.setdefault(name if at < 0 else name[:at], []).append(name)
    pushing = Push(files, layers, machine, vertex)
    for repository, tagged in repositories.items():
        if not insecure:
            pushing.send(tagged, machine.client)
            continue
        with machine.client.insecure(repository.partition("/")[0]) as client:
            pushing.send(tagged, client)


def _put(
    client: Client, target: ImageName, digest: str, size: int, pieces: Callable[[int], Any], sources: Sequence[str]
) -> None:
    from dockerfile_frontend.registry.errors import UnexpectedStatus

    try:
        client.push_blob(target, digest, size, pieces, mount_from=sources)
    except UnexpectedStatus as error:
        if error.status != TOO_LONG or size <= CHUNK:
            raise
        client.push_blob(target, digest, size, pieces, chunk=CHUNK)


def _mounts(machine: Machine, digest: str, target: ImageName) -> list[str]:
    """Other repositories of the same registry that are known to have the blob."""
    here = f"{target.registry}/"
    places = [origin.place for origin in origins_of(machine.store, digest) if origin.kind == "registry"]
    found = [place.removeprefix(here) for place in places if place.startswith(here)]
    return [path for path in found if path != target.path][:MOST_MOUNTS]
