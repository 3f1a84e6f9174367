"""Where boxes and arrows go: in layers, what is needed before what needs it.

    layout(picture)  ──▶  Layout(width, height, boxes {id: Box(x, y, width, height)}, paths ((edge, points), …))

The usual way (Sugiyama's): every node as late as its users allow; arrows over several layers get a bend in each; each layer is
sorted by where its neighbours are, back and forth; then nodes move towards their neighbours as far as there is room. Our own, because
grandalf is GPL or EPL and last released in 2023, fast-sugiyama brings a compiled engine for one machine type a wheel, and the others need
Graphviz installed; this is near linear in what it is given. Layers run from left to right, or from top to bottom where there are many.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from dockerfile_frontend.inspect.picture.markup import label
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dockerfile_frontend.inspect.picture.model import Edge, Node, Picture

LINE = 15
"""Pixels of a line of text."""

LETTER, DIGIT, CAPITAL = 6.7, 7.5, 8.8
"""Pixels of a letter: fonts differ, and none is asked."""

PADDING = 12
NARROWEST = 84
BELOW, BESIDE = 64, 132
"""Pixels between layers: an arrow's label is wide."""

BETWEEN_NODES = 18
WIDE = 0x1100
"""Code point from which on letters may be twice as wide."""

MARGIN = 24
SWEEPS = 8
MOST_BENDS = 150_000
"""Of a picture; one with more has straight arrows, which cross boxes: nobody can follow them anyway."""

DEEP = 9
"""Layers from which on they run downwards."""


class Box(Record):
    """A node's place, its corner at the top left."""

    x: float
    y: float
    width: float
    height: float


class Layout(Record):
    """A drawing's size and places, in pixels."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    paths: tuple[tuple[Edge, tuple[tuple[float, float], ...]], ...]
    """Each edge from the border of its source to that of its target."""
    down: bool


class _Slot:
    """A node, or the bend of an edge, in its layer."""

    __slots__ = ("across", "after", "before", "centre", "layer", "length", "node", "order")

    def __init__(self, layer: int, length: float, across: float, node: Node | None = None) -> None:
        self.layer = layer
        self.node = node
        self.length = length
        """Size along the layers' way."""
        self.across = across
        """Size within the layer."""
        self.before: list[_Slot] = []
        self.after: list[_Slot] = []
        self.order = 0
        self.centre = 0.0


def layout(picture: Picture) -> Layout:
    """The same for the same picture, always."""
    layers = rank(picture)
    down = max(layers.values(), default=0) >= DEEP
    slots = {node.id: _slot(node, layers[node.id], down=down) for node in picture.nodes}
    spans = sum(abs(layers[edge.target] - layers[edge.source]) for edge in picture.edges)
    bends = [_connect(edge, slots, bent=spans <= MOST_BENDS) for edge in picture.edges]
    rows = _rows([*slots.values(), *(slot for chain in bends for slot in chain)])
    _sort(rows)
    _spread(rows)
    return _placed(picture, slots, bends, rows, down=down)


def rank(picture: Picture) -> dict[str, int]:
    """A layer for each node: behind all that it needs; what nothing stands before as near to its users as it can."""
    users: dict[str, list[str]] = {node.id: [] for node in picture.nodes}
    inputs: dict[str, list[str]] = {node.id: [] for node in picture.nodes}
    for edge in picture.edges:
        if edge.source != edge.target:
            inputs[edge.target].append(edge.source)
            users[edge.source].append(edge.target)
    found: dict[str, int] = {}
    order = _topological(inputs, users)
    for node in order:
        found[node] = max((found[source] + 1 for source in inputs[node] if source in found), default=0)
    for node in reversed(order):
        if not inputs[node] and users[node]:
            found[node] = max(0, min(found[user] for user in users[node]) - 1)
    return found


def _topological(inputs: Mapping[str, Sequence[str]], users: Mapping[str, Sequence[str]]) -> list[str]:
    """What is needed first. A circle, which no legal graph has, is entered where it is met."""
    open_inputs = {node: len(sources) for node, sources in inputs.items()}
    ready = [node for node, count in open_inputs.items() if not count]
    order: list[str] = []
    done: set[str] = set()
    rest = iter(list(inputs))
    while len(order) < len(inputs):
        node = ready.pop() if ready else next(rest)
        if node in done:
            continue
        done.add(node)
        order.append(node)
        for user in users[node]:
            open_inputs[user] -= 1
            if not open_inputs[user]:
                ready.append(user)
    return order


def _slot(node: Node, layer: int, *, down: bool) -> _Slot:
    lines = label(node)
    width = max(NARROWEST, max(map(_width_of, lines)) + 2 * PADDING)
    height = len(lines) * LINE + 2 * PADDING - 6
    return _Slot(layer, height if down else width, width if down else height, node)


def _width_of(line: str) -> float:
    wide = sum(letter.isupper() or letter in "mwMW@—…" or ord(letter) >= WIDE for letter in line)
    digits = sum(letter.isdigit() for letter in line)
    return wide * CAPITAL + digits * DIGIT + (len(line) - wide - digits) * LETTER


def _connect(edge: Edge, slots: Mapping[str, _Slot], *, bent: bool) -> list[_Slot]:
    """The bends of an edge, one for each layer that it passes."""
    first, last = slots[edge.source], slots[edge.target]
    if first.layer > last.layer:
        first, last = last, first
    chain = [_Slot(layer, 0, 4) for layer in range(first.layer + 1, last.layer)] if bent else []
    way = [first, *chain, last]
    for before, after in itertools.pairwise(way):
        if before is not after:
            before.after.append(after)
            after.before.append(before)
    return chain


def _rows(slots: Iterable[_Slot]) -> list[list[_Slot]]:
    rows: dict[int, list[_Slot]] = {}
    for slot in slots:
        rows.setdefault(slot.layer, []).append(slot)
    found = [rows[layer] for layer in sorted(rows)]
    for row in found:
        _number(row)
    return found


def _number(row: list[_Slot]) -> None:
    for order, slot in enumerate(row):
        slot.order = order


def _sort(rows: list[list[_Slot]]) -> None:
    """Fewer crossings: by the middle of the neighbours before, then of those after, and again; the best order is kept."""
    best, fewest = [list(row) for row in rows], _crossings(rows)
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        for row in rows if forth else reversed(rows):
            row.sort(key=lambda slot: _middle(slot.before if forth else slot.after, slot.order))
            _number(row)
        count = _crossings(rows)
        if count < fewest:
            best, fewest = [list(row) for row in rows], count
        if not fewest:
            break
    for row, kept in zip(rows, best, strict=True):
        row[:] = kept
        _number(row)


def _middle(neighbours: Sequence[_Slot], otherwise: float) -> float:
    return sum(slot.order for slot in neighbours) / len(neighbours) if neighbours else otherwise


def _crossings(rows: Sequence[Sequence[_Slot]]) -> int:
    """How many pairs of arrows cross, layer by layer; a tree of sums counts them in n log n."""
    total = 0
    for row in rows:
        ends = [
            after.order
            for slot in row
            for after in sorted(slot.after, key=lambda s: s.order)
            if after.layer == slot.layer + 1
        ]
        sums = [0] * (max(ends, default=0) + 2)
        for seen, end in enumerate(ends):
            at, below = end + 1, 0
            while at:
                below += sums[at]
                at &= at - 1
            total += seen - below
            at = end + 1
            while at < len(sums):
                sums[at] += 1
                at += at & -at
    return total


def _spread(rows: list[list[_Slot]]) -> None:
    """Centres within the layers: each near the mean of its neighbours, none over another."""
    for row in rows:
        at = 0.0
        for slot in row:
            slot.centre = at + slot.across / 2
            at += slot.across + BETWEEN_NODES
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        for row in rows if forth else reversed(rows):
            _settle(row, [_wanted(slot.before if forth else slot.after, slot) for slot in row])
    for row in rows:
        _settle(row, [_wanted([*slot.before, *slot.after], slot) for slot in row])


def _wanted(neighbours: Sequence[_Slot], slot: _Slot) -> float:
    return sum(each.centre for each in neighbours) / len(neighbours) if neighbours else slot.centre


def _settle(row: Sequence[_Slot], wanted: Sequence[float]) -> None:
    """As near to where they want to be as their order and sizes allow: those that touch move as one, by the mean of their wishes."""
    blocks: list[tuple[float, int, float, list[int]]] = []  # sum of wishes for the start, count, length, slots
    for index, slot in enumerate(row):
        total, count, length, members = wanted[index] - slot.across / 2, 1, slot.across + BETWEEN_NODES, [index]
        while blocks and blocks[-1][0] / blocks[-1][1] + blocks[-1][2] > total / count:
            before = blocks.pop()
            total = before[0] + total - count * before[2]
            count, length, members = before[1] + count, before[2] + length, before[3] + members
        blocks.append((total, count, length, members))
    for total, count, _, members in blocks:
        at = total / count
        for index in members:
            row[index].centre = at + row[index].across / 2
            at += row[index].across + BETWEEN_NODES


def _placed(
    picture: Picture,
    slots: Mapping[str, _Slot],
    bends: Sequence[Sequence[_Slot]],
    rows: Sequence[Sequence[_Slot]],
    *,
    down: bool,
) -> Layout:
    lowest = min((slot.centre - slot.across / 2 for row in rows for slot in row), default=0.0)
    starts: dict[int, tuple[float, float]] = {}
    at = float(MARGIN)
    gap = BELOW if down else BESIDE
    for row in rows:
        length = max(slot.length for slot in row)
        starts[row[0].layer] = (at, length)
        at += length + gap
    total = max(at - gap, MARGIN) + MARGIN
    across = max((slot.centre + slot.across / 2 for row in rows for slot in row), default=0.0) - lowest + 2 * MARGIN

    def middle(slot: _Slot) -> tuple[float, float]:
        start, length = starts[slot.layer]
        along, side = start + length / 2, slot.centre - lowest + MARGIN
        return (side, along) if down else (along, side)

    boxes = {}
    for name, slot in slots.items():
        x, y = middle(slot)
        width, height = (slot.across, slot.length) if down else (slot.length, slot.across)
        boxes[name] = Box(round(x - width / 2, 1), round(y - height / 2, 1), round(width, 1), height)
    paths = tuple(
        (edge, _path(boxes[edge.source], boxes[edge.target], [middle(slot) for slot in chain], down=down))
        for edge, chain in zip(picture.edges, bends, strict=True)
    )
    size = (across, total) if down else (total, across)
    return Layout(round(size[0], 1), round(size[1], 1), boxes, paths, down)


def _path(source: Box, target: Box, bends: list[tuple[float, float]], *, down: bool) -> tuple[tuple[float, float], ...]:
    if down:
        start, end = (source.x + source.width / 2, source.y + source.height), (target.x + target.width / 2, target.y)
    else:
        start, end = (source.x + source.width, source.y + source.height / 2), (target.x, target.y + target.height / 2)
    return tuple((round(x, 1), round(y, 1)) for x, y in (start, *bends, end))
