"""`dfc` as another user. Usage: python as_user.py UID ARGUMENTS.

Everything is imported before the user is changed, since the interpreter may lie in a folder of root's; an `exec` of it could not.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

import dockerfile_frontend
import ir_schema
from dockerfile_frontend.cli import main
from tests.executor.runtime.driver import become

STANDARD = (
    "concurrent.futures.thread", "difflib", "encodings.idna", "http.client", "json", "multiprocessing", "pathlib", "random", "secrets",
    "shutil", "sqlite3", "stat", "statistics", "subprocess", "tempfile", "urllib.parse", "urllib.request", "uuid", "xml.etree",
)  # fmt: skip
FOREIGN = (
    "httpcore", "isal.igzip_lib", "isal.isal_zlib", "rich.console", "rich.live", "rich.table", "rich.text", "zstandard",
)  # fmt: skip


def import_everything() -> None:
    for package in (dockerfile_frontend, ir_schema):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for name in (*STANDARD, *FOREIGN):
        importlib.import_module(name)
    dockerfile_frontend.compile_dockerfile(
        b'FROM scratch\nRUN ["x"]\nCOPY a b\n', dockerfile_frontend.CompileOptions(), dockerfile_frontend.Recorded()
    )


if __name__ == "__main__":
    import_everything()
    become(int(sys.argv.pop(1)))
    main()
