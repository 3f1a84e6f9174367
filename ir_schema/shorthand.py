"""Ops as people read them: what the usual op says goes without saying.

    {"actions": [{"input": -1, "action": {"copy": {"src": "/a", "dest": "/in/", "mode": -1, …}}}]}, one input
      ⇄  Short(scratch=True, clauses=(Clause(("copy", "/a", "->", "/in/")),))

A clause is words, then fields that are not as usual. `shorten` gives None for an op that has no short form; the rules, and the
tables below, are those of SPEC.md.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ir_schema.plain import bytes_of, text_of
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Plain = dict[str, Any]

USUAL: Mapping[str, Plain] = {
    "copy": {
        "mode": -1,
        "timestamp": -1,
        "follow_symlink": True,
        "dir_copy_contents": True,
        "create_dest_path": True,
        "allow_wildcard": True,
        "allow_empty_wildcard": True,
    },
    "exec": {"cwd": "/", "remove_mount_stubs_recursive": True},
    "mkdir": {"mode": 0o755, "make_parents": True, "timestamp": -1},
    "mkfile": {"mode": 0o644, "timestamp": -1},
    "put": {"mode": -1, "timestamp": -1, "create_dest_path": True},
    "rm": {},
    "symlink": {"timestamp": -1},
    "mount": {"input": -1, "output": -1},
}
"""Fields whose usual value is not LLB's default. A copy of one path as it stands is called put."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "copy": ("src", "->", "dest"),
    "mkdir": ("path",),
    "mkfile": ("path",),
    "put": ("src", "->", "dest"),
    "rm": ("path",),
    "symlink": ("newpath", "->", "oldpath"),
}
"""What stands behind the verb of a file's clause."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "network": ("unset", "host", "none"),
    "security": ("sandbox", "insecure"),
    "type": ("bind", "secret", "ssh", "cache", "tmpfs"),
}
"""Enums that are written as words."""

EXEC_FIELDS = ("network", "security", "secretenv", "cdi_devices")
"""Fields of an exec op; all others in its first clause are those of the process."""


class Clause(Record):
    """Words, and fields by name."""

    words: tuple[str, ...]
    fields: Plain


class Short(Record):
    """A body in short form."""

    scratch: bool = False
    """What is changed, or the lower side of a diff, is the empty tree."""
    clauses: tuple[Clause, ...] = ()


def shorten(kind: str, body: Plain, inputs: int) -> Short | None:
    """The short form of an op's body, where `lengthen` makes the same of it."""
    try:
        short = _shorten(kind, body, inputs)
        return short if short is not None and lengthen(kind, short, inputs) == body else None
    except (KeyError, IndexError, ValueError):
        return None


def lengthen(kind: str, short: Short, inputs: int) -> Plain:
    """The body that a short form means. Raises ValueError for one that means nothing."""
    return _without_defaults(_lengthen(kind, short, inputs))


def _shorten(kind: str, body: Plain, inputs: int) -> Short | None:
    match kind:
        case "source":
            return Short(clauses=(Clause((body["identifier"],), body.get("attrs", {})),))
        case "exec":
            return _shorten_exec(body)
        case "file":
            actions = body["actions"]
            scratch = actions[0].get("input", 0) == -1
            return Short(scratch, tuple(_shorten_action(n, actions, inputs, scratch) for n in range(len(actions))))
        case "merge":
            return Short()
        case "diff":
            return Short(scratch=inputs == 1)
        case _:
            return None


def _lengthen(kind: str, short: Short, inputs: int) -> Plain:
    clauses = short.clauses
    match kind:
        case "source":
            if len(clauses) != 1 or len(clauses[0].words) != 1:
                raise ValueError("a source is one identifier")
            return {"identifier": clauses[0].words[0], "attrs": clauses[0].fields}
        case "exec":
            return _lengthen_exec(clauses, root=-1 if short.scratch else 0)
        case "file":
            last = len(clauses) - 1
            made = [_lengthen_action(n, last, clause, inputs, short.scratch) for n, clause in enumerate(clauses)]
            return {"actions": made}
        case "merge":
            return {"inputs": [{"input": n} for n in range(inputs)]}
        case "diff":
            return {"lower": {"input": -1 if short.scratch else 0}, "upper": {"input": 0 if short.scratch else 1}}
        case _:
            raise ValueError(f"{kind} has no short form")


def _shorten_exec(body: Plain) -> Short:
    meta, mounts = dict(body["meta"]), body.get("mounts", [])
    words = tuple(meta.pop("args", ()))
    fields = _named(_differing("exec", meta) | {key: body[key] for key in EXEC_FIELDS if key in body})
    first = mounts[0]
    scratch = first.get("input", 0) == -1
    implied = first == ({"input": -1} if scratch else {}) | {"dest": "/"}
    shown = mounts[1:] if implied else mounts
    if not words and not shown:
        return Short(scratch, (Clause((), fields),))
    return Short(scratch and implied, (Clause(words, fields), *[_shorten_mount(mount) for mount in shown]))


def _shorten_mount(mount: Plain) -> Clause:
    rest = dict(mount)
    dest = rest.pop("dest")
    fields = _named(_differing("mount", rest))
    return Clause(("mount", dest), {"from" if key == "input" else key: value for key, value in fields.items()})


def _lengthen_exec(clauses: Sequence[Clause], root: int) -> Plain:
    if not clauses:
        raise ValueError("an exec has no arguments")
    first, *others = clauses
    fields = _numbered(first.fields)
    body = {key: fields.pop(key) for key in EXEC_FIELDS if key in fields}
    mounts = [_lengthen_mount(clause) for clause in others]
    if all(mount["dest"] != "/" for mount in mounts):
        mounts.insert(0, {"input": root, "dest": "/"})
    return {"meta": {"args": list(first.words), **USUAL["exec"], **fields}, "mounts": mounts, **body}


def _lengthen_mount(clause: Clause) -> Plain:
    word, *places = clause.words or ("",)
    if word != "mount" or len(places) != 1:
        raise ValueError(f"{' '.join(clause.words)} is no mount")
    fields = {"input" if key == "from" else key: value for key, value in _numbered(clause.fields).items()}
    return {**USUAL["mount"], **fields, "dest": places[0]}


def _shorten_action(number: int, actions: Sequence[Plain], inputs: int, scratch: bool) -> Clause:  # noqa: FBT001
    action = actions[number]
    ((verb, step),) = action["action"].items()
    step = dict(step)
    words = tuple(word if word == "->" else step.pop(word, "") for word in WORDS[verb])
    fields = _differing(verb, step)
    if verb == "copy" and len(put := _differing("put", step)) < len(fields):
        verb, fields = "put", put
    _shorten_owner(fields)
    _shorten_data(fields)
    usual = _indices(number, len(actions) - 1, verb, inputs, scratch)
    said = {"on": action.get("input", 0), "from": action.get("secondary_input", 0), "output": action.get("output", 0)}
    fields |= {key: index for key, index in said.items() if index != usual[key]}
    return Clause((verb, *words), fields)


def _lengthen_action(number: int, last: int, clause: Clause, inputs: int, scratch: bool) -> Plain:  # noqa: FBT001
    verb, *words = clause.words or ("",)
    if verb not in WORDS or len(words) != len(WORDS[verb]) or ("->" in WORDS[verb] and words[1] != "->"):
        raise ValueError(f"{' '.join(clause.words)} is no step of a file op")
    fields = dict(clause.fields)
    index = {key: fields.pop(key, usual) for key, usual in _indices(number, last, verb, inputs, scratch).items()}
    _lengthen_owner(fields)
    _lengthen_data(fields)
    step = {**USUAL[verb], **fields, **dict(zip(WORDS[verb], words, strict=True))}
    step.pop("->", None)
    return {
        "input": index["on"],
        "secondary_input": index["from"],
        "output": index["output"],
        "action": {"copy" if verb == "put" else verb: step},
    }


def _indices(number: int, last: int, verb: str, inputs: int, scratch: bool) -> dict[str, int]:  # noqa: FBT001
    """Where a step usually stands: on the one before it, a copy from the last input; only the last gives an output."""
    on = inputs + number - 1 if number else -1 if scratch else 0
    return {"on": on, "from": inputs - 1 if verb in ("copy", "put") else -1, "output": 0 if number == last else -1}


def _shorten_owner(fields: Plain) -> None:
    """Owner and group as a number, or as a name that is looked up in the first input."""
    owner = fields.get("owner")
    if not owner:
        return
    short = {}
    for role, who in owner.items():
        name = who.get("by_name", {})
        if "by_id" in who:
            short[role] = who["by_id"]
        elif name.get("name") and "input" not in name:
            short[role] = name["name"]
        else:
            return
    del fields["owner"]
    fields |= short


def _lengthen_owner(fields: Plain) -> None:
    owner = {}
    for role in ("user", "group"):
        who = fields.pop(role, None)
        if who is not None:
            owner[role] = {"by_id": who} if isinstance(who, int) else {"by_name": {"name": who}}
    if owner:
        fields["owner"] = owner


def _shorten_data(fields: Plain) -> None:
    """What a file holds as text, if it is text."""
    if "data" in fields:
        with suppress(UnicodeDecodeError):
            fields["text"] = bytes_of(fields["data"], ()).decode()
            del fields["data"]


def _lengthen_data(fields: Plain) -> None:
    if "text" in fields:
        fields["data"] = text_of(str(fields.pop("text")).encode())


def _differing(kind: str, fields: Plain) -> Plain:
    """Fields that are not as usual; one that is LLB's default, where something else is usual, is named."""
    usual = USUAL[kind]
    found = {key: value for key, value in fields.items() if key not in usual or usual[key] != value}
    for key, value in usual.items():
        if key not in fields:
            found[key] = False if value is True else "" if isinstance(value, str) else 0
    return found


def _named(fields: Plain) -> Plain:
    return {key: NAMES[key][value] if key in NAMES else value for key, value in fields.items()}


def _numbered(fields: Plain) -> Plain:
    for key, names in NAMES.items():
        if key in fields and fields[key] not in names:
            raise ValueError(f"{key} is one of {', '.join(names)}")
    return {key: NAMES[key].index(value) if key in NAMES else value for key, value in fields.items()}


def _without_defaults(body: Plain) -> Plain:
    """Fields of the body, and of what stands in it, that say nothing are left out, as everywhere in plain form."""
    out: Plain = {}
    for key, value in body.items():
        if isinstance(value, dict):
            made = _without_defaults(value) if key not in ("attrs", "owner", *_OPTIONS) else value
            if made or key != "attrs":
                out[key] = made
        elif isinstance(value, list):
            if value:
                out[key] = [
                    _without_defaults(item) if key in ("actions", "mounts", "inputs") else item for item in value
                ]
        elif value:
            out[key] = value
    return out


_OPTIONS = ("tmpfs", "cache", "secret", "ssh", "proxy_env")
"""Messages that stand in a clause as they are."""
