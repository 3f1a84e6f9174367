"""Values of a configuration file, checked one by one against what each setting takes.

Entries("pyproject.toml", {"ignore": ["DL3008"], "ignroe": []}, line_of)
    .rules("ignore")                  ("DL3008",)
    .rest()                           ConfigError: pyproject.toml:3: there is no setting ignroe (did you mean ignore?)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockerfile_frontend.diagnostics import did_you_mean
from dockerfile_frontend.lint.config.model import ConfigError
from dockerfile_frontend.lint.table import UnknownRuleError, expand_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LABEL_TYPES = ("text", "url", "semver", "hash", "rfc3339", "spdx", "email")


class Entries:
    """A table of a configuration file. What is not taken from it by name is unknown."""

    def __init__(self, path: str, table: Any, line_of: Callable[[str], int], name: str = "", line: int = 0) -> None:  # noqa: ANN401
        """`line_of` tells the line of a key. Raises ConfigError for what is no table."""
        if not isinstance(table, dict):
            raise ConfigError(path, line, f"{name or 'the configuration'} is no table of settings")
        self.path = path
        self.table: Mapping[Any, Any] = table
        self._line_of = line_of
        self._known: list[str] = []

    def fault(self, key: object, message: str, hint: str = "") -> ConfigError:
        return ConfigError(self.path, self._line_of(str(key)), message, hint)

    def get(self, key: str) -> Any:  # noqa: ANN401  whatever stands there
        """None where it does not stand."""
        self._known.append(key)
        return self.table.get(key)

    def texts(self, key: str, *, one: bool = False) -> tuple[str, ...]:
        """A list of strings, or with `one` a single string, too."""
        value = self.get(key)
        if value is None:
            return ()
        if one and isinstance(value, str):
            return (value,)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fault(key, f"{key} is no list of strings")
        return tuple(value)

    def rules(self, key: str, *, lenient: bool = False) -> tuple[str, ...]:
        """Names of rules. With `lenient`, those that hadolint no longer has are left out."""
        return self.known(key, self.texts(key), lenient=lenient)

    def known(self, key: str, names: Sequence[str], *, lenient: bool = False) -> tuple[str, ...]:
        found = []
        for name in names:
            if lenient and name.upper() in RETIRED:
                continue
            try:
                expand_name(name)
            except UnknownRuleError as error:
                raise self.fault(key, str(error), error.hint) from None
            found.append(name)
        return tuple(found)

    def flag(self, key: str) -> bool | None:
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.fault(key, f"{key} is true or false")
        return value

    def choice(self, key: str, choices: Sequence[str]) -> str | None:
        value = self.get(key)
        return None if value is None else self.one_of(key, value, choices)

    def one_of(self, key: str, value: object, choices: Sequence[str]) -> str:
        if not isinstance(value, str) or value not in choices:
            near = did_you_mean(str(value), choices)
            hint = f"did you mean {near}?" if near else ""
            raise self.fault(key, f"{key} is one of {', '.join(choices)}, not {value}", hint)
        return value

    def inner(self, key: str) -> Entries | None:
        value = self.get(key)
        return None if value is None else Entries(self.path, value, self._line_of, key, self._line_of(key))

    def labels(self, key: str) -> dict[str, str]:
        """A label schema: label to type."""
        schema = self.inner(key)
        pairs = schema.table.items() if schema else ()
        return {str(label): self.one_of(str(label), kind, LABEL_TYPES) for label, kind in pairs}

    def rest(self) -> None:
        """Raises ConfigError for what is there and was not asked for."""
        for key in self.table:
            if key not in self._known:
                lower = {known.lower(): known for known in self._known}
                close = lower.get(str(key).lower()) or lower.get(did_you_mean(str(key).lower(), lower), "")
                hint = f"did you mean {close}?" if close else f"there are {', '.join(self._known)}"
                raise self.fault(key, f"there is no setting {key}", hint)


RETIRED = frozenset({"DL3005", "DL3017", "DL3031", "DL3039", "DL4002", "DL1000"})
"""hadolint's rules of former versions, and its word for a file that it cannot read."""
