"""The configuration file that holds for a Dockerfile: the nearest one, from its folder upward.

    configs = Configs()
    configs.of("app/Dockerfile")          app/.dfc.toml, else app/pyproject.toml, else app/.hadolint.yaml, else those of the folder above
    configs.rules_for("tests/Dockerfile")    the rules chosen there, its per-path settings among them

Files are not merged. A pyproject.toml without a table of ours, and a .dfc.toml without [lint], are none.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.config.model import Config, ConfigError
from dockerfile_frontend.lint.table import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LARGEST = 1 << 20
"""Bytes of a configuration file."""


def _read_toml(path: str, text: str, table: tuple[str, ...]) -> Config | None:
    from dockerfile_frontend.lint.config.toml import read_table  # noqa: PLC0415  most calls have no configuration

    if table[-1] not in text:
        return None
    return read_table(path, text, table)


def _read_yaml(path: str, text: str) -> Config | None:
    from dockerfile_frontend.lint.config.hadolint import read_yaml  # noqa: PLC0415  the same

    return read_yaml(path, text)


READERS: Mapping[str, Callable[[str, str], Config | None]] = {
    ".dfc.toml": partial(_read_toml, table=("lint",)),
    "pyproject.toml": partial(_read_toml, table=("tool", "dfc", "lint")),
    ".hadolint.yaml": _read_yaml,
    ".hadolint.yml": _read_yaml,
}
"""By name, the first of a folder counts."""


class Configs:
    """Configurations by folder, each read once."""

    def __init__(self, given: str | None = None, *, isolated: bool = False) -> None:
        """`given` is a file that holds for all; `isolated` looks for none. Raises ConfigError."""
        self._by_folder: dict[str, Config] = {}
        self._given = Config() if isolated else read_config(given) if given is not None else None

    def of(self, path: str) -> Config:
        """Raises ConfigError."""
        if self._given is not None:
            return self._given
        return self._in(os.path.dirname(os.path.abspath(path)))

    def _in(self, folder: str) -> Config:
        passed = []
        found = None
        while found is None:
            found = self._by_folder.get(folder)
            if found is None:
                passed.append(folder)
                above = os.path.dirname(folder)
                found = _in_folder(folder) or (Config() if above == folder else None)
                folder = above
        self._by_folder.update(dict.fromkeys(passed, found))
        return found


def _in_folder(folder: str) -> Config | None:
    for name, read in READERS.items():
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            config = read(_shown(path), _text(path))
            if config is not None:
                return replace(config, path=path)
    return None


def read_config(path: str) -> Config:
    """The configuration in a file that is named; its name says of which kind it is. Raises ConfigError."""
    name = os.path.basename(path)
    reader = READERS.get(name)
    if reader is None and name.endswith((".yaml", ".yml")):
        reader = _read_yaml
    if reader is None and name.endswith(".toml"):
        reader = READERS[".dfc.toml"]
    if reader is None:
        raise ConfigError(path, 0, "is no configuration by its name", "a .toml, a pyproject.toml, or hadolint's .yaml")
    config = reader(path, _text(path))
    if config is None:
        table = "tool.dfc.lint" if name == "pyproject.toml" else "lint"
        raise ConfigError(path, 0, f"has no table [{table}]")
    return replace(config, path=os.path.abspath(path))


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(_shown(path), 0, f"cannot be read: {error.strerror or error}") from None
    if len(data) > LARGEST:
        raise ConfigError(_shown(path), 0, "is larger than 1 MiB, which no configuration is")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(_shown(path), data.count(b"\n", 0, error.start) + 1, "is not UTF-8") from None


def _shown(path: str) -> str:
    shown = os.path.relpath(path)
    return path if shown.startswith("..") else shown


def selection_for(config: Config, path: str, given: Selection) -> Selection:
    """The rules for a file: what the command line says goes before what the configuration says.

    --select takes the place of select, extend-select and ignore; --ignore that of ignore; severities are set on top.
    """
    own = [rules for rules in config.per_path if matches(rules.pattern, path, os.path.dirname(config.path))]
    ignored = given.ignore or (() if given.select else config.ignore)
    extended = () if given.select else (*config.extend, *(name for rules in own for name in rules.extend))
    return Selection(
        given.select or config.select,
        (*given.extend, *extended),
        (*ignored, *(name for rules in own for name in rules.ignore)),
        (*config.severity, *(pair for rules in own for pair in rules.severity), *given.severity),
    )


def matches(pattern: str, path: str, folder: str) -> bool:
    """Whether a pattern of the configuration in `folder` means a file: its name, a folder above it, or its path from there."""
    names = os.path.relpath(os.path.abspath(path), folder or None).split(os.sep)
    parts = [part for part in pattern.split("/") if part]
    if not parts or names[0] == os.pardir:
        return False
    if "/" not in pattern.rstrip("/"):
        parts = ["**", *parts]
    return re.match("".join(map(_part, parts)) + "(?:/|$)", "".join(f"/{name}" for name in names)) is not None


def _part(part: str) -> str:
    if part == "**":
        return "(?:/[^/]+)*"
    from fnmatch import translate  # noqa: PLC0415  for patterns alone

    inner = translate(part).removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z")
    return f"/(?:{inner.replace('.*', '[^/]*')})"
