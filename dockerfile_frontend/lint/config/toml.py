"""Our own settings, in TOML: `[tool.dfc.lint]` of a pyproject.toml, `[lint]` of a .dfc.toml.

read_table("pyproject.toml", text, ("tool", "dfc", "lint"))  ──▶  Config, or None where the file has no such table
"""

from __future__ import annotations

import re
from typing import Any

from dockerfile_frontend.lint.config.model import Config, ConfigError, PathRules
from dockerfile_frontend.lint.config.values import Entries
from dockerfile_frontend.lint.model import OFF, SEVERITIES, Settings
from dockerfile_frontend.lint.report.table import FORMATS


def read_table(path: str, text: str, table: tuple[str, ...]) -> Config | None:
    """Raises ConfigError."""
    import tomllib  # noqa: PLC0415  most calls have no configuration

    try:
        found: Any = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = re.search(r"line (\d+)", str(error))
        raise ConfigError(path, int(line[1]) if line else 0, f"is no TOML: {error}") from None
    for name in table:
        found = found.get(name) if isinstance(found, dict) else None
        if found is None:
            return None
    lines = Lines(text, table)
    return _config(Entries(path, found, lines, ".".join(table), lines(table[-1])))


def _config(entries: Entries) -> Config:
    severity = _severity(entries)
    per_path = entries.inner("per-path")
    config = Config(
        entries.path,
        entries.rules("select"),
        entries.rules("extend-select"),
        entries.rules("ignore"),
        severity,
        entries.choice("fail-level", (*SEVERITIES, "none")),
        entries.choice("format", tuple(FORMATS)),
        entries.flag("color"),
        entries.flag("inline") is not False,
        entries.flag("shellcheck"),
        Settings(
            entries.texts("trusted-registries"), entries.labels("label-schema"), bool(entries.flag("strict-labels"))
        ),
        tuple([_per_path(per_path, pattern) for pattern in per_path.table]) if per_path else (),
    )
    entries.rest()
    return config


def _severity(entries: Entries) -> tuple[tuple[str, str], ...]:
    levels = entries.inner("severity")
    pairs = levels.table.items() if levels else ()
    found = []
    for name, level in pairs:
        entries.known(name, (name,))
        found.append((name, entries.one_of(name, level, (*SEVERITIES, OFF))))
    return tuple(found)


def _per_path(tables: Entries, pattern: str) -> PathRules:
    inner = tables.inner(pattern)
    if inner is None:
        return PathRules(pattern)
    rules = PathRules(pattern, inner.rules("extend-select"), inner.rules("ignore"), _severity(inner))
    inner.rest()
    return rules


class Lines:
    """Lines of keys, which the TOML reader does not tell: where a key, or a table of that name, first stands in the section."""

    def __init__(self, text: str, table: tuple[str, ...]) -> None:
        self._text = text
        section = re.search(rf"(?m)^\s*\[\s*{_dotted(table)}\s*[.\]]", text)
        self._start = section.start() if section else 0

    def __call__(self, key: str) -> int:
        name = rf"(?:{re.escape(key)}|\"{re.escape(key)}\"|'{re.escape(key)}')"
        found = re.compile(
            rf"(?m)^\s*(?:{name}\s*[=.]|\[(?:[^\n]*[.\s])?{name}\s*[.\]]|[^\n#]*[{{,.]\s*{name}\s*=)"
        ).search(self._text, self._start)
        if found is None:
            return self._text.count("\n", 0, self._start) + 1
        at = found.start() + len(found[0]) - len(found[0].lstrip())
        return self._text.count("\n", 0, at) + 1


def _dotted(table: tuple[str, ...]) -> str:
    return r"\s*\.\s*".join(rf"[\"']?{re.escape(name)}[\"']?" for name in table)
