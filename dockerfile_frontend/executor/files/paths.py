"""Slash-separated paths by their text alone.

    clean("/a//b/../c/")  ──▶ "/a/c"        keep_slash("/a/b/.") ──▶ "/a/b/."        split("/a/b") ──▶ ("/a", "b")
"""

from __future__ import annotations

import re

_UNCLEAN = re.compile(r"//|(?:^|/)\.\.?(?:/|\Z)|./\Z", re.DOTALL)


def clean(path: str) -> str:
    """The shortest equal absolute path; ".." does not go above "/"."""
    if path and _UNCLEAN.search(path) is None:
        return path
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/" + "/".join(parts)


def keep_slash(path: str) -> str:
    """As `clean`, but what the end says stays: "/" asks for a directory, "/." for its content."""
    found = clean(f"/{path}")
    if path.endswith("/."):
        return f"{found.rstrip('/')}/."
    return f"{found}/" if path.endswith("/") and found != "/" else found


def split(path: str) -> tuple[str, str]:
    """The directory and the name of a clean absolute path."""
    above, _, name = path.rpartition("/")
    return above or "/", name
