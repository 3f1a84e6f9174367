"""Slash-separated paths as Go's path package (and filepath on Linux) treats them.

clean("a//b/../c/")        →  "a/c"
join("/app", "../etc")     →  "/etc"
base("/a/b/")              →  "b"
"""

from __future__ import annotations

import re

_UNCLEAN = re.compile(r"//|(?:^|/)\.\.?(?:/|\Z)|./\Z", re.DOTALL)
"""What a clean path has nowhere: an empty part, a dot part, a slash at its end."""


def clean(path: str) -> str:
    """The shortest equal path, by its text alone; "." for an empty one."""
    if not path:
        return "."
    if _UNCLEAN.search(path) is None:
        return path
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part != "..":
            parts.append(part)
        elif parts and parts[-1] != "..":
            parts.pop()
        elif not rooted:
            parts.append(part)
    return f"/{'/'.join(parts)}" if rooted else "/".join(parts) or "."


def join(*parts: str) -> str:
    """The parts that are not empty with slashes between, cleaned; nothing for no parts."""
    joined = "/".join(part for part in parts if part)
    return clean(joined) if joined else ""


def base(path: str) -> str:
    """The last part; "." for an empty path, "/" where there are only slashes."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def directory(path: str) -> str:
    """All but the last part, cleaned."""
    return clean(path[: path.rfind("/") + 1])


def is_absolute(path: str) -> bool:
    return path.startswith("/")
