"""What a configuration file says, whichever it is.

[tool.dfc.lint]
ignore = ["DL3008"]                         Config(ignore=("DL3008",), …)
[tool.dfc.lint.per-path."tests/**"]
ignore = ["DFC"]                            Config(per_path=(PathRules("tests/**", ignore=("DFC",)),))
"""

from __future__ import annotations

from dockerfile_frontend.lint.model import Settings
from ir_schema.record import Record


class PathRules(Record):
    """What holds for some files on top of the rest."""

    pattern: str
    """A name or folder anywhere below the configuration file; with a slash in it, a path from there."""
    extend: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: tuple[tuple[str, str], ...] = ()


class Config(Record):
    """A configuration file's settings; None where it does not say."""

    path: str = ""
    """Empty where there is none."""
    select: tuple[str, ...] = ()
    extend: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: tuple[tuple[str, str], ...] = ()
    fail_level: str | None = None
    form: str | None = None
    color: bool | None = None
    inline: bool = True
    shellcheck: bool | None = None
    settings: Settings = Settings()
    per_path: tuple[PathRules, ...] = ()


class ConfigError(ValueError):
    """A configuration file that cannot be followed; `str(error)` begins with the file and the line."""

    def __init__(self, path: str, line: int, message: str, hint: str = "") -> None:
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")
        self.hint = hint
