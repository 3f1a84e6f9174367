r"""Trees as text, both ways, one line an entry.

    app/ 0755 5:6                  a directory
    app/a.txt 0644 0:0 "text\n"    a file; size*N instead of its text is N bytes of a hole
    app/b = app/a.txt              another name of it
    app/l -> a.txt                 a link
    app/null c1:3 0666             a character device; b a block device, p a FIFO
    … @17 user.x="v"               its time, seconds since 1970, and its extended attributes

A listing shows times before 1971 only, since others are those of the test, and owners unless they are 0:0.
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

from dockerfile_frontend.executor.files.walk import DIRECTORY, Visit, walk
from dockerfile_frontend.executor.snapshots.whiteouts import is_whiteout

OLD = 365 * 86400
"""Seconds: times before this were set on purpose."""

_KINDS = {"c": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}
_LETTERS = {kind: letter for letter, kind in _KINDS.items()}


def make_tree(root: Path, text: str, *, time: int = 1000) -> Path:
    """Make what the lines say; `time` is that of all entries without one."""
    root.mkdir(exist_ok=True)
    root.chmod(0o755)
    lines = [line for line in text.splitlines() if line.strip()]
    stamps = [(root, time), *((_make(root, line), _time(line, time)) for line in lines)]
    for path, seconds in reversed(stamps):
        os.utime(path, (seconds, seconds), follow_symlinks=False)
    return root


def _make(root: Path, line: str) -> Path:
    name, *rest = re.findall(r'"(?:[^"\\]|\\.)*"|\S+', line)
    name = _unquoted(name)
    path = root / name.rstrip("/")
    mode = next((int(word, 8) for word in rest if re.fullmatch(r"[0-7]{4}", word)), None)
    owner = next((word.split(":") for word in rest if re.fullmatch(r"\d+:\d+", word)), None)
    device = next((found for word in rest if (found := re.fullmatch(r"([cbp])(?:(\d+):(\d+))?", word))), None)
    if name.endswith("/"):
        path.mkdir()
    elif "->" in rest:
        path.symlink_to(_unquoted(rest[rest.index("->") + 1]))
    elif "=" in rest:
        path.hardlink_to(root / _unquoted(rest[rest.index("=") + 1]))
        return path
    elif device:
        os.mknod(path, _KINDS[device[1]] | 0o600, os.makedev(int(device[2] or 0), int(device[3] or 0)))
    else:
        _write(path, rest)
    if owner:
        os.chown(path, int(owner[0]), int(owner[1]), follow_symlinks=False)
    if not path.is_symlink():
        path.chmod(mode if mode is not None else 0o755 if name.endswith("/") else 0o644)
    for word in rest:
        if found := re.fullmatch(r"([a-z.]+)=(.+)", word):
            os.setxattr(path, found[1], os.fsencode(_unquoted(found[2])), follow_symlinks=False)
    return path


def _time(line: str, default: int) -> int:
    found = re.search(r" @(\d+)", line)
    return int(found[1]) if found else default


def _unquoted(word: str) -> str:
    return str(json.loads(word)) if word.startswith('"') else word


def _write(path: Path, words: list[str]) -> None:
    text = next((word for word in words if word.startswith('"')), '""')
    path.write_bytes(os.fsencode(_unquoted(text)))
    for word in words:
        if found := re.fullmatch(r"size\*(\d+)", word):
            os.truncate(path, int(found[1]))


def list_tree(root: int | Path) -> str:
    """The lines of all that is below a directory."""
    if isinstance(root, Path):
        fd = os.open(root, DIRECTORY)
        try:
            return list_tree(fd)
        finally:
            os.close(fd)
    first: dict[int, str] = {}
    return "".join(f"{_line(visit, first)}\n" for visit in walk(root))


def _line(visit: Visit, first: dict[int, str]) -> str:
    status, path = visit.stat, f"/proc/self/fd/{visit.folder}/{visit.name}"
    kind = stat.S_IFMT(status.st_mode)
    name = (
        visit.path if re.fullmatch(r"[\w./\-+~,\[\]*?!]+", visit.path) else json.dumps(visit.path, ensure_ascii=False)
    )
    if (
        status.st_nlink > 1 and not stat.S_ISDIR(kind) and not is_whiteout(status)
    ):  # the kernel links whiteouts as it likes
        other = first.setdefault(status.st_ino, visit.path)
        if other != visit.path:
            return f"{name} = {other}"
    parts = [f"{name}/" if kind == stat.S_IFDIR else name]
    if kind == stat.S_IFLNK:
        parts.append(f"-> {os.readlink(path)}")
    elif kind in _LETTERS:
        device = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}" if kind != stat.S_IFIFO else ""
        parts.append(f"{_LETTERS[kind]}{device}")
    if kind != stat.S_IFLNK:
        parts.append(f"{stat.S_IMODE(status.st_mode):04o}")
    if (status.st_uid, status.st_gid) != (0, 0):
        parts.append(f"{status.st_uid}:{status.st_gid}")
    if kind == stat.S_IFREG:
        parts.append(_content(path, status))
    if status.st_mtime < OLD:
        parts.append(f"@{status.st_mtime:g}")
    for attribute in sorted(os.listxattr(path, follow_symlinks=False)):
        if not attribute.startswith(("trusted.overlay.", "user.overlay.", "security.selinux", "system.")):
            value = os.getxattr(path, attribute, follow_symlinks=False)
            parts.append(f"{attribute}={json.dumps(value.decode('latin-1'))}")
    return " ".join(parts)


def _content(path: str, status: os.stat_result) -> str:
    if status.st_size > 4096:
        return f"size*{status.st_size}"
    return json.dumps(Path(path).read_bytes().decode("utf-8", "surrogateescape"), ensure_ascii=False)
