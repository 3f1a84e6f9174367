"""Named contexts: which of those the caller gave stands in for a stage or an image.

    contexts {"base": "docker-image://alpine", "base::linux/arm64": "local:arm"}
    find("base", linux/arm64)  →  NamedContext("base", key="base::linux/arm64", kind="local", value="arm")

Dockerfile reference: docker build --build-context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.semantics.platforms import format_whole_platform, normalize_platform
from dockerfile_frontend.semantics.references import InvalidReferenceError, parse_reference
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.semantics.platforms import Platform

_NEVER = ("scratch", "context")
"""Names that no context can take."""


class NamedContext(Record):
    """A source that stands in for a stage or an image."""

    name: str
    """As people write the image: alpine, without docker.io and :latest."""
    key: str
    """The name, with the platform behind it where the caller gave one for it."""
    kind: str
    """docker-image, oci-layout, local, git, http, https or input."""
    value: str
    """What stands behind the kind and its colon."""
    text: str
    """Both, as given."""
    platform: Platform | None = None
    """What it is asked for: of the stage, else of the target."""


class NamedContexts(Record):
    """The caller's contexts."""

    given: Mapping[str, str]
    target_platform: Platform | None
    """None when nobody said which."""
    default_platform: Platform

    def find(self, name: str, platform: Platform | None) -> NamedContext | None:
        """The context for an image or stage of this name. Raises DockerfileError."""
        if not self.given or name.lower() in _NEVER:
            return None
        try:
            short = parse_reference(name).familiar.removesuffix(":latest")
        except InvalidReferenceError as error:
            raise DockerfileError(f"invalid context name {name}: {error}", code="context") from None
        platform = platform or self.target_platform
        whole = f"{short}::{format_whole_platform(normalize_platform(platform or self.default_platform))}"
        key = whole if whole in self.given else short
        if key not in self.given:
            return None
        text = self.given[key]
        kind, colon, value = text.partition(":")
        if not colon:
            raise DockerfileError(f"invalid context specifier {text} for {key}", code="context")
        return NamedContext(short, key, "git" if kind.startswith("git@") else kind, value, text, platform)
