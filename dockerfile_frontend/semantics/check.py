"""Which findings are wanted: the check directive, comments above an instruction, and the build arg that stands over both.

    # check=skip=JSONArgsRecommended,StageNameCasing;error=true
    ──▶  CheckConfig(skip={"JSONArgsRecommended", "StageNameCasing"}, error=True)

Dockerfile reference: "check".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.numbers import NumberError, parse_bool
from dockerfile_frontend.gostd.text import quote
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIRECTIVE = r"(?is)\s*check\s*=\s*(?P<value>.+?)\s*\Z"


class CheckConfig(Record):
    """Rules that are off, experimental ones that are on, and whether a finding is an error."""

    skip: frozenset[str] = frozenset()
    skip_all: bool = False
    experimental: frozenset[str] = frozenset()
    experimental_all: bool = False
    error: bool = False

    def wants(self, rule: str, *, experimental: bool = False) -> bool:
        if experimental:
            return self.experimental_all or rule in self.experimental
        return not self.skip_all and rule not in self.skip

    def also(self, other: CheckConfig) -> CheckConfig:
        """This one, and what `other` switches; whether findings are errors stays."""
        return CheckConfig(
            self.skip | other.skip,
            self.skip_all or other.skip_all,
            self.experimental | other.experimental,
            self.experimental_all or other.experimental_all,
            self.error,
        )

    def under(self, comments: Iterable[str]) -> CheckConfig:
        """The configuration for an instruction with these comments above it; a faulty one changes nothing."""
        for comment in comments:
            if "check" in comment.lower() and (match := re.match(_DIRECTIVE, comment)):
                try:
                    return self.also(parse_check(match["value"].partition(" ")[0]))
                except DockerfileError:
                    return self
        return self


SILENT = CheckConfig(skip_all=True)
"""Nothing is reported."""


def parse_check(text: str) -> CheckConfig:
    """skip=…;experimental=…;error=… in any order. Raises DockerfileError."""
    fields: dict[str, object] = {}
    for part in text.strip().split(";", 2) if text.strip() else ():
        key, equals, value = part.partition("=")
        if not equals:
            raise DockerfileError(f"invalid check option {quote(part)}", code="check")
        key, value = key.strip(), value.strip()
        if key in ("skip", "experimental"):
            if value == "all":
                fields[f"{key}_all"] = True
            else:
                fields[key] = frozenset(name.strip() for name in value.split(","))
        elif key == "error":
            fields["error"] = _parse_error(value, part)
        else:
            raise DockerfileError(f"invalid check option {quote(key)}", code="check")
    return CheckConfig(**fields)  # type: ignore[arg-type]  # each as its key says


def _parse_error(value: str, part: str) -> bool:
    try:
        return parse_bool(value)
    except NumberError as error:
        raise DockerfileError(f"failed to parse check option {quote(part)}: {error}", code="check") from None
