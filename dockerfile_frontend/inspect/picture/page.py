"""A picture as a page: one file, with the drawing, its data, style and script inside, which asks nobody for anything.

Drag or arrow keys move, the wheel and + - 0 zoom, / searches, a click or Enter on a box tells its lines, cost and neighbours, Escape ends
that. Its own policy forbids the browser all else, so that what a Dockerfile holds stays text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING

from dockerfile_frontend.inspect.picture.data import picture_json
from dockerfile_frontend.inspect.picture.svg import DARK, STYLE, drawing, escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.inspect.picture.model import Picture


def page(picture: Picture) -> Iterator[str]:
    """Lines of the file."""
    script, style = asset("page.js"), STYLE + DARK + asset("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    title = escaped(picture.file or "graph")
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{style}</style></head><body>"
    yield f'<header><h1>{title}</h1><span class="count">{counted(picture)}</span><span id="hits" class="dim" role="status"></span>'
    yield '<span class="legend">━ base ─ copy ┄ mount</span>'
    if any(node.state for node in picture.nodes):
        yield '<span class="legend"><i class="cached">▢</i> cached <i class="run">▢</i> runs <i class="perhaps">▢</i> perhaps</span>'
    yield '<input id="search" type="search" placeholder="search  ( / )" aria-label="search">'
    yield '<button id="fit" type="button">fit</button><button id="theme" type="button">light / dark</button></header>'
    yield '<main id="view">'
    yield from drawing(picture)
    yield '</main><aside hidden aria-live="polite"></aside>'
    yield f'<script type="application/json" id="data">{embedded({**picture_json(picture), "source": picture.source})}</script>'
    yield f"<script>{script}</script></body></html>"


def asset(name: str) -> str:
    return (files("dockerfile_frontend.inspect.picture") / name).read_text("utf-8")


def embedded(data: object) -> str:
    """JSON that no tag ends and no comment opens."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def counted(picture: Picture) -> str:
    """5 stages, 3 images, or 12 ops, 4 of them run."""
    stages = sum(node.kind == "stage" for node in picture.nodes)
    images = sum(node.kind == "image" for node in picture.nodes)
    ran = sum(node.state in ("run", "perhaps") for node in picture.nodes)
    if stages:
        return f"{stages} stage{'s' * (stages != 1)}, {images} image{'s' * (images != 1)}"
    runs = f", {ran} of them run" if any(node.state for node in picture.nodes) else ""
    return f"{len(picture.nodes)} ops{runs}"
