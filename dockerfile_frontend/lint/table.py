"""All rules by id, each loaded from its module when it is asked for, and the choice between them.

load("DL3007")                                 ──▶  Rule from dockerfile_frontend.lint.rules.dl3007
select(Selection(select=("DL",), ignore=("DL3008",)))  ──▶  ids that begin with DL, but for one
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import did_you_mean
from dockerfile_frontend.lint.model import OFF, SEVERITIES, WARNING
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockerfile_frontend.lint.model import Rule

REFERENCE = (
    "ConsistentInstructionCasing",
    "CopyIgnoredFile",
    "DuplicateStageName",
    "ExposeInvalidFormat",
    "ExposeProtoCasing",
    "FromAsCasing",
    "FromPlatformFlagConstDisallowed",
    "InvalidBaseImagePlatform",
    "InvalidDefaultArgInFrom",
    "InvalidDefinitionDescription",
    "JSONArgsRecommended",
    "LegacyKeyValueFormat",
    "MaintainerDeprecated",
    "MultipleInstructionsDisallowed",
    "NoEmptyContinuation",
    "RedundantTargetPlatform",
    "ReservedStageName",
    "SecretsUsedInArgOrEnv",
    "StageNameCasing",
    "UndefinedArgInFrom",
    "UndefinedVar",
    "WorkdirRelativePath",
)
"""The build checks of the reference."""

HADOLINT: tuple[str, ...] = (
    "DL1001",
    "DL3000",
    "DL3001",
    "DL3002",
    "DL3003",
    "DL3004",
    "DL3006",
    "DL3007",
    "DL3008",
    "DL3009",
    "DL3010",
    "DL3011",
    "DL3012",
    "DL3013",
    "DL3014",
    "DL3015",
    "DL3016",
    "DL3018",
    "DL3019",
    "DL3020",
    "DL3021",
    "DL3022",
    "DL3023",
    "DL3024",
    "DL3025",
    "DL3026",
    "DL3027",
    "DL3028",
    "DL3029",
    "DL3030",
    "DL3032",
    "DL3033",
    "DL3034",
    "DL3035",
    "DL3036",
    "DL3037",
    "DL3038",
    "DL3040",
    "DL3041",
    "DL3042",
    "DL3043",
    "DL3044",
    "DL3045",
    "DL3046",
    "DL3047",
    "DL3048",
    "DL3049",
    "DL3050",
    "DL3051",
    "DL3052",
    "DL3053",
    "DL3054",
    "DL3055",
    "DL3056",
    "DL3057",
    "DL3058",
    "DL3059",
    "DL3060",
    "DL3061",
    "DL3062",
    "DL3063",
    "DL3064",
    "DL3065",
    "DL3066",
    "DL3067",
    "DL4000",
    "DL4001",
    "DL4003",
    "DL4004",
    "DL4005",
    "DL4006",
)
"""Rules with hadolint's ids."""

SHELLCHECK_ID = re.compile(r"(?i)SC[0-9]{0,4}")
"""What ShellCheck finds has ids of its own, which stand in no list here; a beginning of one, down to SC, means several."""

OWN: tuple[str, ...] = (
    "DFC000",
    "DFC001",
    "DFC002",
    "DFC003",
    "DFC004",
    "DFC101",
    "DFC102",
    "DFC103",
    "DFC104",
    "DFC105",
    "DFC106",
    "DFC107",
    "DFC108",
    "DFC109",
    "DFC110",
    "DFC111",
    "DFC112",
    "DFC113",
    "DFC114",
    "DFC115",
    "DFC116",
    "DFC201",
    "DFC202",
    "DFC203",
    "DFC204",
    "DFC205",
    "DFC206",
    "DFC207",
    "DFC208",
    "DFC209",
    "DFC210",
    "DFC301",
    "DFC302",
    "DFC303",
    "DFC304",
    "DFC305",
)
"""Rules that are found here only."""

ALL = (*REFERENCE, *HADOLINT, *OWN)

GROUPS: Mapping[str, tuple[str, ...]] = {"ALL": ALL, "REFERENCE": REFERENCE, "HADOLINT": HADOLINT, "DFC": OWN}
"""Names for several rules at once; a beginning of an id, such as DL30, is another."""

FAULT = "DFC000"
"""The rule that reports what the compiler refuses."""


class UnknownRuleError(ValueError):
    """There is no rule of this name; `hint` may know which was meant."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no rule {name}")
        names = (*ALL, *GROUPS, *added_rules())
        near = did_you_mean(name, names, match_case=False)
        close = next((known for known in names if known.lower() == near.lower()), "") if near else ""
        self.hint = f"did you mean {close}?" if close else "dfc rules lists them"


class Selection(Record):
    """Which rules are wanted, and how grave their findings are. Names are ids, groups, or beginnings of ids."""

    select: tuple[str, ...] = ()
    """Only these; empty for all but those that are off by default."""
    extend: tuple[str, ...] = ()
    """These as well."""
    ignore: tuple[str, ...] = ()
    severity: tuple[tuple[str, str], ...] = ()
    """Name and severity; of two that mean one rule, the last counts. "off" ignores it."""


def module_of(rule: str) -> str:
    """The module of a rule: stage_name_casing, dl3007."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", rule).lower()


@cache
def load(rule: str) -> Rule:
    """The rule of this id."""
    if SHELLCHECK_ID.fullmatch(rule):
        return _beside(rule, "Found by ShellCheck", f"https://www.shellcheck.net/wiki/{rule}")
    if rule not in _KNOWN:
        return _beside(rule, added_rules().get(rule, "Found by the package of an instruction"))
    module = import_module(f"dockerfile_frontend.lint.rules.{module_of(rule)}")
    found: Rule = module.RULE
    return found


def _beside(code: str, summary: str, url: str = "") -> Rule:
    """A rule that stands in no module here."""
    from dockerfile_frontend.lint.model import WARNING, Rule  # noqa: PLC0415  the others bring it along
    from dockerfile_frontend.lint.shellcheck import no_check  # noqa: PLC0415  for its findings alone

    return Rule(code, code, summary, WARNING, no_check, bad="", good="", url=url)


def added_rules() -> Mapping[str, str]:
    """Rules of the packages that add instructions, with what each is about. Packages are looked for: ask when all else is unknown."""
    from dockerfile_frontend.instructions.plugins import declared_rules  # noqa: PLC0415  few have such packages

    return declared_rules()


def level_of_added(rule: str, selection: Selection) -> str | None:
    """The severity of a package's rule; None where it is not wanted."""

    def means(name: str) -> bool:
        whole = name.lower() == "all"
        return whole or (SHELLCHECK_ID.fullmatch(name) is None and rule.lower().startswith(name.lower()))

    levels = [level for name, level in selection.severity if means(name)]
    selected = not selection.select or any(map(means, (*selection.select, *selection.extend)))
    if not selected or any(map(means, selection.ignore)) or OFF in levels[-1:]:
        return None
    return levels[-1] if levels else WARNING


def expand_name(name: str) -> tuple[str, ...]:
    """The ids that a name means. Raises UnknownRuleError."""
    known = _BY_LOWER.get(name.lower())
    if known is not None:
        return (known,)
    if SHELLCHECK_ID.fullmatch(name):
        return (name.upper(),)
    group = GROUPS.get(name.upper())
    if group is not None:
        return group
    found = tuple([rule for rule in ALL if name and rule.lower().startswith(name.lower())])
    found = found or tuple([rule for rule in added_rules() if name and rule.lower().startswith(name.lower())])
    if not found:
        raise UnknownRuleError(name)
    return found


_KNOWN = frozenset(ALL)
_BY_LOWER = {rule.lower(): rule for rule in ALL}


def _expand(names: Iterable[str]) -> set[str]:
    return {rule for name in names for rule in expand_name(name)}


def severities(selection: Selection) -> dict[str, str]:
    """Ids of the rules to run, in order, with the severity of each; "" leaves it to the rule. Raises UnknownRuleError.

    A rule that is off by default runs when it is selected by its own id, or when a severity is given for it. What the compiler
    refuses is always reported: a file that cannot be read is not without findings.
    """
    given = {rule: level for name, level in selection.severity for rule in expand_name(name)}
    named = {_BY_LOWER.get(name.lower(), "") for name in (*selection.select, *selection.extend)}
    wanted = _expand(selection.select or ("ALL",)) | _expand(selection.extend) | {FAULT}
    wanted -= _expand(selection.ignore) - {FAULT}
    chosen: dict[str, str] = {}
    for rule in ALL:
        level = given.get(rule, "")
        if rule in wanted and level != OFF and (level or rule in named or rule not in OFF_BY_DEFAULT):
            chosen[rule] = level
    return chosen


OFF_BY_DEFAULT = frozenset({"DL1001", "DL3057", "DFC002", "DFC003", "DFC004", "DFC113", "DFC209", "DFC210", "DFC304"})
"""A test holds this against the rules themselves."""


def check_severity(level: str) -> str:
    """Raises ValueError."""
    if level not in (*SEVERITIES, OFF):
        raise ValueError(f"a severity is one of {', '.join((*SEVERITIES, OFF))}, not {level}")
    return level
