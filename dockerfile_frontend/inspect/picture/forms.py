"""The forms that a picture is written in, by the names of `--format`.

draw(picture, "mermaid")  ──▶  b"flowchart LR …"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.inspect.picture.model import Picture

DRAWN = ("mermaid", "dot", "svg", "html")
"""Beside tree and JSON, which commands print in their own ways."""


def draw(picture: Picture, form: str) -> bytes:
    """A file's content."""
    return "".join(f"{line}\n" for line in _lines(picture, form)).encode("utf-8", "replace")


def _lines(picture: Picture, form: str) -> Iterator[str]:
    """One form is loaded a call."""
    match form:
        case "mermaid":
            from dockerfile_frontend.inspect.picture.markup import mermaid  # noqa: PLC0415

            return mermaid(picture)
        case "dot":
            from dockerfile_frontend.inspect.picture.markup import dot  # noqa: PLC0415

            return dot(picture)
        case "svg":
            from dockerfile_frontend.inspect.picture.svg import svg  # noqa: PLC0415

            return svg(picture)
        case "html":
            from dockerfile_frontend.inspect.picture.page import page  # noqa: PLC0415

            return page(picture)
        case _:
            raise ValueError(f"no form {form}")
