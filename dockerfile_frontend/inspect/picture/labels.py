"""Where arrows' labels go: on their arrow, over no box and no other label; where there is no room, none.

Boxes of builds that people write stand close, and a label that lies on another makes both unreadable. What has no room is still told
when a pointer rests on the arrow, and in the page's panel.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from dockerfile_frontend.inspect.picture.markup import shortened
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dockerfile_frontend.inspect.picture.layout import Box, Layout

    Point = tuple[float, float]

LETTER = 5.4
"""Pixels of a small letter."""

HEIGHT = 12
LENGTHS = (26, 20, 15)
"""Letters of a label, as many as there is room for."""

ALONG = (0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78)
"""Places on a stretch of an arrow, in the order they are tried."""

ROW = 40
"""Pixels of the strips in which what is in the way is looked up."""

_Span = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class Label(Record):
    """The start of a text's base line."""

    x: float
    y: float
    text: str


def place_labels(plan: Layout, texts: Sequence[str]) -> list[Label | None]:
    """One for each path; None for an empty text and for one that has no room."""
    taken = _Taken(plan.boxes.values())
    found: list[Label | None] = []
    for (_, points), text in zip(plan.paths, texts, strict=True):
        found.append(_placed(points, text, taken, down=plan.down) if text else None)
    return found


class _Taken:
    """Rectangles, by the strips that they touch."""

    def __init__(self, boxes: Iterable[Box]) -> None:
        self._rows: dict[int, list[_Span]] = {}
        for box in boxes:
            self.add((box.x, box.y, box.x + box.width, box.y + box.height))

    def add(self, span: _Span) -> None:
        for row in _rows(span):
            self._rows.setdefault(row, []).append(span)

    def free(self, span: _Span) -> bool:
        left, top, right, bottom = span
        return not any(
            left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
            for row in _rows(span)
            for other in self._rows.get(row, ())
        )


def _rows(span: _Span) -> range:
    return range(int(span[1] // ROW), int(span[3] // ROW) + 1)


def _placed(points: Sequence[Point], text: str, taken: _Taken, *, down: bool) -> Label | None:
    """Shorter when the whole has no room."""
    for told in dict.fromkeys(shortened(text, longest) for longest in LENGTHS):
        width = len(told) * LETTER
        for x, y in _places(points, down=down):
            left, base = (x + 4, y) if down else (x - width / 2, y - 3)
            span = (left - 2, base - HEIGHT + 2, left + width + 2, base + 3)
            if taken.free(span):
                taken.add(span)
                return Label(round(left, 1), round(base, 1), told)
    return None


def _places(points: Sequence[Point], *, down: bool) -> Iterator[Point]:
    """Points of the curve: of its last stretch first, which belongs to one arrow most often, then of the first, then between."""
    stretches = list(itertools.pairwise(points))
    for start, end in (stretches[-1:] + stretches[:-1])[:8]:
        for part in ALONG:
            yield curve_point(start, end, part, down=down)


def curve_point(start: Point, end: Point, part: float, *, down: bool) -> Point:
    """Where the curve from start to end is after that part of its way: it leaves and arrives along the layers' way."""
    rest = 1 - part
    even = rest * rest * (rest + 3 * part), part * part * (part + 3 * rest)
    bent = rest * rest * rest, 3 * rest * part, part * part * part

    def across(a: float, b: float) -> float:
        return a * even[0] + b * even[1]

    def along(a: float, b: float) -> float:
        return a * bent[0] + (a + b) / 2 * bent[1] + b * bent[2]

    (x0, y0), (x1, y1) = start, end
    return (across(x0, x1), along(y0, y1)) if down else (along(x0, x1), across(y0, y1))
