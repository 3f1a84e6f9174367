"""A map from text to text that never changes and is cheap to extend: environments, args and labels.

    env = Layered.of([("PATH", "/bin"), ("A", "1")])
    env.with_item("PATH", "/x")            # iterates as A, PATH: a name set anew goes last
    env.with_item("PATH", "/x", keep=True) # iterates as PATH, A: it keeps its place

Every instruction of a Dockerfile may add a name, and every one after it sees the whole: copying a dict each time would make
6,000 instructions cost a hundred times 600. So a Layered is a large dict shared with its predecessors and a small one of its own.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence

_SMALL = 32
"""An overlay grows up to this, or up to the root of what is below; then both dicts become one."""
_FEW = 8
"""So many items are added one by one; for more, everything is copied once."""


class Layered(Mapping[str, str]):
    """An immutable ordered map."""

    __slots__ = ("_base", "_length", "_over", "_pairs")

    def __init__(self, base: dict[str, str], over: dict[str, str], length: int) -> None:
        """Both dicts belong to the new map from here on. A name in `over` may hide one in `base`."""
        self._base = base
        self._over = over
        self._length = length
        self._pairs: tuple[str, ...] | None = None

    @classmethod
    def of(cls, items: Iterable[tuple[str, str]]) -> Layered:
        """A map of these items; one that comes twice stands where it comes last."""
        base: dict[str, str] = {}
        for name, value in items:
            base.pop(name, None)
            base[name] = value
        return cls(base, {}, len(base))

    def with_item(self, name: str, value: str, *, keep: bool = False) -> Layered:
        """This map and one item, at the end; with `keep`, a name it already has keeps its place."""
        over, base = self._over, self._base
        known = name in over or name in base
        if keep and known and name not in over:
            base = {**base, name: value}
            return Layered(base, over, self._length)
        over = over.copy()
        if not keep:
            over.pop(name, None)
        over[name] = value
        length = self._length + (not known)
        if len(over) <= _SMALL or len(over) ** 2 <= len(base):
            return Layered(base, over, length)
        return Layered(_merged(base, over), {}, length)

    def with_items(self, items: Sequence[tuple[str, str]], *, keep: bool = False) -> Layered:
        """This map and these items, each at the end in turn; with `keep`, names it already has keep their places."""
        if len(items) <= _FEW:
            found = self
            for name, value in items:
                found = found.with_item(name, value, keep=keep)
            return found
        merged = _merged(self._base, self._over)
        for name, value in items:
            if not keep:
                merged.pop(name, None)
            merged[name] = value
        return Layered(merged, {}, len(merged))

    def without(self, name: str) -> Layered:
        if name not in self:
            return self
        merged = _merged(self._base, self._over)
        del merged[name]
        return Layered(merged, {}, len(merged))

    def pairs(self) -> tuple[str, ...]:
        """Each item as name=value."""
        if self._pairs is None:
            self._pairs = tuple([f"{name}={value}" for name, value in self.items()])
        return self._pairs

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # narrower on purpose
        value = self._over.get(name)
        return value if value is not None else self._base.get(name, default)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._over or name in self._base

    def __iter__(self) -> Iterator[str]:
        if not self._over:
            return iter(self._base)
        return iter(_merged(self._base, self._over))

    def __len__(self) -> int:
        return self._length

    def items(self) -> ItemsView[str, str]:
        return (_merged(self._base, self._over) if self._over else self._base).items()


def _merged(base: dict[str, str], over: dict[str, str]) -> dict[str, str]:
    """The items of both, those of `over` behind the others."""
    merged = base.copy()
    for name in over:
        merged.pop(name, None)
    merged.update(over)
    return merged


EMPTY = Layered({}, {}, 0)
