"""Instructions, understood: one record each, and the stages they form.

    COPY --from=build --link /a /b     Copy(sources=("/a",), dest="/b", from_="build", link=True)

Variables in them are still as written; `expansion` says which fields hold some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ir_schema.record import Record

if TYPE_CHECKING:
    from dockerfile_frontend.source import Span
    from dockerfile_frontend.syntax.directives import Directive


class Lines(Record):
    """The physical lines of an instruction, heredocs included."""

    first: int
    last: int


class KeyValue(Record):
    """name=value, or the old form without the sign."""

    key: str
    value: str
    legacy: bool = False

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class InlineFile(Record):
    """A heredoc that stands for a file."""

    name: str
    data: str
    expand: bool = True
    """Variables in it are expanded (COPY and ADD)."""
    chomp: bool = False
    """Leading tabs are to be taken off (RUN; COPY and ADD have done it)."""


class Instruction(Record):
    """What all instructions have."""

    keyword: str
    """As written; the reference prints it back."""
    code: str
    """The instruction on one line, continuations joined, heredocs left out."""
    lines: Lines
    comments: tuple[str, ...]
    span: Span


class Command(Instruction):
    """A command line: JSON form, or text for a shell."""

    words: tuple[str, ...]
    """The arguments in JSON form; else one text, or none."""
    shell: bool
    """A shell runs it: it was not in JSON form."""
    files: tuple[InlineFile, ...] = ()


class Files(Instruction):
    """What COPY and ADD have in common."""

    sources: tuple[str, ...]
    dest: str
    contents: tuple[InlineFile, ...] = ()
    """Heredocs among the sources."""
    chown: str = ""
    chmod: str = ""
    link: bool = False
    exclude: tuple[str, ...] = ()


class Add(Files):
    """ADD: files, archives, URLs and git repositories."""

    checksum: str = ""
    keep_git_dir: bool | None = None
    unpack: bool | None = None
    """None where the flag is not given."""


class Arg(Instruction):
    """ARG: build args and their defaults."""

    args: tuple[ArgDeclaration, ...]


class ArgDeclaration(Record):
    """One name of an ARG."""

    key: str
    value: str | None = None
    """None without a default."""
    description: str = ""
    """From a comment above, "# name text"."""


class Cmd(Command):
    """CMD: the default command."""


class Copy(Files):
    """COPY: files of the build context or of another stage."""

    from_: str = ""
    parents: bool = False


class Entrypoint(Command):
    """ENTRYPOINT."""


class Env(Instruction):
    """ENV."""

    pairs: tuple[KeyValue, ...]


class Expose(Instruction):
    """EXPOSE: ports, sorted."""

    ports: tuple[str, ...]


class From(Instruction):
    """FROM: begins a stage."""

    base: str
    name: str = ""
    """Lower case; empty without AS."""
    platform: str = ""
    description: str = ""
    as_word: str = ""
    """AS as written, and the name as written, for findings about their case."""
    name_word: str = ""


class Healthcheck(Instruction):
    """HEALTHCHECK. Durations in nanoseconds; 0 takes the default."""

    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class Label(Instruction):
    """LABEL."""

    pairs: tuple[KeyValue, ...]


class Maintainer(Instruction):
    """MAINTAINER, which LABEL replaces."""

    name: str


class Onbuild(Instruction):
    """ONBUILD: an instruction for images built on this one."""

    expression: str
    """The trigger as text, heredocs included."""


class Run(Command):
    """RUN."""

    mounts: tuple[str, ...] = ()
    """Values of --mount, as written: variables in them are expanded before their options are read."""
    mount_sources: tuple[str, ...] = ()
    """What each mount's option from names."""
    mount_spans: tuple[tuple[Span, ...], ...] = ()
    """Where each mount's options stand, one by one."""
    devices: tuple[str, ...] = ()
    """Values of --device, which the stable channel reads and then refuses."""
    network: str = "default"
    security: str = "sandbox"
    flags_used: tuple[str, ...] = ()


class Shell(Instruction):
    """SHELL: what runs the shell form."""

    shell: tuple[str, ...]


class StopSignal(Instruction):
    """STOPSIGNAL."""

    signal: str


class User(Instruction):
    """USER."""

    user: str


class Volume(Instruction):
    """VOLUME."""

    volumes: tuple[str, ...]


class Workdir(Instruction):
    """WORKDIR."""

    path: str


class Stage(Record):
    """A FROM and what follows it."""

    from_: From
    instructions: tuple[Instruction, ...] = ()


class ParsedDockerfile(Record):
    """A Dockerfile: what stands before the first FROM, and the stages."""

    meta_args: tuple[Arg, ...]
    stages: tuple[Stage, ...]
    escape: str = "\\"
    directives: tuple[Directive, ...] = ()
    blank_continuations: tuple[tuple[int, int], ...] = ()
    """For each continued line with an empty line in it: the last line before its heredocs."""
