"""Lay out the image's files: an interpreter of its own, and the modules of a frontend as bytecode.

    assemble.py python BASE OUT        the Python in the root file system BASE, its C libraries and its standard library
    assemble.py packages OUT FOLDER…   Python packages, into the same place

Nothing of BASE is run, so that it may be for another processor than this one: what an ELF file needs is read from it. The bytecode
is that of the Python that runs this, which has to be of the same minor version. Modules come as bytecode alone: there is nothing
to compare it with, so nothing is compared when the frontend starts.
"""

from __future__ import annotations

import posixpath
import py_compile
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from elf import loader_of, needed_by

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
HOME = "usr"
"""Where Python goes, in the image."""
LIBRARIES = f"{HOME}/lib/{VERSION}"
UNUSED = re.compile(
    r"^(test|idlelib|tkinter|turtledemo|ensurepip|lib2to3|venv|pydoc_data|distutils|curses|dbm|sqlite3|site-packages|dist-packages"
    r"|config-[^/]*|__phello__|unittest|pydoc\.py|turtle\.py|ssl\.py|[^/]*/test|lib-dynload/_?(curses|dbm|gdbm|tkinter|sqlite3"
    r"|ssl|hashlib|readline|nis|crypt|test|xxlimited|xxsubtype|ctypes_test)[^/]*)(/|$)"
)
"""Of the standard library: tests, tools, and what needs libraries that a process without network and terminal has no use for."""
NOT_OF_FRONTENDS = ("dockerfile_frontend/cli", "dockerfile_frontend/executor", "dockerfile_frontend/lint")
"""Of this project."""
KEPT = (".lark", ".json")
"""Data of packages. Beside them, of each package: its licence."""


class Root:
    """A root file system, whose links lead to places within it."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def find(self, path: str) -> Path | None:
        """The file at an absolute path, all links followed; None if there is none."""
        waiting, found, links = path.strip("/").split("/"), "", 0
        while waiting:
            part = waiting.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                found = posixpath.dirname(found)
                continue
            here = self.folder / found / part
            if here.is_symlink():
                links += 1
                target = str(here.readlink())
                if links > 40:
                    return None
                waiting = [*target.split("/"), *waiting]
                found = "" if target.startswith("/") else found
            else:
                found = posixpath.join(found, part)
        place = self.folder / found
        return place if place.exists() else None


def add_python(base: Root, out: Path) -> None:
    """The interpreter, its C libraries and the standard library."""
    prefix = next((p for p in ("/usr/local", "/usr") if base.find(f"{p}/lib/{VERSION}/os.py")), None)
    program = base.find(f"{prefix}/bin/{VERSION}")
    stdlib = base.find(f"{prefix}/lib/{VERSION}")
    if prefix is None or program is None or stdlib is None:
        sys.exit(f"the base image has no {VERSION}, which is what puts it together")
    put(program, out / HOME / "bin" / VERSION)
    (out / HOME / "bin" / "python3").symlink_to(VERSION)
    (out / HOME / "lib").mkdir(exist_ok=True)
    (out / HOME / "lib" / "python3").symlink_to(VERSION)  # for whoever adds modules, whatever the version
    for source in files(stdlib):
        inside = str(source.relative_to(stdlib))
        if not UNUSED.match(inside):
            add_module(source, out / LIBRARIES, inside)
    add_libraries(base, out)


def add_libraries(base: Root, out: Path) -> None:
    """What the program and its modules are linked with, in the one folder where the loader looks without being told."""
    program = out / HOME / "bin" / VERSION
    loader = loader_of(program.read_bytes())
    real = base.find(loader)
    if real is None:
        sys.exit(f"the base image has no {loader}")
    put(real, out / loader.lstrip("/"))
    folder = "/" + str(real.parent.relative_to(base.folder))
    folders = (folder, folder.removeprefix("/usr"), "/usr/local/lib", "/usr/lib", "/lib", "/usr/lib64", "/lib64")
    waiting = [program, *(out / LIBRARIES / "lib-dynload").glob("*.so")]
    seen = {posixpath.basename(loader)}
    while waiting:
        for name in needed_by(waiting.pop().read_bytes()):
            if name in seen:
                continue
            seen.add(name)
            found = next((path for f in folders if (path := base.find(f"{f}/{name}"))), None)
            if found is None:
                sys.exit(f"the base image has no {name}")
            target = out / folder.lstrip("/").removeprefix("usr/") / name
            put(found, target)
            waiting.append(target)


def add_packages(out: Path, folders: list[str]) -> None:
    for folder in map(Path, folders):
        for source in files(folder):
            inside = str(source.relative_to(folder))
            if not inside.startswith(NOT_OF_FRONTENDS):
                add_module(source, out / LIBRARIES, inside)


def add_module(source: Path, home: Path, inside: str) -> None:
    """A module as bytecode, or a file that one needs as it is."""
    if source.suffix == ".py":
        target = (home / inside).with_suffix(".pyc")
        target.parent.mkdir(parents=True, exist_ok=True)
        shown = f"/{LIBRARIES}/{inside}"
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(source), str(target), shown, doraise=True, invalidation_mode=mode)
    elif source.suffix in (".so", *KEPT) or re.match(r"(?i)(licen[cs]e|copying|notice)", source.name):
        put(source, home / inside)


def put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "python":
        add_python(Root(rest[0]), Path(rest[1]))
    else:
        add_packages(Path(rest[0]), rest[1:])
