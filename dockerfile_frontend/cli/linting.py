"""What `dfc lint` wants of each file: its flags, and the configuration that holds there.

plans = Plans({"select": ("DL",), …})
plans.of("app/Dockerfile")           Plan(Wishes(…), fail_level "warning")
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TextIO

from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.fixing import wanted_fixes
from dockerfile_frontend.lint.model import INFO
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.lint.config.model import Config
    from dockerfile_frontend.lint.images import Images
    from dockerfile_frontend.lint.run import Wishes
    from dockerfile_frontend.lint.table import Selection


class Plan(Record):
    """What holds for one file."""

    wishes: Wishes
    fail_level: str


class Plans:
    """Made of the flags; every method raises Fault for what cannot be followed."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        from dockerfile_frontend.lint.config.find import Configs  # noqa: PLC0415  `--help` needs none
        from dockerfile_frontend.lint.config.model import ConfigError  # noqa: PLC0415  the same

        self._given = given
        self._selection = selection_of(given)
        self._options = options_of(given)
        self._images = images_of(given)
        if given["config"] is not None and given["isolated"]:
            raise Fault("--config names a configuration, --isolated wants none", code=EXIT_USAGE)
        self._plans: dict[tuple[str, Selection], Plan] = {}
        try:
            self._configs = Configs(given["config"], isolated=given["isolated"])
        except ConfigError as error:
            raise Fault(str(error), hint=error.hint, code=EXIT_USAGE) from None

    def config(self, path: str) -> Config:
        from dockerfile_frontend.lint.config.model import ConfigError  # noqa: PLC0415  loaded already

        try:
            return self._configs.of(path)
        except ConfigError as error:
            raise Fault(str(error), hint=error.hint, code=EXIT_USAGE) from None

    def of(self, path: str) -> Plan:
        """Files of which the same is wanted share their plan."""
        from dockerfile_frontend.lint.config.find import selection_for  # noqa: PLC0415  loaded already

        config = self.config(path)
        selection = selection_for(config, path, self._selection)
        key = (config.path, selection)
        if key not in self._plans:
            self._plans[key] = self._make(config, selection)
        return self._plans[key]

    def _make(self, config: Config, selection: Selection) -> Plan:
        from dockerfile_frontend.lint.run import Wishes  # noqa: PLC0415  `--help` needs no compiler

        given = self._given
        wishes = Wishes(
            selection,
            config.settings,
            self._options,
            self._images,
            given["context"],
            inline=config.inline and not given["no_inline"],
            shellcheck=self._shellcheck(config, selection),
            fixes=wanted_fixes(given),
            write=not given["diff"],
        )
        return Plan(wishes, given["fail_level"] or config.fail_level or INFO)

    def _shellcheck(self, config: Config, selection: Selection) -> str:
        """The program, where a flag or the configuration asks for it, or rules of it are selected."""
        wanted = self._given["shellcheck"] if self._given["shellcheck"] is not None else config.shellcheck
        if wanted is None:
            wanted = any(name.upper().startswith("SC") for name in (*selection.select, *selection.extend))
        if not wanted:
            return ""
        from dockerfile_frontend.lint.shellcheck import find_program  # noqa: PLC0415  only where it is asked for

        program = find_program()
        if program is None:
            hint = "pip install 'dockerfile-frontend[shellcheck]', or the system's package"
            raise Fault("there is no shellcheck to ask", hint=hint, code=EXIT_USAGE)
        return program

    def form(self) -> str:
        """The report's format: one for all files, that of the folder where the command is called."""
        form: str = self._given["form"] or self.config("Dockerfile").form or "text"
        return form

    def color(self, out: TextIO) -> bool:
        wanted = self._given["color"]
        if wanted != "auto":
            return bool(wanted == "always")
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return False
        return out.isatty() and self.config("Dockerfile").color is not False


def selection_of(given: Mapping[str, Any]) -> Selection:
    """What the flags say of rules. Raises Fault for a rule that there is not."""
    from dockerfile_frontend.lint.table import Selection, UnknownRuleError, check_severity, severities  # noqa: PLC0415

    levels = []
    for pair in given["severity"]:
        name, _, level = pair.partition("=")
        try:
            levels.append((name, check_severity(level)))
        except ValueError as error:
            raise Fault(f"--severity takes RULE=LEVEL: {error}", code=EXIT_USAGE) from None
    chosen, extended, ignored = (names_in(given[flag]) for flag in ("select", "extend_select", "ignore"))
    selection = Selection(chosen, extended, ignored, tuple(levels))
    try:
        severities(selection)
    except UnknownRuleError as error:
        raise Fault(str(error), hint=error.hint, code=EXIT_USAGE) from None
    return selection


def names_in(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def images_of(given: Mapping[str, Any]) -> Images:
    """What is known about base images: nothing, unless a flag says where to ask."""
    from dockerfile_frontend.lint.images import Images  # noqa: PLC0415  `--help` needs none

    if not (given["resolve"] or given["recorded"] or given["images"]):
        return Images()
    from dockerfile_frontend.cli.resolving import make  # noqa: PLC0415  brings the resolvers

    return Images(make({**given, "offline": not given["resolve"]}, {}))


def options_of(given: Mapping[str, Any]) -> CompileOptions:
    """Raises Fault."""
    from dockerfile_frontend.cli.contexts import parse_contexts  # noqa: PLC0415  `--help` needs none
    from dockerfile_frontend.cli.options import frontend_options  # noqa: PLC0415  loaded already
    from dockerfile_frontend.compiler.options import parse_options  # noqa: PLC0415  `--help` needs no compiler
    from dockerfile_frontend.diagnostics import DockerfileError  # noqa: PLC0415  the same

    try:
        return parse_options({**parse_contexts(given["build_context"]).options, **frontend_options(given)})
    except DockerfileError as error:
        raise Fault(str(error), hint=error.hint, code=EXIT_USAGE) from None
