"""What a rule sees of a Dockerfile, made once a file and only as far as it is asked for.

    file = LintFile(SourceFile("Dockerfile", text), data)
    for step, run in file.each(Run):        every RUN, those behind ONBUILD among them
        step.before.shell                   ("/bin/bash", "-c") if a SHELL above, or in the stage continued, says so
        step.stage.reachable                whether the last stage needs it
        step.flag_span("mount")             where it stands, with columns
    file.checked.warnings                   what the compiler found

The evaluation here is lenient where the compiler stops: a variable without a value stays as it is written (`$X`), an
instruction that cannot be read is a step without an `instruction`, and the rest of the file goes on.
"""

from __future__ import annotations

from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from dockerfile_frontend.compiler.driver import CheckResult, check_dockerfile
from dockerfile_frontend.compiler.options import CompileOptions
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.instructions.plugins import KINDS
from dockerfile_frontend.lint.images import Images
from dockerfile_frontend.lint.model import Settings
from dockerfile_frontend.lint.stages import evaluate
from dockerfile_frontend.lint.steps import Step, behind_onbuild, read_node
from dockerfile_frontend.syntax.parser import parse_tree

_number = itemgetter(0)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dockerfile_frontend.instructions.model import Instruction
    from dockerfile_frontend.lint.stages import Evaluated, StageFacts
    from dockerfile_frontend.lint.suppress import Ignore, Unused
    from dockerfile_frontend.semantics.context_files import ContextReader
    from dockerfile_frontend.semantics.layered import Layered
    from dockerfile_frontend.source import SourceFile
    from dockerfile_frontend.syntax.tree import Tree

    Kind = TypeVar("Kind", bound=Instruction)
    Made = TypeVar("Made")


class LintFile:
    """A Dockerfile as rules see it. Never raises for what the file holds: `fault` has what the compiler refuses."""

    def __init__(
        self,
        source: SourceFile,
        data: bytes,
        options: CompileOptions | None = None,
        images: Images | None = None,
        reader: ContextReader | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.source = source
        self.data = data
        self.options = options or CompileOptions()
        self.images = images or Images()
        self.settings = settings or Settings()
        self.unused_ignores: tuple[Unused, ...] = ()
        """Set when all other rules have run."""
        self._reader = reader
        self._made: dict[object, Any] = {}

    @cached_property
    def tree(self) -> Tree | None:
        """None when the lines cannot even be told apart."""
        try:
            return parse_tree(self.data)
        except DockerfileError:
            return None

    @property
    def escape(self) -> str:
        return self.tree.escape if self.tree else "\\"

    @cached_property
    def checked(self) -> CheckResult:
        """What the compiler finds: warnings, those that comments switch off, and the fault that ends the search."""
        return check_dockerfile(self.data, self.options, self.images, self._reader, self.tree)

    @property
    def context_folder(self) -> str | None:
        """Where the build context lies; None where nobody said."""
        return getattr(self._reader, "context", None)

    @property
    def fault(self) -> DockerfileError | None:
        return self.checked.error

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Every instruction in order, FROM and ARGs before it among them; those behind ONBUILD are not."""
        return self._evaluated.steps

    def _steps(self) -> tuple[Step, ...]:
        nodes = self.tree.nodes if self.tree else ()
        return tuple(
            [Step(node, read, index) for index, (node, read) in enumerate(zip(nodes, self._read(), strict=True))]
        )

    def _read(self) -> Iterator[Instruction | None]:
        """The instructions of all nodes: the compiler's, where it could read them all."""
        parsed = self.checked.parsed  # made first: reading the file is what loads packages
        if parsed is not None and not KINDS:  # with packages' instructions there, one may stand for several
            yield from parsed.meta_args
            for stage in parsed.stages:
                yield stage.from_
                yield from stage.instructions
            return
        for node in self.tree.nodes if self.tree else ():
            yield read_node(node)

    @cached_property
    def _evaluated(self) -> Evaluated:
        return evaluate(self._steps(), self)

    @property
    def stages(self) -> tuple[StageFacts, ...]:
        return self._evaluated.stages

    @property
    def global_args(self) -> Layered:
        """Args before the first FROM by name, and those the platform gives; one without a value is missing."""
        return self._evaluated.global_args

    @property
    def preamble(self) -> tuple[Step, ...]:
        """What stands before the first FROM."""
        return self._evaluated.preamble

    @cached_property
    def _by_kind(self) -> dict[type[Instruction], list[tuple[int, Step, Any]]]:
        """Instructions of the stages, and those behind ONBUILD, numbered in order."""
        found: dict[type[Instruction], list[tuple[int, Step, Any]]] = {}
        number = 0
        for stage in self.stages:
            for outer in stage.steps:
                for step in (outer, behind_onbuild(outer)):
                    if step is not None and step.instruction is not None:
                        found.setdefault(type(step.instruction), []).append((number, step, step.instruction))
                        number += 1
        return found

    @cached_property
    def ignores(self) -> tuple[Ignore, ...]:
        """Comments that switch rules off."""
        from dockerfile_frontend.lint.suppress import read_ignores  # noqa: PLC0415  it reads the facts

        return read_ignores(self)

    def each(self, *kinds: type[Kind], onbuild: bool = True) -> Iterator[tuple[Step, Kind]]:
        """Instructions of these kinds in all stages, in order, each with its step; with `onbuild`, those behind ONBUILD, too."""
        found = self._by_kind
        fitting = [found[kind] for kind in found if issubclass(kind, kinds)]
        entries = fitting[0] if len(fitting) == 1 else sorted([e for some in fitting for e in some], key=_number)
        for _, step, instruction in entries:
            if onbuild or step.onbuild is None:
                yield step, instruction

    def once(self, key: object, make: Callable[[], Made]) -> Made:
        """What `make` gives, made once a file: for what several rules ask."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made
