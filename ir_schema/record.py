"""Frozen, slotted dataclasses that cost little to declare.

    class Point(Record):
        x: int
        y: int = 0

    Point(1) == Point(1, 0); dataclasses.replace(Point(1), y=2); match p: case Point(x, y): ...

`dataclasses.dataclass(frozen=True, slots=True)` writes and compiles six methods for a class when its module is imported: 0.6 ms
a class, 30 ms for a compiler that starts, works for 20 ms and ends. A `Record` has the same surface (`fields`, `replace`,
`asdict`, pattern matching, pydantic's support of dataclasses) but shares all its methods except ``__init__``, which is written
when the class is first called.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field, FrozenInstanceError, field
from typing import Any, ClassVar, NoReturn, dataclass_transform

_PARAMS = dataclasses.dataclass(frozen=True)(type("_Like", (), {})).__dataclass_params__  # type: ignore[attr-defined]  # the one way to such a value


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class RecordType(type):
    """Gives a class its slots and its field table, both from its annotations."""

    def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> RecordType:
        fields: dict[str, Field[Any]] = {}
        for base in bases:
            fields.update(getattr(base, "__dataclass_fields__", {}))
        own = {key: text for key, text in space.get("__annotations__", {}).items() if "ClassVar" not in str(text)}
        for key, annotation in own.items():
            fields[key] = _field(key, annotation, space.pop(key, MISSING))
        space["__slots__"] = tuple(own)
        space["__dataclass_fields__"] = fields
        space["__dataclass_params__"] = _PARAMS
        space["__match_args__"] = tuple(fields)
        if "__init__" not in space and fields:
            space["__init__"] = _first_init
        return super().__new__(cls, name, bases, space)


class Record(metaclass=RecordType):
    """Base of all records: compared and hashed by class and field values, never changed after construction."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[str, ...]]
    __pydantic_config__: ClassVar[dict[str, Any]] = {"revalidate_instances": "always"}
    """For `validate`: a record is no proof that its fields hold what they should."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(getattr(self, f) == getattr(other, f) for f in self.__match_args__)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, f) for f in self.__match_args__)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{f}={getattr(self, f)!r}' for f in self.__match_args__)})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __getstate__(self) -> dict[str, Any]:
        return {f: getattr(self, f) for f in self.__match_args__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)


def _field(name: str, annotation: Any, default: Any) -> Field[Any]:  # noqa: ANN401 - of any type
    found: Field[Any] = default if isinstance(default, Field) else field(default=default)
    found.name = name
    found.type = annotation
    found.kw_only = False
    found._field_type = dataclasses._FIELD  # type: ignore[attr-defined]  # what `dataclasses.fields` looks for
    return found


def _first_init(self: Record, *args: object, **kwargs: object) -> None:
    """Write the class's own ``__init__``, then call it."""
    cls = type(self)
    cls.__init__ = _write_init(cls)  # type: ignore[method-assign]
    cls.__init__(self, *args, **kwargs)


def _write_init(cls: type[Record]) -> Any:  # noqa: ANN401 - its signature is made here
    names: dict[str, object] = {}
    parameters, body = [], []
    for name, spec in cls.__dataclass_fields__.items():
        names[f"set_{name}"] = getattr(cls, name).__set__
        value = name
        if spec.default_factory is not MISSING:
            names[f"make_{name}"], names["MISSING"] = spec.default_factory, MISSING
            parameters.append(f"{name}=MISSING")
            value = f"make_{name}() if {name} is MISSING else {name}"
        elif spec.default is not MISSING:
            names[f"default_{name}"] = spec.default
            parameters.append(f"{name}=default_{name}")
        else:
            parameters.append(name)
        body.append(f"    set_{name}(self, {value})")
    if "__post_init__" in dir(cls):
        body.append("    self.__post_init__()")
    exec(f"def __init__(self, {', '.join(parameters)}):\n" + "\n".join(body), names)  # noqa: S102 - names come from class bodies
    return names["__init__"]
