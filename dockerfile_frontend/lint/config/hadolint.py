"""hadolint's settings, .hadolint.yaml: all its keys, with their meaning there.

ignored: [DL3008]
override: {error: [DL3002]}        Config(ignore=("DL3008",), severity=(("DL3002", "error"),), …)
trustedRegistries: docker.io
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockerfile_frontend.lint.config.model import Config, ConfigError
from dockerfile_frontend.lint.config.values import Entries
from dockerfile_frontend.lint.model import INFO, SEVERITIES, STYLE, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = {
    "tty": "text",
    "json": "json",
    "checkstyle": "checkstyle",
    "codeclimate": "codeclimate",
    "gitlab_codeclimate": "gitlab",
    "gnu": "gnu",
    "sarif": "sarif",
    "junit": "junit",
}
_NOT_WRITTEN = ("codacy", "sonarqube")
_THRESHOLDS = {**{level: level for level in SEVERITIES}, "ignore": STYLE, "none": STYLE}
"""hadolint exits with 1 for any finding at all when the threshold is ignore or none."""


def read_yaml(path: str, text: str) -> Config:
    """Raises ConfigError."""
    import yaml  # noqa: PLC0415  for this file alone

    try:
        root = yaml.compose(text, yaml.SafeLoader)
        found: Any = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        nested = "it nests too deeply" if isinstance(error, RecursionError) else str(error).partition("\n")[0]
        what = getattr(error, "problem", None) or nested
        raise ConfigError(path, mark.line + 1 if mark else 0, f"is no YAML: {what}") from None
    return Config(path) if found is None else _config(Entries(path, found, _lines(root), line=1))


def _lines(root: Any) -> Callable[[str], int]:  # noqa: ANN401  the library has no types
    """Lines of the keys: of the outer table, and of those in it."""
    lines: dict[str, int] = {}
    tables = [root]
    for number, table in enumerate(tables):
        for key, value in table.value if type(table).__name__ == "MappingNode" else ():
            lines.setdefault(str(key.value), key.start_mark.line + 1)
            if number == 0:
                tables.append(value)
    return lambda key: lines.get(key, 1)


def _config(entries: Entries) -> Config:
    override = entries.inner("override")
    severity: list[tuple[str, str]] = []
    for level in SEVERITIES:
        severity += [(rule, level) for rule in (override.rules(level, lenient=True) if override else ())]
    if override:
        override.rest()
    written = entries.choice("format", (*FORMATS, *_NOT_WRITTEN))
    if written in _NOT_WRITTEN:
        raise entries.fault("format", f"the format {written} is not written here", f"there are {', '.join(FORMATS)}")
    threshold = entries.choice("failure-threshold", tuple(_THRESHOLDS))
    no_fail = entries.flag("no-fail")
    config = Config(
        entries.path,
        ignore=entries.rules("ignored", lenient=True),
        severity=tuple(severity),
        fail_level="none" if no_fail else _THRESHOLDS[threshold or INFO],
        form=FORMATS[written] if written else None,
        color=False if entries.flag("no-color") else None,
        inline=not entries.flag("disable-ignore-pragma"),
        settings=Settings(
            entries.texts("trustedRegistries", one=True),
            entries.labels("label-schema"),
            bool(entries.flag("strict-labels")),
        ),
    )
    entries.rest()
    return config
