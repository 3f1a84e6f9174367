"""All instructions: the flags each takes, and what reads it.

TABLE["copy"] = Row(parse_copy, {"chown": "text", …})
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions import parse as p
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dockerfile_frontend.instructions.flags import FlagKind
    from dockerfile_frontend.instructions.model import Instruction
    from dockerfile_frontend.syntax.tree import Node


class Row(Record):
    """What there is to know about reading an instruction."""

    parse: Callable[[Node, Mapping[str, FlagKind]], Instruction]
    flags: Mapping[str, FlagKind] = {}


TABLE: Mapping[str, Row] = {
    "add": Row(
        p.parse_add,
        {
            "chown": "text",
            "chmod": "text",
            "link": "bool",
            "keep-git-dir": "bool",
            "checksum": "text",
            "unpack": "bool",
            "exclude": "texts",
        },
    ),
    "arg": Row(p.parse_arg),
    "cmd": Row(p.parse_cmd),
    "copy": Row(
        p.parse_copy,
        {"chown": "text", "from": "text", "chmod": "text", "link": "bool", "exclude": "texts", "parents": "bool"},
    ),
    "entrypoint": Row(p.parse_entrypoint),
    "env": Row(p.parse_env),
    "expose": Row(p.parse_expose),
    "from": Row(p.parse_from, {"platform": "text"}),
    "healthcheck": Row(
        p.parse_healthcheck,
        {"interval": "text", "timeout": "text", "start-period": "text", "start-interval": "text", "retries": "text"},
    ),
    "label": Row(p.parse_label),
    "maintainer": Row(p.parse_maintainer),
    "onbuild": Row(p.parse_onbuild),
    "run": Row(p.parse_run, {"device": "texts", "mount": "texts", "network": "text", "security": "text"}),
    "shell": Row(p.parse_shell),
    "stopsignal": Row(p.parse_stopsignal),
    "user": Row(p.parse_user),
    "volume": Row(p.parse_volume),
    "workdir": Row(p.parse_workdir),
}
