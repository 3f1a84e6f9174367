"""Stores, graphs and caches to try on each other; steps are file ops, so that nothing but the store is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockerfile_frontend.executor.cache.broken import prove
from dockerfile_frontend.executor.cache.inline import with_caches
from dockerfile_frontend.executor.cache.spec import parse_cache_from, parse_cache_to
from dockerfile_frontend.executor.cache.writing import export_caches
from dockerfile_frontend.executor.exporters.outputs import BuildFacts, Image, export, parse_output
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solve import complete, outputs_of
from dockerfile_frontend.executor.solver.events import Silent, VertexInfo
from dockerfile_frontend.executor.solver.model import Tree
from dockerfile_frontend.executor.solver.plan import Plan
from dockerfile_frontend.executor.store import Store
from dockerfile_frontend.registry.client import Client
from ir_schema import Definition, Vertex
from ir_schema.ops import (
    Body,
    Copy,
    FileAction,
    FileOp,
    Input,
    InputIndex,
    MergeOp,
    MkFile,
    Op,
    OpMetadata,
    Platform,
    SourceOp,
)

AMD64 = Platform("amd64", "linux")


class Watched(Silent):
    """How each vertex ended, and what was said of it."""

    def __init__(self) -> None:
        self.ended: dict[str, str] = {}
        self.said: list[str] = []
        self.runs: list[str] = []
        self._names: dict[str, str] = {}

    def started(self, vertex: VertexInfo) -> None:
        self._names[vertex.digest] = vertex.name

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        self.ended[vertex.name] = error or ("cached" if cached else "done")
        if not cached and not error:
            self.runs.append(vertex.name)

    def log(self, digest: str, _stream: int, data: bytes) -> None:
        self.said.append(f"{self._names.get(digest, '')}: {data.decode()}")


class Graph:
    """Named steps, one after the other."""

    def __init__(self) -> None:
        self.vertices: dict[str, Vertex] = {}
        self.metadata: dict[str, OpMetadata] = {}

    def add(self, name: str, body: Body, *inputs: Input, fresh: bool = False) -> Input:
        vertex = Vertex.of(Op(inputs, body, AMD64))
        self.vertices[vertex.digest] = vertex
        self.metadata[vertex.digest] = OpMetadata(ignore_cache=fresh, description={"llb.customname": name})
        return Input(vertex.digest)

    def file(self, path: str, data: bytes = b"", base: Input | None = None, *, fresh: bool = False) -> Input:
        """A step that writes a file over `base`; its name is the path."""
        action = FileAction(-1 if base is None else 0, -1, 0, MkFile(path, 0o644, data, timestamp=-1))
        return self.add(path, FileOp((action,)), *([base] if base else []), fresh=fresh)

    def copy(self, path: str, origin: Input, base: Input) -> Input:
        action = FileAction(0, 1, 0, Copy(path, "/", mode=-1, timestamp=-1))
        return self.add(f"copy {path}", FileOp((action,)), base, origin)

    def local(self) -> Input:
        return self.add("context", SourceOp("local://context"))

    def merge(self, *inputs: Input) -> Input:
        return self.add("merge", MergeOp(tuple(map(InputIndex, range(len(inputs))))), *inputs)

    def definition(self, output: Input) -> Definition:
        return Definition(dict(self.vertices), output, dict(self.metadata))


@dataclass
class Done:
    """What came of a build."""

    ran: list[str]
    """Steps that were done, in order."""
    events: Watched
    layers: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, object] = field(default_factory=dict)


@dataclass
class World:
    """A folder with stores by name and a context."""

    folder: Path
    connect: Callable[[], Client] | None = None

    @contextmanager
    def opened(self, store: str, events: Watched | None = None) -> Iterator[Machine]:
        (self.folder / "context").mkdir(exist_ok=True)
        session = Session(contexts={"context": self.folder / "context"}, connect=self.connect)
        with (
            Store.open(self.folder / store) as opened,
            Machine(opened, session, events or Watched(), jobs=2) as machine,
        ):
            yield machine

    def build(
        self,
        store: str,
        definition: Definition,
        *,
        cache_from: Sequence[str] = (),
        cache_to: Sequence[str] = (),
        output: str = "",
        look: bool = True,
    ) -> Done:
        """As `executor.build` does it, without namespaces; `look` reads the files of the result."""
        events = Watched()
        with self.opened(store, events) as machine:
            machine.use_caches([parse_cache_from(text) for text in cache_from])
            plan = complete(
                [definition],
                machine,
                check=lambda plan: (
                    prove(outputs_of(plan, [definition]), machine, files=look) if look or output else None
                ),
            )
            (result,) = outputs_of(plan, [definition])
            assert isinstance(result, Tree)
            done = Done([name for name in events.runs if name in _names(plan)], events, result.layers)
            images: tuple[Image, ...] = (Image(AMD64, result.layers),)
            specs = [parse_cache_to(text) for text in cache_to]
            if any(spec.kind == "inline" for spec in specs):
                images = with_caches(images, plan, machine)
            if output:
                done.metadata = export([parse_output(output)], images, machine, BuildFacts())
            export_caches(specs, plan, images, machine)
            if look:
                with machine.store.view(result.layers) as view:
                    root = Path(view.path)
                    done.files = {
                        str(p.relative_to(root)): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()
                    }
        return done

    def blob(self, folder: str, digest: str) -> Path:
        return self.folder / folder / "blobs/sha256" / digest.removeprefix("sha256:")

    def manifest(self, folder: str, tag: str = "latest") -> dict[str, Any]:
        index = json.loads((self.folder / folder / "index.json").read_text())
        (entry,) = (e for e in index["manifests"] if e["annotations"]["org.opencontainers.image.ref.name"] == tag)
        found: dict[str, Any] = json.loads(self.blob(folder, entry["digest"]).read_text())
        return found

    def config(self, folder: str, tag: str = "latest") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.blob(folder, self.manifest(folder, tag)["config"]["digest"]).read_text()
        )
        return found


def _names(plan: Plan) -> set[str]:
    return {task.info.name for task in plan.tasks.values()}
