"""What a frontend is asked, what it answers, and what it can ask for meanwhile.

request.base("alpine:3.22")           ──▶  Base(root, image): the image's files, and its config
request.context("src", "Makefile")    ──▶  these paths of the build context
request.step(ExecOp(…), root)         ──▶  an op of `ir_schema` at its place in the graph
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Edge, Node, marshal
from dockerfile_frontend.compiler.ids import unique_id
from dockerfile_frontend.compiler.image import Image, empty_image, finished_image, read_image
from dockerfile_frontend.compiler.metadata import FILE_CAPS, caps_of, described, internal
from dockerfile_frontend.compiler.remote import main_context
from dockerfile_frontend.compiler.result import CompiledTarget, OutlineFacts, checked
from dockerfile_frontend.compiler.sources import LocalWish, image_source, local_source, op_platform, paths_to_follow
from dockerfile_frontend.diagnostics import Diagnostic, DockerfileError
from dockerfile_frontend.instructions.model import Lines
from dockerfile_frontend.semantics.platforms import normalize_platform
from dockerfile_frontend.semantics.references import InvalidReferenceError, parse_reference
from dockerfile_frontend.semantics.resolver import ResolveError
from dockerfile_frontend.source import Span
from ir_schema.ops import ExecOp, FileOp
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import Resolver
    from ir_schema.ops import Body, SourceInfo

SCRATCH = "scratch"
_CONTEXT = "context"


class Base(Record):
    """An image to build on."""

    root: Edge | None
    """Its files; None for scratch, which has none."""
    image: Image
    """Its config: `_replace` makes another of it."""


class Built(Record):
    """A frontend's answer."""

    root: Edge | None
    """The files of the result; None is an empty image."""
    image: Image
    """The config of the image."""


class Request:
    """One platform's build."""

    def __init__(self, source: SourceInfo, options: CompileOptions, platform: Platform, resolver: Resolver) -> None:
        self.source = source
        """The file that says what to build: its name and its bytes."""
        self.options = options
        """Everything the caller asked for: build args, target, labels, …"""
        self.platform = platform
        """What the image is to run on."""
        self.warnings: list[Diagnostic] = []
        self._resolver = resolver

    @property
    def text(self) -> str:
        """The file's text. Raises DockerfileError for one that is not UTF-8."""
        try:
            return self.source.data.decode()
        except UnicodeDecodeError as error:
            line = self.source.data.count(b"\n", 0, error.start) + 1
            raise DockerfileError(f"{self.source.filename} is not UTF-8", Span(line), code="not-utf-8") from None

    def base(self, ref: str, line: int = 0) -> Base:
        """The image called `ref`, pinned to its digest, or nothing for "scratch". Raises DockerfileError at `line`."""
        if ref == SCRATCH:
            return Base(None, empty_image(self.platform))
        place = Span(line) if line else None
        try:
            wanted = parse_reference(ref).tagged
            found = self._resolver.resolve_image(str(wanted), self.platform, self.options.resolve_mode)
            known = parse_reference(found.ref)
        except (InvalidReferenceError, ResolveError) as error:
            raise DockerfileError(f"{ref}: {error}", place, code="unresolved") from None
        pinned = str((known.pinned(found.digest) if found.digest else known).tagged)
        image = read_image(found.config)
        node = image_source(pinned, self.platform, f"{ref}", lines=_lines(line))
        return Base(Edge(node), image._replace(created=""))

    def context(self, *paths: str, exclude: Sequence[str] = ()) -> Edge:
        """The build context: these paths of it, or all. `exclude` are patterns as .dockerignore has them."""
        given = self.options.inputs.get(_CONTEXT)
        if given is not None:
            return main_context(given)
        session = self.options.local_sessions.get(_CONTEXT, self.options.session)
        unique = self.options.unique_id or unique_id(self.source.filename, "local")
        wish = LocalWish(
            _CONTEXT, _CONTEXT, session, unique, tuple(exclude), paths_to_follow(f"/{path}" for path in paths)
        )
        return Edge(local_source(wish, internal("load build context")))

    def step(self, body: Body, *inputs: Edge | None, title: str = "", line: int = 0) -> Edge:
        """An op that reads `inputs`, which its body names by number; None, which stands for no files, is left out.

        `title` is shown in progress, `line` is where the file asks for it.
        """
        caps = FILE_CAPS if isinstance(body, FileOp) else caps_of()
        platform = None
        if isinstance(body, ExecOp):
            caps, platform = caps_of("exec.meta.base", "exec.mount.bind"), op_platform(self.platform)
        given = tuple(edge for edge in inputs if edge is not None)
        return Edge(
            Node(body, given, described(title or type(body).__name__, caps), platform=platform, lines=_lines(line))
        )

    def warn(self, message: str, line: int = 0, *, code: str = "Warning") -> None:
        """Tell whoever watches the build."""
        self.warnings.append(Diagnostic(message, Span(line) if line else None, code, severity="warning"))


def _lines(line: int) -> Lines | None:
    return Lines(line, line) if line else None


def compile_with(build: Callable[[Request], Built], request: Request) -> CompiledTarget:
    """What a frontend makes of a request, as the Dockerfile's compiler would hand it on. Raises DockerfileError."""
    built = build(request)
    definition = checked(marshal(built.root, {}, request.source))
    implied = not request.options.platforms
    image = finished_image(built.image, request.platform, request.options.labels, implied=implied)
    return CompiledTarget(request.platform, definition, image, None, None, OutlineFacts(0, {}, {}))


def platforms_of(options: CompileOptions) -> tuple[Platform, ...]:
    """A request each."""
    return tuple(map(normalize_platform, options.platforms or (options.build_platform,)))
