"""A list that never changes and to which appending is cheap: history, paths used, facts captured.

    chain = Chain().then("a").then("b")
    list(chain)  →  ["a", "b"]

Each instruction appends and hands on; a tuple would be copied each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


class Chain(Generic[T]):
    """An immutable list that shares its beginning with the ones it was made from."""

    __slots__ = ("_before", "_last")

    def __init__(self, before: Chain[T] | None = None, last: T | None = None) -> None:
        self._before = before
        self._last = last

    @classmethod
    def of(cls, items: Iterable[T]) -> Chain[T]:
        chain = cls()
        for item in items:
            chain = chain.then(item)
        return chain

    def then(self, item: T) -> Chain[T]:
        """This list and one more item."""
        return Chain(self, item)

    def __iter__(self) -> Iterator[T]:
        items: list[T] = []
        link = self
        while link._before is not None:
            items.append(link._last)  # type: ignore[arg-type]  # only the empty list has no item
            link = link._before
        return reversed(items)

    def __bool__(self) -> bool:
        return self._before is not None
