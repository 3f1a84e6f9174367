"""What a lowering may ask for beside the instruction and the state: one Context a stage, one Build for all.

ctx.build.options.shm_size, ctx.stage.no_cache, ctx.expand(word, at, instruction), ctx.source(0, at)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dockerfile_frontend.diagnostics import DockerfileError, did_you_mean
from dockerfile_frontend.semantics.args import NOT_IN_ENVIRONMENT
from dockerfile_frontend.syntax.words import WordError, expand
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.compiler.graph import Edge
    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.instructions.model import Instruction
    from dockerfile_frontend.semantics.findings import Findings
    from dockerfile_frontend.semantics.ignore import IgnoreMatcher
    from dockerfile_frontend.semantics.layered import Layered
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.stages import PlannedStage
    from ir_schema import ops


class Build(Record):
    """What is the same for all stages of one platform."""

    options: CompileOptions
    build_args: Mapping[str, str]
    global_args: Layered
    escape: str
    target_platform: Platform
    exec_platform: ops.Platform
    """The target platform, as ops hold it."""
    implied_platform: bool
    """Nobody asked for the target platform."""
    created: str | None
    """SOURCE_DATE_EPOCH as history writes it, and in nanoseconds for what instructions make."""
    timestamp: int
    proxy: ops.ProxyEnv | None
    context: Edge
    """The build context; what it sends is settled when everything is lowered."""
    exclude: tuple[str, ...]
    """Patterns of the build context's ignore file."""
    ignore: IgnoreMatcher | None
    findings: Findings
    seed: str
    """Ids that have to differ between builds are made of it."""

    def lacks(self, capability: str) -> bool:
        return capability in self.options.unsupported

    @property
    def multi_platform(self) -> bool:
        return self.options.multi()


class Context(NamedTuple):
    """What one instruction sees."""

    build: Build
    stage: PlannedStage
    finished: Mapping[int, StageState]
    """By number, the stages that are lowered."""
    sources: tuple[int, ...] = ()
    """Stages that the instruction reads: see `semantics.stages.Step`."""
    trigger: bool = False
    """The instruction came with ONBUILD."""

    def source(self, place: int, at: StageState) -> StageState | None:
        """A stage that the instruction reads, or None if it is not lowered yet."""
        index = self.sources[place]
        return at if index == self.stage.index else self.finished.get(index)

    def expand(self, word: str, at: StageState, instruction: Instruction) -> str:
        """A word with its variables replaced. Raises DockerfileError."""
        try:
            found = expand(word, at.env, self.build.escape)
        except WordError as error:
            raise DockerfileError(str(error), code="word") from None
        if found.unmatched:
            self.report_undefined(found.unmatched, at, instruction)
        return found.result

    def expand_raw(self, text: str, at: StageState, instruction: Instruction) -> str:
        """A document with its variables replaced; quotes in it are ordinary characters."""
        try:
            found = expand(text, at.env, "\\", skip_quotes=True)
        except WordError as error:
            raise DockerfileError(str(error), code="word") from None
        if found.unmatched:
            self.report_undefined(found.unmatched, at, instruction)
        return found.result

    def report_undefined(self, unmatched: frozenset[str], at: StageState, instruction: Instruction) -> None:
        for name in sorted(unmatched):
            if name not in at.args and name not in NOT_IN_ENVIRONMENT:
                near = did_you_mean(name, at.env)
                message = f"Usage of undefined variable '${name}'" + (f" (did you mean ${near}?)" if near else "")
                self.build.findings.warn("UndefinedVar", message, instruction)
