"""Package URLs of images, as BuildKit writes them into provenance.

    image_purl("docker", "docker.io/library/alpine:3.20", amd64) ──▶ "pkg:docker/alpine@3.20?platform=linux%2Famd64"
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from .annotations import format_platform
from .names import familiar

if TYPE_CHECKING:
    from ir_schema.ops import Platform


def image_purl(kind: str, reference: str, platform: Platform | None = None) -> str:
    """`kind` is docker for what a registry has, oci for a layout. A reference with a digest needs no tag."""
    bare, _, digest = reference.partition("@")
    slash = bare.rfind("/")
    colon = bare.rfind(":")
    name, tag = (bare[:colon], bare[colon + 1 :]) if colon > slash else (bare, "")
    above, _, last = familiar(name).rpartition("/")
    version = tag or ("" if digest else "latest")
    path = "".join(f"{quote(part, safe='')}/" for part in above.split("/") if part)
    qualifiers = {"digest": digest, "platform": format_platform(platform) if platform else ""}
    query = "&".join(f"{key}={quote(value, safe=':')}" for key, value in qualifiers.items() if value)
    return f"pkg:{kind}/{path}{quote(last, safe='')}{f'@{quote(version)}' if version else ''}{f'?{query}' if query else ''}"
