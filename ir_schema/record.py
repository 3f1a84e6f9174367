"""Frozen, slotted dataclasses that cost little to declare.

    class Point(Record):
        x: int
        y: int = 0

    Point(1) == Point(1, 0); dataclasses.replace(Point(1), y=2); match p: case Point(x, y): ...

`dataclasses.dataclass(frozen=True, slots=True)` writes and compiles six methods for a class when its module is imported: 0.6 ms
a class, 30 ms for a compiler that starts, works for 20 ms and ends. A `Record` has the same surface (`fields`, `replace`,
`asdict`, pattern matching, pydantic's support of dataclasses) but shares all its methods except ``__init__``, and that is
written only for a class that is called often: compiling a small file makes a few records of each of sixty classes.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field, FrozenInstanceError, field
from typing import Any, ClassVar, NoReturn, dataclass_transform


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class RecordType(type):
    """Gives a class its slots and knows its fields, both from its annotations."""

    def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> RecordType:
        fields: dict[str, tuple[str, Any]] = {}
        for base in bases:
            fields.update(getattr(base, "__record_fields__", {}))
        own = [key for key, text in space.get("__annotations__", {}).items() if "ClassVar" not in text]
        for key in own:
            fields[key] = space["__annotations__"][key], space.pop(key, MISSING)
        space["__slots__"] = own
        space["__record_fields__"] = fields
        space["__dataclass_fields__"] = _DataclassFields()
        space["__match_args__"] = tuple(fields)
        if "__init__" not in space and fields:
            space["__init__"] = _first_init
        return super().__new__(cls, name, bases, space)


class _DataclassFields:
    """What `dataclasses` asks of a class, made when it asks."""

    def __get__(self, record: Record | None, cls: type[Record]) -> dict[str, Field[Any]]:
        fields = {name: _field(name, *given) for name, given in cls.__record_fields__.items()}
        type.__setattr__(cls, "__dataclass_fields__", fields)
        return fields


class _DataclassParams:
    """The same, of how a class was declared."""

    def __get__(self, record: Record | None, cls: type[Record]) -> Any:  # noqa: ANN401 - nowhere documented
        like: Any = dataclasses.dataclass(frozen=True)(type("_Like", (), {}))
        return like.__dataclass_params__  # the one way to such a value


class Record(metaclass=RecordType):
    """Base of all records: compared and hashed by class and field values, never changed after construction."""

    __record_fields__: ClassVar[dict[str, tuple[str, Any]]]
    """Annotation and default of each field; a default is a value, MISSING, or a field with a factory."""
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __dataclass_params__: ClassVar[Any] = _DataclassParams()
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


_calls: dict[type[Record], int] = {}
FEW = 50
"""Calls after which a class gets an ``__init__`` of its own: writing one takes as long as making that many without."""


def _first_init(self: Record, *args: object, **kwargs: object) -> None:
    """What every class begins with: as quick as may be for a class of which there are few."""
    cls = type(self)
    _calls[cls] = calls = _calls.get(cls, 0) + 1
    if calls > FEW or not _fill(self, args, kwargs):
        cls.__init__ = _write_init(cls)  # type: ignore[method-assign]
        cls.__init__(self, *args, **kwargs)


def _fill(self: Record, args: tuple[object, ...], kwargs: dict[str, object]) -> bool:
    """Set all fields; False when the arguments do not fit, which the written ``__init__`` says as Python does."""
    fields = type(self).__record_fields__
    given = dict(zip(fields, args, strict=False))
    if len(args) > len(fields) or not kwargs.keys() <= fields.keys() - given.keys():
        return False
    given |= kwargs
    for name, (_, default) in fields.items():
        if name in given:
            value = given[name]
        elif default is MISSING:
            return False
        else:
            value = default.default_factory() if isinstance(default, Field) else default  # type: ignore[operator]
        object.__setattr__(self, name, value)
    after = getattr(self, "__post_init__", None)
    if after is not None:
        after()
    return True


def _write_init(cls: type[Record]) -> Any:  # noqa: ANN401 - its signature is made here
    names: dict[str, object] = {}
    parameters, body = [], []
    for name, (_, default) in cls.__record_fields__.items():
        names[f"set_{name}"] = getattr(cls, name).__set__
        value = name
        if default is MISSING:
            parameters.append(name)
        elif isinstance(default, Field):
            names[f"make_{name}"], names["MISSING"] = default.default_factory, MISSING
            parameters.append(f"{name}=MISSING")
            value = f"make_{name}() if {name} is MISSING else {name}"
        else:
            names[f"default_{name}"] = default
            parameters.append(f"{name}=default_{name}")
        body.append(f"    set_{name}(self, {value})")
    if "__post_init__" in dir(cls):
        body.append("    self.__post_init__()")
    exec(f"def __init__(self, {', '.join(parameters)}):\n" + "\n".join(body), names)  # noqa: S102 - names come from class bodies
    return names["__init__"]
